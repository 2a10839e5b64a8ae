/*
 * Memory that lives as long as its plan: everything a plan points to is taken from one arena and
 * goes with it, so a plan that is half built when a mistake is found is freed like a whole one.
 */
#ifndef OOMLAB_PLAN_ARENA_H
#define OOMLAB_PLAN_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *first;
};

/* Zeroed memory; aborts when there is none (see base/str.h). */
void *arena_zero(struct arena *arena, size_t count, size_t size);
/* A larger copy of an array that has n_old items. Grows in powers of two: call it for every item
 * that is added, it copies only when the capacity (implied by n_old) is used up. */
void *arena_grow(struct arena *arena, void *old, size_t n_old, size_t size);
char *arena_dup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

#endif
