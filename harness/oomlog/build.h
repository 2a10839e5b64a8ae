/*
 * A report that is being put together: the lists that grow, and what is known of the block of lines
 * that is being read. The readers (head.c, memory.c, memcg.c, table.c, kill.c, daemon.c) fill it
 * in, assemble.c decides to which report a line belongs.
 */
#ifndef OOMLAB_OOMLOG_BUILD_H
#define OOMLAB_OOMLOG_BUILD_H

#include "harness/oomlog/prefix.h"
#include "harness/oomlog/report.h"

/* Bounds, so that no input takes memory without end. What is beyond is counted as missing. */
enum {
	OOMLOG_TASKS_MAX = 1 << 20,
	OOMLOG_FIGURES_MAX = 1 << 18,
	OOMLOG_KILLS_MAX = 1 << 14,
	OOMLOG_UNKNOWN_TEXT_MAX = 1024,
	OOMLOG_COLUMNS_MAX = 32,
};

/* Where a wrapped message goes on in the input. */
struct line_break {
	size_t at;
	uint64_t line;
};

/* One message of the log, unwrapped. */
struct msg {
	struct span text, whole, tag, date;
	enum oomlog_source source;
	bool has_mono, has_unix;
	uint64_t mono_us;
	int64_t unix_us, caller;
	uint64_t line, last_line;
	const struct line_break *breaks;
	size_t n_breaks;
};

/* The line on which a place of the text stands. */
uint64_t msg_line(const struct msg *msg, const char *at);

enum section {
	SECTION_NONE = 0,
	SECTION_HEAD,	/* after the header: stack, registers */
	SECTION_MEMORY, /* Mem-Info */
	SECTION_STATS,	/* "Memory cgroup stats for": lines of name and value */
	SECTION_SLAB,
	SECTION_ALLOCATIONS,
	SECTION_TABLE,
	SECTION_KILL, /* from the summary on */
};

struct builder {
	struct oom_report report;
	size_t cap_kills, cap_figures, cap_tasks, cap_unknown;
	size_t deeds[OOM_PINNED + 1]; /* how many of each */
	/* PIDs that were killed or reaped, by hash: a group may be large, and each reaper line
	 * asks. */
	int64_t *victims;
	size_t victim_slots, n_victims;
	enum section section;
	int64_t caller; /* of the header */
	bool firm;	/* an OOM for certain, not only memory figures */
	bool head;	/* something of a head was seen: a kill line fits behind it */
	bool memory;	/* Mem-Info was seen */
	bool memcg;	/* a memcg block was seen */
	bool table_open, table_bad, table_rows_lost;
	/* Behind a row that makes no sense: another report's table, if PIDs come again. */
	size_t bad_at;		    /* rows before it */
	unsigned int after_bad;	    /* rows that are still compared */
	unsigned int compared_rows; /* in all: comparing is quadratic */
	uint64_t bad_line;
	struct oom_time bad_time;
	bool restarted;
	bool sysrq, pagefault;
	uint64_t first_order_bytes; /* of the first buddy list */
	uint64_t pending_unknown;   /* the last so many unknown lines may be behind the report */
	char zone[OOM_TEXT_MAX];    /* of the last zone line, for lowmem_reserve[] */
	char stats[OOM_PATH_MAX];   /* path of the stats block */
	uint8_t columns[OOMLOG_COLUMNS_MAX];
	unsigned int n_columns;
	char first_date[48], last_date[48];
};

void builder_reset(struct builder *b);
void builder_free(struct builder *b);
/* NULL: out of room or of memory. Fields as "not said". */
struct oom_kill *builder_kill(struct builder *b, const struct msg *msg, enum oom_deed deed);
void builder_note_victim(struct builder *b, int64_t pid);
bool builder_victim(const struct builder *b, int64_t pid);
struct oom_task *builder_task(struct builder *b);
void builder_figure(struct builder *b, struct span where, struct span name, uint64_t raw,
		    enum oom_unit unit, uint64_t line);
void builder_unknown(struct builder *b, const struct msg *msg);
/* Notes that the report has this line: its first or last, times, dates. */
void builder_line(struct builder *b, const struct msg *msg);
/* Somebody was killed, or it is said why not. */
bool builder_complete(const struct builder *b);
/* Derives what the whole tells: scope, cause, cuts, page size. */
void builder_finish(struct builder *b, int64_t now_us, int64_t boot_us);
void stamp_time(struct oom_time *time, const struct msg *msg);

/* Where of a memcg figure whose path a later line tells. */
#define WHERE_OOM_MEMCG ((struct span){"\1", 1})
/* OOM_PATH_MAX and OOM_TEXT_MAX differ: the end of a long path says more than its start. */
void copy_path_end(char *to, size_t size, struct span path);

#endif
