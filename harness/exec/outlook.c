/*
 * The world of a prediction: the groups of one tree as their files tell them, and the processes
 * below, read from /proc or carried on from the last reading. See foresee.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/foresee.h"
#include "workloads/layout.h"

enum {
	/* Of a CPU: the batch of charges that it has taken and not used (MEMCG_CHARGE_BATCH), and
	 * pages on their way to the lists or back from them (PAGEVEC_SIZE, 15 or 31). All of it
	 * comes back before the kernel gives up (drain_all_stock, lru_add_drain). */
	PRECHARGED_PAGES = 64,
	IN_TRANSIT_PAGES = 32,
	/* A program that is started: what it takes until it is ready (oomhog 150 pages). */
	STARTING_PAGES = 1024,
	/* What a drained group may still get back: page tables that wait for a grace period. */
	DRAINED_PAGES = 16,
	/* Draining reclaims page cache, as the way to an OOM does; more than a program's own few
	 * pages would be somebody's experiment. */
	CACHE_TO_DRAIN = 64,
};

int outlook_root(const struct runner *run, int group)
{
	while (group >= 0 && run->plan->groups[group].parent >= 0)
		group = run->plan->groups[group].parent;
	return group;
}

/* ---- groups --------------------------------------------------------------------------------- */

static uint64_t pages(const struct runner *run, uint64_t bytes)
{
	return bytes == UINT64_MAX ? UINT64_MAX : bytes / run->world.page_size;
}

static uint64_t counter(const struct cg *cg, const char *name, const char *other)
{
	uint64_t value = 0;
	struct err err;

	if (cg_counter(cg, name, &value, &err) < 0 && cg_counter(cg, other, &value, &err) < 0)
		return 0;
	return value;
}

/* Page cache is given up before anyone is killed; memory of tmpfs, which counts as such, is not. */
static uint64_t cache_pages(const struct runner *run, const struct cg *cg)
{
	uint64_t cache = counter(cg, "stat.total_cache", "stat.file");
	uint64_t shmem = counter(cg, "stat.total_shmem", "stat.shmem");

	return cache > shmem ? pages(run, cache - shmem) : 0;
}

static bool swaps(const struct cg *cg)
{
	char text[32];
	struct err err;
	MEM_AUTO char *path = mem_printf("%s/memory.swappiness", cg_dir(cg));

	if (fd_read_text(-1, path, text, sizeof(text), &err) < 0 &&
	    fd_read_text(-1, "/proc/sys/vm/swappiness", text, sizeof(text), &err) < 0)
		return true;
	return strtoul(text, NULL, 10) > 0;
}

/* What swap adds: to T, and to the room. Either way of limiting it (v1: memory and swap together)
 * leaves limit - usage + swap.max - swapped. */
static void add_swap(const struct runner *run, const struct cg *cg, struct predict_group *group)
{
	struct sysinfo info;
	uint64_t max = UINT64_MAX;
	char text[32];
	struct err err;

	group->total_pages = group->limit_pages;
	if (sysinfo(&info) < 0 || info.totalswap == 0)
		return;
	uint64_t total = pages(run, (uint64_t)info.totalswap * info.mem_unit);
	uint64_t free = pages(run, (uint64_t)info.freeswap * info.mem_unit);
	if (cg_get(cg, "memory.swap.max", text, sizeof(text), &err) >= 0 && !str_eq(text, "max") &&
	    parse_size(text, &max, &err) >= 0)
		max = pages(run, max);
	group->total_pages =
		badness_total_memcg(group->limit_pages, UINT64_MAX, max, total,
				    pages(run, (uint64_t)info.totalram * info.mem_unit), swaps(cg));
	uint64_t swapped = pages(run, counter(cg, "swap_usage", "stat.swap"));
	if (swapped > max) {
		group->usage_least += swapped - max;
		group->usage_most += swapped - max;
		return;
	}
	group->slack_pages += max - swapped < free ? max - swapped : free;
}

/* The limit and the switch as the step leaves them: what it changes it may kill for. */
static void look_ahead(const struct runner *run, int index, const struct plan_step *step,
		       struct predict_group *group)
{
	struct err err;

