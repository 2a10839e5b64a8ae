/*
 * What there is before the first step: groups, tasks, programs that must be there; and tasks that
 * come later by a step.
 */
#include "harness/exec/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/runner_internal.h"
#include "harness/exec/yield.h"
#include "harness/record/field.h"

static void world_new(struct runner *run)
{
	const struct plan *plan = run->plan;
	struct world *world = &run->world;

	world->page_size = run->options->facts->page_size;
	run->yields = yield_needed(run->options->facts->kernel);
	if (run->yields)
		yield_share_cpu();
	world->n_tasks = plan->n_tasks;
	world->tasks = mem_zero(plan->n_tasks, sizeof(*world->tasks));
	world->n_groups = plan->n_groups;
	world->groups = mem_zero(plan->n_groups, sizeof(*world->groups));
	world->n_counters = plan->n_counters;
	world->counters = mem_zero(plan->n_counters, sizeof(*world->counters));
	world->kills = mem_zero(KILLS_MAX, sizeof(*world->kills));
	for (size_t i = 0; i < plan->n_tasks; i++)
		world->tasks[i] = (struct world_task){.name = plan->tasks[i].name,
						      .group = plan->tasks[i].group,
						      .is_hog = plan->tasks[i].wl != NULL,
						      .predicted_pages = UINT64_MAX,
						      .vm_swap_bytes = UINT64_MAX,
						      .oom_score = -1};
	for (size_t i = 0; i < plan->n_groups; i++)
		world->groups[i] = (struct world_group){.name = plan->groups[i].name,
							.limit_bytes = plan->groups[i].limit_bytes,
							.usage_bytes = UINT64_MAX,
							.under_oom = UINT64_MAX,
							.oom_kill = UINT64_MAX,
							.oom_kill_mark = UINT64_MAX};
	for (size_t i = 0; i < plan->n_counters; i++)
		world->counters[i] = (struct world_counter){.group = plan->counters[i].group,
							    .name = plan->counters[i].name};
}

static void on_populated(void *data, int fd, uint32_t events)
{
	struct task_hook *hook = data;
	char text[256];
	struct err err;

	(void)events;
	/* Reading acknowledges the event; the state itself is read when it is asked for. */
	(void)fd_reread_text(fd, text, sizeof(text), &err);
	(void)hook;
}

static int make_group(struct runner *run, int index, struct err *err)
{
	const struct plan_group *plan = &run->plan->groups[index];
	struct cg *above = plan->parent >= 0 ? run->groups[plan->parent] : run->top;
	struct task_hook *hook = &run->hooks[run->plan->n_tasks + (size_t)index];
	struct loop_source *source;

	int r = cg_create(run->options->cg_host, above, plan->leaf, &run->groups[index], err);
	for (size_t i = 0; r >= 0 && i < plan->n_knobs; i++)
		r = (plan->knobs[i].nonblock ? cg_set_nonblock : cg_set)(
			run->groups[index], plan->knobs[i].knob, plan->knobs[i].value, err);
	if (r >= 0)
		r = events_watch_group(run, index, err);
	if (r < 0)
		return err_wrap(err, "group '%s'", plan->name);
	int fd = cg_populated_fd(run->groups[index], err);
	if (fd >= 0)
		r = loop_add(run->loop, fd, EPOLLPRI | EPOLLET, on_populated, hook, &source, err);
	run->world.groups[index].kernel_path = cg_kernel_path(run->groups[index]);
	run->world.groups[index].exists = true;
	return r;
}

static bool uses_oom_group(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_groups; i++)
		for (size_t k = 0; k < plan->groups[i].n_knobs; k++)
			if (str_eq(plan->groups[i].knobs[k].knob, "memory.oom.group"))
				return true;
	return false;
}

static bool has_task_outside(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tasks; i++)
		if (plan->tasks[i].group < 0)
			return true;
	return false;
}

static int make_groups(struct runner *run, struct err *err)
{
	const struct plan *plan = run->plan;

	int r = cg_create(run->options->cg_host, run->options->above, run->options->group,
			  &run->top, err);
	for (size_t i = 0; r >= 0 && i < plan->n_groups; i++)
		r = make_group(run, (int)i, err);
	/* A group that hands controllers down has no processes of its own on v2. */
	if (r >= 0 && has_task_outside(plan) &&
	    cg_host_version(run->options->cg_host, "memory") == CG_V2)
		r = cg_create(run->options->cg_host, run->top, "-outside", &run->outside, err);
	run->world.double_count = uses_oom_group(plan);
	return r;
}

struct ready_wait {
	int task; /* -1: all that were spawned */
};

static bool is_ready(struct runner *run, int index)
{
	const struct world_task *task = &run->world.tasks[index];

	return task->life != WORLD_RUNNING || run->tasks[index].ready;
}

static bool ready_done(struct runner *run, void *data)
{
	const struct ready_wait *wait = data;

	for (size_t i = 0; i < run->plan->n_tasks; i++)
		if ((wait->task < 0 || wait->task == (int)i) && !is_ready(run, (int)i))
			return false;
	return true;
}

