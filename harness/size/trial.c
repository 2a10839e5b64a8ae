/*
 * Single runs and what they mean: troubles of the command are told apart here, once.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "harness/size/measure_internal.h"
#include "harness/size/memo.h"

/* A run under a limit may take this many times as long, plus this much; then it thrashes. */
enum { SLOW_TIMES = 20, FOLLOWED_TIMES = 8 };
/* Below, a program is near its limit from its first instruction on. */
enum { LATE_LEAST = 8 << 20 };
#define SLOW_MORE_NS	 20000000000ULL
#define FOLLOWED_MORE_NS 5000000000ULL

int trial_trouble(struct measure *measure, enum size_trouble trouble, const char *fmt, ...)
{
	va_list ap;

	measure->report->trouble = trouble;
	va_start(ap, fmt);
	(void)vsnprintf(measure->report->why, sizeof(measure->report->why), fmt, ap);
	va_end(ap);
	return 1;
}

void measure_say(const struct measure *measure, const char *fmt, ...)
{
	char line[160];
	va_list ap;

	if (!measure->options->progress)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	measure->options->progress(measure->options->data, line);
}

int trial_interrupted(struct measure *measure)
{
	return trial_trouble(measure, SIZE_INTERRUPTED, "interrupted; what is known so far:");
}

/* ---- without a limit ----------------------------------------------------------------------- */

static int judge_free(struct measure *measure, const struct run_result *run)
{
	const struct size_options *options = measure->options;
	const char *program = options->command.argv[0];
	char buf[64], size[PARSE_TEXT_MAX], time[PARSE_TEXT_MAX];

	switch (run->end) {
	case RUN_INTERRUPTED:
		return trial_interrupted(measure);
	case RUN_NO_START:
		return trial_trouble(measure, SIZE_NO_START, "cannot execute '%s': %s", program,
				     strerror(run->status));
	case RUN_OOM:
	case RUN_CEILING:
		return trial_trouble(measure, SIZE_TOO_LARGE,
				     "it needs more than %s, the most that it may have here "
				     "(--max)",
				     format_size_short(options->max_bytes, size));
	case RUN_TIMEOUT:
		return trial_trouble(measure, SIZE_TOO_LONG,
				     "without any limit it did not end within %s (--timeout); "
				     "'--for TIME' sizes a server",
				     format_duration(options->timeout_ns, time));
	case RUN_LEFT_BEHIND:
		return trial_trouble(measure, SIZE_LEAVES,
				     "it ended and left processes of its own running (a daemon?): "
				     "keep it in the foreground, with '--for TIME'");
	case RUN_ESCAPED:
		return trial_trouble(measure, SIZE_ESCAPES, "%s", run->why);
	case RUN_SIGNALED:
	case RUN_EXITED:
		if (options->command.for_ns)
			return trial_trouble(measure, SIZE_FAILS,
					     "without any limit it ended before its time (--for): "
					     "%s",
					     run_end_text(run, buf, sizeof(buf)));
		if (run->end == RUN_SIGNALED && run->status == SIGKILL)
			return trial_trouble(measure, SIZE_KILLED,
					     "somebody killed it (SIGKILL) without any limit");
		if (run->end == RUN_SIGNALED || run->status != options->expected_status)
			return trial_trouble(measure, SIZE_FAILS, "without any limit: %s%s",
					     run_end_text(run, buf, sizeof(buf)),
					     options->command.stdin_path
						     ? ""
						     : " (it has no terminal, and its standard "
						       "input is empty: --stdin FILE)");
		if (run->check_failed)
			return trial_trouble(measure, SIZE_FAILS,
					     "without any limit: --check refuses the result");
		break;
	case RUN_SERVED:
	case RUN_SELF_SIZED:
	case RUN_UNFOLLOWED:
	case RUN_MISSED:
		break;
	}
	return 0;
}

/* A name that is mistyped would compare nothing. */
static int check_outputs(struct measure *measure)
{
	const struct size_command *command = &measure->options->command;
	const struct memo *memo = measure->lab->memo;

	if (memo && memo_taken(memo)) /* it has not been run now, and was checked then */
		return 0;
	for (size_t i = 0; i < command->n_outputs; i++)
		if (access(command->outputs[i], F_OK) < 0)
			return trial_trouble(measure, SIZE_FAILS,
					     "without any limit: there is no '%s' when it has "
					     "ended (--output-file)",
					     command->outputs[i]);
	return 0;
}