	for (size_t t = 0; step && step->kind == PLAN_SET && t < step->n_targets; t++)
		for (size_t k = 0; k < step->targets[t].n_knobs; k++) {
			const struct plan_knob *knob = &step->targets[t].knobs[k];
			uint64_t bytes;
			if (step->targets[t].group != index)
				continue;
			if (str_eq(knob->knob, "memory.max") &&
			    parse_size(knob->value, &bytes, &err) >= 0)
				group->limit_pages = pages(run, bytes);
			if (str_eq(knob->knob, "memory.max") && str_eq(knob->value, "max"))
				group->limit_pages = UINT64_MAX;
			if (str_eq(knob->knob, "memory.oom_control"))
				group->killer_off = str_eq(knob->value, "disabled");
		}
}

/* Usage before and after the tasks' status pages were read. */
static void read_usage(const struct runner *run, int index, struct predict_group *group, bool again)
{
	const struct cg *cg = run->groups[index];
	struct cg_vitals vitals;
	struct err err;

	uint64_t usage =
		cg && cg_vitals(cg, &vitals, &err) >= 0 ? pages(run, vitals.usage_bytes) : 0;
	if (!again || usage < group->usage_least)
		group->usage_least = usage;
	if (!again || usage > group->usage_most)
		group->usage_most = usage;
}

static void read_group(const struct runner *run, int index, const struct plan_step *step,
		       struct predict_group *group)
{
	const struct cg *cg = run->groups[index];
	uint64_t off = 0, cpus = run->options->facts->cpus;
	struct err err;

	*group = (struct predict_group){.parent = run->plan->groups[index].parent,
					.limit_pages = UINT64_MAX};
	if (!cg)
		return;
	group->limit_pages = pages(run, run->world.groups[index].limit_bytes);
	if (group->limit_pages == UINT64_MAX)
		return;
	read_usage(run, index, group, false);
	group->killer_off = cg_counter(cg, "oom_kill_disable", &off, &err) >= 0 && off;
	look_ahead(run, index, step, group);
	group->slack_pages = cpus * (PRECHARGED_PAGES + IN_TRANSIT_PAGES);
	if (group->limit_pages == UINT64_MAX)
		return;
	add_swap(run, cg, group);
}

static bool in_tree(const struct runner *run, int group, int root)
{
	return group >= 0 && outlook_root(run, group) == root;
}

