/*
 * The tree of a scenario file: maps, lists and scalars that know where they stand. Holds no
 * YAML syntax (yaml.c) and no meaning (harness/plan/).
 */
#include "harness/scenario/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIBE_MAX = 60 }; /* longer scalars are cut in messages */

const struct node *node_get(const struct node *map, const char *key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (str_eq(map->keys[i].text, key))
			return &map->items[i];
	return NULL;
}

const char *node_describe(const struct node *node, char *buf, size_t size)
{
	switch (node->kind) {
	case NODE_MAP:
		snprintf(buf, size, node->n ? "a map" : "an empty map");
		break;
	case NODE_LIST:
		snprintf(buf, size, node->n ? "a list" : "an empty list");
		break;
	case NODE_SCALAR:
		if (!node->text || !node->text[0])
			snprintf(buf, size, "nothing");
		else if (strlen(node->text) > DESCRIBE_MAX)
			snprintf(buf, size, "'%.*s...'", DESCRIBE_MAX, node->text);
		else
			snprintf(buf, size, "'%s'", node->text);
		break;
	}
	return buf;
}

/* Arrays double at powers of two, so their capacity need not be stored. */
static struct node *grow(struct node *nodes, size_t n)
{
	if ((n & (n - 1)) == 0)
		nodes = mem_grow(nodes, n ? n * 2 : 1, sizeof(*nodes));
	memset(&nodes[n], 0, sizeof(*nodes));
	return nodes;
}

size_t node_append(struct node *node)
{
	node->items = grow(node->items, node->n);
	if (node->kind == NODE_MAP)
		node->keys = grow(node->keys, node->n);
	return node->n++;
}

void node_clear(struct node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		node_clear(&node->items[i]);
		if (node->keys)
			node_clear(&node->keys[i]);
	}
	free(node->items);
	free(node->keys);
	free(node->text);
	*node = (struct node){0};
}

void node_copy(const struct node *from, struct node *to, node_text_fn fn, void *data)
{
	*to = (struct node){.kind = from->kind, .line = from->line, .column = from->column};
	if (from->kind == NODE_SCALAR) {
		to->text = fn(data, from);
		return;
	}
	for (size_t i = 0; i < from->n; i++) {
		size_t at = node_append(to);
		node_copy(&from->items[i], &to->items[at], fn, data);
		if (from->kind != NODE_MAP)
			continue;
		to->keys[at] = from->keys[i];
		to->keys[at].text = mem_dup(from->keys[i].text);
	}
}
