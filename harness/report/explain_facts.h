/*
 * What the sentences and tables of an explanation are made of: the figures of a report found,
 * summed and made bytes. Private to harness/report/explain_*.c.
 */
#ifndef OOMLAB_REPORT_EXPLAIN_FACTS_H
#define OOMLAB_REPORT_EXPLAIN_FACTS_H

#include "base/parse.h"
#include "harness/report/explain.h"

#define EXPLAIN_NONE UINT64_MAX /* the text does not say */

enum { EXPLAIN_KINDS_MAX = 24 };

/* A kind of memory; those 'within' are part of the one above. */
struct explain_kind {
	const char *label;
	uint64_t bytes;
	bool within;
};

struct explain_facts {
	const struct oom_report *report;
	const struct audit *audit;
	bool group;	   /* a group's limit was hit */
	const char *where; /* its path */
	const char *place; /* of its figures */
	uint64_t usage, limit, failcnt, swap_usage, swap_limit, memsw_usage, memsw_limit;
	/* the machine's, EXPLAIN_NONE in most reports of a group */
	uint64_t ram, swap_total, swap_free, free;
	/* of the group or of the machine */
	uint64_t anon, file, shmem, slab_unreclaimable, pgtables, other;
	uint64_t size; /* of what ran out: the limit, or RAM; EXPLAIN_NONE */
	struct explain_kind kinds[EXPLAIN_KINDS_MAX];
	size_t n_kinds;

	const struct oom_kill *chosen, *victim; /* NULL: nothing tells */
	const struct oom_task *chosen_row, *victim_row;
	uint64_t victim_bytes; /* resident, from the kill line or its row */
};

void explain_facts(const struct explain_item *item, struct explain_facts *ret);
/* Who died alone: all that --list needs, without a look at the figures. */
void explain_dead(const struct explain_item *item, struct explain_facts *ret);

/* A figure in bytes (as printed where it is a count); names are compared without case. */
uint64_t explain_figure(const struct oom_report *report, const char *where, const char *name);
uint64_t explain_figure_bytes(const struct oom_report *report, const struct oom_figure *figure);
/* The same summed over every place but the machine: nodes, zones. */
uint64_t explain_figure_sum(const struct oom_report *report, const char *name);
/* Zones that were short, or fragmented; of explain_left(). */
void explain_zones(const struct explain_facts *facts, struct str *out);
/* Resident bytes of a row. */
uint64_t explain_rss(const struct oom_report *report, const struct oom_task *task);
bool explain_unkillable(const struct oom_task *task); /* adj -1000, oom_adj -17 */
/* The pages that oom_score_adj adds to this row's badness under the audit's rules; 0: none. */
int64_t explain_adj_pages(const struct explain_facts *facts, const struct oom_task *task);

/* a / b in percent, 0 when b is not known. */
unsigned explain_percent(uint64_t a, uint64_t b);
/* "61.2M" */
struct explain_size {
	char text[PARSE_TEXT_MAX];
};
struct explain_size explain_size(uint64_t bytes);
#define SIZE_TEXT(bytes) (explain_size(bytes).text)

/* Badness for people: memory, per mille, or a number. */
void explain_points(const struct explain_facts *facts, int64_t points, struct str *out);

/* Sentences, see enum explain_topic: each appends lines. */
void explain_what(const struct explain_facts *facts, struct str *out);
void explain_who(const struct explain_facts *facts, struct str *out);
void explain_died(const struct explain_facts *facts, struct str *out);
void explain_why(const struct explain_facts *facts, struct str *out);
void explain_protected(const struct explain_facts *facts, struct str *out);
void explain_left(const struct explain_facts *facts, struct str *out);
void explain_advice(const struct explain_facts *facts, struct str *out);
/* v1: the limit of memory and swap together is used up. */
bool explain_memsw_reached(const struct explain_facts *facts);
/* A tenth of RAM or more was free: it was not the amount that was short. */
bool explain_much_free(const struct explain_facts *facts);
/* The audit as a sentence: "the kernel's choice is the highest". */
void explain_verdict(const struct explain_facts *facts, struct str *out);

/* "'mysqld' (pid 123)"; a missing pid is left out. */
void explain_process(struct str *out, const char *comm, int64_t pid);

#endif
