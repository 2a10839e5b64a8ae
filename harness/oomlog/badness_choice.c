/*
 * Who the kernel chooses among tasks, how sure that is when its counters are not exact, and which
 * oom_score_adj would change it. One or two passes over the tasks; the formula is in badness.c.
 */
#include "harness/oomlog/badness.h"

/* Points of a task as the scan ranks them, with the bounds that its error leaves. */
struct rank {
	int64_t points, low, high;
};

static bool goes_before(const struct badness_rules *rules, const struct badness_task *task)
{
	return task->origin && !task->unkillable && rules->origin == BADNESS_ORIGIN_BEFORE;
}

static void widen(struct rank *rank, int64_t points)
{
	if (points < rank->low)
		rank->low = points;
	if (points > rank->high)
		rank->high = points;
}

/* The task with its pages moved by the error: in rss alone, all of them count the same. */
static struct badness_task moved(const struct badness_task *task, bool up)
{
	struct badness_task other = *task;
	uint64_t error = task->error_pages, *fields[] = {&other.rss_pages, &other.swap_pages};

	if (up) {
		other.rss_pages =
			error > UINT64_MAX - task->rss_pages ? UINT64_MAX : task->rss_pages + error;
		return other;
	}
	for (size_t i = 0; i < 2; i++) {
		uint64_t part = error < *fields[i] ? error : *fields[i];

		*fields[i] -= part;
		error -= part;
	}
	return other;
}

static struct rank rank_of(const struct badness_rules *rules, const struct badness_task *task,
			   uint64_t total)
{
	int64_t points = goes_before(rules, task) ? INT64_MAX : badness_points(rules, task, total);
	struct rank rank = {points, points, points};
	struct badness_task other;

	if (!task->error_pages || points == BADNESS_NEVER || points == INT64_MAX)
		return rank;
	other = moved(task, true);
	widen(&rank, badness_points(rules, &other, total));
	other = moved(task, false);
	widen(&rank, badness_points(rules, &other, total));
	return rank;
}

/* Whether the later one of two equals replaces the earlier one. */
static bool later_wins(const struct badness_rules *rules, int64_t points, bool memcg)
{
	if (rules->origin == BADNESS_ORIGIN_BEFORE && points == INT64_MAX)
		return true;
	return (memcg ? rules->tie_memcg : rules->tie_global) == BADNESS_LAST;
}

static bool is_later(const struct badness_task *tasks, size_t i, size_t j, bool order_known)
{
	if (order_known && tasks[i].order != tasks[j].order)
		return tasks[i].order > tasks[j].order;
	return i > j;
}

/* Whether i with its points is taken rather than j with its. */
static bool beats(const struct badness_rules *rules, const struct badness_task *tasks, bool memcg,
		  bool order_known, size_t i, int64_t points_i, size_t j, int64_t points_j)
{
	if (points_i != points_j)
		return points_i > points_j;
	return is_later(tasks, i, j, order_known) == later_wins(rules, points_i, memcg);
}

static int64_t difference(int64_t a, int64_t b)
{
	int64_t margin;

	return __builtin_sub_overflow(a, b, &margin) ? INT64_MAX : margin;
}

/* The one who dies in the victim's place. */
static size_t child_of(const struct badness_rules *rules, const struct badness_task *tasks,
		       size_t n, uint64_t total, size_t victim, bool order_known)
{
	const struct badness_task *parent = &tasks[victim];
	size_t best = SIZE_MAX;
	int64_t best_points = 0;

	if (rules->child == BADNESS_NO_CHILD)
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		int64_t points;

		if (i == victim || tasks[i].ppid != parent->tgid || tasks[i].tgid == parent->tgid ||
		    (tasks[i].mm && tasks[i].mm == parent->mm))
			continue;
		points = badness_points(rules, &tasks[i], total);
		if (points == BADNESS_NEVER)
			continue;
		if (rules->child == BADNESS_FIRST_CHILD)
			points = 1;
		if (best == SIZE_MAX || points > best_points ||
		    (points == best_points && is_later(tasks, best, i, order_known))) {
			best = i;
			best_points = points;
		}
	}
	return best;
}

/* How many could be chosen, and whether any of them is inexact. */
static void count(const struct badness_rules *rules, const struct badness_task *tasks, size_t n,
		  uint64_t total, int64_t least, bool order_known, struct badness_choice *ret)
{
	bool inexact = false;

	for (size_t i = 0; i < n; i++) {
		struct rank rank = rank_of(rules, &tasks[i], total);

		if (rank.points == BADNESS_NEVER)
			continue;
		ret->n_ties += rank.points == ret->points;
		if (rank.high >= least) {
			ret->n_within++;
			inexact = inexact || rank.low != rank.high;
		}
	}
	if (ret->n_within > 1 && inexact)
		ret->sure = BADNESS_WITHIN_ERROR;
	else if (ret->n_within > 1 && !order_known)
		ret->sure = BADNESS_TIED;
}

