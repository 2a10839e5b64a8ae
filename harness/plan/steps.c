/*
 * 'steps': the table of kinds; their readers are here and in step_*.c. Whether a step can happen at
 * its place is checked afterwards, in check.c; expectations are read by harness/judge/.
 */
#include "harness/plan/steps.h"

enum { REPEAT_DEPTH_MAX = 4 };

struct plan_target *add_target(struct build *b, struct plan_step *step)
{
	step->targets =
		arena_grow(b->arena, step->targets, step->n_targets, sizeof(*step->targets));
	struct plan_target *target = &step->targets[step->n_targets++];
	*target = (struct plan_target){.task = -1, .group = -1};
	return target;
}

/* ---- swap, expect, repeat ------------------------------------------------------------------ */

static void read_swap(struct build *b, const struct node *value, struct plan_step *step)
{
	enum plan_swap swap = b->plan->host.swap;

	read_bool(b, value, "swap", &step->swap_on);
	if (swap != PLAN_SWAP_FILE && swap != PLAN_SWAP_ZRAM)
		diag_add(
			b->diags, b->file, value,
			"swap: the scenario has no swap of its own, expected 'host: {swap: SIZE}'");
}

/* 'f' has the OOM killer kill somebody, whatever is free. */
static void read_sysrq(struct build *b, const struct node *value, struct plan_step *step)
{
	static const char *const keys[] = {"f", NULL};
	int key;

	if (read_choice(b, value, "sysrq", keys, &key))
		step->key = keys[key][0];
	if (!b->plan->vm)
		diag_add(b->diags, b->file, value,
			 "sysrq: it kills any process of the machine, expected 'needs: {vm: yes}'");
}

/* The counters that expectations ask for, each pair once. */
static int counter_index(void *data, int group, const char *name)
{
	struct build *b = data;
	struct plan *plan = b->plan;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < plan->n_counters; i++)
		if (plan->counters[i].group == group && str_eq(plan->counters[i].name, name))
			return (int)i;
	if (b->dropped)
		return 0;
	if (b->cg && !b->facts->no_groups[0] && cg_counter_supported(b->cg, name, &err) < 0)
		skip(b, "%s", err.text);
	plan->counters =
		arena_grow(b->arena, plan->counters, plan->n_counters, sizeof(*plan->counters));
	plan->counters[plan->n_counters] = (struct plan_counter){group, arena_dup(b->arena, name)};
	return (int)plan->n_counters++;
}

/* The map without what the judge does not know. */
static struct node without_conditions(struct build *b, const struct node *map)
{
	struct node rest = *map;

	rest.keys = arena_zero(b->arena, map->n + 1, sizeof(*rest.keys));
	rest.items = arena_zero(b->arena, map->n + 1, sizeof(*rest.items));
	rest.n = 0;
	for (size_t i = 0; i < map->n; i++) {
		if (str_eq(map->keys[i].text, "when") || str_eq(map->keys[i].text, "unless"))
			continue;
		rest.keys[rest.n] = map->keys[i];
		rest.items[rest.n++] = map->items[i];
	}
	return rest;
}

/* Without our pids in it the log cannot be read either. */
static void need_log(struct build *b)
{
	const char *why = b->facts->no_kmsg;

	if (!why[0] && !b->facts->init_pid_ns)
		why = "its pids are not those of this pid namespace; run outside of containers, "
		      "or with --pid=host";
	if (why[0])
		skip(b, "needs the kernel's log for 'order', 'log' and kills of children: %s", why);
}

struct expect *read_expectations(struct build *b, const struct node *value, const char *what)
{
	size_t n = b->plan->n_groups;
	uint64_t *limits = arena_zero(b->arena, n + 1, sizeof(*limits));
	struct judge_scope scope = {
		.file = b->file,
		.n_tasks = b->plan->n_tasks,
		.n_groups = n,
		.tasks = b->task_names,
		.groups = b->group_names,
		.group_limits = limits,
		.machine_bytes = b->plan->vm ? b->facts->mem_available_bytes : UINT64_MAX,
		.counter = counter_index,
		.data = b,
	};

	struct expect *expect = NULL;

