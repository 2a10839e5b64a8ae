/*
 * See pack.h: the order of things.
 */
#include "harness/size/pack.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "harness/size/measure_internal.h"
#include "harness/size/pack_command.h"

enum {
	COPY_LEAST = 65536, /* of a process, whatever was seen of it */
	ESTIMATE_COPIES = 4,
	MET_PERCENT = 90,
	SLOW_TIMES = 20, /* as in trial.c */
};
#define SLOW_MORE_NS 20000000000ULL

struct pack {
	struct measure measure;
	const struct pack_plan *plan;
	struct pack_report *report;
};

/* ---- the line ------------------------------------------------------------------------------ */

/* What no two copies share: all but shared memory. */
static uint64_t private_of(const struct look *look)
{
	uint64_t bytes = pack_used(look) - look->shmem_bytes;

	return bytes < COPY_LEAST ? COPY_LEAST : bytes;
}

static void draw_line(struct pack *pack)
{
	struct pack_report *report = pack->report;
	const struct pack_result *best = pack_best(report);
	const struct look *one = &report->one.top;

	report->line = pack_line_of(pack_used(one), best ? best->copies : 1,
				    best ? pack_used(&best->top) : 0, private_of(one));
}

/* ---- single runs --------------------------------------------------------------------------- */

/* Copies wait for each other's CPU. */
static uint64_t turns(const struct pack *pack, uint64_t copies)
{
	uint64_t cpus = (uint64_t)pack->report->cpus;

	return (copies + cpus - 1) / cpus;
}

static uint64_t timeout_of(const struct pack *pack, uint64_t copies)
{
	const struct size_options *options = pack->measure.options;

	if (options->timeout_ns)
		return options->timeout_ns;
	if (options->command.for_ns)
		return 0;
	return (pack->measure.report->free.wall_ns * SLOW_TIMES + SLOW_MORE_NS) *
	       turns(pack, copies);
}

/* 1: it stopped for a reason that is not about memory. */
static int check_stop(struct pack *pack, const struct pack_result *run)
{
	if (run->end == RUN_INTERRUPTED)
		return trial_trouble(&pack->measure, SIZE_INTERRUPTED,
				     "interrupted; what is known so far:");
	if (run->end == RUN_ESCAPED)
		return trial_trouble(&pack->measure, SIZE_ESCAPES, "with %" PRIu64 " cop%s: %s",
				     run->copies, run->copies == 1 ? "y" : "ies", run->why);
	if (run->end == RUN_SIGNALED && run->status == SIGKILL)
		return trial_trouble(&pack->measure, SIZE_KILLED,
				     "somebody killed copy %" PRIu64 " (SIGKILL), and the OOM "
				     "killer was not it: its counter did not move",
				     run->bad);
	return 0;
}

/* What copies have together when all are at their peak, less what the statistics may not have seen:
 * the kernel charges in batches. */
static uint64_t all_at_peak(const struct pack_line *line, uint64_t copies)
{
	uint64_t all = line->fixed_bytes + copies * line->copy_bytes;

	return all > copies * COPY_LEAST ? all - copies * COPY_LEAST : 0;
}

static int run_copies(struct pack *pack, uint64_t copies, bool free, struct pack_result **ret,
		      struct err *err)
{
	struct pack_report *report = pack->report;
	const struct size_options *options = pack->measure.options;
	struct pack_spec spec = {
		.command = &options->command,
		.mark = pack->plan->mark,
		.reference = &pack->measure.report->free,
		.copies = copies,
		.limit_bytes = free ? options->max_bytes : pack->plan->memory_bytes,
		.timeout_ns = timeout_of(pack, copies),
		.expect_bytes = all_at_peak(&report->line, copies),
		.longest_ns = options->command.for_ns * turns(pack, copies),
		.any_output = report->any_output,
		.swap = options->swap,
		.swap_bytes = options->swap_bytes,
		.share = free,
	};

	measure_say(&pack->measure, "%" PRIu64 " cop%s%s", copies, copies == 1 ? "y" : "ies",
		    free ? " without a limit" : "");
	pack->measure.report->runs++;
	report->runs = mem_grow(report->runs, report->n_runs + 1, sizeof(*report->runs));
	*ret = &report->runs[report->n_runs];
	int r = pack_run(pack->measure.lab, &spec, *ret, err);
	if (r < 0)
		return r;
	r = check_stop(pack, *ret);
	report->n_runs += r == 0;
	return r;
}

