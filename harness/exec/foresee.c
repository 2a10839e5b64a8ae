/*
 * When predictions are made. See foresee.h.
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
	foresight->rank = mem_zero(plan->n_groups + 1, sizeof(*foresight->rank));
	foresight->machine.world.n_groups = 1;
	foresight->machine.world.groups = mem_zero(1, sizeof(struct predict_group));
	foresight->machine.by_group = mem_zero(1, sizeof(struct prediction));
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
		free(foresight->outlooks[g].last);
	}
	candidates_free(foresight->candidates);
	view_clear(&foresight->machine);
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

void foresee_tell(struct runner *run, const struct view *view, int group, const char *name)
{
	const struct prediction *prediction = &view->by_group[group];

	json_t *json = json_pack("{s:s, s:o, s:I, s:o, s:s, s:o, s:I, s:I}", "group", name,
				 "victim", process_json(run, view, prediction->victim), "points",
				 (json_int_t)prediction->points, "runner_up",
				 process_json(run, view, prediction->runner_up), "sure",
				 predict_doubt_name(prediction->doubt), "error",
				 field_u64_new(prediction->error), "total_pages",
				 (json_int_t)prediction->total_pages, "candidates",
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
			foresee_tell(run, now, (int)g, run->plan->groups[g].name);
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
	    step->kind == PLAN_NICE || step->kind == PLAN_FILL || only_disables(step))
		return;
	events_read_log(run);
	growth_told(run, step);
	if (changes(step))
		machine_changes(run);
	else
		machine_look(run, step);
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

void foresee_end(struct runner *run, const struct plan_step *step)
{
	if (!run->foresight || !changes(step))
		return;
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
	if (run->foresight->machine.valid_from == UINT64_MAX)
		run->foresight->machine.valid_from = next;
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
