/*
 * See tell.h: the text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "harness/size/advice.h"
#include "harness/size/stats.h"
#include "harness/size/success.h"
#include "harness/size/tell.h"

enum { ROWS_MAX = 8, BAR_MAX = 40, CURVE_ROWS = 16 };

static const char *mib(uint64_t bytes, char *buf)
{
	snprintf(buf, PARSE_TEXT_MAX, "%.1f MiB", (double)bytes / 1048576);
	return buf;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static size_t trials_at(const struct size_report *report, uint64_t limit, bool half,
			size_t *ret_passed)
{
	size_t n = 0;

	*ret_passed = 0;
	for (size_t i = 0; i < report->n_trials; i++) {
		if (report->trials[i].limit_bytes != limit || report->trials[i].half != half)
			continue;
		n++;
		*ret_passed += report->trials[i].passed;
	}
	return n;
}

/* A limit may have been refused on half of the CPUs alone. */
static void say_shown(const struct size_report *report, uint64_t limit, struct str *out)
{
	char size[PARSE_TEXT_MAX];
	size_t passed, n = trials_at(report, limit, false, &passed);
	bool half = n == 0;

	if (half)
		n = trials_at(report, limit, true, &passed);
	if (n > 0)
		str_addf(out, "%s%zu of %zu run%s passed at %s%s", out->len ? ", " : "", passed, n,
			 n == 1 ? "" : "s", mib(limit, size), half ? " on half of the CPUs" : "");
}

static void say_limit(const struct size_report *report, struct str *out)
{
	STR_AUTO shown = STR_INIT;
	char size[PARSE_TEXT_MAX];

	str_addf(out, "limit without a kill     %s%s\n", mib(report->limit_bytes, size),
		 report->at_floor ? " or less (one step)" : "");
	say_shown(report, report->shown_bytes, &shown);
	if (report->below_bytes)
		say_shown(report, report->below_bytes, &shown);
	str_addf(out, "  shown                  %s\n", str_text(&shown));
}

/* What passes in a row are worth, and what was put on top. */
static void say_row(const struct size_report *report, const struct size_options *options,
		    struct str *out)
{
	char size[PARSE_TEXT_MAX];

	str_addf(out,
		 "  in a row               %" PRIu64
		 " passes: %.0f %% confidence that at least %.0f "
		 "%% of runs pass there (--samples)\n",
		 report->in_a_row, 100 * STATS_CONFIDENCE,
		 100 * stats_share_at_least(report->in_a_row, report->in_a_row, STATS_CONFIDENCE));
	size_t passed, n = trials_at(report, report->shown_bytes, true, &passed);
	if (n > 0)
		str_addf(out, "  on half of the CPUs    %zu of %zu runs passed there\n", passed, n);
	if (report->shown_bytes + options->step_bytes < report->limit_bytes)
		str_addf(out, "  above it               %s, by what %s\n",
			 mib(report->limit_bytes - report->shown_bytes, size),
			 report->met_bytes > report->shown_bytes
				 ? "its processes need when their peaks meet"
				 : "those runs differed by");
	if (report->met_bytes)
		str_addf(out, "  if all peaks meet      %s, by the peak of each of its processes\n",
			 mib(report->met_bytes, size));
}

static void say_slow(const struct size_report *report, const struct size_options *options,
		     struct str *out)
{
	const struct size_slow *slow = &report->slow;
	char size[PARSE_TEXT_MAX], time[PARSE_TEXT_MAX], base[PARSE_TEXT_MAX];

	if (!slow->known)
		return;
	str_addf(out, "limit without slow-down  %s\n", mib(slow->limit_bytes, size));
	str_addf(out, "  at most %" PRIu64 " %% slower    %s, without a limit %s",
		 options->slow_percent, format_duration(slow->wall_ns, time),
		 format_duration(slow->base_ns, base));
	if (slow->psi_some_us != UINT64_MAX)
		str_addf(out, "; stalled on memory for %s",
			 format_duration(slow->psi_some_us * 1000, time));
	if (slow->refaults || slow->major_faults)
		str_addf(out, "; %" PRIu64 " refaults, %" PRIu64 " major faults", slow->refaults,
			 slow->major_faults);
	if (options->swap)
		str_addf(out, "; in swap %s", mib(slow->swap_bytes, size));
	str_add(out, "\n");
}

