/*
 * See memo.h. The first line says what the file is about, each other one is a run: its kind and
 * limit, and its result. A line is one write(2) at the end of the file, and counts when it ends
 * with a newline; who writes holds a lock on the file.
 */
#include "harness/size/memo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/size/inputs.h"

/* FILE_MOST: a hundred thousand runs; FIRST_LEAST: what a cut first line is known by. */
enum { FORMAT = 1, FILE_MOST = 256 << 20, FIRST_LEAST = sizeof("{\"oomlab") - 1 };
static const char format_key[] = "oomlab_size",
		  first_text[] = "{\"oomlab_size\":", run_text[] = "{\"run\":";

struct entry {
	const char *kind; /* of kinds[] */
	uint64_t limit_bytes;
	bool late, probe;
	bool used, loaded;
	bool beside; /* made while others ran */
	struct run_result result;
};

struct memo {
	struct entry *entries;
	size_t n, n_loaded;
	unsigned int taken, taken_ahead;
	bool alone;
	int fd; /* -1: no file */
	char *path;
	json_t *about;	/* to be written before the first run; NULL: it is there */
	json_t *inputs; /* as they were before it */
	const char *const *words;
	struct err trouble;
};

static const char *const kinds[] = {"free", "limit", "ratchet", "half"};

static const char *kind_of(const struct run_spec *spec)
{
	if (spec->mode == RUN_RATCHET)
		return kinds[2];
	return spec->watch ? kinds[0] : spec->half ? kinds[3] : kinds[1];
}

struct memo *memo_new(void)
{
	struct memo *memo = mem_zero(1, sizeof(*memo));

	memo->fd = -1;
	memo->trouble = ERR_INIT;
	return memo;
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	fd_close_var(&memo->fd);
	json_decref(memo->about);
	json_decref(memo->inputs);
	free(memo->entries);
	free(memo->path);
	free(memo);
}

void memo_alone(struct memo *memo, bool alone)
{
	memo->alone = alone;
}

unsigned int memo_taken_ahead(const struct memo *memo)
{
	return memo->taken_ahead;
}

unsigned int memo_taken(const struct memo *memo)
{
	return memo->taken;
}

size_t memo_loaded(const struct memo *memo)
{
	return memo->n_loaded;
}

const char *memo_trouble(const struct memo *memo)
{
	return memo->trouble.text;
}

/* ---- taking and keeping --------------------------------------------------------------------- */

/* What a run without a limit is compared with is only one that ended well; what the time or the
 * ceiling ended says nothing where there is more of it now. */
static bool fits(const struct entry *entry, const struct run_spec *spec)
{
	const struct run_result *result = &entry->result;

	if (entry->used || entry->kind != kind_of(spec))
		return false;
	if (entry->kind != kinds[0] && (entry->limit_bytes != spec->limit_bytes ||
					entry->late != spec->late || entry->probe != spec->probe))
		return false;
	/* It was allowed to have more than this call allows. */
	if (entry->kind == kinds[2] && result->limit_bytes > spec->ceiling_bytes)
		return false;
	if (result->end == RUN_TIMEOUT)
		return spec->timeout_ns && spec->timeout_ns <= result->wall_ns;
	return result->end != RUN_CEILING || spec->ceiling_bytes <= result->limit_bytes;
}

static struct entry *find(const struct memo *memo, const struct run_spec *spec)
{
	for (size_t i = 0; i < memo->n; i++)
		if (fits(&memo->entries[i], spec) && !(memo->alone && memo->entries[i].beside))
			return &memo->entries[i];
	return NULL;
}

bool memo_has(const struct memo *memo, const struct run_spec *spec)
{
	return find(memo, spec) != NULL;
}

bool memo_take(struct memo *memo, const struct run_spec *spec, struct run_result *ret)
{
	struct entry *entry = find(memo, spec);

	if (!entry)
		return false;
	entry->used = true;
	memo->taken += entry->loaded;
	memo->taken_ahead += !entry->loaded;
	*ret = entry->result;
	return true;
}

