/*
 * See sweep.h: the runs, and what they add up to.
 */
#include "harness/size/sweep.h"

#include "base/clock.h"
#include "harness/size/measure_internal.h"
#include "harness/size/memo.h"

uint64_t sweep_limit(uint64_t from, uint64_t to, uint64_t step, uint64_t n, uint64_t i)
{
	uint64_t bytes = n > 1 ? from + (to - from) / (n - 1) * i : to;

	if (i + 1 == n)
		bytes = to;
	bytes = (bytes + step / 2) / step * step;
	return bytes < step ? step : bytes;
}

int size_sweep(struct size_lab *lab, const struct size_options *options,
	       const struct sweep_plan *plan, struct size_report *report, struct err *err)
{
	struct measure measure = {.lab = lab, .options = options, .report = report};
	uint64_t step = options->step_bytes, began_ns = clock_ns(), last = 0;
	bool passed = false;

	*report = (struct size_report){.engine = "sweep",
				       .planned_runs = plan->points * plan->repeat};
	int r = trial_free(&measure, err);
	uint64_t from = plan->from_bytes ? plan->from_bytes : step;
	uint64_t to = plan->to_bytes ? plan->to_bytes
				     : (report->free.peak_bytes + step - 1) / step * step;
	if (to < from)
		to = from;
	for (uint64_t i = plan->points; r == 0 && i > 0; i--) {
		uint64_t limit = sweep_limit(from, to, step, plan->points, i - 1);
		for (uint64_t n = 0; r == 0 && limit != last && n < plan->repeat; n++)
			r = trial_hard(&measure, limit, &passed, err);
		last = limit;
	}
	report->measure_ns = clock_ns() - began_ns;
	report->known_runs = lab->memo ? memo_taken(lab->memo) : 0;
	return r < 0 ? r : 0;
}

/* ---- adding up ----------------------------------------------------------------------------- */

static void add_trial(struct sweep_point *point, const struct size_trial *trial)
{
	point->runs++;
	point->passed += trial->passed;
	point->killed += trial->end == RUN_OOM;
	if (!trial->passed || (point->best_ns && trial->wall_ns >= point->best_ns))
		return;
	point->best_ns = trial->wall_ns;
	point->psi_some_us = trial->psi_some_us;
	point->refaults = trial->refaults;
	point->major_faults = trial->major_faults;
}

size_t sweep_points(const struct size_report *report, struct sweep_point *points, size_t max)
{
	uint64_t last = 0;
	size_t n = 0;

	while (n < max) {
		uint64_t next = size_next_limit(report, last);
		if (next == UINT64_MAX)
			break;
		points[n] = (struct sweep_point){.limit_bytes = next, .psi_some_us = UINT64_MAX};
		for (size_t i = 0; i < report->n_trials; i++)
			if (report->trials[i].limit_bytes == next)
				add_trial(&points[n], &report->trials[i]);
		last = next;
		n++;
	}
	return n;
}

size_t sweep_knee(const struct sweep_point *points, size_t n, uint64_t slow_percent)
{
	uint64_t best = UINT64_MAX;
	size_t knee = n;

	for (size_t i = 0; i < n; i++)
		if (points[i].best_ns && points[i].best_ns < best)
			best = points[i].best_ns;
	while (knee > 0 && points[knee - 1].passed == points[knee - 1].runs &&
	       points[knee - 1].best_ns <= best / 100 * (100 + slow_percent))
		knee--;
	return knee;
}
