/*
 * See folder.h. The first line of record.jsonl is the record without results, each further one a
 * result. Its lock belongs to the process alone (fcntl(2)), not to the workers that it forks: it
 * is free once that is dead.
 */
#include "harness/record/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/record/record_fields.h"

#define PARTIAL "record.jsonl"

struct record_folder {
	char *path;
	int dir;
	int partial; /* -1: results are not kept as they come, or cannot be any more */
};

/* ---- while it runs -------------------------------------------------------------------------- */

static int add_line(int fd, json_t *json)
{
	STR_AUTO line = STR_INIT;
	record_dump_json(json, JSON_COMPACT, &line);
	json_decref(json);
	str_add(&line, "\n");
	return fd_write_full(fd, str_text(&line), line.len);
}

static int lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &whole) < 0 ? -errno : 0;
}

/* Without its first line it would be a run that was killed. */
static void begin_partial(struct record_folder *folder, const struct record *record)
{
	folder->partial =
		openat(folder->dir, PARTIAL, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (folder->partial < 0)
		return;
	/* Where there are no locks nobody takes it for a dead run's either. */
	(void)lock(folder->partial);
	if (add_line(folder->partial, record_to_json(record)) >= 0)
		return;
	fd_close_var(&folder->partial);
	(void)unlinkat(folder->dir, PARTIAL, 0);
}

int record_folder_new(const char *base, struct record *record, bool as_they_come,
		      struct record_folder **ret, struct err *err)
{
	char *path = NULL;
	int dir = record_dir(base, record, &path, err);

	if (dir < 0)
		return dir;
	struct record_folder *folder = mem_zero(1, sizeof(*folder));
	*folder = (struct record_folder){path, dir, -1};
	if (as_they_come)
		begin_partial(folder, record);
	*ret = folder;
	return 0;
}

const char *record_folder_path(const struct record_folder *folder)
{
	return folder->path;
}

int record_folder_fd(const struct record_folder *folder)
{
	return folder->dir;
}

/* A line that is not whole would be taken for the end: nothing may come behind it. */
void record_folder_add(struct record_folder *folder, const struct result *result)
{
	if (folder && folder->partial >= 0 && add_line(folder->partial, result_to_json(result)) < 0)
		fd_close_var(&folder->partial);
}

int record_folder_save(struct record_folder *folder, const struct record *record, struct err *err)
{
	if (record_save(record, folder->dir, err) < 0) {
		bool some = faccessat(folder->dir, PARTIAL, F_OK, 0) == 0;
		return err_wrap(err, "the results above are not kept in '%s'%s", folder->path,
				some ? " (what had room is in " PARTIAL ")" : "");
	}
	(void)unlinkat(folder->dir, PARTIAL, 0);
	int r = record_save_extras(record, folder->dir, err);
	return r < 0 ? err_wrap(err, "'%s'", folder->path) : 0;
}

void record_folder_free(struct record_folder *folder)
{
	if (!folder)
		return;
	fd_close_var(&folder->partial);
	fd_close_var(&folder->dir);
	free(folder->path);
	free(folder);
}

/* ---- afterwards ----------------------------------------------------------------------------- */

static void take_result(struct record *record, const json_t *json)
{
	struct result result;
	struct err ignored;

	if (result_from_json(json, &result, &ignored) >= 0)
		record_add(record, &result);
}

int record_from_partial(const char *text, struct record **ret, struct err *err)
{
	struct record *record = NULL;
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		json_t *json = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, NULL);
		bool bad = !json || (!record && record_from_json(json, &record, err) < 0);
		if (!bad && json_object_get(json, "verdict"))
			take_result(record, json);
		json_decref(json);
		if (bad)
			break;
	}
	if (!record)
		return err_set(err, ENODATA, "a run was killed before it had begun its record");
	record->interrupted = true;
	*ret = record;
	return 0;
}

static int recover_in(const char *path, int dir, struct err *err)
{
	STR_AUTO text = STR_INIT;
	struct record *record = NULL;
	int r = fd_read_all(dir, PARTIAL, &text, err);

	if (r >= 0 && !strchr(str_text(&text), '\n')) /* killed as it began */
		return 0;
	if (r >= 0)
		r = record_from_partial(str_text(&text), &record, err);
	if (r >= 0)
		r = record_save(record, dir, err);
	if (r >= 0)
		r = record_save_extras(record, dir, err);
	record_free(record);
	return r < 0 ? err_wrap(err, "'%s'", path) : 1;
}

/* Returns 1: made its record, 0: there is nothing to be done. */
static int recover(const char *path, struct err *err)
{
	struct err ignored;
	FD_AUTO dir = fd_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &ignored);
	FD_AUTO fd = dir < 0 ? -1 : openat(dir, PARTIAL, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	if (fd < 0 || lock(fd) < 0)
		return 0;
	/* Killed between the two: it is whole. */
	bool whole = faccessat(dir, "record.json", F_OK, 0) == 0;
	if (!whole)
		r = recover_in(path, dir, err);
	if (r >= 0)
		(void)unlinkat(dir, PARTIAL, 0);
	return r;
}

void record_recover(const char *base, struct str *done, struct str *warnings)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		MEM_AUTO char *path = mem_printf("%s/%s", base, entry->d_name);
		struct err err = ERR_INIT;
		int r = entry->d_name[0] == '.' ? 0 : recover(path, &err);
		if (r != 0)
			str_addf(r < 0 ? warnings : done, "%s\n", r < 0 ? err.text : path);
	}
	if (dir)
		(void)closedir(dir);
}

bool record_is_partial(const char *path)
{
	return str_ends(path, PARTIAL);
}

char *record_file(const char *folder)
{
	char *whole = mem_printf("%s/record.json", folder);
	char *partial = mem_printf("%s/" PARTIAL, folder);
	bool killed = access(whole, F_OK) < 0 && access(partial, F_OK) == 0;

	free(killed ? whole : partial);
	return killed ? partial : whole;
}
