/*
 * Steps about memory: knobs of groups, groups that go, and what workloads are told to allocate and
 * give back. See steps.h.
 */
#include "harness/plan/steps.h"

#include "base/parse.h"

/* ---- set, remove --------------------------------------------------------------------------- */

/* Knobs of one group stay together, but one that may fail stands alone: its error is its own. */
static void set_one(struct build *b, struct plan_step *step, int group, const struct node *key,
		    const struct node *value)
{
	struct plan_knob knob = {0};
	struct plan_target *last = step->n_targets ? &step->targets[step->n_targets - 1] : NULL;
	int error;

	if (!build_knob(b, group, key, value, &knob, &error))
		return;
	if (!last || last->group != group || last->error || error) {
		last = add_target(b, step);
		last->group = group;
		last->error = error;
	}
	last->knobs = arena_grow(b->arena, last->knobs, last->n_knobs, sizeof(*last->knobs));
	last->knobs[last->n_knobs++] = knob;
}

void read_set(struct build *b, const struct node *value, struct plan_step *step)
{
	if (value->kind != NODE_MAP) {
		bad(b, value, "set", "a map such as {victims: {memory.max: 80M}}");
		return;
	}
	for (size_t i = 0; i < value->n; i++) {
		const struct node *knobs = &value->items[i];
		int group = find_group(b, &value->keys[i], value->keys[i].text);
		if (group < 0)
			continue;
		if (knobs->kind != NODE_MAP || knobs->n == 0) {
			bad(b, knobs, "set", "a map of knobs such as {memory.max: 80M}");
			continue;
		}
		for (size_t k = 0; k < knobs->n; k++)
			set_one(b, step, group, &knobs->keys[k], &knobs->items[k]);
	}
}

static void read_groups(struct build *b, const struct node *value, const char *what,
			struct plan_step *step)
{
	const char **names;
	size_t n = read_texts(b, value, what, &names);

	for (size_t i = 0; i < n; i++) {
		int group = find_group(b, value, names[i]);
		if (group >= 0)
			add_target(b, step)->group = group;
	}
}

void read_remove(struct build *b, const struct node *value, struct plan_step *step)
{
	read_groups(b, value, "remove", step);
}

void read_reset(struct build *b, const struct node *value, struct plan_step *step)
{
	struct err err = ERR_INIT;

	read_groups(b, value, "reset_peak", step);
	if (!b->cg || b->facts->no_groups[0])
		return;
	if (cg_counter_supported(b->cg, "peak_since_reset", &err) < 0)
		skip(b, "%s", err.text);
	else if (cg_host_version(b->cg, "memory") == CG_V2 &&
		 !cg_file_writable(b->cg, "memory.peak"))
		skip(b, "reset_peak: memory.peak of this kernel cannot be reset (since 6.12)");
}

/* ---- watch --------------------------------------------------------------------------------- */

struct trigger {
	struct plan_target *target;
	const char *which;
	uint64_t stall_ns, window_ns;
};

static void trigger_some(struct build *b, const struct node *value, void *data)
{
	struct trigger *trigger = data;

	trigger->which = "some";
	read_duration(b, value, "some", &trigger->stall_ns);
}

static void trigger_full(struct build *b, const struct node *value, void *data)
{
	struct trigger *trigger = data;

	trigger->which = "full";
	read_duration(b, value, "full", &trigger->stall_ns);
}

static void trigger_in(struct build *b, const struct node *value, void *data)
{
	read_duration(b, value, "in", &((struct trigger *)data)->window_ns);
}

