/*
 * See journal.h: who changes the host's settings, and who counts on them, takes turns by a file
 * beside the journals. Record locks, which the kernel drops with their process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/journal.h"
#include "harness/exec/journal_file.h"

enum { HOST_LOCK_WAIT_S = 60, HOST_LOCK_POLL_MS = 20 };

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
