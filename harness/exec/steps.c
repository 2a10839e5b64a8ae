/*
 * One function a step kind. A step that waits, waits for an event through runner_wait(); none
 * sleeps. What a step finds wrong with the kernel's behaviour is a 'fail' with its line.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/runner_internal.h"

void step_fail(struct runner *run, const struct plan_step *step, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	runner_verdict(run, VERDICT_FAIL, "%s:%d:%d: %s", run->plan->file, step->at->line,
		       step->at->column, str_text(&text));
	str_free(&text);
}

const char *step_task(const struct runner *run, int task)
{
	return run->plan->tasks[task].name;
}

/* The pid of a task that is not reaped: only that is surely its own. 0: the step has failed. */
static pid_t living(struct runner *run, const struct plan_step *step, int task, const char *what)
{
	struct str state = STR_INIT;

	if (run->world.tasks[task].life == WORLD_RUNNING)
		return run->world.tasks[task].pid;
	observe_describe_task(run, task, &state);
	step_fail(run, step, "%s: expected a task that runs, got %s", what, str_text(&state));
	str_free(&state);
	return 0;
}

/* ---- set, move, remove --------------------------------------------------------------------- */

static void set_knob(struct runner *run, const struct plan_step *step,
		     const struct plan_target *target, const struct plan_knob *knob)
{
	struct cg *cg = run->groups[target->group];
	struct world_group *world = &run->world.groups[target->group];
	struct err err = ERR_INIT;

	int r = knob->nonblock ? cg_set_nonblock(cg, knob->knob, knob->value, &err)
			       : cg_set(cg, knob->knob, knob->value, &err);
	emit(run, "set",
	     json_pack("{s:s, s:s, s:s, s:i}", "group", world->name, "knob", knob->knob, "value",
		       knob->value, "errno", r < 0 ? err.code : 0));
	if (r < 0 && target->error != -1 && err.code != target->error) {
		step_fail(run, step, "set: group '%s': %s", world->name, err.text);
	} else if (r >= 0 && target->error > 0) {
		step_fail(run, step, "set: group '%s': %s: expected %s, got success", world->name,
			  knob->knob, strerrorname_np(target->error));
	} else if (r >= 0 && str_eq(knob->knob, "memory.max")) {
		(void)parse_size(knob->value, &world->limit_bytes, &err);
	}
}

static void step_set(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++)
		for (size_t k = 0; k < step->targets[i].n_knobs && !run->stop; k++)
			set_knob(run, step, &step->targets[i], &step->targets[i].knobs[k]);
}

static void step_move(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		const struct plan_target *target = &step->targets[i];
		struct world_task *task = &run->world.tasks[target->task];
		pid_t pid = living(run, step, target->task, "move");
		struct err err;
		if (pid == 0)
			return;
		if (cg_attach(run->groups[target->group], pid, &err) < 0)
			step_fail(run, step, "move: task '%s': %s", task->name, err.text);
		task->group = target->group;
		foresee_arrived(run, target->task);
		emit(run, "move",
		     json_pack("{s:s, s:s}", "task", task->name, "group",
			       run->plan->groups[target->group].name));
	}
}

static bool is_below(const struct plan *plan, int group, int top)
{
	while (group >= 0 && group != top)
		group = plan->groups[group].parent;
	return group >= 0;
}

static void remove_one(struct runner *run, const struct plan_step *step, int group)
{
	struct err err;

	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (run->world.tasks[t].group == group)
			run->world.tasks[t].signalled = SIGKILL; /* removing kills what is inside */
	emit(run, "remove", json_pack("{s:s}", "group", run->plan->groups[group].name));
	int r = cg_destroy(run->groups[group], run->plan->within_ns, &err);
	run->groups[group] = NULL;
	run->world.groups[group].exists = false;
	run->world.groups[group].populated = false;
	if (r < 0)
		step_fail(run, step, "remove: %s", err.text);
}

/* Groups below go first; they come later in the plan. */
static void step_remove(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++)
		for (size_t g = run->plan->n_groups; g-- > 0 && !run->stop;)
			if (run->groups[g] && is_below(run->plan, (int)g, step->targets[i].group))
				remove_one(run, step, (int)g);
}

