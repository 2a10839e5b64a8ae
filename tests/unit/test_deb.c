/*
 * Kernel and modules out of a Debian package, made here: in any compression, and nothing else of
 * it; what is damaged or hostile is told.
 */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/deb.h"
#include "harness/vm/store.h"

Suite *deb_suite(void);

#define RELEASE "6.1.0-1-cloud-amd64"

static char folder[] = "/tmp/oomlab-deb-XXXXXX";
static int folder_fd = -1;

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(folder_fd, 0);
}

static void remove_folder(void)
{
	struct err err = ERR_INIT;

	fd_close_var(&folder_fd);
	ck_assert_msg(store_remove_tree(folder, &err) == 0, "%s", err.text);
}

struct member {
	const char *path, *text;
	unsigned type; /* 0: a file */
};

static void add(struct archive *archive, const struct member *member)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, member->path);
	archive_entry_set_filetype(entry, member->type ? member->type : AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, member->type ? 0 : (la_int64_t)strlen(member->text));
	if (member->type == AE_IFLNK)
		archive_entry_set_symlink(entry, member->text);
	ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
	if (!member->type)
		ck_assert_uint_eq(
			(size_t)archive_write_data(archive, member->text, strlen(member->text)),
			strlen(member->text));
	archive_entry_free(entry);
}

enum { ROOM = 1 << 20 };

static size_t make_tar(const struct member *members, int filter, char *tar)
{
	struct archive *archive = archive_write_new();
	size_t used = 0;

	ck_assert_int_eq(archive_write_add_filter(archive, filter), ARCHIVE_OK);
	(void)archive_write_set_format_gnutar(archive);
	ck_assert_int_eq(archive_write_open_memory(archive, tar, ROOM, &used), ARCHIVE_OK);
	for (; members->path; members++)
		add(archive, members);
	ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
	(void)archive_write_free(archive);
	return used;
}

