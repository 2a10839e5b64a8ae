/*
 * When predictions are made and judged. See foresee.h.
 */
#include "harness/exec/foresee.h"

#include <stdlib.h>

#include "harness/record/field.h"

/* ---- opening -------------------------------------------------------------------------------- */

/* The kernel visits a group before those below it, siblings by their creation: the plan's order. */
static uint64_t set_ranks(const struct plan *plan, int parent, uint64_t *rank, uint64_t next)
{
	for (size_t g = 0; g < plan->n_groups; g++)
		if (plan->groups[g].parent == parent) {
			rank[g] = next++;
			next = set_ranks(plan, (int)g, rank, next);
		}
	return next;
}

static void view_new(const struct plan *plan, struct view *view)
{
	view->by_group = mem_zero(plan->n_groups, sizeof(*view->by_group));
	view->world.groups = mem_zero(plan->n_groups, sizeof(*view->world.groups));
	view->world.n_groups = plan->n_groups;
}

static void view_clear(struct view *view)
{
	free(view->world.tasks);
	free(view->world.groups);
	free(view->seen);
	free(view->by_group);
}

/* 'to' keeps its arrays. */
static void view_copy(struct view *to, const struct view *from)
{
	const struct predict_world *world = &from->world;
	struct view kept = *to;

	if (kept.room < world->n_tasks) {
		kept.room = from->room;
		kept.world.tasks = mem_grow(kept.world.tasks, kept.room, sizeof(*world->tasks));
		kept.seen = mem_grow(kept.seen, kept.room, sizeof(*kept.seen));
	}
	*to = *from;
	to->room = kept.room;
	to->seen = kept.seen;
	to->by_group = kept.by_group;
	to->world.tasks = kept.world.tasks;
	to->world.groups = kept.world.groups;
	for (size_t i = 0; i < world->n_tasks; i++) {
		to->world.tasks[i] = world->tasks[i];
		to->seen[i] = from->seen[i];
	}
	for (size_t g = 0; g < world->n_groups; g++) {
		to->world.groups[g] = world->groups[g];
		to->by_group[g] = from->by_group[g];
	}
}

void foresee_open(struct runner *run)
{
	const struct plan *plan = run->plan;
	enum badness_generation generation;
	struct candidates *candidates;
	struct err err;

	if (!run->world.has_log)
		return;
	if (badness_generation(run->options->facts->kernel, &generation, &err) < 0 ||
	    candidates_open(-1, run->options->cg_host, &candidates, &err) < 0) {
		runner_warn(run, "no victim is predicted: %s", err.text);
		return;
	}
	candidates->swapouts_before = candidates_swapouts(candidates);
	struct foresight *foresight = mem_zero(1, sizeof(*foresight));
	foresight->candidates = candidates;
	foresight->rules = badness_rules(generation);
	foresight->outlooks = mem_zero(plan->n_groups, sizeof(*foresight->outlooks));
	for (size_t g = 0; g < plan->n_groups; g++) {
		view_new(plan, &foresight->outlooks[g].now);
		view_new(plan, &foresight->outlooks[g].before);
	}
	foresight->told = mem_zero(plan->n_tasks, sizeof(*foresight->told));
	foresight->rank = mem_zero(plan->n_groups, sizeof(*foresight->rank));
	(void)set_ranks(plan, -1, foresight->rank, 1);
	run->foresight = foresight;
}

void foresee_close(struct runner *run)
{
	struct foresight *foresight = run->foresight;

	if (!foresight)
		return;
	for (size_t g = 0; g < run->plan->n_groups; g++) {
		view_clear(&foresight->outlooks[g].now);
		view_clear(&foresight->outlooks[g].before);
	}
	candidates_free(foresight->candidates);
	free(foresight->outlooks);
	free(foresight->told);
	free(foresight->rank);
	free(foresight);
	run->foresight = NULL;
}

void foresee_arrived(struct runner *run, int task)
{
	if (run->foresight)
		run->foresight->told[task].arrival = ++run->foresight->arrivals;
}

/* ---- the record ----------------------------------------------------------------------------- */

static json_t *process_json(const struct runner *run, const struct view *view, size_t index)
{
	if (index == SIZE_MAX)
		return json_null();
	const struct seen *seen = &view->seen[index];
	json_t *json = json_pack("{s:I}", "pid", (json_int_t)view->world.tasks[index].task.pid);
	if (seen->task >= 0)
		json_object_set_new(json, "task", json_string(run->plan->tasks[seen->task].name));
	if (seen->child >= 0)
		json_object_set_new(json, "child", json_integer(seen->child));
	return json;
}