static uint64_t error_of(const struct badness_rules *rules, const struct badness_task *tasks,
			 uint64_t total, const struct badness_choice *choice)
{
	struct rank rank = rank_of(rules, &tasks[choice->victim], total);
	uint64_t error = (uint64_t)difference(rank.points, rank.low), more = 0;

	if (choice->runner_up != SIZE_MAX) {
		rank = rank_of(rules, &tasks[choice->runner_up], total);
		more = (uint64_t)difference(rank.high, rank.points);
	}
	return error + more; /* each is below 2^63 */
}

void badness_choose(const struct badness_rules *rules, const struct badness_task *tasks, size_t n,
		    uint64_t total_pages, bool memcg, bool order_known, struct badness_choice *ret)
{
	int64_t least = BADNESS_NEVER; /* somebody has at least so much */

	*ret = (struct badness_choice){.sure = BADNESS_NOBODY,
				       .victim = SIZE_MAX,
				       .runner_up = SIZE_MAX,
				       .child = SIZE_MAX};
	for (size_t i = 0; i < n; i++) {
		struct rank rank = rank_of(rules, &tasks[i], total_pages);

		if (rank.points == BADNESS_NEVER)
			continue;
		least = rank.low > least ? rank.low : least;
		if (ret->victim == SIZE_MAX || beats(rules, tasks, memcg, order_known, i,
						     rank.points, ret->victim, ret->points)) {
			ret->runner_up = ret->victim;
			ret->runner_up_points = ret->points;
			ret->victim = i;
			ret->points = rank.points;
		} else if (ret->runner_up == SIZE_MAX ||
			   beats(rules, tasks, memcg, order_known, i, rank.points, ret->runner_up,
				 ret->runner_up_points)) {
			ret->runner_up = i;
			ret->runner_up_points = rank.points;
		}
	}
	if (ret->victim == SIZE_MAX)
		return;
	ret->sure = BADNESS_CERTAIN;
	count(rules, tasks, n, total_pages, least, order_known, ret);
	ret->error = error_of(rules, tasks, total_pages, ret);
	ret->margin =
		ret->runner_up == SIZE_MAX ? 0 : difference(ret->points, ret->runner_up_points);
	ret->child = child_of(rules, tasks, n, total_pages, ret->victim, order_known);
}

bool badness_possible(const struct badness_rules *rules, const struct badness_task *tasks, size_t n,
		      uint64_t total_pages, size_t i)
{
	struct rank own;

	if (i >= n)
		return false;
	own = rank_of(rules, &tasks[i], total_pages);
	if (own.points == BADNESS_NEVER)
		return false;
	for (size_t j = 0; j < n; j++)
		if (rank_of(rules, &tasks[j], total_pages).low > own.high)
			return false;
	return true;
}

/* ---- turning point -------------------------------------------------------------------------- */

struct rivals {
	const struct badness_rules *rules;
	const struct badness_task *tasks;
	uint64_t total;
	bool memcg;
	size_t self, best; /* best: the chosen one among the others, SIZE_MAX: nobody */
	int64_t best_points;
};

static bool wins_with(const struct rivals *rivals, int adj)
{
	struct badness_task self = rivals->tasks[rivals->self];
	int64_t points;

	*(rivals->rules->scale == BADNESS_RAW ? &self.oom_adj : &self.oom_score_adj) = adj;
	points = rank_of(rivals->rules, &self, rivals->total).points;
	if (points == BADNESS_NEVER)
		return false;
	return rivals->best == SIZE_MAX ||
	       beats(rivals->rules, rivals->tasks, rivals->memcg, true, rivals->self, points,
		     rivals->best, rivals->best_points);
}

static void find_best(struct rivals *rivals, size_t n)
{
	rivals->best = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		int64_t points;

		if (i == rivals->self)
			continue;
		points = rank_of(rivals->rules, &rivals->tasks[i], rivals->total).points;
		if (points == BADNESS_NEVER)
			continue;
		if (rivals->best == SIZE_MAX ||
		    beats(rivals->rules, rivals->tasks, rivals->memcg, true, i, points,
			  rivals->best, rivals->best_points)) {
			rivals->best = i;
			rivals->best_points = points;
		}
	}
}

bool badness_turning_adj(const struct badness_rules *rules, const struct badness_task *tasks,
			 size_t n, uint64_t total_pages, bool memcg, size_t i, int *ret_adj)
{
	struct rivals rivals = {rules, tasks, total_pages, memcg, i, SIZE_MAX, 0};
	bool raw = rules->scale == BADNESS_RAW;
	int low = raw ? -17 : -1000, high = raw ? 15 : 1000;
	bool chosen;

	if (i >= n)
		return false;
	find_best(&rivals, n);
	chosen = wins_with(&rivals, raw ? tasks[i].oom_adj : tasks[i].oom_score_adj);
	/* More adj is never fewer points, so there is one turning point between the ends. */
	if (chosen ? wins_with(&rivals, low) : !wins_with(&rivals, high))
		return false;
	while (high - low > 1) {
		int middle = low + (high - low) / 2;

		if (wins_with(&rivals, middle))
			high = middle;
		else
			low = middle;
	}
	*ret_adj = chosen ? low : high;
	return true;
}
