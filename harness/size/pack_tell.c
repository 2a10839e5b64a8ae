/*
 * See pack.h: the result as text. Every line says a number that was measured, and how.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "harness/size/pack.h"
#include "harness/size/stats.h"

enum { ROOM_PERCENT = 10, SLOW_TIMES_10 = 15, STALLED_PERCENT = 10 };

static const char *mib(uint64_t bytes, char *buf)
{
	snprintf(buf, PARSE_TEXT_MAX, "%.1f MiB", (double)bytes / 1048576);
	return buf;
}

static const char *copies_word(uint64_t n)
{
	return n == 1 ? "copy" : "copies";
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void say_shown(const struct pack_report *report, uint64_t copies, struct str *out)
{
	size_t passed, n = pack_count(report, copies, &passed);

	if (n > 0)
		str_addf(out, "%s%zu of %zu run%s with %" PRIu64 " %s passed", out->len ? ", " : "",
			 passed, n, n == 1 ? "" : "s", copies, copies_word(copies));
}

/* Why one more is too many. */
static const struct pack_result *first_failure(const struct pack_report *report, uint64_t copies)
{
	for (size_t i = report->n_free; i < report->n_runs; i++)
		if (report->runs[i].copies == copies && !report->runs[i].passed)
			return &report->runs[i];
	return NULL;
}

static void say_answer(const struct pack_report *report, const struct pack_plan *plan,
		       struct str *out)
{
	const struct pack_result *failed = first_failure(report, report->copies + 1);
	MEM_AUTO char *title = NULL;
	STR_AUTO shown = STR_INIT;
	char size[PARSE_TEXT_MAX], end[160];

	title = mem_printf("copies in %s", format_size(plan->memory_bytes, size));
	str_addf(out, "%-24s %" PRIu64 "%s%s\n", title, report->copies,
		 report->found && !report->at_most ? "" : " or more",
		 plan->estimate ? ": an estimate, not run" : "");
	say_shown(report, report->copies, &shown);
	say_shown(report, report->copies + 1, &shown);
	if (shown.len)
		str_addf(out, "  shown                  %s%s%s%s\n", str_text(&shown),
			 failed ? " (" : "", failed ? pack_end_text(failed, end, sizeof(end)) : "",
			 failed ? ")" : "");
	if (report->at_most)
		str_add(out, "  stopped at             the most copies that were asked for "
			     "(--copies)\n");
}

/* Order statistics: the passes in a row of what was answered. */
static void say_confidence(const struct pack_report *report, struct str *out)
{
	size_t passed;

	(void)pack_count(report, report->copies, &passed);
	if (passed == 0)
		return;
	if (passed == 1)
		str_add(out,
			"  confidence             one run: says little where the copies' peaks "
			"may or may not meet (--repeat)\n");
	else
		str_addf(out,
			 "  confidence             %.0f %% that at least 90 %% of such runs pass\n",
			 100 * stats_confidence(passed, passed, 0.9));
}

/* Where they did not meet, the number that passed is a matter of luck. */
static void say_sure(const struct pack_report *report, const struct pack_plan *plan,
		     struct str *out)
{
	const struct pack_result *best = pack_best(report);
	uint64_t sure = pack_sure(report, plan, 0);
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	if (best && best->copies > 1 && sure < report->copies && !pack_peaks_met(report, best))
		str_addf(out,
			 "  if all peaks meet      %" PRIu64 ": the %" PRIu64
			 " held %s at once, their peaks together are %s\n",
			 sure, best->copies, mib(pack_used(&best->top), a),
			 mib(report->line.fixed_bytes + best->copies * report->line.copy_bytes, b));
	str_addf(out, "  with %d %% to spare     %" PRIu64 "\n", ROOM_PERCENT,
		 pack_sure(report, plan, ROOM_PERCENT));
}

/* ---- what a copy costs --------------------------------------------------------------------- */

static void say_kind(struct str *out, const char *name, uint64_t bytes)
{
	char size[PARSE_TEXT_MAX];

	if (bytes >= 65536)
		str_addf(out, ", %s %s", name, mib(bytes, size));
}

