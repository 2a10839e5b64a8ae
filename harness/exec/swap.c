/*
 * See swap.h. The header is written by ourselves: one page, no tool needed. zram is in zram.c.
 */
#include "harness/exec/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"

enum { SWAP_OFF_WAIT_S = 10, SWAP_OFF_POLL_MS = 50, SWAP_MIN_PAGES = 10 };

/* /proc/swaps writes space, tab, newline and backslash as \ooo. */
static void decode_octal(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		unsigned int byte;

		if (*c == '\\' && sscanf(c, "\\%3o", &byte) == 1) {
			*to++ = (char)byte;
			c += 3;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
}

int swap_list_parse(const char *text, struct swap_list *ret, struct err *err)
{
	struct swap_list list = {.n = 0};
	const char *line = strchr(text, '\n'); /* the first line is a heading */

	while (line && line[1]) {
		char path[4096];
		int priority;

		line++;
		if (sscanf(line, "%4095s %*s %*s %*s %d", path, &priority) != 2) {
			swap_list_free(&list);
			return err_set(err, EPROTO, "cannot understand '/proc/swaps': '%.80s'",
				       line);
		}
		decode_octal(path);
		list.areas = mem_grow(list.areas, list.n + 1, sizeof(*list.areas));
		list.areas[list.n++] =
			(struct swap_area){.path = mem_dup(path), .priority = priority};
		line = strchr(line, '\n');
	}
	*ret = list;
	return 0;
}

int swap_list_read(struct swap_list *ret, struct err *err)
{
	STR_AUTO text = STR_INIT;
	int rc = fd_read_all(AT_FDCWD, "/proc/swaps", &text, err);

	return rc < 0 ? rc : swap_list_parse(str_text(&text), ret, err);
}

bool swap_list_has(const struct swap_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		if (str_eq(list->areas[i].path, path))
			return true;
	}
	return false;
}

void swap_list_free(struct swap_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->areas[i].path);
	free(list->areas);
	*list = (struct swap_list){.n = 0};
}

int swap_on(const char *path, int priority, struct err *err)
{
	int flags = priority < 0 ? 0 : SWAP_FLAG_PREFER | (priority & SWAP_FLAG_PRIO_MASK);

	if (swapon(path, flags) == 0)
		return 0;
	if (errno == EPERM)
		return err_set(err, EOPNOTSUPP,
			       "cannot turn swap '%s' on: not permitted (needs root with "
			       "CAP_SYS_ADMIN outside of a user namespace)",
			       path);
	if (errno == ENOSYS)
		return err_set(err, EOPNOTSUPP, "this kernel has no swap (CONFIG_SWAP)");
	return err_errno(err, errno, "cannot turn swap '%s' on", path);
}

int swap_is_on(const char *path, bool *ret, struct err *err)
{
	struct swap_list list = {.n = 0};
	/* A kernel without swap has none on. */
	int rc = access("/proc/swaps", F_OK) < 0 ? 0 : swap_list_read(&list, err);

	if (rc < 0)
		return rc;
	*ret = swap_list_has(&list, path);
	swap_list_free(&list);
	return 0;
}

int swap_off(const char *path, struct err *err)
{
	uint64_t deadline = clock_ns() + SWAP_OFF_WAIT_S * 1000000000ULL;
	FD_AUTO watch = fd_open_at(AT_FDCWD, "/proc/swaps", O_RDONLY, 0, err);
	bool on;
	int rc;

	if (watch < 0)
		return watch;
	for (;;) {
		if ((rc = swap_is_on(path, &on, err)) < 0)
			return rc;
		if (!on || swapoff(path) == 0)
			return 0;
		/* EINVAL although it is listed: somebody else is in the middle of swapoff, e.g. a
		 * dying child of the run. When that ends /proc/swaps polls readable; when it is
		 * given up there is no event, hence the short timeout. */
		if (errno == ENOMEM)
			return err_set(err, ENOMEM,
				       "cannot turn swap '%s' off: tasks that have pages there "
				       "are at the limit of their group, or memory is full; end "
				       "them, then 'oomlab clean'",
				       path);
		if (errno != EINVAL || clock_ns() > deadline)
			return err_errno(err, errno, "cannot turn swap '%s' off", path);
		struct pollfd poll_fd = {.fd = watch, .events = POLLPRI};
		(void)poll(&poll_fd, 1, SWAP_OFF_POLL_MS);
	}
}

int swap_write_header(int fd, uint64_t bytes, struct err *err)
{
	static const char magic[] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};
	static const char label[] = "oomlab";
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	MEM_AUTO char *buf = mem_zero(1, page);
	uint32_t version = 1;
	uint32_t last_page = (uint32_t)(bytes / page - 1);

	/* union swap_header of include/linux/swap.h: after 1024 bytes for boot loaders version,
	 * last_page, nr_badpages, uuid[16] (none) and label[16]; the magic ends the page. */
	memcpy(buf + 1024, &version, sizeof(version));
	memcpy(buf + 1028, &last_page, sizeof(last_page));
	memcpy(buf + 1052, label, sizeof(label));
	memcpy(buf + page - sizeof(magic), magic, sizeof(magic));
	if (pwrite(fd, buf, page, 0) != (ssize_t)page)
		return err_errno(err, errno, "cannot write the swap header");
	return 0;
}

