/*
 * Why that process: the audit in sentences, with the share that oom_score_adj has in it; who was
 * out of reach.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/report/explain_facts.h"

static const struct badness_rules *rules_of(const struct explain_facts *facts)
{
	return facts->audit->has_rules ? badness_rules(facts->audit->generation) : NULL;
}

/* Points are pages since 3.5, shown as memory; before, per mille or a bare number. */
void explain_points(const struct explain_facts *facts, int64_t points, struct str *out)
{
	const struct badness_rules *rules = rules_of(facts);

	if (!rules || rules->scale == BADNESS_RAW)
		str_addf(out, "%" PRId64, points);
	else if (rules->scale == BADNESS_PERMILLE)
		str_addf(out, "%" PRId64 "/1000", points);
	else
		str_addf(out, "%s%s", points < 0 ? "-" : "",
			 SIZE_TEXT(explain_pages(facts->report, points < 0 ? -points : points)));
}

static const struct oom_task *row_of(const struct explain_facts *facts, int64_t pid)
{
	return pid >= 0 ? oom_task(facts->report, pid) : NULL;
}

static void add_row(const struct oom_task *row, int64_t pid, struct str *out)
{
	explain_process(out, row ? row->name : "", pid);
}

/* ", of which oom_score_adj 500 is 1.00G" */
static void add_adj_share(const struct explain_facts *facts, const struct oom_task *row,
			  struct str *out)
{
	const struct badness_rules *rules = rules_of(facts);
	int64_t pages = explain_adj_pages(facts, row);

	if (row->oom_score_adj == INT16_MIN || row->oom_score_adj == 0)
		return;
	if (rules && rules->scale == BADNESS_PERMILLE)
		str_addf(out, ", oom_score_adj %d included", row->oom_score_adj);
	else if (pages > 0)
		str_addf(out, ", of which its oom_score_adj of %d makes %s", row->oom_score_adj,
			 SIZE_TEXT(explain_pages(facts->report, pages)));
	else if (pages < 0)
		str_addf(out, ", although its oom_score_adj of %d takes %s off", row->oom_score_adj,
			 SIZE_TEXT(explain_pages(facts->report, -pages)));
	else
		str_addf(out, " (its oom_score_adj is %d)", row->oom_score_adj);
	if (facts->group && facts->audit->total_least && row->oom_score_adj != 0)
		str_add(out, ", weighed with the limit alone: the log does not tell what swap adds "
			     "to it");
}

/* Who was second, and by how much. */
static void add_next(const struct explain_facts *facts, struct str *out)
{
	const struct audit *audit = facts->audit;

	if (audit->best_pid < 0)
		return;
	str_add(out, "Next was ");
	add_row(row_of(facts, audit->best_pid), audit->best_pid, out);
	str_add(out, " with ");
	explain_points(facts, audit->best_points, out);
	str_add(out, ".\n");
}

/* A process that held more memory than the chosen one and stayed alive. */
static const struct oom_task *larger_row(const struct explain_facts *facts)
{
	const struct oom_task *chosen = facts->chosen_row, *largest = chosen;

	if (!chosen)
		return NULL;
	for (size_t i = 0; i < facts->report->n_tasks; i++)
		if (facts->report->tasks[i].rss > largest->rss)
			largest = &facts->report->tasks[i];
	return largest != chosen ? largest : NULL;
}

static void add_larger(const struct explain_facts *facts, struct str *out)
{
	const struct oom_task *row = larger_row(facts);

	if (!row || !facts->chosen_row || explain_unkillable(row) ||
	    row->oom_score_adj == INT16_MIN ||
	    row->oom_score_adj >= facts->chosen_row->oom_score_adj)
		return;
	add_row(row, row->pid, out);
	str_addf(out,
		 " held more (%s), but its oom_score_adj is %d and that of the chosen one %d.\n",
		 SIZE_TEXT(explain_rss(facts->report, row)), row->oom_score_adj,
		 facts->chosen_row->oom_score_adj);
}

/* ---- by verdict ----------------------------------------------------------------------------- */

static void why_highest(const struct explain_facts *facts, struct str *out)
{
	const struct audit *audit = facts->audit;

	if (audit->n_eligible == 1) {
		str_add(out, "It was the only process that could be chosen.\n");
		return;
	}
	if (facts->chosen && facts->victim && facts->chosen->pid != facts->victim->pid)
		add_row(facts->chosen_row, audit->chosen_pid, out);
	else
		str_add(out, "It");
	str_addf(out, " had the highest badness of %zu processes: ", audit->n_eligible);
	explain_points(facts, audit->points, out);
	if (facts->chosen_row)
		add_adj_share(facts, facts->chosen_row, out);
	str_add(out, ".\n");
	add_next(facts, out);
	add_larger(facts, out);
}

static void why_child(const struct explain_facts *facts, struct str *out)
{
	why_highest(facts, out);
	str_add(out, "Up to 5.0 the kernel kills a child in its parent's place, however small, to "
		     "spare the parent's work.\n");
}

static void why_tie(const struct explain_facts *facts, struct str *out)
{
	const struct badness_rules *rules = rules_of(facts);

	str_addf(out, "%zu processes had the same, highest badness", facts->audit->n_ties);
	if (rules) {
		enum badness_tie tie = facts->group ? rules->tie_memcg : rules->tie_global;
		str_addf(out, "; among equals this kernel takes the %s one it meets",
			 tie == BADNESS_LAST ? "last" : "first");
	}
	str_add(out, ".\n");
}