static void say_cost(const struct pack_report *report, struct str *out)
{
	const struct look *one = &report->one.top;
	const struct pack_result *two = NULL;
	size_t procs = 1; /* of one */
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	str_addf(out, "each copy costs          %s at its peak", mib(report->line.copy_bytes, a));
	say_kind(out, "anon", one->anon_bytes);
	say_kind(out, "kernel", one->kernel_bytes);
	say_kind(out, "sockets", one->socket_bytes);
	str_addf(out, "\ncounted once             %s%s\n", mib(report->line.fixed_bytes, a),
		 one->shmem_bytes ? " (shared memory)" : "");
	for (size_t i = 0; i < report->n_free; i++)
		if (report->runs[i].copies == 2)
			two = &report->runs[i];
		else if (report->runs[i].copies == 1 && report->runs[i].share.procs)
			procs = report->runs[i].share.procs;
	if (two && two->share.procs >= 2 * procs)
		str_addf(out,
			 "  two of them            map %s of their own, and %s together with "
			 "others (%zu processes)\n",
			 mib(two->share.private_bytes, a), mib(pack_share_shared(&two->share), b),
			 two->share.procs);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void say_time(const struct pack_report *report, bool serves, struct str *out)
{
	const struct pack_result *best = pack_best(report);
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX], cpu[PARSE_TEXT_MAX];

	if (!best || best->copies < 2)
		return;
	uint64_t psi_ns = best->psi_some_us == UINT64_MAX ? 0 : best->psi_some_us * 1000;
	str_addf(out, "time                     ");
	if (serves)
		str_add(out, "all alive at the end");
	else
		str_addf(out, "%" PRIu64 " copies %s, one alone %s", best->copies,
			 format_duration(best->wall_ns, a),
			 format_duration(report->one.wall_ns, b));
	if (best->psi_some_us != UINT64_MAX)
		str_addf(out, "; stalled on memory for %s", format_duration(psi_ns, a));
	str_add(out, "\n");
	if (psi_ns > best->wall_ns / 100 * STALLED_PERCENT)
		str_addf(out,
			 "note: with %" PRIu64 " copies memory was short for %.0f %% of the "
			 "time: fewer run faster\n",
			 best->copies, 100 * (double)psi_ns / (double)best->wall_ns);
	if (!serves && best->cpu_ns > best->wall_ns / 100 * 80 * (uint64_t)report->cpus &&
	    best->wall_ns > report->one.wall_ns / 10 * SLOW_TIMES_10)
		str_addf(out,
			 "note: they took turns on %ld CPU%s (%s of CPU time): with more CPUs more "
			 "peaks meet, and fewer copies may fit\n",
			 report->cpus, report->cpus == 1 ? "" : "s",
			 format_duration(best->cpu_ns, cpu));
}

/* ---- the runs ------------------------------------------------------------------------------ */

static void say_run(const struct pack_result *run, bool free, const struct tell_view *view,
		    struct str *out)
{
	const char *on = !view->colour ? "" : run->passed ? "\033[32m" : "\033[31m";
	char limit[PARSE_TEXT_MAX], time[PARSE_TEXT_MAX], used[PARSE_TEXT_MAX];
	char peak[PARSE_TEXT_MAX], end[160];

	str_addf(out, "%7" PRIu64 "  %12s  %s%-8s%s %9s", run->copies,
		 free ? "none" : mib(run->limit_bytes, limit), on, run->passed ? "pass" : "fail",
		 view->colour ? "\033[0m" : "", format_duration(run->wall_ns, time));
	str_addf(out, "  %12s  %12s", mib(pack_used(&run->top), used), mib(run->peak_bytes, peak));
	str_addf(out, "%s%s\n", run->passed ? "" : "  ",
		 run->passed ? "" : pack_end_text(run, end, sizeof(end)));
}

static void say_runs(const struct pack_report *report, const struct tell_view *view,
		     struct str *out)
{
	str_addf(out, "\n%7s  %12s  %-8s %9s  %12s  %12s\n", "copies", "limit", "run", "time",
		 "they hold", "with cache");
	if (report->n_free == 0 || report->runs[0].copies != 1)
		say_run(&report->one, true, view, out);
	for (size_t i = 0; i < report->n_runs; i++)
		say_run(&report->runs[i], i < report->n_free, view, out);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void say_conditions(const struct pack_report *report, const struct size_report *size,
			   const struct pack_plan *plan, const struct size_facts *facts,
			   struct str *out)
{
	char time[PARSE_TEXT_MAX];

	str_addf(out, "runs                     %u in %s", size->runs,
		 format_duration(size->measure_ns, time));
	if (report->predicted)
		str_addf(out, "; one and two copies predicted %" PRIu64, report->predicted);
	str_addf(out,
		 "\nholds for                this input; page cache %s; THP %s; swap %s; %s; %s\n",
		 facts->cold ? "cold (--cold)" : "warm", *facts->thp ? facts->thp : "none",
		 facts->swap	   ? "used"
		 : facts->has_swap ? "forbidden"
				   : "none",
		 facts->kernel, facts->groups);
	for (size_t i = 0; i < report->n_free; i++)
		if (report->runs[i].clash[0]) {
			str_addf(out,
				 "note: two copies write '%s': give each a file of its own ('%s' "
				 "in the command is its number)\n",
				 report->runs[i].clash, plan->mark);
			break;
		}
	if (report->any_output)
		str_add(out, "note: the output of two copies differs without any limit: only the "
			     "exit status was compared (--check 'command' can do better)\n");
}

void pack_text(const struct pack_report *report, const struct size_report *size,
	       const struct pack_plan *plan, const struct size_facts *facts,
	       const struct tell_view *view, struct str *out)
{
	bool serves = size->free.end == RUN_SERVED;

	if (report->found || report->copies)
		say_answer(report, plan, out);
	if (report->copies) {
		if (!serves && !plan->estimate)
			say_confidence(report, out);
		say_sure(report, plan, out);
		say_cost(report, out);
		say_time(report, serves, out);
	}
	if (size->free.wall_ns) {
		say_conditions(report, size, plan, facts, out);
		say_runs(report, view, out);
	}
}
