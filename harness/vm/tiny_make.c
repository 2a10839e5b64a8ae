/*
 * See tiny_make.h. What is built is to depend on source, options and compiler alone: make gets an
 * environment of its own, and date, user and host that are always the same.
 */
#include "harness/vm/tiny_make.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/child.h"

/* What make prints a line about, in 6.12; no way is known to ask it beforehand. */
#define STEPS_ABOUT 1700.0

enum { WORDS_MAX = 24, PATIENCE_S = 1800, TOLD_LINES = 8, LINE_MAX_LEN = 300 };

/* ---- what it says --------------------------------------------------------------------------- */

struct hearing {
	const struct tiny_tree *tree;
	const char *what;
	int log;
	size_t done; /* steps */
	struct str line;
	char doing[80];			     /* told to the watch, which keeps the pointer */
	char last[TOLD_LINES][LINE_MAX_LEN]; /* a ring */
	size_t lines;
	bool full;
};

/* "  CC      mm/oom_kill.o" */
static void hear_line(struct hearing *hearing, const char *line)
{
	const char *file = strrchr(line, ' ');
	double percent = 100.0 * (double)hearing->done / STEPS_ABOUT;

	(void)snprintf(hearing->last[hearing->lines++ % TOLD_LINES], LINE_MAX_LEN, "%s", line);
	hearing->full = hearing->full || strstr(line, "No space left on device");
	if (!str_starts(line, "  ") || !file)
		return;
	hearing->done++;
	(void)snprintf(hearing->doing, sizeof(hearing->doing), "%s %s", hearing->what, file + 1);
	fetch_progress(hearing->tree->watch, hearing->doing, percent < 99 ? percent : 99);
}

static void hear(void *data, const char *bytes, size_t n)
{
	struct hearing *hearing = data;

	(void)fd_write_full(hearing->log, bytes, n);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			str_addn(&hearing->line, &bytes[i], 1);
			continue;
		}
		hear_line(hearing, str_text(&hearing->line));
		str_free(&hearing->line);
	}
}

static int judge(struct hearing *hearing, int status, const char *log, struct err *err)
{
	size_t n = hearing->lines < TOLD_LINES ? hearing->lines : TOLD_LINES;

	if (status == 0)
		return 0;
	for (size_t i = hearing->lines - n; i < hearing->lines; i++)
		fetch_note(hearing->tree->watch, "%s", hearing->last[i % TOLD_LINES]);
	if (hearing->full)
		return err_set(err, ENOSPC, "the disk is full; the log is '%s'", log);
	return err_set(err, EPROTO, "%s the kernel failed (make: status %d); the log is '%s'",
		       hearing->what, status, log);
}

/* ---- how it is called ----------------------------------------------------------------------- */

/* Objects that earlier calls have made. */
static size_t count_objects(const struct tiny_tree *tree)
{
	MEM_AUTO char *root = mem_printf("%s/out", tree->path);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	size_t n = 0;

	for (FTSENT *entry; walk && (entry = fts_read(walk)) != NULL;)
		n += str_ends(entry->fts_name, ".o");
	if (walk)
		(void)fts_close(walk);
	return n;
}

/* When Debian packed the source, the same for everybody. */
static char *source_date(const struct tiny_tree *tree)
{
	MEM_AUTO char *path = mem_printf("%s/source/Makefile", tree->path);
	struct stat info = {0};
	char text[64];
	struct tm tm;

	(void)stat(path, &info);
	(void)gmtime_r(&info.st_mtime, &tm);
	(void)strftime(text, sizeof(text), "%a %b %e %T UTC %Y", &tm);
	return mem_dup(text);
}

/* To be freed, each of them. */
static void add_words(const struct tiny_tree *tree, const char *target, char **words)
{
	const char *path = getenv("PATH");
	MEM_AUTO char *date = source_date(tree);
	size_t n = 0;

	words[n++] = mem_dup("nice");
	words[n++] = mem_dup("-n19");
	words[n++] = mem_dup("env");
	words[n++] = mem_dup("-i");
	words[n++] = mem_dup("LC_ALL=C");
	words[n++] = mem_printf("PATH=%s", path ? path : "/usr/bin:/bin");
	words[n++] = mem_dup("make");
	words[n++] = mem_dup("--no-print-directory");
	words[n++] = mem_printf("-j%u", tree->jobs);
	words[n++] = mem_printf("-C%s/source", tree->path);
	words[n++] = mem_printf("O=%s/out", tree->path);
	words[n++] = mem_dup("ARCH=x86_64");
	words[n++] = mem_dup("KBUILD_BUILD_USER=oomlab");
	words[n++] = mem_dup("KBUILD_BUILD_HOST=oomlab");
	words[n++] = mem_dup("KBUILD_BUILD_VERSION=1"); /* else how often it was linked */
	words[n++] = mem_printf("KBUILD_BUILD_TIMESTAMP=%s", date);
	words[n++] = mem_printf("KCONFIG_ALLCONFIG=%s/options", tree->path);
	words[n++] = mem_dup(target);
}

int tiny_make(const struct tiny_tree *tree, const char *target, const char *what, struct err *err)
{
	char *words[WORDS_MAX] = {NULL};
	MEM_AUTO char *path = mem_printf("%s/log", tree->path);
	FD_AUTO log = fd_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	struct hearing hearing = {
		.tree = tree, .what = what, .log = log, .done = count_objects(tree)};
	const struct child_job job = {.words = words,
				      .what = what,
				      .patience_s = PATIENCE_S,
				      .gently = true,
				      .heard = hear,
				      .data = &hearing};
	struct child_output output = {0};

	if (log < 0)
		return log;
	add_words(tree, target, words);
	fetch_progress(tree->watch, what, -1);
	int r = child_job_run(&job, tree->watch, &output, err);
	if (r >= 0)
		r = judge(&hearing, output.status, path, err);
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
	str_free(&hearing.line);
	child_output_free(&output);
	return r;
}
