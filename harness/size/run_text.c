/*
 * What a run's end means, as far as it is only data: equal or not, and in words.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/size/run.h"

bool run_same(const struct run_result *reference, const struct run_result *run)
{
	if (run->oom_kills > 0 || run->end != reference->end)
		return false;
	if (run->end == RUN_SERVED)
		return true;
	if (run->status != reference->status || run->check_failed)
		return false;
	return run->output_sum == reference->output_sum &&
	       run->output_bytes == reference->output_bytes;
}

const char *run_end_word(enum run_end end)
{
	static const char *const words[] = {
		[RUN_EXITED] = "exited",
		[RUN_SIGNALED] = "signaled",
		[RUN_OOM] = "oom",
		[RUN_TIMEOUT] = "timeout",
		[RUN_NO_START] = "no_start",
		[RUN_LEFT_BEHIND] = "left_processes",
		[RUN_ESCAPED] = "left_group",
		[RUN_SERVED] = "served",
		[RUN_CEILING] = "ceiling",
		[RUN_SELF_SIZED] = "self_sized",
		[RUN_UNFOLLOWED] = "unfollowed",
		[RUN_MISSED] = "missed",
		[RUN_INTERRUPTED] = "interrupted",
	};

	return words[end];
}

const char *run_end_text(const struct run_result *run, char *buf, size_t size)
{
	switch (run->end) {
	case RUN_EXITED:
		snprintf(buf, size, "exit status %d", run->status);
		break;
	case RUN_SIGNALED:
		snprintf(buf, size, "killed by SIG%s", sigabbrev_np(run->status));
		break;
	case RUN_OOM:
		snprintf(buf, size, "killed by the OOM killer");
		break;
	case RUN_TIMEOUT:
		snprintf(buf, size, "not ended in time");
		break;
	case RUN_NO_START:
		snprintf(buf, size, "not started: %s", strerror(run->status));
		break;
	case RUN_LEFT_BEHIND:
		snprintf(buf, size, "ended and left processes behind");
		break;
	case RUN_SERVED:
		snprintf(buf, size, "alive until its time was over");
		break;
	case RUN_CEILING:
		snprintf(buf, size, "more than may be given to it");
		break;
	case RUN_ESCAPED:
	case RUN_SELF_SIZED:
	case RUN_UNFOLLOWED:
		snprintf(buf, size, "%s", run->why);
		break;
	case RUN_MISSED:
		snprintf(buf, size, "a system call may have failed unseen");
		break;
	case RUN_INTERRUPTED:
		snprintf(buf, size, "interrupted");
		break;
	}
	return buf;
}
