/*
 * What can be said of expectations without knowing what they mean in full: that they name tasks
 * and groups that can still be there. Their meaning is harness/judge/'s.
 */
#include "harness/plan/check.h"

/* Calls fn for every name that a list, a scalar or the keys of a map name without a pattern. */
static void each_name(struct check *check, const struct node *value, const char *const *names,
		      void (*fn)(struct check *check, int index, const struct node *at))
{
	const struct node *items = value->kind == NODE_SCALAR ? value
				   : value->kind == NODE_MAP  ? value->keys
							      : value->items;
	size_t n = value->kind == NODE_SCALAR ? 1 : value->n;

	for (size_t i = 0; i < n; i++)
		for (int k = 0; items[i].kind == NODE_SCALAR && names[k]; k++)
			if (str_eq(items[i].text, names[k]))
				fn(check, k, &items[i]);
}

static void on_killed(struct check *check, int task, const struct node *at)
{
	bool known = check->tasks[task].unclaimed || check_is_there(check, task, at, "killed");

	if (known && !check->plan->dangerous &&
	    !check_above(check, task, offsetof(struct place, limited)))
		NEVER(check, at,
		      "killed can never happen: no group of task '%s' has a limit (memory.max)",
		      check->plan->tasks[task].name);
}

static void on_alive(struct check *check, int task, const struct node *at)
{
	check_is_there(check, task, at, "alive");
}

static void could_pause(struct check *check, int task, const struct node *at, const char *what)
{
	if (check_is_there(check, task, at, what) &&
	    !check_above(check, task, offsetof(struct place, ever_disabled)))
		NEVER(check, at,
		      "%s can never happen: task '%s' never pauses, no group of it has its OOM "
		      "killer disabled before (memory.oom_control: disabled)",
		      what, check->plan->tasks[task].name);
}

static void on_blocked(struct check *check, int task, const struct node *at)
{
	could_pause(check, task, at, "blocked");
}

static void on_resumed(struct check *check, int task, const struct node *at)
{
	could_pause(check, task, at, "resumed");
}

static void on_group(struct check *check, int group, const struct node *at)
{
	check_exists(check, group, at, "expectation");
}

static void die_killed(struct check *check, int task, const struct node *at)
{
	check->tasks[task].unclaimed = false;
	check_die(check, task, at, "was to be killed");
}

static void die_exited(struct check *check, int task, const struct node *at)
{
	check_die(check, task, at, "was to exit");
}

static const struct rule {
	const char *key;
	bool groups; /* it names groups, else tasks */
	bool counts; /* also where it is a map (names: values) */
	void (*fn)(struct check *check, int index, const struct node *at);
	bool after; /* it says what is true from here on */
} rules[] = {
	{"killed", false, false, on_killed, false},   {"alive", false, true, on_alive, false},
	{"blocked", false, true, on_blocked, false},  {"resumed", false, true, on_resumed, false},
	{"counters", true, true, on_group, false},    {"usage", true, true, on_group, false},
	{"group_empty", true, true, on_group, false}, {"notified", true, true, on_group, false},
	{"killed", false, false, die_killed, true},   {"exited", false, true, die_exited, true},
};

static void apply(struct check *check, const struct node *map, bool after)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		const struct node *value = node_get(map, rule->key);
		if (!value || rule->after != after || (value->kind == NODE_MAP && !rule->counts))
			continue;
		each_name(check, value, rule->groups ? check->b->group_names : check->b->task_names,
			  rule->fn);
	}
}

static void may_go_on(struct check *check, const struct node *map)
{
	if (node_get(map, "killed") || node_get(map, "resumed") || node_get(map, "exited"))
		check_all_may_go_on(check);
}

void check_expect(struct check *check, const struct plan_step *step)
{
	const struct node *map = node_get(step->at, "expect");

	apply(check, map, false);
	apply(check, map, true);
	may_go_on(check, map);
}

/* Which side comes true is open, so neither is certain afterwards. */
void check_decide(struct check *check, const struct plan_step *step)
{
	const struct node *map = node_get(step->at, "decide");

	for (int side = 0; map && side < DECIDE_SIDES; side++) {
		const struct node *body = node_get(map, judge_side_name(side));
		if (!body)
			continue;
		apply(check, body, false);
		may_go_on(check, body);
	}
}
