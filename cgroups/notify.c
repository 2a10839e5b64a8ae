/*
 * The two descriptors that a loop can watch: one for memory events (v1: an eventfd on
 * memory.oom_control, v2: memory.events), one for 'populated'. Opened when first asked for.
 * Sources: cgroup-v1/memory.rst, 9 and 10; cgroup-v2.rst, cgroup.events.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/internal.h"

static int open_v1(struct cg *cg, struct err *err)
{
	FD_AUTO fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];

	if (fd < 0)
		return err_errno(err, errno, "eventfd");
	if (cg->file[CG_F_OOM_CONTROL] < 0)
		return err_set(err, EOPNOTSUPP, "this kernel has no memory.oom_control");
	snprintf(text, sizeof(text), "%d %d", fd, cg->file[CG_F_OOM_CONTROL]);
	if (fd_write_text(cg_place_of(cg, "memory")->dirfd, "cgroup.event_control", text, err) < 0)
		return -err->code;
	cg->notify_fd = fd_take(&fd);
	return 0;
}

/* A descriptor of its own: kernfs forgets an event when the file is read, so reading counters
 * through the same one would swallow it. The first read arms it. */
static int open_armed(int dirfd, const char *file, int *ret_fd, struct err *err)
{
	char text[4096];
	FD_AUTO fd = fd_open_at(dirfd, file, O_RDONLY, 0, err);

	if (fd < 0 || fd_reread_text(fd, text, sizeof(text), err) < 0)
		return -err->code;
	*ret_fd = fd_take(&fd);
	return 0;
}

int cg_notify_fd(struct cg *cg, uint32_t *ret_epoll_events, struct err *err)
{
	bool v1 = cg_host_version(cg->host, "memory") == CG_V1;
	int rc = 0;

	if (cg->notify_fd < 0)
		rc = v1 ? open_v1(cg, err)
			: open_armed(cg_place_of(cg, "memory")->dirfd, "memory.events",
				     &cg->notify_fd, err);
	if (rc < 0)
		return err_wrap(err, "group '%s': notification", cg->name);
	*ret_epoll_events = v1 ? EPOLLIN : EPOLLPRI;
	return cg->notify_fd;
}

int cg_pressure_fd(struct cg *cg, const char *trigger, struct err *err)
{
	const struct cg_place *place = cg_place_v2(cg);
	size_t size = strlen(trigger) + 1;

	if (!place)
		return err_set(err, EOPNOTSUPP, "group '%s': no v2 directory, so no pressure",
			       cg->name);
	FD_AUTO fd = fd_open_at(place->dirfd, "memory.pressure", O_RDWR | O_NONBLOCK, 0, err);
	if (fd < 0)
		return err_wrap(err, "group '%s'", cg->name);
	/* With its NUL: the kernel cuts the last byte off (kernel/cgroup/cgroup.c, pressure_write).
	 */
	if (write(fd, trigger, size) != (ssize_t)size)
		return err_errno(err, errno, "group '%s': memory.pressure: trigger '%s'", cg->name,
				 trigger);
	return fd_take(&fd);
}

int cg_notify_ack(struct cg *cg, uint64_t *ret_count, struct err *err)
{
	uint64_t count = 0;

	if (cg->notify_fd < 0)
		return err_set(err, EBADF, "group '%s': no notification was asked for", cg->name);
	if (cg_host_version(cg->host, "memory") == CG_V1) {
		if (read(cg->notify_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return err_errno(err, errno, "group '%s': eventfd", cg->name);
	} else {
		struct pollfd poll_fd = {.fd = cg->notify_fd, .events = POLLPRI};
		count = poll(&poll_fd, 1, 0) > 0;
		if (pread(cg->notify_fd, cg->scratch, CG_SCRATCH, 0) < 0 && !cg_vanished(errno))
			return err_errno(err, errno, "group '%s': memory.events", cg->name);
	}
	*ret_count = count;
	return 0;
}

int cg_populated_fd(struct cg *cg, struct err *err)
{
	const struct cg_place *v2 = cg_place_v2(cg);

	if (!v2)
		return err_set(err, EOPNOTSUPP,
			       "group '%s': no event for an empty group without a v2 hierarchy",
			       cg->name);
	if (cg->populated_fd < 0 &&
	    open_armed(v2->dirfd, "cgroup.events", &cg->populated_fd, err) < 0)
		return err_wrap(err, "group '%s'", cg->name);
	return cg->populated_fd;
}

static int alive_in(int dirfd, bool *ret, struct err *err)
{
	struct cg_pids pids = {0};
	int rc = cg_tree_procs(dirfd, &pids, err);
	bool alive = false;

	for (size_t i = 0; i < pids.n && !alive; i++)
		alive = !cg_pid_is_dead(pids.list[i]);
	cg_pids_free(&pids);
	if (rc >= 0)
		*ret = alive;
	return rc;
}

/* Through the watched descriptor where there is one: that clears its readiness. */
int cg_populated(const struct cg *cg, bool *ret, struct err *err)
{
	const struct cg_place *v2 = cg_place_v2(cg);
	char text[256];
	uint64_t populated = 0;
	int rc;

	if (!v2)
		rc = alive_in(cg_place_of(cg, "memory")->dirfd, ret, err);
	else if (cg->populated_fd >= 0)
		rc = fd_reread_text(cg->populated_fd, text, sizeof(text), err);
	else
		rc = fd_read_text(v2->dirfd, "cgroup.events", text, sizeof(text), err);
	if (rc < 0)
		return err_wrap(err, "group '%s'", cg->name);
	if (v2)
		*ret = cg_text_field(text, "populated", &populated) && populated;
	return 0;
}
