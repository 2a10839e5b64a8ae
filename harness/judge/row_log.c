/*
 * 'log': what the kernel's long report says about a kill: victim, constraint, the group that hit
 * its limit, the group of the victim. The kernel prints at most 10 such reports in 5 s; the
 * "Killed process" line is not limited, so a missing report is told apart from a missing kill.
 */
#include <string.h>

#include "base/str.h"
#include "harness/judge/row.h"

static const char *const constraints[] = {"CONSTRAINT_NONE", "CONSTRAINT_CPUSET",
					  "CONSTRAINT_MEMORY_POLICY", "CONSTRAINT_MEMCG", NULL};

static void parse_victim(struct parse *parse, struct item *item, const struct node *value)
{
	int *found MEM_AUTO = NULL;
	size_t n = row_process(parse, value, &found, &item->child);

	if (n > 1)
		row_mistake(parse, value, "'%s' means %zu tasks, expected one", value->text, n);
	if (n == 1)
		item->task = found[0];
}

static void parse_constraint(struct parse *parse, struct item *item, const struct node *value)
{
	const char *text = row_text(parse, value, "a constraint such as CONSTRAINT_MEMCG");

	if (!text)
		return;
	for (const char *const *known = constraints; *known; known++)
		if (strcmp(*known, text) == 0)
			item->text = *known;
	if (!item->text)
		row_mistake(parse, value,
			    "unknown constraint '%s', expected CONSTRAINT_NONE, _CPUSET, "
			    "_MEMORY_POLICY or _MEMCG",
			    text);
}

static void parse_group(struct parse *parse, struct item *item, const struct node *value)
{
	item->group = row_group_name(parse, value);
}

static void parse_victim_group(struct parse *parse, struct item *item, const struct node *value)
{
	item->other = row_group_name(parse, value);
}

struct log_key {
	const char *key;
	void (*parse)(struct parse *parse, struct item *item, const struct node *value);
};

static const struct log_key log_keys[] = {
	{"victim", parse_victim},
	{"constraint", parse_constraint},
	{"group", parse_group},
	{"victim_group", parse_victim_group},
};

static void parse_one(struct parse *parse, const struct node *map)
{
	const size_t n_keys = sizeof(log_keys) / sizeof(*log_keys);

	if (!row_map(parse, map, "a map of victim, constraint, group, victim_group"))
		return;
	struct item *item = row_item(parse, map);
	for (size_t i = 0; i < map->n; i++) {
		size_t k = 0;
		while (k < n_keys && strcmp(log_keys[k].key, map->keys[i].text) != 0)
			k++;
		if (k < n_keys)
			log_keys[k].parse(parse, item, &map->items[i]);
		else
			row_mistake(parse, &map->keys[i],
				    "unknown key '%s', expected victim, "
				    "constraint, group or victim_group",
				    map->keys[i].text);
	}
}

void row_parse_log(struct parse *parse, const struct node *value)
{
	if (value->kind != NODE_LIST) {
		parse_one(parse, value);
		return;
	}
	for (size_t i = 0; i < value->n; i++)
		parse_one(parse, &value->items[i]);
}

/* ---- judgement ------------------------------------------------------------------------------ */

static bool is_victim(const struct item *item, const struct world_kill *kill)
{
	if (item->task < 0)
		return world_kill_ours(kill);
	if (item->task != kill->task)
		return false;
	if (item->child == CHILD_ANY)
		return kill->child >= 0;
	return item->child == kill->child;
}

static bool path_is(const struct world *world, int group, const char *path)
{
	return group < 0 || str_eq(world->groups[group].kernel_path, path);
}

static bool report_fits(const struct item *item, const struct world *world,
			const struct world_kill *kill)
{
	return (!item->text || strcmp(item->text, kill->constraint) == 0) &&
	       path_is(world, item->group, kill->oom_memcg) &&
	       path_is(world, item->other, kill->task_memcg);
}

static void tell_victim(struct tell *out, const struct item *item, const struct world *world)
{
	if (item->task < 0)
		tell_add(out, "any victim of ours");
	else if (item->child == CHILD_ANY)
		tell_add(out, "a child of %s", world->tasks[item->task].name);
	else if (item->child >= 0)
		tell_add(out, "child %d of %s", item->child, world->tasks[item->task].name);
	else
		tell_add(out, "%s", world->tasks[item->task].name);
}

static void tell_expected(struct tell *out, const struct item *item, const struct world *world)
{
	tell_add(out, "victim ");
	tell_victim(out, item, world);
	if (item->text)
		tell_add(out, ", %s", item->text);
	if (item->group >= 0)
		tell_add(out, ", oom_memcg=%s", world->groups[item->group].kernel_path);
	if (item->other >= 0)
		tell_add(out, ", task_memcg=%s", world->groups[item->other].kernel_path);
}

static void tell_report(struct tell *out, const struct world *world, const struct world_kill *kill)
{
	tell_next(out, "; ");
	tell_add(out, "victim ");
	tell_process(out, world, kill);
	if (kill->has_report)
		tell_add(out, ", %s, oom_memcg=%s, task_memcg=%s", kill->constraint,
			 kill->oom_memcg, kill->task_memcg);
	else if (kill->by_line)
		tell_add(out,
			 ": its 'Killed process' line, but no long report: not seen, the kernel "
			 "prints at most 10 reports in 5 s");
	else
		tell_add(out, ": no line of the kernel about it");
}

/* A child or any victim: another may still fit. One process dies once. */
static bool one_process(const struct item *item)
{
	return item->task >= 0 && item->child != CHILD_ANY;
}

enum judge_state row_eval_log(const struct item *item, const struct world *world,
			      struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	enum judge_state state = JUDGE_WAIT;

	tell_expected(&expected, item, world);
	for (size_t i = world->kills_mark; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!is_victim(item, kill))
			continue;
		if (kill->has_report && report_fits(item, world, kill)) {
			got = tell_into(ret->got, sizeof(ret->got));
			tell_report(&got, world, kill);
			return JUDGE_HOLDS;
		}
		if (kill->has_report && one_process(item))
			state = JUDGE_FAILS;
		ret->unlogged = ret->unlogged || (kill->by_line && !kill->has_report);
		tell_report(&got, world, kill);
	}
	if (got.len == 0)
		tell_add(&got, world->has_log ? "no report: nobody of these was killed"
					      : "the kernel's log is not readable here");
	return state;
}
