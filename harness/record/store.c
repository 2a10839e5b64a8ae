/*
 * The folder of a run: results/<time>-<host>/ with record.json, kernel.log and samples.csv, and
 * the link 'latest'. A file appears whole or not at all. The format is in results/README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/record/folder.h"
#include "harness/record/text.h"

/* ---- files --------------------------------------------------------------------------------- */

static int write_close(int fd, const struct str *text)
{
	int r = fd_write_full(fd, str_text(text), text->len);

	/* Network filesystems report a full disk only here. */
	if (close(fd) < 0 && r >= 0)
		r = -errno;
	return r;
}

/* Through a temporary name beside it and rename(2). O_TMPFILE would not do: linkat(2) cannot
 * replace the record.json that an earlier save left. */
static int save_file(int dirfd, const char *name, const struct str *text, struct err *err)
{
	MEM_AUTO char *temporary = mem_printf(".%s.part", name);
	int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, errno, "cannot create '%s'", name);
	int r = write_close(fd, text);
	if (r >= 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, temporary, 0);
		return err_errno(err, -r, "cannot write '%s'", name);
	}
	return 0;
}

int record_save(const struct record *record, int dirfd, struct err *err)
{
	STR_AUTO text = STR_INIT;

	record_dump(record, &text);
	return save_file(dirfd, "record.json", &text, err);
}

static void add_log(struct str *out, const struct result *result)
{
	const json_t *line;
	size_t i;

	if (json_array_size(result->log) == 0)
		return;
	str_add(out, "# ");
	text_clean(out, result->name);
	str_add(out, "\n");
	json_array_foreach (result->log, i, line) {
		const char *text = json_string_value(line);
		text_clean(out, text ? text : "");
		str_add(out, "\n");
	}
}

/* RFC 4180: quoted when it must be, quotes doubled. */
static void add_csv_text(struct str *out, const char *text)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, text ? text : "");
	if (!strpbrk(str_text(&clean), ",\"")) {
		str_add(out, str_text(&clean));
		return;
	}
	str_add(out, "\"");
	for (const char *at = str_text(&clean); *at; at++)
		str_addn(out, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
	str_add(out, "\"");
}

static void add_samples(struct str *out, const struct result *result)
{
	static const char *const numbers[] = {"usage", "limit", "pressure_some_us"};
	const json_t *sample;
	size_t i;

	json_array_foreach (result->samples, i, sample) {
		uint64_t value;
		add_csv_text(out, result->name);
		str_add(out, ",");
		if (field_u64_get(json_object_get(sample, "t"), &value))
			str_addf(out, "%" PRIu64, value);
		str_add(out, ",");
		add_csv_text(out, json_string_value(json_object_get(sample, "group")));
		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
			str_add(out, ",");
			/* What was not measured, and a limit that is not set, stay empty. */
			if (field_u64_get(json_object_get(sample, numbers[k]), &value) &&
			    value != UINT64_MAX)
				str_addf(out, "%" PRIu64, value);
		}
		str_add(out, "\n");
	}
}

