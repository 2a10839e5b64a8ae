/*
 * See journal.h. This file opens, locks and appends; journal_text.c reads a journal and
 * journal_undo.c puts things back. Used by host.c, the runner, its guardian and 'oomlab clean'.
 */
#include "harness/exec/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "harness/exec/journal_file.h"

enum { HOST_LOCK_WAIT_S = 60, HOST_LOCK_POLL_MS = 20 };

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

/* The bytes of host.lock. Who wants to change the host takes LINE and then HOST; who counts on it
 * as it is shares HOST, unless somebody is in line, and shares WAITS until it has that, to which
 * the next change gives way for a moment. Without these two a run of many scenarios of one kind
 * would never let the other kind in. */
enum { LOCK_LINE, LOCK_HOST, LOCK_WAITS };

#define GIVE_WAY_NS 100000000ULL /* some polls of those that wait */

static int lock_byte(int fd, short type, off_t byte, pid_t *ret_owner)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	int code = errno == EACCES ? EAGAIN : errno;
	if (ret_owner)
		*ret_owner =
			fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
	return -code;
}

int journal_try_host_lock(int fd, pid_t *ret_owner)
{
	int rc = lock_byte(fd, F_WRLCK, LOCK_LINE, ret_owner);

	return rc < 0 ? rc : lock_byte(fd, F_WRLCK, LOCK_HOST, ret_owner);
}

int journal_try_host_share(int fd, pid_t *ret_owner)
{
	int rc = lock_byte(fd, F_RDLCK, LOCK_LINE, ret_owner);

	if (rc < 0)
		return rc;
	rc = lock_byte(fd, F_RDLCK, LOCK_HOST, ret_owner);
	(void)lock_byte(fd, F_UNLCK, LOCK_LINE, NULL);
	return rc;
}

static bool is_locked(int fd, short type, off_t byte, pid_t *ret_owner)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return false;
	*ret_owner = lock.l_pid;
	return true;
}

static int try_polite(int fd, bool share, uint64_t began_ns, pid_t *ret_owner)
{
	if (!share && clock_ns() - began_ns < GIVE_WAY_NS &&
	    is_locked(fd, F_WRLCK, LOCK_WAITS, ret_owner))
		return -EAGAIN;
	if (!share)
		return journal_try_host_lock(fd, ret_owner);
	(void)lock_byte(fd, F_RDLCK, LOCK_WAITS, NULL);
	int rc = journal_try_host_share(fd, ret_owner);
	if (rc == 0)
		(void)lock_byte(fd, F_UNLCK, LOCK_WAITS, NULL);
	return rc;
}

/* Somebody wants this program to end; with these signals blocked no sleep is interrupted. */
static bool asked_to_end(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

/* Waits for the host's lock. There is no event for a lock that can be waited for with a deadline
 * (an alarm would be a signal in somebody else's program), hence the polling. */
static int wait_host_lock(struct journal *j, bool share, struct err *err)
{
	const struct timespec pause = {.tv_nsec = HOST_LOCK_POLL_MS * 1000000L};
	uint64_t began = clock_ns();
	pid_t owner;
	int rc;

	while ((rc = try_polite(j->host_fd, share, began, &owner)) < 0) {
		if (rc != -EAGAIN)
			return err_errno(err, -rc, "cannot lock the host's settings");
		if (clock_ns() - began > HOST_LOCK_WAIT_S * 1000000000ULL)
			return err_set(err, EBUSY,
				       "another oomlab (pid %d) has been using this host's "
				       "settings for %d s: wait for it, or end it",
				       (int)owner, HOST_LOCK_WAIT_S);
		if (nanosleep(&pause, NULL) < 0 || asked_to_end())
			return err_set(err, EINTR,
				       "interrupted while another oomlab (pid %d) uses this "
				       "host's settings",
				       (int)owner);
	}
	return 0;
}

static int get_host_lock(struct journal *j, bool share, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/" JOURNAL_HOST_LOCK, j->dir);
	int rc = j->host_fd = fd_open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, err);

	if (rc >= 0)
		rc = wait_host_lock(j, share, err);
	if (rc < 0)
		fd_close_var(&j->host_fd);
	return rc < 0 ? rc : 0;
}

int journal_lock_host(struct journal *j, const struct cg_host *host, struct str *warnings,
		      struct err *err)
{
	int rc = get_host_lock(j, false, err);

	if (rc < 0)
		return rc;
	(void)journal_recover_dir(j->dir, host, true, false, NULL, warnings);
	return 0;
}

int journal_share_host(struct journal *j, struct err *err)
{
	return get_host_lock(j, true, err);
}

bool journal_host_wanted(const struct journal *j)
{
	pid_t owner;

	return is_locked(j->host_fd, F_RDLCK, LOCK_LINE, &owner);
}

void journal_unlock_host(struct journal *j)
{
	fd_close_var(&j->host_fd);
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
