/*
 * Steps that name tasks: start, spawn, quit, signal, move, oom_score_adj, nice,
 * trace. See steps.h.
 */
#include "harness/plan/steps.h"

struct about {
	struct plan_step *step;
	const struct node *value; /* of the pair that is read, NULL: names alone */
	const char *what;
};

static void target_start(struct build *b, int task, const struct node *at, void *data)
{
	const struct wl *wl = b->plan->tasks[task].wl;

	b->start_named[task] = true;
	if (wl && wl->free_running)
		add_target(b, ((struct about *)data)->step)->task = task;
	else
		diag_add(b->diags, b->file, at, "start: task '%s' has no pattern to start%s",
			 b->task_names[task], wl ? "" : ", it is a command (see 'spawn')");
}

static void target_spawn(struct build *b, int task, const struct node *at, void *data)
{
	(void)at;
	b->spawn_named[task] = true;
	add_target(b, ((struct about *)data)->step)->task = task;
}

static void target_quit(struct build *b, int task, const struct node *at, void *data)
{
	const struct about *about = data;
	int64_t status = 0;

	if (!b->plan->tasks[task].wl) {
		diag_add(b->diags, b->file, at,
			 "quit: task '%s' is a command, expected a workload; commands end by "
			 "'signal'",
			 b->task_names[task]);
		return;
	}
	if (about->value && !read_i64(b, about->value, "exit status", 0, 255, &status))
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->value = status;
}

static void target_signal(struct build *b, int task, const struct node *at, void *data)
{
	const struct about *about = data;
	int64_t number;

	(void)at;
	if (!read_signal(b, about->value, &number))
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->value = number;
}

static void target_move(struct build *b, int task, const struct node *at, void *data)
{
	const struct about *about = data;
	const char *name;

	(void)at;
	if (!read_scalar(b, about->value, "move", "the name of a group", &name))
		return;
	int group = find_group(b, about->value, name);
	if (group < 0)
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->group = group;
	if (!b->dropped)
		b->group_now[task] = group;
}

static void target_adj(struct build *b, int task, const struct node *at, void *data)
{
	const struct about *about = data;
	int64_t adj;

	(void)at;
	if (!read_i64(b, about->value, "oom_score_adj", -1000, 1000, &adj))
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->value = adj;
	need_to_lower(b, adj);
}

static void target_nice(struct build *b, int task, const struct node *at, void *data)
{
	const struct about *about = data;
	int64_t nice;

	(void)at;
	if (!read_i64(b, about->value, "nice", -20, 19, &nice))
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->value = nice;
}

typedef void (*target_fn)(struct build *b, int task, const struct node *at, void *data);

static void read_pairs(struct build *b, const struct node *map, const char *what, const char *form,
		       target_fn fn, struct plan_step *step)
{
	if (map->kind != NODE_MAP || map->n == 0) {
		bad(b, map, what, form);
		return;
	}
	for (size_t i = 0; i < map->n; i++) {
		struct about about = {step, &map->items[i], what};
		each_task(b, &map->keys[i], what, fn, &about);
	}
}

static void target_trace(struct build *b, int task, const struct node *at, void *data)
{
	(void)at;
	add_target(b, ((struct about *)data)->step)->task = task;
}

static void target_trace_at(struct build *b, int task, const struct node *at, void *data)
{
	static const char *const when[] = {
		[PLAN_TRACE_NOW] = "now", [PLAN_TRACE_EXIT] = "exit", NULL};
	const struct about *about = data;
	int chosen;

	(void)at;
	if (!read_choice(b, about->value, "trace", when, &chosen))
		return;
	struct plan_target *target = add_target(b, about->step);
	target->task = task;
	target->value = chosen;
}

void read_trace(struct build *b, const struct node *value, struct plan_step *step)
{
	struct about about = {step, NULL, "trace"};

	if (value->kind == NODE_MAP)
		read_pairs(b, value, "trace", "a map such as {alloc_1: exit}", target_trace_at,
			   step);
	else
		each_task(b, value, "trace", target_trace, &about);
}

void read_start(struct build *b, const struct node *value, struct plan_step *step)
{
	struct about about = {step, NULL, "start"};

	each_task(b, value, "start", target_start, &about);
}

void read_spawn(struct build *b, const struct node *value, struct plan_step *step)
{
	struct about about = {step, NULL, "spawn"};

	each_task(b, value, "spawn", target_spawn, &about);
}

void read_quit(struct build *b, const struct node *value, struct plan_step *step)
{
	struct about about = {step, NULL, "quit"};

	if (value->kind == NODE_MAP)
		read_pairs(b, value, "quit", "a map such as {alloc_1: 3}", target_quit, step);
	else
		each_task(b, value, "quit", target_quit, &about);
}

void read_signals(struct build *b, const struct node *value, struct plan_step *step)
{
	read_pairs(b, value, "signal", "a map such as {alloc_1: TERM}", target_signal, step);
}

void read_move(struct build *b, const struct node *value, struct plan_step *step)
{
	read_pairs(b, value, "move", "a map such as {alloc_1: other_group}", target_move, step);
}

void read_adj(struct build *b, const struct node *value, struct plan_step *step)
{
	read_pairs(b, value, "oom_score_adj", "a map such as {alloc_1: 500}", target_adj, step);
}

void read_nice(struct build *b, const struct node *value, struct plan_step *step)
{
	read_pairs(b, value, "nice", "a map such as {alloc_1: 10}", target_nice, step);
}
