/*
 * Dead runs: finding their journals and groups and undoing them. A journal whose lock can be taken
 * is a dead run's; a group without a journal is one when the process in its name is gone. Called
 * at the start of every run, by 'oomlab clean', and by journal_lock_host().
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/exec/host.h"
#include "harness/exec/undo.h"

#define GROUP_PREFIX "oomlab-"
#define SUFFIX	     ".journal"
#define SUFFIX_NEW   ".new"

/* How long to wait for somebody else who is putting a dead run's things back: its guardian, or
 * another recovery. Not for a living run. */
enum { OTHER_WAIT_S = 15, OTHER_POLL_MS = 5 };

struct recovery {
	struct undo undo;
	const char *dir;
	bool locked;	  /* the caller, or we, have the host's lock */
	int lock_fd;	  /* ours, -1: none */
	struct str owned; /* " name name " of groups that journals in use name */
};

/* ---- locks --------------------------------------------------------------------------------- */

/* 'start' 0: whichever process has this pid; a reused one only puts off. */
static bool process_lives(long pid, uint64_t start)
{
	struct err err = ERR_INIT;
	uint64_t started;
	bool ending;

	return pid > 0 && pid <= INT_MAX &&
	       journal_process((pid_t)pid, &started, &ending, &err) == 0 && !ending &&
	       (start == 0 || started == start);
}

/* Tries until the lock is had or, when the owner is dead, so that its holder is at work on this
 * very thing, for some seconds. Locks have no event with a deadline, hence the polling. */
static bool take(int (*try_lock)(int fd), int fd, bool owner_is_dead)
{
	const struct timespec pause = {.tv_nsec = OTHER_POLL_MS * 1000000L};
	uint64_t deadline = clock_ns() + (owner_is_dead ? OTHER_WAIT_S * 1000000000ULL : 0);

	while (try_lock(fd) < 0) {
		if (clock_ns() >= deadline)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static int try_journal(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB);
}

static int try_host(int fd)
{
	return journal_try_host_lock(fd, NULL);
}

/* The host's lock, taken only when a journal needs it. */
static bool take_host(struct recovery *rec, bool owner_is_dead)
{
	MEM_AUTO char *path = mem_printf("%s/" JOURNAL_HOST_LOCK, rec->dir);
	struct err err = ERR_INIT;

	if (rec->locked)
		return true;
	if (rec->lock_fd < 0)
		rec->lock_fd = fd_open_at(AT_FDCWD, path, O_RDWR | O_NOFOLLOW, 0, &err);
	/* No such file: nobody has ever locked it, and who makes it now recovers as well. */
	rec->locked = rec->lock_fd == -ENOENT ||
		      (rec->lock_fd >= 0 && take(try_host, rec->lock_fd, owner_is_dead));
	return rec->locked;
}

/* ---- one journal --------------------------------------------------------------------------- */

static bool is_ours(int fd)
{
	struct stat st;

	/* Names in a journal are unlinked as root: take orders from our own files alone. */
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

/* Between opening a file and locking it another recoverer may have finished and removed it. */
static bool is_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || st.st_nlink == 0;
}

static bool touches_host(const struct journal_text *text)
{
	for (size_t i = 0; i < text->n; i++) {
		if (text->entries[i].live && journal_kinds[text->entries[i].kind].host)
			return true;
	}
	return false;
}

static void keep_groups(struct recovery *rec, const struct journal_text *text)
{
	for (size_t i = 0; i < text->n; i++) {
		if (text->entries[i].kind == JOURNAL_GROUP)
			str_addf(&rec->owned, " %s ", text->entries[i].a);
	}
}

static void undo_dead(struct recovery *rec, int fd, const char *path,
		      const struct journal_text *text)
{
	char boot[40];
	struct err err = ERR_INIT;

	if (journal_boot_id(boot, &err) < 0) {
		undo_warn(&rec->undo, "'%s' is left: %s", path, err.text);
		return;
	}
	rec->undo.rebooted = !str_eq(boot, text->boot);
	if (undo_journal(&rec->undo, fd, text) < 0) {
		undo_warn(&rec->undo, "'%s' (run of pid %ld) is kept: see above", path, text->pid);
		keep_groups(rec, text);
		return;
	}
	if (rec->undo.dry_run)
		keep_groups(rec, text); /* would be removed, and has been said */
	else
		(void)unlink(path);
}

/* What was read before the lock was had may be outdated. */
static void take_over(struct recovery *rec, int fd, const char *path)
{
	struct journal_text text;
	struct err err = ERR_INIT;

	if (journal_load(fd, &text, &err) < 0) {
		undo_warn(&rec->undo, "'%s' is left: %s", path, err.text);
		return;
	}
	undo_dead(rec, fd, path, &text);
	journal_text_free(&text);
}

/* Without the host's lock a journal that needs it is not even locked: its lock must not look like
 * an owner to the run that has the host's lock and recovers. */
static void recover_text(struct recovery *rec, int fd, const char *path,
			 const struct journal_text *text)
{
	bool dead = !process_lives(text->pid, text->start);

	if (touches_host(text) && !take_host(rec, dead)) {
		keep_groups(rec, text);
		if (dead)
			undo_warn(&rec->undo,
				  "'%s' is left for now: another oomlab is using this host's "
				  "settings",
				  path);
	} else if (!take(try_journal, fd, dead)) {
		keep_groups(rec, text);
	} else if (!is_removed(fd)) {
		take_over(rec, fd, path);
	}
}

static void recover_journal(struct recovery *rec, const char *path)
{
	struct journal_text text;
	struct err err = ERR_INIT;
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_RDWR | O_NOFOLLOW, 0, &err);

	if (fd < 0) {
		if (fd != -ENOENT)
			undo_warn(&rec->undo, "%s", err.text);
	} else if (!is_ours(fd)) {
		undo_warn(&rec->undo, "'%s' is left: it belongs to another user", path);
	} else if (journal_load(fd, &text, &err) < 0) {
		undo_warn(&rec->undo, "'%s' is left: %s", path, err.text);
	} else {
		recover_text(rec, fd, path, &text);
		journal_text_free(&text);
	}
}

