/*
 * Whose kill it was: the task and the group of a killed pid. Usually that is known at once; a
 * descendant of a command that is gone before its line is read, and whose report the kernel left
 * out (it writes ten in five seconds), is found by what the groups' counters say. Called by
 * kills.c.
 */
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"

/* A line that names nobody we know is guessed to be ours only after this long: the kernel counts a
 * kill right before it prints the line (__oom_kill_process), so the true one will have come. */
#define GUESS_AFTER_NS 20000000ULL

int owner_group(const struct runner *run, const char *path)
{
	for (size_t i = 0; path[0] && i < run->world.n_groups; i++)
		if (str_eq(run->world.groups[i].kernel_path, path))
			return (int)i;
	return -1;
}

bool owner_is_alone(const struct runner *run, const char *path)
{
	return path[0] && ((run->top && str_eq(cg_kernel_path(run->top), path)) ||
			   (run->outside && str_eq(cg_kernel_path(run->outside), path)));
}

int owner_task(const struct runner *run, pid_t pid, int *ret_child)
{
	*ret_child = -1;
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		if (run->tasks[i].pid == pid && pid > 0)
			return (int)i;
	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		const struct hog_status *status = run->tasks[i].status;
		uint32_t n = status ? status->n_children : 0;
		for (uint32_t c = 0; c < n && c < HOG_CHILDREN_MAX; c++)
			if (status->child[c].pid == (int32_t)pid) {
				*ret_child = (int)c;
				return (int)i;
			}
	}
	return -1;
}

/* The cgroup of a process that is dead but perhaps not reaped: the kernel still tells it. */
static int group_by_proc(const struct runner *run, pid_t pid, bool *ret_alone)
{
	char path[64], text[4096];
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (fd_read_text(-1, path, text, sizeof(text), &err) < 0)
		return -1;
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *at = strchr(line, ':');
		char *cgroup = at ? strchr(at + 1, ':') : NULL;
		int group = cgroup ? owner_group(run, cgroup + 1) : -1;
		if (group >= 0)
			return group;
		*ret_alone = *ret_alone || (cgroup && owner_is_alone(run, cgroup + 1));
	}
	return -1;
}

/* The one command (not hog) in a group (-1: in none), whose descendants we cannot know by pid; -1:
 * none or several. */
