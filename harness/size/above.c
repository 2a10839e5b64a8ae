/*
 * With THP 'always' more memory can be worse: khugepaged makes huge pages where there is room, and
 * a run that is a little longer is given more of them (6.18: a compiler passes at 57 MiB and is
 * killed at 58). So limits above the one found are tried too, up to the one that will be advised,
 * and where one of them fails the answer is above it.
 */
#include "harness/size/advice.h"
#include "harness/size/measure_internal.h"

enum {
	NEAR = 3,  /* steps right above the limit that are tried */
	AGAIN = 3, /* passes in a row of a limit that another one below had to give way to */
	TIMES_MAX = 8,
};

/* The highest limit from this one on that failed, of all trials; 0: none. */
static uint64_t failed_from(const struct size_report *report, uint64_t limit)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < report->n_trials; i++) {
		const struct size_trial *trial = &report->trials[i];
		if (!trial->passed && trial->limit_bytes >= limit && trial->limit_bytes > highest)
			highest = trial->limit_bytes;
	}
	return highest;
}

static int try_near(struct measure *measure, uint64_t limit, struct err *err)
{
	uint64_t step = measure->options->step_bytes;
	uint64_t advised = advice_of(limit, 0, measure->report->varies).max_bytes;
	uint64_t max = measure->options->max_bytes;
	bool passed = true;
	int r = 0;

	for (uint64_t i = 1; r == 0 && passed && i <= NEAR && limit + i * step <= max; i++)
		r = trial_hard(measure, limit + i * step, &passed, err);
	if (r == 0 && passed && advised > limit + NEAR * step && advised <= max)
		r = trial_hard(measure, advised / step * step, &passed, err);
	return r;
}

int above_check(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t limit = report->limit_bytes, step = measure->options->step_bytes, failed;

	if (!report->found)
		return 0;
	int r = try_near(measure, limit, err);
	for (int times = 0; r == 0 && (failed = failed_from(report, limit)) != 0; times++) {
		bool passed = true;
		report->not_monotone = true;
		limit = (failed / step + 1) * step;
		if (times == TIMES_MAX || limit > measure->options->max_bytes) {
			report->found = false;
			return trial_trouble(measure, SIZE_UNSTABLE,
					     "one limit after the other failed above one that had "
					     "passed; THP is 'always': try 'madvise'");
		}
		for (int i = 0; r == 0 && passed && i < AGAIN; i++)
			r = trial_hard(measure, limit, &passed, err);
		if (r == 0 && passed)
			r = try_near(measure, limit, err);
	}
	if (r == 0 && limit != report->limit_bytes)
		show_found(measure, limit);
	return r;
}
