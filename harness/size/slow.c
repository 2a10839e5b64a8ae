/*
 * L_slow: the lowest limit at which the command is at most so much slower than without. Wall time
 * on a machine that does other things as well is noisy, and always upwards: the best of a few runs
 * is compared with the best of as many without a limit.
 */
#include "base/parse.h"
#include "harness/size/measure_internal.h"

enum { BEST_OF = 3, POINTS = 16 /* of the range between L_oom and the peak */ };

/* Best of the trials at this limit; more are run when the first ones are too slow. */
static int is_fast(struct measure *measure, uint64_t limit, uint64_t allowed_ns, bool *ret_fast,
		   struct err *err)
{
	struct size_report *report = measure->report;
	bool passed = false;

	*ret_fast = false;
	for (int i = 0; i < BEST_OF && !*ret_fast; i++) {
		int r = trial_hard(measure, limit, &passed, err);
		if (r != 0)
			return r;
		const struct size_trial *trial = &report->trials[report->n_trials - 1];
		*ret_fast = passed && trial->wall_ns <= allowed_ns;
		if (*ret_fast)
			report->slow = (struct size_slow){.known = true,
							  .limit_bytes = limit,
							  .wall_ns = trial->wall_ns,
							  .base_ns = report->slow.base_ns,
							  .psi_some_us = trial->psi_some_us,
							  .refaults = trial->refaults,
							  .major_faults = trial->major_faults,
							  .swap_bytes = trial->swap_bytes};
	}
	return 0;
}

/* The best time with all the memory that it ever had. */
static int find_base(struct measure *measure, uint64_t roomy, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t best = report->free.wall_ns;
	bool passed = false;

	report->slow.psi_some_us = report->free.psi_some_us;
	report->slow.refaults = report->free.refaults;
	report->slow.major_faults = report->free.major_faults;
	report->slow.swap_bytes = report->free.swap_bytes;

	for (int i = 1; i < BEST_OF; i++) {
		int r = trial_hard(measure, roomy, &passed, err);
		if (r != 0)
			return r;
		const struct size_trial *trial = &report->trials[report->n_trials - 1];
		if (!passed || trial->wall_ns >= best)
			continue;
		best = trial->wall_ns;
		report->slow.psi_some_us = trial->psi_some_us;
		report->slow.refaults = trial->refaults;
		report->slow.major_faults = trial->major_faults;
		report->slow.swap_bytes = trial->swap_bytes;
	}
	report->slow.base_ns = best;
	return 0;
}

int slow_find(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t step = measure->options->step_bytes;
	uint64_t low = report->limit_bytes,
		 high = (report->free.peak_bytes + step - 1) / step * step;
	bool fast = false;

	if (measure->options->command.for_ns || !report->free.peak_bytes || high < low)
		return 0; /* a server has no end to be late for */
	int r = find_base(measure, high, err);
	uint64_t allowed = report->slow.base_ns / 100 * (100 + measure->options->slow_percent);
	if (r == 0)
		r = is_fast(measure, low, allowed, &fast, err);
	if (r != 0 || fast)
		return r;
	uint64_t grain = (high - low) / POINTS / step * step;
	grain = grain < step ? step : grain;
	while (r == 0 && high - low > grain) {
		uint64_t middle = low + (high - low) / 2 / step * step;
		r = is_fast(measure, middle, allowed, &fast, err);
		*(fast ? &high : &low) = middle;
	}
	if (r == 0 && !report->slow.known) {
		report->slow.known = true;
		report->slow.limit_bytes = high;
		report->slow.wall_ns = report->slow.base_ns;
	}
	return r;
}
