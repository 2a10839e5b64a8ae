/*
 * See records.h.
 */
#include "harness/cmd/records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/record/folder.h"

static int add_file(struct records *records, const char *path, struct err *err)
{
	struct record *record;
	struct stat info;

	if (stat(path, &info) < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	for (size_t i = 0; i < records->n; i++)
		if (records->files[i].dev == info.st_dev && records->files[i].ino == info.st_ino)
			return 0;
	if (record_load(path, &record, err) < 0) {
		err->code = err->code == ENOENT ? EIO : err->code; /* it was there */
		return -err->code;
	}
	records->of = mem_grow(records->of, records->n + 1, sizeof(struct record *));
	records->files = mem_grow(records->files, records->n + 1, sizeof(*records->files));
	records->files[records->n].dev = info.st_dev;
	records->files[records->n].ino = info.st_ino;
	records->of[records->n++] = record;
	return 0;
}

/* 1: the record of the run in that folder was added; 0: there is none. */
static int add_run(struct records *records, const char *path, struct err *err)
{
	MEM_AUTO char *file = record_file(path);
	struct stat info;

	if (stat(file, &info) < 0)
		return 0;
	int r = add_file(records, file, err);
	if (r == -ENODATA && record_is_partial(file)) /* it was killed as it began */
		return 0;
	return r < 0 ? r : 1;
}

/* Runs below a folder, and records that lie in it as files, as small checked-in ones do. */
static int add_entry(struct records *records, const char *folder, const char *name, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/%s", folder, name);
	struct stat info;

	if (name[0] == '.' || stat(path, &info) < 0)
		return 0;
	if (S_ISDIR(info.st_mode))
		return add_run(records, path, err);
	if (!str_ends(name, ".json"))
		return 0;
	int r = add_file(records, path, err);
	return r < 0 ? r : 1;
}

static int add_folder(struct records *records, const char *path, struct err *err)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, NULL, alphasort), found = 0, r = 0;

	if (n < 0)
		return err_errno(err, errno, "cannot read folder '%s'", path);
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = add_entry(records, path, entries[i]->d_name, err);
		found += r > 0;
		free(entries[i]);
	}
	free(entries);
	if (r < 0)
		return r;
	return found ? 0 : err_set(err, ENODATA, "no record of a run in folder '%s'", path);
}

int records_add(struct records *records, const char *path, struct err *err)
{
	struct stat info;

	if (stat(path, &info) < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (!S_ISDIR(info.st_mode))
		return add_file(records, path, err);
	int r = add_run(records, path, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return add_folder(records, path, err);
}

static bool listed(const char *const *names, const char *name)
{
	while (*names && !str_eq(*names, name))
		names++;
	return *names != NULL;
}

static void keep(json_t *object, const char *const *keys)
{
	json_t *value;
	const char *key;
	void *next;

	json_object_foreach_safe(object, next, key, value)
	{
		if (!listed(keys, key))
			(void)json_object_del(object, key);
	}
}

static void make_kill_small(json_t *kill)
{
	static const char *const members[] = {"comm",  "task",	    "child", "group",
					      "audit", "predicted", NULL};
	static const char *const outcome[] = {"outcome", "verdict", NULL};

	keep(kill, members);
	keep(json_object_get(kill, "predicted"), outcome);
	keep(json_object_get(kill, "audit"), outcome);
}

/* What a verdict rests on. What was found for a pass says no more than that it is one. */
static void make_small(struct record *record)
{
	static const char *const finding[] = {"at", "what", "expected", "got", "ok", NULL};
	json_t *each;
	size_t k;

	for (size_t i = 0; i < record->n; i++) {
		struct result *result = record->results[i];
		(void)json_array_clear(result->events);
		(void)json_array_clear(result->samples);
		(void)json_array_clear(result->log);
		if (result->verdict == VERDICT_PASS)
			(void)json_array_clear(result->findings);
		json_array_foreach (result->findings, k, each)
			keep(each, finding);
		json_array_foreach (result->kills, k, each)
			make_kill_small(each);
	}
}

/* As mkdir -p does with one level. */
static int make_folder(int at, const char *name, struct err *err)
{
	if (mkdirat(at, name, 0777) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot create the folder '%s'", name);
	return fd_open_at(at, name, O_RDONLY | O_DIRECTORY, 0, err);
}

/* What is not there counts as empty (results/README.md). */
static void drop_empty(json_t *object)
{
	json_t *value;
	const char *key;
	void *next;

	json_object_foreach_safe(object, next, key, value)
	{
		if ((json_is_array(value) && json_array_size(value) == 0) ||
		    (json_is_object(value) && json_object_size(value) == 0) || json_is_null(value))
			(void)json_object_del(object, key);
	}
}

static void add_json(struct str *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	str_add(out, text ? text : "null");
	free(text);
}

/* A result a line: what changes in a checked-in record is then seen in its diff. */
static void dump_small(const struct record *record, struct str *out)
{
	json_t *json = record_to_json(record), *value;
	const char *key;
	size_t i;

	str_add(out, "{");
	json_object_foreach (json, key, value) {
		if (str_eq(key, "results"))
			continue;
		str_addf(out, "\"%s\": ", key);
		add_json(out, value);
		str_add(out, ",\n");
	}
	str_add(out, "\"results\": [");
	json_array_foreach (json_object_get(json, "results"), i, value) {
		drop_empty(value);
		(void)json_object_del(value, "title");
		str_add(out, i ? ",\n" : "\n");
		add_json(out, value);
	}
	str_add(out, "\n]}\n");
	json_decref(json);
}

int records_save_small(struct record *record, const char *folder, const char *name, struct err *err)
{
	FD_AUTO base = make_folder(AT_FDCWD, folder, err);
	FD_AUTO dir = base < 0 ? -1 : make_folder(base, name, err);
	FD_AUTO fd =
		dir < 0 ? -1
			: fd_open_at(dir, "record.json", O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	STR_AUTO text = STR_INIT;

	if (fd < 0)
		return -err->code;
	make_small(record);
	dump_small(record, &text);
	int r = fd_write_full(fd, str_text(&text), text.len);
	return r < 0 ? err_errno(err, -r, "cannot write '%s/%s/record.json'", folder, name) : 0;
}

void records_free(struct records *records)
{
	for (size_t i = 0; i < records->n; i++)
		record_free(records->of[i]);
	free(records->of);
	free(records->files);
	*records = (struct records){0};
}
