/*
 * The world as of now: counters, process states, status pages. Reads only; every figure is read
 * when it is asked for and never remembered as if it were fresh, but for pressure, which reading
 * spoils.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/runner_internal.h"
#include "workloads/hog_run.h"

#define PRESSURE_READ_NS 20000000ULL

static int read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fd_read_text(-1, path, buf, size, &err);
}

/* The state letter: the first after the last ')', since comm may hold any character. Reading 'stat'
 * holds on to the task's memory for a moment (get_task_mm). If that is the moment in which a victim
 * exits, its memory is freed here, after the kernel has taken it off the list, and a charge that
 * waits for it kills another one. So it is read only for tasks that sleep, and for messages. */
static char read_state(pid_t pid)
{
	char text[1024];

	if (read_proc(pid, "stat", text, sizeof(text)) < 0)
		return 'X';
	const char *close = strrchr(text, ')');
	return close && close[1] == ' ' ? close[2] : '?';
}

static bool under_oom(const struct runner *run, int group)
{
	for (; group >= 0; group = run->plan->groups[group].parent) {
		struct cg_vitals vitals;
		struct err err;
		if (run->groups[group] && cg_vitals(run->groups[group], &vitals, &err) >= 0 &&
		    vitals.under_oom == 1)
			return true;
	}
	return false;
}

/* Asleep in the OOM wait: the kernel says where (wchan; "0" while it runs, on 5.10 and where
 * kallsyms are hidden) or its group is under OOM; and state D. */
static bool asleep_in_oom(struct runner *run, int index)
{
	struct world_task *task = &run->world.tasks[index];

	task->proc_state = 0;
	if (read_proc(task->pid, "wchan", task->wchan, sizeof(task->wchan)) < 0 ||
	    str_eq(task->wchan, "0"))
		task->wchan[0] = '\0';
	if (task->wchan[0] ? !strstr(task->wchan, "oom_synchronize") : !under_oom(run, task->group))
		return false;
	task->proc_state = read_state(task->pid);
	return task->proc_state == 'D';
}

/* Dead and not reaped yet: asked of the kernel without touching the task's memory. */
static bool is_zombie(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

static void progressed(struct world_task *task)
{
	task->blocked = false;
	task->resumed = true;
}

void observe_blocked(struct runner *run, int index)
{
	struct world_task *world = &run->world.tasks[index];
	struct task *task = &run->tasks[index];
	bool busy = task->alloc_seq || task->go_seq || !world->is_hog;

	if (world->life != WORLD_RUNNING)
		return;
	uint64_t pages = task->status ? task->status->touched_pages : 0;
	if (world->blocked && pages != task->blocked_pages)
		progressed(world);
	if (!busy || !asleep_in_oom(run, index)) {
		world->blocked = false;
		return;
	}
	if (!world->blocked)
		emit(run, "blocked",
		     json_pack("{s:s, s:s, s:I}", "task", world->name, "wchan", world->wchan,
			       "pages", (json_int_t)pages));
	world->blocked = true;
	world->was_blocked = true;
	world->resumed = false;
	task->blocked_pages = pages;
}

static void read_status_page(struct world_task *world, const struct task *task)
{
	const struct hog_status *status = task->status;

	if (!status)
		return;
	world->touched_pages = status->touched_pages;
	world->total_pages = status->total_pages;
	world->beats = status->beats;
	world->forks = status->forks;
	world->hog_state = status->state;
	world->violation = status->violation;
	if (world->violation)
		world->violation_name = hog_syscall_name(world->violation);
}

/* smaps_rollup counts entries of the page tables; VmSwap, where it is missing, is a counter that up
 * to 6.1 lags by 63 pages for each thread (mm/memory.c, SPLIT_RSS_COUNTING). */
static uint64_t read_swap(pid_t pid)
{
	static const struct {
		const char *file, *field;
	} sources[] = {{"smaps_rollup", "\nSwap:"}, {"status", "\nVmSwap:"}};
	char text[4096];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const char *at = read_proc(pid, sources[i].file, text, sizeof(text)) >= 0
					 ? strstr(text, sources[i].field)
					 : NULL;
		if (at)
			return strtoull(at + strlen(sources[i].field), NULL, 10) * 1024;
	}
	return UINT64_MAX;
}

static void read_swap_and_score(struct world_task *task, unsigned wants)
{
	char text[4096];

	if (wants & JUDGE_WANTS_SWAP)
		task->vm_swap_bytes = read_swap(task->pid);
	if (wants & JUDGE_WANTS_SCORE)
		task->oom_score = read_proc(task->pid, "oom_score", text, sizeof(text)) >= 0
					  ? atoll(text)
					  : -1;
}

static void observe_task(struct runner *run, int index, unsigned wants)
{
	struct world_task *world = &run->world.tasks[index];
	struct task *task = &run->tasks[index];

	read_status_page(world, task);
	if (world->life != WORLD_RUNNING)
		return;
	if (wants & JUDGE_WANTS_BLOCKED)
		observe_blocked(run, index);
	if (wants & JUDGE_WANTS_STATE)
		world->proc_state = read_state(world->pid);
	if (!world->is_hog) {
		bool dead = is_zombie(world->pid);
		world->proc_state = dead ? 'Z' : 0;
		world->proved = !dead;
	}
	read_swap_and_score(world, wants);
}

