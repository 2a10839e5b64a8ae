/*
 * A limit is what has been shown under a hard one: runs passed a little below it, and one failed a
 * step below that.
 *
 * A little below, since no need is exact to the page: addresses are random, and with them the
 * number of page tables; and a CPU may hold a batch of 64 pages charged in advance
 * (MEMCG_CHARGE_BATCH, mm/memcontrol.c). A program whose need ends within that of a boundary passes
 * there nine times of ten, and gets one step more.
 *
 * One run is enough where nothing speaks against it. A need that varies has to pass many times in a
 * row: after a failure it goes on above the highest one by as much as that was above the lowest
 * pass.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/size/ahead.h"
#include "harness/size/follow.h"
#include "harness/size/measure_internal.h"
#include "harness/size/stats.h"

enum {
	BATCH_PAGES = 64,
	UP_MAX = 10,   /* times that a limit may be refused; each is twice as far up */
	CONFIRM = 3,   /* passes in a row of what bisection found, one of them by luck perhaps */
	IN_A_ROW = 10, /* of a need that varies: 95 % confidence in 74 % of runs */
	GARBAGE_PART = 16,
	ROW_LEAST = 3, /* of them, when they take too long */
};
#define ROW_LONGEST_NS 120000000000ULL

/* ---- limits -------------------------------------------------------------------------------- */

uint64_t show_margin(const struct measure *measure)
{
	uint64_t batch = BATCH_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t part = measure->options->step_bytes / 4;

	return batch < part ? batch : part;
}

static uint64_t round_up(const struct measure *measure, uint64_t bytes)
{
	uint64_t step = measure->options->step_bytes;

	return (bytes + step - 1) / step * step;
}

/* The highest limit that failed, below one; 0: none. */
static uint64_t highest_fail(const struct size_report *report, uint64_t below)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < report->n_trials; i++) {
		const struct size_trial *trial = &report->trials[i];
		if (!trial->passed && trial->limit_bytes < below && trial->limit_bytes > highest)
			highest = trial->limit_bytes;
	}
	return highest;
}

static uint64_t lowest_pass(const struct size_report *report)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < report->n_trials; i++)
		if (report->trials[i].passed && report->trials[i].limit_bytes < lowest)
			lowest = report->trials[i].limit_bytes;
	return lowest;
}

/* After a failure. */
static uint64_t go_above(const struct measure *measure)
{
	uint64_t step = measure->options->step_bytes;
	uint64_t fail = highest_fail(measure->report, UINT64_MAX);
	uint64_t pass = lowest_pass(measure->report);
	uint64_t mixed = pass <= fail ? round_up(measure, fail - pass) + step : 0;

	return round_up(measure, fail) + step + mixed;
}

static bool is_known(const struct size_report *report, uint64_t limit, bool *ret_passed)
{
	for (size_t i = report->n_trials; i > 0; i--)
		if (report->trials[i - 1].limit_bytes == limit) {
			*ret_passed = report->trials[i - 1].passed;
			return true;
		}
	return false;
}

int show_try(struct measure *measure, uint64_t limit, bool *ret_passed, struct err *err)
{
	uint64_t at = limit - show_margin(measure);

	return is_known(measure->report, at, ret_passed) ? 0
							 : trial_hard(measure, at, ret_passed, err);
}

void show_found(struct measure *measure, uint64_t limit)
{
	struct size_report *report = measure->report;
	uint64_t step = measure->options->step_bytes;

	report->limit_bytes = limit;
	report->shown_bytes = limit - show_margin(measure);
	report->below_bytes = highest_fail(report, report->shown_bytes);
	if (!report->below_bytes)
		report->below_bytes = limit - step;
	report->at_floor = limit == step;
	report->found = true;
}

/* ---- a need that varies -------------------------------------------------------------------- */

static bool has_second(const struct measure *measure, const struct look *look)
{
	const struct look_proc *second = &look->procs[1];

	return look->n_procs > 1 &&
	       second->anon_bytes + second->shmem_bytes + second->tables_bytes >
		       measure->options->step_bytes;
}