static bool is_worth_keeping(const struct run_spec *spec, const struct run_result *result)
{
	if (kind_of(spec) == kinds[0] && result->end != RUN_EXITED && result->end != RUN_SERVED)
		return false;
	if (result->end == RUN_SIGNALED && result->status == SIGKILL)
		return false; /* somebody's doing */
	return result->end != RUN_INTERRUPTED && result->end != RUN_NO_START;
}

static void add(struct memo *memo, const struct entry *entry)
{
	memo->entries = mem_grow(memo->entries, memo->n + 1, sizeof(*memo->entries));
	memo->entries[memo->n++] = *entry;
}

/* ---- the file ------------------------------------------------------------------------------- */

static void write_line(struct memo *memo, const json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	MEM_AUTO char *whole = mem_printf("%s\n", text);
	int r;

	free(text);
	if (memo->trouble.code)
		return;
	/* To the disk: what it took hours to find survives a power cut, too. */
	r = fd_write_full(memo->fd, whole, strlen(whole));
	if (r >= 0 && fdatasync(memo->fd) < 0 && errno != EINVAL)
		r = -errno;
	if (r < 0)
		(void)err_errno(&memo->trouble, -r, "--save '%s'", memo->path);
}

/* Before the first run: what it is about, and which files that run did not change. */
static void write_about(struct memo *memo)
{
	if (!memo->about)
		return;
	json_t *after = inputs_look(memo->words);
	json_object_set_new(memo->about, "inputs", inputs_same(memo->inputs, after));
	json_decref(after);
	write_line(memo, memo->about);
	json_decref(memo->about);
	memo->about = NULL;
}

void memo_put(struct memo *memo, const struct run_spec *spec, const struct run_result *result,
	      bool ahead)
{
	struct entry entry = {.kind = kind_of(spec),
			      .limit_bytes = spec->limit_bytes,
			      .late = spec->late,
			      .probe = spec->probe,
			      .used = !ahead,
			      .beside = ahead,
			      .result = *result};

	if (!is_worth_keeping(spec, result))
		return;
	if (ahead)
		add(memo, &entry);
	if (memo->fd < 0)
		return;
	write_about(memo);
	json_t *line = json_pack("{s:s, s:I, s:b, s:b, s:b, s:o}", "run", entry.kind, "from",
				 (json_int_t)spec->limit_bytes, "late", spec->late, "probe",
				 spec->probe, "beside", ahead, "result", memo_result_json(result));
	write_line(memo, line);
	json_decref(line);
}

/* ---- reading it ----------------------------------------------------------------------------- */

static bool bool_read(const json_t *line, const char *key, bool *ret)
{
	const json_t *value = json_object_get(line, key);

	*ret = json_is_true(value);
	return json_is_boolean(value);
}

static bool read_run(struct memo *memo, const json_t *line)
{
	const char *word = json_string_value(json_object_get(line, "run"));
	const json_t *from = json_object_get(line, "from");
	struct entry entry = {.limit_bytes = (uint64_t)json_integer_value(from), .loaded = true};

	for (size_t i = 0; word && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kinds[i], word))
			entry.kind = kinds[i];
	if (!entry.kind || !json_is_integer(from) || json_integer_value(from) <= 0 ||
	    !bool_read(line, "late", &entry.late) || !bool_read(line, "probe", &entry.probe) ||
	    !bool_read(line, "beside", &entry.beside) ||
	    !memo_result_read(json_object_get(line, "result"), &entry.result))
		return false;
	/* Such are never kept. */
	if (entry.result.end == RUN_INTERRUPTED || entry.result.end == RUN_NO_START)
		return false;
	add(memo, &entry);
	memo->n_loaded++;
	return true;
}

static char *value_text(const json_t *value)
{
	return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
}

