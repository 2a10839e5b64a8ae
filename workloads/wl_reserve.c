/*
 * The workload 'reserve': malloc without touching. Address space alone costs nothing: only the
 * page with malloc's header of each block, and page tables, are charged.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "workloads/hog_run.h"

enum { MAPPED_BYTES = 128 * 1024 };

struct values {
	struct hog_pace pace;
	struct block *last; /* state */
};

/* Beside malloc's header, in the one page that is touched anyway. */
struct block {
	struct block *before;
	uint64_t bytes;
};

static const struct opt opts[] = {HOG_PACE_OPTS(struct values), OPT_END};

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

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

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
		       "one with malloc's own header.",
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