/* Who sizes itself by its limit collects its garbage when it likes; and what several processes need
 * depends on which of them are at their peak at once. */
static bool is_likely_to_vary(const struct measure *measure)
{
	return measure->sizes_itself || has_second(measure, &measure->report->peak) ||
	       has_second(measure, &measure->report->free.top);
}

/* Up to 'times' runs, as long as they pass. */
static int run_row(struct measure *measure, uint64_t limit, uint64_t times, uint64_t *passes,
		   struct err *err)
{
	uint64_t began_ns = clock_ns(), at = limit - show_margin(measure);
	bool passed = true, in_time = true;
	int r = 0;

	while (r == 0 && passed && *passes < times && in_time) {
		ahead_alone(measure, *passes == 0);
		r = ahead_passes(measure, at, times - *passes);
		if (r == 0)
			r = trial_hard(measure, at, &passed, err);
		if (r != 0)
			break;
		*passes = passed ? *passes + 1 : 0;
		in_time = measure->options->samples > 1 || *passes < ROW_LEAST ||
			  clock_ns() - began_ns < ROW_LONGEST_NS;
	}
	return r;
}

/* What was needed by those that passed is no less spread than what the next ones will need: as much
 * above the highest of them as that is above the lowest. Peaks are exact to a batch or two. What
 * passed a limit is cut off there, though: a garbage collector's long tail (node: 66 to 70 MiB in
 * nine of ten runs, 75 in the tenth) is not seen, hence a part that it has in any case. */
static uint64_t beyond_highest(const struct measure *measure, uint64_t limit, uint64_t passes)
{
	const struct size_report *report = measure->report;
	uint64_t least = UINT64_MAX, most = 0, noise = 2 * show_margin(measure);

	for (size_t i = report->n_trials; i > 0 && passes > 0; i--, passes--) {
		uint64_t need = report->trials[i - 1].need_bytes;
		least = need < least ? need : least;
		most = need > most ? need : most;
	}
	uint64_t spread = most > least + noise ? most - least - noise : 0;
	uint64_t part = measure->sizes_itself ? most / GARBAGE_PART : 0;
	uint64_t up = round_up(measure, most + (spread > part ? spread : part));
	uint64_t max = measure->options->max_bytes;
	return up > limit ? (up < max ? up : limit) : limit;
}

/* Whether it failed where those that passed had all but reached the limit: then a need that moves
 * by pages ends just there, and that is no need that varies. */
static bool is_edge(const struct measure *measure, uint64_t limit)
{
	const struct size_report *report = measure->report;
	uint64_t at = limit - show_margin(measure), near = at - 2 * show_margin(measure);
	bool passed = false;

	for (size_t i = 0; i < report->n_trials; i++) {
		const struct size_trial *trial = &report->trials[i];
		if (trial->passed && trial->limit_bytes < at)
			return false;
		if (!trial->passed || trial->limit_bytes != at)
			continue;
		if (trial->need_bytes < near)
			return false;
		passed = true;
	}
	return passed;
}

static int show_below(struct measure *measure, uint64_t limit, struct err *err)
{
	uint64_t step = measure->options->step_bytes;
	bool passed = false;

	if (limit <= step || highest_fail(measure->report, limit) > 0)
		return 0;
	return trial_hard(measure, limit - step, &passed, err);
}

/* 'passes' of them have been made. */
static int show_row(struct measure *measure, uint64_t limit, uint64_t times, uint64_t passes,
		    struct err *err)
{
	struct size_report *report = measure->report;
	bool quantile = measure->options->samples > 1;
	int r = run_row(measure, limit, times, &passes, err);