static void say_distribution(const struct size_report *report, const struct size_options *options,
			     struct str *out)
{
	uint64_t low = UINT64_MAX, high = 0;
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	for (size_t i = 0; i < report->n_samples; i++) {
		uint64_t limit = report->samples[i].limit_bytes;
		low = limit < low ? limit : low;
		high = limit > high ? limit : high;
	}
	if (report->n_samples == 0 && report->at_floor)
		return;
	if (options->samples == 1 && report->varies)
		say_row(report, options, out);
	else if (report->n_samples == 0)
		str_add(out,
			"  samples                none: bisection asks one run a limit, and its "
			"answer to pass a few times\n");
	else if (report->n_samples == 1)
		str_add(out, "  samples                one: says nothing about how much the need "
			     "varies (--samples)\n");
	else if (options->samples == 1)
		str_addf(out,
			 "  samples                %zu, from %s to %s: say little about how much "
			 "the need varies (--samples)\n",
			 report->n_samples, mib(low, a), mib(high, b));
	else
		str_addf(out,
			 "  samples                %zu, from %s to %s\n"
			 "  confidence             %.0f %% that at least %.0f %% of runs pass at "
			 "the "
			 "limit%s\n",
			 report->n_samples, mib(low, a), mib(high, b), 100 * report->confidence,
			 100 * report->quantile,
			 report->confidence < 0.95 ? " (too few samples for 95 %)" : "");
}

/* ---- how ----------------------------------------------------------------------------------- */

static void say_engine(const struct size_report *report, const struct size_facts *facts,
		       struct str *out)
{
	char time[PARSE_TEXT_MAX], size[PARSE_TEXT_MAX];
	unsigned int retries = 0;

	for (size_t i = 0; i < report->n_samples; i++)
		retries += report->samples[i].retries;
	str_addf(out, "engine                   %s%s%s", report->engine,
		 report->engine_why[0] ? ": " : "", report->engine_why);
	if (retries)
		str_addf(out, ", %u system call%s made again", retries, retries == 1 ? "" : "s");
	str_addf(out, "\nruns                     %u in %s", report->runs - report->known_runs,
		 format_duration(report->measure_ns, time));
	if (report->known_runs)
		str_addf(out, ", and %u that were known (--save)", report->known_runs);
	str_add(out, "\n");
	str_addf(out, "without a limit          peak %s with page cache",
		 mib(report->free.peak_bytes, size));
	str_addf(out, ", %s\n", format_duration(report->free.wall_ns, time));
	str_addf(out,
		 "holds for                this input; page cache %s; THP %s; swap %s; %s; %s\n",
		 facts->cold ? "cold (--cold)" : "warm", *facts->thp ? facts->thp : "none",
		 facts->swap	   ? "used"
		 : facts->has_swap ? "forbidden"
				   : "none",
		 facts->kernel, facts->groups);
}

static void say_notes(const struct size_report *report, const struct size_facts *facts,
		      struct str *out)
{
	bool wrong = false;

	for (size_t i = 0; i < report->n_trials; i++)
		wrong = wrong || report->trials[i].wrong_output;
	if (report->output_varies)
		str_add(out, "note: its output differs from run to run without any limit: only the "
			     "exit status was compared (--check 'command' can do better)\n");
	if (report->varies)
		str_add(out, "note: its need varies from run to run: --samples 29 gives the 0.9 "
			     "quantile with 95 % confidence\n");
	if (report->not_monotone)
		str_addf(out, "note: not monotone: a limit failed above one that had passed%s\n",
			 str_eq(facts->thp, "always") ? "; THP is 'always', where khugepaged's "
							"timing decides"
						      : "");
	if (report->jobs_doubted)
		str_add(out, "note: copies of it side by side came out otherwise than one alone: "
			     "the rest was run without --jobs\n");
	if (wrong)
		str_add(out, "note: under a lower limit it ended well with another output: such "
			     "limits are refused\n");
}

/* ---- what it is made of -------------------------------------------------------------------- */

static void say_kind(struct str *out, const char *name, uint64_t bytes, bool *first)
{
	char size[PARSE_TEXT_MAX];

	if (bytes < 65536)
		return;
	str_addf(out, "%s%s %s", *first ? "" : ", ", name, mib(bytes, size));
	*first = false;
}

