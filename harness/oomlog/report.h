/*
 * OOM reports as data. Bytes of a log go in (oomlog_feed), reports come out one at a time
 * (oomlog_fn), of any kernel from 2.4 to 7.x, with whatever prefixes, wraps, gaps and foreign lines
 * the log has. Does no I/O. Keeps the report that is being read, the one before it as long as its
 * reaper may be heard of (10000 lines), and what a wrapped line needs.
 *
 * Numbers keep their origin: the value as printed, its unit and its line; oom_bytes() converts.
 * What the text does not say is not guessed: it is OOM_UNSAID, or OOM_LOST where the part of the
 * report that holds it was cut off, rate-limited or dropped.
 *
 * Sources: mm/oom_kill.c, mm/memcontrol.c, mm/page_alloc.c, lib/show_mem.c of 2.4 to 7.3-rc; the
 * line forms by version are listed in docs/oom-report-forms.md.
 */
#ifndef OOMLAB_OOMLOG_REPORT_H
#define OOMLAB_OOMLOG_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- values --------------------------------------------------------------------------------- */

enum oom_have { OOM_UNSAID = 0, OOM_SAID, OOM_LOST };
enum oom_unit { OOM_COUNT = 0, OOM_PAGES, OOM_KB, OOM_BYTES, OOM_MIB };

struct oom_value {
	uint64_t raw;  /* as printed */
	uint64_t line; /* of the input, from 1 */
	uint8_t unit;  /* enum oom_unit */
	uint8_t have;  /* enum oom_have */
};

struct oom_time {
	bool has_mono, has_unix;
	uint64_t mono_us; /* the kernel's "[  123.456789]" */
	int64_t unix_us;  /* from a prefix that says year and zone; else see oomlog_options */
	char text[48];	  /* the date as the prefix has it, "" without one */
};

/* ---- parts of a report ---------------------------------------------------------------------- */

enum oom_killer {
	OOM_KERNEL = 0,
	OOM_LOWMEMORYKILLER, /* Android's driver (3.x, 4.x) or its lmkd */
	OOM_SYSTEMD_OOMD,
	OOM_EARLYOOM,
	OOM_OOMD, /* Meta's */
	OOM_NOHANG,
};

enum oom_scope { OOM_SCOPE_UNKNOWN = 0, OOM_GLOBAL, OOM_MEMCG, OOM_CPUSET, OOM_MEMPOLICY };

enum oom_cause {
	OOM_CAUSE_UNKNOWN = 0,
	OOM_ALLOCATION,
	OOM_SYSRQ, /* order=-1; before 4.4 by the kworker/keyboard that asks, or "SysRq :" above */
	OOM_PAGEFAULT, /* gfp_mask=0x0: pagefault_out_of_memory() */
};

enum {
	OOM_COMM_MAX = 64, /* TASK_COMM_LEN is 16; oomd and lmk name longer things */
	OOM_PATH_MAX = 1024,
	OOM_TEXT_MAX = 256,
};

/* Columns of a task table, as bits of oom_report.columns. */
enum oom_column {
	OOM_COL_PID = 0,
	OOM_COL_UID,
	OOM_COL_TGID,
	OOM_COL_TOTAL_VM,
	OOM_COL_RSS,
	OOM_COL_RSS_ANON,
	OOM_COL_RSS_FILE,
	OOM_COL_RSS_SHMEM,
	OOM_COL_NR_PTES,
	OOM_COL_NR_PMDS,
	OOM_COL_NR_PUDS,
	OOM_COL_PGTABLES_BYTES,
	OOM_COL_SWAPENTS,
	OOM_COL_CPU,
	OOM_COL_OOM_ADJ,
	OOM_COL_OOM_SCORE_ADJ,
	OOM_COL_NAME,
	OOM_COL_OTHER, /* a column of a patched kernel: read over, its name kept in other_columns */
	OOM_COLUMNS
};
const char *oom_column_name(enum oom_column column); /* "pgtables_bytes" */

/* A row of the table; -1 in what the table has no column for. Memory in pages but for
 * pgtables_bytes, as the kernel prints it. */
