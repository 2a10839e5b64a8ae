/*
 * See predict.h. Three figures for each candidate: its points at least, at most, and as expected,
 * at the moment when the group is full. What the figures rest on (the kernel's behaviour on the
 * way to an OOM) stands beside each constant and rule.
 */
#include "harness/oomlog/predict.h"

#include <stdlib.h>

#include "base/str.h"

/* What the kernel charges to a group for its own sake while a task grows (vm_area_structs, socket
 * buffers, xarray nodes): so much less than the room may be left for the task. */
enum { KERNEL_PAGES = 32 };

/* Sums that stay at "no end". */
static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool predict_below(const struct predict_world *world, int group, int top)
{
	while (group >= 0 && group != top)
		group = world->groups[group].parent;
	return group >= 0;
}

static uint64_t room_least(const struct predict_group *group)
{
	return minus(group->limit_pages, group->usage_most);
}

static uint64_t room_most(const struct predict_group *group)
{
	return plus(minus(group->limit_pages, group->usage_least), group->slack_pages);
}

/* ---- who grows ------------------------------------------------------------------------------ */

static bool grows(const struct predict_task *task)
{
	return !task->gone && task->growth != PREDICT_STILL && task->most_pages > 0;
}

static bool same_memory(const struct predict_task *a, const struct predict_task *b)
{
	return a == b || (a->memory && a->memory == b->memory);
}

struct growers {
	size_t n;			 /* memories that grow */
	const struct predict_task *only; /* where there is one and what it takes is its own */
	uint64_t most;			 /* of all together */
	bool breed, at_will;
};

static struct growers growers_below(const struct predict_world *world, int group)
{
	struct growers ret = {0};

	for (size_t i = 0; i < world->n_tasks; i++) {
		const struct predict_task *task = &world->tasks[i];
		if (!grows(task) || !predict_below(world, task->group, group))
			continue;
		ret.n++;
		ret.most = plus(ret.most, task->most_pages);
		ret.breed = ret.breed || task->growth == PREDICT_BREEDS;
		ret.at_will = ret.at_will || task->growth == PREDICT_AT_WILL;
		ret.only = task;
	}
	if (ret.n != 1 || ret.only->growth != PREDICT_GROWS)
		ret.only = NULL;
	return ret;
}

bool predict_reachable(const struct predict_world *world, int group)
{
	const struct predict_group *at = &world->groups[group];

	if (at->limit_pages == UINT64_MAX)
		return false;
	if (at->usage_most > at->limit_pages)
		return true;
	struct growers growers = growers_below(world, group);
	return growers.n > 0 && plus(growers.most, KERNEL_PAGES) > room_least(at);
}

/* Another group that all growers of this one also fill, and that is full before it. */
static bool comes_later(const struct predict_world *world, int group)
{
	struct growers own = growers_below(world, group);

	for (size_t g = 0; g < world->n_groups; g++) {
		const struct predict_group *other = &world->groups[g];
		bool above = predict_below(world, group, (int)g);
		bool below = predict_below(world, (int)g, group);
		if ((int)g == group || other->limit_pages == UINT64_MAX || (!above && !below) ||
		    (below && growers_below(world, (int)g).n != own.n))
			continue;
		/* The charge goes from the inner group outwards: of two that are full, the inner
		 * one fails first. */
		uint64_t mine = room_least(&world->groups[group]);
		if (below ? room_most(other) <= mine : room_most(other) < mine)
			return true;
	}
	return false;
}

/* ---- points --------------------------------------------------------------------------------- */

/* Points at least, as expected, at most; without the counters' error in the same places. */
struct range {
	size_t task; /* SIZE_MAX: a process that is not there yet */
	bool never;
	int64_t low, likely, high;
	int64_t exact_low, exact_high;
};

struct outlook {
	const struct predict_world *world;
	int group;
	uint64_t total;
	struct growers growers;
	size_t n;
	struct range *ranges;
};

static int64_t points(const struct outlook *outlook, const struct predict_task *task, uint64_t less,
		      uint64_t more)
{
	struct badness_task then = task->task;

	then.rss_pages = plus(then.rss_pages, more);
	uint64_t from_rss = least(less, then.rss_pages);
	then.rss_pages -= from_rss;
	then.swap_pages = minus(then.swap_pages, less - from_rss);
	return badness_points(outlook->world->rules, &then, outlook->total);
}

/* The one that grows in this task's memory; NULL: it stays as it is. */
static const struct predict_task *grower_of(const struct predict_world *world,
					    const struct predict_task *task)
{
	for (size_t i = 0; i < world->n_tasks; i++)
		if (same_memory(task, &world->tasks[i]) && grows(&world->tasks[i]))
			return &world->tasks[i];
	return NULL;
}

struct taking {
	uint64_t least, likely, most;
};