static int run_free(struct measure *measure, struct run_result *run, struct err *err)
{
	const struct size_options *options = measure->options;
	struct run_spec spec = {.command = &options->command,
				.mode = RUN_HARD,
				.limit_bytes = options->max_bytes,
				.timeout_ns = options->timeout_ns,
				.watch = true,
				.swap = options->swap,
				.swap_bytes = options->swap_bytes};

	measure->report->runs++;
	return size_run(measure->lab, &spec, run, err);
}

int trial_free(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;

	measure_say(measure, "without a limit");
	int r = run_free(measure, &report->free, err);
	if (r < 0)
		return r;
	measure->timeout_ns = report->free.wall_ns * SLOW_TIMES + SLOW_MORE_NS;
	if (measure->options->timeout_ns && measure->options->timeout_ns < measure->timeout_ns)
		measure->timeout_ns = measure->options->timeout_ns;
	if (measure->options->command.for_ns)
		measure->timeout_ns = 0;
	r = judge_free(measure, &report->free);
	return r < 0 || report->trouble ? r : check_outputs(measure);
}

/* ---- the same result? ---------------------------------------------------------------------- */

static bool same_but_output(const struct run_result *free, const struct run_result *run)
{
	return run->end == RUN_EXITED && free->end == RUN_EXITED && run->oom_kills == 0 &&
	       run->status == free->status && !run->check_failed;
}

/* Output that differs is a wrong result, unless it always does: that is found out once. */
static int is_same(struct measure *measure, const struct run_result *run, bool *ret_same,
		   bool *ret_wrong, struct err *err)
{
	struct size_report *report = measure->report;

	*ret_wrong = false;
	*ret_same = run_same(&report->free, run);
	if (*ret_same || !same_but_output(&report->free, run))
		return 0;
	if (!measure->output_known) {
		struct run_result again;
		measure_say(measure, "whether its output is always the same");
		int r = run_free(measure, &again, err);
		if (r < 0)
			return r;
		if (again.end == RUN_INTERRUPTED)
			return trial_interrupted(measure);
		measure->output_known = true;
		report->output_varies =
			same_but_output(&report->free, &again) && !run_same(&report->free, &again);
	}
	*ret_same = report->output_varies;
	*ret_wrong = !report->output_varies;
	return 0;
}

/* ---- under a limit ------------------------------------------------------------------------- */

static int killed_outside(struct measure *measure, const struct run_result *run)
{
	if (run->end != RUN_SIGNALED || run->status != SIGKILL)
		return 0;
	return trial_trouble(measure, SIZE_KILLED,
			     "somebody killed it (SIGKILL), and the OOM killer was not it: its "
			     "counter did not move");
}

/* Kernels that count no peak (v2 before 5.19): the limit bounds it. */
static uint64_t need_of(const struct run_result *run)
{
	return run->peak_bytes && run->peak_bytes < run->limit_bytes ? run->peak_bytes
								     : run->limit_bytes;
}

static void remember(struct size_report *report, const struct run_result *run, bool passed,
		     bool wrong, bool half)
{
	report->trials = mem_grow(report->trials, report->n_trials + 1, sizeof(*report->trials));
	report->trials[report->n_trials++] = (struct size_trial){.limit_bytes = run->limit_bytes,
								 .wall_ns = run->wall_ns,
								 .psi_some_us = run->psi_some_us,
								 .psi_full_us = run->psi_full_us,
								 .swap_bytes = run->swap_bytes,
								 .refaults = run->refaults,
								 .major_faults = run->major_faults,
								 .need_bytes = need_of(run),
								 .end = run->end,
								 .status = run->status,
								 .passed = passed,
								 .half = half,
								 .wrong_output = wrong};
}

struct run_spec trial_hard_spec(const struct measure *measure, uint64_t limit_bytes)
{
	return (struct run_spec){.command = &measure->options->command,
				 .mode = RUN_HARD,
				 .limit_bytes = limit_bytes,
				 .timeout_ns = measure->timeout_ns,
				 .swap = measure->options->swap,
				 .swap_bytes = measure->options->swap_bytes};
}

/* Shared memory that stays (a file on tmpfs, a SysV segment) is charged to the run that made it:
 * who finds it there needs less. With swap it may only be out. */
static bool is_found_ready(const struct measure *measure, const struct run_result *run)
{
	return !measure->options->swap && run->left_shmem_bytes + measure->options->step_bytes <=
						  measure->report->free.left_shmem_bytes;
}

