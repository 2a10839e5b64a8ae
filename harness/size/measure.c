/*
 * See measure.h. The ratchet only proposes: what is answered has always been run under a hard
 * limit, by show.c, at the limit and a step below it.
 */
#include "harness/size/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/size/ahead.h"
#include "harness/size/filter.h"
#include "harness/size/follow.h"
#include "harness/size/measure_internal.h"
#include "harness/size/memo.h"
#include "harness/size/stats.h"

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
	measure->sizes_itself = runtime != NULL;
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

/* Where the first ratchet run starts: a step below what the run without a limit had at its peak and
 * could not have given back. What was seen of that by looking now and then is one bound, the
 * kernel's own peak less all page cache and what is left when everybody has ended another. Both may
 * be too high (files that were deleted meanwhile, a need that varies): then the ratchet does not
 * move, and starts again lower. Each step costs the kernel some milliseconds of search for
 * something to reclaim. */
static uint64_t first_start(const struct measure *measure)
{
	const struct run_result *free = &measure->report->free;
	uint64_t step = measure->options->step_bytes, seen = look_unreclaimable(&free->top);
	uint64_t given_back = free->file_most_bytes + free->left_kernel_bytes;
	uint64_t bound = free->peak_bytes > given_back ? free->peak_bytes - given_back : 0;

	if (measure->options->from_bytes)
		return down(measure, measure->options->from_bytes);
	bound = down(measure, bound > seen ? bound : seen);
	return bound > step ? bound - step : step;
}

static void add_sample(struct measure *measure, const struct run_result *run)
{
	struct size_report *report = measure->report;

	report->samples =
		mem_grow(report->samples, report->n_samples + 1, sizeof(*report->samples));
	report->samples[report->n_samples++] = (struct size_sample){
		run->limit_bytes, run->wall_ns,	  run->steps,	      run->retries,
		run->probed,	  run->met_bytes, run->together_bytes};
	if (look_unreclaimable(&run->top) >= look_unreclaimable(&report->peak))
		report->peak = run->top;
}

/* A small program that runs with the least that can be asked for needs no search. */
static int try_floor(struct measure *measure, uint64_t start, struct err *err)
{
	bool passed = false;

	if (start > measure->options->step_bytes || measure->options->samples > 1 ||
	    !uses_ratchet(measure))
		return 0;
	int r = show_try(measure, start, &passed, err);
	if (r == 0 && passed)
		show_found(measure, start);
	return r;
}

/* The ratchet did not move: it started too high. */
static uint64_t lower_start(const struct measure *measure, uint64_t start, unsigned int times)
{
	uint64_t less = start / (times == 1 ? 8 : 2) + 2 * measure->options->step_bytes;

	return down(measure, start > less ? start - less : 0);
}

/* Why a run of the ratchet is no sample, and no other one will be. */
static void give_up_ratchet(struct measure *measure, const struct run_result *run)
{
	char buf[RUN_WHY_MAX + 32], end[128];

	if (run->end == RUN_EXITED && run->why[0])
		snprintf(buf, sizeof(buf), "under the ratchet %s", run->why);
	else if (run->end == RUN_SELF_SIZED || run->end == RUN_UNFOLLOWED)
		snprintf(buf, sizeof(buf), "%s", run->why);
	else
		snprintf(buf, sizeof(buf), "under the ratchet: %s",
			 run_end_text(run, end, sizeof(end)));
	measure->sizes_itself = measure->sizes_itself || run->end == RUN_SELF_SIZED;
	use_bisection(measure, buf);
}

/* A run that failed says nothing about others: a charge may fail where nothing can be made again,
 * as within execve once the old program is gone, and whether one does is a matter of time. One more
 * than a tenth of them, and something else is wrong. */
static bool is_mishap(struct measure *measure, const struct run_result *run)
{
	bool failed = (run->end == RUN_EXITED && !run->why[0]) || run->end == RUN_SIGNALED;

	return failed && measure->mishaps++ <= measure->options->samples / 10;
}

/* One sample from *start, which comes down as far as needed. */
static int sample(struct measure *measure, uint64_t *start, struct err *err)
{
	struct run_result run;
	bool good = false;

	for (unsigned int times = 1;; times++) {
		int r = try_floor(measure, *start, err);
		if (r == 0 && !measure->report->found)
			r = trial_ratchet(measure, *start, &run, &good, err);
		if (r != 0 || measure->report->found)
			return r;
		if (run.end == RUN_SELF_SIZED || run.end == RUN_UNFOLLOWED || !good) {
			if (is_mishap(measure, &run))
				continue;
			give_up_ratchet(measure, &run);
			return 0;
		}
		if (run.steps == 0 && *start > measure->options->step_bytes) {
			*start = lower_start(measure, *start, times);
			continue;
		}
		add_sample(measure, &run);
		return 0;
	}
}

static int take_samples(struct measure *measure, uint64_t wanted, struct err *err)
{
	uint64_t start = first_start(measure);
	int r = 0;

	while (r == 0 && uses_ratchet(measure) && !measure->report->found &&
	       measure->report->n_samples < wanted) {
		/* The first one, alone, says where to start. */
		if (measure->report->n_samples > 0)
			r = ahead_samples(measure, start, wanted - measure->report->n_samples);
		if (r == 0)
			r = sample(measure, &start, err);
	}
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
	size_t rank = stats_rank(report->n_samples, report->quantile, STATS_CONFIDENCE,
				 &report->confidence);
	return sorted[rank - 1];
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int find_limit(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	uint64_t samples = measure->options->samples;
	int r = take_samples(measure, samples, err);

	if (r == 0 && !report->found && report->n_samples > 0) {
		uint64_t limit = bound(measure);
		r = samples > 1 ? show_quantile(measure, limit, samples, err)
				: show_sample(measure, limit, err);
	}
	if (r == 0 && !report->found)
		r = show_bisect(measure, err);
	return r;
}

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
	ahead_alone(&measure, true);
	if (r == 0 && options->thp_always)
		r = above_check(&measure, err);
	if (r == 0 && options->slow_percent)
		r = slow_find(&measure, err);
	report->runs += ahead_unused(&measure);
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
