/*
 * 'oom_score': the kernel's own ranking in /proc/PID/oom_score. It is relative to the whole
 * machine, never to a group, so orders are the thing to expect and numbers the exception.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "harness/judge/row.h"

static bool is_task(const struct parse *parse, const char *text)
{
	for (size_t i = 0; i < parse->scope->n_tasks; i++)
		if (strcmp(parse->scope->tasks[i], text) == 0)
			return true;
	return false;
}

struct relation {
	const char *sign;
	const char *op;
};

/* Longer signs first. */
static const struct relation relations[] = {
	{">=", ">="}, {"<=", "<="}, {"!=", "!="}, {"==", "="}, {">", ">"}, {"<", "<"}, {"=", "="},
};

/* ">b": a comparison with another task's score; NULL when the text is none. */
static const char *relation_to(const struct parse *parse, const char *text, const char **ret_task)
{
	for (size_t i = 0; i < sizeof(relations) / sizeof(*relations); i++) {
		size_t len = strlen(relations[i].sign);
		if (strncmp(text, relations[i].sign, len) != 0)
			continue;
		*ret_task = text + len + strspn(text + len, " ");
		return is_task(parse, *ret_task) ? relations[i].op : NULL;
	}
	return NULL;
}

static void add_relation(struct parse *parse, const struct node *at, int task, const char *op,
			 const char *other)
{
	struct item *item = row_item(parse, at);

	item->task = task;
	item->text = op;
	for (size_t i = 0; i < parse->scope->n_tasks; i++)
		if (strcmp(parse->scope->tasks[i], other) == 0)
			item->other = (int)i;
}

static void parse_score_pair(struct parse *parse, int index, const struct node *key,
			     const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT};
	const char *text = row_text(parse, value, "a number such as >=600, or '>TASK'");
	const char *other = NULL;

	if (!text)
		return;
	const char *op = relation_to(parse, text, &other);
	if (op) {
		add_relation(parse, key, index, op, other);
		return;
	}
	if (other && isalpha((unsigned char)other[0])) {
		row_mistake(parse, value, "unknown task '%s', expected a number or a task's name",
			    other);
		return;
	}
	struct item *item = row_item(parse, key);
	item->task = index;
	row_compare(parse, value, &rules, &item->compare);
}

void row_parse_oom_score(struct parse *parse, const struct node *value)
{
	if (value->kind != NODE_LIST) {
		row_task_pairs(parse, value,
			       "a list of tasks, highest first, or a map of task: score",
			       parse_score_pair);
		return;
	}
	if (value->n < 2)
		row_mistake(parse, value, "expected at least two tasks, highest first, got %zu",
			    value->n);
	for (size_t i = 0; i < value->n; i++) {
		int task = row_task_name(parse, &value->items[i]);
		if (i + 1 < value->n && task >= 0 && value->items[i + 1].kind == NODE_SCALAR &&
		    is_task(parse, value->items[i + 1].text))
			add_relation(parse, &value->items[i], task, ">", value->items[i + 1].text);
	}
}

static bool related(int64_t a, const char *op, int64_t b)
{
	bool equal = op[0] == '=' || op[1] == '=';

	if (op[0] == '!')
		return a != b;
	return (equal && a == b) || (op[0] == '>' && a > b) || (op[0] == '<' && a < b);
}

/* "alloc_1 667"; a score that was not read says so, with the task's state. */
static bool tell_score(struct tell *got, const struct world_task *task)
{
	if (task->oom_score >= 0) {
		tell_add(got, "%s %" PRId64, task->name, task->oom_score);
		return true;
	}
	tell_task(got, task);
	tell_add(got, ", its score was not read");
	return false;
}

enum judge_state row_eval_oom_score(const struct item *item, const struct world *world,
				    struct finding *ret)
{
	const struct world_task *task = &world->tasks[item->task];
	const struct world_task *other = item->other < 0 ? NULL : &world->tasks[item->other];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char text[COMPARE_TEXT_MAX];

	if (item->other >= 0)
		tell_add(&expected, "%s %s %s", task->name, item->text, other->name);
	else
		tell_add(&expected, "%s: %s", task->name, compare_format(&item->compare, text));
	bool known = tell_score(&got, task);
	if (other) {
		tell_next(&got, ", ");
		known = tell_score(&got, other) && known;
	}
	if (known && (other ? related(task->oom_score, item->text, other->oom_score)
			    : compare_holds(&item->compare, (uint64_t)task->oom_score, 0)))
		return JUDGE_HOLDS;
	bool dead = world_task_dead(task) || (other && world_task_dead(other));
	return dead ? JUDGE_FAILS : JUDGE_WAIT;
}
