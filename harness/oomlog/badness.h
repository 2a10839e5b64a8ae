/*
 * The kernel's badness formula in all its generations, as a table of rules; the choice it leads to;
 * and two uses of it: the audit of a report (was the chosen one the highest?) and the prediction of
 * a victim from what /proc says. Pure: no I/O, no clock.
 *
 * Sources: badness()/oom_badness()/select_bad_process() of mm/oom_kill.c, 2.6.9 to 7.3-rc, and
 * proc_oom_score() of fs/proc/base.c. Which commit changed what stands beside the row.
 */
#ifndef OOMLAB_OOMLOG_BADNESS_H
#define OOMLAB_OOMLOG_BADNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/oomlog/report.h"

/* ---- rules ---------------------------------------------------------------------------------- */

enum badness_generation {
	BADNESS_2_6_9 = 0,
	BADNESS_2_6_11, /* whole children, oom_adj */
	BADNESS_2_6_18, /* half of the children */
	BADNESS_2_6_20, /* other nodes: an eighth instead of never */
	BADNESS_2_6_22, /* to 2.6.35: oom_adj > 0 weighs at least one point */
	BADNESS_2_6_36, /* per mille of rss and swap; RHEL 6 */
	BADNESS_2_6_39, /* to 3.1: page tables; a 32-bit product that overflows */
	BADNESS_3_2,	/* to 3.4 */
	BADNESS_3_5,	/* pages; root: 3 % of all memory */
	BADNESS_3_8,	/* who runs swapoff goes first */
	BADNESS_3_14,	/* root: 3 % of its own; RHEL 7 */
	BADNESS_4_0,	/* PMDs */
	BADNESS_4_7,	/* the last of equals, but for memcgs */
	BADNESS_4_9,	/* the first of equals again */
	BADNESS_4_15,	/* PUDs */
	BADNESS_4_17,	/* to 5.0: no root bonus; the last with child sacrifice */
	BADNESS_5_1,
	BADNESS_5_3, /* the last of equals */
	BADNESS_5_9, /* signed, no clamp */
	BADNESS_GENERATIONS
};

enum badness_scale { BADNESS_RAW, BADNESS_PERMILLE, BADNESS_IN_PAGES };
enum badness_root {
	BADNESS_ROOT_NONE,
	BADNESS_ROOT_QUARTER,
	BADNESS_ROOT_30_PERMILLE,
	BADNESS_ROOT_3_OF_TOTAL,
	BADNESS_ROOT_3_OF_OWN
};
enum badness_tables { BADNESS_NO_TABLES, BADNESS_PTES, BADNESS_PTES_PMDS, BADNESS_ALL_TABLES };
enum badness_tie { BADNESS_FIRST, BADNESS_LAST };
/* Children of a different mm that die in the chosen one's place: the first, the highest one. */
enum badness_child { BADNESS_NO_CHILD, BADNESS_FIRST_CHILD, BADNESS_WORST_CHILD };
/* Who runs swapoff or unmerges KSM pages. */
enum badness_origin {
	BADNESS_ORIGIN_ADJ, /* 3.0 to 3.7: its oom_score_adj reads 1000 meanwhile, no other rule */
	BADNESS_ORIGIN_TOP, /* the most points that there are */
	BADNESS_ORIGIN_BEFORE, /* chosen before badness is asked, the last of several, even at -1000
				*/
};
/* How the memory counters that badness reads differ from the truth. */
enum badness_counters {
	BADNESS_EXACT,	    /* up to 2.6.33, from 7.0 on */
	BADNESS_PER_THREAD, /* 2.6.34 to 6.1: up to 64 pages in each thread's cache */
	BADNESS_PER_CPU, /* 6.2 to 6.19: max(32, 2 * CPUs) pages of each CPU and each of 4 counters
			  */
};

struct badness_rules {
	enum badness_generation generation;
	const char *name; /* "3.14 to 3.19" */
	enum badness_scale scale;
	enum badness_root root;
	enum badness_tables tables;
	enum badness_tie tie_global, tie_memcg;
	enum badness_child child;
	enum badness_origin origin;
	bool clamp;	    /* at least 1 (per mille: and at most 1000) */
	bool int32;	    /* the product is a 32-bit int */
	bool children;	    /* their memory counts: up to 2.6.35 */
	bool nodes_eighth;  /* other nodes: an eighth; else never */
	bool adj_needs_one; /* oom_adj > 0 makes 1 of 0 points */
	bool zero_is_never; /* 0 points are never chosen: 2.6.9 */
	bool recomputable;  /* from a table: false up to 2.6.35 (needs CPU and run time) */
};

/* The rules of a kernel by its version, "5.10.0-10-amd64" or "4.18"; anything older than 2.6.9 gets
 * those of 2.6.9. Known backports (stable 3.10.33, 3.13.10; el6, el7) are looked up, but there are
 * more: for a report prefer audit_report(), which fits the rules. -EINVAL: no version. */
