/*
 * The readers of step kinds, one a row of the table in steps.c. Private to harness/plan/.
 */
#ifndef OOMLAB_PLAN_STEPS_H
#define OOMLAB_PLAN_STEPS_H

#include "harness/plan/build.h"

/* The most that 'times' may ask for. */
enum { TIMES_MAX = 1000000 };

struct plan_target *add_target(struct build *b, struct plan_step *step);

/* step_memory.c: groups, their knobs, and what workloads are told to allocate */
void read_set(struct build *b, const struct node *value, struct plan_step *step);
void read_remove(struct build *b, const struct node *value, struct plan_step *step);
void read_reset(struct build *b, const struct node *value, struct plan_step *step);
void read_alloc(struct build *b, const struct node *value, struct plan_step *step);
void read_free(struct build *b, const struct node *value, struct plan_step *step);
void read_fill(struct build *b, const struct node *value, struct plan_step *step);

/* step_task.c: steps that name tasks */
void read_start(struct build *b, const struct node *value, struct plan_step *step);
void read_spawn(struct build *b, const struct node *value, struct plan_step *step);
void read_quit(struct build *b, const struct node *value, struct plan_step *step);
void read_signals(struct build *b, const struct node *value, struct plan_step *step);
void read_move(struct build *b, const struct node *value, struct plan_step *step);
void read_adj(struct build *b, const struct node *value, struct plan_step *step);
void read_watch(struct build *b, const struct node *value, struct plan_step *step);
void read_trace(struct build *b, const struct node *value, struct plan_step *step);
void read_nice(struct build *b, const struct node *value, struct plan_step *step);

/* steps.c: the map below 'expect', or a side of 'decide'; NULL with a mistake. */
struct expect *read_expectations(struct build *b, const struct node *value, const char *what);

/* claim.c */
void read_decide(struct build *b, const struct node *value, struct plan_step *step);

#endif
