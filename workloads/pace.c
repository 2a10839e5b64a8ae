/*
 * The pattern of most workloads: a block, a pause, the next block, up to a count or a total.
 * Called by their run functions; between two blocks the hog answers commands.
 *
 * With a seed a hog draws how it goes about this, from a stream of its own (seed and name, so
 * that one hog more changes nothing for the others): when it begins, how fast it is on the whole,
 * each pause and each block. What it takes in all, and the most that it holds, stay what the
 * options say. Number and order of the draws are part of what a seed means.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/random.h"
#include "workloads/hog_run.h"

enum {
	PAUSE_MAX_NS = 2 * 1000 * 1000, /* on average, where no pause was asked for: about what a
					 * block of 1M takes, so that a hog may be half as fast */
	PAUSE_BLOCK = 1 << 20,
	START_PAUSES = 16, /* the latest start, in pauses */
	EIGHTHS_LEAST = 4, /* of a block as given, and how many more it may have */
	EIGHTHS_MORE = 9,
};

void hog_pace_seed(struct hog *hog, uint64_t seed, const char *name)
{
	hog->seeded = true;
	hog->draws = random_stream(seed, name);
	hog->pause_ns = random_below(&hog->draws, PAUSE_MAX_NS);
}

/* Around the pause that was asked for, or that this hog drew for all its life. */
uint64_t hog_pace_pause(struct hog *hog, uint64_t interval_ns)
{
	uint64_t mean_ns = interval_ns ? interval_ns : hog->pause_ns;

	return hog->seeded ? random_below(&hog->draws, 2 * mean_ns + 1) : interval_ns;
}

/* Before a block. One of less than a megabyte takes less time, so its drawn pause is shorter alike:
 * a seed changes the order of things and not how long they take. */
static uint64_t block_pause(struct hog *hog, const struct hog_pace *pace)
{
	uint64_t pause_ns = hog_pace_pause(hog, pace->interval_ns);
	uint64_t block = pace->block_bytes;

	return pace->interval_ns || block >= PAUSE_BLOCK ? pause_ns
							 : pause_ns * block / PAUSE_BLOCK;
}

static uint64_t start_pause(struct hog *hog)
{
	return hog->seeded ? random_below(&hog->draws, START_PAUSES * hog->pause_ns + 1) : 0;
}

/* Half to one and a half of it. */
static uint64_t block_bytes(struct hog *hog, const struct hog_pace *pace)
{
	uint64_t unit = pace->unit_bytes ? pace->unit_bytes : hog->page_size;

	if (!hog->seeded)
		return pace->block_bytes;
	uint64_t eighths = EIGHTHS_LEAST + random_below(&hog->draws, EIGHTHS_MORE);
	uint64_t bytes = pace->block_bytes / 8 * eighths / unit * unit;
	return bytes ? bytes : pace->block_bytes;
}

/* With a seed the blocks differ, and 'count' of them is a total, too. */
static uint64_t total_bytes(const struct hog *hog, const struct hog_pace *pace)
{
	uint64_t counted;

	if (!hog->seeded || pace->count == 0 ||
	    __builtin_mul_overflow(pace->count, pace->block_bytes, &counted))
		return pace->total_bytes;
	return counted < pace->total_bytes ? counted : pace->total_bytes;
}

int hog_pace_check(const struct hog_pace *pace, struct err *err)
{
	if (pace->block_bytes == 0)
		return err_set(err, EINVAL, "--block expects a size above 0, got 0");
	return 0;
}

int hog_pace_run(struct hog *hog, const struct hog_pace *pace)
{
	uint64_t asked = 0, total = total_bytes(hog, pace);
	uint64_t count = hog->seeded ? 0 : pace->count;

	for (uint64_t n = 0; (count == 0 || n < count) && asked < total; n++) {
		uint64_t left = total - asked, began = clock_ns();
		uint64_t block = block_bytes(hog, pace), bytes = left < block ? left : block;
		uint64_t pause_ns = n ? block_pause(hog, pace) : start_pause(hog);

		hog_wait(hog, pause_ns || n ? began + pause_ns : 0, false);
		began = clock_ns();
		hog->status->asked_bytes = hog->status->asked_bytes + bytes;
		int r = hog->wl->alloc(hog, hog->values, bytes);
		if (r < 0)
			return r;
		asked += bytes;
		hog_say_progress(hog, bytes, began);
	}
	return 0;
}
