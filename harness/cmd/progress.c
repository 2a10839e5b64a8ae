/*
 * See progress.h.
 */
#include "harness/cmd/progress.h"

#include <stdio.h>

#include "base/clock.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/terminal.h"

#define REDRAW_NS 100000000ULL

static void erase(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}

static void draw(void *data, const char *what, double percent)
{
	struct progress *progress = data;
	uint64_t now = clock_ns();

	if (!progress->terminal || (what == progress->what && now - progress->drawn_ns < REDRAW_NS))
		return;
	erase(progress);
	if (percent < 0)
		fprintf(stderr, "%.60s ...", what);
	else
		fprintf(stderr, "%3.0f%% %.60s", percent, what);
	(void)fflush(stderr);
	progress->drawn = true;
	progress->drawn_ns = now;
	progress->what = what;
}

static void note(void *data, const char *text)
{
	struct progress *progress = data;

	erase(progress);
	fprintf(stderr, "oomlab %s: ", progress->command);
	cmd_print_clean(stderr, text);
}

void progress_begin(struct progress *progress, const char *command, struct fetch_watch *ret_watch)
{
	*progress = (struct progress){.command = command, .terminal = terminal_is(stderr)};
	*ret_watch = (struct fetch_watch){draw, note, progress};
}

void progress_end(struct progress *progress)
{
	erase(progress);
}