static void step_watch(struct runner *run, const struct plan_step *step)
{
	struct err err;

	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		const struct plan_target *target = &step->targets[i];
		if (run->pressure_fds[target->group] > 0)
			step_fail(run, step, "watch: group '%s' is watched already",
				  run->plan->groups[target->group].name);
		else if (events_watch_pressure(run, target->group, target->trigger, &err) < 0)
			step_fail(run, step, "watch: %s", err.text);
	}
}

static void step_reset(struct runner *run, const struct plan_step *step)
{
	struct err err;

	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		int group = step->targets[i].group;
		if (cg_reset_peak(run->groups[group], &err) < 0)
			step_fail(run, step, "reset_peak: %s", err.text);
		emit(run, "reset_peak", json_pack("{s:s}", "group", run->world.groups[group].name));
	}
}

/* ---- tasks --------------------------------------------------------------------------------- */

static void step_start(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		runner_go(run, step->targets[i].task);
		emit(run, "start",
		     json_pack("{s:s}", "task", step_task(run, step->targets[i].task)));
	}
}

static bool spawned_ready(struct runner *run, void *data)
{
	const struct plan_step *step = data;

	for (size_t i = 0; i < step->n_targets; i++) {
		int index = step->targets[i].task;
		if (run->world.tasks[index].life == WORLD_RUNNING && !run->tasks[index].ready)
			return false;
	}
	return true;
}

static void step_spawn(struct runner *run, const struct plan_step *step)
{
	struct plan_step copy = *step;
	struct err err;

	for (size_t i = 0; i < step->n_targets && !run->stop; i++)
		if (setup_spawn(run, step->targets[i].task, &err) < 0)
			runner_verdict(run, VERDICT_BROKEN, "%s", err.text);
	if (runner_wait(run, spawned_ready, &copy, UINT64_MAX, 0) < 0)
		return;
	for (size_t i = 0; i < step->n_targets; i++) {
		struct task *task = &run->tasks[step->targets[i].task];
		if (task->plan->start == PLAN_START_READY && task->ready && task->status)
			runner_go(run, step->targets[i].task);
	}
}

static void step_signal(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		const struct plan_target *target = &step->targets[i];
		run->world.tasks[target->task].signalled = (int)target->value;
		int r = fd_pidfd_signal(run->tasks[target->task].pidfd, (int)target->value);
		emit(run, "signal",
		     json_pack("{s:s, s:s}", "task", step_task(run, target->task), "signal",
			       sigabbrev_np((int)target->value)));
		if (r < 0)
			step_fail(run, step, "signal: task '%s': %s", step_task(run, target->task),
				  strerror(-r));
	}
}

static void step_adj(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		const struct plan_target *target = &step->targets[i];
		pid_t pid = living(run, step, target->task, "oom_score_adj");
		char path[64], text[16];
		struct err err;
		if (pid == 0)
			return;
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
		snprintf(text, sizeof(text), "%d", (int)target->value);
		int r = fd_write_text(-1, path, text, &err);
		emit(run, "oom_score_adj",
		     json_pack("{s:s, s:i}", "task", step_task(run, target->task), "value",
			       (int)target->value));
		if (r == -EACCES)
			runner_verdict(run, VERDICT_SKIP,
				       "needs CAP_SYS_RESOURCE to lower oom_score_adj to %d (run "
				       "as root in a container or VM that keeps it)",
				       (int)target->value);
		else if (r < 0)
			step_fail(run, step, "oom_score_adj: task '%s': %s",
				  step_task(run, target->task), err.text);
	}
}

static void step_nice(struct runner *run, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets && !run->stop; i++) {
		const struct plan_target *target = &step->targets[i];
		pid_t pid = living(run, step, target->task, "nice");
		if (pid > 0 && setpriority(PRIO_PROCESS, (id_t)pid, (int)target->value) < 0)
			step_fail(run, step, "nice: task '%s': %s", step_task(run, target->task),
				  strerror(errno));
	}
}

