/*
 * Putting things back: one function a kind of journal entry, each of which first looks whether
 * there is anything to do, so that undoing twice, or undoing what was noted but never done, is
 * harmless. Which journals are undone, and when, is decided by the callers in journal_recover.c
 * and by the run itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/swap.h"
#include "harness/exec/toggle.h"
#include "harness/exec/trace.h"
#include "harness/exec/undo.h"

#define PURGE_TIMEOUT_NS 5000000000ULL

static void undo_did(struct undo *undo, const char *would, const char *did, const char *what)
{
	undo->count++;
	if (undo->done)
		str_addf(undo->done, "%s%s %s\n", undo->dry_run ? "would " : "",
			 undo->dry_run ? would : did, what);
}

void undo_warn(struct undo *undo, const char *fmt, ...)
{
	va_list ap;

	if (!undo->warnings)
		return;
	va_start(ap, fmt);
	str_vaddf(undo->warnings, fmt, ap);
	va_end(ap);
	str_add(undo->warnings, "\n");
}

/* ---- groups -------------------------------------------------------------------------------- */

struct dirs {
	const char *name; /* exactly this one, not just this prefix */
	size_t n;
	char **dir;
};

static int add_dir(void *data, const char *dir)
{
	struct dirs *dirs = data;
	const char *slash = strrchr(dir, '/');

	if (!str_eq(slash ? slash + 1 : dir, dirs->name))
		return 0;
	dirs->dir = mem_grow(dirs->dir, dirs->n + 1, sizeof(*dirs->dir));
	dirs->dir[dirs->n++] = mem_dup(dir);
	return 0;
}

int undo_group_dir(struct undo *undo, const char *dir, struct err *err)
{
	int rc = undo->dry_run ? 0 : cg_purge_dir(dir, PURGE_TIMEOUT_NS, err);

	if (rc == 0)
		undo_did(undo, "remove", "removed", dir);
	return rc;
}

static int remove_named(struct undo *undo, const struct cg_host *host, const char *name,
			struct err *err)
{
	struct dirs dirs = {.name = name};
	int rc = cg_leftovers(host, name, add_dir, &dirs, err);

	/* One hierarchy's failure is no reason to leave the group in the others. */
	for (size_t i = 0; i < dirs.n; i++) {
		struct err again;
		if (undo_group_dir(undo, dirs.dir[i], rc < 0 ? &again : err) < 0 && rc >= 0)
			rc = -err->code;
		free(dirs.dir[i]);
	}
	free(dirs.dir);
	return rc < 0 ? rc : 0;
}

static int undo_group(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	struct cg_host *host;

	if (!undo->host)
		return err_set(err, ENODEV, "group '%s' is left: no control groups can be seen",
			       entry->a);
	if (!*entry->before)
		return remove_named(undo, undo->host, entry->a, err);
	/* The run was given a place of its own, which is not where we would look. */
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);
	if (root < 0)
		return root;
	if (cg_host_open(root, entry->before, &host, err) < 0)
		return err_wrap(err, "group '%s' below '%s' is left", entry->a, entry->before);
	int rc = remove_named(undo, host, entry->a, err);
	cg_host_free(host);
	return rc;
}

/* ---- files and swap ------------------------------------------------------------------------ */