static void read_groups(const struct runner *run, int root, const struct plan_step *step)
{
	struct predict_world *world = &run->foresight->outlooks[root].now.world;

	world->n_groups = run->plan->n_groups;
	if (!world->groups)
		world->groups = mem_zero(world->n_groups, sizeof(*world->groups));
	for (size_t g = 0; g < world->n_groups; g++)
		if (in_tree(run, (int)g, root))
			read_group(run, (int)g, step, &world->groups[g]);
		else
			world->groups[g].parent = run->plan->groups[g].parent;
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static struct predict_task *add_task(struct view *view, struct seen **ret_seen)
{
	struct predict_world *world = &view->world;

	if (world->n_tasks == view->room) {
		view->room = view->room ? 2 * view->room : 64;
		world->tasks = mem_grow(world->tasks, view->room, sizeof(*world->tasks));
		view->seen = mem_grow(view->seen, view->room, sizeof(*view->seen));
	}
	*ret_seen = &view->seen[world->n_tasks];
	**ret_seen = (struct seen){.task = -1, .child = -1};
	world->tasks[world->n_tasks] = (struct predict_task){0};
	return &world->tasks[world->n_tasks++];
}

static uint64_t touched(const struct runner *run, int task)
{
	const struct hog_status *status = task >= 0 ? run->tasks[task].status : NULL;

	return status ? status->touched_pages : 0;
}

/* Counters of a process that takes or gives pages: each CPU keeps up to a batch, of either sign,
 * to itself (percpu_counter, 6.2 to 6.19; percpu_counter_batch). */
static uint64_t batches(const struct runner *run, int task)
{
	const struct candidates *c = run->foresight->candidates;
	uint64_t batch = c->cpus > 16 ? 2 * c->cpus : 32;
	bool pinned = task >= 0 && run->plan->tasks[task].cpu >= 0;

	return c->counters == COUNTERS_EXACT ? 0 : (batch - 1) * (pinned ? 1 : c->cpus);
}

/* What is read is the kernel's own figure, which the true one is ahead of by 'lag'. Who only takes
 * pages leaves what is kept to the CPU that it runs on positive: there the kernel can see less than
 * there is, not more. On other CPUs what was given back earlier may still be kept. */
static void set_error(const struct runner *run, const struct seen *seen, struct predict_task *task)
{
	uint64_t kept = batches(run, seen->task);
	bool pinned = seen->task >= 0 && run->plan->tasks[seen->task].cpu >= 0;
	int64_t low = (int64_t)kept - seen->lag_pages;
	int64_t high = seen->lag_pages + (pinned ? 0 : (int64_t)kept);

	task->grown_low = low > 0 ? (uint64_t)low : 0;
	task->grown_high = high > 0 ? (uint64_t)high : 0;
}

static void set_growth(const struct runner *run, const struct plan_step *step,
		       const struct seen *seen, struct predict_task *task)
{
	struct growth growth = {PREDICT_STILL, 0, false};

	if (seen->command)
		growth = (struct growth){PREDICT_AT_WILL, UINT64_MAX, true};
	else if (seen->task >= 0 && seen->child < 0 && run->plan->tasks[seen->task].wl)
		growth = growth_of(run, seen->task, step);
	else if (seen->task >= 0 && seen->child >= 0 &&
		 growth_of(run, seen->task, step).kind == PREDICT_BREEDS)
		growth = (struct growth){PREDICT_GROWS, UINT64_MAX, true};
	task->growth = growth.kind;
	task->most_pages = growth.most_pages;
	set_error(run, seen, task);
	if (growth.gives_back)
		task->given_back = task->task.rss_pages + task->task.swap_pages;
}

/* Those of one workload that were made to share it: asked of the kernel only where they look
 * alike. */
static void set_memory(struct view *view, size_t index)
{
	struct predict_task *task = &view->world.tasks[index];
	const struct seen *seen = &view->seen[index];

	for (size_t i = 0; i < index; i++) {
		struct predict_task *other = &view->world.tasks[i];
		if (view->seen[i].task != seen->task || seen->task < 0 ||
		    other->task.total_vm_pages != task->task.total_vm_pages ||
		    !owner_share_memory((pid_t)other->task.pid, (pid_t)task->task.pid))
			continue;
		other->memory = task->memory = i + 1;
		return;
	}
}

static void see(struct runner *run, struct view *view, size_t index, int group,
		const struct plan_step *step)
{
	const struct candidates *c = run->foresight->candidates;
	struct seen *seen;
	struct predict_task *task = add_task(view, &seen);

	task->task = c->tasks[index];
	task->task.comm = NULL; /* lives in the reading */
	task->group = group;
	seen->task = owner_task(run, (pid_t)task->task.pid, &seen->child);
	seen->file_pages = c->more[index].file_pages;
	seen->lag_pages =
		(int64_t)c->more[index].status_rss_pages - (int64_t)c->tasks[index].rss_pages;
	seen->touched_at = touched(run, seen->task);
	/* A command that sleeps will not wake for what happens here; if it does, that is seen. */
	bool hog = seen->task >= 0 && run->plan->tasks[seen->task].wl;
	seen->command = !hog && c->more[index].state != 'S';
	task->order_known = c->order_known;
	if (!c->order_known && hog && seen->child < 0) {
		task->order_known = true;
		task->task.order = run->foresight->rank[group] << 32 |
				   run->foresight->told[seen->task].arrival;
	}
	set_growth(run, step, seen, task);
	set_memory(view, view->world.n_tasks - 1);
}

/* Memory of a process may become less, or its counters be off, by what reclaim does on the way. */
static void add_reclaim(struct runner *run, int root)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct predict_world *world = &view->world;
	const struct cg *cg = run->groups[root];
	uint64_t cache = cg ? cache_pages(run, cg) : 0;
	struct sysinfo info;
	bool swap = sysinfo(&info) >= 0 && info.totalswap > 0;

	for (size_t g = 0; g < world->n_groups; g++)
		if (in_tree(run, (int)g, root))
			world->groups[g].slack_pages += cache;
	for (size_t i = 0; i < world->n_tasks; i++) {
		uint64_t file = view->seen[i].file_pages;
		world->tasks[i].given_back += file < cache ? file : cache;
		/* A page that is swapped out moves from one counter to another. */
		if (swap)
			world->tasks[i].task.error_pages += 2 * batches(run, view->seen[i].task);
	}
}