/* What a task takes from now until its group is full. */
static struct taking taking_of(const struct outlook *outlook, const struct predict_task *grower)
{
	const struct predict_group *group = &outlook->world->groups[outlook->group];
	struct taking ret = {0};

	if (!grower || grower->growth == PREDICT_ELSEWHERE ||
	    !predict_below(outlook->world, grower->group, outlook->group))
		return ret;
	/* The last page of a request that meets the limit is not among those that it has got. */
	uint64_t request = grower->most_pages == UINT64_MAX ? UINT64_MAX : grower->most_pages - 1;
	ret.most = least(room_most(group), request);
	ret.likely = least(room_least(group), request) / outlook->growers.n;
	if (grower == outlook->growers.only)
		ret.least = least(minus(room_least(group), KERNEL_PAGES), request);
	return ret;
}

static void add_range(struct outlook *outlook, size_t index)
{
	const struct predict_task *task = &outlook->world->tasks[index];
	struct range *range = &outlook->ranges[outlook->n];
	const struct predict_task *grower = grower_of(outlook->world, task);
	struct taking taking = taking_of(outlook, grower);
	uint64_t low = plus(task->taken_least, taking.least);
	uint64_t high = plus(task->taken_most, taking.most);
	bool grown = grower && high > 0;
	uint64_t down = task->task.error_pages + (grown ? grower->grown_low : 0);
	uint64_t up = task->task.error_pages + (grown ? grower->grown_high : 0);

	*range = (struct range){.task = index};
	if (points(outlook, task, 0, 0) == BADNESS_NEVER)
		return;
	range->exact_low = points(outlook, task, task->given_back, low);
	range->exact_high = points(outlook, task, 0, high);
	range->low = points(outlook, task, plus(task->given_back, down), low);
	range->high = points(outlook, task, 0, plus(high, up));
	range->likely =
		points(outlook, task, task->given_back / 2, plus(task->taken_least, taking.likely));
	outlook->n++;
}

/* A process that a task makes meanwhile. A fork copies what its parent has. */
static void add_unborn(struct outlook *outlook, const struct predict_task *parent)
{
	struct range *range = &outlook->ranges[outlook->n];
	struct predict_task child = *parent;
	struct taking taking = taking_of(outlook, parent);
	uint64_t high = plus(parent->taken_most, taking.most);

	if (parent->growth == PREDICT_AT_WILL)
		child.task.oom_score_adj = 1000;
	child.task.unkillable = false;
	if (child.task.oom_score_adj == -1000)
		return;
	*range = (struct range){.task = SIZE_MAX};
	range->low = range->exact_low = range->likely =
		points(outlook, &child, child.task.rss_pages, 0);
	range->high = range->exact_high = points(outlook, &child, 0, high);
	outlook->n++;
}

static void add_ranges(struct outlook *outlook)
{
	const struct predict_world *world = outlook->world;

	for (size_t i = 0; i < world->n_tasks; i++) {
		const struct predict_task *task = &world->tasks[i];
		if (task->gone || !predict_below(world, task->group, outlook->group))
			continue;
		add_range(outlook, i);
		if (grows(task) &&
		    (task->growth == PREDICT_BREEDS || task->growth == PREDICT_AT_WILL))
			add_unborn(outlook, task);
	}
}

/* ---- the choice ----------------------------------------------------------------------------- */

/* Which of two equals the kernel keeps. */
static bool wins_tie(const struct outlook *outlook, const struct range *a, const struct range *b)
{
	if (a->task == SIZE_MAX || b->task == SIZE_MAX)
		return b->task == SIZE_MAX;
	uint64_t order_a = outlook->world->tasks[a->task].task.order;
	uint64_t order_b = outlook->world->tasks[b->task].task.order;
	return outlook->world->rules->tie_memcg == BADNESS_LAST ? order_a > order_b
								: order_a < order_b;
}

static bool tie_known(const struct outlook *outlook, const struct range *a, const struct range *b)
{
	const struct predict_task *tasks = outlook->world->tasks;

	return a->task != SIZE_MAX && b->task != SIZE_MAX && tasks[a->task].order_known &&
	       tasks[b->task].order_known;
}

static bool leaves(const struct outlook *outlook, const struct range *range)
{
	return range->task != SIZE_MAX && outlook->world->tasks[range->task].leaving;
}

/* Who leaves may be chosen, but nobody says so beforehand. */
static const struct range *likeliest(const struct outlook *outlook, const struct range *but)
{
	const struct range *best = NULL;

	for (size_t i = 0; i < outlook->n; i++) {
		const struct range *range = &outlook->ranges[i];
		if (leaves(outlook, range))
			continue;
		if (but && (range == but || (range->task != SIZE_MAX && but->task != SIZE_MAX &&
					     same_memory(&outlook->world->tasks[range->task],
							 &outlook->world->tasks[but->task]))))
			continue;
		if (!best || range->likely > best->likely ||
		    (range->likely == best->likely && wins_tie(outlook, range, best)))
			best = range;
	}
	return best;
}

