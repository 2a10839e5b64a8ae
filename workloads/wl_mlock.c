/*
 * The workload 'mlock': blocks that are locked in memory, at once or on fault.
 */
#include <errno.h>
#include <sys/mman.h>

#include "workloads/hog_run.h"

struct values {
	struct hog_pace pace;
	bool on_fault;
};

static const struct opt opts[] = {
	{.name = "on-fault",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct values, on_fault),
	 .help = "lock pages when they are touched (MLOCK_ONFAULT), then touch them"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

static int setup(struct hog *hog, void *data, struct err *err)
{
	const struct values *values = data;
	int r = hog_region_open(hog, HOG_THP_NEVER, err);

	return r < 0 ? r : hog_pace_check(&values->pace, err);
}

/* mlock faults the pages in itself; when it fails half way, what is there counts. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	const struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);
	char *start;
	int r = hog_region_next(hog, pages, &start);

	if (r < 0 || pages == 0)
		return r;
	if (values->on_fault) {
		if (mlock2(start, pages * hog->page_size, MLOCK_ONFAULT) < 0)
			return -errno;
		hog_touch(hog, start, pages);
		hog_region_claim(hog, pages);
		return 0;
	}
	r = mlock(start, pages * hog->page_size) < 0 ? -errno : 0;
	uint64_t resident = hog_resident(hog, start, pages);
	hog_count(hog, resident);
	hog_region_claim(hog, resident);
	return r;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	const struct hog_region *region = &hog->region;
	uint64_t pages = hog_pages(hog, bytes);

	(void)data;
	if (pages > region->used_pages)
		pages = region->used_pages;
	char *start = region->base + (region->used_pages - pages + 1) * hog->page_size;
	if (pages && munlock(start, pages * hog->page_size) < 0)
		return -errno;
	return hog_region_drop(hog, pages * hog->page_size);
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_mlock = {
	.name = "mlock",
	.summary = "locked memory, block by block",
	.description = "Locks each block with mlock, which also faults it in. A charge that fails "
		       "inside mlock is its error: EAGAIN or ENOMEM, also for RLIMIT_MEMLOCK.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS},
	.needs = WL_MEMORY | WL_LOCK,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