/* File systems that can never hold a swap file: found before a byte is written. All others are
 * asked by swapon(2) itself. */
static const struct {
	unsigned long magic;
	const char *name;
} unable[] = {
	{TMPFS_MAGIC, "tmpfs"},
	{RAMFS_MAGIC, "ramfs"},
	{OVERLAYFS_SUPER_MAGIC, "overlay"},
	{0x2FC12FC1UL, "zfs"},
	{FUSE_SUPER_MAGIC, "fuse"},
	{V9FS_MAGIC, "9p"},
	{SQUASHFS_MAGIC, "squashfs"},
};

static const char *unable_name(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(unable) / sizeof(unable[0]); i++) {
		if ((unsigned long)fs.f_type == unable[i].magic)
			return unable[i].name;
	}
	return NULL;
}

static int check_room(const char *dir, uint64_t bytes, struct err *err)
{
	char wanted[PARSE_TEXT_MAX], there[PARSE_TEXT_MAX];
	const char *name = unable_name(dir);
	struct statvfs fs;

	if (name)
		return err_set(err, EOPNOTSUPP,
			       "'%s' is on %s, which cannot hold a swap file: set OOMLAB_STATE "
			       "to a directory on ext4, xfs or btrfs",
			       dir, name);
	if (bytes / (uint64_t)sysconf(_SC_PAGESIZE) < SWAP_MIN_PAGES)
		return err_set(err, EINVAL, "a swap of %s is too small: at least %d pages",
			       format_size(bytes, wanted), SWAP_MIN_PAGES);
	if (statvfs(dir, &fs) < 0)
		return err_errno(err, errno, "cannot see how much room '%s' has", dir);
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < bytes)
		return err_set(err, ENOSPC,
			       "a swap file of %s does not fit in '%s', where %s are free: make "
			       "room, or set OOMLAB_STATE to another directory",
			       format_size(bytes, wanted), dir, format_size_short(room, there));
	return 0;
}

/* Writes zeros to the last byte: for file systems whose allocated but unwritten blocks are holes
 * to swapon(2). */
static int fill(int fd, uint64_t bytes, struct err *err)
{
	enum { CHUNK = 1 << 20 };
	MEM_AUTO char *zeros = mem_zero(1, CHUNK);

	for (uint64_t at = 0; at < bytes;) {
		size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
		ssize_t done = pwrite(fd, zeros, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_errno(err, errno, "cannot fill the swap file");
		at += (uint64_t)done;
	}
	return 0;
}

/* Swap files must not be copied on write (btrfs); that can be said only while the file is empty.
 * Other file systems do not know the flag, or do not need it. */
static void forbid_cow(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_NOCOW_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		errno = 0;
}

static int write_area(int fd, uint64_t bytes, bool filled, struct err *err)
{
	int rc;

	if (filled && (rc = fill(fd, bytes, err)) < 0)
		return rc;
	if ((rc = swap_write_header(fd, bytes, err)) < 0)
		return rc;
	/* swapon(2) maps blocks: they must have been given out. */
	if (fsync(fd) < 0)
		return err_errno(err, errno, "cannot flush the swap file");
	return 0;
}

/* Makes the file and turns it on: first with blocks that are only allocated, which takes no time;
 * where swapon(2) refuses these, with blocks that are written. */
static int make_and_start(struct journal *journal, const char *path, uint64_t bytes,
			  struct err *err)
{
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, err);
	int rc;

	if (fd < 0)
		return fd;
	forbid_cow(fd);
	bool filled = fallocate(fd, 0, 0, (off_t)bytes) < 0;
	if (filled && errno != EOPNOTSUPP && errno != ENOSYS)
		return err_errno(err, errno, "cannot make the swap file '%s'", path);
	if ((rc = write_area(fd, bytes, filled, err)) < 0)
		return rc;
	rc = swap_start(journal, path, err);
	if (rc == -EINVAL && !filled) {
		if ((rc = write_area(fd, bytes, true, err)) < 0)
			return rc;
		rc = swap_on(path, SWAP_PRIORITY_MAX, err);
	}
	if (rc == -EINVAL)
		return err_set(err, EOPNOTSUPP,
			       "the kernel refuses '%s' as swap: its file system cannot hold "
			       "swap files; set OOMLAB_STATE to a directory on ext4, xfs or btrfs",
			       path);
	return rc;
}

int swap_make_file(struct journal *journal, uint64_t bytes, char **ret_path, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/%s.swap", journal_dir(journal), journal_id(journal));
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int rc;

	bytes -= bytes % page;
	if ((rc = check_room(journal_dir(journal), bytes, err)) < 0 ||
	    (rc = journal_note(journal, JOURNAL_FILE, path, NULL, err)) < 0 ||
	    (rc = make_and_start(journal, path, bytes, err)) < 0)
		return rc;
	*ret_path = path;
	path = NULL;
	return 0;
}

int swap_start(struct journal *journal, const char *path, struct err *err)
{
	int rc = journal_note(journal, JOURNAL_SWAP, path, NULL, err);

	return rc < 0 ? rc : swap_on(path, SWAP_PRIORITY_MAX, err);
}
