/*
 * Expectations about groups: counters, usage, notifications, emptiness; and swap in use.
 */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/judge/row.h"

/* ---- counters ------------------------------------------------------------------------------- */

static const char *const byte_counters[] = {"usage", "peak",	   "peak_since_reset",
					    "kmem",  "swap_usage", NULL};

/* What can fall again; all other counters only rise, so an exact value that was passed is lost. */
static const char *const falling[] = {
	"usage",  "kmem", "swap_usage", "peak_since_reset", "under_oom", "oom_kill_disable",
	"frozen", "pids", NULL};

static bool listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool only_rises(const char *name)
{
	return !listed(falling, name) && !str_starts(name, "stat.");
}

static void parse_counter(struct parse *parse, int group, const struct node *name,
			  const struct node *value)
{
	const struct judge_scope *scope = parse->scope;
	struct compare_rules rules = {.delta = true, .whole = scope->group_limits[group]};
	int counter = scope->counter(scope->data, group, name->text);

	if (counter < 0) {
		row_mistake(parse, name,
			    "unknown counter '%s', expected one such as oom_kill, "
			    "under_oom, usage, failcnt, events.NAME or stat.NAME",
			    name->text);
		return;
	}
	if (listed(byte_counters, name->text))
		rules.unit = COMPARE_SIZE;
	else
		rules.unit = str_starts(name->text, "stat.") ? COMPARE_EITHER : COMPARE_COUNT;
	struct item *item = row_item(parse, name);
	item->group = group;
	item->counter = counter;
	row_compare(parse, value, &rules, &item->compare);
}

static void parse_counters_of(struct parse *parse, int group, const struct node *key,
			      const struct node *value)
{
	(void)key;
	if (!row_map(parse, value, "a map of counter: value, e.g. {oom_kill: +1}"))
		return;
	for (size_t i = 0; i < value->n; i++)
		parse_counter(parse, group, &value->keys[i], &value->items[i]);
}

void row_parse_counters(struct parse *parse, const struct node *value)
{
	row_group_pairs(parse, value, "a map of group: {counter: value}", parse_counters_of);
}

enum judge_state row_eval_counters(const struct item *item, const struct world *world,
				   struct finding *ret)
{
	const struct world_counter *counter = &world->counters[item->counter];
	const char *group = world->groups[item->group].name;
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));
	char text[COMPARE_TEXT_MAX];

	tell_add(&expected, "%s of '%s' %s", counter->name, group,
		 compare_format(&item->compare, text));
	tell_group(&seen, &world->groups[item->group]);
	if (counter->error) {
		tell_add(&got, "cannot be read: %s", counter->error);
		return JUDGE_WAIT;
	}
	tell_add(&got, "%s",
		 compare_format_value(&item->compare, counter->now, counter->mark, text));
	if (compare_holds(&item->compare, counter->now, counter->mark))
		return JUDGE_HOLDS;
	if (only_rises(counter->name) &&
	    !compare_reachable(&item->compare, counter->now, counter->mark))
		return JUDGE_FAILS;
	return JUDGE_WAIT;
}

/* ---- usage ---------------------------------------------------------------------------------- */

static void parse_usage_pair(struct parse *parse, int index, const struct node *key,
			     const struct node *value)
{
	struct compare_rules rules = {
		.unit = COMPARE_SIZE,
		.whole = parse->scope->group_limits[index],
	};
	struct item *item = row_item(parse, key);

	item->group = index;
	row_compare(parse, value, &rules, &item->compare);
}

void row_parse_usage(struct parse *parse, const struct node *value)
{
	row_group_pairs(parse, value, "a map of group: size", parse_usage_pair);
}

enum judge_state row_eval_usage(const struct item *item, const struct world *world,
				struct finding *ret)
{
	const struct world_group *group = &world->groups[item->group];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));
	char text[COMPARE_TEXT_MAX], limit[PARSE_TEXT_MAX];

	tell_add(&expected, "usage of '%s' %s", group->name, compare_format(&item->compare, text));
	tell_group(&seen, group);
	if (group->usage_bytes == UINT64_MAX) {
		tell_add(&got, "it was not read");
		return JUDGE_WAIT;
	}
	tell_add(&got, "%s (limit %s)",
		 compare_format_value(&item->compare, group->usage_bytes, 0, text),
		 format_size(group->limit_bytes, limit));
	return compare_holds(&item->compare, group->usage_bytes, 0) ? JUDGE_HOLDS : JUDGE_WAIT;
}

/* ---- notified ------------------------------------------------------------------------------- */

static void parse_notified_pair(struct parse *parse, int index, const struct node *key,
				const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT, .delta = true};
	struct item *item = row_item(parse, key);

	item->group = index;
	row_compare(parse, value, &rules, &item->compare);
}

void row_parse_notified(struct parse *parse, const struct node *value)
{
	row_group_pairs(parse, value, "a map of group: number, e.g. {victims: +1}",
			parse_notified_pair);
}

