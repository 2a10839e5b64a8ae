/*
 * Audit: the rows of a task table as candidates, with the bounds that what the table does not say
 * leaves to each, and their ranking in two passes.
 */
#include <stdlib.h>

#include "harness/oomlog/audit.h"

enum { INIT = 1, NEVER_OLD = -17, NEVER = -1000 };

/* Points of a row, and between what they were when the kernel chose. */
struct bounds {
	int64_t points, low, high;
};

static uint64_t count(int64_t column)
{
	return column > 0 ? (uint64_t)column : 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int64_t difference(int64_t a, int64_t b)
{
	int64_t result;

	if (!__builtin_sub_overflow(a, b, &result))
		return result;
	return a > b ? INT64_MAX : -INT64_MAX;
}

static int by_pid(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool is_gone(const struct audit_work *work, int64_t pid)
{
	return work->n_gone && bsearch(&pid, work->gone, work->n_gone, sizeof(*work->gone), by_pid);
}

static uint64_t table_pages(const struct audit_work *work, const struct oom_task *row)
{
	if (row->pgtables_bytes >= 0)
		return (uint64_t)row->pgtables_bytes / work->page_size;
	return add(count(row->nr_ptes), count(row->nr_pmds));
}

static uint64_t resident(const struct oom_task *row)
{
	if (row->rss >= 0)
		return (uint64_t)row->rss;
	return add(add(count(row->rss_anon), count(row->rss_file)), count(row->rss_shmem));
}

/* A process without any memory is exiting or a kernel thread; init is never chosen. A row whose
 * tgid is another one's is a process too: its leader has exited. */
bool audit_eligible(const struct audit_work *work, const struct oom_task *row)
{
	if (row->pid == INIT || row->tgid == INIT)
		return false;
	if (row->oom_score_adj != INT16_MIN
		    ? row->oom_score_adj <= NEVER
		    : row->oom_adj != INT16_MIN && row->oom_adj <= NEVER_OLD)
		return false;
	if (!count(row->total_vm) && !resident(row) && !count(row->swapents))
		return false;
	return row == work->chosen || !is_gone(work, row->pid);
}

struct badness_task audit_row(const struct audit_work *work, const struct oom_task *row,
			      int privileged)
{
	if (privileged < 0)
		privileged = row->uid == 0 && work->root != 0;
	return (struct badness_task){
		.pid = row->pid,
		.tgid = row->tgid,
		.ppid = -1,
		.rss_pages = resident(row),
		.swap_pages = count(row->swapents),
		.table_pages = table_pages(work, row),
		.total_vm_pages = count(row->total_vm),
		.oom_score_adj = row->oom_score_adj == INT16_MIN ? 0 : row->oom_score_adj,
		.oom_adj = row->oom_adj == INT16_MIN ? 0 : row->oom_adj,
		.privileged = privileged,
		.unkillable = !audit_eligible(work, row),
	};
}

/* Pages that no column shows: what may be in swap, and the tables of all that is mapped. */
static uint64_t hidden(const struct audit_work *work, const struct badness_rules *rules,
		       const struct oom_task *row)
{
	enum { PTES = 512, UPPER_TABLES = 16 };
	uint64_t mapped = count(row->total_vm), pages = 0;

	if (row->swapents < 0) {
		uint64_t used = resident(row);

		pages = least(work->swap_used, mapped > used ? mapped - used : 0);
	}
	if (rules->tables != BADNESS_NO_TABLES && row->pgtables_bytes < 0 && row->nr_ptes < 0)
		pages = add(pages, mapped / PTES + UPPER_TABLES);
	return pages;
}

static void take(struct bounds *bounds, int64_t points)
{
	if (points < bounds->low)
		bounds->low = points;
	if (points > bounds->high)
		bounds->high = points;
}

static void take_both_roots(const struct audit_work *work, const struct badness_rules *rules,
			    uint64_t total, const struct oom_task *row, struct badness_task *task,
			    struct bounds *bounds)
{
	take(bounds, badness_points(rules, task, total));
	if (row->uid != 0 || work->root >= 0 || rules->root == BADNESS_ROOT_NONE)
		return;
	task->privileged = !task->privileged;
	take(bounds, badness_points(rules, task, total));
	task->privileged = !task->privileged;
}

static struct bounds bounds_of(const struct audit_work *work, const struct badness_rules *rules,
			       uint64_t total, const struct oom_task *row)
{
	struct badness_task task = audit_row(work, row, -1);
	uint64_t slack = add(work->counter_error, work->drift), rss = task.rss_pages;
	struct bounds bounds;

	bounds.points = bounds.low = bounds.high = badness_points(rules, &task, total);
	if (bounds.points == BADNESS_NEVER)
		return bounds;
	task.rss_pages = add(add(rss, slack), hidden(work, rules, row));
	take_both_roots(work, rules, total, row, &task, &bounds);
	slack = add(slack, work->options->late_pages);
	task.rss_pages = rss > slack ? rss - slack : 0;
	slack -= rss - task.rss_pages;
	task.swap_pages -= least(slack, task.swap_pages);
	take_both_roots(work, rules, total, row, &task, &bounds);
	return bounds;
}

static uint64_t pages_of_value(const struct audit_work *work, const struct oom_value *value)
{
	uint64_t bytes;

	return oom_bytes(work->report, value, &bytes) ? bytes / work->page_size : 0;
}

/* What else the log says about the chosen one: its size when it was killed, and its score. */
static void widen_chosen(const struct audit_work *work, const struct badness_rules *rules,
			 uint64_t total, struct bounds *bounds)
{
	const struct oom_kill *kill = work->killed;
	struct badness_task task = audit_row(work, work->chosen, -1);

	if (kill && kill->pid == task.pid) {
		task.rss_pages = add(add(pages_of_value(work, &kill->anon_rss),
					 pages_of_value(work, &kill->file_rss)),
				     pages_of_value(work, &kill->shmem_rss));
		if (task.rss_pages)
			take(bounds, badness_points(rules, &task, total));
	}
	if (work->ret->printed_score == INT64_MIN || work->report->allocating_task)
		return;
	if (rules->scale == BADNESS_IN_PAGES) {
		__int128 most = ((__int128)work->ret->printed_score + 1) * total / 1000;

		take(bounds, most > INT64_MAX ? INT64_MAX : most < 1 ? 1 : (int64_t)most);
	} else {
		take(bounds, work->ret->printed_score);
	}
}

/* Whether a row may be held against the choice at all. */
static bool blank(const struct badness_task *task)
{
	return !task->rss_pages && !task->swap_pages && !task->table_pages;
}

/* Counts the rows against the chosen one's points and keeps the highest other one: by what it
 * surely had ('sure'), for an accusation, and by its points. */
struct others {
	const struct oom_task *best, *surest, *first, *last;
	struct bounds best_bounds;
	int64_t surest_low;
	bool chosen_seen;
};

static void see(const struct audit_work *work, const struct oom_task *row,
		const struct bounds *bounds, struct others *others, struct audit_outcome *ret)
{
	struct badness_task task = audit_row(work, row, -1);

	ret->n_eligible++;
	if (bounds->points == ret->points) {
		others->first = others->first ? others->first : row;
		others->last = row;
		ret->n_ties++;
	}
	if (row->pid == work->chosen->pid)
		return;
	ret->rank += bounds->points > ret->points;
	if (!others->best || bounds->points > others->best_bounds.points) {
		others->best = row;
		others->best_bounds = *bounds;
	}
	if (!blank(&task) && (!others->surest || bounds->low > others->surest_low)) {
		others->surest = row;
		others->surest_low = bounds->low;
	}
}

static void judge(const struct audit_work *work, const struct badness_rules *rules,
		  const struct bounds *chosen, const struct others *others,
		  struct audit_outcome *ret)
{
	bool last = (work->memcg ? rules->tie_memcg : rules->tie_global) == BADNESS_LAST;
	/* Before 5.3 a memcg's scan goes another way than its table is printed. */
	bool order_known = !work->memcg || rules->generation >= BADNESS_5_3;
	const struct oom_task *ruled = last ? others->last : others->first;

	if (ret->rank == 1 && ret->n_ties == 1) {
		ret->verdict = AUDIT_HIGHEST;
	} else if (ret->rank == 1 && (!order_known || (ruled && ruled->pid == work->chosen->pid))) {
		ret->verdict = AUDIT_TIE;
	} else if (ret->rank == 1 && rules->scale == BADNESS_PERMILLE) {
		/* equals by truncation alone: a page more or less makes another one the first */
		ret->verdict = AUDIT_TIE;
		ret->ruled = ruled;
	} else if (ret->rank == 1) {
		ret->verdict = AUDIT_WITHIN_ERROR;
		ret->ruled = ruled;
	} else if (!others->surest || others->surest_low <= chosen->high) {
		ret->verdict = AUDIT_WITHIN_ERROR;
	} else {
		ret->verdict = AUDIT_UNEXPLAINED;
	}
}

void audit_rank(const struct audit_work *work, const struct badness_rules *rules, uint64_t total,
		struct audit_outcome *ret)
{
	struct bounds chosen = bounds_of(work, rules, total, work->chosen);
	struct others others = {.best = NULL};

	*ret = (struct audit_outcome){.points = chosen.points, .rank = 1};
	if (chosen.points == BADNESS_NEVER)
		chosen.high = chosen.low = 0;
	widen_chosen(work, rules, total, &chosen);
	for (size_t i = 0; i < work->report->n_tasks; i++) {
		const struct oom_task *row = &work->report->tasks[i];
		struct bounds bounds = bounds_of(work, rules, total, row);

		if (bounds.points != BADNESS_NEVER)
			see(work, row, &bounds, &others, ret);
	}
	judge(work, rules, &chosen, &others, ret);
	/* An accusation names who surely had more; else the highest is of interest. */
	ret->best = ret->verdict == AUDIT_UNEXPLAINED ? others.surest : others.best;
	if (ret->best) {
		struct bounds best = bounds_of(work, rules, total, ret->best);

		ret->best_points = best.points;
		ret->error = add(count(difference(best.points, best.low)),
				 count(difference(chosen.high, ret->points)));
	}
}
