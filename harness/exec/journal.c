/*
 * See journal.h. This file opens and appends; journal_lock.c locks the host's settings,
 * journal_text.c reads a journal and journal_undo.c puts things back. Used by host.c, the runner,
 * its guardian and 'oomlab clean'.
 */
#include "harness/exec/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/journal_file.h"

int journal_state_dir(char **ret, struct err *err)
{
	const char *set = getenv("OOMLAB_STATE");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (set && *set) {
		if (*set != '/')
			return err_set(err, EINVAL,
				       "OOMLAB_STATE is '%s', expected an absolute path", set);
		*ret = mem_dup(set);
	} else if (geteuid() == 0) {
		*ret = mem_dup("/var/lib/oomlab");
	} else if (xdg && *xdg == '/') {
		*ret = mem_printf("%s/oomlab", xdg);
	} else if (home && *home == '/') {
		*ret = mem_printf("%s/.local/state/oomlab", home);
	} else {
		return err_set(err, ENOENT,
			       "no directory for the journal: set HOME or OOMLAB_STATE");
	}
	return 0;
}

static int make_dirs(const char *path, struct err *err)
{
	MEM_AUTO char *part = mem_dup(path);

	for (char *at = part + 1;; at++) {
		char was = *at;

		if (was != '/' && was != '\0')
			continue;
		*at = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make the state directory '%s'", part);
		if (was == '\0')
			return 0;
		*at = was;
	}
}

int journal_boot_id(char boot[40], struct err *err)
{
	int n = fd_read_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, 40, err);

	if (n < 0)
		return n;
	boot[strcspn(boot, "\n")] = '\0';
	return 0;
}

int journal_process(pid_t pid, uint64_t *ret_start, bool *ret_ending, struct err *err)
{
	enum { EXITING = 0x4 }; /* PF_EXITING of include/linux/sched.h */
	char path[40], text[1024], state;
	unsigned int flags;
	uint64_t start;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int n = fd_read_text(AT_FDCWD, path, text, sizeof(text), err);
	if (n < 0)
		return err_set(err, ESRCH, "no process %d", (int)pid);
	/* The name, in parentheses, may hold spaces and parentheses: count from the last one.
	 * Fields 3, 9 and 22 are state, flags and start time (proc(5)). */
	const char *at = strrchr(text, ')');
	if (!at || sscanf(at,
			  ") %c %*s %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %" SCNu64,
			  &state, &flags, &start) != 3)
		return err_set(err, EPROTO, "cannot understand '%s'", path);
	*ret_start = start;
	*ret_ending = state == 'Z' || state == 'X' || flags & EXITING;
	return 0;
}

static int write_header(int fd, long *ret_end, struct err *err)
{
	MEM_AUTO char *line = NULL;
	uint64_t start = 0;
	bool ending;
	char boot[40];
	int rc;

	if ((rc = journal_boot_id(boot, err)) < 0 ||
	    (rc = journal_process(getpid(), &start, &ending, err)) < 0)
		return rc;
	line = mem_printf("oomlab-journal 1 boot=%s pid=%d start=%" PRIu64 "\n", boot,
			  (int)getpid(), start);
	rc = fd_write_full(fd, line, strlen(line));
	if (rc < 0)
		return err_errno(err, -rc, "cannot write its first line");
	*ret_end = (long)strlen(line);
	return 0;
}

/* Makes the file under a name that no recovery looks at, and renames it once it is locked and has
 * its first line: nobody can take a half-made journal for a dead run's. */
static int create(struct journal *j, struct err *err)
{
	MEM_AUTO char *fresh = mem_printf("%s/%s.new", j->dir, j->id);
	int rc;

	j->fd = fd_open_at(AT_FDCWD, fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, err);
	if (j->fd < 0)
		return j->fd;
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		return err_errno(err, errno, "cannot lock '%s'", fresh);
	rc = write_header(j->fd, &j->end, err);
	/* RENAME_NOREPLACE: the id is this process's own, so a file of that name is a mistake. */
	if (rc == 0 && renameat2(AT_FDCWD, fresh, AT_FDCWD, j->path, RENAME_NOREPLACE) < 0 &&
	    (errno != EINVAL || rename(fresh, j->path) < 0)) /* EINVAL: NFS, for one, cannot */
		rc = err_errno(err, errno, "cannot make '%s'", j->path);
	if (rc < 0)
		(void)unlink(fresh);
	return rc;
}

