/*
 * Whether the sources agree about kills: the wait status, the kernel's "Killed process" line and
 * the oom_kill counter of the victim's group; and whether a group's counter saw more kills than
 * are known. A SIGKILL alone is no proof: an ordinary kill -9 looks the same.
 */
#include <inttypes.h>
#include <signal.h>

#include "harness/judge/row.h"

enum judge_state judge_worse(enum judge_state a, enum judge_state b)
{
	return a > b ? a : b;
}

bool world_task_dead(const struct world_task *task)
{
	return task->life == WORLD_EXITED || task->life == WORLD_KILLED;
}

bool world_task_zombie(const struct world_task *task)
{
	return task->life == WORLD_RUNNING && task->proc_state == 'Z';
}

bool world_task_settled(const struct world_task *task)
{
	return world_task_dead(task) || (task->life == WORLD_RUNNING && !task->pending);
}

bool world_kill_by_oom(const struct world_kill *kill)
{
	return kill->by_line || kill->by_counter;
}

bool world_kill_ours(const struct world_kill *kill)
{
	return kill->task >= 0 || kill->group >= 0;
}

bool world_kill_repeated(const struct world *world, const struct world_kill *kill)
{
	if (!world->double_count)
		return false;
	for (const struct world_kill *before = world->kills; before < kill; before++)
		if (before->pid == kill->pid && before->task == kill->task &&
		    before->child == kill->child)
			return true;
	return false;
}

int world_kill_group(const struct world *world, const struct world_kill *kill)
{
	if (kill->group >= 0 || kill->task < 0)
		return kill->group;
	return world->tasks[kill->task].group;
}

uint64_t world_group_delta(const struct world_group *group)
{
	bool marked = group->oom_kill_mark != UINT64_MAX;

	return group->oom_kill - (marked ? group->oom_kill_mark : 0);
}

/* The group whose oom_kill must have counted this kill, or NULL: not known, or no such counter
 * (v1 before 4.13). */
static const struct world_group *counting_group(const struct world *world,
						const struct world_kill *kill)
{
	int group = world_kill_group(world, kill);

	if (group < 0 || world->groups[group].oom_kill == UINT64_MAX)
		return NULL;
	return &world->groups[group];
}

/* A process that we reap ourselves; children and strangers are reaped by their own parents. */
static const struct world_task *own_task(const struct world *world, const struct world_kill *kill)
{
	return kill->task >= 0 && kill->child < 0 ? &world->tasks[kill->task] : NULL;
}

static enum judge_state agree_wait(const struct world *world, const struct world_kill *kill,
				   struct tell *text)
{
	const struct world_task *task = own_task(world, kill);

	tell_add(text, "wait: ");
	if (kill->by_wait || (task && task->life == WORLD_KILLED && task->status == SIGKILL)) {
		tell_add(text, "SIGKILL");
		return JUDGE_HOLDS;
	}
	if (!task) {
		tell_add(text, "not our child");
		return world->has_log ? JUDGE_HOLDS : JUDGE_WAIT;
	}
	if (!world_task_dead(task)) {
		tell_add(text, "not dead yet");
		return JUDGE_WAIT;
	}
	tell_state(text, task);
	return JUDGE_FAILS;
}

static enum judge_state agree_log(const struct world *world, const struct world_kill *kill,
				  struct tell *text)
{
	if (kill->by_line) {
		tell_add(text, ", log: 'Killed process %d' seen", (int)kill->pid);
		return JUDGE_HOLDS;
	}
	if (!world->has_log) {
		tell_add(text, ", log: not readable here");
		return JUDGE_HOLDS;
	}
	tell_add(text, ", log: no 'Killed process %d' line", (int)kill->pid);
	return JUDGE_WAIT;
}

static enum judge_state agree_counter(const struct world *world, const struct world_kill *kill,
				      struct tell *text)
{
	const struct world_group *group = counting_group(world, kill);

	if (!group) {
		tell_add(text, ", counter: %s",
			 kill->by_counter ? "counted" : "none for its group");
		return JUDGE_HOLDS;
	}
	bool earlier = (size_t)(kill - world->kills) < world->kills_mark;
	uint64_t delta = earlier ? group->oom_kill : world_group_delta(group);
	tell_add(text, ", counter: oom_kill +%" PRIu64, delta);
	return kill->by_counter ? JUDGE_HOLDS : JUDGE_WAIT;
}

enum judge_state judge_agreement(const struct world *world, const struct world_kill *kill,
				 char *text, size_t size)
{
	struct tell out = tell_into(text, size);
	enum judge_state wait = agree_wait(world, kill, &out);
	enum judge_state log = agree_log(world, kill, &out);
	enum judge_state counter = agree_counter(world, kill, &out);

	/* Ended in another way: only a contradiction if the kernel claims that it killed it. */
	if (wait == JUDGE_FAILS && !kill->by_line)
		wait = JUDGE_WAIT;
	/* Sources that this host lacks are not asked for, but something must prove it. */
	if (!world_kill_by_oom(kill))
		log = JUDGE_WAIT;
	return judge_worse(wait, judge_worse(log, counter));
}

/* ---- counters against known kills ----------------------------------------------------------- */

/* With a readable log only a line makes a kill known: a SIGKILL may be anybody's. */
static bool known_kill(const struct world *world, const struct world_kill *kill)
{
	return kill->by_line || (!world->has_log && kill->by_wait);
}

uint64_t judge_counted_max(const struct world *world, int group)
{
	uint64_t known = 0, reports = 0;

	for (size_t i = 0; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (world_kill_group(world, kill) != group || !known_kill(world, kill) ||
		    world_kill_repeated(world, kill))
			continue;
		known++;
		reports += kill->has_report;
	}
	if (!world->double_count || known == 0)
		return known;
	return known + (reports ? reports : 1);
}

bool world_unaccounted(const struct world *world, struct tell *text)
{
	bool found = false;

	for (size_t g = 0; g < world->n_groups; g++) {
		const struct world_group *group = &world->groups[g];
		uint64_t most = judge_counted_max(world, (int)g);
		if (group->oom_kill == UINT64_MAX || group->oom_kill <= most)
			continue;
		tell_next(text, "; ");
		tell_add(text,
			 "oom_kill of '%s' says %" PRIu64 " kills, only %" PRIu64 " are known",
			 group->name, group->oom_kill, most);
		found = true;
	}
	return found;
}
