/*
 * Audit: the one sentence that says why, with its numbers.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "harness/oomlog/audit.h"

enum { NAME_MAX_TEXT = 100 };

void audit_why(struct audit *audit, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(audit->why, sizeof(audit->why), fmt, ap);
	va_end(ap);
}

static const char *name(const struct oom_task *row, char *buf)
{
	snprintf(buf, NAME_MAX_TEXT, "pid %" PRId64 " (%s)", row->pid, row->name);
	return buf;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "; the printed score 919 comes out exactly" */
static void add_score(const struct audit_work *work, struct str *why)
{
	const struct audit *ret = work->ret;
	struct badness_task task = audit_row(work, work->chosen, -1);
	int64_t score;

	if (ret->printed_score == INT64_MIN || !ret->total_pages)
		return;
	score = badness_printed_score(work->rules,
				      badness_points(work->rules, &task, ret->total_pages),
				      ret->total_pages);
	if (score == ret->printed_score)
		str_addf(why, "; the printed score %" PRId64 " comes out exactly", score);
	else
		str_addf(why, "; the printed score is %" PRId64 ", the table gives %" PRId64,
			 ret->printed_score, score);
}

static void add_slack(const struct audit_work *work, struct str *why)
{
	if (work->counter_error)
		str_addf(why, "inexact counters (%" PRIu64 " page%s a process%s) and ",
			 work->counter_error, plural(work->counter_error),
			 work->options->cpus ? "" : ", an assumed bound");
	uint64_t moves = work->drift + work->options->late_pages;
	str_addf(why, "what may move between choice and print (%" PRIu64 " page%s)", moves,
		 plural(moves));
}

static void highest(const struct audit_work *work, const struct audit_outcome *outcome,
		    struct str *why)
{
	char chosen[NAME_MAX_TEXT], best[NAME_MAX_TEXT];

	if (outcome->n_eligible == 1) {
		str_addf(why, "%s, with %" PRId64 " points, is the only one that could be chosen%s",
			 name(work->chosen, chosen), outcome->points,
			 work->report->table_complete ? "" : " of the rows that are there");
		return;
	}
	str_addf(why, "%s has the most points of the %zu that could be chosen%s: %" PRId64,
		 name(work->chosen, chosen), outcome->n_eligible,
		 work->report->table_complete ? "" : ", of the rows that are there",
		 outcome->points);
	if (outcome->best)
		str_addf(why, ", %" PRId64 " more than %s", work->ret->margin,
			 name(outcome->best, best));
}

static void tie(const struct audit_work *work, const struct audit_outcome *outcome, struct str *why)
{
	bool last =
		(work->memcg ? work->rules->tie_memcg : work->rules->tie_global) == BADNESS_LAST;
	char chosen[NAME_MAX_TEXT];

	str_addf(why,
		 "%s is one of %zu with the most points, %" PRId64
		 "%s: of equals a kernel of %s takes the %s in its scan",
		 name(work->chosen, chosen), outcome->n_ties, outcome->points,
		 work->report->table_complete ? "" : ", of the rows that are there",
		 work->rules->name, last ? "last" : "first");
	if (outcome->ruled)
		str_addf(why,
			 " (that is %s in the table, but a page more or less makes or unmakes an "
			 "equal)",
			 name(outcome->ruled, chosen));
}

static void child(const struct audit_work *work, const struct audit_outcome *outcome,
		  struct str *why)
{
	if (outcome->n_ties > 1)
		tie(work, outcome, why);
	else
		highest(work, outcome, why);
	str_addf(why, "; pid %" PRId64 ", its child, died in its place", work->ret->victim_pid);
}

static void within(const struct audit_work *work, const struct audit_outcome *outcome,
		   struct str *why)
{
	char chosen[NAME_MAX_TEXT], best[NAME_MAX_TEXT];

	if (outcome->ruled)
		str_addf(why,
			 "%s is one of %zu with %" PRId64
			 " points in the table, of which %s would be taken; ",
			 name(work->chosen, chosen), outcome->n_ties, outcome->points,
			 name(outcome->ruled, best));
	else if (outcome->best)
		str_addf(why,
			 "%s has %" PRId64 " points in the table, %s has %" PRId64
			 ", which is within what the table can be off; ",
			 name(work->chosen, chosen), outcome->points, name(outcome->best, best),
			 outcome->best_points);
	add_slack(work, why);
	if (!(work->report->columns & UINT32_C(1) << OOM_COL_SWAPENTS) && work->swap_used)
		str_add(why, ", or what was in swap, for which the table has no column,");
	str_add(why, " can explain it");
}

static void unexplained(const struct audit_work *work, const struct audit_outcome *outcome,
			struct str *why)
{
	char chosen[NAME_MAX_TEXT], best[NAME_MAX_TEXT];

	str_addf(why,
		 "NOT explained by the formula of %s: %s was chosen with %" PRId64
		 " point%s, rank %zu of %zu, while %s has %" PRId64 "; ",
		 work->rules->name, name(work->chosen, chosen), outcome->points,
		 outcome->points == 1 ? "" : "s", outcome->rank, outcome->n_eligible,
		 name(outcome->best, best), outcome->best_points);
	add_slack(work, why);
	str_add(why, " cannot make up for it");
}

static void depends(const struct audit_work *work, const struct audit_outcome *outcome,
		    struct str *why)
{
	char chosen[NAME_MAX_TEXT];

	(void)outcome;
	str_addf(why,
		 "whether %s is the highest depends on T, the memory that oom_score_adj is weighed "
		 "with, and the report does not tell it (%s)",
		 name(work->chosen, chosen),
		 work->total.from ? work->total.from : "no memory figures");
}

void audit_why_ranked(const struct audit_work *work, const struct audit_outcome *outcome)
{
	static void (*const say[])(const struct audit_work *, const struct audit_outcome *,
				   struct str *) = {
		[AUDIT_HIGHEST] = highest,	   [AUDIT_TIE] = tie,
		[AUDIT_WITHIN_ERROR] = within,	   [AUDIT_CHILD] = child,
		[AUDIT_UNEXPLAINED] = unexplained, [AUDIT_NOT_CHECKED] = depends,
	};
	STR_AUTO why = STR_INIT;

	say[work->ret->verdict](work, outcome, &why);
	if (work->ret->verdict != AUDIT_NOT_CHECKED)
		add_score(work, &why);
	audit_why(work->ret, "%s", str_text(&why));
}
