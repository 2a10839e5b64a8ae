/*
 * What a virtual machine boots: archives that are the same bytes for the same files, kernels out of
 * their wrapping, modules in order.
 */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "harness/vm/image.h"
#include "harness/vm/modinfo.h"
#include "harness/vm/modules.h"
#include "harness/vm/program.h"

/* ---- archives ------------------------------------------------------------------------------- */

static void write_image(struct image *image, struct str *out)
{
	FD_AUTO fd = memfd_create("image", MFD_CLOEXEC);
	char bytes[4096];
	struct err err = ERR_INIT;
	ssize_t n;

	ck_assert_msg(image_write(image, fd, &err) == 0, "%s", err.text);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		str_addn(out, bytes, (size_t)n);
}

START_TEST(order_of_adding_does_not_matter)
{
	struct image one = {0}, two = {0};
	STR_AUTO first = STR_INIT;
	STR_AUTO second = STR_INIT;

	image_add_text(&one, "bin/a", "aaa", 3, 0755);
	image_add_text(&one, "etc/b", "bb", 2, 0644);
	image_add_text(&two, "etc/b", "bb", 2, 0644);
	image_add_text(&two, "bin/a", "aaa", 3, 0755);
	write_image(&one, &first);
	write_image(&two, &second);
	ck_assert_uint_eq(first.len, second.len);
	ck_assert_int_eq(memcmp(first.s, second.s, first.len), 0);
	image_free(&one);
	image_free(&two);
}
END_TEST

/* The n-th entry's name and fields, by the format's own description. */
static const char *entry_at(const struct str *out, int n, unsigned *ret_mode, unsigned *ret_size,
			    const char **ret_data)
{
	size_t at = 0;

	for (;; n--) {
		char field[9] = "";
		unsigned fields[13];
		ck_assert_uint_le(at + 110, out->len);
		ck_assert_int_eq(memcmp(out->s + at, "070701", 6), 0);
		for (size_t i = 0; i < 13; i++) {
			memcpy(field, out->s + at + 6 + 8 * i, 8);
			fields[i] = (unsigned)strtoul(field, NULL, 16);
		}
		const char *name = out->s + at + 110;
		size_t data = (at + 110 + fields[11] + 3) / 4 * 4;
		if (n == 0) {
			*ret_mode = fields[1];
			*ret_size = fields[6];
			*ret_data = out->s + data;
			return name;
		}
		at = (data + fields[6] + 3) / 4 * 4;
	}
}

