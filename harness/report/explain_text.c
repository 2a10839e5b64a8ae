/*
 * An OOM report for people: the plain answer, the processes by badness, the memory by kind, the
 * audit.
 */
#include <inttypes.h>

#include "harness/record/text.h"
#include "harness/report/explain_layout.h"

static const char *const labels[EXPLAIN_TOPICS] = {
	[EXPLAIN_WHAT] = "Ran out", [EXPLAIN_WHO] = "Asked",	       [EXPLAIN_DIED] = "Died",
	[EXPLAIN_WHY] = "Why",	    [EXPLAIN_PROTECTED] = "Protected", [EXPLAIN_LEFT] = "Left",
	[EXPLAIN_ADVICE] = "To do",
};

static void add_head(struct str *out, const struct explain_item *item,
		     const struct explain_view *view)
{
	const struct oom_report *report = item->report;
	uint64_t last = report->last_line;

	layout_on(out, view, LAYOUT_HEAD);
	str_addf(out, "OOM %" PRIu64 "  ", item->number);
	layout_time(out, &report->first_time, report->first_line);
	if (*report->kernel) {
		str_add(out, "  kernel ");
		text_clean(out, report->kernel);
	}
	if (item->file && view->several) {
		str_add(out, "  ");
		text_clean(out, item->file);
		str_addf(out, ":%" PRIu64, report->first_line);
	} else {
		str_addf(out, "  line%s %" PRIu64, last > report->first_line ? "s" : "",
			 report->first_line);
	}
	if (last > report->first_line)
		str_addf(out, "-%" PRIu64, last);
	layout_off(out, view, LAYOUT_HEAD);
	str_add(out, "\n");
}

static void add_answer(struct str *out, const struct explain_item *item,
		       const struct explain_view *view)
{
	struct explain_answer answer;

	explain_answer(item, &answer);
	for (int topic = 0; topic < EXPLAIN_TOPICS; topic++)
		layout_paragraph(out, view, labels[topic], str_text(&answer.topic[topic]));
	explain_answer_clear(&answer);
}

static void add_missing(struct str *text, const char *what)
{
	str_addf(text, "%s%s", text->len ? ", " : "Missing in the log: ", what);
}

/* What the reader must know about the report itself. */
static void add_gaps(struct str *out, const struct explain_item *item,
		     const struct explain_view *view)
{
	const struct oom_report *report = item->report;
	uint64_t unknown = report->n_unknown + report->unknown_more;
	STR_AUTO text = STR_INIT;

	if (report->cut_head)
		add_missing(&text, "its beginning");
	if (report->cut_table)
		add_missing(&text, "rows of the process table");
	if (report->cut_tail)
		add_missing(&text, "its end");
	if (text.len)
		str_add(&text, ".\n");
	/* what is rate-limited is the rest as a whole, the "oom-kill:" line included */
	if (report->cut_head && report->n_kills && !report->n_figures && !report->n_tasks &&
	    !report->cut_table && !report->constraint_line && report->killer == OOM_KERNEL)
		str_add(&text, "After 10 reports in 5 s the kernel prints the kill alone.\n");
	if (report->dropped)
		str_addf(&text, "The kernel dropped %" PRIu64 " messages within.\n",
			 report->dropped);
	if (unknown)
		str_addf(&text, "%" PRIu64 " line%s within of no known form (--json has %s).\n",
			 unknown, unknown > 1 ? "s" : "", unknown > 1 ? "them" : "it");
	layout_paragraph(out, view, "Log", str_text(&text));
}

static void add_audit(struct str *out, const struct explain_facts *facts,
		      const struct explain_view *view)
{
	bool bad = facts->audit->verdict == AUDIT_UNEXPLAINED;
	STR_AUTO text = STR_INIT;

	if (facts->report->killer != OOM_KERNEL)
		return;
	explain_verdict(facts, &text);
	str_add(out, "\n");
	layout_on(out, view, bad ? LAYOUT_BAD : LAYOUT_PLAIN);
	layout_paragraph(out, view, "Audit", str_text(&text));
	layout_off(out, view, bad ? LAYOUT_BAD : LAYOUT_PLAIN);
}

void explain_text(struct str *out, const struct explain_item *item, const struct explain_view *view)
{
	struct explain_facts facts;

	explain_facts(item, &facts);
	add_head(out, item, view);
	add_answer(out, item, view);
	add_gaps(out, item, view);
	layout_tasks(out, &facts, view);
	layout_kinds(out, &facts, view);
	add_audit(out, &facts, view);
}
