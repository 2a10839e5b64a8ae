/*
 * Expectations: a table of rows, each with a parser (node -> data) and a judgement (data + world
 * -> holds, wait, or fails, with "expected ..., got ..."). Pure: no clock, no file, no process.
 *
 * An 'expect' step closes an interval: kills and '+N' counters are counted since the 'expect'
 * before it (or the start). 'killed' is exact, and where it is left out nobody may have been
 * killed: each kill must be named by exactly one expectation.
 */
#ifndef OOMLAB_JUDGE_H
#define OOMLAB_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/judge/world.h"
#include "harness/scenario/scenario.h"

/* The names an expectation may use; the planner fills it. */
struct judge_scope {
	const char *file;
	size_t n_tasks, n_groups;
	const char *const *tasks;
	const char *const *groups;
	const uint64_t *group_limits; /* for sizes such as 50%; UINT64_MAX: none */
	uint64_t machine_bytes;	      /* the same for tasks of a virtual machine */
	/* Registers a (group, counter) pair and returns its index in world.counters; pairs are
	 * shared. Supplied by the planner. */
	int (*counter)(void *data, int group, const char *name);
	void *data;
};

struct expect; /* opaque: a list of parsed items */

/* Parses the map below 'expect:'; an empty one expects that nobody was killed. Mistakes go to diags
 * (unknown key: nearest name; unknown task; unknown group; a bad size); -EINVAL then. */
int judge_parse(const struct node *map, const struct judge_scope *scope, struct expect **ret,
		struct diags *diags);
void judge_free(struct expect *expect);

/* Names of all keys, NULL-terminated, for messages and the man page; and one line each. */
const char *const *judge_keys(void);
const char *judge_key_help(const char *key);

/* What exec must observe before judging: set bits only for what the items ask. */
enum judge_wants {
	JUDGE_WANTS_PROOF = 1 << 0, /* ping the 'alive' tasks that are not blocked */
	JUDGE_WANTS_SWAP = 1 << 1,  /* VmSwap of tasks, swap in use */
	JUDGE_WANTS_SCORE = 1 << 2, /* /proc/PID/oom_score of tasks */
	JUDGE_WANTS_POPULATED = 1 << 3,
	JUDGE_WANTS_BLOCKED = 1 << 4, /* state and wchan of tasks with a command under way */
	JUDGE_WANTS_STATE = 1 << 6,   /* state of tasks; read only where nobody is dying */
	JUDGE_WANTS_LOG = 1 << 5,     /* cannot be judged without the kernel's log (a skip there) */
};
unsigned judge_wants(const struct expect *expect);
/* Whether this task is to be proved alive by a ping. */
int judge_wants_proof_of(const struct expect *expect, int task);
/* 'within:', or UINT64_MAX when it was not given (the caller's default deadline applies). */
uint64_t judge_within_ns(const struct expect *expect);
/* 'lasts:', 0 when it was not given: the caller judges again until it has held for so long. */
uint64_t judge_lasts_ns(const struct expect *expect);
/* "false", "true" of DECIDE_FALSE, DECIDE_TRUE. */
const char *judge_side_name(int side);

enum judge_state {
	JUDGE_HOLDS, /* everything expected was observed */
	JUDGE_WAIT,  /* may still come true: judge again at the next event or at the deadline */
	JUDGE_FAILS, /* can no longer come true (somebody else was killed, a dead task ...) */
};

struct finding {
	const struct node *at; /* the line of the scenario; NULL: the whole expectation */
	const char *what;      /* key, e.g. "killed" */
	const char *of;	       /* of a 'decide': which side it is of, "true"; NULL: no 'decide' */
	enum judge_state state;
	bool unlogged;	/* waits for a report that the kernel left out (10 in 5 s) */
	bool undecided; /* it holds only because nothing can be said against it */
	char expected[200];
	char got[400];
	char seen[300]; /* what was seen last that bears on it: counters, states; may be "" */
};

struct findings {
	size_t n;
	struct finding *items; /* grown by judge; free with findings_free() */
};
void findings_free(struct findings *findings);

/* Judges all items against the world: one finding an item, also for what holds, in place of those
 * that ret (zeroed before its first use) had; it allocates at the first judgement alone. The
 * result is the worst of all items (FAILS over WAIT over HOLDS). On HOLDS, kills named by 'killed'
 * are marked claimed in world. */
enum judge_state judge_eval(const struct expect *expect, struct world *world, struct findings *ret);

/* A question to the kernel: two expectations, the sides of a 'decide', of which one comes true. */
enum { DECIDE_FALSE, DECIDE_TRUE, DECIDE_SIDES };

/* Judges both sides. HOLDS: decided, *ret_side says for which, the kills that it names are marked
 * claimed, and ret has its findings. Else ret has the findings of both sides that do not hold.
 *
 * Decided is what holds while the other side does not and has nothing to wait for: it can no
 * longer come true, or no command of a step and no ping is under way, or time is over ('last').
 * Both sides at once decide nothing; that ends with the time. */
enum judge_state judge_decide(const struct expect *const sides[DECIDE_SIDES], struct world *world,
			      bool last, struct findings *ret, int *ret_side);

/* Whether the sources agree about one kill: fills text with what is missing or contradicts, e.g.
 * "wait: SIGKILL, log: no 'Killed process 71' line, counter: oom_kill +0". Returns HOLDS, WAIT
 * (something may still come) or FAILS. */
enum judge_state judge_agreement(const struct world *world, const struct world_kill *kill,
				 char *text, size_t size);

/* The most that oom_kill of a group may show for the kills that are known in it. Their number,
 * but under memory.oom.group on v2 (world->double_count) the kernel counts a chosen victim once
 * as the victim and once more as a member: deaths + 1 for each OOM (seen in mm/oom_kill.c's
 * oom_kill_process(); a victim that is quick to exit is counted once). */
uint64_t judge_counted_max(const struct world *world, int group);

/* The same exactness at a scenario's end: kills that no expectation named, sources that still
 * disagree, kills that were predicted otherwise or that the kernel's own table does not explain,
 * counters that saw more kills than are known, confinement violations, deaths by a
 * signal, failed hogs and errors of commands that no expectation (and no step) named, commands
 * of steps that may still change all that. Adds a finding for each to those in ret. HOLDS when
 * there is none; WAIT when what is missing may still come (a kernel line, a counter). */
enum judge_state judge_final(struct world *world, struct findings *ret);

#endif
