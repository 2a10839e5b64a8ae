/*
 * The workload 'brk': grows the heap with brk(2) and touches it, as programs with many small
 * allocations do.
 */
#include <errno.h>
#include <unistd.h>

#include "workloads/hog_run.h"

struct values {
	struct hog_pace pace;
	char *start; /* state: page-aligned, above what libc has taken */
	uint64_t pages;
};

static const struct opt opts[] = {HOG_PACE_OPTS(struct values), OPT_END};

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	char *end = sbrk(0);
	size_t over = (uintptr_t)end & (hog->page_size - 1);

	values->start = over ? end + (hog->page_size - over) : end;
	if (brk(values->start) < 0)
		return err_errno(err, errno, "cannot align the heap");
	return hog_pace_check(&values->pace, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);
	char *end = values->start + values->pages * hog->page_size;

	if (pages > PTRDIFF_MAX / hog->page_size)
		return -ENOMEM;
	if (brk(end + pages * hog->page_size) < 0)
		return -errno;
	values->pages += pages;
	hog_touch(hog, end, pages);
	return 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);

	if (pages > values->pages)
		pages = values->pages;
	if (brk(values->start + (values->pages - pages) * hog->page_size) < 0)
		return -errno;
	values->pages -= pages;
	hog_uncount(hog, pages);
	return 0;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_brk = {
	.name = "brk",
	.summary = "grows the heap with brk and touches it",
	.description =
		"Grows the heap block by block and stores into every page. Freeing moves the "
		"end of the heap back down.",
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