int badness_generation(const char *version, enum badness_generation *ret, struct err *err);
const struct badness_rules *badness_rules(enum badness_generation generation);
/* For --generation: "5.9", "5.9+", "5.9 on", "4.17-5.0", "3.14 to 3.19": that of the (first)
 * version. */
int badness_generation_parse(const char *text, enum badness_generation *ret, struct err *err);
const char *const *badness_generation_names(void);	     /* NULL-terminated */
enum badness_counters badness_counters(const char *version); /* unknown: BADNESS_PER_THREAD */
/* Pages by which the rss and swap that badness reads may be off, either way. 0 for a number of CPUs
 * or threads that is not known: 64 CPUs, 16 threads. */
uint64_t badness_counter_error(enum badness_counters counters, uint64_t cpus, uint64_t threads);

/* ---- points --------------------------------------------------------------------------------- */

struct badness_task {
	int64_t pid, tgid, ppid; /* ppid: -1 not known */
	uint64_t rss_pages, swap_pages, table_pages, total_vm_pages;
	uint64_t children_vm_pages[2]; /* up to 2.6.35: whole, and halves + 1; 0 when not known */
	uint64_t cpu_units, run_units; /* up to 2.6.35: of 8 or 10 s, of 1024 s */
	int oom_score_adj;	       /* -1000..1000; from oom_adj where that is all there is */
	int oom_adj;		       /* -17..15, up to 2.6.35 */
	int nice;
	int privileged; /* CAP_SYS_ADMIN: 1, 0, or -1: not known (a table only says uid) */
	bool rawio;
	bool unkillable;      /* init, kernel thread, no mm, in_vfork, already dying */
	bool other_nodes;     /* none of its threads may use the nodes of who asked */
	bool origin;	      /* runs swapoff, or unmerges KSM pages */
	uint64_t mm;	      /* equal and not 0: the same memory */
	uint64_t order;	      /* place in the kernel's scan, smaller is earlier */
	uint64_t error_pages; /* what the kernel's own reading may differ by, either way */
	const char *comm;     /* borrowed */
};

/* points of an ineligible task */
#define BADNESS_NEVER INT64_MIN

/* What oom_badness() returns; BADNESS_NEVER for who cannot be chosen. 'total_pages' is T: ram and
 * swap of the machine, or the limit (see badness_total_memcg). */
int64_t badness_points(const struct badness_rules *rules, const struct badness_task *task,
		       uint64_t total_pages);
/* The number that the kernel prints as "score N" (3.5 to 5.0: points * 1000 / T). */
int64_t badness_printed_score(const struct badness_rules *rules, int64_t points,
			      uint64_t total_pages);
/* /proc/PID/oom_score for these points with T of the whole machine. */
int64_t badness_proc_score(const struct badness_rules *rules, int64_t points, uint64_t total_pages);
/* The T of a memcg OOM, in pages: mem_cgroup_get_max(), mem_cgroup_get_limit(). UINT64_MAX stands
 * for no limit; without any, that of the machine. 'memsw' is v1's memory+swap limit, 'swap_max'
 * v2's; the other is UINT64_MAX. 'swappiness' is false when the group's (v2: the machine's) is 0;
 * before 3.8 (3.4.y, RHEL 7 as well) it makes no difference: pass true. 2.6.36 to 2.6.38 add the
 * swap's pages to the limit's bytes: pass total_swap_pages / page size to get their T. */
uint64_t badness_total_memcg(uint64_t limit_pages, uint64_t memsw_pages, uint64_t swap_max_pages,
			     uint64_t total_swap_pages, uint64_t ram_pages, bool swappiness);

/* ---- the choice, and its prediction --------------------------------------------------------- */

enum badness_sure {
	BADNESS_CERTAIN = 0,
	BADNESS_TIED, /* equal points: the order of the scan decides; certain when it is known */
	BADNESS_WITHIN_ERROR, /* another one is nearer than the error of the kernel's counters */
	BADNESS_NOBODY,	      /* no candidate */
};

struct badness_choice {
	enum badness_sure sure;
	size_t victim;	  /* index; SIZE_MAX: nobody */
	size_t runner_up; /* index; SIZE_MAX: none */
	int64_t points, runner_up_points;
	int64_t margin;	 /* points between them */
	uint64_t error;	 /* points by which the two together may be off */
	size_t n_ties;	 /* candidates with the victim's points, itself included */
	size_t n_within; /* candidates that could be chosen within the error, itself included */
	size_t child;	 /* index of who dies in the victim's place; SIZE_MAX: itself. Of those
			  * in 'tasks' alone: give children their ppid (== tgid of the parent) */
};

/* Who would be chosen among n tasks, one a process. 'order_known': task.order is the kernel's scan
 * order; else the place in 'tasks' stands for it, and equals are BADNESS_TIED. */
void badness_choose(const struct badness_rules *rules, const struct badness_task *tasks, size_t n,
		    uint64_t total_pages, bool memcg, bool order_known, struct badness_choice *ret);
