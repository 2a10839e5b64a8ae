/*
 * What all rows' parsers share: names and patterns of tasks and groups, "TASK.*" for children,
 * lists and maps of them, comparisons. Every mistake is a line with its place.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/judge/row.h"

void row_mistake(struct parse *parse, const struct node *at, const char *fmt, ...)
{
	STR_AUTO text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	diag_add(parse->diags, parse->scope->file, at, "%s: %s", parse->row->key, str_text(&text));
	parse->bad = true;
}

struct item *row_item(struct parse *parse, const struct node *at)
{
	struct expect *expect = parse->expect;

	expect->items = mem_grow(expect->items, expect->n + 1, sizeof(*expect->items));
	struct item *item = &expect->items[expect->n++];
	*item = (struct item){
		.row = parse->row,
		.at = at,
		.task = -1,
		.group = -1,
		.counter = -1,
		.child = CHILD_SELF,
		.other = -1,
	};
	expect->wants |= parse->row->wants;
	return item;
}

const char *row_text(struct parse *parse, const struct node *node, const char *what)
{
	char got[80];

	if (node->kind == NODE_SCALAR && node->text[0])
		return node->text;
	row_mistake(parse, node, "expected %s, got %s", what,
		    node_describe(node, got, sizeof(got)));
	return NULL;
}

const struct node *row_map(struct parse *parse, const struct node *node, const char *what)
{
	char got[80];

	if (node->kind == NODE_MAP && node->n > 0)
		return node;
	row_mistake(parse, node, "expected %s, got %s", what,
		    node->kind == NODE_MAP ? "an empty map"
					   : node_describe(node, got, sizeof(got)));
	return NULL;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* A name stands for itself even where it could be read as a pattern. */
size_t row_match(const char *const *names, size_t n, const char *pattern, int **ret)
{
	size_t found = 0;

	*ret = NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], pattern) == 0) {
			*ret = mem_zero(1, sizeof(**ret));
			**ret = (int)i;
			return 1;
		}
	if (!strpbrk(pattern, "*?["))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (fnmatch(pattern, names[i], 0) == 0) {
			*ret = mem_grow(*ret, found + 1, sizeof(**ret));
			(*ret)[found++] = (int)i;
		}
	return found;
}

static void unknown_name(struct parse *parse, const struct node *at, const char *kind,
			 const char *text)
{
	bool task = strcmp(kind, "task") == 0;
	const char *const *names = task ? parse->scope->tasks : parse->scope->groups;
	size_t n = task ? parse->scope->n_tasks : parse->scope->n_groups;
	const char **list MEM_AUTO = mem_zero(n + 1, sizeof(*list));
	STR_AUTO all = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		list[i] = names[i];
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = str_nearest(text, list);
	if (near)
		row_mistake(parse, at, "unknown %s '%s', did you mean '%s'?", kind, text, near);
	else if (n)
		row_mistake(parse, at, "unknown %s '%s', expected one of: %s", kind, text,
			    str_text(&all));
	else
		row_mistake(parse, at, "unknown %s '%s': the scenario has none", kind, text);
}

size_t row_names(struct parse *parse, const struct node *at, const char *kind, const char *text,
		 int **ret)
{
	const struct judge_scope *scope = parse->scope;
	bool task = strcmp(kind, "task") == 0;
	size_t n = task ? row_match(scope->tasks, scope->n_tasks, text, ret)
			: row_match(scope->groups, scope->n_groups, text, ret);

	if (n == 0)
		unknown_name(parse, at, kind, text);
	return n;
}

static int one_name(struct parse *parse, const struct node *at, const char *kind, const char *what)
{
	int *found MEM_AUTO = NULL;
	const char *text = row_text(parse, at, what);
	size_t n = text ? row_names(parse, at, kind, text, &found) : 0;

	if (n > 1)
		row_mistake(parse, at, "expected %s, got a pattern, '%s', that means %zu", what,
			    text, n);
	return n == 1 ? found[0] : -1;
}

int row_task_name(struct parse *parse, const struct node *at)
{
	return one_name(parse, at, "task", "a task's name");
}

int row_group_name(struct parse *parse, const struct node *at)
{
	return one_name(parse, at, "group", "a group's name");
}

/* "3" or "*" after the last dot. */
static bool child_suffix(const char *text, int *ret)
{
	uint64_t number;
	struct err err;

	if (strcmp(text, "*") == 0) {
		*ret = CHILD_ANY;
		return true;
	}
	if (parse_u64(text, INT_MAX, &number, &err) < 0)
		return false;
	*ret = (int)number;
	return true;
}

size_t row_process(struct parse *parse, const struct node *at, int **ret, int *ret_child)
{
	const struct judge_scope *scope = parse->scope;
	const char *text = row_text(parse, at, "a task's name");

	*ret = NULL;
	*ret_child = CHILD_SELF;
	if (!text)
		return 0;
	const char *dot = strrchr(text, '.');
	if (!dot || !child_suffix(dot + 1, ret_child))
		return row_names(parse, at, "task", text, ret);
	/* A task may be called "a.1". */
	size_t n = row_match(scope->tasks, scope->n_tasks, text, ret);
	if (n && !strpbrk(text, "*?[")) {
		*ret_child = CHILD_SELF;
		return n;
	}
	free(*ret);
	char *task MEM_AUTO = mem_dup(text);
	task[dot - text] = '\0';
	return row_names(parse, at, "task", task, ret);
}

