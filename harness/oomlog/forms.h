/*
 * The table of line forms: one row a form, with what recognises it, what says that it goes on in
 * the next line of a wrapped log, and the reader that takes it into a report.
 */
#ifndef OOMLAB_OOMLOG_FORMS_H
#define OOMLAB_OOMLOG_FORMS_H

#include "harness/oomlog/build.h"

/* What a line means to the report that it belongs to. */
enum form_role {
	FORM_UNKNOWN = 0,
	FORM_NOISE,    /* stack, registers: known, not kept */
	FORM_HEADER,   /* begins a report */
	FORM_DETAIL,   /* belongs to one that has begun */
	FORM_BLOCK,    /* Mem-Info and memcg lines: may be of a report that lost its header */
	FORM_TABLE,    /* the header of a task table and its rows */
	FORM_SUMMARY,  /* "oom-kill:" */
	FORM_SELECT,   /* "Kill process": a kill will follow */
	FORM_KILL,     /* "Killed process" */
	FORM_AFTER,    /* about a victim, after its kill */
	FORM_END,      /* no killable processes, request ignored, panic */
	FORM_LOSS,     /* messages dropped, repeated */
	FORM_SYSRQ,    /* asks for the next report */
	FORM_DAEMON,   /* another killer's report in one line */
	FORM_FRAGMENT, /* nothing alone: the rest of a wrapped line */
};

struct form {
	enum form_role role;
	const char *starts; /* NULL: anything */
	bool (*is)(struct span text);
	/* Not complete: a line without a prefix goes on with it. */
	bool (*open)(struct span text);
	/* This line without a prefix is its rest, even though it may be complete. */
	bool (*joins)(struct span text, struct span next);
	/* Returns what is behind the message in a log with glued lines; empty: nothing. */
	struct span (*read)(struct builder *b, const struct msg *msg);
};

/* Never NULL. 'section' is that of the report being read. */
const struct form *form_of(struct span text, enum section section);
/* A killer in user space; NULL: none. */
const struct form *form_of_daemon(const struct msg *msg);

/* ---- readers and tests, by file ------------------------------------------------------------- */

/* pair.c: "key:123kB", "key 123", "key=123" */
struct pair {
	struct span key;
	uint64_t value;
	struct span unit;
	const char *at;
};
bool pair_next(struct span *rest, struct pair *ret);
bool pair_starts(struct span text);
enum oom_unit pair_unit(const struct pair *pair, enum oom_unit bare);

/* head.c */
bool is_header(struct span text);
bool header_open(struct span text);
bool is_invoked_part(struct span text);
struct span read_header(struct builder *b, const struct msg *msg);
bool is_cpuset(struct span text);
struct span read_cpuset(struct builder *b, const struct msg *msg);
bool is_cpu(struct span text);
bool cpu_open(struct span text);
bool cpu_fits(const struct builder *b, struct span text);
struct span read_cpu(struct builder *b, const struct msg *msg);
bool is_stack(struct span text);
bool is_registers(struct span text);
bool is_words_of_stack(struct span text);
struct span read_workqueue(struct builder *b, const struct msg *msg);
struct span read_stack(struct builder *b, const struct msg *msg);
bool is_moom_frame(struct span text);

/* memory.c */
struct span read_meminfo(struct builder *b, const struct msg *msg);
bool is_totals(struct span text);
struct span read_totals(struct builder *b, const struct msg *msg);
bool is_zone(struct span text);
bool zone_joins(struct span text, struct span next);
bool zone_open(struct span text);
struct span read_zone(struct builder *b, const struct msg *msg);
bool is_figures_part(struct span text);
bool is_reserve(struct span text);
bool reserve_joins(struct span text, struct span next);
struct span read_reserve(struct builder *b, const struct msg *msg);
bool is_per_cpu(struct span text);
bool is_buddy(struct span text);
bool buddy_open(struct span text);
struct span read_buddy(struct builder *b, const struct msg *msg);
bool is_hugepages(struct span text);
bool hugepages_open(struct span text);
struct span read_hugepages(struct builder *b, const struct msg *msg);
bool is_pages(struct span text);
bool is_pages_part(struct span text);
bool pages_join(struct span text, struct span next);
struct span read_pages(struct builder *b, const struct msg *msg);
bool is_swap(struct span text);
struct span read_swap(struct builder *b, const struct msg *msg);
struct span read_swap_cache(struct builder *b, const struct msg *msg);
struct span read_slab_head(struct builder *b, const struct msg *msg);
bool is_slab(struct span text);
struct span read_slab(struct builder *b, const struct msg *msg);
struct span read_allocations_head(struct builder *b, const struct msg *msg);
bool is_allocation(struct span text);

