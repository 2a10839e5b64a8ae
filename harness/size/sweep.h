/*
 * How a command does under one limit after the other: what 'oomlab sweep' shows. The runs are
 * 'oomlab size''s, with the same rules for what passes.
 */
#ifndef OOMLAB_SIZE_SWEEP_H
#define OOMLAB_SIZE_SWEEP_H

#include "harness/size/measure.h"
#include "harness/size/tell.h"

struct sweep_plan {
	uint64_t from_bytes, to_bytes; /* 0: one step; what it has at most without a limit */
	uint64_t points, repeat;
};

/* All runs at one limit. */
struct sweep_point {
	uint64_t limit_bytes;
	size_t runs, passed, killed;
	uint64_t best_ns;			      /* of those that passed; 0: none */
	uint64_t psi_some_us, refaults, major_faults; /* of the best one */
};

/* The limits, from the highest down, so that what does not pass comes last; report->trials. */
int size_sweep(struct size_lab *lab, const struct size_options *options,
	       const struct sweep_plan *plan, struct size_report *report, struct err *err);

/* The i-th of n limits, whole steps; pure. */
uint64_t sweep_limit(uint64_t from, uint64_t to, uint64_t step, uint64_t n, uint64_t i);
/* Points from the trials, from the lowest limit up, at most max; returns their number. Pure. */
size_t sweep_points(const struct size_report *report, struct sweep_point *points, size_t max);
/* The lowest limit from which on all passes at most 'slow_percent' slower than the best of all;
 * n: there is none. Pure. */
size_t sweep_knee(const struct sweep_point *points, size_t n, uint64_t slow_percent);

void sweep_text(const struct sweep_point *points, size_t n, uint64_t slow_percent,
		const struct tell_view *view, struct str *out);
void sweep_csv(const struct sweep_point *points, size_t n, struct str *out);
json_t *sweep_json(const struct sweep_point *points, size_t n, uint64_t slow_percent);

#endif
