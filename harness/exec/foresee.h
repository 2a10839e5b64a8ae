/*
 * Predictions of a scenario under way: before a step that can trigger a kill the candidates are
 * read and the victim is predicted; a kill is held against the prediction that was there before
 * the kernel chose, and the next one is made from what remains. Which order things had is told by
 * the numbers of the kernel's log, never by clocks.
 *
 *   foresee.c        when: steps, kills, lines of the log
 *   foresee_kill.c   which prediction a kill belongs to, and how that came out
 *   foresee_machine.c the same for the machine itself
 *   view.c           views of a tree that are kept
 *   outlook.c        what: a group and all below it, read or carried on
 *   outlook_groups.c their limits and usage
 *   outlook_tasks.c  their processes
 *   growth.c         who takes memory meanwhile, and how much it can be
 *
 * Reading /proc/PID/status holds on to a process's memory for a moment, and a victim that exits
 * in that moment is not freed when the kernel thinks so, which can kill another one. So processes
 * are read only while none of their groups can be at its limit; from then on the reading is
 * carried on by what costs nobody anything: status pages and the groups' counters.
 */
#ifndef OOMLAB_EXEC_FORESEE_H
#define OOMLAB_EXEC_FORESEE_H

#include "harness/exec/candidates.h"
#include "harness/exec/runner_internal.h"
#include "harness/oomlog/predict.h"

/* ---- growth.c ------------------------------------------------------------------------------- */

struct growth {
	enum predict_growth kind;
	uint64_t most_pages; /* UINT64_MAX: no end is known */
	bool gives_back;     /* and what it holds may become less */
};

/* Of a task's own process from now on, the step that is about to begin included (NULL: none). */
struct growth growth_of(const struct runner *run, int task, const struct plan_step *step);
/* Whether what the task's workload takes counts for itself. */
bool growth_counts(const struct runner *run, int task);
/* Whether it counts for nobody. */
bool growth_elsewhere(const struct runner *run, int task);
/* Whether something is at work already, step or not: then its groups can be at their limits. */
bool growth_under_way(const struct runner *run, int task);
/* Keeps how far the command that this step gives will come. */
void growth_told(struct runner *run, const struct plan_step *step);

/* ---- outlook.c ------------------------------------------------------------------------------ */

/* Beside world.tasks[i]: whose process it is. */
struct seen {
	int task;  /* -1: of a command, which one is not known */
	int child; /* -1: the task's own process */
	bool command;
	uint64_t touched_at;	/* pages by its status page when it was read */
	uint64_t unknown_pages; /* that it may hold besides: it was not read */
	int64_t lag_pages;	/* by which the kernel's figure was behind the true one */
	uint64_t file_pages;	/* mapped; reclaim may take those that its group pays */
};

/* The processes of a tree as they were read, or carried on, and what follows from that for each
 * group. It stands for what the kernel chooses between two lines of its log. */
struct view {
	bool have;
	uint64_t valid_from; /* number of the first line that came after it; UINT64_MAX: not yet */
	uint64_t valid_to;   /* number of the first line after it was overtaken; UINT64_MAX: open */
	struct predict_world world;
	struct seen *seen;
	size_t room; /* of world.tasks and seen */
	struct prediction *by_group;
};

/* The tree of groups below one that has none above it. A kill whose line comes late is judged by
 * the view that the kernel's choice came after. */
struct outlook {
	bool stale;  /* a kill came since */
	bool killed; /* a kill came since the processes were read */
	/* Page tables of processes that are gone since the usage was known exactly. */
	uint64_t late_pages;
	size_t n_last;
	struct last_seen {
		int64_t pid;
		uint64_t table_pages;
	} * last; /* who was there at the last reading */
	struct view now, before;
};

struct foresight {
	struct candidates *candidates;
	const struct badness_rules *rules;
	struct outlook *outlooks; /* a plan group; only those without a parent are used */
	struct told {
		uint64_t goal_pages;  /* that its last command leads to, by its status page */
		uint64_t extra_pages; /* page tables and heads of blocks on the way */
		uint64_t arrival;     /* into its group: the order of the kernel's scan */
	} * told;		      /* one a task */
	uint64_t arrivals;
	uint64_t *rank;	     /* of each group in the kernel's scan */
	struct view machine; /* in a machine of its own: all processes, one group */
	bool machine_killed; /* a kill came since that was read */
};

int outlook_root(const struct runner *run, int group);
bool outlook_in_tree(const struct runner *run, int group, int root);
/* Fills the world of this tree: reads it, or carries the last reading on where something is under
 * way. false: nothing in it can come to its limit, and there is no prediction. */
bool outlook_read(struct runner *run, int root, const struct plan_step *step);
/* Predictions for all groups of this tree from what the view has. */
void outlook_predict(const struct runner *run, int root, struct view *view);
/* What a process holds at most. */
uint64_t outlook_held(const struct predict_task *task);
/* After a kill, or a step that changed something: the same world as of now. */
void outlook_carry_on(struct runner *run, int root, const struct plan_step *step);

/* ---- outlook_groups.c, outlook_tasks.c ------------------------------------------------------ */

uint64_t outlook_pages(const struct runner *run, uint64_t bytes); /* UINT64_MAX stays */
/* Limits, usage, slack of the groups of a tree, as the step will leave them. */
void outlook_groups(const struct runner *run, int root, const struct plan_step *step);
/* Reads the usage; again: as well, and keeps the least and the most of both. */
void outlook_usage(const struct runner *run, int index, struct predict_group *group, bool again);
/* Page cache, in pages, that is given up before anyone is killed. */
uint64_t outlook_cache(const struct runner *run, const struct cg *cg);

uint64_t outlook_touched(const struct runner *run, int task); /* by its status page */
/* Adds process 'index' of the reading, which is in this group. */
void outlook_see(struct runner *run, struct view *view, size_t index, int group,
		 const struct plan_step *step);
bool outlook_orphan(const struct runner *run, const struct seen *seen);
void outlook_set_growth(const struct runner *run, const struct plan_step *step,
			const struct seen *seen, struct predict_task *task);
/* What reclaim may take from processes, or move in their counters, on the way to an OOM. */
void outlook_add_reclaim(struct runner *run, int root);
/* A task of which nothing more is known than that it is, or will be, there. */
void outlook_add_starting(struct runner *run, struct view *view, int index,
			  const struct plan_step *step);
/* Scores are set while others are at work, too. */
void outlook_reread_adj(struct predict_task *task);
/* What stands for the step itself: processes to come, swapoff. */
void outlook_add_by_step(struct runner *run, int root, const struct plan_step *step);

/* ---- foresee_machine.c ---------------------------------------------------------------------- */

/* Before a step that may take memory, or kill. */
void machine_look(struct runner *run, const struct plan_step *step);
/* A step changes candidates: what was read of them holds no more. */
void machine_changes(struct runner *run);
void machine_killed(struct runner *run, struct world_kill *kill);

/* ---- foresee.c, view.c, foresee_kill.c ------------------------------------------------------ */

/* Writes a prediction into the record. */
void foresee_tell(struct runner *run, const struct view *view, int group, const char *name);
/* Fills kill->forecast by this prediction. */
void foresee_judge(const struct runner *run, const struct view *view,
		   const struct prediction *prediction, struct world_kill *kill);

void view_new(const struct plan *plan, struct view *view);
void view_clear(struct view *view);
void view_copy(struct view *to, const struct view *from);

#endif
