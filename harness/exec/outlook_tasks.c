/*
 * What a prediction needs of the processes of one tree, as they are read: whose they are, what they
 * may do, by what the kernel's figures can be off. See foresee.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/fd.h"
#include "harness/exec/foresee.h"
#include "workloads/layout.h"

/* A program that is started: what it takes until it is ready (oomhog 150 pages). */
enum { STARTING_PAGES = 1024 };

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

uint64_t outlook_touched(const struct runner *run, int task)
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

void outlook_set_growth(const struct runner *run, const struct plan_step *step,
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

/* A hog's children have a death signal: they die with it, each in its own time, and to the kernel
 * they are no OOM victims that it would wait for. */
bool outlook_orphan(const struct runner *run, const struct seen *seen)
{
	return seen->task >= 0 && seen->child >= 0 && run->plan->tasks[seen->task].wl &&
	       run->world.tasks[seen->task].life != WORLD_RUNNING;
}

void outlook_see(struct runner *run, struct view *view, size_t index, int group,
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
	seen->touched_at = outlook_touched(run, seen->task);
	/* A command that sleeps will not wake for what happens here; if it does, that is seen. */
	bool hog = seen->task >= 0 && run->plan->tasks[seen->task].wl;
	seen->command = !hog && c->more[index].state != 'S';
	task->leaving = outlook_orphan(run, seen);
	task->order_known = c->order_known;
	if (!c->order_known && hog && seen->child < 0) {
		task->order_known = true;
		task->task.order = run->foresight->rank[group] << 32 |
				   run->foresight->told[seen->task].arrival;
	}
	outlook_set_growth(run, step, seen, task);
	set_memory(view, view->world.n_tasks - 1);
}

/* Of a process's mapped files: those that this group pays for go before anyone is killed. Those
 * that others pay for may go at any moment, when these come to their limits (pin.h); but a hog maps
 * its own program, which stays, and files that it makes itself. */
static uint64_t reclaimable(const struct runner *run, const struct seen *seen, uint64_t cache)
{
	bool hog = seen->task >= 0 && run->plan->tasks[seen->task].wl;

	if (!hog || !run->options->hog_stays)
		return seen->file_pages;
	return seen->file_pages < cache ? seen->file_pages : cache;
}

/* Memory of a process may become less, or its counters be off, by what reclaim does on the way. */
void outlook_add_reclaim(struct runner *run, int root)
{
	struct view *view = &run->foresight->outlooks[root].now;
	struct predict_world *world = &view->world;
	const struct cg *cg = run->groups[root];
	uint64_t cache = cg ? outlook_cache(run, cg) : 0;
	struct sysinfo info;
	bool swap = sysinfo(&info) >= 0 && info.totalswap > 0;

	for (size_t g = 0; g < world->n_groups; g++)
		if (outlook_in_tree(run, (int)g, root))
			world->groups[g].slack_pages += cache;
	for (size_t i = 0; i < world->n_tasks; i++) {
		world->tasks[i].given_back += reclaimable(run, &view->seen[i], cache);
		/* A page that is swapped out moves from one counter to another. */
		if (swap)
			world->tasks[i].task.error_pages += 2 * batches(run, view->seen[i].task);
	}
}

/* Unlike most files of /proc/PID this one leaves the process's memory alone. */
void outlook_reread_adj(struct predict_task *task)
{
	char path[64], text[32];
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)task->task.pid);
	if (task->task.pid > 0 && fd_read_text(-1, path, text, sizeof(text), &err) >= 0)
		task->task.oom_score_adj = (int)strtol(text, NULL, 10);
}

void outlook_add_starting(struct runner *run, struct view *view, int index,
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
	outlook_reread_adj(task);
	uint64_t held = runs ? outlook_touched(run, index) : 0;
	task->task.rss_pages = runs && plan->wl && growth_counts(run, index) ? held : 0;
	task->taken_most = seen->unknown_pages =
		held + hog_table_pages(held, run->world.page_size) + STARTING_PAGES;
	seen->touched_at = held;
	outlook_set_growth(run, step, seen, task);
	/* It may have processes that are not known. */
	if (plan->wl && (plan->wl->needs & WL_FORK) && runs) {
		task->growth = PREDICT_BREEDS;
		task->most_pages = UINT64_MAX;
	}
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

void outlook_add_by_step(struct runner *run, int root, const struct plan_step *step)
{
	struct view *view = &run->foresight->outlooks[root].now;

	for (size_t i = 0; step && step->kind == PLAN_SPAWN && i < step->n_targets; i++)
		if (outlook_in_tree(run, run->plan->tasks[step->targets[i].task].group, root))
			outlook_add_starting(run, view, step->targets[i].task, step);
	if (step && step->kind == PLAN_SWAP && !step->swap_on)
		add_swapoff(view, root);
}