static int try_spec(struct measure *measure, const struct run_spec *spec, bool *ret_passed,
		    struct err *err)
{
	struct run_result run;
	char size[PARSE_TEXT_MAX];
	bool wrong = false;

	measure_say(measure, "limit %s%s", format_size_short(spec->limit_bytes, size),
		    spec->half ? ", half of the CPUs" : "");
	measure->report->runs++;
	int r = size_run(measure->lab, spec, &run, err);
	if (r >= 0 && run.end == RUN_INTERRUPTED)
		return trial_interrupted(measure);
	if (r >= 0)
		r = killed_outside(measure, &run);
	if (r == 0)
		r = is_same(measure, &run, ret_passed, &wrong, err);
	if (r == 0 && *ret_passed && is_found_ready(measure, &run))
		return trial_trouble(
			measure, SIZE_UNSTABLE,
			"each run finds shared memory that the one before it left (%s: a file on "
			"tmpfs, or SysV): let the command remove it",
			format_size_short(measure->report->free.left_shmem_bytes, size));
	if (r == 0)
		remember(measure->report, &run, *ret_passed, wrong, spec->half);
	return r;
}

int trial_hard(struct measure *measure, uint64_t limit_bytes, bool *ret_passed, struct err *err)
{
	struct run_spec spec = trial_hard_spec(measure, limit_bytes);

	return try_spec(measure, &spec, ret_passed, err);
}

int trial_half(struct measure *measure, uint64_t limit_bytes, bool *ret_passed, struct err *err)
{
	struct run_spec spec = trial_hard_spec(measure, limit_bytes);

	spec.half = true;
	return try_spec(measure, &spec, ret_passed, err);
}

/* A program that does little but system calls is too slow when each is stopped: bisection is
 * better. */
static uint64_t ratchet_timeout(const struct measure *measure)
{
	uint64_t timeout = measure->report->free.wall_ns * FOLLOWED_TIMES + FOLLOWED_MORE_NS;

	if (!measure->timeout_ns || timeout < measure->timeout_ns)
		return measure->options->command.for_ns ? 0 : timeout;
	return measure->timeout_ns;
}

/* One run, and whether it came out as without a limit. */
static int ratchet_once(struct measure *measure, const struct run_spec *spec,
			struct run_result *run, bool *ret_good, struct err *err)
{
	bool wrong = false;

	measure->report->runs++;
	int r = size_run(measure->lab, spec, run, err);
	if (r >= 0 && run->end == RUN_INTERRUPTED)
		return trial_interrupted(measure);
	if (r >= 0)
		r = killed_outside(measure, run);
	if (r == 0)
		r = is_same(measure, run, ret_good, &wrong, err);
	if (r == 0 && wrong)
		snprintf(run->why, sizeof(run->why), "its output was another one");
	return r;
}

struct run_spec trial_ratchet_spec(const struct measure *measure, uint64_t from_bytes)
{
	const struct size_options *options = measure->options;

	return (struct run_spec){.command = &options->command,
				 .mode = RUN_RATCHET,
				 .limit_bytes = from_bytes,
				 .step_bytes = options->step_bytes,
				 .ceiling_bytes = options->max_bytes,
				 .probe = !measure->slow_start,
				 .late = from_bytes >= LATE_LEAST && !measure->slow_start &&
					 measure->lab->version == CG_V1,
				 .timeout_ns = ratchet_timeout(measure),
				 .swap = options->swap,
				 .swap_bytes = options->swap_bytes};
}

int trial_ratchet(struct measure *measure, uint64_t from_bytes, struct run_result *run,
		  bool *ret_good, struct err *err)
{
	char size[PARSE_TEXT_MAX];
	struct run_spec spec = trial_ratchet_spec(measure, from_bytes);

	measure_say(measure, "ratchet from %s", format_size_short(from_bytes, size));
	int r = ratchet_once(measure, &spec, run, ret_good, err);
	if (r != 0 || *ret_good || run->every_call || measure->lab->version == CG_V2 ||
	    run->end == RUN_SELF_SIZED)
		return r;
	/* It went through the last MiBs faster than it could be stopped, or being stopped cut a
	 * call short (as any signal does to a read of /dev/zero): every call from the start. */
	spec.probe = spec.late = false;
	measure->slow_start = run->end == RUN_MISSED || measure->report->n_samples == 0;
	return ratchet_once(measure, &spec, run, ret_good, err);
}