static void tell(struct runner *run, int root, int group)
{
	const struct view *view = &run->foresight->outlooks[root].now;
	const struct prediction *prediction = &view->by_group[group];

	json_t *json = json_pack(
		"{s:s, s:o, s:I, s:o, s:s, s:o, s:I, s:I}", "group", run->plan->groups[group].name,
		"victim", process_json(run, view, prediction->victim), "points",
		(json_int_t)prediction->points, "runner_up",
		process_json(run, view, prediction->runner_up), "sure",
		predict_doubt_name(prediction->doubt), "error", field_u64_new(prediction->error),
		"total_pages", (json_int_t)prediction->total_pages, "candidates",
		(json_int_t)prediction->n_candidates);
	if (prediction->margin != INT64_MAX)
		json_object_set_new(json, "margin", json_integer(prediction->margin));
	emit(run, "prediction", json);
}

static bool same(const struct prediction *a, const struct prediction *b)
{
	return a->possible == b->possible && a->doubt == b->doubt && a->victim == b->victim &&
	       a->points == b->points && a->margin == b->margin;
}

/* ---- making them ---------------------------------------------------------------------------- */

static bool is_root(const struct runner *run, size_t group)
{
	return run->plan->groups[group].parent < 0;
}

/* The view so far stands for what was chosen until the line 'to'. One that nothing was chosen by
 * yet is not kept in place of one that stands. */
static void overtake(struct outlook *outlook, uint64_t to)
{
	if (outlook->now.valid_from == UINT64_MAX || !outlook->now.have)
		return;
	view_copy(&outlook->before, &outlook->now);
	outlook->before.valid_to = to;
}

/* 'fresh': the tree may be read, else it is carried on. */
static void look(struct runner *run, int root, const struct plan_step *step, bool fresh)
{
	struct outlook *outlook = &run->foresight->outlooks[root];
	struct view *now = &outlook->now;
	size_t n = run->plan->n_groups;
	struct prediction *last MEM_AUTO = mem_zero(n, sizeof(*last));

	for (size_t g = 0; g < n; g++)
		last[g] = now->by_group[g];
	outlook->stale = false;
	now->valid_from = now->valid_to = UINT64_MAX;
	if (!fresh && now->have)
		outlook_carry_on(run, root, step);
	else if (!fresh || !outlook_read(run, root, step)) {
		now->have = false;
		for (size_t g = 0; g < n; g++)
			now->by_group[g].possible = false;
	}
	for (size_t g = 0; g < n; g++)
		if (now->by_group[g].possible && !same(&last[g], &now->by_group[g]))
			tell(run, root, (int)g);
}

/* What was decided before is still on its way: another 'disabled' does not make it void. */
static bool only_disables(const struct plan_step *step)
{
	if (step->kind != PLAN_SET)
		return false;
	for (size_t t = 0; t < step->n_targets; t++)
		for (size_t k = 0; k < step->targets[t].n_knobs; k++)
			if (!str_eq(step->targets[t].knobs[k].knob, "memory.oom_control") ||
			    !str_eq(step->targets[t].knobs[k].value, "disabled"))
				return false;
	return true;
}

/* Steps during which candidates are not what they were before: a kill is judged by the prediction
 * before or by that after, but not in between. */
static bool changes(const struct plan_step *step)
{
	static const bool table[PLAN_REPEAT + 1] = {
		[PLAN_MOVE] = true,   [PLAN_ADJ] = true,  [PLAN_FREE] = true,
		[PLAN_SIGNAL] = true, [PLAN_QUIT] = true, [PLAN_REMOVE] = true,
	};

	return table[step->kind];
}

void foresee_begin(struct runner *run, const struct plan_step *step)
{
	if (!run->foresight || step->kind == PLAN_EXPECT || step->kind == PLAN_REPEAT ||
	    step->kind == PLAN_NICE || only_disables(step))
		return;
	events_read_log(run);
	growth_told(run, step);
	for (size_t g = 0; g < run->plan->n_groups; g++) {
		if (!is_root(run, g))
			continue;
		struct outlook *outlook = &run->foresight->outlooks[g];
		overtake(outlook, changes(step) ? run->log_next : UINT64_MAX);
		if (!changes(step))
			look(run, (int)g, step, true);
		else
			outlook->now.valid_from = UINT64_MAX;
	}
	if (!changes(step))
		events_read_log(run);
}

