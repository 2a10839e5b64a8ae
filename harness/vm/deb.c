/*
 * See deb.h. A package is an ar archive with data.tar in it, compressed as the packager liked;
 * libarchive reads both, one within the other, as a stream.
 */
#include "harness/vm/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum { BLOCK = 1 << 16, VMLINUZ_MAX = 256 << 20 };

static int damaged(struct archive *archive, struct err *err)
{
	const char *text = archive_error_string(archive);

	return err_set(err, EPROTO, "is damaged or no Debian package: %s",
		       text ? text : "unexpected end");
}

/* ---- files ---------------------------------------------------------------------------------- */

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

static int write_module(struct archive *data, const char *path, const struct deb_wish *wish,
			struct deb_found *found, struct err *err)
{
	if (make_parents(wish->modules, path, err) < 0)
		return -err->code;
	FD_AUTO fd = fd_open_at(wish->modules, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
				0644, err);
	char bytes[BLOCK];
	la_ssize_t n;
	if (fd < 0)
		return fd;
	while ((n = archive_read_data(data, bytes, sizeof(bytes))) > 0) {
		int r = fd_write_full(fd, bytes, (size_t)n);
		if (r < 0)
			return err_errno(err, -r, "cannot write '%s'", path);
		found->modules_bytes += (unsigned long long)n;
	}
	found->modules++;
	return n < 0 ? damaged(data, err) : 0;
}

static int read_vmlinuz(struct archive *data, const struct deb_wish *wish, struct deb_found *found,
			struct err *err)
{
	char bytes[BLOCK];
	la_ssize_t n;

	while ((n = archive_read_data(data, bytes, sizeof(bytes))) > 0) {
		str_addn(wish->vmlinuz, bytes, (size_t)n);
		if (wish->vmlinuz->len > VMLINUZ_MAX)
			return err_set(err, EFBIG, "holds a kernel that is too large");
	}
	found->vmlinuz = true;
	return n < 0 ? damaged(data, err) : 0;
}

/* "./usr/lib/modules/6.1/kernel/x.ko" -> "kernel/x.ko"; NULL: something else. */
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

static int take_file(struct archive *data, struct archive_entry *entry, const struct deb_wish *wish,
		     struct deb_found *found, struct err *err)
{
	MEM_AUTO char *boot = mem_printf("boot/vmlinuz-%s", wish->release);
	const char *path = archive_entry_pathname(entry);

	if (!path || archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	while (str_starts(path, "./"))
		path += 2;
	const char *below = below_modules(path, wish->release);
	if (str_eq(path, boot) || str_eq(below, "vmlinuz"))
		return wish->vmlinuz ? read_vmlinuz(data, wish, found, err) : 0;
	if (!below || wish->modules < 0 || !strstr(below, ".ko") || strstr(below, ".."))
		return 0;
	return write_module(data, below, wish, found, err);
}

/* ---- archives ------------------------------------------------------------------------------- */

struct inner {
	struct archive *outer;
	char block[BLOCK];
};

static la_ssize_t read_inner(struct archive *archive, void *data, const void **block)
{
	struct inner *inner = data;
	la_ssize_t n = archive_read_data(inner->outer, inner->block, sizeof(inner->block));

	if (n < 0)
		archive_set_error(archive, EIO, "%s", archive_error_string(inner->outer));
	*block = inner->block;
	return n;
}

static int walk_data(struct archive *outer, const struct deb_wish *wish, struct deb_found *found,
		     struct err *err)
{
	struct inner inner = {.outer = outer};
	struct archive *data = archive_read_new();
	struct archive_entry *entry;
	int r = 0, next = ARCHIVE_OK;

	(void)archive_read_support_filter_all(data);
	(void)archive_read_support_format_tar(data);
	if (archive_read_open(data, &inner, NULL, read_inner, NULL) != ARCHIVE_OK)
		r = damaged(data, err);
	while (r >= 0 && (next = archive_read_next_header(data, &entry)) == ARCHIVE_OK)
		r = take_file(data, entry, wish, found, err);
	if (r >= 0 && next != ARCHIVE_EOF)
		r = damaged(data, err);
	(void)archive_read_free(data);
	return r;
}

int deb_extract(int fd, const struct deb_wish *wish, struct deb_found *ret, struct err *err)
{
	struct archive *outer = archive_read_new();
	struct archive_entry *entry;
	struct deb_found found = {0};
	bool data = false;
	int r = 0, next = ARCHIVE_OK;

	(void)archive_read_support_format_ar(outer);
	if (archive_read_open_fd(outer, fd, BLOCK) != ARCHIVE_OK)
		r = damaged(outer, err);
	while (r >= 0 && !data && (next = archive_read_next_header(outer, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);
		if (!name || !str_starts(name, "data.tar"))
			continue;
		data = true;
		r = walk_data(outer, wish, &found, err);
	}
	if (r >= 0 && !data)
		r = next == ARCHIVE_EOF ? err_set(err, EPROTO, "is no Debian package (no data.tar)")
					: damaged(outer, err);
	(void)archive_read_free(outer);
	if (r >= 0)
		*ret = found;
	return r;
}
