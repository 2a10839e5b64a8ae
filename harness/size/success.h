/*
 * The success curve: how many samples need no more than a limit, and how many runs under it passed,
 * each with what that says about all runs. Pure.
 */
#ifndef OOMLAB_SIZE_SUCCESS_H
#define OOMLAB_SIZE_SUCCESS_H

#include <jansson.h>

#include "harness/size/measure.h"

#define CURVE_CONFIDENCE 0.95

struct success_point {
	uint64_t limit_bytes;
	size_t samples;	     /* that need no more, of report->n_samples */
	size_t runs, passed; /* under this very limit */
};

/* From the lowest limit up that a sample or a run had, in whole steps: what passes a little below a
 * limit passes at it. Free with free(). */
struct success_point *success_of(const struct size_report *report, uint64_t step_bytes,
				 size_t *ret_n);
json_t *success_json(const struct size_report *report, uint64_t step_bytes);
/* The curve for people, a row a limit, at most 'rows_max'; what was found so far when the search
 * was cut short. */
void success_text(const struct size_report *report, uint64_t step_bytes, size_t rows_max,
		  struct str *out);
void success_so_far(const struct size_report *report, struct str *out);
/* Limits that were tried: the lowest that passed and the highest that failed; 0: none. */
void success_bounds(const struct size_report *report, uint64_t *ret_passed, uint64_t *ret_failed);

#endif
