/*
 * Which prediction a kill belongs to, and how that came out: the one that stood when the first line
 * about the kill had not been written. See foresee.h.
 */
#include "harness/exec/foresee.h"

static size_t index_of(const struct predict_world *world, int64_t pid)
{
	for (size_t i = world->n_tasks; i-- > 0;)
		if (world->tasks[i].task.pid == pid && pid > 0)
			return i;
	return SIZE_MAX;
}

/* The tree that the kill was in; -1: not known, or not ours. */
static int root_of(const struct runner *run, const struct world_kill *kill)
{
	if (kill->group >= 0)
		return outlook_root(run, kill->group);
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (run->plan->groups[g].parent < 0 &&
		    index_of(&run->foresight->outlooks[g].now.world, kill->pid) != SIZE_MAX)
			return (int)g;
	return -1;
}

/* The view that the kernel's choice came after; NULL: there is none. */
static const struct view *view_for(const struct outlook *outlook, uint64_t chosen_at)
{
	const struct view *const views[] = {&outlook->now, &outlook->before, NULL};

	for (size_t i = 0; views[i]; i++)
		if (views[i]->have && chosen_at >= views[i]->valid_from &&
		    chosen_at < views[i]->valid_to)
			return views[i];
	return NULL;
}

/* The prediction for the group that was full. Where the report does not say which it was, it must
 * be the only one that could. */
static const struct prediction *prediction_of(const struct runner *run, const struct view *view,
					      const struct world_kill *kill)
{
	const struct prediction *found = NULL;
	int full = kill->has_report ? owner_group(run, kill->oom_memcg) : -1;

	if (full >= 0)
		return view->by_group[full].possible ? &view->by_group[full] : NULL;
	for (int g = kill->group; g >= 0; g = run->plan->groups[g].parent) {
		if (!view->by_group[g].possible)
			continue;
		if (found && found->victim != view->by_group[g].victim)
			return NULL;
		found = &view->by_group[g];
	}
	return found;
}

/* A command, also one elsewhere, can have done anything since: grown, gone, changed a score. */
static bool had_commands(const struct runner *run)
{
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (!run->plan->tasks[t].wl && run->world.tasks[t].life != WORLD_UNBORN)
			return true;
	return false;
}

void foresee_judge(const struct runner *run, const struct view *view,
		   const struct prediction *prediction, struct world_kill *kill)
{
	struct world_forecast *forecast = &kill->forecast;

	size_t victim = prediction->victim;
	forecast->points = prediction->points;
	forecast->margin = prediction->margin;
	forecast->error = prediction->error;
	forecast->doubt = prediction->doubt;
	if (victim != SIZE_MAX) {
		forecast->pid = (pid_t)view->world.tasks[victim].task.pid;
		forecast->task = view->seen[victim].task;
		forecast->child = view->seen[victim].child;
	}
	forecast->outcome = predict_judge(&view->world, prediction, kill->pid);
	if (forecast->outcome == PREDICT_WRONG && had_commands(run)) {
		forecast->outcome = PREDICT_UNDECIDED;
		forecast->doubt = PREDICT_COMMAND;
	}
}

/* Whether the process will die because this other one does: a hog's child (outlook_orphan()). */
static bool follows(const struct runner *run, const struct view *view, size_t index, size_t killed)
{
	const struct seen *seen = &view->seen[index], *victim = &view->seen[killed];

	return seen->child >= 0 && seen->task >= 0 && seen->task == victim->task &&
	       victim->child < 0 && run->plan->tasks[seen->task].wl;
}

/* It is as good as gone, and so is everybody with its memory; its children will be. What they hold
 * is room for others. What follows for the next kill is known with this one. */
static void bury(const struct runner *run, int root, struct view *view, int64_t pid)
{
	struct predict_world *world = &view->world;
	size_t index = index_of(world, pid);
	uint64_t held;

	if (!view->have || index == SIZE_MAX)
		return;
	held = outlook_held(&world->tasks[index]);
	for (size_t i = 0; i < world->n_tasks; i++) {
		struct predict_task *task = &world->tasks[i];
		bool same =
			i == index || (task->memory && task->memory == world->tasks[index].memory);
		task->gone = task->gone || same;
		if (same || task->gone || !follows(run, view, i, index))
			continue;
		task->leaving = true;
		held += outlook_held(task);
	}
	for (int g = world->tasks[index].group; g >= 0; g = world->groups[g].parent)
		world->groups[g].slack_pages += held;
	outlook_predict(run, root, view);
}

/* A command can begin to take memory at any moment, on its own. */
static bool has_command(const struct runner *run, int root)
{
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (!run->world.tasks[t].is_hog && run->world.tasks[t].life != WORLD_UNBORN &&
		    outlook_root(run, run->world.tasks[t].group) == root)
			return true;
	return false;
}

/* Of a group that was full. */
static void judge(const struct runner *run, int root, struct world_kill *kill)
{
	const struct outlook *outlook = &run->foresight->outlooks[root];
	const struct view *view = view_for(outlook, kill->chosen_at);
	const struct prediction *prediction = view ? prediction_of(run, view, kill) : NULL;

	if (prediction)
		foresee_judge(run, view, prediction, kill);
	else if (!view && outlook->now.have)
		kill->forecast.outcome = PREDICT_VOID;
}

void foresee_killed(struct runner *run, struct world_kill *kill)
{
	int root = run->foresight ? root_of(run, kill) : -1;
	bool member = kill->forecast.member;

	if (!run->foresight || kill->forecast.asked || (root < 0 && !kill->global))
		return;
	kill->forecast = (struct world_forecast){.asked = true,
						 .pid = -1,
						 .task = -1,
						 .child = -1,
						 .margin = INT64_MAX,
						 .member = member};
	if (kill->global && !member)
		machine_killed(run, kill);
	else if (!member)
		judge(run, root, kill);
	bool command = kill->global ? had_commands(run) : has_command(run, root);
	if (kill->forecast.outcome == PREDICT_NONE && !member && command) {
		kill->forecast.outcome = PREDICT_UNDECIDED;
		kill->forecast.doubt = PREDICT_COMMAND;
	}
	if (root < 0)
		return;
	struct outlook *outlook = &run->foresight->outlooks[root];
	bury(run, root, &outlook->now, kill->pid);
	bury(run, root, &outlook->before, kill->pid);
	outlook->stale = outlook->killed = true;
}