static int open_both(struct journal *j, struct err *err)
{
	int rc;

	if (!*j->id || strchr(j->id, '/'))
		return err_set(err, EINVAL, "'%s' cannot name a journal", j->id);
	if ((rc = journal_state_dir(&j->dir, err)) < 0 || (rc = make_dirs(j->dir, err)) < 0)
		return rc;
	j->path = mem_printf("%s/%s.journal", j->dir, j->id);
	return create(j, err);
}

int journal_open(const char *id, struct journal **ret, struct err *err)
{
	struct journal *j = mem_zero(1, sizeof(*j));

	j->fd = j->host_fd = -1;
	j->id = mem_dup(id);
	if (open_both(j, err) < 0) {
		const struct err why = *err;
		const char *hint = why.code == EINVAL ? "" : " (OOMLAB_STATE names another folder)";
		/* If its file exists it is not this journal's: close without removing. */
		fd_close_var(&j->fd);
		journal_close(j);
		return err_set(err, why.code, "journal: %s%s", why.text, hint);
	}
	*ret = j;
	return 0;
}

static void put_field(struct str *line, const char *text)
{
	if (!text || !*text) {
		str_add(line, " -");
		return;
	}
	str_add(line, " ");
	if (str_eq(text, "-")) {
		str_add(line, "%2D");
		return;
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == '%' || *c == 0x7f)
			str_addf(line, "%%%02X", (unsigned int)(unsigned char)*c);
		else
			str_addn(line, c, 1);
	}
}

/* The entry, and on the first one the file's name in its directory, reach the disk. */
static int flush(struct journal *j, struct err *err)
{
	if (fdatasync(j->fd) < 0)
		return err_errno(err, errno, "journal '%s': cannot flush", j->path);
	if (j->durable)
		return 0;
	FD_AUTO dir = fd_open_at(AT_FDCWD, j->dir, O_RDONLY | O_DIRECTORY, 0, err);
	if (dir < 0)
		return dir;
	if (fsync(dir) < 0)
		return err_errno(err, errno, "journal: cannot flush '%s'", j->dir);
	j->durable = true;
	return 0;
}

int journal_note_change(struct journal *j, enum journal_kind kind, const char *a,
			const char *before, const char *set, struct err *err)
{
	STR_AUTO line = STR_INIT;

	str_addf(&line, "+ %s", journal_kinds[kind].word);
	put_field(&line, a);
	put_field(&line, before);
	put_field(&line, set);
	str_add(&line, "\n");
	ssize_t n;
	do {
		n = pwrite(j->fd, line.s, line.len, j->end);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)line.len) {
		int code = n < 0 ? errno : ENOSPC;
		if (ftruncate(j->fd, j->end) < 0)
			code = errno;
		return err_errno(err, code, "journal '%s': cannot write", j->path);
	}
	j->end += (long)line.len;
	return journal_kinds[kind].flush ? flush(j, err) : 0;
}

int journal_note(struct journal *journal, enum journal_kind kind, const char *a, const char *b,
		 struct err *err)
{
	return journal_note_change(journal, kind, a, b, NULL, err);
}

long journal_mark(const struct journal *journal)
{
	return journal->end;
}

int journal_fd(const struct journal *journal)
{
	return journal->fd;
}

const char *journal_dir(const struct journal *journal)
{
	return journal->dir;
}

const char *journal_id(const struct journal *journal)
{
	return journal->id;
}

/* Whether nothing is left to undo. What cannot be read is kept. */
static bool is_done(const struct journal *j)
{
	struct journal_text text;
	struct err err = ERR_INIT;
	bool done = true;

	if (journal_load(j->fd, &text, &err) < 0)
		return false;
	for (size_t i = 0; i < text.n; i++)
		done = done && !text.entries[i].live;
	journal_text_free(&text);
	return done;
}

void journal_close(struct journal *j)
{
	struct stat st;

	if (!j)
		return;
	/* The other side of a fork may have removed it already: nlink is 0 then, and a file of
	 * that name would not be ours. */
	if (j->fd >= 0 && fstat(j->fd, &st) == 0 && st.st_nlink > 0 && is_done(j))
		(void)unlink(j->path);
	fd_close_var(&j->fd);
	fd_close_var(&j->host_fd);
	free(j->path);
	free(j->dir);
	free(j->id);
	free(j);
}
