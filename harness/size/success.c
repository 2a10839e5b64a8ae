/*
 * See success.h.
 */
#include "harness/size/success.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "harness/size/stats.h"

static int by_limit(const void *a, const void *b)
{
	const struct success_point *x = a, *y = b;

	return (x->limit_bytes > y->limit_bytes) - (x->limit_bytes < y->limit_bytes);
}

static uint64_t round_up(uint64_t bytes, uint64_t step)
{
	return (bytes + step - 1) / step * step;
}

/* Sorted rows of one limit each become one; what samples need less is added up. */
static size_t merge(struct success_point *points, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || points[kept - 1].limit_bytes != points[i].limit_bytes) {
			points[kept] = points[i];
			points[kept].samples += kept ? points[kept - 1].samples : 0;
			kept++;
			continue;
		}
		points[kept - 1].samples += points[i].samples;
		points[kept - 1].runs += points[i].runs;
		points[kept - 1].passed += points[i].passed;
	}
	return kept;
}

struct success_point *success_of(const struct size_report *report, uint64_t step_bytes,
				 size_t *ret_n)
{
	uint64_t step = step_bytes;
	size_t n = 0;
	struct success_point *points =
		mem_zero(report->n_samples + report->n_trials + 1, sizeof(*points));

	for (size_t i = 0; i < report->n_samples; i++)
		points[n++] = (struct success_point){.limit_bytes = report->samples[i].limit_bytes,
						     .samples = 1};
	for (size_t i = 0; i < report->n_trials; i++)
		points[n++] = (struct success_point){
			.limit_bytes = round_up(report->trials[i].limit_bytes, step),
			.runs = 1,
			.passed = report->trials[i].passed};
	qsort(points, n, sizeof(*points), by_limit);
	*ret_n = merge(points, n);
	return points;
}

void success_bounds(const struct size_report *report, uint64_t *ret_passed, uint64_t *ret_failed)
{
	*ret_passed = *ret_failed = 0;
	for (size_t i = 0; i < report->n_trials; i++) {
		const struct size_trial *trial = &report->trials[i];
		if (trial->passed && (*ret_passed == 0 || trial->limit_bytes < *ret_passed))
			*ret_passed = trial->limit_bytes;
		if (!trial->passed && trial->limit_bytes > *ret_failed)
			*ret_failed = trial->limit_bytes;
	}
}

/* ---- JSON ----------------------------------------------------------------------------------- */

json_t *success_json(const struct size_report *report, uint64_t step_bytes)
{
	json_t *list = json_array();
	size_t n, all = report->n_samples;
	MEM_AUTO struct success_point *points = success_of(report, step_bytes, &n);

	for (size_t i = 0; i < n; i++) {
		const struct success_point *point = &points[i];
		json_t *row = json_pack("{s:I, s:I, s:I}", "limit", (json_int_t)point->limit_bytes,
					"runs", (json_int_t)point->runs, "passed",
					(json_int_t)point->passed);
		if (point->runs)
			json_object_set_new(row, "passes_at_least",
					    json_real(stats_share_at_least(
						    point->runs, point->passed, CURVE_CONFIDENCE)));
		if (all) {
			json_object_set_new(row, "samples", json_integer((json_int_t)all));
			json_object_set_new(row, "samples_within",
					    json_integer((json_int_t)point->samples));
			json_object_set_new(row, "within_at_least",
					    json_real(stats_share_at_least(all, point->samples,
									   CURVE_CONFIDENCE)));
		}
		json_array_append_new(list, row);
	}
	return list;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void say_share(size_t passed, size_t n, struct str *out)
{
	if (n == 0)
		str_addf(out, "  %26s", "-");
	else
		str_addf(out, "  %5zu of %-5zu (>= %4.1f %%)", passed, n,
			 100 * stats_share_at_least(n, passed, CURVE_CONFIDENCE));
}

/* Of a long curve every so many, the last one always. */
void success_text(const struct size_report *report, uint64_t step_bytes, size_t rows_max,
		  struct str *out)
{
	size_t n;
	MEM_AUTO struct success_point *points = success_of(report, step_bytes, &n);
	size_t stride = rows_max && n > rows_max ? (n + rows_max - 1) / rows_max : 1;

	str_addf(out, "\n%13s  %26s  %26s\n", "limit", "samples within it", "runs that passed");
	for (size_t i = n ? (n - 1) % stride : 0; i < n; i += stride) {
		str_addf(out, "%9.1f MiB", (double)points[i].limit_bytes / 1048576);
		say_share(points[i].samples, report->n_samples, out);
		say_share(points[i].passed, points[i].runs, out);
		str_add(out, "\n");
	}
	str_addf(out, "%13s  (of all runs, with %.0f %% confidence)\n", "", 100 * CURVE_CONFIDENCE);
}

void success_so_far(const struct size_report *report, struct str *out)
{
	uint64_t passed, failed, low = UINT64_MAX, high = 0;
	const char *mark = "";

	for (size_t i = 0; i < report->n_samples; i++) {
		uint64_t limit = report->samples[i].limit_bytes;
		low = limit < low ? limit : low;
		high = limit > high ? limit : high;
	}
	success_bounds(report, &passed, &failed);
	str_add(out, "so far                   ");
	if (report->n_samples)
		str_addf(out, "%zu sample%s, from %.1f to %.1f MiB", report->n_samples,
			 report->n_samples == 1 ? "" : "s", (double)low / 1048576,
			 (double)high / 1048576);
	mark = report->n_samples ? "; " : "";
	if (passed)
		str_addf(out, "%spassed at %.1f MiB", mark, (double)passed / 1048576);
	mark = passed ? ", " : mark;
	if (failed)
		str_addf(out, "%sfailed at %.1f MiB", mark, (double)failed / 1048576);
	if (!passed && !failed && !report->n_samples)
		str_add(out, "nothing but the run without a limit");
	str_add(out, "\n");
}
