/*
 * See deb.h. A package is an ar archive with data.tar in it, compressed as the packager liked. The
 * tar is unpacked in memory, some 100 MB, and walked; of its kinds of entries dpkg knows files,
 * long names in GNU's way and no extended headers (deb(5)).
 */
#include "harness/vm/deb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/image.h"

enum { DEB_MAX = 512 << 20, TAR_MAX = 1 << 30 };

struct span {
	const char *at;
	size_t len;
};

static int damaged(const char *what, struct err *err)
{
	return err_set(err, EPROTO, "is damaged or no Debian package: %s", what);
}

/* The first n digits of a base; what is no digit ends it. */
static size_t number(const char *at, size_t n, int base)
{
	char digits[24] = "";

	memcpy(digits, at, n < sizeof(digits) ? n : sizeof(digits) - 1);
	return (size_t)strtoull(digits, NULL, base);
}

/* ---- ar ------------------------------------------------------------------------------------- */

enum { AR_MAGIC = 8, AR_HEADER = 60, AR_SIZE = 48, AR_SIZE_DIGITS = 10 };

/* Finds the member whose name begins so. */
static int find_member(struct span deb, const char *name, struct span *ret, struct err *err)
{
	size_t at = AR_MAGIC;

	if (deb.len < AR_MAGIC || memcmp(deb.at, "!<arch>\n", AR_MAGIC) != 0)
		return damaged("no ar archive", err);
	while (at < deb.len && deb.len - at >= AR_HEADER) {
		const char *header = deb.at + at;
		size_t size = number(header + AR_SIZE, AR_SIZE_DIGITS, 10);
		at += AR_HEADER;
		if (size > deb.len - at)
			return damaged("it was cut off", err);
		if (memcmp(header, name, strlen(name)) == 0) {
			*ret = (struct span){deb.at + at, size};
			return 0;
		}
		at += size + size % 2;
	}
	return damaged("no data.tar in it", err);
}

/* ---- tar ------------------------------------------------------------------------------------ */

enum {
	TAR_BLOCK = 512,
	TAR_NAME = 100,
	TAR_SIZE = 124,
	TAR_SIZE_DIGITS = 12,
	TAR_SUM = 148,
	TAR_SUM_DIGITS = 8,
	TAR_TYPE = 156,
	TAR_MAGIC = 257,
	TAR_PREFIX = 345,
	TAR_PREFIX_LEN = 155,
};

static bool has_sum(const char *header)
{
	size_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= TAR_SUM && i < TAR_SUM + TAR_SUM_DIGITS ? ' '
								    : (unsigned char)header[i];
	return sum == number(header + TAR_SUM, TAR_SUM_DIGITS, 8);
}

static char *entry_path(const char *header, const char *long_name)
{
	const char *prefix = header + TAR_PREFIX;

	if (long_name)
		return mem_dup(long_name);
	/* GNU's own format has other things there. */
	if (memcmp(header + TAR_MAGIC, "ustar", 6) != 0 || !*prefix)
		return mem_printf("%.*s", TAR_NAME, header);
	return mem_printf("%.*s/%.*s", TAR_PREFIX_LEN, prefix, TAR_NAME, header);
}

typedef int (*tar_fn)(void *data, const char *path, struct span content, struct err *err);

/* Calls fn with each regular file. */
static int walk_tar(struct span tar, tar_fn fn, void *data, struct err *err)
{
	char *long_name = NULL;
	size_t at = 0;
	int r = 0;

	while (r >= 0 && tar.len - at >= TAR_BLOCK && tar.at[at]) {
		const char *header = tar.at + at;
		size_t size = number(header + TAR_SIZE, TAR_SIZE_DIGITS, 8);
		at += TAR_BLOCK;
		if (!has_sum(header) || size > tar.len - at) {
			r = damaged("its data.tar is broken", err);
			break;
		}
		struct span content = {tar.at + at, size};
		char type = header[TAR_TYPE];
		MEM_AUTO char *path = entry_path(header, long_name);
		free(long_name);
		long_name = type == 'L' ? mem_printf("%.*s", (int)size, content.at) : NULL;
		if (type == '0' || type == '\0')
			r = fn(data, path, content, err);
		size_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		at += padded < tar.len - at ? padded : tar.len - at;
	}
	free(long_name);
	return r;
}

/* ---- files ---------------------------------------------------------------------------------- */

struct taking {
	const struct deb_wish *wish;
	struct deb_found found;
};

/* Makes the folders of "a/b/c.ko" below dirfd. */
static int make_parents(int dirfd, const char *path, struct err *err)
{
	MEM_AUTO char *copy = mem_dup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dirfd, copy, 0755) < 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make the folder '%s'", copy);
		*slash = '/';
	}
	return 0;
}

static int write_module(struct taking *taking, const char *path, struct span content,
			struct err *err)
{
	int dirfd = taking->wish->modules;

	if (make_parents(dirfd, path, err) < 0)
		return -err->code;
	FD_AUTO fd = fd_open_at(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, content.at, content.len);
	if (fd < 0)
		return fd;
	if (r < 0)
		return err_errno(err, -r, "cannot write '%s'", path);
	taking->found.modules++;
	taking->found.modules_bytes += content.len;
	return 0;
}

/* "usr/lib/modules/6.1/kernel/x.ko" -> "kernel/x.ko"; NULL: something else. */
static const char *below_modules(const char *path, const char *release)
{
	static const char *const roots[] = {"lib/modules/", "usr/lib/modules/", NULL};

	for (size_t i = 0; roots[i]; i++) {
		const char *rest = str_starts(path, roots[i]) ? path + strlen(roots[i]) : NULL;
		if (rest && str_starts(rest, release) && rest[strlen(release)] == '/')
			return rest + strlen(release) + 1;
	}
	return NULL;
}

static int take_file(void *data, const char *path, struct span content, struct err *err)
{
	struct taking *taking = data;
	const struct deb_wish *wish = taking->wish;
	MEM_AUTO char *boot = mem_printf("boot/vmlinuz-%s", wish->release);

	path += str_starts(path, "./") ? 2 : 0;
	const char *below = below_modules(path, wish->release);
	if (str_eq(path, boot) || str_eq(below, "vmlinuz")) {
		if (wish->vmlinuz)
			str_addn(wish->vmlinuz, content.at, content.len);
		taking->found.vmlinuz = wish->vmlinuz != NULL;
		return 0;
	}
	if (!below || wish->modules < 0 || !strstr(below, ".ko") || strstr(below, ".."))
		return 0;
	return write_module(taking, below, content, err);
}

static int read_deb(int fd, struct str *out, struct err *err)
{
	MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", fd);
	int r = fd_read_at_most(AT_FDCWD, path, DEB_MAX, out, err);

	return r < 0 ? r : 0;
}

int deb_extract(int fd, const struct deb_wish *wish, struct deb_found *ret, struct err *err)
{
	struct taking taking = {.wish = wish};
	struct span data = {0};
	STR_AUTO deb = STR_INIT;
	STR_AUTO tar = STR_INIT;
	int r = read_deb(fd, &deb, err);

	if (r >= 0)
		r = find_member((struct span){str_text(&deb), deb.len}, "data.tar", &data, err);
	if (r >= 0)
		r = image_decompress(data.at, data.len, TAR_MAX, &tar, err);
	if (r >= 0)
		r = walk_tar((struct span){str_text(&tar), tar.len}, take_file, &taking, err);
	if (r >= 0)
		*ret = taking.found;
	return r < 0 ? r : 0;
}