/* Whether candidate i could be the chosen one within the errors; equals could. O(n). */
bool badness_possible(const struct badness_rules *rules, const struct badness_task *tasks, size_t n,
		      uint64_t total_pages, size_t i);
/* The oom_score_adj from which on task i, or not any more, is the chosen one among all others as
 * they are: the smallest (for who is not chosen) or largest (for who is) that changes it. Up to
 * 2.6.35 an oom_adj. Errors are left aside, equals go by task.order, then by index. false: no value
 * does. O(n). */
bool badness_turning_adj(const struct badness_rules *rules, const struct badness_task *tasks,
			 size_t n, uint64_t total_pages, bool memcg, size_t i, int *ret_adj);

/* ---- audit of a report ---------------------------------------------------------------------- */

enum audit_verdict {
	AUDIT_HIGHEST = 0,  /* the kernel's choice is the highest */
	AUDIT_TIE,	    /* among equals, and the kernel's rule for ties gives it */
	AUDIT_WITHIN_ERROR, /* another row is higher by less than counters and the time between
			     * choice and print can explain */
	AUDIT_CHILD,	    /* the chosen one is the highest, a child died in its place */
	AUDIT_ALLOCATING,   /* oom_kill_allocating_task: no choice */
	AUDIT_NO_CHOICE,    /* nobody was chosen: no killable process, panic, ignored request */
	AUDIT_UNEXPLAINED,  /* NOT explained by the formula */
	AUDIT_NOT_CHECKED,  /* cannot be checked; 'why' says what is missing */
};
const char *audit_verdict_name(enum audit_verdict verdict); /* "highest", "tie", ... for JSON */

struct audit {
	enum audit_verdict verdict;
	bool has_rules;
	enum badness_generation generation; /* fitted, or as told */
	bool fitted;			    /* by printed score or columns, not by version */
	bool root_bonus;		    /* the fit needed the root term for the chosen one */
	uint64_t total_pages;		    /* T; 0: not known and not needed (all adj equal) */
	bool total_least; /* T may be larger, so adj weigh more: swap that counts is not printed */
	const char *total_from; /* "Mem-Info", "limit", "solved from the score", ...; NULL */
	int64_t chosen_pid, victim_pid;	       /* -1: not known */
	int64_t points;			       /* of the chosen one */
	int64_t printed_score, computed_score; /* INT64_MIN: not printed / not computable */
	int64_t best_pid;		       /* the highest row other than the chosen one; -1 */
	int64_t best_points;
	int64_t margin; /* points - best_points: negative when another is higher */
	uint64_t error; /* points allowed */
	size_t rank;	/* of the chosen one among the rows, from 1; 0: not in the table */
	size_t n_ties;	/* rows with its points, itself included */
	size_t n_eligible;
	char why[OOM_TEXT_MAX * 2]; /* one sentence */
	size_t n;		    /* of points: report->n_tasks */
	int64_t *row_points;	    /* of each row, BADNESS_NEVER: not eligible; owned */
};

struct audit_options {
	bool force; /* use 'generation' and fit nothing */
	enum badness_generation generation;
	uint64_t total_swap_pages; /* of the host for memcg reports, UINT64_MAX: unknown */
	uint64_t cpus;		   /* online CPUs for the counter error; 0: unknown */
	/* Victims of the reports before: while they exit, their rows are printed and passed over.
	 * Any order; audit_victims_near() fills it. */
	const int64_t *killed;
	size_t n_killed;
	/* What those held who died less than AUDIT_LATE_US before. Their memory may come back
	 * after the choice, and rows have taken it by the time they are printed. */
	uint64_t late_pages;
};
/* exit_mmap() counts a process as gone (MMF_OOM_SKIP) before its last pages, its page tables and
 * its files of tmpfs are given back; 40 ms later a second victim's report had rows that had grown
 * by 600 pages (7.3). */
#define AUDIT_LATE_US UINT64_C(1000000)

/* Recomputes the choice. Always fills *ret; audit_clear() frees it. */
void audit_report(const struct oom_report *report, const struct audit_options *options,
		  struct audit *ret);
void audit_clear(struct audit *audit);

/* Who died in the reports so far: one for a stream, zeroed at first. For each report call
 * audit_victims_near(), audit_report(), audit_victims_add(). */
enum { AUDIT_VICTIMS_MAX = 128 };
struct audit_victims {
	size_t n, next; /* a ring */
	struct audit_victim {
		int64_t pid;
		uint64_t report; /* number of its report */
		uint64_t pages;	 /* that it held, as its line says */
		struct oom_time time;
	} ring[AUDIT_VICTIMS_MAX];
	int64_t near[AUDIT_VICTIMS_MAX];
};
/* Sets options->killed, borrowed from 'victims', and late_pages to those who died shortly before
 * this report. */
void audit_victims_near(struct audit_victims *victims, const struct oom_report *report,
			struct audit_options *options);
void audit_victims_add(struct audit_victims *victims, const struct oom_report *report);

#endif
