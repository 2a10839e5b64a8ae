/*
 * Kills: what each source says of them. The kernel's order is that of its "Killed process" lines;
 * a wait status alone never makes an OOM kill. Whose kill one was is owner.c's business.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"
#include "harness/record/field.h"

static struct world_kill *kill_by_pid(struct runner *run, pid_t pid)
{
	/* From the end: a pid can be used again by a later process. */
	for (size_t i = run->world.n_kills; i-- > 0;)
		if (run->world.kills[i].pid == pid)
			return &run->world.kills[i];
	return NULL;
}

static struct world_kill *kill_add(struct runner *run, pid_t pid)
{
	if (run->world.n_kills == KILLS_MAX) {
		runner_verdict(run, VERDICT_BROKEN, "more than %d kills in one scenario",
			       KILLS_MAX);
		return NULL;
	}
	struct world_kill *kill = &run->world.kills[run->world.n_kills++];
	*kill = (struct world_kill){.pid = pid,
				    .task = -1,
				    .child = -1,
				    .group = -1,
				    .t_ns = clock_ns(),
				    .oom_score_adj = INT32_MIN};
	return kill;
}

static void stranger_gone(void *data, int fd, uint32_t events)
{
	struct stranger *stranger = data;
	struct runner *run = stranger->runner;

	(void)fd;
	(void)events;
	loop_remove(stranger->source);
	stranger->source = NULL;
	for (size_t i = 0; i < run->world.n_kills; i++)
		if (run->world.kills[i].pid == stranger->pid)
			run->world.kills[i].by_wait = true;
	fd_close_var(&stranger->pidfd);
}

/* Watches a victim that is not our child: a pidfd turns readable when it is dead. */
static void watch_death(struct runner *run, struct world_kill *kill)
{
	struct err err;
	int pidfd = fd_pidfd_open(kill->pid);

	if (pidfd < 0) {
		kill->by_wait = pidfd == -ESRCH; /* dead and reaped already */
		return;
	}
	struct stranger *stranger = mem_zero(1, sizeof(*stranger));
	*stranger = (struct stranger){
		.pid = kill->pid, .pidfd = pidfd, .runner = run, .next = run->strangers};
	run->strangers = stranger;
	if (loop_add(run->loop, pidfd, EPOLLIN, stranger_gone, stranger, &stranger->source, &err) <
	    0)
		runner_warn(run, "cannot watch victim %d: %s", (int)kill->pid, err.text);
}

/* Puts a kill that has its line behind the last one with a line, before those without. */
static void sort_in(struct runner *run, size_t at)
{
	struct world_kill *kills = run->world.kills;

	while (at > run->world.kills_mark && kills[at - 1].order == 0) {
		struct world_kill moved = kills[at - 1];
		kills[at - 1] = kills[at];
		kills[at] = moved;
		at--;
	}
}

static void take_summary(struct runner *run, struct world_kill *kill)
{
	const struct oomlog_line *summary = &run->summary;
	bool its = run->has_summary && summary->pid == kill->pid;

	/* It belongs to the very next kill line: a later one without a report is another kill. */
	run->has_summary = false;
	if (!its)
		return;
	kill->has_report = true;
	memcpy(kill->constraint, summary->constraint, sizeof(kill->constraint));
	memcpy(kill->oom_memcg, summary->oom_memcg, sizeof(kill->oom_memcg));
	memcpy(kill->task_memcg, summary->task_memcg, sizeof(kill->task_memcg));
	kill->group = owner_group(run, summary->task_memcg);
	kill->alone = owner_is_alone(run, summary->task_memcg);
}

static void emit_kill(struct runner *run, const struct world_kill *kill)
{
	const char *task = kill->task >= 0 ? run->plan->tasks[kill->task].name : NULL;

	emit(run, "killed",
	     json_pack("{s:i, s:o, s:s?, s:i, s:I}", "pid", (int)kill->pid, "comm",
		       field_text_new(kill->comm), "task", task, "child", kill->child, "kmsg",
		       (json_int_t)kill->order));
}

/* Times that memory and swap together met their limit: v1 counts that in a file of its own. */
static uint64_t memsw_failcnt(const struct cg *cg)
{
	MEM_AUTO char *path = mem_printf("%s/memory.memsw.failcnt", cg_dir(cg));
	char text[32];
	struct err err;

	return fd_read_text(-1, path, text, sizeof(text), &err) < 0 ? 0 : strtoull(text, NULL, 10);
}

/* Whether this group's own limit was ever met, or nothing tells. */
static bool limit_met(const struct runner *run, int group)
{
	uint64_t count;
	struct err err;

	if (!run->groups[group])
		return true;
	if (cg_counter(run->groups[group], "failcnt", &count, &err) < 0 &&
	    cg_counter(run->groups[group], "events_local.oom", &count, &err) < 0)
		return true;
	return count > 0 || memsw_failcnt(run->groups[group]) > 0;
}

/* The group above the scenario's that must have killed: the report names it, and where the kernel
 * left that out, no limit of ours was met. NULL: it was one of ours, as far as is known. */
