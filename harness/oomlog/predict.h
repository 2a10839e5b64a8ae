/*
 * Who will be chosen when a group comes to its limit: what was read of its processes, projected to
 * the moment of the OOM. Who grows until then grows by what is left below the limit, so the answer
 * is an interval of points for each process, and a victim is certain only if its lowest points are
 * above the highest of everybody else. Where that is not so, the reason is one word.
 *
 * Pure: what is read of the machine, and what is told to whom, is exec/'s business.
 */
#ifndef OOMLAB_OOMLOG_PREDICT_H
#define OOMLAB_OOMLOG_PREDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/oomlog/badness.h"

/* Why a prediction does not decide. */
enum predict_doubt {
	PREDICT_SURE = 0,
	PREDICT_TIE,	  /* equals, and which of them the kernel visits last is not known */
	PREDICT_COUNTERS, /* nearer to each other than the error of the kernel's counters */
	PREDICT_ROOM,	  /* how much there is still room for is not known so exactly */
	PREDICT_RACE,	  /* several grow at once: it depends on the pace */
	PREDICT_CHILDREN, /* somebody makes processes meanwhile */
	PREDICT_COMMAND,  /* a command is at work, nobody knows what it does next */
	PREDICT_LEAVING,  /* somebody is on its way out, and may be gone by then or not */
	PREDICT_ASKER,	  /* vm.oom_kill_allocating_task: who asks dies, whoever that is */
	PREDICT_DOUBTS
};
const char *predict_doubt_name(enum predict_doubt doubt); /* "sure", "tie", ... */

/* What a process may do until the OOM. */
enum predict_growth {
	PREDICT_STILL = 0,
	PREDICT_GROWS,	   /* what it takes counts for itself, page tables included */
	PREDICT_CHARGES,   /* it need not count for itself: page cache, tmpfs */
	PREDICT_ELSEWHERE, /* it counts for no process: a file of a tmpfs that is written only */
	PREDICT_BREEDS,	   /* makes processes, of its own oom_score_adj, that take it */
	PREDICT_AT_WILL,   /* a command: any of these, at any oom_score_adj */
};

struct predict_task {
	struct badness_task task; /* as it was read; 'order' in the kernel's scan */
	bool order_known;
	int group;	 /* where it is and what it takes is charged */
	uint64_t memory; /* the same number: the same memory; 0: its own alone */
	bool gone;	 /* dead, or as good as that */
	bool leaving; /* got a SIGKILL that is not the OOM killer's: still there, but not for long
		       */
	enum predict_growth growth;
	uint64_t most_pages; /* that it may take from now on, UINT64_MAX: no end is known */
	/* Taken since it was read: between these. */
	uint64_t taken_least, taken_most;
	uint64_t given_back; /* since it was read; at most */
	/* By which its counters may be off, down and up, once it has taken something. */
	uint64_t grown_low, grown_high;
};

struct predict_group {
	int parent;	      /* -1: none */
	uint64_t limit_pages; /* UINT64_MAX: none */
	/* Charged now: between these. */
	uint64_t usage_least, usage_most;
	/* Besides, this much may become free before the kernel gives up: precharges, page cache,
	 * swap, what victims that are not gone yet still hold. */
	uint64_t slack_pages;
	uint64_t total_pages; /* T of an OOM of this group */
	bool killer_off;      /* its tasks pause instead */
};

struct predict_world {
	const struct badness_rules *rules;
	size_t n_tasks, n_groups;
	struct predict_task *tasks;
	struct predict_group *groups; /* parents before children */
};

struct prediction {
	bool possible; /* the group can come to its limit at all */
	enum predict_doubt doubt;
	size_t victim;	  /* index; SIZE_MAX: nobody can be chosen. A guess where it is not sure */
	size_t runner_up; /* index; SIZE_MAX: none, or it is a process that is not there yet */
	int64_t points;	  /* of the victim, as expected */
	int64_t margin;	  /* to the runner-up, as expected */
	uint64_t error;	  /* by which both together may be off */
	size_t n_candidates;
	uint64_t total_pages;
};

/* Who dies if this group comes to its limit next; not possible where another group on the way
 * comes first, where the limit is out of reach, or where its killer is off. */
void predict_oom(const struct predict_world *world, int group, struct prediction *ret);
/* Whether all that may still be taken below the group can fill it, its killer on or off. */
bool predict_reachable(const struct predict_world *world, int group);
bool predict_below(const struct predict_world *world, int group, int top);

enum predict_outcome {
	PREDICT_NONE = 0, /* nothing was predicted */
	PREDICT_RIGHT,
	PREDICT_WRONG,
	PREDICT_UNDECIDED,
	PREDICT_VOID, /* the prediction came after the kernel's choice */
};
const char *predict_outcome_name(enum predict_outcome outcome); /* "right", "wrong", ... */
/* Of the kill of this process. Who shares the predicted one's memory dies with it: the log names
 * any of them. */
enum predict_outcome predict_judge(const struct predict_world *world,
				   const struct prediction *prediction, int64_t pid);

#endif
