/*
 * The world of a prediction: read from /proc, or carried on from the last reading. See foresee.h.
 */
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "harness/exec/foresee.h"
#include "workloads/layout.h"

enum {
	/* What a drained group may still get back: page tables that wait for a grace period. */
	DRAINED_PAGES = 16,
	/* Draining reclaims page cache, as the way to an OOM does; more than a program's own few
	 * pages would be somebody's experiment. */
	CACHE_TO_DRAIN = 64,
};

static bool has_pid(const struct predict_world *world, int64_t pid)
{
	for (size_t i = 0; i < world->n_tasks; i++)
		if (world->tasks[i].task.pid == pid)
			return true;
	return false;
}

/* The kernel gives page tables back when an RCU grace period is over (tlb_remove_table), which can
 * be long after their process is gone: 397 pages of one came 35 ms and another's death later
 * (6.18). So they may become room at any time, until the group is drained. */
static void note_late(struct outlook *outlook)
{
	const struct predict_world *world = &outlook->now.world;

	for (size_t i = 0; i < outlook->n_last; i++)
		if (!has_pid(world, outlook->last[i].pid))
			outlook->late_pages += outlook->last[i].table_pages;
	outlook->last = mem_grow(outlook->last, world->n_tasks + 1, sizeof(*outlook->last));
	outlook->n_last = world->n_tasks;
	for (size_t i = 0; i < world->n_tasks; i++)
		outlook->last[i] = (struct last_seen){world->tasks[i].task.pid,
						      world->tasks[i].task.table_pages};
}

static bool read_processes(struct runner *run, int root, const struct plan_step *step)
{
	struct outlook *outlook = &run->foresight->outlooks[root];
	struct view *view = &outlook->now;
	struct candidates *c = run->foresight->candidates;
	size_t n = 0;
	const char **dirs MEM_AUTO = mem_zero(run->plan->n_groups, sizeof(*dirs));
	int *groups MEM_AUTO = mem_zero(run->plan->n_groups, sizeof(*groups));
	struct err err;

	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (run->groups[g] && outlook_in_tree(run, (int)g, root)) {
			dirs[n] = cg_dir(run->groups[g]);
			groups[n++] = (int)g;
		}
	view->world.n_tasks = 0;
	if (candidates_of_dirs(c, dirs, n, &err) < 0)
		return false;
	for (size_t i = 0; i < c->n; i++)
		outlook_see(run, view, i, groups[c->more[i].group], step);
	note_late(outlook);
	return true;
}

/* Nothing may be read any more, and nothing was read before: the tasks are there, and that is all
 * that is known of them. */
static void assume_processes(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	view->world.n_tasks = 0;
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (run->world.tasks[t].life == WORLD_RUNNING &&
		    outlook_in_tree(run, run->world.tasks[t].group, root))
			outlook_add_starting(run, view, (int)t, step);
}

/* What the task itself has taken since it was read. */
static void carry_task_on(const struct runner *run, const struct seen *seen,
			  struct predict_task *task)
{
	uint64_t now = outlook_touched(run, seen->task), was = seen->touched_at;
	uint64_t page = run->world.page_size;
	bool own = seen->task >= 0 && seen->child < 0;

	if (seen->task >= 0 && own) {
		const struct world_task *world = &run->world.tasks[seen->task];
		task->gone =
			task->gone || (task->task.pid && (world->life != WORLD_RUNNING ||
							  world->pid != (pid_t)task->task.pid));
		task->group = world->group >= 0 ? world->group : task->group;
	}
	task->leaving = task->leaving || outlook_orphan(run, seen);
	if (!own || seen->command)
		return;
	uint64_t more = now > was ? now - was : 0, less = was > now ? was - now : 0;
	task->taken_least = growth_counts(run, seen->task) ? more : 0;
	task->taken_most = seen->unknown_pages;
	if (more && !growth_elsewhere(run, seen->task))
		task->taken_most += more + hog_table_pages(now, page) - hog_table_pages(was, page) +
				    run->foresight->told[seen->task].extra_pages;
	task->given_back = less > task->given_back ? less : task->given_back;
}

uint64_t outlook_held(const struct predict_task *task)
{
	return task->task.rss_pages + task->task.swap_pages + task->task.table_pages +
	       task->taken_most;
}

/* Victims that are not reaped yet, and orphans, may still hold what they had, and page tables come
 * back late in any case (note_late()). */
static uint64_t still_held(const struct runner *run, const struct view *view)
{
	uint64_t held = 0;

	for (size_t i = 0; i < view->world.n_tasks; i++) {
		const struct predict_task *task = &view->world.tasks[i];
		const struct seen *seen = &view->seen[i];
		bool reaped = seen->task >= 0 && seen->child < 0 &&
			      run->world.tasks[seen->task].life != WORLD_RUNNING;
		if ((task->gone && !reaped) || task->leaving)
			held += outlook_held(task);
		else if (task->gone)
			held += task->task.table_pages;
	}
	return held;
}

static void add_held(const struct runner *run, int root, struct view *view)
{
	uint64_t held = still_held(run, view) + run->foresight->outlooks[root].late_pages;

	for (size_t g = 0; g < view->world.n_groups; g++)
		if (outlook_in_tree(run, (int)g, root))
			view->world.groups[g].slack_pages += held;
}

void outlook_predict(const struct runner *run, int root, struct view *view)
{
	view->world.rules = run->foresight->rules;
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (outlook_in_tree(run, (int)g, root))
			predict_oom(&view->world, (int)g, &view->by_group[g]);
}