/* ---- groups without a journal -------------------------------------------------------------- */

/* Whether the process at the beginning of "PID-..." is there. */
static bool owner_lives(const char *id)
{
	return process_lives(strtol(id, NULL, 10), 0);
}

struct orphans {
	struct recovery *rec;
	size_t n;
	char **dir;
};

static int add_orphan(void *data, const char *dir)
{
	struct orphans *orphans = data;
	const char *slash = strrchr(dir, '/');
	const char *name = slash ? slash + 1 : dir;
	const char *id = name + strlen(GROUP_PREFIX);
	MEM_AUTO char *word = mem_printf(" %s ", name);

	/* "oomlab-self" and whatever else people name so are nobody's leftovers. */
	if (!isdigit((unsigned char)*id) || owner_lives(id) ||
	    strstr(str_text(&orphans->rec->owned), word))
		return 0;
	orphans->dir = mem_grow(orphans->dir, orphans->n + 1, sizeof(*orphans->dir));
	orphans->dir[orphans->n++] = mem_dup(dir);
	return 0;
}

static void recover_groups(struct recovery *rec)
{
	struct orphans orphans = {.rec = rec};
	struct err err = ERR_INIT;

	/* From inside a container the processes that groups are named after cannot be seen. */
	if (!rec->undo.host || !facts_in_init_pid_ns())
		return;
	if (cg_leftovers(rec->undo.host, GROUP_PREFIX, add_orphan, &orphans, &err) < 0)
		undo_warn(&rec->undo, "cannot look for left groups: %s", err.text);
	for (size_t i = 0; i < orphans.n; i++) {
		if (undo_group_dir(&rec->undo, orphans.dir[i], &err) < 0) {
			rec->undo.failed++;
			undo_warn(&rec->undo, "%s", err.text);
		}
		free(orphans.dir[i]);
	}
	free(orphans.dir);
}

/* ---- the state directory ------------------------------------------------------------------- */

static int is_journal(const struct dirent *entry)
{
	return str_ends(entry->d_name, SUFFIX) || str_ends(entry->d_name, SUFFIX_NEW);
}

static void recover_journals(struct recovery *rec)
{
	struct dirent **list;
	int n = scandir(rec->dir, &list, is_journal, alphasort);

	if (n < 0) {
		if (errno != ENOENT)
			undo_warn(&rec->undo, "cannot read '%s': %s", rec->dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		MEM_AUTO char *path = mem_printf("%s/%s", rec->dir, list[i]->d_name);

		/* A journal that was being made when its run died holds nothing yet. */
		if (str_ends(path, SUFFIX))
			recover_journal(rec, path);
		else if (isdigit((unsigned char)list[i]->d_name[0]) &&
			 !owner_lives(list[i]->d_name) && !rec->undo.dry_run)
			(void)unlink(path);
		free(list[i]);
	}
	free(list);
}

int journal_recover_dir(const char *dir, const struct cg_host *host, bool locked, bool dry_run,
			struct str *done, struct str *warnings)
{
	struct recovery rec = {
		.undo = {.host = host, .dry_run = dry_run, .done = done, .warnings = warnings},
		.dir = dir,
		.locked = locked,
		.lock_fd = -1,
	};

	recover_journals(&rec);
	recover_groups(&rec);
	str_free(&rec.owned);
	fd_close_var(&rec.lock_fd);
	return rec.undo.count;
}

int journal_recover(const struct cg_host *host, bool dry_run, struct str *done,
		    struct str *warnings)
{
	MEM_AUTO char *dir = NULL;
	struct err err = ERR_INIT;

	if (journal_state_dir(&dir, &err) < 0) {
		if (warnings)
			str_addf(warnings, "%s\n", err.text);
		return 0;
	}
	return journal_recover_dir(dir, host, false, dry_run, done, warnings);
}
