/*
 * The kernel's log during a play: each kill, and the usage that its report has.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/curve/curve_internal.h"
#include "harness/exec/host.h"
#include "harness/oomlog/line.h"

void play_log_open(struct play *play)
{
	struct err none;

	/* Pids in the log are those of the first pid namespace. */
	play->kmsg = !facts_in_init_pid_ns()
			     ? -1
			     : fd_open_at(-1, "/dev/kmsg", O_RDONLY | O_NONBLOCK, 0, &none);
	if (play->kmsg >= 0 && lseek(play->kmsg, 0, SEEK_END) < 0)
		fd_close_var(&play->kmsg);
	play->ret->no_log = play->kmsg < 0;
}

static bool is_ours(const struct play *play, pid_t pid)
{
	for (size_t i = 0; i < play->n_tasks; i++)
		if (play->tasks[i].pid == pid)
			return true;
	return false;
}

static void take_line(struct play *play, const char *text)
{
	const char *usage = strstr(text, "memory: usage ");
	uint64_t usage_kb, limit_kb;
	struct oomlog_line line;

	if (usage && sscanf(usage, "memory: usage %" SCNu64 "kB, limit %" SCNu64 "kB", &usage_kb,
			    &limit_kb) == 2) {
		play->report_usage_bytes = usage_kb * 1024;
		play->report_limit_bytes = limit_kb * 1024;
	}
	switch (oomlog_parse(text, &line)) {
	case OOMLOG_INVOKED:
		play->report_usage_bytes = play->report_limit_bytes = UINT64_MAX;
		break;
	case OOMLOG_KILLED:
		if (is_ours(play, line.pid) && play->n_kills < CURVE_DEATHS_MAX)
			play->kills[play->n_kills++] = (struct play_kill){
				line.pid, line.anon_rss_bytes, play->report_usage_bytes,
				play->report_limit_bytes};
		/* The kernel prints no report for every kill: the next may have none. */
		play->report_usage_bytes = play->report_limit_bytes = UINT64_MAX;
		break;
	case OOMLOG_OTHER:
	case OOMLOG_SUMMARY:
	case OOMLOG_GROUP_KILL:
	case OOMLOG_REAPED:
	case OOMLOG_NO_VICTIM:
		break;
	}
}

void play_log_read(struct play *play)
{
	char record[8192];
	uint64_t sequence, us;

	for (;;) {
		ssize_t n = play->kmsg < 0 ? 0 : read(play->kmsg, record, sizeof(record) - 1);
		/* Overwritten before we came, or too long: the next read goes on after it. */
		if (n < 0 && (errno == EPIPE || errno == EINVAL))
			continue;
		if (n <= 0)
			return;
		record[n] = '\0';
		const char *text = oomlog_kmsg(record, &sequence, &us);
		if (text)
			take_line(play, text);
	}
}

const struct play_kill *play_log_kill(const struct play *play, pid_t pid)
{
	for (size_t i = 0; i < play->n_kills; i++)
		if (play->kills[i].pid == pid)
			return &play->kills[i];
	return NULL;
}