/* What stands for processes that were to come goes; those that have come since are taken in. */
static void replace_starting(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct predict_world *world = &view->world;
	size_t n = 0;

	for (size_t i = 0; i < world->n_tasks; i++) {
		if (world->tasks[i].task.pid == 0)
			continue;
		world->tasks[n] = world->tasks[i];
		view->seen[n++] = view->seen[i];
	}
	world->n_tasks = n;
	for (size_t t = 0; t < run->plan->n_tasks; t++) {
		bool known = run->world.tasks[t].life != WORLD_RUNNING ||
			     !outlook_in_tree(run, run->world.tasks[t].group, root);
		for (size_t i = 0; !known && i < n; i++)
			known = world->tasks[i].task.pid == run->world.tasks[t].pid;
		if (!known)
			outlook_add_starting(run, view, (int)t, step);
	}
	outlook_add_by_step(run, root, step);
}

/* Where somebody was killed a moment ago the next may be chosen already, before the memory of the
 * first came back: its line comes after its choice, by milliseconds where the CPUs are busy. Who
 * grows may have got nothing, whatever is free by now. */
static void doubt_usage(const struct runner *run, int root, struct view *view)
{
	for (size_t g = 0; g < view->world.n_groups; g++) {
		struct predict_group *group = &view->world.groups[g];
		if (outlook_in_tree(run, (int)g, root) && group->limit_pages != UINT64_MAX &&
		    group->usage_most < group->limit_pages)
			group->usage_most = group->limit_pages;
	}
}

void outlook_carry_on(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct predict_world *world = &view->world;

	outlook_groups(run, root, step);
	for (size_t i = 0; i < world->n_tasks; i++) {
		outlook_set_growth(run, step, &view->seen[i], &world->tasks[i]);
		carry_task_on(run, &view->seen[i], &world->tasks[i]);
		if (!world->tasks[i].gone)
			outlook_reread_adj(&world->tasks[i]);
	}
	replace_starting(run, root, step);
	for (size_t g = 0; g < world->n_groups; g++)
		if (outlook_in_tree(run, (int)g, root) &&
		    world->groups[g].limit_pages != UINT64_MAX)
			outlook_usage(run, (int)g, &world->groups[g], true);
	if (run->foresight->outlooks[root].killed)
		doubt_usage(run, root, view);
	add_held(run, root, view);
	outlook_predict(run, root, view);
}

/* Whether somebody is at work in the tree, so that its limits can be met at any moment. */
static bool busy(const struct runner *run, int root)
{
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (outlook_in_tree(run, run->world.tasks[t].group, root) &&
		    (growth_under_way(run, (int)t) || owner_command_awake(run, (int)t)))
			return true;
	return false;
}

/* By the tasks alone, without looking at processes. */
static bool in_reach(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	outlook_groups(run, root, step);
	assume_processes(run, root, step);
	for (size_t i = 0; i < view->world.n_tasks; i++)
		outlook_set_growth(run, step, &view->seen[i], &view->world.tasks[i]);
	outlook_add_by_step(run, root, step);
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (outlook_in_tree(run, (int)g, root) && predict_reachable(&view->world, (int)g))
			return true;
	return step && step->kind == PLAN_SWAP && !step->swap_on;
}

static void read_all(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	run->foresight->outlooks[root].killed = false;
	if (!read_processes(run, root, step))
		assume_processes(run, root, step);
	outlook_add_by_step(run, root, step);
	outlook_add_reclaim(run, root);
	add_held(run, root, view);
	outlook_predict(run, root, view);
}

/* Doubts that a better figure of the room can dispel. */
static bool doubtful(const struct prediction *prediction)
{
	return prediction->possible &&
	       (prediction->doubt == PREDICT_ROOM || prediction->doubt == PREDICT_COUNTERS);
}

/* The CPU of whoever takes memory for this step; -1: any. */
static int cpu_of(const struct runner *run, const struct plan_step *step)
{
	return step && step->task >= 0 ? run->plan->tasks[step->task].cpu : -1;
}

/* Makes the usage of groups exact where that may decide: it takes milliseconds, so only there. */
static bool drain(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	bool drained = false;
	struct sysinfo info;
	struct err err;

	if (sysinfo(&info) < 0 || info.totalswap > 0 || !run->groups[root] ||
	    outlook_cache(run, run->groups[root]) > CACHE_TO_DRAIN)
		return false;
	for (size_t g = 0; g < view->world.n_groups; g++) {
		struct predict_group *group = &view->world.groups[g];
		uint64_t usage;
		if (!outlook_in_tree(run, (int)g, root) || !doubtful(&view->by_group[g]) ||
		    alloc_exact_usage(run, (int)g, cpu_of(run, step), &usage, &err) < 0)
			continue;
		group->usage_least = group->usage_most = outlook_pages(run, usage);
		group->slack_pages = DRAINED_PAGES;
		drained = true;
	}
	if (!drained)
		return false;
	/* All page tables are back, of the other groups as well. */
	run->foresight->outlooks[root].late_pages = 0;
	for (size_t g = 0; g < view->world.n_groups; g++)
		if (outlook_in_tree(run, (int)g, root) &&
		    view->world.groups[g].slack_pages != DRAINED_PAGES)
			outlook_usage(run, (int)g, &view->world.groups[g], false);
	return true;
}

bool outlook_read(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	bool at_work = busy(run, root);

	if (at_work && view->have) {
		outlook_carry_on(run, root, step);
		return true;
	}
	view->have = in_reach(run, root, step);
	if (!view->have)
		return false;
	if (at_work) {
		assume_processes(run, root, step);
		outlook_add_by_step(run, root, step);
		outlook_predict(run, root, view);
		return true;
	}
	read_all(run, root, step);
	if (drain(run, root, step))
		read_all(run, root, step);
	return true;
}