static int command_in_group(const struct runner *run, int group)
{
	int found = -1;

	for (size_t i = 0; i < run->world.n_tasks; i++) {
		const struct world_task *task = &run->world.tasks[i];
		if (task->is_hog || task->group != group || task->pid == 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

static int next_descendant(const struct runner *run, int task)
{
	int n = 0;

	for (size_t i = 0; i < run->world.n_kills; i++)
		n += run->world.kills[i].task == task && run->world.kills[i].child >= 0;
	return n;
}

void owner_find(struct runner *run, struct world_kill *kill)
{
	int child, task = owner_task(run, kill->pid, &child);

	if (task >= 0) {
		kill->task = task;
		kill->child = child;
		if (kill->group < 0)
			kill->group = run->world.tasks[task].group;
		return;
	}
	if (kill->group < 0 && !kill->alone)
		kill->group = group_by_proc(run, kill->pid, &kill->alone);
	if (kill->group < 0 && !kill->alone)
		return;
	task = command_in_group(run, kill->group);
	if (task >= 0) {
		kill->child = next_descendant(run, task);
		kill->task = task;
	}
}

bool owner_is_task(const struct runner *run, const struct world_kill *kill)
{
	return kill->task >= 0 && kill->child < 0 && run->tasks[kill->task].pid == kill->pid;
}

/* The thread group of a thread that is not reaped yet; 0: gone. Reading 'status' holds on to the
 * memory of a process, and doing that to a victim that exits can make the kernel kill another one
 * (see observe.c), also in somebody else's run. So only of threads that are not the first of their
 * process: for those pidfd_open(2) has an error. */
static pid_t thread_group(pid_t tid)
{
	char path[64], text[4096];
	struct err err;
	int pidfd = fd_pidfd_open(tid);

	if (pidfd >= 0) {
		fd_close_var(&pidfd);
		return tid;
	}
	if (pidfd == -ESRCH)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	const char *at = fd_read_text(-1, path, text, sizeof(text), &err) < 0
				 ? NULL
				 : strstr(text, "\nTgid:");
	return at ? (pid_t)strtol(at + 6, NULL, 10) : 0;
}

/* The process that a kill line means. When its first thread has exited before, the line names
 * another one, which still has the memory (__oom_kill_process, find_lock_task_mm); the summary
 * that comes right before it (all OOM kills are serialised by oom_lock) names the process. */
pid_t owner_victim(const struct runner *run, const struct oomlog_line *line)
{
	int child;

	if (owner_task(run, line->pid, &child) >= 0)
		return line->pid;
	pid_t group = thread_group(line->pid);
	if (group > 0)
		return group;
	return run->has_summary && str_eq(run->summary.comm, line->comm) ? run->summary.pid
									 : line->pid;
}

/* Kills of a group that its own counter has and we have not given to it yet. */
static uint64_t unaccounted(const struct runner *run, int group)
{
	uint64_t known = 0, counted = run->world.groups[group].oom_kill;

	for (size_t i = 0; i < run->world.n_kills; i++)
		known += run->world.kills[i].group == group && run->world.kills[i].by_line;
	return counted != UINT64_MAX && counted > known ? counted - known : 0;
}

/* Whether a process of this name may belong to the task. A hog has its task's name. stress-ng
 * renames its workers ("stress-ng-vm"), so of a command only the beginning is compared. */
static bool may_be_of(const struct runner *run, int task, const char *comm)
{
	enum { COMM_MAX = 15 }; /* TASK_COMM_LEN without its end */
	const char *program = run->plan->tasks[task].program;

	if (!program)
		return strncmp(comm, run->plan->tasks[task].name, COMM_MAX) == 0;
	const char *base = strrchr(program, '/');
	base = base ? base + 1 : program;
	return strncmp(comm, base, strnlen(base, 9)) == 0;
}

/* A kill line without a report (rate limit) of a process that is gone already: it is ours if one
 * group with one command has a kill too many and the names agree. */
static void attribute_late(struct runner *run, struct world_kill *kill)
{
	for (size_t g = 0; g < run->world.n_groups; g++) {
		int task = unaccounted(run, (int)g) ? command_in_group(run, (int)g) : -1;
		if (task < 0 || !may_be_of(run, task, kill->comm))
			continue;
		kill->child = next_descendant(run, task);
		kill->task = task;
		kill->group = (int)g;
		kill->guessed = true;
		return;
	}
}

/* A task of ours that got SIGKILL without a line, in a group with a kill too many: a line that
 * names an unknown thread (see owner_victim()) without a report can only mean it. */
static struct world_kill *kill_without_line(struct runner *run, const struct world_kill *line)
{
	uint64_t now = clock_ns();

	for (size_t i = run->world.kills_mark; i < run->world.n_kills; i++) {
		struct world_kill *kill = &run->world.kills[i];
		/* An earlier line of another run would be taken before the true one has come. */
		if (now < kill->t_ns + GUESS_AFTER_NS)
			continue;
		if (kill->by_line || !kill->by_wait || !owner_is_task(run, kill) ||
		    kill->group < 0 || line->pid == kill->pid ||
		    !may_be_of(run, kill->task, line->comm) || unaccounted(run, kill->group) == 0)
			continue;
		return kill;
	}
	return NULL;
}

/* Two entries of one death become one, in the place of the line. */
static void merge_line(struct runner *run, size_t at)
{
	struct world_kill *line = &run->world.kills[at];
	struct world_kill *kill = kill_without_line(run, line);

	if (!kill)
		return;
	line->pid = kill->pid;
	line->task = kill->task;
	line->child = kill->child;
	line->group = kill->group;
	line->by_wait = true;
	line->guessed = true;
	size_t gone = (size_t)(kill - run->world.kills);
	run->world.n_kills--;
	memmove(kill, kill + 1, (run->world.n_kills - gone) * sizeof(*kill));
}

static void settle_stranger(struct runner *run, size_t at)
{
	struct world_kill *kill = &run->world.kills[at];

	owner_find(run, kill);
	if (kill->task >= 0 || kill->group >= 0 || clock_ns() - kill->seen_ns < GUESS_AFTER_NS)
		return;
	attribute_late(run, kill);
	if (kill->task < 0 && kill->group < 0)
		merge_line(run, at);
}

/* The true line of a kill that was guessed has come after all: the guess was another run's. */
static void take_guesses_back(struct runner *run, int group)
{
	uint64_t known = 0, counted = run->world.groups[group].oom_kill;

	for (size_t i = 0; i < run->world.n_kills; i++)
		known += run->world.kills[i].group == group && run->world.kills[i].by_line;
	for (size_t i = 0; i < run->world.n_kills && known > counted; i++) {
		struct world_kill *kill = &run->world.kills[i];
		if (kill->group != group || !kill->guessed || !kill->by_line)
			continue;
		kill->task = kill->child = kill->group = -1;
		kill->guessed = kill->by_counter = false;
		known--;
	}
}

void owner_settle(struct runner *run)
{
	for (size_t g = 0; g < run->world.n_groups; g++)
		take_guesses_back(run, (int)g);
	for (size_t i = run->world.kills_mark; i < run->world.n_kills; i++)
		if (run->world.kills[i].task < 0 && run->world.kills[i].group < 0)
			settle_stranger(run, i);
}

bool owner_share_memory(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

/* Where it sleeps: asked without touching its memory. "0": it does not. */
bool owner_command_awake(const struct runner *run, int task)
{
	const struct world_task *world = &run->world.tasks[task];
	char path[64], text[64];
	struct err err;

	if (world->is_hog || world->life != WORLD_RUNNING)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)world->pid);
	return fd_read_text(-1, path, text, sizeof(text), &err) < 0 || str_eq(text, "0");
}
