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
#include "harness/size/evidence.h"
#include "harness/size/half.h"
#include "harness/size/measure_internal.h"
#include "harness/size/stats.h"

enum {
	UP_MAX = 10,   /* times that a limit may be refused; each is twice as far up */
	CONFIRM = 3,   /* passes in a row of what bisection found, one of them by luck perhaps */
	IN_A_ROW = 10, /* of a need that varies: 95 % confidence in 74 % of runs */
	ROW_LEAST = 3, /* of them, when they take too long */
	HALF = 3,      /* more of them before those, on half of the CPUs */
};
#define ROW_LONGEST_NS 120000000000ULL

/* ---- limits -------------------------------------------------------------------------------- */

static struct evidence seen(const struct measure *measure)
{
	return evidence_of(measure->report, measure->options->step_bytes,
			   (uint64_t)sysconf(_SC_PAGESIZE));
}

uint64_t show_margin(const struct measure *measure)
{
	return seen(measure).margin_bytes;
}

/* Where the runs for a limit are made. */
static uint64_t lower(const struct measure *measure, uint64_t limit)
{
	return limit - show_margin(measure);
}

/* A run at exactly these bytes, if none has been made. */
static int try_at(struct measure *measure, uint64_t bytes, bool *ret_passed, struct err *err)
{
	struct evidence evidence = seen(measure);

	return evidence_known(&evidence, bytes, ret_passed)
		       ? 0
		       : trial_hard(measure, bytes, ret_passed, err);
}

int show_try(struct measure *measure, uint64_t limit, bool *ret_passed, struct err *err)
{
	return try_at(measure, lower(measure, limit), ret_passed, err);
}

void show_found(struct measure *measure, uint64_t limit)
{
	struct size_report *report = measure->report;
	struct evidence evidence = seen(measure);
	uint64_t step = measure->options->step_bytes;

	report->limit_bytes = limit;
	report->shown_bytes = lower(measure, limit);
	report->below_bytes = evidence_highest_fail(&evidence, report->shown_bytes);
	if (!report->below_bytes)
		report->below_bytes = limit - step;
	report->at_floor = limit == step;
	report->found = true;
}

/* ---- a need that varies -------------------------------------------------------------------- */

static bool has_second(const struct measure *measure)
{
	const struct size_report *report = measure->report;
	uint64_t step = measure->options->step_bytes;

	return look_second(&report->peak) > step || look_second(&report->free.top) > step ||
	       report->free.second_bytes > step;
}

/* Who sizes itself by its limit collects its garbage when it likes; and what several processes need
 * depends on which of them are at their peak at once. */
static bool is_likely_to_vary(const struct measure *measure, uint64_t limit)
{
	const struct size_report *report = measure->report;
	bool may_meet = report->n_samples > 0 &&
			report->samples[0].met_bytes > limit + measure->options->step_bytes;

	return may_meet || measure->sizes_itself || has_second(measure);
}

/* Several processes: on a busy machine their peaks meet more often than on this one now. */
static int run_half(struct measure *measure, uint64_t limit, bool *ret_passed, struct err *err)
{
	int r = 0;

	*ret_passed = true;
	if (!has_second(measure) || measure->sizes_itself || measure->options->samples > 1 ||
	    !half_can())
		return 0;
	for (int i = 0; r == 0 && *ret_passed && i < HALF; i++)
		r = trial_half(measure, lower(measure, limit), ret_passed, err);
	return r;
}

/* Up to 'times' runs, as long as they pass. */
static int run_row(struct measure *measure, uint64_t limit, uint64_t times, uint64_t *passes,
		   struct err *err)
{
	uint64_t began_ns = clock_ns(), at = lower(measure, limit);
	bool passed = true, in_time = true;
	int r = run_half(measure, limit, &passed, err);

	if (r == 0 && !passed)
		*passes = 0;
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

static int show_below(struct measure *measure, uint64_t limit, struct err *err)
{
	struct evidence evidence = seen(measure);
	uint64_t step = measure->options->step_bytes;
	bool passed = false;

	if (limit <= step || evidence_highest_fail(&evidence, limit) > 0)
		return 0;
	return trial_hard(measure, limit - step, &passed, err);
}

/* The next limit after one that was refused: 'first', by nothing else. */
static int next_limit(struct measure *measure, bool first, uint64_t *limit, struct err *err)
{
	struct evidence evidence = seen(measure);
	struct size_report *report = measure->report;

	if (first && !report->varies && evidence_is_edge(&evidence, *limit)) {
		*limit += measure->options->step_bytes;
		return 0;
	}
	report->varies = true;
	int r = together_find(measure, err);
	uint64_t cap = evidence_cap(&evidence, report->met_bytes);
	if (cap == UINT64_MAX)
		cap = evidence_cap(&evidence, report->together_bytes);
	*limit = evidence_above(&evidence, cap);
	return r;
}

/* What is answered where these runs in a row passed at a limit. */
static int go_beyond(struct measure *measure, uint64_t limit, uint64_t passes, struct err *err)
{
	struct evidence evidence = seen(measure);
	struct size_report *report = measure->report;
	uint64_t max =
		measure->options->max_bytes - measure->options->max_bytes % evidence.step_bytes;
	uint64_t up = evidence_beyond(&evidence, limit, passes, measure->sizes_itself, max);
	int r = evidence_is_mixed(&evidence, passes) ? together_find(measure, err) : 0;

	uint64_t cap = evidence_cap(&evidence, report->together_bytes);
	uint64_t met = evidence_cap(&evidence, report->met_bytes);
	up = met != UINT64_MAX && met > up && met <= max ? met : up;
	report->limit_bytes = up < cap ? up : cap > limit ? cap : limit;
	return r;
}

/* Passes alone do not show it: none was near the limit, and none like another. */
static bool peaks_differ(const struct measure *measure, uint64_t passes)
{
	struct evidence evidence = seen(measure);
	uint64_t most;

	return !measure->report->varies && measure->options->samples == 1 &&
	       evidence_spread(&evidence, passes, &most) > 0;
}

/* 'passes' of them have been made. */
static int show_row(struct measure *measure, uint64_t limit, uint64_t times, uint64_t passes,
		    struct err *err)
{
	struct size_report *report = measure->report;
	bool quantile = measure->options->samples > 1;
	int r = run_row(measure, limit, times, &passes, err);

	if (r == 0 && passes > 0 && peaks_differ(measure, passes)) {
		report->varies = true;
		times = times > IN_A_ROW ? times : IN_A_ROW;
		r = run_row(measure, limit, times, &passes, err);
	}
	for (int i = 0; r == 0 && passes == 0 && i < UP_MAX; i++) {
		times = times > IN_A_ROW ? times : IN_A_ROW;
		r = next_limit(measure, i == 0, &limit, err);
		if (r != 0 || limit > measure->options->max_bytes)
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
		r = go_beyond(measure, limit, passes, err);
	return r;
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
	struct evidence evidence = seen(measure);
	state.assumed = peak ? evidence_round_up(&evidence, peak) : 0;
	int r = search(measure, &state, err);
	if (r != 0)
		return r;
	report->varies =
		report->varies || report->not_monotone || is_likely_to_vary(measure, state.pass);
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
	int r = try_at(measure, *limit - step, &passed, err);
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
	report->varies = report->varies || report->not_monotone || !passed ||
			 is_likely_to_vary(measure, limit);
	if (passed && !report->varies) {
		show_found(measure, limit);
		return 0;
	}
	if (!passed)
		r = next_limit(measure, false, &limit, err);
	return r != 0 ? r : show_row(measure, limit, IN_A_ROW, passes, err);
}
