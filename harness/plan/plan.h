/*
 * A plan: one scenario instance and the host's facts turned into concrete groups, knobs,
 * processes and steps; constant once built. Everything that can be wrong in a file is found
 * here, before anything on the machine is touched. Pure: no file, no process.
 */
#ifndef OOMLAB_PLAN_H
#define OOMLAB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "cgroups/cg.h"
#include "harness/judge/judge.h"
#include "harness/record/facts.h"
#include "harness/scenario/scenario.h"
#include "workloads/workload.h"

struct plan_knob {
	const char *knob;  /* canonical name of cgroups/ */
	const char *value; /* as cg_set() takes it; percentages resolved */
	bool nonblock;	   /* by cg_set_nonblock() */
	const struct node *at;
};

struct plan_group {
	const char *name; /* as in the file: "outer/inner" is below "outer" */
	const char *leaf; /* last component */
	int parent;	  /* index of the enclosing group, -1: directly below the run's group */
	size_t n_knobs;
	struct plan_knob *knobs;
	uint64_t limit_bytes;	  /* its own memory.max, UINT64_MAX: none */
	uint64_t effective_bytes; /* smallest of its own and its ancestors' */
};

struct plan_limit {
	int resource; /* RLIMIT_* */
	struct rlimit value;
};

enum plan_start {
	PLAN_START_READY, /* its pattern begins when all tasks are ready, before the first step */
	PLAN_START_LATER, /* waits for a 'start' step */
	PLAN_START_LOCKSTEP, /* only does what 'step' and 'free' tell */
};

struct plan_task {
	const char *name;
	const struct node *at;
	int group;	     /* index, -1: none (stays in the run's own group) */
	const struct wl *wl; /* NULL: a command */
	char **argv;	     /* NULL-terminated: the workload's options ("--block=64M"; without the
			      * program and --control-fd), or the whole command */
	const char *program; /* commands: argv[0]; "stress-ng" also for 'run: stress-ng' */
	enum plan_start start;
	bool spawn_later; /* a 'spawn' step creates it */
	bool has_adj;
	int oom_score_adj; /* -1000..1000 */
	bool has_nice;
	int nice;
	bool has_user;
	uid_t uid;
	gid_t gid;
	char **env; /* NULL-terminated "NAME=value" additions */
	size_t n_limits;
	struct plan_limit *limits;
	int node;     /* its memory comes from this NUMA node alone (MPOL_BIND), -1: from any */
	int cpu;      /* pinned to this CPU, -1: not */
	bool confine; /* hogs: seccomp; default true */
};

enum plan_step_kind {
	PLAN_SET,    /* knobs of groups */
	PLAN_ALLOC,  /* 'step': tell a hog to allocate */
	PLAN_FREE,   /* tell a hog to give back */
	PLAN_FILL,   /* tell a hog to take what is free, until enough were killed */
	PLAN_START,  /* begin patterns of several tasks at once */
	PLAN_SPAWN,  /* create tasks that wait for it */
	PLAN_SIGNAL, /* send a signal to a task */
	PLAN_MOVE,   /* move a task to another group */
	PLAN_ADJ,    /* write oom_score_adj of tasks */
	PLAN_NICE,
	PLAN_QUIT,   /* tell a hog to exit */
	PLAN_SWAP,   /* swapoff / swapon of the scenario's own swap */
	PLAN_REMOVE, /* remove a group */
	PLAN_RESET,  /* count the groups' peak anew */
	PLAN_TRACE,  /* stop tasks by a tracer, now or at their exit */
	PLAN_WATCH,  /* have the kernel tell when groups stall on memory */
	PLAN_SYSRQ,  /* have the kernel do what a key with SysRq does */
	PLAN_EXPECT,
	PLAN_DECIDE, /* an expectation of which it is open which side comes true */
	PLAN_REPEAT, /* 'times' times the steps inside */
};

enum plan_trace_at { PLAN_TRACE_NOW, PLAN_TRACE_EXIT };

enum plan_until {
	PLAN_UNTIL_DONE,    /* each command has its receipt (default) */
	PLAN_UNTIL_BLOCKED, /* stop when the task sleeps in the kernel's OOM wait; 'times' is the
			     * most that may be asked; not blocked by then is a failure */
	PLAN_UNTIL_KILLED,  /* ... until somebody was OOM-killed (anybody) */
	PLAN_UNTIL_DEAD,    /* ... until this task is dead */
	PLAN_UNTIL_ERROR,   /* ... until a receipt carries an errno */
	PLAN_UNTIL_SENT,    /* do not wait at all: later steps go on while it is under way */
};