static void say_makeup(const struct look *peak, struct str *out)
{
	bool first = true;
	char size[PARSE_TEXT_MAX];

	str_add(out, "made of, at the peak     ");
	say_kind(out, "anon", peak->anon_bytes, &first);
	say_kind(out, "file", peak->file_bytes, &first);
	say_kind(out, "shmem", peak->shmem_bytes, &first);
	say_kind(out, "kernel", peak->kernel_bytes, &first);
	say_kind(out, "page tables", peak->tables_bytes, &first);
	say_kind(out, "sockets", peak->socket_bytes, &first);
	str_add(out, first ? "less than 64 KiB of each kind\n" : "\n");
	for (size_t i = 0; i < peak->n_procs && i < ROWS_MAX; i++) {
		const struct look_proc *proc = &peak->procs[i];
		str_addf(out, "  %-15s        anon %s", proc->name, mib(proc->anon_bytes, size));
		str_addf(out, ", shmem %s", mib(proc->shmem_bytes, size));
		str_addf(out, ", page tables %s (pid %d)\n", mib(proc->tables_bytes, size),
			 proc->pid);
	}
	if (peak->all_procs > ROWS_MAX)
		str_addf(out, "  and %zu more\n", peak->all_procs - ROWS_MAX);
}

/* ---- the chart ----------------------------------------------------------------------------- */

static void bar(const struct size_trial *trial, uint64_t longest, const struct tell_view *view,
		struct str *out)
{
	int n = longest ? (int)(trial->wall_ns * BAR_MAX / longest) : 0;

	for (int i = 0; i < (n < 1 ? 1 : n); i++)
		str_add(out, view->unicode ? "\u2588" : "#");
}

static void say_trial(const struct size_trial *trial, uint64_t longest,
		      const struct tell_view *view, struct str *out)
{
	const char *on = !view->colour ? "" : trial->passed ? "\033[32m" : "\033[31m";
	char size[PARSE_TEXT_MAX], time[PARSE_TEXT_MAX];
	const char *what = trial->passed	       ? "passes"
			   : trial->wrong_output       ? "wrong output"
			   : trial->end == RUN_OOM     ? "OOM kill"
			   : trial->end == RUN_TIMEOUT ? "no end"
						       : "fails";

	str_addf(out, "%13s  %s%-12s%s %8s  ", mib(trial->limit_bytes, size), on, what,
		 view->colour ? "\033[0m" : "", format_duration(trial->wall_ns, time));
	bar(trial, longest, view, out);
	str_add(out, "\n");
}

/* Every limit that was tried, from the lowest up: how it went and how long it took. */
static void say_chart(const struct size_report *report, const struct tell_view *view,
		      struct str *out)
{
	uint64_t longest = 0, last = 0;

	for (size_t i = 0; i < report->n_trials; i++)
		longest = report->trials[i].wall_ns > longest ? report->trials[i].wall_ns : longest;
	str_addf(out, "\n%13s  %-12s %8s\n", "limit", "run", "time");
	for (;;) {
		uint64_t next = size_next_limit(report, last);
		if (next == UINT64_MAX)
			return;
		for (size_t i = 0; i < report->n_trials; i++)
			if (report->trials[i].limit_bytes == next)
				say_trial(&report->trials[i], longest, view, out);
		last = next;
	}
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void say_advice(const struct size_report *report, const struct size_options *options,
		       struct str *out)
{
	struct advice advice =
		advice_of(report->limit_bytes, report->slow.known ? report->slow.limit_bytes : 0,
			  report->varies);
	STR_AUTO lines = STR_INIT;

	advice.swap_bytes = options->swap ? options->swap_bytes : 0;
	str_addf(out, "\nto set (%s):\n", advice_rule(report->varies));
	advice_lines(&advice, &lines);
	for (const char *line = str_text(&lines); *line;) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, "\t");
		str_addf(out, "  %-11.*s %.*s\n", (int)name, line, (int)(len - name - 1),
			 line + name + 1);
		line += len + 1;
	}
}

void tell_text(const struct size_report *report, const struct size_options *options,
	       const struct size_facts *facts, const struct tell_view *view, struct str *out)
{
	if (report->found) {
		say_limit(report, out);
		say_distribution(report, options, out);
		say_slow(report, options, out);
	} else if (report->free.wall_ns) {
		success_so_far(report, out);
	}
	if (report->free.wall_ns) {
		say_engine(report, facts, out);
		say_makeup(&report->peak, out);
	}
	say_notes(report, facts, out);
	if (options->samples > 1 && report->n_samples)
		success_text(report, options->step_bytes, CURVE_ROWS, out);
	if (view->width && report->n_trials)
		say_chart(report, view, out);
	if (report->found)
		say_advice(report, options, out);
}
