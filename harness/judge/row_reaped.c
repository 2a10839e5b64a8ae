/*
 * 'reaped': whose memory the kernel's OOM reaper took, which it tells in a line of its own, and how
 * long after it had told of the kill. Exact as 'killed' is: nobody else of ours.
 */
#include "base/parse.h"
#include "harness/judge/row.h"

static const char form[] =
	"a task's name, a list of them, a map such as {alloc_1: '>=2s'}, or none";

/* Each task that a name or a pattern means, by itself. */
static void add(struct parse *parse, struct item *item, const struct node *at,
		const struct compare *after)
{
	int *found MEM_AUTO = NULL;
	int child;
	size_t n = row_process(parse, at, &found, &child);

	for (size_t i = 0; i < n; i++) {
		struct target target = {.label = n == 1 ? at->text : parse->scope->tasks[found[i]],
					.n = 1,
					.child = child,
					.count = *after};
		target.tasks = mem_zero(1, sizeof(*target.tasks));
		target.tasks[0] = found[i];
		item->targets =
			mem_grow(item->targets, item->n_targets + 1, sizeof(*item->targets));
		item->targets[item->n_targets++] = target;
	}
}

void row_parse_reaped(struct parse *parse, const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_DURATION};
	struct compare any = {.op = ">=", .max = UINT64_MAX}, after;
	struct item *item = row_item(parse, value);

	if (value->kind == NODE_SCALAR && value->text[0] == '\0')
		row_text(parse, value, form);
	else if (value->kind == NODE_SCALAR && !str_eq(value->text, "none"))
		add(parse, item, value, &any);
	for (size_t i = 0; i < value->n; i++)
		if (value->kind == NODE_LIST)
			add(parse, item, &value->items[i], &any);
		else if (row_compare(parse, &value->items[i], &rules, &after))
			add(parse, item, &value->keys[i], &after);
}

static bool names(const struct target *target, const struct world_kill *kill)
{
	return target->tasks[0] == kill->task &&
	       (target->child == kill->child || (target->child == CHILD_ANY && kill->child >= 0));
}

static bool in_interval(const struct world *world, const struct world_kill *kill)
{
	return kill->reap > world->reaps_mark;
}

static bool is_named(const struct item *item, const struct world_kill *kill)
{
	for (size_t i = 0; i < item->n_targets; i++)
		if (names(&item->targets[i], kill))
			return true;
	return false;
}

static void tell_expected(struct tell *out, const struct item *item)
{
	char text[COMPARE_TEXT_MAX];

	for (size_t i = 0; i < item->n_targets; i++) {
		const struct target *target = &item->targets[i];
		tell_next(out, ", ");
		tell_add(out, "%s", target->label);
		if (target->count.a || target->count.b)
			tell_add(out, " %s after the kill", compare_format(&target->count, text));
	}
	if (item->n_targets == 0)
		tell_add(out, "nobody");
}

static void tell_reaped(struct tell *out, const struct world *world, const struct world_kill *kill)
{
	char text[PARSE_TEXT_MAX];

	tell_next(out, "; ");
	tell_process(out, world, kill);
	tell_add(out, " %s after the kill", format_duration(kill->reaped_after_ns, text));
}

/* WAIT: none of its processes yet. */
static enum judge_state judge_target(const struct target *target, const struct world *world)
{
	enum judge_state state = JUDGE_WAIT;

	for (size_t i = 0; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!in_interval(world, kill) || !names(target, kill))
			continue;
		if (!compare_holds(&target->count, kill->reaped_after_ns, 0))
			return JUDGE_FAILS;
		state = JUDGE_HOLDS;
	}
	return state;
}

enum judge_state row_eval_reaped(const struct item *item, const struct world *world,
				 struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	enum judge_state state = JUDGE_HOLDS;

	tell_expected(&expected, item);
	for (size_t i = 0; i < item->n_targets; i++)
		state = judge_worse(state, judge_target(&item->targets[i], world));
	for (size_t i = 0; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!in_interval(world, kill) || !world_kill_ours(kill))
			continue;
		tell_reaped(&got, world, kill);
		if (!is_named(item, kill))
			state = JUDGE_FAILS;
	}
	if (got.len == 0)
		tell_add(&got, "no line of the OOM reaper's about ours");
	return state;
}