/* Returns an open file without a name. */
static int make_deb(const struct member *members, int filter, const char *data_name)
{
	MEM_AUTO char *tar = mem_new(ROOM);
	size_t len = make_tar(members, filter, tar);
	int fd = memfd_create("deb", MFD_CLOEXEC);
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	const struct member version = {"debian-binary", "2.0\n", 0};

	ck_assert_int_ge(fd, 0);
	(void)archive_write_set_format_ar_bsd(archive);
	ck_assert_int_eq(archive_write_open_fd(archive, fd), ARCHIVE_OK);
	add(archive, &version);
	archive_entry_set_pathname(entry, data_name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, (la_int64_t)len);
	ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
	ck_assert_uint_eq((size_t)archive_write_data(archive, tar, len), len);
	archive_entry_free(entry);
	ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
	(void)archive_write_free(archive);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void has_text(const char *path, const char *text)
{
	char got[64];
	struct err err = ERR_INIT;

	ck_assert_msg(fd_read_text(folder_fd, path, got, sizeof(got), &err) >= 0, "%s", err.text);
	ck_assert_str_eq(got, text);
}

static void has_no(const char *path)
{
	ck_assert_msg(faccessat(folder_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0, "'%s'", path);
}

/* ---- what is taken -------------------------------------------------------------------------- */

static const struct member old_kernel[] = {
	{"./boot/", "", AE_IFDIR},
	{"./boot/config-" RELEASE, "CONFIG_MEMCG=y", 0},
	{"./boot/vmlinuz-" RELEASE, "the kernel", 0},
	{"./boot/vmlinuz-5.0", "another", 0},
	{"./lib/modules/" RELEASE "/kernel/drivers/zram.ko", "zram", 0},
	{"./lib/modules/" RELEASE "/modules.order", "order", 0},
	{"./lib/modules/" RELEASE "/build", "/etc", AE_IFLNK},
	{"./lib/modules/5.0/kernel/x.ko", "x", 0},
	{"./usr/share/doc/x.ko", "x", 0},
	{NULL, NULL, 0},
};
static const struct member new_kernel[] = {
	{"./usr/lib/modules/" RELEASE "/vmlinuz", "the kernel", 0},
	{"./usr/lib/modules/" RELEASE "/kernel/drivers/zram.ko.xz", "zram", 0},
	{NULL, NULL, 0},
};
static const struct {
	const struct member *members;
	int filter;
	const char *data, *module;
} packages[] = {
	{old_kernel, ARCHIVE_FILTER_XZ, "data.tar.xz", "kernel/drivers/zram.ko"},
	{old_kernel, ARCHIVE_FILTER_NONE, "data.tar", "kernel/drivers/zram.ko"},
	{new_kernel, ARCHIVE_FILTER_GZIP, "data.tar.gz", "kernel/drivers/zram.ko.xz"},
	{new_kernel, ARCHIVE_FILTER_ZSTD, "data.tar.zst", "kernel/drivers/zram.ko.xz"},
};

START_TEST(kernel_and_modules_and_nothing_else)
{
	FD_AUTO deb = make_deb(packages[_i].members, packages[_i].filter, packages[_i].data);
	STR_AUTO kernel = STR_INIT;
	const struct deb_wish wish = {RELEASE, folder_fd, &kernel};
	struct deb_found found;
	struct err err = ERR_INIT;

	ck_assert_msg(deb_extract(deb, &wish, &found, &err) == 0, "%s", err.text);
	ck_assert(found.vmlinuz);
	ck_assert_str_eq(str_text(&kernel), "the kernel");
	ck_assert_uint_eq(found.modules, 1);
	ck_assert_uint_eq(found.modules_bytes, 4);
	has_text(packages[_i].module, "zram");
	has_no("modules.order");
	has_no("build");
	has_no("kernel/x.ko");
}
END_TEST

START_TEST(only_what_is_wanted)
{
	FD_AUTO deb = make_deb(old_kernel, ARCHIVE_FILTER_XZ, "data.tar.xz");
	const struct deb_wish wish = {RELEASE, -1, NULL};
	struct deb_found found;
	struct err err = ERR_INIT;

	ck_assert_int_eq(deb_extract(deb, &wish, &found, &err), 0);
	ck_assert(!found.vmlinuz);
	ck_assert_uint_eq(found.modules, 0);
	has_no("kernel");
}
END_TEST

START_TEST(a_path_cannot_leave_its_folder)
{
	static const struct member hostile[] = {
		{"./lib/modules/" RELEASE "/../../../oomlab-test-escaped.ko", "x", 0},
		{"/lib/modules/" RELEASE "/kernel/absolute.ko", "x", 0},
		{"./lib/modules/" RELEASE "/link.ko", "/etc/passwd", AE_IFLNK},
		{NULL, NULL, 0},
	};
	FD_AUTO deb = make_deb(hostile, ARCHIVE_FILTER_GZIP, "data.tar.gz");
	const struct deb_wish wish = {RELEASE, folder_fd, NULL};
	struct deb_found found;
	struct err err = ERR_INIT;

	ck_assert_int_eq(deb_extract(deb, &wish, &found, &err), 0);
	ck_assert_uint_eq(found.modules, 0);
}
END_TEST

/* ---- what is damaged ------------------------------------------------------------------------ */

START_TEST(other_files_are_refused)
{
	static const char *const texts[] = {"", "!<arch>\n", "PK\003\004", "no package at all"};
	FD_AUTO fd = memfd_create("deb", MFD_CLOEXEC);
	const struct deb_wish wish = {RELEASE, folder_fd, NULL};
	struct deb_found found;
	struct err err = ERR_INIT;

	ck_assert_int_eq(fd_write_full(fd, texts[_i], strlen(texts[_i])), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(deb_extract(fd, &wish, &found, &err), -EPROTO);
	ck_assert_msg(strstr(err.text, "no Debian package") != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_cut_package_is_refused)
{
	FD_AUTO deb = make_deb(old_kernel, ARCHIVE_FILTER_XZ, "data.tar.xz");
	STR_AUTO kernel = STR_INIT;
	const struct deb_wish wish = {RELEASE, folder_fd, &kernel};
	struct deb_found found;
	struct err err = ERR_INIT;
	struct stat info;

	ck_assert_int_eq(fstat(deb, &info), 0);
	ck_assert_int_eq(ftruncate(deb, info.st_size - 200), 0);
	ck_assert_int_eq(deb_extract(deb, &wish, &found, &err), -EPROTO);
	ck_assert_msg(strstr(err.text, "is damaged") != NULL, "%s", err.text);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *deb_suite(void)
{
	Suite *suite = suite_create("deb");
	TCase *tests = tcase_create("packages");

	tcase_add_checked_fixture(tests, make_folder, remove_folder);
	tcase_add_loop_test(tests, kernel_and_modules_and_nothing_else, 0, N(packages));
	tcase_add_test(tests, only_what_is_wanted);
	tcase_add_test(tests, a_path_cannot_leave_its_folder);
	tcase_add_loop_test(tests, other_files_are_refused, 0, 4);
	tcase_add_test(tests, a_cut_package_is_refused);
	suite_add_tcase(suite, tests);
	return suite;
}
