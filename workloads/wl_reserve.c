/*
 * The workload 'reserve': malloc without touching. Address space alone costs nothing: only the
 * page with malloc's header of each block, and page tables, are charged. With brk there is no
 * header, and nothing at all is touched.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "workloads/hog_run.h"

enum { MAPPED_BYTES = 128 * 1024 };

static const char *const calls[] = {"malloc", "brk", NULL};
enum { CALL_MALLOC, CALL_BRK };

struct values {
	struct hog_pace pace;
	int call;
	struct block *last; /* state */
};

/* Beside malloc's header, in the one page that is touched anyway. */
struct block {
	struct block *before;
	uint64_t bytes;
};

static const struct opt opts[] = {
	{.name = "call",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, call),
	 .arg = "CALL",
	 .choices = calls,
	 .help = "reserve by malloc, or by brk: not even a header is touched (default malloc)"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

static int setup(struct hog *hog, void *data, struct err *err)
{
	const struct values *values = data;

	(void)hog;
	if (values->pace.block_bytes < MAPPED_BYTES)
		return err_set(err, EINVAL, "--block expects at least 128K, got %llu bytes",
			       (unsigned long long)values->pace.block_bytes);
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	mallopt(M_MMAP_MAX, INT32_MAX);
	free(malloc(1));
	return hog_pace_check(&values->pace, err);
}

/* Only the heap's end moves: no page, and no header of malloc's either. */
static int move_brk(struct hog *hog, uint64_t bytes, bool down)
{
	if (bytes > INTPTR_MAX)
		return -ENOMEM;
	intptr_t by = (intptr_t)bytes;
	if ((intptr_t)sbrk(down ? -by : by) == -1)
		return -errno;
	hog->status->reserved_bytes = hog->status->reserved_bytes + (uint64_t)(down ? -by : by);
	return 0;
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	if (values->call == CALL_BRK)
		return move_brk(hog, bytes, false);
	if (bytes < MAPPED_BYTES)
		bytes = MAPPED_BYTES;
	struct block *block = malloc(bytes);
	if (!block)
		return -errno;
	*block = (struct block){.before = values->last, .bytes = bytes};
	values->last = block;
	hog_count(hog, 1);
	hog->status->reserved_bytes = hog->status->reserved_bytes + bytes;
	return 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	if (values->call == CALL_BRK) {
		uint64_t held = hog->status->reserved_bytes;
		return move_brk(hog, bytes < held ? bytes : held, true);
	}
	for (uint64_t freed = 0; values->last && freed < bytes;) {
		struct block *block = values->last;

		freed += block->bytes;
		hog->status->reserved_bytes = hog->status->reserved_bytes - block->bytes;
		hog_uncount(hog, 1);
		values->last = block->before;
		free(block);
	}
	return 0;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_reserve = {
	.name = "reserve",
	.summary = "malloc without touching: address space alone",
	.description = "Reserves and does not use. One page a block is touched all the same: the "
		       "one with malloc's own header. --call brk moves the heap's end and touches "
		       "nothing.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
