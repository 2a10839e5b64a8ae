/*
 * The pattern of most workloads: a block, a pause, the next block, up to a count or a total.
 * Called by their run functions; between two blocks the hog answers commands.
 */
#include <errno.h>

#include "base/clock.h"
#include "workloads/hog_run.h"

int hog_pace_check(const struct hog_pace *pace, struct err *err)
{
	if (pace->block_bytes == 0)
		return err_set(err, EINVAL, "--block expects a size above 0, got 0");
	return 0;
}

int hog_pace_run(struct hog *hog, const struct hog_pace *pace)
{
	uint64_t asked = 0;

	for (uint64_t n = 0; (pace->count == 0 || n < pace->count) && asked < pace->total_bytes;
	     n++) {
		uint64_t left = pace->total_bytes - asked, began = clock_ns();
		uint64_t bytes = left < pace->block_bytes ? left : pace->block_bytes;

		hog_wait(hog, n ? began + pace->interval_ns : 0, false);
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
