/*
 * Logs that grow, see input.h. A file is watched itself (written, moved, removed) and through the
 * folders that hold its name and, where that is a link, its target: whatever appears there may be
 * the file that a rotation made. At each event the facts are asked, not the event: is there more,
 * is the file shorter than what was read, is the name another file by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/input/input.h"
#include "harness/input/unpack.h"

enum { READ_BYTES = 128 << 10, TAIL_BYTES = 64 };

struct follow {
	struct loop *loop;
	struct loop_source *source;
	char *name; /* NULL: a stream, no file */
	follow_fn fn;
	void *data;
	int fd, inotify, watch; /* watch: of the file itself */
	uint64_t offset;
	char tail[TAIL_BYTES]; /* of a file: the last bytes that were read */
	size_t n_tail;
	struct err failed;
	char *buf;
};

static void fail(struct follow *follow, const struct err *err)
{
	if (!follow->failed.code)
		follow->failed = *err;
	loop_remove(follow->source);
	follow->source = NULL;
}

static void keep_tail(struct follow *follow, size_t n)
{
	size_t keep = n < TAIL_BYTES ? n : TAIL_BYTES;
	size_t old = TAIL_BYTES - keep < follow->n_tail ? TAIL_BYTES - keep : follow->n_tail;

	memmove(follow->tail, follow->tail + follow->n_tail - old, old);
	memcpy(follow->tail + old, follow->buf + n - keep, keep);
	follow->n_tail = old + keep;
}

/* Everything that there is now. false: the end of a stream, or an error. */
static bool drain(struct follow *follow)
{
	struct err err = ERR_INIT;

	for (;;) {
		ssize_t n = read(follow->fd, follow->buf, READ_BYTES);
		if (n > 0) {
			follow->offset += (uint64_t)n;
			keep_tail(follow, (size_t)n);
			follow->fn(follow->data, follow->buf, (size_t)n);
			continue;
		}
		if (n < 0 && (errno == EINTR || errno == EPIPE)) /* EPIPE: records overwritten */
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n == 0)
			return follow->name != NULL;
		err_errno(&err, errno, "cannot read it");
		fail(follow, &err);
		return false;
	}
}

/* ---- streams -------------------------------------------------------------------------------- */

static void on_stream(void *data, int fd, uint32_t events)
{
	struct follow *follow = data;

	(void)fd;
	(void)events;
	if (drain(follow))
		return;
	loop_remove(follow->source);
	follow->source = NULL;
	follow->fn(follow->data, "", 0);
}