static const char *outer_limit(const struct runner *run, const struct world_kill *kill)
{
	if (kill->has_report)
		return kill->oom_memcg[0] && owner_group(run, kill->oom_memcg) < 0 ? kill->oom_memcg
										   : NULL;
	if (kill->group < 0)
		return NULL;
	for (int group = kill->group; group >= 0; group = run->plan->groups[group].parent)
		if (limit_met(run, group))
			return NULL;
	return "a group";
}

/* The scenario's own limits are what should have killed. A machine, or a group above, that ran out
 * of memory killed for a reason of its own, and the rest of the run says nothing. */
static void check_cause(struct runner *run, const struct oomlog_line *line,
			const struct world_kill *kill)
{
	const char *outer = outer_limit(run, kill);

	if (run->plan->dangerous)
		return;
	if (line->global)
		runner_verdict(run, VERDICT_BROKEN,
			       "the machine itself ran out of memory and the kernel killed process "
			       "%d (%s)",
			       (int)kill->pid, kill->comm);
	else if (outer)
		runner_verdict(run, VERDICT_BROKEN,
			       "the limit of %s above the scenario's groups was reached and the "
			       "kernel killed process %d (%s)",
			       outer, (int)kill->pid, kill->comm);
}

bool kills_line(struct runner *run, const struct oomlog_line *line, uint64_t sequence, uint64_t us)
{
	pid_t pid = owner_victim(run, line);
	struct world_kill *kill = kill_by_pid(run, pid);

	/* The long line of oom.group kills and a reused pid come as a second line; after a wrong
	 * guess (another run's kill at the same moment) the true one does. */
	if (kill && kill->by_line && !kill->guessed)
		kill = NULL;
	if (!kill)
		kill = kill_add(run, pid);
	if (!kill)
		return false;
	memcpy(kill->comm, line->comm, sizeof(kill->comm));
	kill->by_line = true;
	kill->global = line->global;
	kill->guessed = false;
	kill->seen_ns = clock_ns();
	kill->order = sequence;
	kill->t_ns = us * 1000;
	kill->total_vm_bytes = line->total_vm_bytes;
	kill->anon_rss_bytes = line->anon_rss_bytes;
	kill->file_rss_bytes = line->file_rss_bytes;
	kill->shmem_rss_bytes = line->shmem_rss_bytes;
	kill->oom_score_adj = line->oom_score_adj;
	take_summary(run, kill);
	if (kill->task < 0)
		owner_find(run, kill);
	bool ours = kill->task >= 0 || kill->group >= 0;
	if (!kill->by_wait && !owner_is_task(run, kill))
		watch_death(run, kill);
	if (ours) {
		check_cause(run, line, kill);
		emit_kill(run, kill);
	}
	kill->chosen_at = run->report_open ? run->report_first : sequence;
	kill->forecast.member = run->group_kill && !kill->has_report;
	if (ours) {
		foresee_killed(run, kill);
		audit_kill(run, kill);
	}
	sort_in(run, (size_t)(kill - run->world.kills));
	return ours;
}

/* Of two lines about one kill (memory.oom.group) it belongs to the first. */
bool kills_reaped(struct runner *run, const struct oomlog_line *line, uint64_t us)
{
	for (size_t i = 0; i < run->world.n_kills; i++) {
		struct world_kill *kill = &run->world.kills[i];
		if (kill->pid != line->pid || !kill->by_line || kill->reap)
			continue;
		kill->reap = ++run->world.n_reaps;
		kill->reaped_after_ns = us * 1000 > kill->t_ns ? us * 1000 - kill->t_ns : 0;
		if (kill->task < 0 && kill->group < 0)
			return false;
		emit(run, "reaped",
		     json_pack("{s:i, s:I}", "pid", (int)kill->pid, "after",
			       (json_int_t)kill->reaped_after_ns));
		return true;
	}
	return false;
}

void kills_wait(struct runner *run, int index)
{
	const struct task *task = &run->tasks[index];
	struct world_kill *kill = kill_by_pid(run, task->pid);

	/* Our own SIGKILL (a step) is no OOM kill unless the kernel says so in a line. */
	if (!kill && run->world.tasks[index].signalled == SIGKILL)
		return;
	if (!kill)
		kill = kill_add(run, task->pid);
	if (!kill)
		return;
	kill->by_wait = true;
	owner_find(run, kill);
}

void kills_settle(struct runner *run)
{
	struct world *world = &run->world;

	owner_settle(run);
	/* Whose owner was found only now. */
	for (size_t i = world->kills_mark; i < world->n_kills; i++)
		if (world->kills[i].by_line &&
		    (world->kills[i].task >= 0 || world->kills[i].group >= 0))
			foresee_killed(run, &world->kills[i]);
	for (size_t g = 0; g < world->n_groups; g++) {
		uint64_t left = world->groups[g].oom_kill;
		for (size_t i = 0; i < world->n_kills && left != UINT64_MAX; i++) {
			struct world_kill *kill = &world->kills[i];
			if (kill->group != (int)g || (!kill->by_line && world->has_log))
				continue;
			kill->by_counter = left > 0;
			left -= left > 0;
		}
	}
}