static void add_starting(struct runner *run, struct view *view, int index,
			 const struct plan_step *step)
{
	const struct plan_task *plan = &run->plan->tasks[index];
	struct seen *seen;
	struct predict_task *task = add_task(view, &seen);

	seen->task = index;
	seen->command = !plan->wl;
	bool runs = run->world.tasks[index].life == WORLD_RUNNING;
	task->group = runs ? run->world.tasks[index].group : plan->group;
	task->task.pid = runs ? run->world.tasks[index].pid : 0;
	task->task.oom_score_adj = plan->has_adj ? plan->oom_score_adj : 0;
	task->taken_most = STARTING_PAGES;
	set_growth(run, step, seen, task);
	if (task->growth == PREDICT_STILL) {
		task->growth = PREDICT_GROWS;
		task->most_pages = STARTING_PAGES;
	}
}

/* What swapoff brings back is charged for its owners and counted for them already. */
static void add_swapoff(struct view *view, int root)
{
	uint64_t swapped = 0;
	struct seen *seen;

	for (size_t i = 0; i < view->world.n_tasks; i++)
		swapped += view->world.tasks[i].task.swap_pages;
	struct predict_task *task = add_task(view, &seen);
	task->task.unkillable = true;
	task->group = root;
	task->growth = PREDICT_GROWS;
	task->most_pages = swapped;
}

static void add_by_step(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	for (size_t i = 0; step && step->kind == PLAN_SPAWN && i < step->n_targets; i++)
		if (in_tree(run, run->plan->tasks[step->targets[i].task].group, root))
			add_starting(run, view, step->targets[i].task, step);
	if (step && step->kind == PLAN_SWAP && !step->swap_on)
		add_swapoff(view, root);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool read_processes(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct candidates *c = run->foresight->candidates;
	size_t n = 0;
	const char **dirs MEM_AUTO = mem_zero(run->plan->n_groups, sizeof(*dirs));
	int *groups MEM_AUTO = mem_zero(run->plan->n_groups, sizeof(*groups));
	struct err err;

	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (run->groups[g] && in_tree(run, (int)g, root)) {
			dirs[n] = cg_dir(run->groups[g]);
			groups[n++] = (int)g;
		}
	view->world.n_tasks = 0;
	if (candidates_of_dirs(c, dirs, n, &err) < 0)
		return false;
	for (size_t i = 0; i < c->n; i++)
		see(run, view, i, groups[c->more[i].group], step);
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
		    in_tree(run, run->world.tasks[t].group, root))
			add_starting(run, view, (int)t, step);
}

/* What the task itself has taken since it was read. */
static void carry_task_on(const struct runner *run, const struct seen *seen,
			  struct predict_task *task)
{
	uint64_t now = touched(run, seen->task), was = seen->touched_at;
	uint64_t page = run->world.page_size;
	bool own = seen->task >= 0 && seen->child < 0;

	if (seen->task >= 0 && own) {
		const struct world_task *world = &run->world.tasks[seen->task];
		task->gone =
			task->gone || (task->task.pid && (world->life != WORLD_RUNNING ||
							  world->pid != (pid_t)task->task.pid));
		task->group = world->group >= 0 ? world->group : task->group;
	}
	if (!own || seen->command || now == was)
		return;
	uint64_t more = now > was ? now - was : 0, less = was > now ? was - now : 0;
	task->taken_least = task->growth == PREDICT_GROWS ? more : 0;
	task->taken_most = more ? more + hog_table_pages(now, page) - hog_table_pages(was, page) +
					   run->foresight->told[seen->task].extra_pages
				: 0;
	task->given_back = less > task->given_back ? less : task->given_back;
}

