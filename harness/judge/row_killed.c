/*
 * 'killed': exactly these processes and no one else, proved by every source that this host has;
 * and 'order': the kernel's order of their deaths, not wait()'s.
 */
#include <inttypes.h>
#include <signal.h>

#include "harness/judge/row.h"

void row_parse_killed(struct parse *parse, const struct node *value)
{
	struct item *item = row_item(parse, value);

	row_targets(parse, item, value, true);
	/* Others reap these: without the log nothing says who they were. */
	for (size_t i = 0; i < item->n_targets; i++)
		if (item->targets[i].child != CHILD_SELF)
			parse->expect->wants |= JUDGE_WANTS_LOG;
}

void row_parse_order(struct parse *parse, const struct node *value)
{
	struct item *item = row_item(parse, value);

	if (value->kind != NODE_LIST || value->n < 2) {
		row_mistake(parse, value,
			    "expected a list of at least two tasks in the order of "
			    "their deaths");
		return;
	}
	row_targets(parse, item, value, true);
	for (size_t i = 0; i < item->n_targets; i++)
		if (item->targets[i].child == CHILD_ANY)
			row_mistake(parse, value,
				    "'%s' does not say which child, expected e.g. "
				    "'TASK.0'",
				    item->targets[i].label);
}

/* ---- which kill belongs to which target ----------------------------------------------------- */

static bool has_task(const struct target *target, int task)
{
	for (size_t i = 0; i < target->n; i++)
		if (target->tasks[i] == task)
			return true;
	return false;
}

/* The target that names this kill: "w.3" before "w.*"; NULL: nobody expects it. */
static const struct target *target_of(const struct item *item, const struct world_kill *kill)
{
	const struct target *any = NULL;

	if (kill->task < 0)
		return NULL;
	for (size_t i = 0; i < item->n_targets; i++) {
		const struct target *target = &item->targets[i];
		if (!has_task(target, kill->task))
			continue;
		if (target->child == kill->child)
			return target;
		if (target->child == CHILD_ANY && kill->child >= 0)
			any = target;
	}
	return any;
}

/* The kill of a task's own process, whatever its sources; NULL: none is known. */
static const struct world_kill *kill_of(const struct world *world, int task)
{
	for (size_t i = 0; i < world->n_kills; i++)
		if (world->kills[i].task == task && world->kills[i].child < 0)
			return &world->kills[i];
	return NULL;
}

/* A kill to judge: the kernel says so, it is no one else's, and it is told once. */
static bool counts(const struct world *world, const struct world_kill *kill)
{
	return world_kill_by_oom(kill) && world_kill_ours(kill) &&
	       !world_kill_repeated(world, kill);
}

static bool in_interval(const struct world *world, const struct world_kill *kill)
{
	return (size_t)(kill - world->kills) >= world->kills_mark;
}

/* ---- texts ---------------------------------------------------------------------------------- */

static void tell_expected(struct tell *out, const struct item *item)
{
	char number[COMPARE_TEXT_MAX];

	for (size_t i = 0; i < item->n_targets; i++) {
		const struct target *target = &item->targets[i];
		bool one = target->count.op[0] == '\0' && target->count.a == 1 && target->n == 1 &&
			   target->child != CHILD_ANY;
		tell_next(out, ", ");
		if (one)
			tell_add(out, "%s", target->label);
		else
			tell_add(out, "%s of %s", compare_format(&target->count, number),
				 target->label);
	}
	if (item->n_targets == 0)
		tell_add(out, "nobody");
}

/* Many children of one task are told as a number. */
static void tell_children(struct tell *out, const struct world *world, size_t task)
{
	const struct world_kill *only = NULL;
	size_t n = 0;

	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (kill->task != (int)task || kill->child < 0 || !counts(world, kill))
			continue;
		only = kill;
		n++;
	}
	if (n == 0)
		return;
	tell_next(out, "; ");
	if (n > 1) {
		tell_add(out, "%zu children of %s", n, world->tasks[task].name);
		return;
	}
	tell_process(out, world, only);
	tell_add(out, ", sources: ");
	tell_sources(out, world, only);
}

static void tell_killed(struct tell *out, const struct world *world)
{
	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!counts(world, kill) || (kill->task >= 0 && kill->child >= 0))
			continue;
		tell_next(out, "; ");
		tell_process(out, world, kill);
		tell_add(out, ", sources: ");
		tell_sources(out, world, kill);
	}
	for (size_t task = 0; task < world->n_tasks; task++)
		tell_children(out, world, task);
}

/* Why a task that should have been killed does not count as killed (yet). */
static void tell_not_killed(struct tell *out, const struct world *world, int index)
{
	const struct world_task *task = &world->tasks[index];
	const struct world_kill *kill = kill_of(world, index);
	char sources[160];

	if (kill && world_kill_by_oom(kill)) {
		if (in_interval(world, kill))
			return;
		tell_next(out, "; ");
		tell_add(out, "%s was killed already before this expectation began", task->name);
	} else if (task->life == WORLD_KILLED && task->status == SIGKILL) {
		struct world_kill unseen = {.pid = task->pid,
					    .task = index,
					    .child = CHILD_SELF,
					    .group = task->group,
					    .by_wait = true};
		/* Beside the array: not compared with the mark's kills. */
		struct world alone = *world;
		alone.kills = &unseen;
		alone.kills_mark = 0;
		judge_agreement(&alone, &unseen, sources, sizeof(sources));
		tell_next(out, "; ");
		tell_add(out, "%s got SIGKILL, but not from the OOM killer (%s)", task->name,
			 sources);
	} else if (world_task_dead(task)) {
		tell_next(out, "; ");
		tell_task(out, task);
	}
}

