/*
 * What is certain about tasks and groups while the steps are walked. Private to harness/plan/:
 * check.c walks, check_expect.c knows expectations.
 */
#ifndef OOMLAB_PLAN_CHECK_H
#define OOMLAB_PLAN_CHECK_H

#include "harness/plan/build.h"

struct fate {
	int born; /* line of its 'spawn', 0: from the start, -1: not yet */
	int dead; /* line, 0: may live */
	const char *how;
	bool unclaimed; /* dead by a step that did not say how: 'killed' may name it */
	int paused;	/* line of the 'until: blocked' that nothing has ended yet, 0: none */
	int group;
};

struct place {
	int removed;	    /* line, 0: exists */
	bool disabled;	    /* the OOM killer, now */
	bool ever_disabled; /* ... until now */
	bool limited;	    /* had a memory.max until now */
};

struct check {
	struct build *b;
	const struct plan *plan;
	struct fate *tasks;
	struct place *groups;
	bool has_commands; /* which may end, and free memory, by themselves */
};

#define NEVER(check, at, ...) diag_add((check)->b->diags, (check)->b->file, (at), __VA_ARGS__)

/* Whether a task, a group can be there at all; a mistake otherwise. */
bool check_is_there(struct check *check, int task, const struct node *at, const char *what);
bool check_exists(struct check *check, int group, const struct node *at, const char *what);
/* From here on the task is dead; 'how' is static text: "was told to quit". */
void check_die(struct check *check, int task, const struct node *at, const char *how);
/* Something may have let paused tasks go on. */
void check_all_may_go_on(struct check *check);
/* Whether a flag of struct place holds for any group from the task's own upwards. */
bool check_above(const struct check *check, int task, size_t flag_offset);

void check_expect(struct check *check, const struct plan_step *step);
void check_decide(struct check *check, const struct plan_step *step);

#endif