/* Whether 'a' is chosen before 'b' whatever happens; without errors of counters: exact. */
static bool beats(const struct outlook *outlook, const struct range *a, const struct range *b,
		  bool exact)
{
	int64_t low = exact ? a->exact_low : a->low, high = exact ? b->exact_high : b->high;

	if (low > high)
		return true;
	/* Equals at best: the order decides, and where 'a' turns out larger it is chosen anyway. */
	return low == high && tie_known(outlook, a, b) && wins_tie(outlook, a, b);
}

static bool beats_all(const struct outlook *outlook, const struct range *victim, bool exact)
{
	const struct predict_task *tasks = outlook->world->tasks;

	if (victim->task == SIZE_MAX)
		return false;
	for (size_t i = 0; i < outlook->n; i++) {
		const struct range *other = &outlook->ranges[i];
		bool same = other->task != SIZE_MAX &&
			    same_memory(&tasks[other->task], &tasks[victim->task]);
		if (!same && !beats(outlook, victim, other, exact))
			return false;
	}
	return true;
}

static bool beats_leaving(const struct outlook *outlook, const struct range *victim)
{
	for (size_t i = 0; i < outlook->n; i++)
		if (leaves(outlook, &outlook->ranges[i]) &&
		    (!victim || !beats(outlook, victim, &outlook->ranges[i], false)))
			return false;
	return true;
}

static enum predict_doubt doubt_of(const struct outlook *outlook, const struct range *victim,
				   const struct range *rival)
{
	if (beats_all(outlook, victim, false))
		return PREDICT_SURE;
	if (outlook->growers.at_will)
		return PREDICT_COMMAND;
	if (outlook->growers.breed)
		return PREDICT_CHILDREN;
	if (!beats_leaving(outlook, victim))
		return PREDICT_LEAVING;
	if (beats_all(outlook, victim, true))
		return PREDICT_COUNTERS;
	if (outlook->growers.n > 1)
		return PREDICT_RACE;
	/* Two equals of unknown order; a third that may grow past them is no matter of order. */
	bool equal = rival && rival->likely == victim->likely && victim->low == victim->high &&
		     rival->low == rival->high && !beats(outlook, victim, rival, false);
	return equal ? PREDICT_TIE : PREDICT_ROOM;
}

static uint64_t width(const struct range *range)
{
	uint64_t up = (uint64_t)(range->high - range->likely);
	uint64_t down = (uint64_t)(range->likely - range->low);

	return up > down ? up : down;
}

void predict_oom(const struct predict_world *world, int group, struct prediction *ret)
{
	struct outlook outlook = {.world = world, .group = group};

	*ret = (struct prediction){.victim = SIZE_MAX, .runner_up = SIZE_MAX};
	ret->possible = !world->groups[group].killer_off && predict_reachable(world, group) &&
			!comes_later(world, group);
	if (!ret->possible)
		return;
	outlook.total = ret->total_pages = world->groups[group].total_pages;
	outlook.growers = growers_below(world, group);
	/* Each may make another. */
	struct range *ranges MEM_AUTO = mem_zero(2 * world->n_tasks + 1, sizeof(*ranges));
	outlook.ranges = ranges;
	add_ranges(&outlook);
	ret->n_candidates = outlook.n;
	const struct range *victim = likeliest(&outlook, NULL);
	if (!victim) {
		ret->doubt = beats_leaving(&outlook, NULL) ? PREDICT_SURE : PREDICT_LEAVING;
		return;
	}
	const struct range *rival = likeliest(&outlook, victim);
	ret->victim = victim->task;
	ret->points = victim->likely;
	ret->runner_up = rival ? rival->task : SIZE_MAX;
	ret->margin = rival ? victim->likely - rival->likely : INT64_MAX;
	ret->error = plus(width(victim), rival ? width(rival) : 0);
	ret->doubt = doubt_of(&outlook, victim, rival);
}

enum predict_outcome predict_judge(const struct predict_world *world,
				   const struct prediction *prediction, int64_t pid)
{
	const struct predict_task *killed = NULL;

	if (!prediction->possible)
		return PREDICT_NONE;
	if (prediction->doubt != PREDICT_SURE)
		return PREDICT_UNDECIDED;
	for (size_t i = 0; i < world->n_tasks; i++)
		if (world->tasks[i].task.pid == pid)
			killed = &world->tasks[i];
	if (prediction->victim == SIZE_MAX || !killed)
		return PREDICT_WRONG;
	return same_memory(killed, &world->tasks[prediction->victim]) ? PREDICT_RIGHT
								      : PREDICT_WRONG;
}
