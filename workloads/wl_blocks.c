/*
 * The workload 'blocks': the classic loop of malloc and bzero, block by block. Exact to the
 * page, because each block is touched page by page in order.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "workloads/hog_run.h"

/* From this size on malloc maps each block by itself, so its pages are its own. */
enum { MAPPED_BYTES = 128 * 1024 };

struct values {
	struct hog_pace pace;
	struct block *last; /* state */
};

/* At the start of each block, which is touched anyway. */
struct block {
	struct block *before;
	uint64_t pages;
};

static const struct opt opts[] = {HOG_PACE_OPTS(struct values), OPT_END};

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;

	(void)hog;
	if (values->pace.block_bytes < MAPPED_BYTES)
		return err_set(err, EINVAL,
			       "--block expects at least 128K, got %llu bytes; "
			       "smaller blocks share pages of the heap, see 'oomhog brk'",
			       (unsigned long long)values->pace.block_bytes);
	/* Fixed: glibc would raise it after the first free. */
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	mallopt(M_MMAP_MAX, INT32_MAX);
	free(malloc(1)); /* what malloc needs for itself, before READY */
	values->pace.unit_bytes = MAPPED_BYTES;
	return hog_pace_check(&values->pace, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t before = *hog->touched;

	if (bytes < MAPPED_BYTES)
		bytes = MAPPED_BYTES;
	struct block *block = malloc(bytes);
	if (!block)
		return -errno;
	/* The first page holds malloc's own header: it is touched already, and counts once. */
	hog_zero(hog, block, bytes);
	block->before = values->last;
	block->pages = *hog->touched - before;
	values->last = block;
	return 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	for (uint64_t freed = 0; values->last && freed < bytes;) {
		struct block *block = values->last;

		freed += block->pages * hog->page_size;
		hog_uncount(hog, block->pages);
		values->last = block->before;
		free(block);
	}
	return 0;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_blocks = {
	.name = "blocks",
	.summary = "malloc and bzero, block by block",
	.description = "The classic memory eater. Each block is malloc'ed and cleared page by page "
		       "in order; freeing gives whole blocks back, the last one first.",
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