static enum judge_state eval_events(const struct item *item, const struct world_group *group,
				    const char *what, uint64_t now, uint64_t mark,
				    struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));
	char text[COMPARE_TEXT_MAX];

	tell_add(&expected, "%s of '%s' %s", what, group->name,
		 compare_format(&item->compare, text));
	tell_add(&got, "%s", compare_format_value(&item->compare, now, mark, text));
	tell_group(&seen, group);
	if (compare_holds(&item->compare, now, mark))
		return JUDGE_HOLDS;
	return compare_reachable(&item->compare, now, mark) ? JUDGE_WAIT : JUDGE_FAILS;
}

enum judge_state row_eval_notified(const struct item *item, const struct world *world,
				   struct finding *ret)
{
	const struct world_group *group = &world->groups[item->group];

	return eval_events(item, group, "notifications", group->notifications,
			   group->notifications_mark, ret);
}

/* ---- pressure ------------------------------------------------------------------------------- */

void row_parse_pressure(struct parse *parse, const struct node *value)
{
	row_group_pairs(parse, value, "a map of group: number, e.g. {victims: '>=1'}",
			parse_notified_pair);
}

enum judge_state row_eval_pressure(const struct item *item, const struct world *world,
				   struct finding *ret)
{
	const struct world_group *group = &world->groups[item->group];

	return eval_events(item, group, "stalls told", group->pressures, group->pressures_mark,
			   ret);
}

/* ---- group_empty ---------------------------------------------------------------------------- */

static void add_groups(struct parse *parse, const struct node *at)
{
	int *found MEM_AUTO = NULL;
	const char *text = row_text(parse, at, "a group's name");
	size_t n = text ? row_names(parse, at, "group", text, &found) : 0;

	for (size_t i = 0; i < n; i++)
		row_item(parse, at)->group = found[i];
}

void row_parse_groups(struct parse *parse, const struct node *value)
{
	if (value->kind == NODE_SCALAR) {
		add_groups(parse, value);
		return;
	}
	if (value->kind != NODE_LIST || value->n == 0) {
		row_mistake(parse, value, "expected a group's name or a list of them");
		return;
	}
	for (size_t i = 0; i < value->n; i++)
		add_groups(parse, &value->items[i]);
}

static void tell_inhabitants(struct tell *out, const struct world *world, int group)
{
	for (size_t i = 0; i < world->n_tasks; i++) {
		const struct world_task *task = &world->tasks[i];
		if (task->group != group || task->life != WORLD_RUNNING)
			continue;
		tell_next(out, ", ");
		tell_task(out, task);
	}
}

enum judge_state row_eval_group_empty(const struct item *item, const struct world *world,
				      struct finding *ret)
{
	const struct world_group *group = &world->groups[item->group];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));

	tell_add(&expected, "nobody in '%s'", group->name);
	if (!group->populated || !group->exists) {
		tell_add(&got, group->exists ? "nobody" : "nobody, the group is removed");
		return JUDGE_HOLDS;
	}
	tell_add(&got, "live processes inside or below");
	tell_inhabitants(&seen, world, item->group);
	return JUDGE_WAIT;
}

/* ---- swap_used ------------------------------------------------------------------------------ */

static void parse_swap_pair(struct parse *parse, int index, const struct node *key,
			    const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_SIZE};
	struct item *item = row_item(parse, key);

	item->task = index;
	item->machine = index < 0;
	row_compare(parse, value, &rules, &item->compare);
}

/* 'machine' is no task: it is taken out before names are looked up. */
void row_parse_swap_used(struct parse *parse, const struct node *value)
{
	if (!row_map(parse, value, "a map of task, or machine: size"))
		return;
	for (size_t i = 0; i < value->n; i++) {
		int *found MEM_AUTO = NULL;
		const struct node *key = &value->keys[i];
		if (strcmp(key->text, "machine") == 0) {
			parse_swap_pair(parse, -1, key, &value->items[i]);
			continue;
		}
		size_t n = row_names(parse, key, "task", key->text, &found);
		for (size_t j = 0; j < n; j++)
			parse_swap_pair(parse, found[j], key, &value->items[i]);
	}
}

enum judge_state row_eval_swap_used(const struct item *item, const struct world *world,
				    struct finding *ret)
{
	const struct world_task *task = item->machine ? NULL : &world->tasks[item->task];
	uint64_t used = task ? task->vm_swap_bytes : world->swap_used_bytes;
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char text[COMPARE_TEXT_MAX];

	tell_add(&expected, "swap used by %s %s", task ? task->name : "the machine",
		 compare_format(&item->compare, text));
	if (task && used == UINT64_MAX) {
		tell_task(&got, task);
		tell_add(&got, ", its swap was not read");
		return world_task_dead(task) ? JUDGE_FAILS : JUDGE_WAIT;
	}
	tell_add(&got, "%s", compare_format_value(&item->compare, used, 0, text));
	return compare_holds(&item->compare, used, 0) ? JUDGE_HOLDS : JUDGE_WAIT;
}
