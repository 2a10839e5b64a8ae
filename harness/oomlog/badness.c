/*
 * Badness as a number: points of a task, the score that a kernel prints for them, the one of /proc,
 * and the T of a memory cgroup. Every division is the kernel's, in its order; sums are made in 128
 * bits and saturate, so that absurd numbers of a damaged log have a defined, absurd, answer.
 */
#include "harness/oomlog/badness.h"

typedef __int128 wide;

enum { ADJ_NEVER = -1000, OLD_ADJ_NEVER = -17, OLD_ADJ_MAX = 15 };

/* BADNESS_NEVER itself is not a number of points. */
static int64_t saturate(wide points)
{
	if (points > INT64_MAX)
		return INT64_MAX;
	return points <= INT64_MIN ? INT64_MIN + 1 : (int64_t)points;
}

/* ---- up to 2.6.35 --------------------------------------------------------------------------- */

static uint64_t square_root(uint64_t n)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

static wide age(wide points, const struct badness_task *task)
{
	uint64_t cpu = square_root(task->cpu_units);
	uint64_t run = square_root(square_root(task->run_units));

	if (cpu)
		points /= cpu;
	if (run)
		points /= run;
	return points;
}

static wide shift(const struct badness_rules *rules, wide points, int oom_adj)
{
	if (oom_adj > OLD_ADJ_MAX)
		oom_adj = OLD_ADJ_MAX;
	if (oom_adj > 0) {
		if (points == 0 && rules->adj_needs_one)
			points = 1;
		return points << oom_adj;
	}
	return points >> -oom_adj;
}

static int64_t raw_points(const struct badness_rules *rules, const struct badness_task *task)
{
	wide points = task->total_vm_pages;

	if (task->origin)
		return INT64_MAX;
	if (rules->children)
		points += task->children_vm_pages[rules->generation > BADNESS_2_6_11];
	points = age(points, task);
	if (task->nice > 0)
		points *= 2;
	if (task->privileged > 0)
		points /= 4;
	if (task->rawio)
		points /= 4;
	if (task->other_nodes)
		points /= 8;
	if (rules->generation > BADNESS_2_6_9)
		points = shift(rules, points, task->oom_adj);
	if (points == 0 && rules->zero_is_never)
		return BADNESS_NEVER;
	return saturate(points);
}

/* ---- from 2.6.36 on ------------------------------------------------------------------------- */

static wide pages_of(const struct badness_rules *rules, const struct badness_task *task)
{
	wide pages = (wide)task->rss_pages + task->swap_pages;

	return rules->tables == BADNESS_NO_TABLES ? pages : pages + task->table_pages;
}

/* Of 'int points': 'points *= 1000; points /= totalpages'. The product wraps; the division is one
 * of unsigned longs, so a negative product is divided as a huge number and cut to 32 bits again. */
static int32_t permille_int32(wide pages, uint64_t total)
{
	int32_t product = (int32_t)((uint32_t)pages * 1000u);

	return (int32_t)(uint32_t)((uint64_t)(int64_t)product / total);
}

static int64_t permille_points(const struct badness_rules *rules, const struct badness_task *task,
			       uint64_t total)
{
	enum { TOP = 1000, ROOT = 30 };
	wide pages = pages_of(rules, task);
	wide points = rules->int32 ? permille_int32(pages, total) : pages * 1000 / total;

	if (task->origin && rules->origin == BADNESS_ORIGIN_TOP)
		return TOP;
	if (task->privileged > 0)
		points -= ROOT;
	points += task->oom_score_adj;
	if (points <= 0)
		return 1;
	return points < TOP ? (int64_t)points : TOP;
}

static int64_t page_points(const struct badness_rules *rules, const struct badness_task *task,
			   uint64_t total)
{
	wide points = pages_of(rules, task);
	int adj = task->oom_score_adj;

	if (task->privileged > 0 && rules->root == BADNESS_ROOT_3_OF_OWN)
		points -= points * 3 / 100;
	if (task->privileged > 0 && rules->root == BADNESS_ROOT_3_OF_TOTAL)
		adj -= 30;
	points += (wide)adj * (total / 1000);
	return rules->clamp && points <= 0 ? 1 : saturate(points);
}

static bool never(const struct badness_rules *rules, const struct badness_task *task)
{
	if (task->unkillable || (task->other_nodes && !rules->nodes_eighth))
		return true;
	if (rules->scale == BADNESS_RAW)
		return rules->generation > BADNESS_2_6_9 && task->oom_adj <= OLD_ADJ_NEVER;
	return task->oom_score_adj <= ADJ_NEVER;
}

int64_t badness_points(const struct badness_rules *rules, const struct badness_task *task,
		       uint64_t total_pages)
{
	uint64_t total = total_pages ? total_pages : 1;

	if (never(rules, task))
		return BADNESS_NEVER;
	switch (rules->scale) {
	case BADNESS_RAW:
		return raw_points(rules, task);
	case BADNESS_PERMILLE:
		return permille_points(rules, task, total);
	case BADNESS_IN_PAGES:
		break;
	}
	return page_points(rules, task, total);
}

/* ---- what people see ------------------------------------------------------------------------ */

int64_t badness_printed_score(const struct badness_rules *rules, int64_t points,
			      uint64_t total_pages)
{
	if (points == BADNESS_NEVER)
		return 0;
	if (rules->scale != BADNESS_IN_PAGES)
		return points;
	return saturate((wide)points * 1000 / (total_pages ? total_pages : 1));
}

int64_t badness_proc_score(const struct badness_rules *rules, int64_t points, uint64_t total_pages)
{
	int64_t score = badness_printed_score(rules, points, total_pages);

	if (rules->clamp || rules->scale != BADNESS_IN_PAGES || points == BADNESS_NEVER)
		return score;
	return saturate(((wide)score + 1000) * 2 / 3);
}

/* ---- T -------------------------------------------------------------------------------------- */

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t badness_total_memcg(uint64_t limit_pages, uint64_t memsw_pages, uint64_t swap_max_pages,
			     uint64_t total_swap_pages, uint64_t ram_pages, bool swappiness)
{
	uint64_t total = limit_pages;

	if (limit_pages == UINT64_MAX && memsw_pages == UINT64_MAX)
		total = add(ram_pages, total_swap_pages);
	else if (swappiness)
		total = least(add(limit_pages, least(swap_max_pages, total_swap_pages)),
			      memsw_pages);
	return total ? total : 1;
}
