/*
 * See arena.h. One allocation a block: plans are small, and sanitizers see every overrun so.
 */
#include "harness/plan/arena.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct arena_block {
	struct arena_block *next;
	max_align_t bytes[];
};

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = mem_zero(1, sizeof(*block) + count * size);

	block->next = arena->first;
	arena->first = block;
	return block->bytes;
}

void *arena_grow(struct arena *arena, void *old, size_t n_old, size_t size)
{
	if (n_old & (n_old - 1))
		return old;
	void *bigger = arena_zero(arena, n_old ? n_old * 2 : 1, size);
	if (n_old)
		memcpy(bigger, old, n_old * size);
	return bigger;
}

char *arena_dup(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(arena_zero(arena, size, 1), text, size);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	STR_AUTO text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	return arena_dup(arena, str_text(&text));
}

void arena_free(struct arena *arena)
{
	while (arena->first) {
		struct arena_block *next = arena->first->next;
		free(arena->first);
		arena->first = next;
	}
}
