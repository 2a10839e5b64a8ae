/*
 * See fd.h. Errors name the path as it was given, so callers wrap with their own noun.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void fd_close_var(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_open_at(int dirfd, const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = openat(dirfd, path, flags | O_CLOEXEC, mode);

	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	return fd;
}

static ssize_t read_retry(int fd, void *buf, size_t size, off_t offset)
{
	ssize_t n;

	do {
		n = pread(fd, buf, size, offset);
	} while (n < 0 && errno == EINTR);
	return n;
}

static int reread_named(int fd, const char *name, char *buf, size_t size, struct err *err)
{
	size_t len = 0;

	for (;;) {
		if (len + 1 >= size)
			return err_set(err, ENOBUFS, "'%s' is longer than %zu bytes", name,
				       size - 1);
		ssize_t n = read_retry(fd, buf + len, size - 1 - len, (off_t)len);
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", name);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return (int)len;
}

int fd_read_text(int dirfd, const char *path, char *buf, size_t size, struct err *err)
{
	FD_AUTO fd = fd_open_at(dirfd, path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	return reread_named(fd, path, buf, size, err);
}

int fd_reread_text(int fd, char *buf, size_t size, struct err *err)
{
	return reread_named(fd, "open file", buf, size, err);
}

static int read_to_end(int fd, const char *path, size_t max, struct str *out, struct err *err)
{
	char chunk[16384];
	size_t total = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			return 0;
		if ((size_t)n > max - total)
			return err_set(err, EFBIG, "'%s' is longer than %zu bytes", path, max);
		total += (size_t)n;
		str_addn(out, chunk, (size_t)n);
	}
}

int fd_read_all(int dirfd, const char *path, struct str *out, struct err *err)
{
	FD_AUTO fd = fd_open_at(dirfd, path, O_RDONLY, 0, err);

	return fd < 0 ? fd : read_to_end(fd, path, SIZE_MAX, out, err);
}

int fd_read_at_most(int dirfd, const char *path, size_t max, struct str *out, struct err *err)
{
	FD_AUTO fd = fd_open_at(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err);

	return fd < 0 ? fd : read_to_end(fd, path, max, out, err);
}

int fd_write_text(int dirfd, const char *path, const char *text, struct err *err)
{
	FD_AUTO fd = fd_open_at(dirfd, path, O_WRONLY, 0, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	do {
		n = write(fd, text, strlen(text));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, errno, "cannot write '%s' to '%s'", text, path);
	return 0;
}

int fd_write_full(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

bool fd_reader_gone(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLOUT};

	return poll(&end, 1, 0) > 0 && (end.revents & (POLLERR | POLLHUP));
}

int fd_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0U);

	return fd < 0 ? -errno : fd;
}

int fd_pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0U) < 0 ? -errno : 0;
}