static bool targets_dead(struct runner *run, void *data)
{
	const struct plan_step *step = data;

	for (size_t i = 0; i < step->n_targets; i++)
		if (run->world.tasks[step->targets[i].task].life == WORLD_RUNNING)
			return false;
	return true;
}

static void step_quit(struct runner *run, const struct plan_step *step)
{
	struct plan_step copy = *step;

	for (size_t i = 0; i < step->n_targets; i++) {
		struct task *task = &run->tasks[step->targets[i].task];
		uint64_t seq;
		run->world.tasks[step->targets[i].task].end_claimed = true;
		(void)task_command(task, HOG_QUIT, 0, (uint32_t)step->targets[i].value, &seq);
	}
	(void)runner_wait(run, targets_dead, &copy, UINT64_MAX, 0);
}

/* ---- swap ---------------------------------------------------------------------------------- */

static bool swap_done(struct runner *run, void *data)
{
	(void)data;
	return run->swap_pid == 0;
}

static pid_t pid_of_pidfd(int pidfd)
{
	char path[64], text[1024];
	struct err err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (fd_read_text(-1, path, text, sizeof(text), &err) < 0)
		return -1;
	const char *at = strstr(text, "\nPid:");
	return at ? (pid_t)strtol(at + 5, NULL, 10) : -1;
}

static void step_swap(struct runner *run, const struct plan_step *step)
{
	struct err err;
	int pidfd = -1;

	if (host_swap_begin(run->options->host, step->swap_on, &pidfd, &err) < 0) {
		runner_verdict(run, VERDICT_BROKEN, "swap: %s", err.text);
		return;
	}
	run->swap_status = 0;
	run->swap_pid = pid_of_pidfd(pidfd);
	emit(run, step->swap_on ? "swapon" : "swapoff", NULL);
	events_reap(run); /* it may have ended before we knew its pid */
	int r = runner_wait(run, swap_done, NULL, UINT64_MAX, 0);
	fd_close_var(&pidfd);
	if (r > 0 && run->swap_status != 0)
		step_fail(run, step, "swap: %s: %s", step->swap_on ? "swapon" : "swapoff",
			  strerror(run->swap_status));
}

/* ---- sysrq --------------------------------------------------------------------------------- */

/* The kernel does it later, in a worker of its own. */
static void step_sysrq(struct runner *run, const struct plan_step *step)
{
	const char text[] = {step->key, '\0'};
	struct err err;

	emit(run, "sysrq", json_pack("{s:s}", "key", text));
	if (fd_write_text(-1, "/proc/sysrq-trigger", text, &err) < 0)
		runner_verdict(run, VERDICT_SKIP, "needs a kernel with CONFIG_MAGIC_SYSRQ: %s",
			       err.text);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void step_repeat(struct runner *run, const struct plan_step *step)
{
	for (uint64_t i = 0; i < step->times; i++)
		for (size_t s = 0; s < step->n_steps; s++) {
			if (run->stop)
				return;
			step_run(run, &step->steps[s]);
		}
}

static void (*const step_table[])(struct runner *, const struct plan_step *) = {
	[PLAN_SET] = step_set,	     [PLAN_ALLOC] = step_alloc,	  [PLAN_FREE] = step_alloc,
	[PLAN_FILL] = step_fill,     [PLAN_START] = step_start,	  [PLAN_SPAWN] = step_spawn,
	[PLAN_SIGNAL] = step_signal, [PLAN_MOVE] = step_move,	  [PLAN_ADJ] = step_adj,
	[PLAN_NICE] = step_nice,     [PLAN_QUIT] = step_quit,	  [PLAN_SWAP] = step_swap,
	[PLAN_REMOVE] = step_remove, [PLAN_EXPECT] = step_expect, [PLAN_DECIDE] = step_decide,
	[PLAN_SYSRQ] = step_sysrq,   [PLAN_REPEAT] = step_repeat, [PLAN_WATCH] = step_watch,
	[PLAN_RESET] = step_reset,   [PLAN_TRACE] = step_trace,
};

void step_run(struct runner *run, const struct plan_step *step)
{
	run->step = step;
	foresee_begin(run, step);
	if (run->stop)
		return;
	step_table[step->kind](run, step);
	foresee_end(run, step);
}