static void observe_group(struct runner *run, int index, unsigned wants)
{
	struct world_group *world = &run->world.groups[index];
	struct cg *cg = run->groups[index];
	struct cg_vitals vitals;
	struct err err;

	if (!cg)
		return;
	if (cg_vitals(cg, &vitals, &err) < 0)
		vitals = (struct cg_vitals){UINT64_MAX, UINT64_MAX, UINT64_MAX};
	world->usage_bytes = vitals.usage_bytes;
	world->oom_kill = vitals.oom_kill;
	world->under_oom = vitals.under_oom;
	/* Who cannot be asked is not called empty. */
	if ((wants & JUDGE_WANTS_POPULATED) && cg_populated(cg, &world->populated, &err) < 0)
		world->populated = true;
}

/* Reading a file of pressure takes a sample of each CPU, which the kernel weighs by the whole ticks
 * that it was busy since the sample before: of less than a tick nothing is counted, ever
 * (collect_percpu_times, kernel/sched/psi.c). Read each millisecond, it lost 0.88 of a stall of 4.2
 * s on 5.10, 0.92 on 6.1. So it is read every other tick of the slowest clock, HZ=100, at most. */
static bool spoils_by_reading(const struct world *world, const struct world_counter *counter)
{
	return str_starts(counter->name, "pressure_") && counter->read_ns &&
	       world->now_ns - counter->read_ns < PRESSURE_READ_NS;
}

static void observe_counters(struct runner *run)
{
	for (size_t i = 0; i < run->world.n_counters; i++) {
		struct world_counter *counter = &run->world.counters[i];
		struct cg *cg = run->groups[counter->group];
		struct err err;
		if (spoils_by_reading(&run->world, counter))
			continue;
		counter->read_ns = run->world.now_ns;
		counter->error = cg ? NULL : "its group is removed";
		if (cg && cg_counter(cg, counter->name, &counter->now, &err) < 0)
			counter->error = err.code == EOPNOTSUPP ? "this kernel has no such counter"
								: "cannot be read";
	}
}

void observe(struct runner *run, unsigned wants)
{
	struct world *world = &run->world;

	world->now_ns = clock_ns();
	for (size_t i = 0; i < world->n_tasks; i++)
		observe_task(run, (int)i, wants);
	for (size_t i = 0; i < world->n_groups; i++)
		observe_group(run, (int)i, wants);
	observe_counters(run);
	if (wants & JUDGE_WANTS_SWAP)
		world->swap_used_bytes = host_swap_used();
	kills_settle(run);
}

void observe_mark(struct runner *run)
{
	struct world *world = &run->world;

	world->kills_mark = world->n_kills;
	world->lines_mark = world->n_lines;
	world->reaps_mark = world->n_reaps;
	for (size_t i = 0; i < world->n_counters; i++)
		world->counters[i].mark = world->counters[i].now;
	for (size_t i = 0; i < world->n_groups; i++) {
		world->groups[i].oom_kill_mark = world->groups[i].oom_kill;
		world->groups[i].notifications_mark = world->groups[i].notifications;
		world->groups[i].pressures_mark = world->groups[i].pressures;
	}
	for (size_t i = 0; i < world->n_tasks; i++) {
		world->tasks[i].was_blocked = world->tasks[i].blocked;
		world->tasks[i].resumed = false;
	}
}

void observe_sample(struct runner *run)
{
	for (size_t i = 0; i < run->world.n_groups; i++) {
		struct cg *cg = run->groups[i];
		uint64_t some = 0;
		struct cg_vitals vitals;
		struct err err;
		if (!cg || cg_vitals(cg, &vitals, &err) < 0)
			continue;
		json_t *sample = json_pack("{s:s, s:I}", "group", run->world.groups[i].name,
					   "usage", (json_int_t)vitals.usage_bytes);
		if (run->world.groups[i].limit_bytes != UINT64_MAX)
			json_object_set_new(
				sample, "limit",
				json_integer((json_int_t)run->world.groups[i].limit_bytes));
		if (cg_counter(cg, "pressure_some_us", &some, &err) >= 0)
			json_object_set_new(sample, "pressure_some_us",
					    json_integer((json_int_t)some));
		emit(run, "sample", sample);
	}
	run->next_sample_ns = clock_ns() + SAMPLE_NS;
}

void observe_describe_task(struct runner *run, int index, struct str *out)
{
	const struct world_task *task = &run->world.tasks[index];

	str_addf(out, "%s: ", task->name);
	switch (task->life) {
	case WORLD_UNBORN:
		str_add(out, "not spawned");
		return;
	case WORLD_EXITED:
		str_addf(out, "exited with %d", task->status);
		return;
	case WORLD_KILLED:
		str_addf(out, "ended by SIG%s", sigabbrev_np(task->status));
		return;
	case WORLD_RUNNING:
		break;
	}
	str_addf(out, "pid %d, state %c", (int)task->pid, read_state(task->pid));
	if (task->wchan[0])
		str_addf(out, " in %s", task->wchan);
	if (run->tasks[index].status)
		str_addf(out, ", %llu pages",
			 (unsigned long long)run->tasks[index].status->touched_pages);
}