/* ---- without a limit ----------------------------------------------------------------------- */

/* One copy, by the rules of 'oomlab size'. */
static int reference(struct pack *pack, struct err *err)
{
	const struct size_options *options = pack->measure.options;
	struct pack_command first;

	pack_command_make(&first, &options->command, pack->plan->mark, 1);
	struct size_options with = *options;
	with.command = first.command;
	(void)setenv(PACK_VARIABLE, "1", 1);
	pack->measure.options = &with;
	int r = trial_free(&pack->measure, err);
	pack->measure.options = options;
	pack_command_clear(&first);
	return r;
}

static int many_fail(struct pack *pack, const struct pack_result *run)
{
	struct run_result *free = &pack->measure.report->free;
	char end[160];

	snprintf(free->tail, sizeof(free->tail), "%s", run->tail);
	return trial_trouble(&pack->measure, SIZE_FAILS,
			     "without a limit one passes and %" PRIu64 " at once do not: %s; do "
			     "they use the same files or ports? '%s' in the command, and $%s, are "
			     "the copy's number",
			     run->copies, pack_end_text(run, end, sizeof(end)), pack->plan->mark,
			     PACK_VARIABLE);
}

/* Without a limit: whether they get along, what they hold, what they share. *ret_fit: they fit into
 * this machine. */
static int run_free(struct pack *pack, uint64_t copies, bool *ret_fit, struct err *err)
{
	struct pack_result *run;
	int r = run_copies(pack, copies, true, &run, err);

	*ret_fit = true;
	if (r != 0)
		return r;
	pack->report->n_free++;
	if (run->end == RUN_OOM) {
		*ret_fit = false;
	} else if (run->wrong_output && !pack->report->any_output) {
		pack->report->any_output = true;
		run->passed = true;
		run->wrong_output = false;
		run->bad = 0;
	}
	return run->passed || run->end == RUN_OOM ? 0 : many_fail(pack, run);
}

/* A server's reference has run long enough; a program that ends is looked at more often, for its
 * peak, and in a cache that is as warm as for the others. */
static int one_free(struct pack *pack, struct err *err)
{
	const struct run_result *free = &pack->measure.report->free;
	bool fit = true;
	int r = reference(pack, err);

	if (r != 0)
		return r;
	pack->report->one = (struct pack_result){.copies = 1,
						 .end = free->end,
						 .passed = true,
						 .wall_ns = free->wall_ns,
						 .cpu_ns = free->cpu_ns,
						 .peak_bytes = free->peak_bytes,
						 .psi_some_us = UINT64_MAX,
						 .top = free->top};
	if (pack->measure.options->command.for_ns) {
		draw_line(pack);
		return 0;
	}
	r = run_free(pack, 1, &fit, err);
	if (r == 0)
		pack->report->one = pack->report->runs[0];
	return r;
}

/* ---- under the limit ----------------------------------------------------------------------- */

/* As many passes as are wanted; *ret_settled: they are there, or nothing is left to confirm. */
static int confirm(struct pack *pack, struct pack_search *search, bool *ret_settled,
		   struct err *err)
{
	struct pack_result *run;
	size_t passed;

	*ret_settled = false;
	while (search->pass) {
		uint64_t copies = search->pass;
		(void)pack_count(pack->report, copies, &passed);
		if (passed >= pack->plan->repeat)
			break;
		int r = run_copies(pack, copies, false, &run, err);
		if (r == 0 && !run->passed)
			pack_search_tell(search, copies, false);
		if (r != 0 || !run->passed)
			return r;
	}
	*ret_settled = true;
	return 0;
}

/* From what they held, all of them, at once: closer than what one and two said. Servers hold all
 * that they have; of programs that end, more fit when their peaks do not meet. */
static uint64_t guess_from(const struct pack *pack, const struct pack_result *run)
{
	const struct look *one = &pack->report->one.top;
	bool serves = pack->measure.options->command.for_ns > 0;
	uint64_t least =
		!serves || pack_peaks_met(pack->report, run) ? COPY_LEAST / 2 : private_of(one);
	struct pack_line line =
		pack_line_of(pack_used(one), run->copies, pack_used(&run->top), least);

	return run->copies > 1 ? pack_line_fit(&line, pack->plan->memory_bytes, pack->plan->most)
			       : 0;
}

