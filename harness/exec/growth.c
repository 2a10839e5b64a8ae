/*
 * Who takes memory during a step, and how much it can be. A workload that is not named in the
 * table takes memory of its own; what is not known is unlimited, never too little.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "harness/exec/foresee.h"
#include "workloads/layout.h"

/* Page tables and malloc's heads of blocks that a pattern of many blocks can need beside those of
 * one: the smallest usual block, 1M, takes one page in 256. */
enum { BLOCK_EXTRAS = 1024 };

/* What a workload takes need not count for itself, or does not, be it all or be it under an
 * option. */
static const struct {
	const char *workload;
	const char *option; /* NULL: whatever its options are */
	enum predict_growth kind;
} kinds[] = {
	{"fork", NULL, PREDICT_BREEDS},
	{"file", NULL, PREDICT_CHARGES},
	{"mix", NULL, PREDICT_CHARGES},
	{"shmem", NULL, PREDICT_CHARGES},
	{"fault", "--access=read", PREDICT_CHARGES}, /* the zero page: page tables alone */
	{"step", "--via=tmpfs-write", PREDICT_ELSEWHERE},
};

/* "--size=8M" among the options of a task; NULL: it is not there. */
static const char *option(const struct plan_task *plan, const char *start)
{
	for (char **arg = plan->argv; arg && *arg; arg++)
		if (str_starts(*arg, start))
			return *arg;
	return NULL;
}

static enum predict_growth kind_of(const struct plan_task *plan)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_eq(plan->wl->name, kinds[i].workload) &&
		    (!kinds[i].option || option(plan, kinds[i].option)))
			return kinds[i].kind;
	return PREDICT_GROWS;
}

/* A pattern that beats and holds nothing. */
static bool beats_only(const struct plan_task *plan)
{
	return str_eq(plan->wl->name, "heartbeat") && !option(plan, "--size=");
}

static bool is_target(const struct plan_step *step, int task)
{
	for (size_t i = 0; i < step->n_targets; i++)
		if (step->targets[i].task == task)
			return true;
	return false;
}

/* The step lets this task's pattern begin. */
static bool begins_pattern(const struct plan_step *step, const struct plan_task *plan, int task)
{
	if (!step || !is_target(step, task))
		return false;
	return step->kind == PLAN_START ||
	       (step->kind == PLAN_SPAWN && plan->start == PLAN_START_READY);
}

static bool is_told(const struct plan_step *step, int task)
{
	return step && step->kind == PLAN_ALLOC && step->task == task && step->bytes != UINT64_MAX;
}

static uint64_t touched(const struct runner *run, int task)
{
	const struct hog_status *status = run->tasks[task].status;

	return status ? status->touched_pages : 0;
}

/* ---- commands of steps ---------------------------------------------------------------------- */

/* Of a request: its pages, and what comes with them. 'reserve' touches the head of each block. */
static void reckon(const struct runner *run, const struct plan_step *step, uint64_t *ret_pages,
		   uint64_t *ret_extra)
{
	const struct plan_task *plan = &run->plan->tasks[step->task];
	uint64_t page = run->world.page_size, held = touched(run, step->task);
	uint64_t block = (step->bytes + page - 1) / page, pages = block * step->times;
	bool region = str_eq(plan->wl->name, "step") || str_eq(plan->wl->name, "heartbeat");

	*ret_pages = pages;
	*ret_extra = hog_table_pages(held + pages, page) - hog_table_pages(held, page);
	if (region)
		return;
	/* Elsewhere each block may begin in tables of its own, one of each level, and has a page
	 * for malloc's head. */
	*ret_extra = hog_table_pages(pages, page) + 4 * step->times;
	if (str_eq(plan->wl->name, "reserve"))
		*ret_pages = step->times;
}

void growth_told(struct runner *run, const struct plan_step *step)
{
	struct told *told = &run->foresight->told[step->task];
	uint64_t pages, extra;

	if (!is_told(step, step->task))
		return;
	reckon(run, step, &pages, &extra);
	told->goal_pages = touched(run, step->task) + pages;
	told->extra_pages = extra;
}

static uint64_t left_to_goal(const struct runner *run, int task)
{
	const struct told *told = &run->foresight->told[task];
	uint64_t held = touched(run, task);

	return told->goal_pages > held ? told->goal_pages - held + told->extra_pages
				       : told->extra_pages;
}

/* ---- patterns ------------------------------------------------------------------------------- */

/* A pattern that says how far it goes; UINT64_MAX: it does not. What it has taken already is left
 * in: the figure is the most that it can be. */
static uint64_t pattern_most(const struct runner *run, int task)
{
	const struct plan_task *plan = &run->plan->tasks[task];
	bool beats = str_eq(plan->wl->name, "heartbeat");
	const char *arg = option(plan, beats ? "--size=" : "--total=");
	uint64_t bytes, page = run->world.page_size, held = touched(run, task);
	struct err err;

	/* Options of that name are numbers elsewhere. */
	if (kind_of(plan) != PREDICT_GROWS)
		return UINT64_MAX;
	if (!arg || parse_size(strchr(arg, '=') + 1, &bytes, &err) < 0 || bytes == UINT64_MAX)
		return UINT64_MAX;
	uint64_t pages = bytes / page + 1;
	if (beats)
		pages = pages > held ? pages - held : 0;
	return pages ? pages + hog_table_pages(pages, page) + BLOCK_EXTRAS : 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

bool growth_counts(const struct runner *run, int task)
{
	const struct plan_task *plan = &run->plan->tasks[task];

	return plan->wl && kind_of(plan) == PREDICT_GROWS;
}

bool growth_elsewhere(const struct runner *run, int task)
{
	const struct plan_task *plan = &run->plan->tasks[task];

	return plan->wl && kind_of(plan) == PREDICT_ELSEWHERE;
}

bool growth_under_way(const struct runner *run, int task)
{
	const struct task *at = &run->tasks[task];

	if (run->world.tasks[task].life != WORLD_RUNNING || !run->plan->tasks[task].wl)
		return false;
	return at->alloc_seq || (at->go_seq && !beats_only(&run->plan->tasks[task]));
}

struct growth growth_of(const struct runner *run, int task, const struct plan_step *step)
{
	const struct plan_task *plan = &run->plan->tasks[task];
	struct growth ret = {PREDICT_STILL, 0, false};
	bool pattern, told;

	if (!plan->wl)
		return (struct growth){PREDICT_AT_WILL, UINT64_MAX, true};
	pattern =
		(run->tasks[task].go_seq || begins_pattern(step, plan, task)) && !beats_only(plan);
	told = run->tasks[task].alloc_seq ||
	       (is_told(step, task) && run->foresight->told[task].goal_pages > touched(run, task));
	if (!pattern && !told)
		return ret;
	ret.kind = kind_of(plan);
	ret.gives_back = pattern && str_eq(plan->wl->name, "free");
	ret.most_pages = pattern ? pattern_most(run, task) : left_to_goal(run, task);
	if (pattern && told)
		ret.most_pages = UINT64_MAX;
	return ret;
}
