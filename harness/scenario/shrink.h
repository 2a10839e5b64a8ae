/*
 * Smaller versions of a scenario, one at a time: a task fewer (and all that names it), a step or a
 * line fewer, a smaller number. Whether one still does what the whole did is found out by running
 * it; many are no scenarios at all, which the planner says. Pure.
 */
#ifndef OOMLAB_SCENARIO_SHRINK_H
#define OOMLAB_SCENARIO_SHRINK_H

#include "harness/scenario/scenario.h"

/* The scenario of an instance as a tree of its own: parameters are replaced, nothing is left that
 * multiplies it, and what only people read is gone. The tree is the caller's to clear. */
void shrink_start(const struct instance *instance, struct node *ret);

/* The n-th smaller version, the greatest reductions first; *ret is the caller's to clear. What was
 * done to it is appended to 'what'. false: there are no more. */
bool shrink_candidate(const struct node *root, size_t n, struct node *ret, struct str *what);

/* A tree as YAML. */
void shrink_write(const struct node *root, struct str *out);
void shrink_clear(struct node *root);

#endif
