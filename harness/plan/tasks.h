/*
 * A task while it is read, and the readers of what its process gets besides a program. Private to
 * harness/plan/.
 */
#ifndef OOMLAB_PLAN_TASKS_H
#define OOMLAB_PLAN_TASKS_H

#include "harness/plan/build.h"

struct reading {
	struct plan_task task;
	const struct node *map;
	uint64_t copies; /* 0: one, called as it is */
	int start;	 /* enum plan_start, -1: not given */
	const struct node *exec, *args;
	bool stress_ng;
};

/* tasks.c: adds it to the plan; a mistake where the name is taken. */
void add_task(struct build *b, const struct reading *reading, const char *name);

/* generate.c: the tasks of the crowd, which come after those of the file. */
void add_crowd(struct build *b);

/* process.c; data is a struct reading */
void task_adj(struct build *b, const struct node *value, void *data);
void task_nice(struct build *b, const struct node *value, void *data);
void task_user(struct build *b, const struct node *value, void *data);
void task_env(struct build *b, const struct node *value, void *data);
void task_cpu(struct build *b, const struct node *value, void *data);
void task_node(struct build *b, const struct node *value, void *data);
void task_rlimits(struct build *b, const struct node *value, void *data);

#endif
