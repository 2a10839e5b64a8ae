/*
 * See estimate.h.
 */
#include "harness/size/estimate.h"

#include "harness/size/success.h"

enum {
	RATCHET_TIMES = 2,   /* a ratchet run beside one without a limit, until one is known */
	SHOWN = 2,	     /* runs that show a sample's limit: at it and below */
	IN_A_ROW = 10,	     /* passes of a need that varies */
	BISECTION_SHOWN = 3, /* passes in a row that confirm what bisection found */
	SLOW_BASE = 2,
	SLOW_SEARCH = 8, /* runs for L_slow: its base, and its bisection as a rule */
};

static uint64_t trial_ns(const struct size_report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_trials; i++)
		sum += report->trials[i].wall_ns;
	return report->n_trials ? sum / report->n_trials : report->free.wall_ns;
}

static uint64_t ratchet_ns(const struct size_report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_samples; i++)
		sum += report->samples[i].wall_ns;
	return report->n_samples ? sum / report->n_samples : report->free.wall_ns * RATCHET_TIMES;
}

/* Passes in a row at the limit that was tried last. */
static size_t passes_in_a_row(const struct size_report *report)
{
	size_t n = 0, i = report->n_trials;
	uint64_t limit = i ? report->trials[i - 1].limit_bytes : 0;

	for (; i > 0 && report->trials[i - 1].passed && report->trials[i - 1].limit_bytes == limit;
	     i--)
		n += !report->trials[i - 1].half;
	return n;
}

static size_t minus(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

/* How many halvings are left between what failed and what passed. */
static size_t halvings(const struct size_report *report, uint64_t step)
{
	uint64_t passed, failed;
	size_t n = 0;

	success_bounds(report, &passed, &failed);
	if (!passed)
		passed = report->free.peak_bytes;
	for (uint64_t room = minus(passed, failed); room > step; room /= 2)
		n++;
	return n;
}

static size_t slow_runs(const struct size_report *report, const struct size_options *options)
{
	size_t above = 0;

	if (!options->slow_percent || options->command.for_ns || report->slow.known)
		return 0;
	for (size_t i = 0; report->found && i < report->n_trials; i++)
		above += report->trials[i].limit_bytes > report->limit_bytes;
	return minus(SLOW_BASE + SLOW_SEARCH, above);
}

struct estimate estimate_left(const struct size_report *report, const struct size_options *options)
{
	size_t ratchets = 0, trials = slow_runs(report, options);
	size_t wanted = options->samples;

	if (report->free.wall_ns == 0)
		return (struct estimate){0};
	if (report->planned_runs) {
		trials = minus(report->planned_runs, report->n_trials);
	} else if (!report->found && str_eq(report->engine, "ratchet")) {
		ratchets = minus(wanted, report->n_samples);
		size_t row = wanted > 1 ? wanted : report->varies ? IN_A_ROW : 0;
		trials += row ? minus(row, passes_in_a_row(report)) + (wanted > 1)
			      : minus(SHOWN, report->n_trials);
	} else if (!report->found) {
		size_t left = halvings(report, options->step_bytes);
		size_t least = report->varies ? IN_A_ROW : BISECTION_SHOWN;
		size_t shown = wanted > least ? wanted : least;
		trials += left + minus(shown, left ? 0 : passes_in_a_row(report));
	}
	return (struct estimate){(unsigned int)(ratchets + trials),
				 ratchets * ratchet_ns(report) + trials * trial_ns(report)};
}