static void why_within(const struct explain_facts *facts, struct str *out)
{
	const struct audit *audit = facts->audit;

	if (audit->n_ties > 1) {
		str_addf(out, "%zu processes had the same badness, ", audit->n_ties);
		explain_points(facts, audit->points, out);
		str_add(out, ", when the table was printed: what changed since the choice decides, "
			     "and the table does not show it.\n");
		return;
	}
	str_add(out, "Its badness, ");
	explain_points(facts, audit->points, out);
	str_add(out, ", and that of ");
	add_row(row_of(facts, audit->best_pid), audit->best_pid, out);
	str_add(out, ", ");
	explain_points(facts, audit->best_points, out);
	str_add(out, ", differ by less than the kernel's counters, and what changed until the "
		     "table was printed, may be off: either could be chosen.\n");
}

static void why_allocating(const struct explain_facts *facts, struct str *out)
{
	(void)facts;
	str_add(out, "vm.oom_kill_allocating_task is set: the kernel kills who asks, whatever its "
		     "size.\n");
}

static void why_unexplained(const struct explain_facts *facts, struct str *out)
{
	str_add(out, "The kernel's formula does not explain it");
	if (facts->audit->best_pid >= 0) {
		str_add(out, ": ");
		add_row(row_of(facts, facts->audit->best_pid), facts->audit->best_pid, out);
		str_add(out, " had the higher badness, ");
		explain_points(facts, facts->audit->best_points, out);
		str_add(out, " against ");
		explain_points(facts, facts->audit->points, out);
	}
	str_add(out, ".\n");
}

static void why_nothing(const struct explain_facts *facts, struct str *out)
{
	(void)facts;
	(void)out;
}

static const struct {
	void (*why)(const struct explain_facts *facts, struct str *out);
	const char *verdict;
	bool tell_why; /* the audit's own sentence adds to ours */
} verdicts[] = {
	[AUDIT_HIGHEST] = {why_highest, "the kernel's choice is the highest", false},
	[AUDIT_TIE] = {why_tie, "tie", false},
	[AUDIT_WITHIN_ERROR] = {why_within, "within counter error", true},
	[AUDIT_CHILD] = {why_child, "a child died in the parent's place", false},
	[AUDIT_ALLOCATING] = {why_allocating, "no choice: vm.oom_kill_allocating_task", false},
	[AUDIT_NO_CHOICE] = {why_nothing, "nobody was chosen", true},
	[AUDIT_UNEXPLAINED] = {why_unexplained, "NOT explained by the formula", true},
	[AUDIT_NOT_CHECKED] = {why_nothing, "cannot be checked", true},
};

void explain_why(const struct explain_facts *facts, struct str *out)
{
	if (!facts->victim && !facts->chosen)
		return;
	verdicts[facts->audit->verdict].why(facts, out);
}

/* ---- the audit as one line ------------------------------------------------------------------ */

static void add_rules(const struct explain_facts *facts, struct str *out)
{
	const struct audit *audit = facts->audit;
	const struct badness_rules *rules = rules_of(facts);

	if (!rules || audit->verdict == AUDIT_NOT_CHECKED || audit->verdict == AUDIT_NO_CHOICE)
		return;
	str_addf(out, " (formula of %s%s", rules->name, audit->fitted ? ", fitted" : "");
	if (audit->printed_score != INT64_MIN && audit->computed_score != INT64_MIN)
		str_addf(out, "; score %" PRId64 " printed, %" PRId64 " computed",
			 audit->printed_score, audit->computed_score);
	str_add(out, ")");
}

void explain_verdict(const struct explain_facts *facts, struct str *out)
{
	const struct audit *audit = facts->audit;
	const struct badness_rules *rules = rules_of(facts);

	str_add(out, verdicts[audit->verdict].verdict);
	if (audit->verdict == AUDIT_TIE && rules)
		str_addf(out, " of %zu, the kernel takes the %s", audit->n_ties,
			 (facts->group ? rules->tie_memcg : rules->tie_global) == BADNESS_LAST
				 ? "last"
				 : "first");
	if (audit->verdict == AUDIT_WITHIN_ERROR && audit->best_pid >= 0)
		str_addf(out, " of pid %" PRId64, audit->best_pid);
	add_rules(facts, out);
	if (*audit->why && verdicts[audit->verdict].tell_why)
		str_addf(out, ": %s", audit->why);
}

/* ---- who could not be chosen ---------------------------------------------------------------- */

void explain_protected(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	const struct oom_task *largest = NULL;
	size_t n = 0;

	for (size_t i = 0; i < report->n_tasks; i++) {
		const struct oom_task *row = &report->tasks[i];
		if (!explain_unkillable(row))
			continue;
		n++;
		if (!largest || row->rss > largest->rss)
			largest = row;
	}
	if (!largest)
		return;
	str_addf(out, "%zu %s an adjustment that forbids to choose %s", n,
		 n == 1 ? "process has" : "processes have", n == 1 ? "it: " : "them, the largest ");
	add_row(largest, largest->pid, out);
	if (largest->rss >= 0)
		str_addf(out, " with %s", SIZE_TEXT(explain_rss(report, largest)));
	str_add(out, ".\n");
}