/* memcg.c */
bool is_task_in(struct span text);
bool task_in_open(struct span text);
struct span read_task_in(struct builder *b, const struct msg *msg);
struct span read_reached(struct builder *b, const struct msg *msg);
bool is_usage(struct span text);
bool usage_open(struct span text);
struct span read_usage(struct builder *b, const struct msg *msg);
bool stats_open(struct span text);
struct span read_stats(struct builder *b, const struct msg *msg);
bool is_stat(struct span text);
bool is_known_stat(struct span text);
struct span read_stat(struct builder *b, const struct msg *msg);
struct span read_protection(struct builder *b, const struct msg *msg);

/* table.c */
struct span read_tasks_state(struct builder *b, const struct msg *msg);
bool is_table_head(struct span text);
bool table_head_open(struct span text);
struct span read_table_head(struct builder *b, const struct msg *msg);
bool is_row(struct span text);
bool row_joins(struct span text, struct span next);
struct span read_row(struct builder *b, const struct msg *msg);
bool row_complete(const struct builder *b, struct span text);

/* kill.c */
bool is_summary(struct span text);
bool summary_open(struct span text);
struct span read_summary(struct builder *b, const struct msg *msg);
struct span read_policy(struct builder *b, const struct msg *msg);
bool is_kill(struct span text);
bool is_select(struct span text);
bool is_sharing(struct span text);
bool is_kill_head(struct span text);
bool kill_open(struct span text);
bool kill_joins(struct span text, struct span next);
bool is_kill_part(struct span text);
struct span read_kill(struct builder *b, const struct msg *msg);
bool is_reaper(struct span text);
struct span read_reaper(struct builder *b, const struct msg *msg);
bool is_group(struct span text);
struct span read_group(struct builder *b, const struct msg *msg);
bool is_pinned(struct span text);
struct span read_pinned(struct builder *b, const struct msg *msg);
bool is_exiting(struct span text);
struct span read_exiting(struct builder *b, const struct msg *msg);
bool is_no_killable(struct span text);
struct span read_no_killable(struct builder *b, const struct msg *msg);
bool is_ignored(struct span text);
struct span read_ignored(struct builder *b, const struct msg *msg);
bool is_panic(struct span text);
struct span read_panic(struct builder *b, const struct msg *msg);
bool is_loss(struct span text);
struct span read_loss(struct builder *b, const struct msg *msg);
bool is_manual(struct span text);
/* Where a next message begins in glued text behind 'from'; NULL: nowhere. */
const char *glued_at(struct span text, size_t from);

/* What a kill line says, without a report: kill.c for itself and for line.c. */
struct kill_value {
	bool said, lost;
	uint64_t value; /* kB */
	const char *at;
};
struct kill_text {
	enum oom_deed deed;
	int64_t pid, uid, score;
	int32_t oom_score_adj;
	struct span message, comm; /* "Memory cgroup out of memory" */
	struct kill_value total_vm, anon_rss, file_rss, shmem_rss, pgtables;
	struct span rest;
};
bool kill_text(struct span text, struct kill_text *ret);
void kill_set_values(struct oom_kill *kill, const struct msg *msg, const struct kill_text *text);
struct summary_text {
	struct span constraint, nodemask, cpuset, mems, oom_memcg, task_memcg, comm, policy;
	bool global;
	int64_t pid, uid;
};
bool summary_text(struct span text, struct summary_text *ret);
/* "PID (COMM)" of a reaper line and how it went. */
bool reaper_text(struct span text, struct kill_text *ret);

/* daemon.c */
struct span read_daemon(struct builder *b, const struct msg *msg);
/* The second and later lines of a lowmemorykiller report. */
bool daemon_goes_on(const struct msg *msg);

#endif