START_TEST(parents_come_before_children)
{
	struct image image = {0};
	STR_AUTO out = STR_INIT;
	unsigned mode, size;
	const char *data;

	image_add_text(&image, "lib/modules/1.ko", "mod", 3, 0644);
	image_add_link(&image, "lib/link", "modules");
	write_image(&image, &out);
	ck_assert_str_eq(entry_at(&out, 0, &mode, &size, &data), "lib");
	ck_assert_uint_eq(mode, S_IFDIR | 0755);
	ck_assert_str_eq(entry_at(&out, 1, &mode, &size, &data), "lib/link");
	ck_assert_uint_eq(mode, S_IFLNK | 0777);
	ck_assert_int_eq(memcmp(data, "modules", 7), 0);
	ck_assert_str_eq(entry_at(&out, 3, &mode, &size, &data), "lib/modules/1.ko");
	ck_assert_uint_eq(mode, S_IFREG | 0644);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(memcmp(data, "mod", 3), 0);
	ck_assert_str_eq(entry_at(&out, 4, &mode, &size, &data), "TRAILER!!!");
	image_free(&image);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	struct image image = {0};
	struct err err = ERR_INIT;
	FD_AUTO fd = memfd_create("image", MFD_CLOEXEC);

	image_add_file(&image, "bin/x", "/nonexistent/x", 0755);
	ck_assert_int_eq(image_write(&image, fd, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x"));
	image_free(&image);
}
END_TEST

/* What --with takes: a program comes with its libraries, another file and a folder as they are. */
START_TEST(programs_files_and_folders_go_in)
{
	struct image image = {0};
	struct err err = ERR_INIT;
	char dir[] = "/tmp/oomlab-image-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	MEM_AUTO char *sub = mem_printf("%s/sub", dir);
	MEM_AUTO char *file = mem_printf("%s/sub/data", dir);
	FD_AUTO fd = mkdir(sub, 0755) < 0 ? -1 : open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_full(fd, "x", 1), 0);
	ck_assert_int_eq(program_add(&image, "/bin/sh", &err), 0);
	ck_assert_uint_gt(image.n, 2); /* at least its loader and libc */
	ck_assert(!image_has(&image, file + 1));
	ck_assert_int_eq(program_add(&image, file, &err), 0);
	ck_assert(image_has(&image, file + 1));
	image_free(&image);
	ck_assert_int_eq(program_add(&image, dir, &err), 0);
	ck_assert(image_has(&image, file + 1));
	ck_assert_int_eq(program_add(&image, "/nonexistent", &err), -ENOENT);
	ck_assert_int_eq(program_add(&image, "data", &err), -ENOENT);
	ck_assert_int_eq(program_add(&image, "/proc/self/status", &err), -EINVAL);
	image_free(&image);
	(void)unlink(file);
	(void)rmdir(sub);
	(void)rmdir(dir);
}
END_TEST

/* ---- kernels -------------------------------------------------------------------------------- */

static void le32(char *at, size_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> 8 * i);
}

/* A bzImage around a payload: four setup sectors, the payload right behind them. */
static void wrap(struct str *out, const char *payload, size_t len)
{
	char setup[5 * 512] = "";

	setup[0x1f1] = 4;
	memcpy(setup + 0x202, "HdrS", 4);
	setup[0x206] = 0x0f;
	setup[0x207] = 0x02;
	le32(setup + 0x248, 16);
	le32(setup + 0x24c, len);
	str_addn(out, setup, sizeof(setup));
	str_addn(out, "0123456789abcdef", 16);
	str_addn(out, payload, len);
	str_addn(out, "behind", 6);
}

static const char elf[] = "\177ELF the kernel itself";

/* The legacy framing, with the plain size behind it as the kernel's build appends it. */
static void pack_lz4(struct str *out)
{
	char block[256], size[4];
	int n = LZ4_compress_default(elf, block, sizeof(elf), sizeof(block));

	ck_assert_int_gt(n, 0);
	str_addn(out, "\x02\x21\x4c\x18", 4);
	le32(size, (size_t)n);
	str_addn(out, size, 4);
	str_addn(out, block, (size_t)n);
	le32(size, sizeof(elf));
	str_addn(out, size, 4);
}

START_TEST(vmlinux_out_of_lz4)
{
	STR_AUTO payload = STR_INIT;
	STR_AUTO image = STR_INIT;
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;

	pack_lz4(&payload);
	wrap(&image, payload.s, payload.len);
	ck_assert_msg(image_vmlinux(image.s, image.len, &got, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(got.len, sizeof(elf));
	ck_assert_int_eq(memcmp(got.s, elf, sizeof(elf)), 0);
}
END_TEST

static size_t pack_gzip(const char *text, size_t len, char *buf, size_t size)
{
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)text,
			   .avail_in = (uInt)len,
			   .next_out = (Bytef *)buf,
			   .avail_out = (uInt)size};

	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	size_t n = stream.total_out;
	ck_assert_int_eq(deflateEnd(&stream), Z_OK);
	return n;
}

