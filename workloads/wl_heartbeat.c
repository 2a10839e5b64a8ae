/*
 * The workload 'heartbeat': the bystander. Its beats, counted in the status page, prove that it
 * still runs; every ping is one, too. It can hold some memory of its own.
 */
#include "base/clock.h"
#include "workloads/hog_run.h"

struct values {
	uint64_t interval_ns;
	uint64_t count;
	uint64_t size_bytes;
};

static const struct opt opts[] = {
	{.name = "interval",
	 .letter = 'i',
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, interval_ns),
	 .arg = "TIME",
	 .help = "time between two beats of the pattern (default 10ms)"},
	{.name = "count",
	 .letter = 'n',
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, count),
	 .arg = "N",
	 .help = "end the pattern after N beats (default 0: never)"},
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, size_bytes),
	 .arg = "SIZE",
	 .help = "hold this much memory when the pattern starts (default 0)"},
	OPT_END,
};

static int setup(struct hog *hog, void *data, struct err *err)
{
	(void)data;
	return hog_region_open(hog, HOG_THP_NEVER, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_touch(hog, bytes);
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_drop(hog, bytes);
}

static int run(struct hog *hog, void *data)
{
	const struct values *values = data;
	int r = values->size_bytes ? hog_region_touch(hog, values->size_bytes) : 0;

	for (uint64_t n = 0; r >= 0 && (values->count == 0 || n < values->count); n++) {
		hog->status->beats = hog->status->beats + 1;
		/* The pace of the workload, not a wait for something to happen. */
		hog_wait(hog, clock_ns() + values->interval_ns, false);
	}
	return r;
}

const struct wl wl_heartbeat = {
	.name = "heartbeat",
	.summary = "the bystander: proves that it still runs",
	.description = "Counts beats in the status page: one a ping and, in its pattern, one an "
		       "interval.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.interval_ns = 10 * 1000 * 1000},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