	if (value->kind != NODE_MAP) {
		bad(b, value, what, "a map such as {killed: [alloc_1], alive: [alloc_2]}");
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		limits[i] = effective_limit(b, b->limit_now, (int)i);
	struct node *rest = arena_zero(b->arena, 1, sizeof(*rest));
	*rest = without_conditions(b, value);
	if (judge_parse(rest, &scope, &expect, b->diags) < 0)
		return NULL;
	if (judge_wants(expect) & JUDGE_WANTS_LOG)
		need_log(b);
	return expect;
}

static void read_expect(struct build *b, const struct node *value, struct plan_step *step)
{
	step->expect = read_expectations(b, value, "expect");
}

static void read_steps(struct build *b, const struct node *list, int depth, struct plan_step **ret,
		       size_t *ret_n);

struct repeating {
	struct plan_step *step;
	int depth;
};

static void repeat_times(struct build *b, const struct node *value, void *data)
{
	read_u64(b, value, "times", 1, TIMES_MAX, &((struct repeating *)data)->step->times);
}

static void repeat_steps(struct build *b, const struct node *value, void *data)
{
	struct repeating *repeating = data;

	if (repeating->depth >= REPEAT_DEPTH_MAX) {
		diag_add(b->diags, b->file, value, "repeat, expected at most %d inside each other",
			 REPEAT_DEPTH_MAX);
		return;
	}
	read_steps(b, value, repeating->depth + 1, &repeating->step->steps,
		   &repeating->step->n_steps);
}

static void read_repeat(struct build *b, const struct node *value, struct plan_step *step,
			int depth)
{
	static const struct key keys[] = {
		{"times", repeat_times, true}, {"steps", repeat_steps, true}, {NULL, NULL, false}};
	struct repeating repeating = {step, depth};

	if (value->kind != NODE_MAP) {
		bad(b, value, "repeat", "a map such as {times: 10, steps: [...]}");
		return;
	}
	read_keys(b, value, "'repeat'", keys, NULL, &repeating);
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct step_kind {
	const char *name;
	enum plan_step_kind kind;
	void (*read)(struct build *b, const struct node *value, struct plan_step *step);
} kinds[] = {
	{"set", PLAN_SET, read_set},
	{"step", PLAN_ALLOC, read_alloc},
	{"free", PLAN_FREE, read_free},
	{"fill", PLAN_FILL, read_fill},
	{"start", PLAN_START, read_start},
	{"spawn", PLAN_SPAWN, read_spawn},
	{"signal", PLAN_SIGNAL, read_signals},
	{"move", PLAN_MOVE, read_move},
	{"oom_score_adj", PLAN_ADJ, read_adj},
	{"nice", PLAN_NICE, read_nice},
	{"quit", PLAN_QUIT, read_quit},
	{"swap", PLAN_SWAP, read_swap},
	{"remove", PLAN_REMOVE, read_remove},
	{"expect", PLAN_EXPECT, read_expect},
	{"decide", PLAN_DECIDE, read_decide},
	{"sysrq", PLAN_SYSRQ, read_sysrq},
	{"watch", PLAN_WATCH, read_watch},
	{"reset_peak", PLAN_RESET, read_reset},
	{"trace", PLAN_TRACE, read_trace},
	{"repeat", PLAN_REPEAT, NULL}, /* reads steps itself, with its depth */
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool is_condition(const char *key)
{
	return str_eq(key, "when") || str_eq(key, "unless");
}

/* The one key that says what the step does. */
static const struct step_kind *kind_of(struct build *b, const struct node *map, size_t *ret_at)
{
	const char *names[N_KINDS + 1] = {0};
	const struct step_kind *found = NULL;
	size_t n = 0;

	for (size_t k = 0; k < N_KINDS; k++)
		names[k] = kinds[k].name;
	for (size_t i = 0; i < map->n; i++) {
		const struct step_kind *kind = NULL;
		if (is_condition(map->keys[i].text))
			continue;
		n++;
		for (size_t k = 0; k < N_KINDS; k++)
			if (str_eq(kinds[k].name, map->keys[i].text))
				kind = &kinds[k];
		if (!kind)
			bad_name(b, &map->keys[i], "step", map->keys[i].text, names);
		else if (found)
			diag_add(b->diags, b->file, &map->keys[i],
				 "'%s' and '%s' in one step, expected a '-' before each",
				 found->name, kind->name);
		else
			found = kind;
		*ret_at = kind == found ? i : *ret_at;
	}
	if (n == 0)
		bad(b, map, "step", "a map with one key such as 'set' or 'expect'");
	return found;
}

static void read_step(struct build *b, const struct node *map, int depth, struct plan_step **steps,
		      size_t *n)
{
	struct plan_step step = {.at = map, .task = -1, .times = 1};
	size_t at = 0;

	if (map->kind != NODE_MAP || map->n == 0) {
		bad(b, map, "step", "a map with one key such as 'set' or 'expect'");
		return;
	}
	const struct step_kind *kind = kind_of(b, map, &at);
	if (!kind)
		return;
	const struct node *value = &map->items[at];
	bool keep = build_when(b, map) && (kind->kind != PLAN_EXPECT || build_when(b, value));
	step.kind = kind->kind;
	b->dropped += !keep;
	if (kind->read)
		kind->read(b, value, &step);
	else
		read_repeat(b, value, &step, depth);
	b->dropped -= !keep;
	if (!keep) {
		free_expects(&step, 1);
		return;
	}
	*steps = arena_grow(b->arena, *steps, *n, sizeof(**steps));
	(*steps)[(*n)++] = step;
}

static void read_steps(struct build *b, const struct node *list, int depth, struct plan_step **ret,
		       size_t *ret_n)
{
	if (list->kind != NODE_LIST || list->n == 0) {
		bad(b, list, "steps", "a list of steps");
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		read_step(b, &list->items[i], depth, ret, ret_n);
}

void build_steps(struct build *b, const struct node *steps)
{
	read_steps(b, steps, 0, &b->plan->steps, &b->plan->n_steps);
}

static void walk(const struct plan_step *steps, size_t n, bool *stepped)
{
	for (size_t i = 0; i < n; i++) {
		if (steps[i].task >= 0)
			stepped[steps[i].task] = true;
		walk(steps[i].steps, steps[i].n_steps, stepped);
	}
}

void find_stepped(const struct build *b, bool *stepped)
{
	walk(b->plan->steps, b->plan->n_steps, stepped);
}

void free_expects(struct plan_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		judge_free(steps[i].expect);
		for (int side = 0; side < DECIDE_SIDES; side++)
			judge_free(steps[i].sides[side]);
		free_expects(steps[i].steps, steps[i].n_steps);
	}
}

void need_to_lower(struct build *b, int64_t adj)
{
	if (adj < 0 && !b->facts->cap_sys_resource)
		skip(b, "needs CAP_SYS_RESOURCE to set an oom_score_adj below 0 (run as root in a "
			"container or VM that keeps it)");
}