uint64_t outlook_held(const struct predict_task *task)
{
	return task->task.rss_pages + task->task.swap_pages + task->task.table_pages +
	       task->taken_most;
}

/* Victims that are not reaped yet may still hold what they had. */
static uint64_t still_held(const struct runner *run, const struct view *view)
{
	uint64_t held = 0;

	for (size_t i = 0; i < view->world.n_tasks; i++) {
		const struct predict_task *task = &view->world.tasks[i];
		const struct seen *seen = &view->seen[i];
		bool reaped = seen->task >= 0 && seen->child < 0 &&
			      run->world.tasks[seen->task].life != WORLD_RUNNING;
		if (task->gone && !reaped)
			held += outlook_held(task);
	}
	return held;
}

void outlook_predict(const struct runner *run, int root, struct view *view)
{
	view->world.rules = run->foresight->rules;
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (in_tree(run, (int)g, root))
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
			     !in_tree(run, run->world.tasks[t].group, root);
		for (size_t i = 0; !known && i < n; i++)
			known = world->tasks[i].task.pid == run->world.tasks[t].pid;
		if (!known)
			add_starting(run, view, (int)t, step);
	}
	add_by_step(run, root, step);
}

void outlook_carry_on(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct predict_world *world = &view->world;

	read_groups(run, root, step);
	for (size_t i = 0; i < world->n_tasks; i++) {
		set_growth(run, step, &view->seen[i], &world->tasks[i]);
		carry_task_on(run, &view->seen[i], &world->tasks[i]);
	}
	replace_starting(run, root, step);
	uint64_t held = still_held(run, view);
	for (size_t g = 0; g < world->n_groups; g++) {
		if (!in_tree(run, (int)g, root) || world->groups[g].limit_pages == UINT64_MAX)
			continue;
		read_usage(run, (int)g, &world->groups[g], true);
		world->groups[g].slack_pages += held;
	}
	outlook_predict(run, root, view);
}

/* Whether somebody is at work in the tree, so that its limits can be met at any moment. */
static bool busy(const struct runner *run, int root)
{
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (in_tree(run, run->world.tasks[t].group, root) &&
		    (growth_under_way(run, (int)t) || owner_command_awake(run, (int)t)))
			return true;
	return false;
}

/* By the tasks alone, without looking at processes. */
static bool in_reach(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	read_groups(run, root, step);
	assume_processes(run, root, step);
	for (size_t i = 0; i < view->world.n_tasks; i++)
		set_growth(run, step, &view->seen[i], &view->world.tasks[i]);
	add_by_step(run, root, step);
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (in_tree(run, (int)g, root) && predict_reachable(&view->world, (int)g))
			return true;
	return step && step->kind == PLAN_SWAP && !step->swap_on;
}

static void read_all(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	if (!read_processes(run, root, step))
		assume_processes(run, root, step);
	add_by_step(run, root, step);
	add_reclaim(run, root);
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
	    cache_pages(run, run->groups[root]) > CACHE_TO_DRAIN)
		return false;
	for (size_t g = 0; g < view->world.n_groups; g++) {
		struct predict_group *group = &view->world.groups[g];
		uint64_t usage;
		if (!in_tree(run, (int)g, root) || !doubtful(&view->by_group[g]) ||
		    alloc_exact_usage(run, (int)g, cpu_of(run, step), &usage, &err) < 0)
			continue;
		group->usage_least = group->usage_most = pages(run, usage);
		group->slack_pages = DRAINED_PAGES;
		drained = true;
	}
	return drained;
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
		add_by_step(run, root, step);
		outlook_predict(run, root, view);
		return true;
	}
	read_all(run, root, step);
	if (drain(run, root, step))
		read_all(run, root, step);
	return true;
}
