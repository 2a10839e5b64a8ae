/*
 * oomlab explain --follow: one loop over everything that grows, the deadline after which a quiet
 * log's last report is printed, signals, and a reader who leaves.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"
#include "harness/cmd/explain.h"

/* A report may go on after its kill: the reaper's line, the next victim of an oom.group. When
 * nothing came for this long it is taken as whole. */
#define QUIET_NS 1000000000ULL

enum { EXIT_INTERRUPTED = 130 };

struct followed {
	struct explain_stream stream;
	struct follow *follow;
	uint64_t quiet_at; /* UINT64_MAX: nothing is pending */
	bool ended;
};

struct following {
	struct explain_session *session;
	struct loop *loop;
	struct followed *files;
	size_t n;
	int signals;
	bool interrupted;
};

static void on_bytes(void *data, const char *bytes, size_t n)
{
	struct followed *file = data;

	if (file->stream.session->done)
		return;
	if (n == 0) {
		file->ended = true;
		file->quiet_at = UINT64_MAX;
		explain_stream_close(&file->stream);
		return;
	}
	(void)oomlog_feed(file->stream.log, bytes, n);
	file->quiet_at = clock_ns() + QUIET_NS;
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct following *all = data;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof(info)) > 0)
		all->interrupted = true;
}

static void on_reader(void *data, int fd, uint32_t events)
{
	struct following *all = data;

	(void)fd;
	if (events & (EPOLLERR | EPOLLHUP))
		all->session->done = true;
}

static int begin(struct following *all, char **names, struct err *err)
{
	struct loop_source *source;
	int r = loop_new(&all->loop, err);
	if (r < 0)
		return r;
	all->signals = signals_open(0, NULL, err);
	if (all->signals < 0)
		return all->signals;
	r = loop_add(all->loop, all->signals, EPOLLIN, on_signal, all, &source, err);
	if (r < 0)
		return r;
	/* A file as output cannot be watched, nor need it be. */
	struct err ignored = ERR_INIT;
	(void)loop_add(all->loop, STDOUT_FILENO, 0, on_reader, all, &source, &ignored);
	for (size_t i = 0; i < all->n && !all->session->done; i++) {
		struct followed *file = &all->files[i];
		explain_stream_open(&file->stream, all->session, names[i]);
		r = follow_new(all->loop, names[i], on_bytes, file, &file->follow, err);
		if (r < 0)
			return err_wrap(err, "%s", names[i]);
	}
	return 0;
}

static uint64_t next_deadline(const struct following *all)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < all->n; i++)
		if (all->files[i].quiet_at < next)
			next = all->files[i].quiet_at;
	return next;
}

static void flush_quiet(struct following *all)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < all->n; i++) {
		struct followed *file = &all->files[i];
		if (file->quiet_at > now || all->session->done)
			continue;
		file->quiet_at = UINT64_MAX;
		(void)oomlog_flush(file->stream.log);
	}
}

static bool goes_on(const struct following *all)
{
	if (all->session->done || all->interrupted)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (!all->files[i].ended)
			return true;
	return false;
}

static int follow_all(struct following *all, struct err *err)
{
	while (goes_on(all)) {
		int r = loop_wait(all->loop, next_deadline(all), err);
		if (r < 0 && r != -EINTR)
			return r;
		flush_quiet(all);
		for (size_t i = 0; i < all->n; i++)
			if (follow_error(all->files[i].follow, err) < 0)
				return err_wrap(err, "%s", all->files[i].stream.name);
	}
	return 0;
}

static void end(struct following *all)
{
	for (size_t i = 0; i < all->n; i++) {
		explain_stream_close(&all->files[i].stream);
		follow_free(all->files[i].follow);
	}
	loop_free(all->loop);
	fd_close_var(&all->signals);
}

int explain_follow(struct explain_session *session, char **names, size_t n)
{
	MEM_AUTO struct followed *files = mem_zero(n, sizeof(*files));
	struct following all = {.session = session, .files = files, .n = n, .signals = -1};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		files[i].quiet_at = UINT64_MAX;
	int r = begin(&all, names, &err);
	if (r >= 0)
		r = follow_all(&all, &err);
	end(&all);
	if (r < 0)
		return cmd_fail(session->ctx, CMD_USAGE, &err);
	return all.interrupted ? EXIT_INTERRUPTED : CMD_OK;
}