static int undo_file(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	if (access(entry->a, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (!undo->dry_run && unlink(entry->a) < 0 && errno != ENOENT) {
		int code = errno;
		bool on = false;
		if (code == EPERM && swap_is_on(entry->a, &on, err) == 0 && on)
			return err_set(err, EBUSY, "'%s' stays while it is swap", entry->a);
		return err_errno(err, code, "cannot remove '%s'", entry->a);
	}
	undo_did(undo, "remove", "removed", entry->a);
	return 0;
}

static int undo_swap(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	bool on;
	int rc = swap_is_on(entry->a, &on, err);

	if (rc < 0 || !on)
		return rc;
	if (!undo->dry_run && (rc = swap_off(entry->a, err)) < 0)
		return rc;
	undo_did(undo, "turn off swap", "turned off swap", entry->a);
	return 0;
}

static int undo_swap_off(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	int64_t priority = 0;
	bool on;
	int rc = swap_is_on(entry->a, &on, err);

	if (rc < 0 || on)
		return rc;
	if (parse_i64(entry->before, INT16_MIN, INT16_MAX, &priority, err) < 0)
		return err_wrap(err, "priority of swap '%s'", entry->a);
	if (!undo->dry_run && (rc = swap_on(entry->a, (int)priority, err)) < 0)
		return rc;
	undo_did(undo, "turn on swap", "turned on swap", entry->a);
	return 0;
}

static int undo_zram(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	bool added = str_eq(entry->before, "added");
	STR_AUTO did = STR_INIT;
	int rc = zram_undo_device(entry->a, added, undo->dry_run, &did, err);

	if (rc == 0 && did.len && added)
		undo_did(undo, "remove", "removed", str_text(&did));
	else if (rc == 0 && did.len)
		undo_did(undo, "reset", "reset", str_text(&did));
	return rc;
}

static int undo_zram_new(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	STR_AUTO did = STR_INIT;
	int rc = zram_undo_added(entry->a, undo->dry_run, &did, err);

	if (rc == 0 && did.len)
		undo_did(undo, "remove", "removed", str_text(&did));
	return rc;
}

/* ---- tracing ------------------------------------------------------------------------------- */

static int undo_trace(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	MEM_AUTO char *what = mem_printf("tracefs instance %s", entry->a);
	bool there;
	int rc = trace_remove(entry->a, undo->dry_run, &there, err);

	if (rc == 0 && there)
		undo_did(undo, "remove", "removed", what);
	return rc;
}

/* ---- values -------------------------------------------------------------------------------- */

/* Back to the old value, unless somebody else has set it since: then it is theirs. */
static int undo_value(struct undo *undo, const char *name, const char *path,
		      const struct journal_entry *entry, struct err *err)
{
	char now[TOGGLE_VALUE_MAX];
	int rc = toggle_read(path, now, err);

	if (rc == -ENOENT || (rc == 0 && toggle_same(now, entry->before)))
		return 0;
	if (rc < 0)
		return rc;
	if (*entry->set && !toggle_same(now, entry->set)) {
		undo_warn(undo,
			  "'%s' is left at '%s': it was '%s', the run set '%s', and somebody else "
			  "has changed it since",
			  name, now, entry->before, entry->set);
		return 0;
	}
	if (!undo->dry_run && (rc = fd_write_text(AT_FDCWD, path, entry->before, err)) < 0)
		return rc;
	MEM_AUTO char *what = mem_printf("%s to %s", name, entry->before);
	undo_did(undo, "set", "set", what);
	return 0;
}

static int undo_sysctl(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	MEM_AUTO char *path = toggle_sysctl_path(entry->a);

	return undo_value(undo, entry->a, path, entry, err);
}

static int undo_write(struct undo *undo, const struct journal_entry *entry, struct err *err)
{
	return undo_value(undo, entry->a, entry->a, entry, err);
}

/* ---- the table and its walk ---------------------------------------------------------------- */

const struct journal_kind_info journal_kinds[JOURNAL_KINDS] = {
	[JOURNAL_GROUP] = {.word = "group", .undo = undo_group, .first = true},
	[JOURNAL_FILE] = {.word = "file", .undo = undo_file, .flush = true, .stays = true},
	[JOURNAL_SWAP] = {.word = "swap", .undo = undo_swap, .flush = true, .host = true},
	[JOURNAL_SWAP_OFF] = {.word = "swap-off",
			      .undo = undo_swap_off,
			      .flush = true,
			      .host = true},
	[JOURNAL_SYSCTL] = {.word = "sysctl", .undo = undo_sysctl, .flush = true, .host = true},
	[JOURNAL_WRITE] = {.word = "write", .undo = undo_write, .flush = true, .host = true},
	[JOURNAL_ZRAM] = {.word = "zram", .undo = undo_zram, .flush = true, .host = true},
	[JOURNAL_ZRAM_NEW] = {.word = "zram-new",
			      .undo = undo_zram_new,
			      .flush = true,
			      .host = true},
	[JOURNAL_TRACE] = {.word = "trace", .undo = undo_trace},
};

static int undo_entry(struct undo *undo, int fd, const struct journal_entry *entry)
{
	const struct journal_kind_info *info = &journal_kinds[entry->kind];
	struct err err = ERR_INIT;
	int rc = 0;

	if (!undo->rebooted || info->stays)
		rc = info->undo(undo, entry, &err);
	if (rc == 0 && !undo->dry_run)
		rc = journal_strike(fd, entry, &err);
	if (rc < 0) {
		undo->failed++;
		undo_warn(undo, "%s", err.text);
	}
	return rc;
}

static int undo_pass(struct undo *undo, int fd, const struct journal_text *text, bool first)
{
	int rc = 0;

	/* A failure does not stop the rest: what is independent of it is put back all the same,
	 * and what is not (a file that is still swap) fails by itself. */
	for (size_t i = text->n; i-- > 0;) {
		const struct journal_entry *entry = &text->entries[i];
		if (entry->live && entry->offset >= undo->since &&
		    journal_kinds[entry->kind].first == first && undo_entry(undo, fd, entry) < 0)
			rc = -EBUSY;
	}
	return rc;
}

int undo_journal(struct undo *undo, int fd, const struct journal_text *text)
{
	int first = undo_pass(undo, fd, text, true);
	int rest = undo_pass(undo, fd, text, false);

	return first < 0 ? first : rest;
}

int journal_undo_since(struct journal *journal, long mark, const struct cg_host *host,
		       struct str *warnings)
{
	struct undo undo = {.host = host, .since = mark, .warnings = warnings};
	struct journal_text text;
	struct err err = ERR_INIT;

	if (journal_load(journal->fd, &text, &err) < 0) {
		undo_warn(&undo, "journal '%s': %s", journal->path, err.text);
		return -EBUSY;
	}
	int rc = undo_journal(&undo, journal->fd, &text);
	journal_text_free(&text);
	return rc;
}

int journal_undo(struct journal *journal, const struct cg_host *host, struct str *warnings)
{
	return journal_undo_since(journal, 0, host, warnings);
}