static int find(struct pack *pack, struct pack_search *search, struct err *err)
{
	struct pack_result *run;
	bool settled = false;
	uint64_t copies;
	int r = 0;

	while (r == 0 && !settled) {
		while (r == 0 && (copies = pack_search_next(search)) != 0) {
			r = run_copies(pack, copies, false, &run, err);
			if (r == 0)
				pack_search_tell(search, copies, run->passed);
			if (r == 0 && run->passed)
				search->guess = guess_from(pack, run);
		}
		if (r == 0)
			r = confirm(pack, search, &settled, err);
	}
	return r;
}

static int under_limit(struct pack *pack, bool two_fit, struct err *err)
{
	struct pack_report *report = pack->report;
	struct pack_search search;

	pack_search_begin(&search, pack->plan->most, two_fit ? report->predicted : 1);
	if (!two_fit)
		pack_search_tell(&search, 2, false);
	int r = find(pack, &search, err);
	draw_line(pack);
	report->copies = search.pass;
	report->at_most = search.pass == pack->plan->most;
	report->found = r == 0;
	return r;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void predict(struct pack *pack)
{
	struct pack_report *report = pack->report;

	draw_line(pack);
	report->predicted =
		pack_line_fit(&report->line, pack->plan->memory_bytes, pack->plan->most);
}

static int estimate(struct pack *pack, struct err *err)
{
	struct pack_report *report = pack->report;
	bool fit = true;
	int r = pack->plan->most < ESTIMATE_COPIES ? 0 : run_free(pack, ESTIMATE_COPIES, &fit, err);

	if (r != 0)
		return r;
	predict(pack);
	report->copies = report->predicted;
	report->at_most = report->copies == pack->plan->most;
	report->found = true;
	return 0;
}

static int measure_all(struct pack *pack, struct err *err)
{
	bool two_fit = true;
	int r = one_free(pack, err);

	/* More than the machine has is more than the memory asked about. */
	if (r == 1 && pack->measure.report->trouble == SIZE_TOO_LARGE && !pack->plan->estimate) {
		pack->measure.report->trouble = SIZE_FINE;
		pack->report->found = true;
		return 0;
	}
	if (r == 0 && pack->plan->most > 1)
		r = run_free(pack, 2, &two_fit, err);
	if (r != 0)
		return r;
	predict(pack);
	return pack->plan->estimate ? estimate(pack, err) : under_limit(pack, two_fit, err);
}

int size_pack(struct size_lab *lab, const struct size_options *options,
	      const struct pack_plan *plan, struct size_report *size, struct pack_report *report,
	      struct err *err)
{
	struct pack pack = {.measure = {.lab = lab, .options = options, .report = size},
			    .plan = plan,
			    .report = report};
	uint64_t began_ns = clock_ns();

	*size = (struct size_report){.engine = "pack"};
	*report = (struct pack_report){.cpus = sysconf(_SC_NPROCESSORS_ONLN)};
	if (report->cpus < 1)
		report->cpus = 1;
	int r = measure_all(&pack, err);
	size->measure_ns = clock_ns() - began_ns;
	return r < 0 ? r : 0;
}

void pack_report_clear(struct pack_report *report)
{
	free(report->runs);
	report->runs = NULL;
}

/* ---- adding up ----------------------------------------------------------------------------- */

const struct pack_result *pack_best(const struct pack_report *report)
{
	const struct pack_result *best = NULL;

	for (size_t i = 0; i < report->n_runs; i++)
		if (report->runs[i].passed && (!best || report->runs[i].copies >= best->copies))
			best = &report->runs[i];
	return best;
}

size_t pack_count(const struct pack_report *report, uint64_t copies, size_t *ret_passed)
{
	size_t n = 0;

	*ret_passed = 0;
	for (size_t i = report->n_free; i < report->n_runs; i++) {
		if (report->runs[i].copies != copies)
			continue;
		n++;
		*ret_passed += report->runs[i].passed;
	}
	return n;
}

uint64_t pack_sure(const struct pack_report *report, const struct pack_plan *plan, uint64_t percent)
{
	uint64_t memory = plan->memory_bytes / 100 * (100 - percent);

	return report->copies ? pack_line_fit(&report->line, memory, report->copies) : 0;
}

bool pack_peaks_met(const struct pack_report *report, const struct pack_result *run)
{
	return pack_used(&run->top) >= all_at_peak(&report->line, run->copies) / 100 * MET_PERCENT;
}
