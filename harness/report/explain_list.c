/*
 * An OOM report on one line: a year of logs at a glance. Computes nothing but the audit that it is
 * given; columns have fixed widths, since the first line is printed before the last is read.
 */
#include <inttypes.h>

#include "harness/record/text.h"
#include "harness/report/explain_layout.h"

enum { TIME = 19, NAME = 15, VERDICT = 15 };

static const char *const scopes[] = {
	[OOM_SCOPE_UNKNOWN] = "?", [OOM_GLOBAL] = "machine",	  [OOM_MEMCG] = "group",
	[OOM_CPUSET] = "cpuset",   [OOM_MEMPOLICY] = "mempolicy",
};

void explain_list_head(struct str *out, const struct explain_view *view)
{
	layout_on(out, view, LAYOUT_HEAD);
	str_addf(out, "%4s  %-*s %7s %-*s %7s %5s  %-*s %-*s %s", "", TIME, "time", "pid", NAME,
		 "killed", "size", "adj", VERDICT, "audit", NAME, "asked", "where");
	layout_off(out, view, LAYOUT_HEAD);
	str_add(out, "\n");
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
		str_add(out, " (SysRq)");
	if (*report->panic)
		str_add(out, " panic");
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

void explain_list(struct str *out, const struct explain_item *item, const struct explain_view *view)
{
	const struct oom_report *report = item->report;
	enum layout_style style =
		item->audit->verdict == AUDIT_UNEXPLAINED ? LAYOUT_BAD : LAYOUT_PLAIN;
	struct explain_facts facts;
	STR_AUTO line = STR_INIT;
	STR_AUTO when = STR_INIT;

	explain_dead(item, &facts);
	layout_time(&when, &report->first_time, report->first_line);
	str_addf(&line, "%4" PRIu64 "  ", item->number);
	layout_cell(&line, str_text(&when), TIME);
	if (facts.victim && facts.victim->pid >= 0)
		str_addf(&line, " %7" PRId64 " ", facts.victim->pid);
	else
		str_addf(&line, " %7s ", "-");
	layout_cell(&line, facts.victim ? facts.victim->comm : "-", NAME);
	str_addf(&line, " %7s",
		 facts.victim_bytes == EXPLAIN_NONE ? "-" : SIZE_TEXT(facts.victim_bytes));
	if (adj_of(&facts) == INT32_MIN)
		str_addf(&line, " %5s  ", "-");
	else
		str_addf(&line, " %5d  ", adj_of(&facts));
	layout_cell(&line, audit_verdict_name(item->audit->verdict), VERDICT);
	str_add(&line, " ");
	layout_cell(&line, *report->comm ? report->comm : "-", NAME);
	str_add(&line, " ");
	add_where(&line, item, view);
	layout_on(out, view, style);
	if (view->width > 0)
		text_cut(out, str_text(&line), (size_t)view->width);
	else
		str_add(out, str_text(&line));
	layout_off(out, view, style);
	str_add(out, "\n");
}
