/*
 * Views of a tree: what was read of it and what follows, kept while later ones are made. See
 * foresee.h.
 */
#include <stdlib.h>

#include "harness/exec/foresee.h"

void view_new(const struct plan *plan, struct view *view)
{
	view->by_group = mem_zero(plan->n_groups, sizeof(*view->by_group));
	view->world.groups = mem_zero(plan->n_groups, sizeof(*view->world.groups));
	view->world.n_groups = plan->n_groups;
}

void view_clear(struct view *view)
{
	free(view->world.tasks);
	free(view->world.groups);
	free(view->seen);
	free(view->by_group);
}

/* 'to' keeps its arrays. */
void view_copy(struct view *to, const struct view *from)
{
	const struct predict_world *world = &from->world;
	struct view kept = *to;

	if (kept.room < world->n_tasks) {
		kept.room = from->room;
		kept.world.tasks = mem_grow(kept.world.tasks, kept.room, sizeof(*world->tasks));
		kept.seen = mem_grow(kept.seen, kept.room, sizeof(*kept.seen));
	}
	*to = *from;
	to->room = kept.room;
	to->seen = kept.seen;
	to->by_group = kept.by_group;
	to->world.tasks = kept.world.tasks;
	to->world.groups = kept.world.groups;
	for (size_t i = 0; i < world->n_tasks; i++) {
		to->world.tasks[i] = world->tasks[i];
		to->seen[i] = from->seen[i];
	}
	for (size_t g = 0; g < world->n_groups; g++) {
		to->world.groups[g] = world->groups[g];
		to->by_group[g] = from->by_group[g];
	}
}