struct oom_task {
	int64_t pid, tgid, uid;
	int64_t total_vm, rss, rss_anon, rss_file, rss_shmem;
	int64_t nr_ptes, nr_pmds, nr_puds, pgtables_bytes, swapents;
	int32_t cpu;
	int16_t oom_adj, oom_score_adj; /* INT16_MIN without a column */
	uint64_t line;
	char name[OOM_COMM_MAX];
};

/* What the log says that was done to a process, in the order of the lines. */
enum oom_deed {
	OOM_SELECTED = 0, /* "Kill process P (C) score N or sacrifice child" (2.6.18 to 5.0) */
	OOM_KILLED,	  /* "Killed process P (C) ..." */
	OOM_REAPED,	  /* "oom_reaper: reaped process" */
	OOM_UNREAPED,	  /* "oom_reaper: unable to reap" */
	OOM_SHARING,	  /* "Kill process P (C) sharing same memory" */
	OOM_EXITING,	  /* "OOM victim P (C) is already exiting" */
	OOM_PINNED, /* "oom killer P (C) has mm pinned by Q (D)": the victim; other_* is Q, D */
};
const char *oom_deed_name(enum oom_deed deed); /* "selected", "killed", ... */

struct oom_kill {
	enum oom_deed deed;
	int64_t pid;	       /* -1: not said (userspace killers may name a cgroup only) */
	int64_t uid;	       /* -1: not printed */
	int64_t score;	       /* of OOM_SELECTED; INT64_MIN: not printed */
	int32_t oom_score_adj; /* INT32_MIN: not printed */
	bool memcg, global;    /* what the MSG in front of it says */
	int64_t other_pid;
	char comm[OOM_COMM_MAX], other_comm[OOM_COMM_MAX];
	char cgroup[OOM_PATH_MAX]; /* userspace killers; "" else */
	struct oom_value total_vm, anon_rss, file_rss, shmem_rss, pgtables;
	struct oom_time time;
	uint64_t line;
};

/* One figure of Mem-Info, of a node or zone line, of a memcg block. */
struct oom_figure {
	char where[OOM_TEXT_MAX]; /* "" the machine; "Node 0"; "Node 0 DMA32"; "/group" of a memcg
				   */
	char name[48];		  /* as printed, without the colon: "active_anon", "usage" */
	struct oom_value value;
};

/* A line inside of the report that has no known form. */
struct oom_line {
	uint64_t line;
	char *text;
};

struct oom_report {
	uint64_t number; /* in this stream, from 1 */
	enum oom_killer killer;
	enum oom_scope scope;
	enum oom_cause cause;
	uint64_t first_line, last_line;
	struct oom_time first_time, last_time;
	bool cut_head;	   /* began before the log did, or its head was rate-limited away */
	bool cut_tail;	   /* the log, or the next report, came before its kill */
	bool cut_table;	   /* rows are missing for certain: dropped or no end of the table */
	uint64_t dropped;  /* "** N printk messages dropped **", inside of this report */
	uint64_t repeated; /* "last message repeated N times", likewise */

	/* Header. Texts are "" where nothing was printed. */
	uint64_t header_line;		       /* 0: none */
	char comm[OOM_COMM_MAX];	       /* who asked */
	int64_t invoker_pid, invoker_uid, cpu; /* of the "CPU: n PID: n Comm:" line; -1 */
	char gfp_mask[32];		       /* "0x100cca" */
	char gfp_flags[OOM_TEXT_MAX];	       /* "GFP_HIGHUSER_MOVABLE|__GFP_ZERO" */
	int32_t order;			       /* INT32_MIN: not printed */
	int32_t oom_adj, oom_score_adj;	       /* of who asked; INT32_MIN: not printed */
	char nodemask[OOM_TEXT_MAX];	       /* "(null)", "0-1" */
	char cpuset[OOM_PATH_MAX];
	char mems_allowed[OOM_TEXT_MAX];
	char kernel[OOM_TEXT_MAX]; /* "5.10.0-10-amd64", of the CPU: line or "Not tainted" */

