/*
 * Waiting until nobody is left below one cgroup directory, and removing the directories. Works on
 * descriptors like procs.c; used by group.c and leftover.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroups/internal.h"

/* ---- wait ---------------------------------------------------------------------------------- */

static int ms_until(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();

	if (now >= deadline_ns)
		return 0;
	uint64_t ms = (deadline_ns - now + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* 1: an event came; 0: the deadline passed. */
static int wait_fd(int fd, short events, uint64_t deadline_ns, struct err *err)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};
	int n;

	do {
		n = poll(&poll_fd, 1, ms_until(deadline_ns));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? err_errno(err, errno, "poll") : n;
}

static int too_late(int dirfd, struct err *err)
{
	STR_AUTO who = STR_INIT;

	cg_tree_describe(dirfd, &who);
	return err_set(err, ETIMEDOUT, "not empty in time: %s", str_text(&who));
}

static int wait_unpopulated(int dirfd, int events_fd, uint64_t deadline_ns, struct err *err)
{
	char text[256];
	uint64_t populated;

	for (;;) {
		int rc = fd_reread_text(events_fd, text, sizeof(text), err);
		if (rc < 0)
			return cg_vanished(-rc) ? 0 : rc;
		if (!cg_text_field(text, "populated", &populated) || !populated)
			return 0;
		rc = wait_fd(events_fd, POLLPRI, deadline_ns, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return too_late(dirfd, err);
	}
}

/* The first who is alive, as a pidfd; -ESRCH: nobody. */
static int someone_alive(int dirfd, struct err *err)
{
	struct cg_pids pids = {0};
	int rc = cg_tree_procs(dirfd, &pids, err), pidfd = -ESRCH;

	for (size_t i = 0; i < pids.n && rc >= 0 && pidfd < 0; i++)
		if (!cg_pid_is_dead(pids.list[i]))
			pidfd = fd_pidfd_open(pids.list[i]);
	cg_pids_free(&pids);
	return rc < 0 ? rc : pidfd;
}

/* v1 has no event for "empty": wait for one process after the other. */
static int wait_members(int dirfd, uint64_t deadline_ns, struct err *err)
{
	for (;;) {
		FD_AUTO pidfd = someone_alive(dirfd, err);
		if (pidfd == -ESRCH || pidfd == -EINVAL)
			return 0;
		if (pidfd < 0)
			return err_errno(err, -pidfd, "cannot watch its processes");
		int rc = wait_fd(pidfd, POLLIN, deadline_ns, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return too_late(dirfd, err);
	}
}

int cg_tree_wait_empty(int dirfd, uint64_t deadline_ns, struct err *err)
{
	FD_AUTO events_fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return events_fd >= 0 ? wait_unpopulated(dirfd, events_fd, deadline_ns, err)
			      : wait_members(dirfd, deadline_ns, err);
}

/* ---- remove -------------------------------------------------------------------------------- */

static int remove_dir(int base_fd, const char *name)
{
	return unlinkat(base_fd, name, AT_REMOVEDIR) == 0 || cg_vanished(errno) ? 0 : -errno;
}

/* What is below is looked for when the kernel says that there is something. */
static int remove_once(int base_fd, const char *name)
{
	int rc = remove_dir(base_fd, name);
	const char *below;

	if (rc != -EBUSY)
		return rc;
	FD_AUTO at = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = at < 0 ? NULL : cg_open_dir(at);
	for (int fd; dir && (fd = cg_next_below(dir, &below)) >= 0;) {
		fd_close_var(&fd);
		(void)remove_once(at, below); /* what stays makes the rmdir below say EBUSY */
	}
	if (dir)
		closedir(dir);
	return remove_dir(base_fd, name);
}

/*
 * The yield: since 6.19 a task leaves its group only when it was switched out for the last time,
 * which is after its pidfd became readable; until then rmdir says EBUSY, and v1 has no event for
 * that moment. It lasts microseconds; deadline_ns bounds it.
 */
int cg_tree_remove(int base_fd, const char *dir, uint64_t deadline_ns, struct err *err)
{
	for (;;) {
		int rc = remove_once(base_fd, dir);
		if (rc == 0)
			return 0;
		if (rc != -EBUSY)
			return err_errno(err, -rc, "cannot remove the group '%s'", dir);
		FD_AUTO fd = openat(base_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue; /* somebody else removed it: the next round ends */
		if (cg_tree_kill(fd, err) < 0 || cg_tree_wait_empty(fd, deadline_ns, err) < 0)
			return err_wrap(err, "cannot remove the group '%s'", dir);
		if (clock_ns() >= deadline_ns) {
			(void)too_late(fd, err);
			return err_wrap(err, "cannot remove the group '%s'", dir);
		}
		sched_yield();
	}
}
