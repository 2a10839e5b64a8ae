/*
 * A hog started by hand: runs its pattern, tells about each block on stdout, then holds what it
 * has until a signal, or exits. Signals keep their default actions, so that Ctrl-C and SIGTERM
 * also end a hog that the kernel has paused (oom_kill_disable). Called by hog.c.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "workloads/hog_live.h"

void hog_say_progress(struct hog *hog, uint64_t bytes, uint64_t began_ns)
{
	char line[160], block[PARSE_TEXT_MAX], held[PARSE_TEXT_MAX], took[PARSE_TEXT_MAX];

	if (hog->lockstep)
		return;
	int n = snprintf(line, sizeof(line), "%s: +%s in %s, holds %s (%llu pages)\n",
			 hog->wl->name, format_size(bytes, block),
			 format_duration(clock_ns() - began_ns, took),
			 format_size_short(*hog->touched * hog->page_size, held),
			 (unsigned long long)*hog->touched);
	if (n > 0)
		(void)fd_write_full(STDOUT_FILENO, line, (size_t)n);
}

static void say_failure(const struct hog *hog, int errnum)
{
	char line[240];
	int n = snprintf(line, sizeof(line), "oomhog: %s: failed after %llu pages: %s\n",
			 hog->wl->name, (unsigned long long)hog->status->total_pages,
			 strerror(errnum));

	if (n > 0)
		(void)fd_write_full(STDERR_FILENO, line, (size_t)n);
}

static void say_end(const struct hog *hog)
{
	const struct hog_status *status = hog->status;
	uint64_t in_children = 0;
	char held[PARSE_TEXT_MAX], line[240];

	for (uint32_t i = 0; i < status->n_children && i < HOG_CHILDREN_MAX; i++)
		in_children += status->child[i].touched_pages;
	int n = snprintf(line, sizeof(line), "%s: done, holds %s (%llu pages)", hog->wl->name,
			 format_size_short(status->touched_pages * hog->page_size, held),
			 (unsigned long long)status->touched_pages);
	if (status->n_children && n > 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %u children touched %s",
			      status->n_children,
			      format_size_short(in_children * hog->page_size, held));
	n += snprintf(line + n, sizeof(line) - (size_t)n, "\n");
	(void)fd_write_full(STDOUT_FILENO, line, (size_t)n);
}

_Noreturn void hog_live_alone(struct hog *hog)
{
	hog->status->state = HOG_STATE_BUSY;
	hog->in_command = true;
	int r = hog->wl->run(hog, hog->values);

	hog->status->state = HOG_STATE_DONE;
	if (r < 0) {
		say_failure(hog, -r);
		hog_end(hog, HOG_EXIT_FAILED);
	}
	say_end(hog);
	if (hog->then_exit)
		hog_end(hog, 0);
	for (;;)
		hog_wait(hog, UINT64_MAX, false);
}