/* A hog that ended before it was ready: its own error is ours (broken); a kill is the kernel's
 * doing and left to the expectations. */
static void check_ready(struct runner *run, int index)
{
	const struct hog_status *status = run->tasks[index].status;
	const struct world_task *task = &run->world.tasks[index];

	if (!status)
		return;
	if (run->tasks[index].ready &&
	    (status->magic != HOG_MAGIC || status->size != sizeof(*status)))
		runner_verdict(run, VERDICT_BROKEN,
			       "'%s' is of another build than oomlab: build "
			       "both again",
			       run->options->hog);
	if (run->tasks[index].ready || task->life != WORLD_EXITED)
		return;
	runner_verdict(run, VERDICT_BROKEN,
		       "task '%s': '%s' ended with status %d before it was "
		       "ready: %s",
		       task->name, run->options->hog, task->status,
		       status->message[0] ? status->message
					  : "no message; is it the oomhog of this oomlab?");
}

int setup_spawn(struct runner *run, int index, struct err *err)
{
	const struct plan_task *plan = &run->plan->tasks[index];
	struct world_task *world = &run->world.tasks[index];
	struct cg *outside = run->outside ? run->outside : run->top;
	struct cg *group = plan->group >= 0 ? run->groups[plan->group] : outside;

	if (world->life == WORLD_RUNNING)
		return err_set(err, EEXIST, "task '%s' is running already", plan->name);
	task_clear(&run->tasks[index]);
	int r = task_spawn(&run->tasks[index], plan, run->options->hog, run->options->seed, group,
			   err);
	if (run->tasks[index].pid > 0) {
		world->pid = run->tasks[index].pid;
		world->life = WORLD_RUNNING;
		world->group = plan->group;
		foresee_arrived(run, index);
	}
	if (r >= 0)
		r = events_watch_task(run, index, err);
	if (r >= 0)
		emit(run, "spawn",
		     json_pack("{s:s, s:i, s:s?}", "task", plan->name, "pid", (int)world->pid,
			       "group",
			       plan->group >= 0 ? run->plan->groups[plan->group].name : NULL));
	return r;
}

static int spawn_all(struct runner *run, struct err *err)
{
	struct ready_wait wait = {.task = -1};

	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		int r = run->plan->tasks[i].spawn_later ? 0 : setup_spawn(run, (int)i, err);
		if (r < 0)
			return r;
	}
	if (runner_wait(run, ready_done, &wait, UINT64_MAX, 0) < 0)
		return 0;
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		check_ready(run, (int)i);
	return 0;
}

static bool starts_by_itself(const struct runner *run, size_t index)
{
	return run->plan->tasks[index].start == PLAN_START_READY && run->tasks[index].status &&
	       run->world.tasks[index].life == WORLD_RUNNING;
}

/* What the patterns and commands that begin by themselves may lead to, as if a step said so. */
static void foresee_start(struct runner *run)
{
	struct plan_step step = {.kind = PLAN_START, .task = -1};

	step.targets = mem_zero(run->plan->n_tasks, sizeof(*step.targets));
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		if (starts_by_itself(run, i))
			step.targets[step.n_targets++].task = (int)i;
	foresee_begin(run, &step);
	free(step.targets);
}

void setup_start(struct runner *run)
{
	foresee_start(run);
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		if (starts_by_itself(run, i))
			runner_go(run, (int)i);
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	MEM_AUTO char *folders = mem_dup(path ? path : "/bin:/usr/bin");
	char *rest = folders, *folder;

	while ((folder = strsep(&rest, ":")) != NULL) {
		MEM_AUTO char *file = mem_printf("%s/%s", folder, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static int find_programs(const struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_programs; i++)
		if (!in_path(plan->programs[i]))
			return err_set(
				err, EOPNOTSUPP,
				"needs the program '%s' (install it; into a virtual machine: "
				"oomlab vm --with %s)",
				plan->programs[i], plan->programs[i]);
	return 0;
}

int setup_all(struct runner *run, struct err *err)
{
	size_t n = run->plan->n_tasks + run->plan->n_groups;

	run->tasks = mem_zero(run->plan->n_tasks, sizeof(*run->tasks));
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		run->tasks[i] =
			(struct task){.pidfd = -1, .socket = -1, .receipts = -1, .output = -1};
	run->groups = mem_zero(run->plan->n_groups, sizeof(struct cg *));
	run->pressure_fds = mem_zero(run->plan->n_groups, sizeof(*run->pressure_fds));
	run->hooks = mem_zero(n, sizeof(*run->hooks));
	for (size_t i = 0; i < n; i++)
		run->hooks[i] = (struct task_hook){
			run, (int)(i < run->plan->n_tasks ? i : i - run->plan->n_tasks)};
	world_new(run);
	int r = find_programs(run->plan, err);
	if (r >= 0)
		r = loop_new(&run->loop, err);
	if (r >= 0)
		r = events_open(run, err);
	if (r >= 0)
		r = make_groups(run, err);
	if (r < 0)
		return r;
	/* Before the first victim exists: an orphan of a task comes to us and not to init. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	observe(run, 0);
	observe_mark(run);
	foresee_open(run);
	return spawn_all(run, err);
}