int record_save_extras(const struct record *record, int dirfd, struct err *err)
{
	STR_AUTO log = STR_INIT;
	STR_AUTO samples = STR_INIT;

	str_add(&samples, "scenario,t_ns,group,usage_bytes,limit_bytes,pressure_some_us\n");
	for (size_t i = 0; i < record->n; i++) {
		add_log(&log, record->results[i]);
		add_samples(&samples, record->results[i]);
	}
	int r = save_file(dirfd, "kernel.log", &log, err);
	if (r >= 0)
		r = save_file(dirfd, "samples.csv", &samples, err);
	return r;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int record_load(const char *path, struct record **ret, struct err *err)
{
	MEM_AUTO char *file = is_folder(path) ? record_file(path) : mem_dup(path);
	STR_AUTO text = STR_INIT;
	json_error_t why;
	int r = fd_read_all(AT_FDCWD, file, &text, err);

	if (r >= 0 && record_is_partial(file))
		r = record_from_partial(str_text(&text), ret, err) < 0 ? err_wrap(err, "'%s'", file)
								       : 1;
	if (r != 0)
		return r < 0 ? r : 0;
	json_t *json = json_loadb(str_text(&text), text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		return err_set(err, EINVAL, "%s:%d:%d: not JSON: %s", file, why.line, why.column,
			       why.text);
	r = record_from_json(json, ret, err);
	json_decref(json);
	return r < 0 ? err_wrap(err, "'%s'", file) : 0;
}

/* ---- the folder ---------------------------------------------------------------------------- */

static void add_host(struct str *out, const char *host)
{
	size_t before = out->len;

	for (; *host; host++) {
		bool plain = strchr("-_.", *host) || (*host >= '0' && *host <= '9') ||
			     (*host >= 'a' && *host <= 'z') || (*host >= 'A' && *host <= 'Z');
		str_addn(out, plain ? host : "_", 1);
	}
	if (out->len == before)
		str_add(out, "host");
}

/* "20261122T005500Z-ci7": sorts by time, is a file name on every filesystem. */
static char *make_id(const struct record *record)
{
	time_t seconds = (time_t)(record->began_unix_ns / 1000000000);
	struct str id = STR_INIT;
	struct tm tm;
	char stamp[64];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ-", &tm);
	str_add(&id, stamp);
	add_host(&id, record->facts.host);
	return str_take(&id);
}

/* Makes the folder and those above it; those that exist are fine, also where mkdir(2) says
 * EROFS or EACCES of them. */
static int make_path(const char *path, struct err *err)
{
	MEM_AUTO char *part = mem_dup(path);

	if (*path == '\0')
		return err_set(err, EINVAL, "the folder's name is empty");
	for (char *at = part + 1;; at++) {
		char c = *at;
		if (c != '/' && c != '\0')
			continue;
		*at = '\0';
		int errnum = mkdir(part, 0777) < 0 ? errno : 0;
		if (errnum && errnum != EEXIST && !is_folder(part))
			return err_errno(err, errnum, "cannot create the folder '%s'", part);
		if (c == '\0')
			break;
		*at = c;
	}
	return 0;
}

/* Two runs may begin in one second: the later one is "<id>-2", and so on. NULL: see errno. */
static char *make_unique(int base, const char *id)
{
	enum { TRIES = 1000 };

	for (int i = 1; i <= TRIES; i++) {
		char *name = i == 1 ? mem_dup(id) : mem_printf("%s-%d", id, i);
		if (mkdirat(base, name, 0777) == 0)
			return name;
		free(name); /* keeps errno since glibc 2.33 */
		if (errno != EEXIST)
			break;
	}
	return NULL;
}

/* rename(2) replaces the old link in one step: 'latest' always points at a run. */
static int point_latest(int base, const char *name)
{
	MEM_AUTO char *temporary = mem_printf(".latest.%s", name);

	/* vfat and some shared folders have no links: 'latest' is a convenience, go without. */
	if (symlinkat(name, base, temporary) < 0)
		return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
	if (renameat(base, temporary, base, "latest") < 0) {
		int r = -errno;
		(void)unlinkat(base, temporary, 0);
		return r;
	}
	return 0;
}

static int open_run(int base, const char *base_name, const char *id, char **ret_name,
		    struct err *err)
{
	MEM_AUTO char *name = make_unique(base, id);
	int r = 0;

	if (!name)
		return err_errno(err, errno, "cannot create '%s/%s'", base_name, id);
	FD_AUTO fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		r = err_errno(err, errno, "cannot open '%s/%s'", base_name, name);
	else if ((r = point_latest(base, name)) < 0)
		err_errno(err, -r, "cannot point the link '%s/latest' at '%s'", base_name, name);
	if (r < 0) {
		(void)unlinkat(base, name, AT_REMOVEDIR);
		return r;
	}
	*ret_name = name;
	name = NULL;
	return fd_take(&fd);
}

static int open_base(const char *base, struct err *err)
{
	int r = make_path(base, err);

	return r < 0 ? r : fd_open_at(AT_FDCWD, base, O_RDONLY | O_DIRECTORY, 0, err);
}

int record_base(const char *base, struct err *err)
{
	FD_AUTO fd = open_base(base, err);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		r = err_errno(err, errno, "cannot write into '%s'", base);
	return r < 0 ? err_wrap(err, "results cannot be stored") : 0;
}

int record_dir(const char *base, struct record *record, char **ret_path, struct err *err)
{
	MEM_AUTO char *id = make_id(record);
	char *name = NULL;
	FD_AUTO basefd = open_base(base, err);
	int fd = basefd;

	if (fd >= 0)
		fd = open_run(basefd, base, id, &name, err);
	if (fd < 0)
		return err_wrap(err, "results cannot be stored");
	free(record->id);
	record->id = name;
	*ret_path = mem_printf("%s/%s", base, name);
	return fd;
}
