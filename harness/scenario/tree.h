/*
 * Making and freeing trees of nodes; private to harness/scenario/. Everyone else gets trees from
 * scenario_load() and scenario_expand() and only reads them.
 */
#ifndef OOMLAB_SCENARIO_TREE_H
#define OOMLAB_SCENARIO_TREE_H

#include "harness/scenario/scenario.h"

/* Appends an empty item (and, when the node is a map, an empty key) and returns its index. */
size_t node_append(struct node *node);

/* Frees what the node holds, not the node itself, and leaves it empty. */
void node_clear(struct node *node);

/* What becomes of a scalar's text in a copy: the new text, which the copy owns. */
typedef char *(*node_text_fn)(void *data, const struct node *scalar);

/* A deep copy; keys are copied as they are, values go through fn. */
void node_copy(const struct node *from, struct node *to, node_text_fn fn, void *data);

#endif