struct plan_target {
	int task;	     /* PLAN_START, _SPAWN, _SIGNAL, _MOVE, _ADJ, _NICE, _QUIT, _TRACE */
	int group;	     /* PLAN_MOVE: to; PLAN_SET, _REMOVE, _RESET, _WATCH: of */
	const char *trigger; /* PLAN_WATCH: as cg_pressure_fd() takes it */
	int64_t value;	     /* signal number, adj, nice, exit status, enum plan_trace_at */
	size_t n_knobs;	     /* PLAN_SET */
	struct plan_knob *knobs;
	int error; /* PLAN_SET: errno that is expected ("memory.max: {value: 1M, errno: EBUSY}"),
		    * 0: must succeed; -1: either way */
};

struct plan_step {
	enum plan_step_kind kind;
	const struct node *at;
	size_t n_targets;
	struct plan_target *targets;
	/* PLAN_ALLOC, PLAN_FREE, PLAN_FILL */
	int task;
	uint64_t bytes; /* UINT64_MAX: all (free), what still fits (alloc) */
	uint64_t times; /* also PLAN_REPEAT; PLAN_FILL: kills */
	uint64_t left;	/* PLAN_FILL: ends when no more processes are in the task's group */
	enum plan_until until;
	bool exact; /* compute beforehand how many pages fit; compared by 'touched: exact' */
	/* PLAN_SWAP */
	bool swap_on;
	/* PLAN_SYSRQ */
	char key;
	/* PLAN_EXPECT */
	struct expect *expect;
	/* PLAN_DECIDE */
	struct expect *sides[DECIDE_SIDES];
	uint64_t within_ns; /* UINT64_MAX: the plan's */
	/* PLAN_REPEAT */
	size_t n_steps;
	struct plan_step *steps;
};

enum plan_swap { PLAN_SWAP_ANY, PLAN_SWAP_NONE, PLAN_SWAP_FILE, PLAN_SWAP_ZRAM };

/* Changes of the host for the scenario's duration; each journaled and put back. */
struct plan_sysctl {
	const char *name; /* "vm.overcommit_memory" */
	const char *value;
	const struct node *at;
};
struct plan_host {
	enum plan_swap swap; /* 'host: {swap: ...}': NONE turns the machine's own swap off */
	uint64_t swap_bytes;
	size_t n_sysctls;
	struct plan_sysctl *sysctls;
	const char *thp; /* "always", "madvise", "never", NULL: as it is */
};

struct plan_counter {
	int group;
	const char *name;
};

/* What people say about the kernel, put to the test. */
struct plan_claim {
	const char *says;
	const char *truth; /* since when it is not true, or is: "false since 2.6.36" */
	bool here;	   /* whether it should be true on this machine */
};

struct plan {
	const char *name; /* "limits/block-size[block=1M]" */
	const char *suite;
	const char *file;
	const char *title;
	const struct plan_claim *claim; /* NULL: it is about none */
	size_t n_tags;
	const char **tags;
	size_t n_params;
	const struct param *params;
	/* NULL, or why this machine cannot run it and what would provide it. Steps and groups are
	 * complete all the same, so that --dry-run and 'list' can show them. */
	const char *skip;
	bool vm; /* gets a virtual machine of its own, booted for it, whose memory is its limit */
	size_t n_programs; /* that must be in $PATH, else it is a skip when it comes to run */
	const char **programs;
	const char *panic; /* the kernel's panic that must end it, a regular expression */
	const struct node *panic_at;
	bool dangerous; /* could take the machine down: refused unless facts.disposable */
	bool exclusive; /* touches a host toggle: runs alone */
	struct plan_host host;
	size_t n_groups, n_tasks, n_steps, n_counters;
	struct plan_group *groups; /* parents before children */
	struct plan_task *tasks;
	struct plan_step *steps;
	struct plan_counter *counters; /* pairs that expectations ask for: world.counters */
	uint64_t timeout_ns;	       /* of the whole scenario; default 30 s */
	uint64_t within_ns; /* default deadline of an expectation; default 5 s, in a VM 30 s */
	uint64_t repeat;    /* top-level 'repeat', default 1 */
	uint64_t limits_total_bytes; /* sum of top groups' limits: how much it can use at most */
};

/* Builds the plan. The instance must outlive it. Mistakes go to diags: -EINVAL. A host that lacks
 * something is not a mistake: plan->skip. */
int plan_build(const struct instance *instance, const struct facts *facts,
	       const struct cg_host *host, struct plan **ret, struct diags *diags);
void plan_free(struct plan *plan);

/* The plan in words, for --dry-run. */
void plan_print(const struct plan *plan, struct str *out);

#endif
