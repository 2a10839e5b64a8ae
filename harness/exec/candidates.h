/*
 * Who the OOM killer could choose, as the kernel sees them now: processes read from /proc into
 * struct badness_task, one set after the other into arrays that are kept. Once reserved, a reading
 * allocates nothing, so the runner can take one between "go" and "done". Nothing is changed.
 *
 * Which file each number comes from, and what it may be off by, is said in docs/badness.md.
 *
 *   proc_text.c        text of stat and status -> numbers (pure)
 *   candidates_one.c   one process
 *   candidates.c       sets of them, given by pid or of the whole machine
 *   candidates_order.c the processes of memory cgroups, in the order of the kernel's scan
 *   candidates_settle.c which coarse rows are worth another file
 *   candidates_vfork.c who is in the middle of a vfork
 *   candidates_host.c  what holds for the whole machine: T, counters, their error
 */
#ifndef OOMLAB_EXEC_CANDIDATES_H
#define OOMLAB_EXEC_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "cgroups/cg.h"
#include "harness/oomlog/badness.h"

/* Why a process cannot be chosen, whatever its oom_score_adj (task.unkillable). */
enum candidate_bar {
	CANDIDATE_FREE = 0,
	CANDIDATE_INIT,	   /* pid 1 of the machine; that of a container can be killed */
	CANDIDATE_KTHREAD, /* a kernel thread */
	CANDIDATE_NO_MM,   /* a zombie, or exiting: its memory is gone */
	CANDIDATE_VFORK,   /* a vfork child that still uses its parent's memory */
};
const char *candidate_bar_name(enum candidate_bar bar); /* "init", "kernel-thread", ...; NULL */

/* What struct badness_task has no room for. */
struct candidate {
	char comm[OOM_COMM_MAX]; /* as it is: may hold any byte but NUL */
	char state;		 /* of the leader: R, S, D, Z, ... */
	uint8_t bar;		 /* enum candidate_bar */
	bool coarse; /* not all of it is read, see candidates_all(): task.rss_pages is status's */
	bool listed; /* task.order is the kernel's own list of its group */
	uint32_t group; /* index of its group in a reading of groups */
	uint32_t uid, threads;
	uint64_t anon_pages, file_pages, shmem_pages; /* exact sums (6.16 on) as status has them */
	uint64_t status_rss_pages; /* their sum; the kernel's own is task.rss_pages */
	uint64_t start_ticks;	   /* since boot */
};

/* How the kernel reads a process's page counters when it chooses; found out by candidates_open().
 */
enum candidate_counters {
	COUNTERS_AGREE = 0, /* stat and status agree: choice and /proc read the same */
	COUNTERS_APPROX,    /* the choice and stat read approximately, status exactly */
	COUNTERS_EXACT,	    /* the choice and status read exactly (7.0 on) */
};

struct candidates {
	/* The last reading; tasks[i] and more[i] are the same process. */
	size_t n;
	struct badness_task *tasks; /* .comm points into 'more' */
	struct candidate *more;
	bool memcg;	  /* a reading of groups */
	bool order_known; /* tasks[].order is that of the kernel's scan for every pair */
	size_t gone;	  /* went away while they were read: not among the n */
	size_t hidden;	  /* exist, but this user may not read them: not among the n */

	/* The machine. */
	bool whole; /* this is its own pid namespace: no process is out of sight of it */
	enum candidate_counters counters;
	uint64_t page_bytes, ram_pages, swap_pages; /* T of a global OOM is their sum */
	uint64_t cpus;
	uint64_t rss_error_pages;  /* by how much stat and status may differ */
	uint64_t swap_error_pages; /* of one process that has, or had, pages in swap */
	/* While the machine's swap-out counter is still this, who has nothing in swap never had;
	 * 0: nothing since boot. Set it to candidates_swapouts() before victims start. */
	uint64_t swapouts_before;

	struct candidates_priv *priv; /* candidates_internal.h */
};

/* 'proc_fd' is a directory like /proc, kept open by the caller; -1: /proc itself. 'groups' is
 * borrowed and kept; NULL: the order within v1 groups will not be known. */
int candidates_open(int proc_fd, const struct cg_host *groups, struct candidates **ret,
		    struct err *err);
void candidates_free(struct candidates *c); /* NULL is fine */
/* Room for n processes, so that readings of at most n do not allocate. */
void candidates_reserve(struct candidates *c, size_t n);

/* Each of these replaces the reading before. Processes that are not there are left out, see 'gone'
 * and 'hidden'. */

/* These processes (not threads), in the order of a global scan. */
int candidates_read(struct candidates *c, const pid_t *pids, size_t n, struct err *err);
/* The whole machine, in the order of a global scan. Unless 'full', stat is left out where status is
 * enough for now: those rows are coarse, and their error_pages hold the difference. */
int candidates_all(struct candidates *c, bool full, struct err *err);
/* Completes one coarse row. */
void candidates_refine(struct candidates *c, size_t i);
/* Completes all rows that could be among the 'want' most preferred ones. */
void candidates_settle(struct candidates *c, const struct badness_rules *rules,
		       uint64_t total_pages, size_t want);
/* The processes of these memory groups (directories as mounted, v1 or v2), which are in the order
 * of the kernel's scan: a group before those below it, siblings by their creation. */
int candidates_of_dirs(struct candidates *c, const char *const *dirs, size_t n, struct err *err);
/* A memory group and all below it. */
int candidates_of_tree(struct candidates *c, const char *dir, struct err *err);

/* badness_choose() among the reading; equals are BADNESS_TIED only where their order is not sure.
 */
void candidates_choose(const struct candidates *c, const struct badness_rules *rules,
		       uint64_t total_pages, struct badness_choice *ret);
/* Whether it is certain which of the two the kernel's scan meets first (by 'order'). Of a whole
 * machine, two that were started within one clock tick by different parents are not. */
bool candidates_order_sure(const struct candidates *c, size_t i, size_t j);
/* Index of the process; SIZE_MAX: not in this reading. */
size_t candidates_find(const struct candidates *c, int64_t pid);
/* Pages that were ever swapped out on this machine (vmstat). 0 when it does not say. */
uint64_t candidates_swapouts(const struct candidates *c);
/* /proc/PID/oom_score; -ENOENT, -EACCES, ... without a message. */
int candidates_oom_score(const struct candidates *c, int64_t pid, int64_t *ret);

#endif