	/* "oom-kill:" summary and the memcg block. */
	char constraint[64];
	uint64_t constraint_line;
	char oom_memcg[OOM_PATH_MAX];
	char task_memcg[OOM_PATH_MAX];
	char summary_comm[OOM_COMM_MAX];
	int64_t summary_pid, summary_uid; /* -1: no summary */
	char oom_group[OOM_PATH_MAX];	  /* of "Tasks in PATH are going to be killed ..." */
	char oom_policy[OOM_TEXT_MAX];	  /* BPF OOM policies */

	bool swapoff;	      /* who asked is in swapoff(2), by its stack */
	bool allocating_task; /* oom_kill_allocating_task */
	bool no_killable;
	bool disabled;		  /* "OOM request ignored" and its like */
	char panic[OOM_TEXT_MAX]; /* the text of a panic that ends the report */

	size_t n_kills;
	struct oom_kill *kills;
	size_t n_figures;
	struct oom_figure *figures;

	uint64_t table_line; /* of its header; 0: no table */
	uint32_t columns;    /* bits of enum oom_column */
	char other_columns[OOM_TEXT_MAX];
	bool table_complete; /* header and end were seen, nothing dropped or malformed between */
	size_t n_tasks;
	struct oom_task *tasks;

	uint64_t page_size;	    /* bytes; 0: the text does not tell */
	const char *page_size_from; /* "buddy lists", "kill line and table", "figures"; NULL */

	size_t n_unknown;
	struct oom_line *unknown;
	uint64_t unknown_more; /* lines beyond OOM_UNKNOWN_MAX: counted, not kept */
};

enum { OOM_UNKNOWN_MAX = 1000 };

/* ---- questions ------------------------------------------------------------------------------ */

/* In bytes, with the report's page size (4096 when it does not tell, see page_size). false: the
 * value is not said, is no memory, or does not fit. */
bool oom_bytes(const struct oom_report *report, const struct oom_value *value, uint64_t *ret);
/* The first figure with this place and name, NULL: none. */
const struct oom_figure *oom_figure(const struct oom_report *report, const char *where,
				    const char *name);
/* The row with this pid, NULL: none. */
const struct oom_task *oom_task(const struct oom_report *report, int64_t pid);
/* The process that the kernel chose (the parent, where a child died for it) and the first that was
 * killed; NULL: nothing tells. */
const struct oom_kill *oom_selected(const struct oom_report *report);
const struct oom_kill *oom_victim(const struct oom_report *report);

const char *oom_killer_name(enum oom_killer killer); /* "kernel", "systemd-oomd", ... */
const char *oom_scope_name(enum oom_scope scope);    /* "global", "memcg", ... */
const char *oom_cause_name(enum oom_cause cause);    /* "allocation", "sysrq", ... */
const char *oom_unit_name(enum oom_unit unit);	     /* "pages", "kB", "bytes", "MiB", "count" */

/* ---- the parser ----------------------------------------------------------------------------- */

/* Takes a finished report, borrowed for the call. Anything but 0 ends oomlog_feed() with it. */
typedef int (*oomlog_fn)(void *data, const struct oom_report *report);

struct oomlog_options {
	/* For dates without a year (RFC 3164) or zone: the newest year that is not after 'now'.
	 * 0: such dates stay text. */
	int64_t now_unix_us;
	/* Monotonic stamps become unix times with it (boot = now - uptime). 0: not known. */
	int64_t boot_unix_us;
};

struct oomlog;
struct oomlog *oomlog_new(const struct oomlog_options *options, oomlog_fn fn, void *data);
void oomlog_free(struct oomlog *log);
/* Any bytes, cut anywhere. Returns 0, or what fn returned. */
int oomlog_feed(struct oomlog *log, const char *bytes, size_t n);
/* A report that may go on (its reaper line, the next victim of an oom.group) is delivered by what
 * comes after it; where nothing comes, a follower asks for it. One without its kill stays. */
int oomlog_flush(struct oomlog *log);
/* End of input: delivers what is there. */
int oomlog_end(struct oomlog *log);
/* Lines read so far. */
uint64_t oomlog_lines(const struct oomlog *log);

#endif
