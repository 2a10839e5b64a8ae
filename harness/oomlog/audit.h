/*
 * Private to the audit of a report (audit*.c): what it knows while it works. The interface is in
 * badness.h.
 */
#ifndef OOMLAB_OOMLOG_AUDIT_H
#define OOMLAB_OOMLOG_AUDIT_H

#include "harness/oomlog/badness.h"

/* T, between bounds where the report does not tell all of it. */
struct audit_total {
	uint64_t low, high; /* pages; equal: known */
	const char *from;   /* where it is from; NULL: nowhere */
};

struct audit_work {
	const struct oom_report *report;
	const struct audit_options *options;
	struct audit *ret;
	const struct badness_rules *rules;
	bool memcg;

	const struct oom_kill *killed; /* its line; NULL: none */
	const struct oom_task *chosen; /* its row; NULL: none */
	bool chosen_named; /* by the log; else the victim stands for it, maybe a child */

	struct audit_total total;
	int root; /* whether uid 0 has CAP_SYS_ADMIN: 1, 0, -1 when nothing tells */
	uint64_t page_size;
	uint64_t cpus;		/* told, or assumed */
	uint64_t counter_error; /* pages */
	uint64_t drift;		/* pages that a row may move between choice and print */
	uint64_t swap_used;	/* pages that rows may hide: no swapents column */
	size_t n_gone;
	int64_t *gone; /* sorted pids that were killed before; owned */
};

/* What the rules make of the table with one T. */
struct audit_outcome {
	enum audit_verdict verdict; /* HIGHEST, TIE, WITHIN_ERROR or UNEXPLAINED */
	int64_t points, best_points;
	const struct oom_task *best;  /* the highest other row */
	const struct oom_task *ruled; /* of a tie that breaks the kernel's rule: whom it takes */
	uint64_t error;
	size_t rank, n_ties, n_eligible;
};

/* audit_rows.c: rows of the table as tasks, and their ranking */
bool audit_eligible(const struct audit_work *work, const struct oom_task *row);
/* -1 for a row of uid 0 takes 'root' of the work, and the bonus where that is not known. */
struct badness_task audit_row(const struct audit_work *work, const struct oom_task *row,
			      int privileged);
void audit_rank(const struct audit_work *work, const struct badness_rules *rules, uint64_t total,
		struct audit_outcome *ret);

/* audit_fit.c: T, and the generation */
void audit_find_total(struct audit_work *work);
/* The generations that the table and the lines allow, the likeliest first; sets the rest of the
 * work by the printed score. Returns their number; 0: nothing tells. */
size_t audit_fit(struct audit_work *work, enum badness_generation ret[BADNESS_GENERATIONS]);
bool audit_needs_total(const struct audit_work *work);

/* audit_why.c: the sentence */
void audit_why_ranked(const struct audit_work *work, const struct audit_outcome *outcome);
void audit_why(struct audit *audit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
