/*
 * Walks the steps in order and finds what can never happen: a step for a task that is gone, a
 * pause where nothing pauses, an expectation about a group that was removed. Only what is certain
 * is a mistake; what depends on the kernel is left to the run.
 */
#include "harness/plan/check.h"

#include "base/parse.h"

/* ---- tasks --------------------------------------------------------------------------------- */

/* Whether a task can be there at all; a mistake otherwise. */
bool check_is_there(struct check *check, int task, const struct node *at, const char *what)
{
	const struct fate *fate = &check->tasks[task];
	const char *name = check->plan->tasks[task].name;

	if (fate->born < 0) {
		NEVER(check, at, "%s: task '%s' is not there yet, expected its 'spawn' step before",
		      what, name);
		return false;
	}
	if (fate->dead) {
		NEVER(check, at, "%s can never happen: task '%s' %s on line %d", what, name,
		      fate->how, fate->dead);
		return false;
	}
	return true;
}

/* A paused task takes no commands. */
static bool listens(struct check *check, int task, const struct node *at, const char *what)
{
	const struct fate *fate = &check->tasks[task];

	if (!check_is_there(check, task, at, what))
		return false;
	if (fate->paused)
		NEVER(check, at,
		      "%s can never happen: task '%s' is paused since line %d and no step between "
		      "lets it go on",
		      what, check->plan->tasks[task].name, fate->paused);
	return !fate->paused;
}

void check_die(struct check *check, int task, const struct node *at, const char *how)
{
	struct fate *fate = &check->tasks[task];

	if (fate->dead)
		return;
	fate->dead = at->line;
	fate->how = how;
	fate->unclaimed = false;
	fate->paused = 0;
}

void check_all_may_go_on(struct check *check)
{
	for (size_t i = 0; i < check->plan->n_tasks; i++)
		check->tasks[i].paused = 0;
}

/* ---- groups -------------------------------------------------------------------------------- */

bool check_exists(struct check *check, int group, const struct node *at, const char *what)
{
	const struct place *place = &check->groups[group];

	if (!place->removed)
		return true;
	NEVER(check, at, "%s can never happen: group '%s' was removed on line %d", what,
	      check->plan->groups[group].name, place->removed);
	return false;
}

static void note_knobs(struct check *check, int group, const struct plan_knob *knobs, size_t n)
{
	struct place *place = &check->groups[group];
	struct err err = ERR_INIT;
	int enabled;

	for (size_t i = 0; i < n; i++) {
		if (str_eq(knobs[i].knob, "memory.max") && !str_eq(knobs[i].value, "max"))
			place->limited = true;
		if (!str_eq(knobs[i].knob, "memory.oom_control") ||
		    parse_bool(knobs[i].value, &enabled, &err) < 0)
			continue;
		place->disabled = !enabled;
		place->ever_disabled = place->ever_disabled || !enabled;
	}
}

/* Whether this holds for any group from the task's own upwards. */
bool check_above(const struct check *check, int task, size_t flag_offset)
{
	int group = check->tasks[task].group;

	for (; group >= 0; group = check->plan->groups[group].parent) {
		const char *place = (const char *)&check->groups[group];
		if (*(const bool *)(place + flag_offset))
			return true;
	}
	return false;
}

/* ---- steps --------------------------------------------------------------------------------- */

static void check_set(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		const struct plan_target *target = &step->targets[i];
		if (target->group >= 0 && check_exists(check, target->group, step->at, "set") &&
		    target->error <= 0)
			note_knobs(check, target->group, target->knobs, target->n_knobs);
	}
	check_all_may_go_on(check);
}

static void check_alloc(struct check *check, const struct plan_step *step)
{
	const char *what = step->kind == PLAN_FREE   ? "free"
			   : step->kind == PLAN_FILL ? "fill"
						     : "step";
	int task = step->task;

	if (task < 0 || !listens(check, task, step->at, what))
		return;
	if (step->kind == PLAN_FREE)
		check_all_may_go_on(check);
	if (step->until == PLAN_UNTIL_DEAD) {
		check_die(check, task, step->at, "was to die ('until: dead')");
		check->tasks[task].unclaimed = true;
	}
	if (step->until != PLAN_UNTIL_BLOCKED)
		return;
	if (!check_above(check, task, offsetof(struct place, disabled)))
		NEVER(check, step->at,
		      "until: blocked can never happen: no group of task '%s' has its OOM killer "
		      "disabled here (memory.oom_control: disabled)",
		      check->plan->tasks[task].name);
	else if (!check->has_commands)
		check->tasks[task].paused = step->at->line;
}

static void check_start(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		int task = step->targets[i].task;
		listens(check, task, step->at, "start");
		if (check->plan->tasks[task].start == PLAN_START_READY)
			NEVER(check, step->at,
			      "start: task '%s' runs from the start, expected 'start: later' in it",
			      check->plan->tasks[task].name);
	}
}

static void check_spawn(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		int task = step->targets[i].task;
		struct fate *fate = &check->tasks[task];
		const char *name = check->plan->tasks[task].name;
		if (fate->born == 0)
			NEVER(check, step->at,
			      "spawn: task '%s' is there from the start, expected 'spawn: later' "
			      "in "
			      "it",
			      name);
		else if (fate->born > 0)
			NEVER(check, step->at, "spawn: task '%s' was spawned on line %d already",
			      name, fate->born);
		else
			fate->born = step->at->line;
	}
}

