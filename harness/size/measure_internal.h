/*
 * Between measure.c (the order of things), show.c and ahead.c (runs under a hard limit), trial.c (a
 * single run), together.c, above.c and slow.c. Private to harness/size.
 */
#ifndef OOMLAB_SIZE_MEASURE_INTERNAL_H
#define OOMLAB_SIZE_MEASURE_INTERNAL_H

#include "harness/size/measure.h"

struct measure {
	struct size_lab *lab;
	const struct size_options *options;
	struct size_report *report;
	uint64_t timeout_ns;		 /* of a run with a limit */
	bool slow_start;		 /* the ratchet has to see every call from the start */
	uint64_t mishaps;		 /* ratchet runs that failed by themselves */
	bool sizes_itself;		 /* by its group's limit */
	bool together_asked;		 /* together.c looked, once */
	bool output_known;		 /* whether it varies was looked at */
	bool alone;			 /* ahead.c: nothing beside the next run */
	unsigned int runs_ahead, doubts; /* ahead.c: runs made, batches in which some were no use */
};

/* These return 0; 1: stop, report->trouble says why; -errno: the harness failed. */

/* Without a limit (the ceiling is one): report->free. */
int trial_free(struct measure *measure, struct err *err);
/* Under a hard limit; remembered in report->trials. */
int trial_hard(struct measure *measure, uint64_t limit_bytes, bool *ret_passed, struct err *err);
/* The same on half of the CPUs. */
int trial_half(struct measure *measure, uint64_t limit_bytes, bool *ret_passed, struct err *err);
/* One ratchet run. *ret_good: it ended as without a limit; else run->end or its output says why
 * not. */
int trial_ratchet(struct measure *measure, uint64_t from_bytes, struct run_result *run,
		  bool *ret_good, struct err *err);
struct run_spec trial_hard_spec(const struct measure *measure, uint64_t limit_bytes);
struct run_spec trial_ratchet_spec(const struct measure *measure, uint64_t from_bytes);
int trial_interrupted(struct measure *measure);
int trial_trouble(struct measure *measure, enum size_trouble trouble, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void measure_say(const struct measure *measure, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* With THP 'always': that limits above report->limit_bytes pass as well, or a higher one. */
int above_check(struct measure *measure, struct err *err);
/* show.c: the limit, by runs under it. Each sets report->found, or says what is in the way. */

/* How much below a limit it is shown. */
uint64_t show_margin(const struct measure *measure);
/* Whether the command runs under this limit: a run at it less the margin, if none has been made. */
int show_try(struct measure *measure, uint64_t limit, bool *ret_passed, struct err *err);
void show_found(struct measure *measure, uint64_t limit);
/* A limit from one ratchet run. */
int show_sample(struct measure *measure, uint64_t limit, struct err *err);
/* A limit from many: 'times' runs in a row have to pass at it. */
int show_quantile(struct measure *measure, uint64_t limit, uint64_t times, struct err *err);
/* Without any. */
int show_bisect(struct measure *measure, struct err *err);

/* together.c: report->together_bytes, by one more run of the ratchet. */
int together_find(struct measure *measure, struct err *err);

/* L_slow, from report->limit_bytes up. */
int slow_find(struct measure *measure, struct err *err);

#endif