/* The kernel takes windows of 0.5 to 10 s and stalls up to the window (kernel/sched/psi.c). */
static void read_trigger(struct build *b, const struct node *value, struct plan_target *target)
{
	static const char form[] = "a map such as {some: 50ms, in: 1s}, in 500ms to 10s";
	static const struct key keys[] = {{"some", trigger_some, false},
					  {"full", trigger_full, false},
					  {"in", trigger_in, true},
					  {NULL, NULL, false}};
	struct trigger trigger = {.target = target};

	if (value->kind != NODE_MAP || value->n != 2) {
		bad(b, value, "watch", form);
		return;
	}
	read_keys(b, value, "'watch'", keys, NULL, &trigger);
	if (!trigger.which || trigger.window_ns < 500000000ULL ||
	    trigger.window_ns > 10000000000ULL || trigger.stall_ns == 0 ||
	    trigger.stall_ns > trigger.window_ns)
		bad(b, value, "watch", form);
	target->trigger = arena_printf(b->arena, "%s %llu %llu", trigger.which ?: "some",
				       (unsigned long long)trigger.stall_ns / 1000,
				       (unsigned long long)trigger.window_ns / 1000);
}

void read_watch(struct build *b, const struct node *value, struct plan_step *step)
{
	struct err err = ERR_INIT;

	if (value->kind != NODE_MAP || value->n == 0) {
		bad(b, value, "watch", "a map such as {victims: {some: 50ms, in: 1s}}");
		return;
	}
	for (size_t i = 0; i < value->n; i++) {
		int group = find_group(b, &value->keys[i], value->keys[i].text);
		if (group < 0)
			continue;
		struct plan_target *target = add_target(b, step);
		target->group = group;
		read_trigger(b, &value->items[i], target);
	}
	if (b->facts->no_psi[0])
		skip(b, "needs memory pressure (PSI): %s", b->facts->no_psi);
	else if (b->cg && cg_counter_supported(b->cg, "pressure_some_us", &err) < 0)
		skip(b, "%s", err.text);
}

/* ---- step, free ---------------------------------------------------------------------------- */

static uint64_t task_limit(const struct build *b, int task)
{
	return task < 0 ? UINT64_MAX : effective_limit(b, b->limit_now, b->group_now[task]);
}

static void alloc_task(struct build *b, const struct node *value, void *data)
{
	struct plan_step *step = data;
	const char *name;

	if (!read_scalar(b, value, "task", "the name of a task", &name))
		return;
	step->task = find_task(b, value, name);
	if (step->task < 0)
		return;
	const struct wl *wl = b->plan->tasks[step->task].wl;
	bool frees = step->kind == PLAN_FREE;
	const char *verb = frees ? "free" : "step";
	if (!wl)
		diag_add(b->diags, b->file, value,
			 "%s: task '%s' is a command, expected a workload that can be told", verb,
			 name);
	else if (frees ? !wl->free : !wl->alloc)
		diag_add(b->diags, b->file, value, "%s: workload '%s' of task '%s' cannot %s", verb,
			 wl->name, name, frees ? "give memory back" : "allocate when told");
}

/* What fits is computed from the limit. */
static void needs_limit(struct build *b, const struct node *value, const struct plan_step *step,
			const char *what)
{
	if (step->task >= 0 && task_limit(b, step->task) == UINT64_MAX)
		diag_add(b->diags, b->file, value,
			 "%s: the group of task '%s' has no memory.max to compute from", what,
			 b->task_names[step->task]);
}

/* What fits can be computed to the page only for a hog that stays on one CPU, since each CPU has a
 * batch of charges of its own. A 'cpu:' of the task's own is left as it is. */
static void compute_exactly(struct build *b, const struct node *value, const struct plan_step *step,
			    const char *what)
{
	needs_limit(b, value, step, what);
	if (step->task >= 0 && b->plan->tasks[step->task].cpu < 0)
		b->plan->tasks[step->task].cpu = 0;
}

static void alloc_size(struct build *b, const struct node *value, void *data)
{
	struct plan_step *step = data;
	char bytes[PARSE_TEXT_MAX];

	if (value->kind == NODE_SCALAR &&
	    str_eq(value->text, step->kind == PLAN_FREE ? "all" : "rest")) {
		step->bytes = UINT64_MAX;
		if (step->kind == PLAN_ALLOC)
			compute_exactly(b, value, step, "size 'rest'");
		return;
	}
	MEM_AUTO char *owner = mem_printf("the group of task '%s'",
					  step->task < 0 ? "?" : b->task_names[step->task]);
	uint64_t whole = step->task < 0 ? UINT64_MAX : memory_of(b, b->group_now[step->task]);
	if (!read_part(b, value, "size", whole, owner, &step->bytes))
		return;
	if (step->bytes == 0 || step->bytes == UINT64_MAX)
		diag_add(b->diags, b->file, value,
			 "size, expected something between one page and all, got '%s'",
			 format_size(step->bytes, bytes));
}

