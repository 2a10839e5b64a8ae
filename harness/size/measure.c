/*
 * See measure.h. The ratchet only proposes: what is answered has always been run under a hard
 * limit, by search.c's rules, at the limit and a step below it.
 */
#include "harness/size/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/size/filter.h"
#include "harness/size/follow.h"
#include "harness/size/measure_internal.h"
#include "harness/size/memo.h"
#include "harness/size/stats.h"

enum {
	UP_MAX = 8,  /* steps that a limit from samples may be off */
	CONFIRM = 3, /* passes in a row of what bisection found, one of them by luck perhaps */
};
#define CONFIDENCE 0.95

/* ---- the engine ---------------------------------------------------------------------------- */

static void use_bisection(struct measure *measure, const char *why)
{
	struct size_report *report = measure->report;

	report->engine = "bisection";
	snprintf(report->engine_why, sizeof(report->engine_why), "%s", why);
	report->n_samples = 0;
}

/* What is known before anything is followed. */
static void choose_engine(struct measure *measure)
{
	const struct size_options *options = measure->options;
	const char *runtime = follow_runtime_of(options->command.program);

	measure->report->engine = "ratchet";
	if (options->method == SIZE_BISECT) {
		use_bisection(measure, "");
	} else if (!filter_supported()) {
		use_bisection(measure, "programs of this processor cannot be followed");
	} else if (runtime) {
		MEM_AUTO char *why = mem_printf("'%s' sizes itself by its group's limit", runtime);
		use_bisection(measure, why);
	} else if (options->swap) {
		use_bisection(measure, "with swap nothing has to stop at the limit");
	} else if (options->command.for_ns && measure->lab->version == CG_V2) {
		/* Held up by memory.high it may not get its load done in its time. */
		use_bisection(measure, "a server is not held up");
	}
}

static bool uses_ratchet(const struct measure *measure)
{
	return str_eq(measure->report->engine, "ratchet");
}

/* ---- samples ------------------------------------------------------------------------------- */

static uint64_t down(const struct measure *measure, uint64_t bytes)
{
	uint64_t step = measure->options->step_bytes;

	return bytes < step ? step : bytes - bytes % step;
}

/* What it has at its peak and cannot be reclaimed, as far as that was seen, bounds the limit from
 * below. A tenth less, for what was seen of it may have been on its way out; if that is still too
 * high the ratchet does not move, and starts again lower. */
static uint64_t first_start(const struct measure *measure)
{
	if (measure->options->from_bytes)
		return down(measure, measure->options->from_bytes);
	return down(measure, look_unreclaimable(&measure->report->free.top) / 10 * 9);
}

static void add_sample(struct measure *measure, const struct run_result *run)
{
	struct size_report *report = measure->report;

	report->samples =
		mem_grow(report->samples, report->n_samples + 1, sizeof(*report->samples));
	report->samples[report->n_samples++] =
		(struct size_sample){run->limit_bytes, run->wall_ns, run->steps, run->retries};
	if (look_unreclaimable(&run->top) >= look_unreclaimable(&report->peak))
		report->peak = run->top;
}

/* Whether a run under this limit has been made before. */
static bool is_known(const struct size_report *report, uint64_t limit, bool *ret_passed)
{
	for (size_t i = report->n_trials; i > 0; i--)
		if (report->trials[i - 1].limit_bytes == limit) {
			*ret_passed = report->trials[i - 1].passed;
			return true;
		}
	return false;
}

/* A small program that runs with the least that can be asked for needs no search. */
static int try_floor(struct measure *measure, uint64_t start, struct err *err)
{
	struct size_report *report = measure->report;
	bool passed = false;

	if (start > measure->options->step_bytes || measure->options->samples > 1 ||
	    !uses_ratchet(measure))
		return 0;
	int r = is_known(report, start, &passed) ? 0 : trial_hard(measure, start, &passed, err);
	if (r == 0 && passed) {
		report->limit_bytes = start;
		report->at_floor = report->found = true;
	}
	return r;
}

