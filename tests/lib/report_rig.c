/*
 * See report_rig.h. Paths are relative to the repository's root, where tests are run.
 */
#include "tests/lib/report_rig.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char folder[] = "tests/fixtures/report";

static void drop_bad(struct record *record)
{
	size_t kept = 0;

	for (size_t i = 0; i < record->n; i++) {
		struct result *result = record->results[i];
		if (result->verdict == VERDICT_PASS || result->verdict == VERDICT_SKIP) {
			record->results[kept++] = result;
			continue;
		}
		result_clear(result);
		free(result);
	}
	record->n = record->planned = kept;
	record->interrupted = false;
}

struct record *report_rig_record(bool only_good)
{
	MEM_AUTO char *path = mem_printf("%s/record.json", folder);
	struct record *record = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(record_load(path, &record, &err) == 0, "%s", err.text);
	if (only_good)
		drop_bad(record);
	return record;
}

char *report_rig_render(const char *name, const struct record *record,
			const struct report_options *options)
{
	const struct reporter *reporter = reporter_find(name);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(reporter);
	ck_assert_ptr_nonnull(out);
	reporter->begin(out, record, options);
	for (size_t i = 0; i < record->n; i++)
		reporter->result(out, record, record->results[i], options);
	reporter->end(out, record, options);
	fclose(out);
	return text;
}

static void write_golden(const char *path, const char *text)
{
	FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0, "cannot write '%s'",
		      path);
}

static int line_length(const char *at)
{
	return (int)strcspn(at, "\n");
}

/* Both at the beginning of the first line that differs; returns its number. */
static int first_difference(const char **a, const char **b)
{
	int line = 1;

	while (**a && line_length(*a) == line_length(*b) &&
	       strncmp(*a, *b, (size_t)line_length(*a)) == 0) {
		*a += line_length(*a) + (strchr(*a, '\n') ? 1 : 0);
		*b += line_length(*b) + (strchr(*b, '\n') ? 1 : 0);
		line++;
	}
	return line;
}

void report_rig_golden(const char *name, const char *text)
{
	MEM_AUTO char *path = mem_printf("%s/%s", folder, name);
	const char *mode = getenv("OOMLAB_GOLDEN");
	STR_AUTO golden = STR_INIT;
	struct err err = ERR_INIT;

	if (mode && strcmp(mode, "update") == 0) {
		write_golden(path, text);
		return;
	}
	ck_assert_msg(fd_read_all(AT_FDCWD, path, &golden, &err) == 0, "%s", err.text);
	const char *expected = str_text(&golden), *got = text;
	if (strcmp(expected, got) == 0)
		return;
	int line = first_difference(&expected, &got);
	ck_abort_msg("%s:%d: expected '%.*s', got '%.*s'", path, line, line_length(expected),
		     expected, line_length(got), got);
}

void report_rig_no_controls(const char *text)
{
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		bool control = (c < 0x20 && c != '\n') || c == 0x7f ||
			       (c == 0xc2 && (unsigned char)at[1] < 0xa0);
		ck_assert_msg(!control, "control character %02x before '%.20s'", c, at + 1);
	}
}

bool report_rig_has_tool(const char *name)
{
	const char *path = getenv("PATH");
	MEM_AUTO char *copy = mem_dup(path ? path : "/usr/bin:/bin");
	char *rest = copy;

	for (char *part; (part = strsep(&rest, ":"));) {
		MEM_AUTO char *file = mem_printf("%s/%s", part, name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static char *read_stream(FILE *stream)
{
	struct str text = STR_INIT;
	char chunk[4096];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		str_addn(&text, chunk, n);
	return str_take(&text);
}

char *report_rig_run(const char *command, const char *text, int *ret_status)
{
	char path[] = "/tmp/oomlab-report-XXXXXX";
	FD_AUTO fd = mkostemp(path, O_CLOEXEC);
	const char *hole = strstr(command, "%s");

	ck_assert(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0);
	ck_assert_ptr_nonnull(hole);
	MEM_AUTO char *line =
		mem_printf("%.*s%s%s 2>&1", (int)(hole - command), command, path, hole + 2);
	FILE *stream = popen(line, "re");
	ck_assert_ptr_nonnull(stream);
	char *out = read_stream(stream);
	int status = pclose(stream);
	(void)unlink(path);
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return out;
}