static void alloc_times(struct build *b, const struct node *value, void *data)
{
	read_u64(b, value, "times", 1, TIMES_MAX, &((struct plan_step *)data)->times);
}

static void alloc_until(struct build *b, const struct node *value, void *data)
{
	static const char *const words[] = {
		[PLAN_UNTIL_DONE] = "done",
		[PLAN_UNTIL_BLOCKED] = "blocked",
		[PLAN_UNTIL_KILLED] = "killed",
		[PLAN_UNTIL_DEAD] = "dead",
		[PLAN_UNTIL_ERROR] = "error",
		[PLAN_UNTIL_SENT] = "sent",
		NULL,
	};
	int word;

	if (read_choice(b, value, "until", words, &word))
		((struct plan_step *)data)->until = (enum plan_until)word;
}

static void alloc_exact(struct build *b, const struct node *value, void *data)
{
	struct plan_step *step = data;

	if (read_bool(b, value, "exact", &step->exact) && step->exact)
		compute_exactly(b, value, step, "exact");
}

void read_alloc(struct build *b, const struct node *value, struct plan_step *step)
{
	static const struct key keys[] = {
		{"task", alloc_task, true},    {"size", alloc_size, true},
		{"times", alloc_times, false}, {"until", alloc_until, false},
		{"exact", alloc_exact, false}, {NULL, NULL, false}};

	if (value->kind != NODE_MAP) {
		bad(b, value, "step", "a map such as {task: alloc_1, size: 10M}");
		return;
	}
	read_keys(b, value, "'step'", keys, NULL, step);
	if (step->until == PLAN_UNTIL_SENT && step->times > 1)
		diag_add(
			b->diags, b->file, value,
			"times, expected 1 with 'until: sent': a task takes one command at a time");
}

void read_free(struct build *b, const struct node *value, struct plan_step *step)
{
	static const struct key keys[] = {{"task", alloc_task, true},
					  {"size", alloc_size, false},
					  {"times", alloc_times, false},
					  {"until", alloc_until, false},
					  {NULL, NULL, false}};

	step->bytes = UINT64_MAX;
	if (value->kind != NODE_MAP) {
		bad(b, value, "free", "a map such as {task: alloc_1, size: all}");
		return;
	}
	read_keys(b, value, "'free'", keys, NULL, step);
	if (step->until != PLAN_UNTIL_DONE && step->until != PLAN_UNTIL_SENT)
		diag_add(b->diags, b->file, value,
			 "until, expected done or sent: giving memory back cannot end otherwise");
}

static void fill_kills(struct build *b, const struct node *value, void *data)
{
	struct plan_step *step = data;

	if (value->kind == NODE_SCALAR && str_eq(value->text, "all"))
		step->times = UINT64_MAX;
	else
		read_u64(b, value, "kills", 1, TIMES_MAX, &step->times);
}

static void fill_left(struct build *b, const struct node *value, void *data)
{
	read_u64(b, value, "left", 1, TIMES_MAX, &((struct plan_step *)data)->left);
}

void read_fill(struct build *b, const struct node *value, struct plan_step *step)
{
	static const struct key keys[] = {{"task", alloc_task, true},
					  {"kills", fill_kills, false},
					  {"left", fill_left, false},
					  {NULL, NULL, false}};

	step->bytes = UINT64_MAX;
	step->left = 1;
	if (value->kind != NODE_MAP) {
		bad(b, value, "fill", "a map such as {task: filler, kills: 10, left: 2}");
		return;
	}
	read_keys(b, value, "'fill'", keys, NULL, step);
	needs_limit(b, value, step, "fill");
}
