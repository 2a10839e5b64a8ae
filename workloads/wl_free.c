/*
 * The workload 'free': takes memory and gives it back part by part, in an order and by a call of
 * choice. The neighbour whose freeing lets a paused task go on.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "workloads/hog_run.h"

static const char *const methods[] = {"dontneed", "lazy", "munmap", NULL};
enum { METHOD_DONTNEED, METHOD_LAZY, METHOD_MUNMAP };
static const char *const orders[] = {"last", "first", NULL};
enum { ORDER_LAST, ORDER_FIRST };

struct values {
	uint64_t size_bytes;
	uint64_t part_bytes;
	uint64_t keep_bytes;
	uint64_t interval_ns;
	int method;
	int order;
	uint64_t head_pages; /* state: freed at the start */
};

static const struct opt opts[] = {
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, size_bytes),
	 .arg = "SIZE",
	 .help = "touch this much first (default 64M)"},
	{.name = "part",
	 .letter = 'p',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, part_bytes),
	 .arg = "SIZE",
	 .help = "then free parts of this size (default 1M)"},
	{.name = "keep",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, keep_bytes),
	 .arg = "SIZE",
	 .help = "until this much is left (default 0)"},
	{.name = "interval",
	 .letter = 'i',
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, interval_ns),
	 .arg = "TIME",
	 .help = "pause this long between two parts (default 0)"},
	{.name = "method",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, method),
	 .arg = "CALL",
	 .choices = methods,
	 .help = "free by MADV_DONTNEED, by MADV_FREE (lazy: the kernel takes the pages when it "
		 "needs them) or by munmap (default dontneed)"},
	{.name = "order",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, order),
	 .arg = "ORDER",
	 .choices = orders,
	 .help = "free what was touched last or first (default last)"},
	OPT_END,
};

static int setup(struct hog *hog, void *data, struct err *err)
{
	const struct values *values = data;

	if (values->part_bytes == 0)
		return err_set(err, EINVAL, "--part expects a size above 0, got 0");
	return hog_region_open(hog, HOG_THP_NEVER, err);
}

/* -EINVAL after parts were unmapped: there is nothing left to grow on. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	const struct values *values = data;

	if (values->method == METHOD_MUNMAP && hog->status->freed_pages)
		return -EINVAL;
	return hog_region_touch(hog, bytes);
}

static int give_back(const struct values *values, void *start, size_t bytes)
{
	int r;

	if (values->method == METHOD_MUNMAP)
		r = munmap(start, bytes);
	else
		r = madvise(start, bytes,
			    values->method == METHOD_LAZY ? MADV_FREE : MADV_DONTNEED);
	return r < 0 ? -errno : 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	struct hog_region *region = &hog->region;
	uint64_t pages = hog_pages(hog, bytes), held = region->used_pages - values->head_pages;

	if (pages > held)
		pages = held;
	if (pages == 0)
		return 0;
	uint64_t first =
		values->order == ORDER_FIRST ? values->head_pages : region->used_pages - pages;
	int r = give_back(values, region->base + (first + 1) * hog->page_size,
			  pages * hog->page_size);
	if (r < 0)
		return r;
	if (values->order == ORDER_FIRST)
		values->head_pages += pages;
	else
		region->used_pages -= pages;
	hog_uncount(hog, pages);
	return 0;
}

static int run(struct hog *hog, void *data)
{
	struct values *values = data;
	uint64_t began = clock_ns(), keep = hog_pages(hog, values->keep_bytes);
	int r = alloc(hog, values, values->size_bytes);

	hog_say_progress(hog, values->size_bytes, began);
	while (r >= 0 && *hog->touched > keep) {
		uint64_t part = hog_pages(hog, values->part_bytes), over = *hog->touched - keep;

		hog_wait(hog, clock_ns() + hog_pace_pause(hog, values->interval_ns), false);
		began = clock_ns();
		r = release(hog, values, (part < over ? part : over) * hog->page_size);
		hog_say_progress(hog, 0, began);
	}
	return r;
}

const struct wl wl_free = {
	.name = "free",
	.summary = "takes memory, then gives it back part by part",
	.description =
		"Touches --size bytes, then frees a part an interval until --keep is left; on "
		"command it frees as much as it is told. Pages freed lazily stay charged until the "
		"kernel reclaims them, though they count as freed here.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.size_bytes = 64 << 20, .part_bytes = 1 << 20},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