static int compare(const struct memo *memo, const json_t *there, struct err *err)
{
	char changed[PATH_MAX];
	const char *key;
	json_t *here;

	const json_t *inputs = json_object_get(there, "inputs");

	if (json_integer_value(json_object_get(there, format_key)) != FORMAT ||
	    !json_is_array(inputs))
		return err_set(err, EINVAL, "--save '%s' is no file of oomlab size", memo->path);
	json_object_foreach (memo->about, key, here) {
		json_t *old = json_object_get(there, key);
		if (old && json_equal(old, here))
			continue;
		MEM_AUTO char *a = value_text(old);
		MEM_AUTO char *b = value_text(here);
		return err_set(err, EINVAL,
			       "--save '%s' is of another %s: %.120s there, %.120s "
			       "here",
			       memo->path, key, a, b);
	}
	if (*inputs_changed(inputs, changed, sizeof(changed)))
		return err_set(err, EINVAL, "--save '%s' is of another '%s': it was changed since",
			       memo->path, changed);
	return 0;
}

static int read_line(struct memo *memo, const char *text, size_t len, size_t number,
		     struct err *err)
{
	json_error_t error;
	json_t *line = json_loadb(text, len, 0, &error);
	int r = 0;

	if (!line && number > 1)
		r = err_set(err, EINVAL, "--save '%s': line %zu: %s", memo->path, number,
			    error.text);
	else if (number == 1)
		r = compare(memo, line, err);
	else if (!read_run(memo, line))
		r = err_set(err, EINVAL, "--save '%s': line %zu is no run of oomlab size",
			    memo->path, number);
	json_decref(line);
	return r;
}

/* What is behind the last newline is the beginning of a line of ours, or nothing. */
static bool is_cut(const char *text, size_t len, const char *begins)
{
	size_t n = strlen(begins);

	return len == 0 || strncmp(text, begins, len < n ? len : n) == 0;
}

/* Before all of a large file is read, and more than its beginning is asked for. */
static int check_beginning(const struct memo *memo, const struct stat *st, struct err *err)
{
	char text[sizeof(first_text)];
	ssize_t n = pread(memo->fd, text, sizeof(first_text) - 1, 0);

	if (n < 0)
		return err_errno(err, errno, "--save '%s'", memo->path);
	if (n > 0 && (n < FIRST_LEAST || strncmp(text, first_text, (size_t)n) != 0))
		return err_set(err, EINVAL, "--save '%s' is no file of oomlab size", memo->path);
	if (st->st_size > FILE_MOST)
		return err_set(err, EINVAL, "--save '%s': expected %d MiB or less, got %lld",
			       memo->path, FILE_MOST >> 20, (long long)st->st_size >> 20);
	return 0;
}

static int read_file(struct memo *memo, struct err *err)
{
	STR_AUTO text = STR_INIT;
	size_t number = 0, at = 0;
	const char *end;
	int r = fd_read_at_most(AT_FDCWD, memo->path, FILE_MOST, &text, err);

	while (r >= 0 && at < text.len && (end = memchr(text.s + at, '\n', text.len - at))) {
		size_t len = (size_t)(end - text.s) - at;
		r = read_line(memo, text.s + at, len, ++number, err);
		at += len + 1;
	}
	if (r < 0)
		return r;
	/* Something else without a newline is not ours to cut. */
	if (!is_cut(str_text(&text) + at, text.len - at, number ? run_text : first_text))
		return err_set(err, EINVAL, "--save '%s': line %zu is no run of oomlab size",
			       memo->path, number + 1);
	if (at < text.len && ftruncate(memo->fd, (off_t)at) < 0)
		return err_errno(err, errno, "--save '%s'", memo->path);
	if (number > 0) {
		json_decref(memo->about);
		memo->about = NULL;
	}
	return 0;
}

int memo_open(struct memo *memo, const char *path, json_t *about, const char *const *words,
	      struct err *err)
{
	struct stat st;

	memo->path = mem_dup(path);
	memo->words = words;
	memo->about = json_pack("{s:i}", format_key, FORMAT);
	(void)json_object_update(memo->about, about);
	memo->inputs = inputs_look(words);
	memo->fd =
		open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
	if (memo->fd < 0)
		return err_errno(err, errno, "--save '%s'", path);
	if (fstat(memo->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "--save '%s': expected a file", path);
	if (flock(memo->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, EBUSY, "--save '%s': another oomlab writes to it", path);
	if (check_beginning(memo, &st, err) < 0)
		return -err->code;
	return read_file(memo, err);
}