static void check_signal(struct check *check, const struct plan_step *step)
{
	enum { KILL = 9 };

	for (size_t i = 0; i < step->n_targets; i++) {
		int task = step->targets[i].task;
		if (check_is_there(check, task, step->at, "signal") &&
		    step->targets[i].value == KILL)
			check_die(check, task, step->at, "got SIGKILL");
	}
	check_all_may_go_on(check);
}

static void check_move(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		const struct plan_target *target = &step->targets[i];
		check_is_there(check, target->task, step->at, "move");
		if (check_exists(check, target->group, step->at, "move"))
			check->tasks[target->task].group = target->group;
	}
	check_all_may_go_on(check);
}

static void check_tune(struct check *check, const struct plan_step *step)
{
	const char *what = step->kind == PLAN_NICE ? "nice" : "oom_score_adj";

	for (size_t i = 0; i < step->n_targets; i++)
		check_is_there(check, step->targets[i].task, step->at, what);
}

static void check_quit(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		listens(check, step->targets[i].task, step->at, "quit");
		check_die(check, step->targets[i].task, step->at, "was told to quit");
	}
	check_all_may_go_on(check);
}

static void check_swap(struct check *check, const struct plan_step *step)
{
	(void)step;
	check_all_may_go_on(check);
}

static void check_watch(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++)
		(void)check_exists(check, step->targets[i].group, step->at, "watch");
}

static void check_reset(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++)
		(void)check_exists(check, step->targets[i].group, step->at, "reset_peak");
}

static void check_trace(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++)
		(void)check_is_there(check, step->targets[i].task, step->at, "trace");
}

static bool is_below(const struct plan *plan, int group, int top)
{
	while (group >= 0 && group != top)
		group = plan->groups[group].parent;
	return group >= 0;
}

/* Removing a group kills what is inside and removes the groups below first. */
static void check_remove(struct check *check, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		int top = step->targets[i].group;
		if (!check_exists(check, top, step->at, "remove"))
			continue;
		for (size_t g = 0; g < check->plan->n_groups; g++)
			if (is_below(check->plan, (int)g, top))
				check->groups[g].removed = step->at->line;
		for (size_t t = 0; t < check->plan->n_tasks; t++)
			if (check->tasks[t].born >= 0 &&
			    is_below(check->plan, check->tasks[t].group, top))
				check_die(check, (int)t, step->at, "ended with its group");
	}
	check_all_may_go_on(check);
}

static void check_sysrq(struct check *check, const struct plan_step *step)
{
	(void)step;
	check_all_may_go_on(check);
}

/* ---- all of them --------------------------------------------------------------------------- */

static void check_all(struct check *check, const struct plan_step *steps, size_t n);

/* What the first round leaves behind is what the second finds. */
static void check_repeat(struct check *check, const struct plan_step *step)
{
	check_all(check, step->steps, step->n_steps);
	if (step->times > 1)
		check_all(check, step->steps, step->n_steps);
}

static void (*const checks[])(struct check *check, const struct plan_step *step) = {
	[PLAN_SET] = check_set,	      [PLAN_ALLOC] = check_alloc,   [PLAN_FREE] = check_alloc,
	[PLAN_FILL] = check_alloc,    [PLAN_START] = check_start,   [PLAN_SPAWN] = check_spawn,
	[PLAN_SIGNAL] = check_signal, [PLAN_MOVE] = check_move,	    [PLAN_ADJ] = check_tune,
	[PLAN_NICE] = check_tune,     [PLAN_QUIT] = check_quit,	    [PLAN_SWAP] = check_swap,
	[PLAN_REMOVE] = check_remove, [PLAN_EXPECT] = check_expect, [PLAN_DECIDE] = check_decide,
	[PLAN_SYSRQ] = check_sysrq,   [PLAN_REPEAT] = check_repeat, [PLAN_WATCH] = check_watch,
	[PLAN_RESET] = check_reset,   [PLAN_TRACE] = check_trace,
};

static void check_all(struct check *check, const struct plan_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		checks[steps[i].kind](check, &steps[i]);
}

static void check_never_begun(struct check *check)
{
	const struct build *b = check->b;

	for (size_t i = 0; i < check->plan->n_tasks; i++) {
		const struct plan_task *task = &check->plan->tasks[i];
		if (task->spawn_later && !b->spawn_named[i])
			NEVER(check, task->at, "task '%s' is never there, expected a 'spawn' step",
			      task->name);
		bool runs = task->wl && task->wl->free_running;
		if (runs && task->start == PLAN_START_LATER && !b->start_named[i])
			NEVER(check, task->at, "task '%s' never begins, expected a 'start' step",
			      task->name);
	}
}

void check_steps(struct build *b)
{
	const struct plan *plan = b->plan;
	struct check check = {
		.b = b,
		.plan = plan,
		.tasks = arena_zero(b->arena, plan->n_tasks + 1, sizeof(*check.tasks)),
		.groups = arena_zero(b->arena, plan->n_groups + 1, sizeof(*check.groups)),
	};

	for (size_t i = 0; i < plan->n_tasks; i++) {
		check.tasks[i].born = plan->tasks[i].spawn_later ? -1 : 0;
		check.tasks[i].group = plan->tasks[i].group;
		check.has_commands = check.has_commands || !plan->tasks[i].wl;
	}
	for (size_t i = 0; i < plan->n_groups; i++)
		note_knobs(&check, (int)i, plan->groups[i].knobs, plan->groups[i].n_knobs);
	check_all(&check, plan->steps, plan->n_steps);
	check_never_begun(&check);
}