static int begin_stream(struct follow *follow, struct err *err)
{
	int flags = fcntl(follow->fd, F_GETFL);

	/* Made non-blocking, standard input would be so for everybody who shares it: opened anew,
	 * the pipe is not. A socket cannot be, and is shared by few. */
	if (!(flags & O_NONBLOCK)) {
		MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", follow->fd);
		int own = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (own >= 0) {
			fd_close_var(&follow->fd);
			follow->fd = own;
		} else if (fcntl(follow->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
			return err_errno(err, errno, "cannot read it without blocking");
		}
	}
	return loop_add(follow->loop, follow->fd, EPOLLIN, on_stream, follow, &follow->source, err);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void watch_folder(struct follow *follow, const char *path)
{
	MEM_AUTO char *copy = mem_dup(path);

	/* One that cannot be watched costs the rotation, not the log. */
	(void)inotify_add_watch(follow->inotify, dirname(copy),
				IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void watch_file(struct follow *follow)
{
	MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", follow->fd);
	MEM_AUTO char *target = realpath(follow->name, NULL);

	if (follow->watch >= 0)
		(void)inotify_rm_watch(follow->inotify, follow->watch);
	follow->watch = inotify_add_watch(follow->inotify, path,
					  IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
	watch_folder(follow, follow->name);
	if (target)
		watch_folder(follow, target);
}

static bool was_replaced(const struct follow *follow)
{
	struct stat open_one, named;

	return stat(follow->name, &named) == 0 && fstat(follow->fd, &open_one) == 0 &&
	       (named.st_ino != open_one.st_ino || named.st_dev != open_one.st_dev);
}

static void reopen(struct follow *follow)
{
	int fd = open(follow->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return; /* not there yet, or not for us: the next event asks again */
	fd_close_var(&follow->fd);
	follow->fd = fd;
	follow->offset = 0;
	follow->n_tail = 0;
	watch_file(follow);
}

/* A file that was truncated may have grown past where we were before we look: then what we read
 * last is not there any more. */
static bool was_truncated(const struct follow *follow)
{
	char now[TAIL_BYTES];
	ssize_t n =
		pread(follow->fd, now, follow->n_tail, (off_t)(follow->offset - follow->n_tail));

	return n >= 0 && ((size_t)n < follow->n_tail || memcmp(now, follow->tail, (size_t)n) != 0);
}

static void catch_up(struct follow *follow)
{
	if (was_truncated(follow)) {
		(void)lseek(follow->fd, 0, SEEK_SET);
		follow->offset = 0;
		follow->n_tail = 0;
	}
	if (!drain(follow) || !was_replaced(follow))
		return;
	reopen(follow);
	(void)drain(follow);
}

static void on_inotify(void *data, int fd, uint32_t events)
{
	_Alignas(struct inotify_event) char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];

	(void)events;
	while (read(fd, buf, sizeof(buf)) > 0)
		continue;
	catch_up(data);
}

static int begin_file(struct follow *follow, struct err *err)
{
	char magic[UNPACK_MAGIC_MAX];
	ssize_t n = pread(follow->fd, magic, sizeof(magic), 0);
	const struct unpack *unpack = n > 0 ? unpack_find(magic, (size_t)n) : NULL;

	if (unpack)
		return err_set(err, EINVAL, "is packed (%s) and does not grow", unpack->name);
	follow->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (follow->inotify < 0)
		return err_errno(err, errno, "cannot watch it (fs.inotify.max_user_instances?)");
	watch_file(follow);
	if (follow->watch < 0)
		return err_errno(err, errno, "cannot watch it (fs.inotify.max_user_watches?)");
	int r = loop_add(follow->loop, follow->inotify, EPOLLIN, on_inotify, follow,
			 &follow->source, err);
	if (r < 0)
		return r;
	catch_up(follow);
	return 0;
}

/* ---- both ----------------------------------------------------------------------------------- */

static int open_it(struct follow *follow, const char *name, bool *ret_file, struct err *err)
{
	struct stat st;

	follow->fd = str_eq(name, INPUT_STDIN)
			     ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			     : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (follow->fd < 0 || fstat(follow->fd, &st) < 0)
		return err_errno(err, errno, "cannot open it");
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "is a directory, expected a file");
	*ret_file = S_ISREG(st.st_mode);
	if (*ret_file && str_eq(name, INPUT_STDIN))
		return err_set(err, EINVAL, "is a file: give its name, by which it is followed");
	return 0;
}

int follow_new(struct loop *loop, const char *name, follow_fn fn, void *data, struct follow **ret,
	       struct err *err)
{
	struct follow *follow = mem_zero(1, sizeof(*follow));
	bool file = false;

	*follow = (struct follow){.loop = loop,
				  .fn = fn,
				  .data = data,
				  .fd = -1,
				  .inotify = -1,
				  .watch = -1,
				  .buf = mem_new(READ_BYTES)};
	int r = open_it(follow, name, &file, err);
	if (r >= 0 && file) {
		follow->name = mem_dup(name);
		r = begin_file(follow, err);
	} else if (r >= 0) {
		r = begin_stream(follow, err);
	}
	if (r < 0) {
		follow_free(follow);
		return r;
	}
	*ret = follow;
	return 0;
}

void follow_free(struct follow *follow)
{
	if (!follow)
		return;
	loop_remove(follow->source);
	fd_close_var(&follow->inotify);
	fd_close_var(&follow->fd);
	free(follow->name);
	free(follow->buf);
	free(follow);
}

int follow_error(const struct follow *follow, struct err *err)
{
	if (!follow->failed.code)
		return 0;
	*err = follow->failed;
	return -err->code;
}