/* The ratchet did not move: it started too high. */
static uint64_t lower_start(const struct measure *measure, uint64_t start, const struct look *top)
{
	uint64_t seen = down(measure, look_unreclaimable(top) / 10 * 9);
	uint64_t half = down(measure, start / 2);

	return seen < half ? seen : half;
}

/* One sample from *start, which comes down as far as needed. */
static int sample(struct measure *measure, uint64_t *start, struct err *err)
{
	struct run_result run;
	char buf[RUN_WHY_MAX + 32], end[128];
	bool good = false;

	for (;;) {
		int r = try_floor(measure, *start, err);
		if (r == 0 && !measure->report->found)
			r = trial_ratchet(measure, *start, &run, &good, err);
		if (r != 0 || measure->report->found)
			return r;
		if (run.end == RUN_SELF_SIZED || run.end == RUN_UNFOLLOWED || !good)
			break;
		if (run.steps == 0 && *start > measure->options->step_bytes) {
			*start = lower_start(measure, *start, &run.top);
			continue;
		}
		add_sample(measure, &run);
		return 0;
	}
	if (run.end == RUN_EXITED && run.why[0])
		snprintf(buf, sizeof(buf), "under the ratchet %s", run.why);
	else if (run.end == RUN_SELF_SIZED || run.end == RUN_UNFOLLOWED)
		snprintf(buf, sizeof(buf), "%s", run.why);
	else
		snprintf(buf, sizeof(buf), "under the ratchet: %s",
			 run_end_text(&run, end, sizeof(end)));
	use_bisection(measure, buf);
	return 0;
}

static int take_samples(struct measure *measure, uint64_t wanted, uint64_t *start, struct err *err)
{
	int r = 0;

	while (r == 0 && uses_ratchet(measure) && !measure->report->found &&
	       measure->report->n_samples < wanted)
		r = sample(measure, start, err);
	return r;
}

/* The sample that bounds the quantile, and with what confidence. */
static uint64_t bound(struct measure *measure)
{
	struct size_report *report = measure->report;
	MEM_AUTO uint64_t *sorted = mem_zero(report->n_samples, sizeof(*sorted));

	for (size_t i = 0; i < report->n_samples; i++)
		sorted[i] = report->samples[i].limit_bytes;
	stats_sort(sorted, report->n_samples);
	report->varies = report->varies ||
			 sorted[report->n_samples - 1] > sorted[0] + measure->options->step_bytes;
	size_t rank =
		stats_rank(report->n_samples, report->quantile, CONFIDENCE, &report->confidence);
	return sorted[rank - 1];
}

/* ---- the limit, shown ---------------------------------------------------------------------- */

static int search(struct measure *measure, struct search *search, struct err *err)
{
	uint64_t limit;
	bool passed = false;

	while ((limit = search_next(search)) != 0) {
		int r = is_known(measure->report, limit, &passed)
				? 0
				: trial_hard(measure, limit, &passed, err);
		if (r != 0)
			return r;
		search_tell(search, limit, passed);
	}
	if (!search_found(search))
		return trial_trouble(measure, SIZE_UNSTABLE,
				     "it passed without a limit, and under none that was tried");
	measure->report->limit_bytes = search->pass;
	measure->report->at_floor = search->pass == measure->options->step_bytes;
	measure->report->not_monotone = search->not_monotone;
	measure->report->found = true;
	return 0;
}

/* A limit from samples: it has to pass as many times as there are samples, one after the other,
 * which is what its confidence is counted from: the ratchet holds a program up, and where several
 * processes run at once that changes what they need. That a step less passes too, now and then, is
 * in the nature of it. */
static int show_quantile(struct measure *measure, uint64_t limit, uint64_t times, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t step = measure->options->step_bytes, passes = 0;
	bool passed = false;
	int r = 0;

	for (int i = 0; passes < times && i < UP_MAX; i++) {
		limit += i > 0 ? step : 0;
		passed = true;
		for (passes = 0; r == 0 && passed && passes < times; passes += passed)
			r = trial_hard(measure, limit, &passed, err);
		if (r != 0)
			return r;
	}
	if (passes < times)
		return trial_trouble(measure, SIZE_UNSTABLE,
				     "the limit found was refused in further runs, up to %d steps "
				     "above: its need varies (--samples)",
				     UP_MAX - 1);
	report->limit_bytes = limit;
	report->at_floor = limit == step;
	report->confidence = stats_confidence(times, times, report->quantile);
	report->found = true;
	if (limit <= step || is_known(report, limit - step, &passed))
		return 0;
	return trial_hard(measure, limit - step, &passed, err);
}

