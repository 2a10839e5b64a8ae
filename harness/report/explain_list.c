/*
 * An OOM report on one line: a year of logs at a glance. Computes nothing but the audit that it is
 * given; columns have fixed widths, since the first line is printed before the last is read.
 */
#include <inttypes.h>

#include "harness/record/text.h"
#include "harness/report/explain_layout.h"

enum { TIME = 19, VERDICT = 7, NAME = 15 };

/* Short, for people; JSON has audit_verdict_name(). */
static const char *const verdicts[] = {
	[AUDIT_HIGHEST] = "highest",	     [AUDIT_TIE] = "tie",
	[AUDIT_WITHIN_ERROR] = "within",     [AUDIT_CHILD] = "child",
	[AUDIT_ALLOCATING] = "asker",	     [AUDIT_NO_CHOICE] = "nobody",
	[AUDIT_UNEXPLAINED] = "UNEXPLAINED", [AUDIT_NOT_CHECKED] = "-",
};

static const char *const scopes[] = {
	[OOM_SCOPE_UNKNOWN] = "?", [OOM_GLOBAL] = "machine",	  [OOM_MEMCG] = "group",
	[OOM_CPUSET] = "cpuset",   [OOM_MEMPOLICY] = "mempolicy",
};

/* A line as wide as the terminal at most. */
static void add_cut(struct str *out, const struct explain_view *view, const struct str *line,
		    enum layout_style style)
{
	layout_on(out, view, style);
	if (view->width > 0)
		text_cut(out, str_text(line), (size_t)view->width);
	else
		str_add(out, str_text(line));
	layout_off(out, view, style);
	str_add(out, "\n");
}

void explain_list_head(struct str *out, const struct explain_view *view)
{
	STR_AUTO line = STR_INIT;

	str_addf(&line, "%4s %-*s %6s %5s %-*s %7s %-*s %s", "", TIME, "time", "size", "adj",
		 VERDICT, "audit", "pid", NAME, "killed", "where (by whom)");
	add_cut(out, view, &line, LAYOUT_HEAD);
}

static void add_where(struct str *out, const struct explain_item *item,
		      const struct explain_view *view)
{
	const struct oom_report *report = item->report;

	if (report->killer != OOM_KERNEL)
		str_add(out, oom_killer_name(report->killer));
	else if (*report->oom_memcg)
		text_clean(out, report->oom_memcg);
	else
		str_add(out, scopes[report->scope]);
	if (report->cause == OOM_SYSRQ)
		str_add(out, " SysRq");
	if (*report->panic)
		str_add(out, " panic");
	if (*report->comm) {
		str_add(out, " (by ");
		text_clean(out, report->comm);
		str_add(out, ")");
	}
	if (view->several && item->file) {
		str_add(out, "  ");
		text_clean(out, item->file);
		str_addf(out, ":%" PRIu64, report->first_line);
	}
}

static int32_t adj_of(const struct explain_facts *facts)
{
	if (facts->victim && facts->victim->oom_score_adj != INT32_MIN)
		return facts->victim->oom_score_adj;
	if (facts->victim_row && facts->victim_row->oom_score_adj != INT16_MIN)
		return facts->victim_row->oom_score_adj;
	return INT32_MIN;
}

static void add_line(struct str *out, const struct explain_item *item,
		     const struct explain_view *view)
{
	const struct oom_report *report = item->report;
	struct explain_facts facts;
	STR_AUTO when = STR_INIT;

	explain_dead(item, &facts);
	layout_time(&when, &report->first_time, report->first_line);
	str_addf(out, "%4" PRIu64 " ", item->number);
	layout_cell(out, str_text(&when), TIME);
	str_addf(out, " %6s",
		 facts.victim_bytes == EXPLAIN_NONE ? "-" : SIZE_TEXT(facts.victim_bytes));
	if (adj_of(&facts) == INT32_MIN)
		str_addf(out, " %5s ", "-");
	else
		str_addf(out, " %5d ", adj_of(&facts));
	/* The one that is wider must not be overlooked. */
	str_addf(out, "%-*s", VERDICT, verdicts[item->audit->verdict]);
	if (facts.victim && facts.victim->pid >= 0)
		str_addf(out, " %7" PRId64 " ", facts.victim->pid);
	else
		str_addf(out, " %7s ", "-");
	layout_cell(out, facts.victim ? facts.victim->comm : "-", NAME);
	str_add(out, " ");
	add_where(out, item, view);
}

void explain_list(struct str *out, const struct explain_item *item, const struct explain_view *view)
{
	enum layout_style style =
		item->audit->verdict == AUDIT_UNEXPLAINED ? LAYOUT_BAD : LAYOUT_PLAIN;
	STR_AUTO line = STR_INIT;

	add_line(&line, item, view);
	add_cut(out, view, &line, style);
}