START_TEST(vmlinux_out_of_gzip)
{
	STR_AUTO image = STR_INIT;
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;
	char packed[256];
	size_t n = pack_gzip(elf, sizeof(elf), packed, sizeof(packed));

	wrap(&image, packed, n);
	ck_assert_msg(image_vmlinux(image.s, image.len, &got, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(got.len, sizeof(elf));
}
END_TEST

/* As scripts/xz_wrap.sh has it: CRC32, x86's branches turned around, and the size behind. */
static size_t pack_xz(char *buf, size_t size)
{
	lzma_options_lzma options;
	const lzma_filter filters[] = {{.id = LZMA_FILTER_X86},
				       {.id = LZMA_FILTER_LZMA2, .options = &options},
				       {.id = LZMA_VLI_UNKNOWN}};
	size_t n = 0;

	ck_assert(!lzma_lzma_preset(&options, 6));
	ck_assert_int_eq(lzma_stream_buffer_encode((lzma_filter *)(uintptr_t)filters,
						   LZMA_CHECK_CRC32, NULL, (const uint8_t *)elf,
						   sizeof(elf), (uint8_t *)buf, &n, size - 4),
			 LZMA_OK);
	le32(buf + n, sizeof(elf));
	return n + 4;
}

/* The size in the frame, and behind it once more. */
static size_t pack_zstd(char *buf, size_t size)
{
	size_t n = ZSTD_compress(buf, size - 4, elf, sizeof(elf), 19);

	ck_assert(!ZSTD_isError(n));
	le32(buf + n, sizeof(elf));
	return n + 4;
}

static const struct {
	size_t (*pack)(char *buf, size_t size);
} packers[] = {{pack_xz}, {pack_zstd}};

START_TEST(vmlinux_out_of_xz_and_zstd)
{
	STR_AUTO image = STR_INIT;
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;
	char packed[512];
	size_t n = packers[_i].pack(packed, sizeof(packed));

	wrap(&image, packed, n);
	ck_assert_msg(image_vmlinux(image.s, image.len, &got, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(got.len, sizeof(elf));
	ck_assert_int_eq(memcmp(got.s, elf, sizeof(elf)), 0);
}
END_TEST

START_TEST(what_is_no_kernel_is_refused)
{
	STR_AUTO image = STR_INIT;
	STR_AUTO packed = STR_INIT;
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(image_vmlinux("hello", 5, &got, &err), -EPROTO);
	pack_lz4(&packed);
	wrap(&image, packed.s, packed.len);
	/* Cut anywhere it must be an error and never a read behind the end (asan sees that). */
	for (size_t len = 0; len < image.len - 6; len++) {
		MEM_AUTO char *copy = mem_new(len ? len : 1);
		STR_AUTO some = STR_INIT;
		memcpy(copy, image.s, len);
		ck_assert_int_eq(image_vmlinux(copy, len, &some, &err), -EPROTO);
	}
}
END_TEST

START_TEST(plain_elf_is_taken_as_it_is)
{
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(image_vmlinux(elf, sizeof(elf), &got, &err), 0);
	ck_assert_uint_eq(got.len, sizeof(elf));
}
END_TEST

START_TEST(damage_is_told)
{
	char packed[256];
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;
	size_t n = pack_gzip("some text", 9, packed, sizeof(packed));

	ck_assert_int_lt(image_decompress(packed, n / 2, 1000, &got, &err), 0);
	got.len = 0;
	ck_assert_int_eq(image_decompress(packed, n, 4, &got, &err), -EFBIG);
}
END_TEST

/* ---- modules -------------------------------------------------------------------------------- */

/* A module of three sections: none, .modinfo, names. */
static void make_module(struct str *out, const char *info, size_t len)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	Elf64_Ehdr head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = 3,
			   .e_shstrndx = 2};
	size_t names_at = sizeof(head) + len, table = (names_at + sizeof(names) + 7) / 8 * 8;
	Elf64_Shdr sections[3] = {{0},
				  {.sh_name = 1, .sh_offset = sizeof(head), .sh_size = len},
				  {.sh_name = 10, .sh_offset = names_at, .sh_size = sizeof(names)}};

	head.e_shoff = table;
	str_addn(out, (const char *)&head, sizeof(head));
	str_addn(out, info, len);
	str_addn(out, names, sizeof(names));
	while (out->len < table)
		str_addn(out, "", 1);
	str_addn(out, (const char *)sections, sizeof(sections));
}

static int join(void *arg, const char *text, struct err *err)
{
	(void)err;
	str_addf(arg, "%s|", text);
	return 0;
}

START_TEST(modinfo_strings)
{
	static const char info[] = "license=GPL\0depends=a,b\0\0softdep=pre: c";
	STR_AUTO module = STR_INIT;
	STR_AUTO got = STR_INIT;
	struct err err = ERR_INIT;

	make_module(&module, info, sizeof(info));
	ck_assert_int_eq(modinfo_read(module.s, module.len, join, &got, &err), 0);
	ck_assert_str_eq(str_text(&got), "license=GPL|depends=a,b|softdep=pre: c|");
	for (size_t len = 0; len < module.len; len++) {
		MEM_AUTO char *copy = mem_new(len ? len : 1);
		memcpy(copy, module.s, len);
		ck_assert_int_lt(modinfo_read(copy, len, join, &got, &err), 0);
	}
}
END_TEST

static void save_module(const char *folder, const char *name, const char *info, size_t len)
{
	MEM_AUTO char *path = mem_printf("%s/%s", folder, name);
	STR_AUTO module = STR_INIT;
	FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	make_module(&module, info, len);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_full(fd, module.s, module.len), 0);
}

START_TEST(what_is_needed_comes_first_and_once)
{
	char folder[] = "/tmp/oomlab-modules-XXXXXX";
	struct modules *modules = NULL;
	struct image image = {0};
	struct err err = ERR_INIT;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	save_module(folder, "zram.ko", "depends=zs-malloc\0softdep=pre: lzo-rle zram",
		    sizeof("depends=zs-malloc\0softdep=pre: lzo-rle zram"));
	save_module(folder, "zs_malloc.ko", "depends=", sizeof("depends="));
	save_module(folder, "lzo-rle.ko", "depends=zs_malloc", sizeof("depends=zs_malloc"));
	ck_assert_int_eq(modules_open(folder, &modules, &err), 0);
	ck_assert_msg(modules_add(modules, "zram", &image, &err) == 3, "%s", err.text);
	ck_assert_int_eq(modules_add(modules, "lzo-rle", &image, &err), 0);
	ck_assert_int_eq(modules_add(modules, "absent", &image, &err), 0);
	STR_AUTO names = STR_INIT;
	for (size_t i = 0; i < image.n; i++)
		if (S_ISREG(image.files[i].mode))
			str_addf(&names, "%s ", image.files[i].path);
	ck_assert_str_eq(str_text(&names), "lib/modules/000-zs_malloc.ko "
					   "lib/modules/001-lzo_rle.ko lib/modules/002-zram.ko ");
	modules_free(modules);
	image_free(&image);
	MEM_AUTO char *command = mem_printf("rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

Suite *vm_image_suite(void);
Suite *vm_image_suite(void)
{
	Suite *suite = suite_create("vm_image");
	TCase *tc = tcase_create("image");

	tcase_add_test(tc, order_of_adding_does_not_matter);
	tcase_add_test(tc, parents_come_before_children);
	tcase_add_test(tc, a_missing_file_is_named);
	tcase_add_test(tc, programs_files_and_folders_go_in);
	tcase_add_test(tc, vmlinux_out_of_lz4);
	tcase_add_test(tc, vmlinux_out_of_gzip);
	tcase_add_loop_test(tc, vmlinux_out_of_xz_and_zstd, 0, 2);
	tcase_add_test(tc, what_is_no_kernel_is_refused);
	tcase_add_test(tc, plain_elf_is_taken_as_it_is);
	tcase_add_test(tc, damage_is_told);
	tcase_add_test(tc, modinfo_strings);
	tcase_add_test(tc, what_is_needed_comes_first_and_once);
	suite_add_tcase(suite, tc);
	return suite;
}
