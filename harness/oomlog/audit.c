/*
 * The audit of a report: was the chosen process the one with the most points? Follows the table's
 * own figures; accuses only where no reading of them (generation, root's bonus, T, counters, the
 * time between choice and print) makes the choice the highest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/oomlog/audit.h"

const char *audit_verdict_name(enum audit_verdict verdict)
{
	static const char *const names[] = {
		[AUDIT_HIGHEST] = "highest",
		[AUDIT_TIE] = "tie",
		[AUDIT_WITHIN_ERROR] = "within-error",
		[AUDIT_CHILD] = "child",
		[AUDIT_ALLOCATING] = "allocating-task",
		[AUDIT_NO_CHOICE] = "no-choice",
		[AUDIT_UNEXPLAINED] = "unexplained",
		[AUDIT_NOT_CHECKED] = "not-checked",
	};

	return (size_t)verdict < sizeof(names) / sizeof(*names) ? names[verdict] : "not-checked";
}

/* ---- what there is -------------------------------------------------------------------------- */

static int by_pid(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Who died before: by the caller's list, and by lines in front of this report's own table. */
static void find_gone(struct audit_work *work)
{
	const struct oom_report *report = work->report;
	const struct audit_options *options = work->options;
	uint64_t until = report->table_line;

	work->gone = mem_new((options->n_killed + report->n_kills + 1) * sizeof(*work->gone));
	for (size_t i = 0; i < options->n_killed; i++)
		work->gone[work->n_gone++] = options->killed[i];
	for (size_t i = 0; i < report->n_kills; i++)
		if (report->kills[i].line < until && report->kills[i].deed != OOM_SELECTED)
			work->gone[work->n_gone++] = report->kills[i].pid;
	qsort(work->gone, work->n_gone, sizeof(*work->gone), by_pid);
}

static const struct oom_task *row_of(const struct oom_report *report, int64_t pid)
{
	const struct oom_task *row = pid < 0 ? NULL : oom_task(report, pid);

	for (size_t i = 0; !row && pid >= 0 && i < report->n_tasks; i++)
		if (report->tasks[i].tgid == pid)
			row = &report->tasks[i];
	return row;
}

static void find_chosen(struct audit_work *work)
{
	const struct oom_report *report = work->report;
	const struct oom_kill *selected = oom_selected(report), *victim = oom_victim(report);
	struct audit *ret = work->ret;

	work->chosen_named =
		(selected && selected->deed == OOM_SELECTED) || report->summary_pid >= 0;
	ret->victim_pid = victim ? victim->pid : -1;
	ret->chosen_pid = selected ? selected->pid : ret->victim_pid;
	if ((!selected || selected->deed != OOM_SELECTED) && report->summary_pid >= 0)
		ret->chosen_pid = report->summary_pid;
	if (selected && selected->deed == OOM_SELECTED && selected->score != INT64_MIN)
		ret->printed_score = selected->score;
	if (victim && victim->deed == OOM_KILLED)
		work->killed = victim;
	work->chosen = row_of(report, ret->chosen_pid);
	work->memcg =
		report->scope == OOM_MEMCG || report->oom_memcg[0] || (selected && selected->memcg);
}

/* Seconds from the first line to that of the kill; the reaper's may follow long after. */
static uint64_t seconds_of(const struct audit_work *work)
{
	const struct oom_kill *kill = oom_selected(work->report);
	const struct oom_time *first = &work->report->first_time;
	const struct oom_time *last = kill ? &kill->time : &work->report->last_time;

	if (first->has_mono && last->has_mono && last->mono_us > first->mono_us)
		return (last->mono_us - first->mono_us) / 1000000;
	if (first->has_unix && last->has_unix && last->unix_us > first->unix_us)
		return ((uint64_t)last->unix_us - (uint64_t)first->unix_us) / 1000000;
	return 0;
}

/* Rows are printed after the choice. One per mille of all memory is what may change hands in the
 * meantime of a report that prints at once; a slow console gives more time, but never a tenth. */
static void find_drift(struct audit_work *work)
{
	enum { PERMILLE = 1000, A_SECOND = 10, MOST = 100 };
	uint64_t base =
		work->total.low == work->total.high || work->total.from ? work->total.low : 0;
	uint64_t permille = seconds_of(work);

	permille = permille > MOST / A_SECOND ? MOST : 1 + permille * A_SECOND;
	if (permille > MOST)
		permille = MOST;
	work->drift = base / PERMILLE * permille + base % PERMILLE * permille / PERMILLE;
}

/* CPU numbers that are seen say how many there are at least; four times as many are assumed. */
static void find_counter_error(struct audit_work *work)
{
	enum { TIMES = 4, AT_LEAST = 16 };
	const struct oom_report *report = work->report;

	work->cpus = work->options->cpus;
	if (!work->cpus && report->cpu >= 0) {
		work->cpus = (uint64_t)report->cpu < UINT32_MAX ? (uint64_t)report->cpu : 0;
		work->cpus = (work->cpus + 1) * TIMES;
		if (work->cpus < AT_LEAST)
			work->cpus = AT_LEAST;
	}
	work->counter_error =
		badness_counter_error(badness_counters(report->kernel), work->cpus, 0);
}

/* Without a swapents column each row may have what is in swap and not cached. */
static void find_swap(struct audit_work *work)
{
	const struct oom_figure *total = oom_figure(work->report, "", "Total swap");
	const struct oom_figure *rest = oom_figure(work->report, "", "Free swap");
	uint64_t all, free_bytes;

	if (work->report->columns & UINT32_C(1) << OOM_COL_SWAPENTS)
		return;
	work->swap_used = UINT64_MAX;
	if (total && rest && oom_bytes(work->report, &total->value, &all) &&
	    oom_bytes(work->report, &rest->value, &free_bytes))
		work->swap_used = all > free_bytes ? (all - free_bytes) / work->page_size : 0;
}

/* Each row's points; none where they depend on a T that nothing tells. */
static void fill_points(struct audit_work *work)
{
	struct audit *ret = work->ret;
	bool unscaled = work->rules->scale == BADNESS_IN_PAGES &&
			work->rules->root != BADNESS_ROOT_3_OF_TOTAL;
	uint64_t total = ret->total_pages ? ret->total_pages : work->total.low;

	ret->total_least = work->total.from && work->total.high > total;
	for (size_t i = 0; i < ret->n; i++) {
		struct badness_task task = audit_row(work, &work->report->tasks[i], -1);
		int64_t points = badness_points(work->rules, &task, total);

		ret->n_eligible += points != BADNESS_NEVER;
		if (work->total.from || (unscaled && task.oom_score_adj == 0))
			ret->row_points[i] = points;
	}
	if (!work->chosen)
		return;
	ret->points = ret->row_points[work->chosen - work->report->tasks];
	if (ret->points == BADNESS_NEVER)
		ret->points = 0;
	else if (ret->total_pages)
		ret->computed_score = badness_printed_score(work->rules, ret->points, total);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

/* What ends an audit before any row is looked at. */
static bool without_choice(struct audit_work *work)
{
	const struct oom_report *report = work->report;
	struct audit *ret = work->ret;
	bool nobody = ret->chosen_pid < 0 && ret->victim_pid < 0;

	ret->verdict = AUDIT_NO_CHOICE;
	if (report->killer != OOM_KERNEL) {
		ret->verdict = AUDIT_NOT_CHECKED;
		audit_why(ret, "%s killed, not the kernel's OOM killer: badness had no say",
			  oom_killer_name(report->killer));
	} else if (report->allocating_task) {
		ret->verdict = AUDIT_ALLOCATING;
		audit_why(ret,
			  "vm.oom_kill_allocating_task is on: who asked for memory was killed, "
			  "badness was not compared");
	} else if (nobody && report->disabled) {
		audit_why(ret, "the request was ignored, nobody was chosen");
	} else if (nobody && report->no_killable) {
		audit_why(ret,
			  "the kernel found no process that it may kill; rows of the table that "
			  "look eligible were exiting or reaped already");
	} else if (nobody && report->panic[0]) {
		audit_why(ret, "the kernel panicked instead of choosing");
	} else if (report->oom_policy[0]) {
		ret->verdict = AUDIT_NOT_CHECKED;
		audit_why(ret, "a BPF policy made the choice (%s), not badness",
			  report->oom_policy);
	} else if (report->swapoff && ret->chosen_pid >= 0 &&
		   ret->chosen_pid == report->invoker_pid) {
		ret->verdict = AUDIT_NOT_CHECKED;
		audit_why(
			ret,
			"pid %lld runs swapoff, as its stack shows, and is chosen without badness",
			(long long)ret->chosen_pid);
	} else {
		ret->verdict = AUDIT_NOT_CHECKED;
		return false;
	}
	return true;
}

/* What an audit lacks. */
static bool not_checkable(struct audit_work *work)
{
	const struct oom_report *report = work->report;
	struct audit *ret = work->ret;

	if (ret->chosen_pid < 0)
		audit_why(ret, report->cut_tail ? "the report ends before it says who was chosen"
						: "no line says who was chosen");
	else if (!report->table_line && !report->n_tasks)
		audit_why(ret, "no task table");
	else if (!report->n_tasks)
		audit_why(ret, "the task table has no rows");
	else if (!ret->has_rules)
		audit_why(ret, "nothing tells which kernel this is, and so which formula");
	else if (!work->rules->recomputable)
		audit_why(ret,
			  "kernels of %s weigh CPU time and age, which no log shows: points cannot "
			  "be recomputed",
			  work->rules->name);
	else if (!work->chosen)
		audit_why(ret, "pid %lld, which was chosen, is not in the table%s",
			  (long long)ret->chosen_pid,
			  report->table_complete ? ": it was gone when that was printed"
						 : ", whose rows are not all there");
	else if (!audit_eligible(work, work->chosen))
		audit_why(
			ret,
			"pid %lld is in the table as one that badness never chooses (%s); who runs "
			"swapoff is chosen without it",
			(long long)ret->chosen_pid,
			work->chosen->pid == 1 ? "init" : "by its adj, or without memory");
	else
		return false;
	return true;
}

/* The outcome over all T of the bounds: ranks of two rows change at most once between them. */
static void rank_bounds(const struct audit_work *work, const struct badness_rules *rules,
			struct audit_outcome *ret)
{
	struct audit_outcome other;
	uint64_t total = work->ret->total_pages ? work->ret->total_pages : work->total.low;
	bool accused, accused_other;

	audit_rank(work, rules, total, ret);
	if (!audit_needs_total(work) || work->total.low == work->total.high)
		return;
	audit_rank(work, rules, total == work->total.low ? work->total.high : work->total.low,
		   &other);
	accused = ret->verdict == AUDIT_UNEXPLAINED;
	accused_other = other.verdict == AUDIT_UNEXPLAINED;
	if (accused != accused_other || (accused && ret->best != other.best))
		ret->verdict = AUDIT_NOT_CHECKED;
	else if (other.verdict > ret->verdict)
		ret->verdict = other.verdict;
}

/* Why a higher row is no accusation here; NULL: it is one. */
static const char *excuse(const struct audit_work *work)
{
	const struct oom_report *report = work->report;

	if (report->other_columns[0])
		return "this is a patched kernel, which may rank by its own column";
	if (report->scope == OOM_CPUSET || report->scope == OOM_MEMPOLICY)
		return "the memory was short on some nodes alone, and the table does not say who "
		       "may use them";
	if (!(report->columns & UINT32_C(1) << OOM_COL_OOM_SCORE_ADJ))
		return "the table has no oom_score_adj column";
	if (!report->page_size)
		return "the report does not tell its page size, and so not what page tables and "
		       "limits are in pages";
	if (!oom_victim(report) && report->invoker_pid == work->ret->chosen_pid)
		return "the kill line is missing, and this is who asked for memory: "
		       "vm.oom_kill_allocating_task would take it";
	if (!work->chosen_named && work->rules->child != BADNESS_NO_CHILD)
		return "the line that names the chosen one is missing, and a child may have died "
		       "in its place";
	return NULL;
}

static void settle(struct audit_work *work, const struct audit_outcome *outcome)
{
	struct audit *ret = work->ret;

	ret->verdict = outcome->verdict;
	ret->best_pid = outcome->best ? outcome->best->pid : -1;
	ret->best_points = outcome->best ? outcome->best_points : 0;
	ret->error = outcome->error;
	ret->rank = outcome->rank;
	ret->n_ties = outcome->n_ties;
	if (outcome->best &&
	    __builtin_sub_overflow(outcome->points, outcome->best_points, &ret->margin))
		ret->margin = outcome->points > outcome->best_points ? INT64_MAX : -INT64_MAX;
	if (ret->verdict == AUDIT_UNEXPLAINED && excuse(work)) {
		ret->verdict = AUDIT_NOT_CHECKED;
		audit_why(ret, "pid %lld has more points than the chosen %lld, but %s%s%s",
			  (long long)ret->best_pid, (long long)ret->chosen_pid, excuse(work),
			  work->report->other_columns[0] ? " " : "", work->report->other_columns);
		return;
	}
	if (ret->verdict <= AUDIT_TIE && ret->victim_pid >= 0 && work->chosen_named &&
	    ret->victim_pid != ret->chosen_pid && work->rules->child != BADNESS_NO_CHILD)
		ret->verdict = AUDIT_CHILD;
	audit_why_ranked(work, outcome);
}

static void use_rules(struct audit_work *work, enum badness_generation generation)
{
	struct audit *ret = work->ret;
	bool exact = work->total.low == work->total.high;

	work->rules = badness_rules(generation);
	ret->has_rules = true;
	ret->generation = generation;
	ret->total_pages = 0;
	ret->total_from = NULL;
	/* With host's swap unknown, the limit alone is the likeliest. */
	if (work->total.from && (exact || audit_needs_total(work))) {
		ret->total_pages = work->total.low;
		ret->total_from = work->total.from;
	}
}

/* Tries the generations that fit, and takes the first that explains the choice. */
static void rank_generations(struct audit_work *work, const enum badness_generation *fit, size_t n)
{
	struct audit_outcome outcome;

	for (size_t i = 0; i < n; i++) {
		if (!badness_rules(fit[i])->recomputable)
			continue;
		use_rules(work, fit[i]);
		rank_bounds(work, work->rules, &outcome);
		if (outcome.verdict < AUDIT_UNEXPLAINED) {
			work->ret->fitted = work->ret->fitted || i > 0;
			settle(work, &outcome);
			return;
		}
	}
	use_rules(work, fit[0]);
	rank_bounds(work, work->rules, &outcome);
	settle(work, &outcome);
}

void audit_report(const struct oom_report *report, const struct audit_options *options,
		  struct audit *ret)
{
	static const struct audit_options defaults = {.total_swap_pages = UINT64_MAX};
	struct audit_work work = {.report = report,
				  .options = options ? options : &defaults,
				  .ret = ret,
				  .root = -1,
				  .page_size = report->page_size ? report->page_size : 4096};
	enum badness_generation fit[BADNESS_GENERATIONS];
	size_t n;

	*ret = (struct audit){.verdict = AUDIT_NOT_CHECKED,
			      .chosen_pid = -1,
			      .victim_pid = -1,
			      .printed_score = INT64_MIN,
			      .computed_score = INT64_MIN,
			      .best_pid = -1,
			      .n = report->n_tasks,
			      .row_points = mem_new((report->n_tasks + 1) * sizeof(int64_t))};
	for (size_t i = 0; i < ret->n; i++)
		ret->row_points[i] = BADNESS_NEVER;
	find_gone(&work);
	find_chosen(&work);
	audit_find_total(&work);
	find_counter_error(&work);
	find_swap(&work);
	n = audit_fit(&work, fit);
	find_drift(&work);
	if (n)
		use_rules(&work, fit[0]);
	if (!without_choice(&work) && !not_checkable(&work))
		rank_generations(&work, fit, n);
	if (n && work.rules->recomputable)
		fill_points(&work);
	free(work.gone);
}

void audit_clear(struct audit *audit)
{
	free(audit->row_points);
	*audit = (struct audit){.chosen_pid = -1};
}
