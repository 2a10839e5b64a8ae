/*
 * See loop.h. Removed sources stay allocated until the current round of callbacks is over,
 * because epoll may already have returned an event for them.
 */
#include "base/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

enum { EVENTS_A_ROUND = 16 };

struct loop_source {
	struct loop *loop;
	struct loop_source *next;
	int fd;
	loop_fn fn; /* NULL once removed */
	void *data;
};

struct loop {
	int epoll_fd;
	int timer_fd; /* -1: there was no need for one */
	struct loop_source *sources;
};

int loop_new(struct loop **ret, struct err *err)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "cannot create an epoll descriptor");
	*ret = mem_zero(1, sizeof(**ret));
	(*ret)->epoll_fd = fd;
	(*ret)->timer_fd = -1;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources) {
		struct loop_source *next = loop->sources->next;
		free(loop->sources);
		loop->sources = next;
	}
	fd_close_var(&loop->timer_fd);
	fd_close_var(&loop->epoll_fd);
	free(loop);
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data,
	     struct loop_source **ret, struct err *err)
{
	struct loop_source *source = mem_zero(1, sizeof(*source));
	struct epoll_event event = {.events = events, .data.ptr = source};

	*source = (struct loop_source){loop, loop->sources, fd, fn, data};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int errnum = errno;
		free(source);
		return err_errno(err, errnum, "cannot watch descriptor %d", fd);
	}
	loop->sources = source;
	*ret = source;
	return 0;
}

void loop_remove(struct loop_source *source)
{
	if (!source || !source->fn)
		return;
	(void)epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fn = NULL;
}

static void free_removed(struct loop *loop)
{
	struct loop_source **at = &loop->sources;

	while (*at) {
		struct loop_source *source = *at;
		if (source->fn) {
			at = &source->next;
			continue;
		}
		*at = source->next;
		free(source);
	}
}

/* NULL: it says nothing, whatever it was told before. */
static int arm_timer(struct loop *loop, const struct timespec *timeout)
{
	struct itimerspec spec = {.it_value = timeout ? *timeout : (struct timespec){0, 0}};
	struct epoll_event event = {.events = EPOLLIN}; /* of no source */

	if (loop->timer_fd < 0 && !timeout)
		return 0;
	if (loop->timer_fd < 0) {
		loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (loop->timer_fd < 0 ||
		    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0)
			return -1;
	}
	return timerfd_settime(loop->timer_fd, 0, &spec, NULL);
}

/* The sources' events alone, in front; what the timer says is taken. */
static int without_timer(struct loop *loop, struct epoll_event *events, int n)
{
	uint64_t expired;
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			events[kept++] = events[i];
		else
			(void)!read(loop->timer_fd, &expired, sizeof(expired));
	return kept;
}

/* epoll_pwait2(2) is of 5.11. epoll_wait(2) counts in milliseconds and would wait too short or too
 * long, so before it a timer is one of those that are waited for. Not ppoll(2) of epoll's own
 * descriptor: that asks all that may be ready, and for a PSI trigger to be asked is to have told,
 * so epoll would have nothing to say any more (psi_trigger_poll, kernel/sched/psi.c; 5.10). */
static int wait_events(struct loop *loop, struct epoll_event *events,
		       const struct timespec *timeout)
{
	int n = epoll_pwait2(loop->epoll_fd, events, EVENTS_A_ROUND, timeout, NULL);
	bool at_once = timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0;

	if (n >= 0 || errno != ENOSYS)
		return n;
	if (!at_once && arm_timer(loop, timeout) < 0)
		return -1;
	n = epoll_wait(loop->epoll_fd, events, EVENTS_A_ROUND, at_once ? 0 : -1);
	return n > 0 ? without_timer(loop, events, n) : n;
}

int loop_wait(struct loop *loop, uint64_t deadline_ns, struct err *err)
{
	struct epoll_event events[EVENTS_A_ROUND];
	struct timespec left, *timeout = NULL;

	if (deadline_ns != UINT64_MAX) {
		uint64_t now = clock_ns(), ns = deadline_ns > now ? deadline_ns - now : 0;
		left.tv_sec = (time_t)(ns / 1000000000ULL);
		left.tv_nsec = (long)(ns % 1000000000ULL);
		timeout = &left;
	}
	int n = wait_events(loop, events, timeout);
	if (n < 0 && errno == EINTR)
		return -EINTR;
	if (n < 0)
		return err_errno(err, errno, "cannot wait for events");
	for (int i = 0; i < n; i++) {
		struct loop_source *source = events[i].data.ptr;
		if (source->fn)
			source->fn(source->data, source->fd, events[i].events);
	}
	free_removed(loop);
	return n;
}
