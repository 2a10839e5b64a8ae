/*
 * Kernel and modules out of a Debian package, made here: in any compression, and nothing else of
 * it; what is damaged or hostile is told.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

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
	char type; /* of tar */
};

/* ---- archives ------------------------------------------------------------------------------- */

enum { BLOCK = 512 };

static void add_block(struct str *tar, const struct member *member)
{
	char header[BLOCK + 1] = "";
	size_t len = member->type == '0' || member->type == 'L' ? strlen(member->text) : 0;
	unsigned sum = 0;
	static const char zeros[BLOCK];

	(void)snprintf(header, 100, "%s", member->path);
	(void)snprintf(header + 100, 8, "%07o", 0644);
	(void)snprintf(header + 124, 12, "%011o", (unsigned)len & 0xffffff);
	memset(header + 148, ' ', 8);
	header[156] = member->type;
	if (member->type == '2')
		(void)snprintf(header + 157, 100, "%s", member->text);
	memcpy(header + 257, "ustar  ", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + 148, 8, "%06o", sum);
	str_addn(tar, header, BLOCK);
	if (!len)
		return;
	str_addn(tar, member->text, len);
	str_addn(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

static void make_tar(const struct member *members, struct str *tar)
{
	static const char zeros[2 * BLOCK];

	for (; members->path; members++)
		add_block(tar, members);
	str_addn(tar, zeros, sizeof(zeros));
}

typedef void (*pack_fn)(const struct str *in, struct str *out);

static void pack_none(const struct str *in, struct str *out)
{
	str_addn(out, in->s, in->len);
}

static void pack_xz(const struct str *in, struct str *out)
{
	size_t room = lzma_stream_buffer_bound(in->len), used = 0;
	MEM_AUTO unsigned char *to = mem_new(room);

	ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
						 (const unsigned char *)in->s, in->len, to, &used,
						 room),
			 LZMA_OK);
	str_addn(out, (const char *)to, used);
}

static void pack_zstd(const struct str *in, struct str *out)
{
	size_t room = ZSTD_compressBound(in->len);
	MEM_AUTO char *to = mem_new(room);
	size_t used = ZSTD_compress(to, room, in->s, in->len, 1);

	ck_assert(!ZSTD_isError(used));
	str_addn(out, to, used);
}

static void pack_gzip(const struct str *in, struct str *out)
{
	z_stream stream = {0};
	size_t room = in->len + 1000;
	MEM_AUTO char *to = mem_new(room);

	ck_assert_int_eq(
		deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (unsigned char *)in->s;
	stream.avail_in = (unsigned)in->len;
	stream.next_out = (unsigned char *)to;
	stream.avail_out = (unsigned)room;
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	str_addn(out, to, stream.total_out);
	(void)deflateEnd(&stream);
}

static void add_ar(struct str *ar, const char *name, const struct str *content)
{
	str_addf(ar, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", content->len);
	str_addn(ar, content->s, content->len);
	if (content->len % 2)
		str_add(ar, "\n");
}

/* Returns an open file without a name. */
static int make_deb(const struct member *members, pack_fn pack, const char *data_name)
{
	STR_AUTO tar = STR_INIT;
	STR_AUTO packed = STR_INIT;
	STR_AUTO version = STR_INIT;
	STR_AUTO deb = STR_INIT;
	int fd = memfd_create("deb", MFD_CLOEXEC);

	make_tar(members, &tar);
	pack(&tar, &packed);
	str_add(&version, "2.0\n\n"); /* of odd length, so that it is padded */
	str_add(&deb, "!<arch>\n");
	add_ar(&deb, "debian-binary", &version);
	add_ar(&deb, data_name, &packed);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_full(fd, deb.s, deb.len), 0);
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
	{"./boot/", "", '5'},
	{"./boot/config-" RELEASE, "CONFIG_MEMCG=y", '0'},
	{"./boot/vmlinuz-" RELEASE, "the kernel", '0'},
	{"./boot/vmlinuz-5.0", "another", '0'},
	{"./lib/modules/" RELEASE "/kernel/drivers/zram.ko", "zram", '0'},
	{"./lib/modules/" RELEASE "/modules.order", "order", '0'},
	{"./lib/modules/" RELEASE "/build", "/etc", '2'},
	{"./lib/modules/5.0/kernel/x.ko", "x", '0'},
	{"./usr/share/doc/x.ko", "x", '0'},
	{NULL, NULL, '0'},
};
static const struct member new_kernel[] = {
	{"./usr/lib/modules/" RELEASE "/vmlinuz", "the kernel", '0'},
	{"./usr/lib/modules/" RELEASE "/kernel/drivers/zram.ko.xz", "zram", '0'},
	{NULL, NULL, '0'},
};
#define LONG "a-folder-of-some-length/another-one-of-some-length/and-one-more-of-that-kind"
static const struct member long_names[] = {
	{"././@LongLink", "./lib/modules/" RELEASE "/" LONG "/zram.ko", 'L'},
	{"./lib/modules/cut-off", "zram", '0'},
	{"./boot/vmlinuz-" RELEASE, "the kernel", '0'},
	{NULL, NULL, '0'},
};
static const struct {
	const struct member *members;
	pack_fn pack;
	const char *data, *module;
} packages[] = {
	{old_kernel, pack_xz, "data.tar.xz", "kernel/drivers/zram.ko"},
	{old_kernel, pack_none, "data.tar", "kernel/drivers/zram.ko"},
	{new_kernel, pack_gzip, "data.tar.gz", "kernel/drivers/zram.ko.xz"},
	{new_kernel, pack_zstd, "data.tar.zst", "kernel/drivers/zram.ko.xz"},
	{long_names, pack_none, "data.tar", LONG "/zram.ko"},
};

START_TEST(kernel_and_modules_and_nothing_else)
{
	FD_AUTO deb = make_deb(packages[_i].members, packages[_i].pack, packages[_i].data);
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
	FD_AUTO deb = make_deb(old_kernel, pack_xz, "data.tar.xz");
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
		{"./lib/modules/" RELEASE "/../../../oomlab-test-escaped.ko", "x", '0'},
		{"/lib/modules/" RELEASE "/kernel/absolute.ko", "x", '0'},
		{"./lib/modules/" RELEASE "/link.ko", "/etc/passwd", '2'},
		{NULL, NULL, '0'},
	};
	FD_AUTO deb = make_deb(hostile, pack_gzip, "data.tar.gz");
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
	ck_assert_int_eq(deb_extract(fd, &wish, &found, &err), -EPROTO);
	ck_assert_msg(strstr(err.text, "no Debian package") != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_cut_package_is_refused)
{
	FD_AUTO deb = make_deb(old_kernel, pack_xz, "data.tar.xz");
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

/* Every byte of the headers, turned over: told or harmless, never taken for another file. */
START_TEST(a_broken_tar_is_refused)
{
	FD_AUTO deb = make_deb(new_kernel, pack_none, "data.tar");
	const struct deb_wish wish = {RELEASE, folder_fd, NULL};
	struct deb_found found;
	struct err err = ERR_INIT;
	off_t at = 8 + 60 + 5 + 1 + 60 + _i;
	char byte;

	ck_assert_int_eq(pread(deb, &byte, 1, at), 1);
	byte = (char)~byte;
	ck_assert_int_eq(pwrite(deb, &byte, 1, at), 1);
	ck_assert_int_eq(deb_extract(deb, &wish, &found, &err), -EPROTO);
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
	tcase_add_loop_test(tests, a_broken_tar_is_refused, 0, 148);
	suite_add_tcase(suite, tests);
	return suite;
}
