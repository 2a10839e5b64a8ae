/*
 * See shrink.h. A version is a copy of the whole tree in which one place was changed; places are
 * numbered in the order of a walk, so that no list of them is needed.
 */
#include "harness/scenario/shrink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/tree.h"

/* ---- trees ---------------------------------------------------------------------------------- */

static char *same_text(void *data, const struct node *scalar)
{
	(void)data;
	return mem_dup(scalar->text ? scalar->text : "");
}

static void remove_entry(struct node *node, size_t at)
{
	size_t behind = node->n - at - 1;

	node_clear(&node->items[at]);
	memmove(&node->items[at], &node->items[at + 1], behind * sizeof(*node->items));
	if (node->keys) {
		node_clear(&node->keys[at]);
		memmove(&node->keys[at], &node->keys[at + 1], behind * sizeof(*node->keys));
	}
	node->n--;
	/* Arrays grow at powers of two of n (tree.c): nothing is appended from here on. */
}

static struct node *find(struct node *map, const char *key)
{
	for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i++)
		if (str_eq(map->keys[i].text, key))
			return &map->items[i];
	return NULL;
}

static bool one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (str_eq(text, *words))
			return true;
	return false;
}

void shrink_start(const struct instance *instance, struct node *ret)
{
	static const char *const dropped[] = {"params", "matrix", "title",  "description",
					      "tags",	"claim",  "repeat", NULL};

	node_copy(&instance->root, ret, same_text, NULL);
	for (size_t i = ret->n; i-- > 0;)
		if (one_of(ret->keys[i].text, dropped))
			remove_entry(ret, i);
}

void shrink_clear(struct node *root)
{
	node_clear(root);
}

/* ---- a task fewer --------------------------------------------------------------------------- */

/* "big", of its copies "big-2" and "big-*", of its children "big.2" and "big.*". */
static bool names_task(const char *text, const char *task)
{
	size_t len = strlen(task);

	if (!text || strncmp(text, task, len) != 0)
		return false;
	text += len;
	return !*text || ((*text == '-' || *text == '.') && text[1] &&
			  text[1 + strspn(text + 1, "0123456789*")] == '\0');
}

/* An entry that names it, or that is empty without those that do, goes. */
static void forget_task(struct node *node, const char *task)
{
	for (size_t i = node->n; i-- > 0;) {
		struct node *item = &node->items[i];
		bool named = node->keys && names_task(node->keys[i].text, task);
		bool had = item->n > 0;
		if (item->kind == NODE_SCALAR)
			named = named || names_task(item->text, task);
		else if (!named)
			forget_task(item, task);
		if (named || (had && item->n == 0))
			remove_entry(node, i);
	}
}

static bool drop_task(struct node *root, size_t *left, struct str *what)
{
	struct node *tasks = find(root, "tasks"), *steps = find(root, "steps");

	if (!tasks || tasks->kind != NODE_MAP || tasks->n < 2)
		return false;
	if (*left >= tasks->n) {
		*left -= tasks->n;
		return false;
	}
	MEM_AUTO char *name = mem_dup(tasks->keys[*left].text);
	str_addf(what, "without task '%s'", name);
	remove_entry(tasks, *left);
	if (steps)
		forget_task(steps, name);
	return true;
}

/* ---- an entry fewer ------------------------------------------------------------------------- */

/* "steps[2].expect"; free() it. */
static char *name_of(const struct node *node, size_t i, const char *path)
{
	return node->keys ? mem_printf("%s.%s", path, node->keys[i].text)
			  : mem_printf("%s[%zu]", path, i + 1);
}

static bool drop_below(struct node *node, const char *path, size_t *left, struct str *what)
{
	/* The whole before its parts; from the end, where less depends on it. */
	for (size_t i = node->n; i-- > 0;) {
		if (*left > 0) {
			--*left;
			continue;
		}
		MEM_AUTO char *name = name_of(node, i, path);
		str_addf(what, "without '%s'", name);
		remove_entry(node, i);
		return true;
	}
	for (size_t i = 0; i < node->n; i++) {
		MEM_AUTO char *name = name_of(node, i, path);
		if (drop_below(&node->items[i], name, left, what))
			return true;
	}
	return false;
}

static const char *const parts[] = {"steps", "groups", "host", "tasks", NULL};

static void drop_key(struct node *map, const char *key)
{
	for (size_t i = map->n; i-- > 0;)
		if (str_eq(map->keys[i].text, key))
			remove_entry(map, i);
}

static bool drop_entry(struct node *root, size_t *left, struct str *what)
{
	for (size_t i = 0; parts[i]; i++) {
		struct node *part = find(root, parts[i]);
		if (!part || !drop_below(part, parts[i], left, what))
			continue;
		if (part->n == 0) /* its key says nothing any more */
			drop_key(root, parts[i]);
		return true;
	}
	return false;
}

/* ---- a smaller number ----------------------------------------------------------------------- */

/* "12", "40M", "60%": its number, and where the unit begins. */
static bool read_number(const char *text, unsigned long *ret, const char **ret_unit)
{
	char *end;

	if (!text || !isdigit((unsigned char)text[0]))
		return false;
	*ret = strtoul(text, &end, 10);
	*ret_unit = end;
	return strspn(end, "KMGT%") == strlen(end) && strlen(end) < 2;
}

static bool halve_below(struct node *node, const char *path, size_t *left, struct str *what)
{
	static const char *const times[] = {"within", "timeout", NULL};

	for (size_t i = 0; i < node->n; i++) {
		struct node *item = &node->items[i];
		const char *unit;
		unsigned long number;
		MEM_AUTO char *name = name_of(node, i, path);
		if (node->keys && one_of(node->keys[i].text, times))
			continue;
		if (item->kind != NODE_SCALAR && halve_below(item, name, left, what))
			return true;
		if (item->kind != NODE_SCALAR || !read_number(item->text, &number, &unit) ||
		    number < 2)
			continue;
		if (*left > 0) {
			--*left;
			continue;
		}
		char *smaller = mem_printf("%lu%s", number / 2, unit);
		str_addf(what, "'%s' %s instead of %s", name, smaller, item->text);
		free(item->text);
		item->text = smaller;
		return true;
	}
	return false;
}

static bool halve_number(struct node *root, size_t *left, struct str *what)
{
	static const char *const with_numbers[] = {"tasks", "steps", "groups", NULL};

	for (size_t i = 0; with_numbers[i]; i++) {
		struct node *part = find(root, with_numbers[i]);
		if (part && halve_below(part, with_numbers[i], left, what))
			return true;
	}
	return false;
}

/* ---- all ------------------------------------------------------------------------------------ */

bool shrink_candidate(const struct node *root, size_t n, struct node *ret, struct str *what)
{
	struct node copy;

	node_copy(root, &copy, same_text, NULL);
	if (drop_task(&copy, &n, what) || drop_entry(&copy, &n, what) ||
	    halve_number(&copy, &n, what)) {
		*ret = copy;
		return true;
	}
	node_clear(&copy);
	return false;
}