/* ---- lists and maps ------------------------------------------------------------------------- */

static bool same_process(const struct target *target, int task, int child)
{
	return target->n == 1 && target->tasks[0] == task && target->child == child;
}

static void add_target(struct item *item, const struct target *target)
{
	item->targets = mem_grow(item->targets, item->n_targets + 1, sizeof(*item->targets));
	item->targets[item->n_targets++] = *target;
}

/* One more process of a list: "w.*" said twice means two children, "w" twice is a slip. */
static void add_process(struct parse *parse, struct item *item, const struct node *at, int task,
			int child, const char *label)
{
	for (size_t i = 0; i < item->n_targets; i++) {
		struct target *target = &item->targets[i];
		if (!same_process(target, task, child))
			continue;
		if (child == CHILD_ANY)
			target->count = compare_exactly(target->count.a + 1);
		else
			row_mistake(parse, at, "'%s' is named twice", label);
		return;
	}
	struct target target = {
		.label = label, .n = 1, .child = child, .count = compare_exactly(1)};
	target.tasks = mem_zero(1, sizeof(*target.tasks));
	target.tasks[0] = task;
	add_target(item, &target);
}

/* A name or pattern in a list: each of them by itself. */
static void add_each(struct parse *parse, struct item *item, const struct node *at, bool children)
{
	int *found MEM_AUTO = NULL;
	int child;
	size_t n = row_process(parse, at, &found, &child);

	if (n && child != CHILD_SELF && !children) {
		row_mistake(parse, at,
			    "'%s': a child process cannot be asked about here, "
			    "expected a task's name",
			    at->text);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_process(parse, item, at, found[i], child,
			    n == 1 ? at->text : parse->scope->tasks[found[i]]);
}

/* A pair of a map: how many of all these together. */
static void add_counted(struct parse *parse, struct item *item, const struct node *key,
			const struct node *value, bool children)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT};
	struct target target = {.label = key->text};

	target.n = row_process(parse, key, &target.tasks, &target.child);
	if (target.n && target.child != CHILD_SELF && !children)
		row_mistake(parse, key,
			    "'%s': a child process cannot be asked about here, "
			    "expected a task's name",
			    key->text);
	if (row_compare(parse, value, &rules, &target.count) && target.n)
		add_target(item, &target);
	else
		free(target.tasks);
}

void row_targets(struct parse *parse, struct item *item, const struct node *value, bool children)
{
	if (value->kind == NODE_SCALAR && value->text[0] == '\0')
		row_text(parse, value, "a task's name, a list of them or none");
	else if (value->kind == NODE_SCALAR && strcmp(value->text, "none") != 0)
		add_each(parse, item, value, children);
	for (size_t i = 0; i < value->n; i++) {
		if (value->kind == NODE_LIST)
			add_each(parse, item, &value->items[i], children);
		else
			add_counted(parse, item, &value->keys[i], &value->items[i], children);
	}
}

static void pairs(struct parse *parse, const struct node *map, const char *what, const char *kind,
		  pair_fn fn)
{
	if (!row_map(parse, map, what))
		return;
	for (size_t i = 0; i < map->n; i++) {
		int *found MEM_AUTO = NULL;
		const struct node *key = &map->keys[i];
		size_t n = row_names(parse, key, kind, key->text, &found);
		for (size_t j = 0; j < n; j++)
			fn(parse, found[j], key, &map->items[i]);
	}
}

void row_task_pairs(struct parse *parse, const struct node *map, const char *what, pair_fn fn)
{
	pairs(parse, map, what, "task", fn);
}

void row_group_pairs(struct parse *parse, const struct node *map, const char *what, pair_fn fn)
{
	pairs(parse, map, what, "group", fn);
}

bool row_compare(struct parse *parse, const struct node *node, const struct compare_rules *rules,
		 struct compare *ret)
{
	static const char *const forms[] = {
		[COMPARE_COUNT] = "a number such as 3, >=2 or 1..3",
		[COMPARE_SIZE] = "a size such as 80M, <=1G or 10M..20M",
		[COMPARE_EITHER] = "a size such as 80M, <=1G or 10M..20M",
		[COMPARE_DURATION] = "a time such as 500ms, >=2s or 1s..3s",
	};
	struct err err;
	const char *text = row_text(parse, node, forms[rules->unit]);

	if (!text)
		return false;
	if (compare_parse(text, rules, ret, &err) == 0)
		return true;
	row_mistake(parse, node, "%s", err.text);
	return false;
}

/* ---- signals and errno values --------------------------------------------------------------- */

int row_signal(const char *name)
{
	if (str_starts(name, "SIG"))
		name += 3;
	for (int i = 1; i < 32; i++)
		if (str_eq(sigabbrev_np(i), name))
			return i;
	return 0;
}

int row_errno(const char *name)
{
	enum { LAST = 133 }; /* EHWPOISON */

	if (strcmp(name, "none") == 0)
		return 0;
	for (int i = 1; i <= LAST; i++)
		if (str_eq(strerrorname_np(i), name))
			return i;
	return -1;
}

const char *tell_errno(int number)
{
	const char *name = number ? strerrorname_np(number) : "none";

	return name ? name : "an unknown errno";
}