static void tell_seen(struct tell *out, const struct item *item, const struct world *world)
{
	for (size_t i = 0; i < item->n_targets; i++)
		for (size_t j = 0; j < item->targets[i].n; j++) {
			const struct world_task *task = &world->tasks[item->targets[i].tasks[j]];
			if (world_task_dead(task) && item->targets[i].child == CHILD_SELF)
				continue;
			tell_next(out, ", ");
			tell_task(out, task);
		}
	tell_groups(out, world);
}

/* ---- judgement ------------------------------------------------------------------------------ */

/* Of the kills in this interval: the ones nobody named, and the ones whose sources contradict. */
static enum judge_state judge_each_kill(const struct item *item, const struct world *world,
					struct tell *got)
{
	enum judge_state state = JUDGE_HOLDS;
	char sources[160];

	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!counts(world, kill))
			continue;
		enum judge_state agreed = judge_agreement(world, kill, NULL, 0);
		state = judge_worse(state, agreed);
		if (agreed == JUDGE_FAILS) {
			judge_agreement(world, kill, sources, sizeof(sources));
			tell_next(got, "; ");
			tell_add(got, "the sources contradict each other about ");
			tell_process(got, world, kill);
			tell_add(got, ": %s", sources);
		} else if (agreed == JUDGE_HOLDS && !target_of(item, kill)) {
			state = JUDGE_FAILS;
		}
	}
	return state;
}

/* How many more of this target's processes may still be killed. */
static uint64_t may_follow(const struct target *target, const struct world *world)
{
	uint64_t n = 0;

	if (target->child != CHILD_SELF)
		return target->child == CHILD_ANY ? UINT64_MAX / 2 : 1;
	for (size_t i = 0; i < target->n; i++) {
		const struct world_task *task = &world->tasks[target->tasks[i]];
		const struct world_kill *kill = kill_of(world, target->tasks[i]);
		bool ended = task->life == WORLD_EXITED ||
			     (task->life == WORLD_KILLED && task->status != SIGKILL);
		n += !ended && !(kill && world_kill_by_oom(kill));
	}
	return n;
}

static enum judge_state judge_target(const struct item *item, const struct target *target,
				     const struct world *world, struct tell *got)
{
	uint64_t agreed = 0, pending = 0;

	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!counts(world, kill) || target_of(item, kill) != target)
			continue;
		if (judge_agreement(world, kill, NULL, 0) == JUDGE_HOLDS)
			agreed++;
		else
			pending++;
	}
	/* What is pending makes the whole wait already, in judge_each_kill(). */
	if (compare_all(&target->count, agreed, agreed))
		return JUDGE_HOLDS;
	if (target->child == CHILD_SELF)
		for (size_t i = 0; i < target->n; i++)
			tell_not_killed(got, world, target->tasks[i]);
	uint64_t most = agreed + pending + may_follow(target, world);
	return compare_some(&target->count, agreed, most) ? JUDGE_WAIT : JUDGE_FAILS;
}

enum judge_state row_eval_killed(const struct item *item, const struct world *world,
				 struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));

	tell_expected(&expected, item);
	tell_killed(&got, world);
	enum judge_state state = judge_each_kill(item, world, &got);
	for (size_t i = 0; i < item->n_targets; i++)
		state = judge_worse(state, judge_target(item, &item->targets[i], world, &got));
	if (world_unaccounted(world, &got))
		state = judge_worse(state, JUDGE_WAIT);
	if (got.len == 0)
		tell_add(&got, "nobody");
	tell_seen(&seen, item, world);
	return state;
}

void row_claim_killed(const struct item *item, struct world *world)
{
	for (size_t i = world->kills_mark; i < world->n_kills; i++)
		if (world_kill_by_oom(&world->kills[i]) && target_of(item, &world->kills[i]))
			world->kills[i].claimed = true;
}

/* ---- order ---------------------------------------------------------------------------------- */

/* Its number in the kernel's log; 0: not seen. */
static uint64_t place_of(const struct world *world, const struct target *target)
{
	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (kill->task == target->tasks[0] && kill->by_line && kill->child == target->child)
			return kill->order;
	}
	return 0;
}

enum judge_state row_eval_order(const struct item *item, const struct world *world,
				struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	enum judge_state state = JUDGE_HOLDS;
	uint64_t last = 0;

	for (size_t i = 0; i < item->n_targets; i++) {
		uint64_t place = place_of(world, &item->targets[i]);
		tell_next(&expected, " before ");
		tell_add(&expected, "%s", item->targets[i].label);
		if (place == 0)
			state = judge_worse(state, JUDGE_WAIT);
		/* A line after a gap: what is missing can only come later than this one. */
		else if (place < last || (i && state == JUDGE_WAIT))
			state = JUDGE_FAILS;
		last = place > last ? place : last;
	}
	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!kill->by_line || !world_kill_ours(kill))
			continue;
		tell_next(&got, " before ");
		tell_process(&got, world, kill);
	}
	if (got.len == 0)
		tell_add(&got, world->has_log ? "no 'Killed process' line"
					      : "the kernel's log is not readable here");
	return state;
}