/* A run that passes by luck leads bisection too low, and nothing brings it back: what it found has
 * to pass again. */
static int bisect(struct measure *measure, struct err *err)
{
	const struct size_options *options = measure->options;
	uint64_t peak = measure->report->free.peak_bytes, step = options->step_bytes;
	struct search state;

	search_begin(&state, step, options->max_bytes);
	state.assumed = peak ? (peak + step - 1) / step * step : 0;
	int r = search(measure, &state, err);
	if (r != 0 || measure->report->at_floor)
		return r;
	uint64_t limit = measure->report->limit_bytes;
	measure->report->found = false;
	r = show_quantile(measure, limit, options->samples > CONFIRM ? options->samples : CONFIRM,
			  err);
	measure->report->varies = measure->report->varies || measure->report->limit_bytes > limit;
	return r;
}

/* A ratchet's sample, by a run at it and one a step below. When that does not fit, a second sample
 * tells a program that differs from run to run from a ratchet that was wrong. */
static int show_sample(struct measure *measure, uint64_t limit, uint64_t *start, struct err *err)
{
	const struct size_options *options = measure->options;
	struct search state;
	bool passed = false, below = false;

	search_begin(&state, options->step_bytes, options->max_bytes);
	state.hint = limit;
	int r = trial_hard(measure, limit, &passed, err);
	if (r == 0)
		search_tell(&state, limit, passed);
	if (r == 0 && passed && limit > options->step_bytes) {
		r = trial_hard(measure, limit - options->step_bytes, &below, err);
		if (r == 0)
			search_tell(&state, limit - options->step_bytes, below);
	}
	if (r != 0)
		return r;
	if (passed != below || limit == options->step_bytes)
		return search(measure, &state, err);
	r = take_samples(measure, 2, start, err);
	if (r != 0 || !uses_ratchet(measure))
		return r;
	const struct size_sample *other = &measure->report->samples[1];
	if (other->limit_bytes == measure->report->samples[0].limit_bytes)
		return search(measure, &state, err);
	measure->report->varies = true;
	return show_quantile(measure, other->limit_bytes > limit ? other->limit_bytes : limit, 1,
			     err);
}

static int find_limit(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t start = first_start(measure), samples = measure->options->samples;
	int r = take_samples(measure, samples, &start, err);

	if (r == 0 && !report->found && report->n_samples > 0) {
		uint64_t limit = bound(measure);
		r = samples > 1 ? show_quantile(measure, limit, samples, err)
				: show_sample(measure, limit, &start, err);
	}
	if (r == 0 && !report->found)
		r = bisect(measure, err);
	return r;
}

/* ---- the whole ----------------------------------------------------------------------------- */

int size_measure(struct size_lab *lab, const struct size_options *options,
		 struct size_report *report, struct err *err)
{
	struct measure measure = {.lab = lab, .options = options, .report = report};
	uint64_t began_ns = clock_ns();

	*report = (struct size_report){.engine = "none", .quantile = options->quantile};
	int r = trial_free(&measure, err);
	if (r == 0) {
		report->peak = report->free.top;
		choose_engine(&measure);
		r = find_limit(&measure, err);
	}
	if (r == 0 && options->slow_percent)
		r = slow_find(&measure, err);
	report->measure_ns = clock_ns() - began_ns;
	report->known_runs = lab->memo ? memo_taken(lab->memo) : 0;
	return r < 0 ? r : 0;
}

void size_report_clear(struct size_report *report)
{
	free(report->samples);
	free(report->trials);
	report->samples = NULL;
	report->trials = NULL;
}

uint64_t size_next_limit(const struct size_report *report, uint64_t above_bytes)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < report->n_trials; i++)
		if (report->trials[i].limit_bytes > above_bytes &&
		    report->trials[i].limit_bytes < next)
			next = report->trials[i].limit_bytes;
	return next;
}