	for (int i = 0; r == 0 && passes == 0 && i < UP_MAX; i++) {
		bool edge = i == 0 && !report->varies && is_edge(measure, limit);
		report->varies = !edge;
		times = times > IN_A_ROW ? times : IN_A_ROW;
		limit = edge ? limit + measure->options->step_bytes : go_above(measure);
		if (limit > measure->options->max_bytes)
			break;
		r = run_row(measure, limit, times, &passes, err);
	}
	if (r != 0)
		return r;
	if (passes == 0)
		return trial_trouble(measure, SIZE_UNSTABLE,
				     "each limit that was found was refused in a further run: its "
				     "need varies (--samples)");
	r = show_below(measure, limit, err);
	if (r != 0)
		return r;
	show_found(measure, limit);
	report->in_a_row = passes;
	if (quantile)
		report->confidence = stats_confidence(passes, passes, report->quantile);
	else if (report->varies)
		report->limit_bytes = beyond_highest(measure, limit, passes);
	return 0;
}

int show_quantile(struct measure *measure, uint64_t limit, uint64_t times, struct err *err)
{
	return show_row(measure, limit, times, 0, err);
}

/* ---- bisection ----------------------------------------------------------------------------- */

static int search(struct measure *measure, struct search *search, struct err *err)
{
	uint64_t limit;
	bool passed = false;

	while ((limit = search_next(search)) != 0) {
		int r = ahead_search(measure, search);
		if (r == 0)
			r = show_try(measure, limit, &passed, err);
		if (r != 0)
			return r;
		search_tell(search, limit, passed);
	}
	if (!search_found(search))
		return trial_trouble(measure, SIZE_UNSTABLE,
				     "it passed without a limit, and under none that was tried");
	measure->report->not_monotone = measure->report->not_monotone || search->not_monotone;
	return 0;
}

/* A run that passes by luck leads bisection too low, and nothing brings it back: what it found has
 * to pass again. */
int show_bisect(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t peak = report->free.peak_bytes, samples = measure->options->samples;
	struct search state;

	search_begin(&state, measure->options->step_bytes, measure->options->max_bytes);
	state.assumed = peak ? round_up(measure, peak) : 0;
	int r = search(measure, &state, err);
	if (r != 0)
		return r;
	report->varies = report->varies || report->not_monotone || is_likely_to_vary(measure);
	uint64_t times = report->varies ? IN_A_ROW : CONFIRM;
	return show_row(measure, state.pass, samples > times ? samples : times, 0, err);
}

/* ---- a ratchet's limit --------------------------------------------------------------------- */

/* It passed: a step less has to fail, or it goes down. */
static int go_down(struct measure *measure, uint64_t *limit, struct err *err)
{
	uint64_t step = measure->options->step_bytes;
	struct search state;
	bool passed = false;

	if (*limit <= step)
		return 0;
	int r = is_known(measure->report, *limit - step, &passed)
			? 0
			: trial_hard(measure, *limit - step, &passed, err);
	if (r != 0 || !passed)
		return r;
	search_begin(&state, step, measure->options->max_bytes);
	state.hint = *limit;
	search_tell(&state, *limit, true);
	r = search(measure, &state, err);
	*limit = state.pass;
	return r;
}

/* Its need may end just below the limit: then a step more is right. Anything else that does not fit
 * is a need that varies. */
int show_sample(struct measure *measure, uint64_t limit, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t step = measure->options->step_bytes, passes = 1;
	bool passed = false;
	int r = show_try(measure, limit, &passed, err);

	if (r == 0 && passed) {
		uint64_t found = limit;
		r = go_down(measure, &limit, err);
		passes = limit == found;
	} else if (r == 0 && limit + step <= measure->options->max_bytes) {
		limit += step;
		r = show_try(measure, limit, &passed, err);
		passes = passed;
	}
	if (r != 0)
		return r;
	report->varies =
		report->varies || report->not_monotone || !passed || is_likely_to_vary(measure);
	if (passed && !report->varies) {
		show_found(measure, limit);
		return 0;
	}
	if (!passed)
		limit = go_above(measure);
	return show_row(measure, limit, IN_A_ROW, passes, err);
}