static void adjust(struct runner *run, const struct plan_step *step)
{
	for (size_t t = 0; step->kind == PLAN_ADJ && t < step->n_targets; t++)
		for (size_t g = 0; g < run->plan->n_groups; g++) {
			struct view *view = &run->foresight->outlooks[g].now;
			for (size_t i = 0; i < view->world.n_tasks; i++)
				if (view->seen[i].task == step->targets[t].task &&
				    view->seen[i].child < 0)
					view->world.tasks[i].task.oom_score_adj =
						(int)step->targets[t].value;
		}
}

void foresee_end(struct runner *run, const struct plan_step *step)
{
	if (!run->foresight || !changes(step))
		return;
	adjust(run, step);
	events_read_log(run);
	for (size_t g = 0; g < run->plan->n_groups; g++)
		if (is_root(run, g))
			look(run, (int)g, NULL, true);
	events_read_log(run);
}

/* What a step that is still under way does on and on; the commands of other steps are known by
 * their tasks. */
static const struct plan_step *carried_step(const struct runner *run)
{
	bool goes_on = run->step && (run->step->kind == PLAN_SWAP || run->step->kind == PLAN_ALLOC);

	return goes_on ? run->step : NULL;
}

void foresee_log_end(struct runner *run, uint64_t next, bool *ret_again)
{
	*ret_again = false;
	if (!run->foresight)
		return;
	for (size_t g = 0; g < run->plan->n_groups; g++) {
		struct outlook *outlook = &run->foresight->outlooks[g];
		if (!is_root(run, g) || !outlook->now.have)
			continue;
		if (outlook->stale) {
			overtake(outlook, UINT64_MAX);
			look(run, (int)g, carried_step(run), false);
			*ret_again = true;
		} else if (outlook->now.valid_from == UINT64_MAX) {
			outlook->now.valid_from = next;
		}
	}
}

/* ---- judging them --------------------------------------------------------------------------- */

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
		if (is_root(run, g) &&
		    index_of(&run->foresight->outlooks[g].now.world, kill->pid) != SIZE_MAX)
			return (int)g;
	return -1;
}

/* The view that the kernel's choice came after; NULL: there is none. */
static struct view *view_for(struct outlook *outlook, uint64_t chosen_at)
{
	struct view *views[] = {&outlook->now, &outlook->before};

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
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

static void judge(const struct runner *run, const struct view *view, struct world_kill *kill)
{
	const struct prediction *prediction = prediction_of(run, view, kill);
	struct world_forecast *forecast = &kill->forecast;

	if (!prediction)
		return;
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

/* It is as good as gone, and so is everybody with its memory; that memory is room for others. What
 * follows for the next kill is known with this one. */
static void bury(const struct runner *run, int root, struct view *view, int64_t pid)
{
	struct predict_world *world = &view->world;
	size_t index = index_of(world, pid);
	uint64_t held;

	if (!view->have || index == SIZE_MAX)
		return;
	held = outlook_held(&world->tasks[index]);
	for (size_t i = 0; i < world->n_tasks; i++)
		if (i == index || (world->tasks[i].memory &&
				   world->tasks[i].memory == world->tasks[index].memory))
			world->tasks[i].gone = true;
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

void foresee_killed(struct runner *run, struct world_kill *kill)
{
	int root = run->foresight ? root_of(run, kill) : -1;
	bool member = kill->forecast.member;

	if (root < 0 || kill->forecast.asked)
		return;
	kill->forecast = (struct world_forecast){.asked = true,
						 .pid = -1,
						 .task = -1,
						 .child = -1,
						 .margin = INT64_MAX,
						 .member = member};
	struct outlook *outlook = &run->foresight->outlooks[root];
	struct view *view = view_for(outlook, kill->chosen_at);
	if (view && !member)
		judge(run, view, kill);
	else if (outlook->now.have && !member)
		kill->forecast.outcome = PREDICT_VOID;
	if (kill->forecast.outcome == PREDICT_NONE && !member && has_command(run, root)) {
		kill->forecast.outcome = PREDICT_UNDECIDED;
		kill->forecast.doubt = PREDICT_COMMAND;
	}
	bury(run, root, &outlook->now, kill->pid);
	bury(run, root, &outlook->before, kill->pid);
	outlook->stale = true;
}
