/*
 * input/: plain and packed logs, whole, in several streams, cut at every byte, damaged; pipes;
 * what is no log.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/input/input.h"

Suite *input_suite(void);

enum { PACKED_MAX = 1 << 20, LOG_BYTES = 300000 };

/* ---- packing -------------------------------------------------------------------------------- */

static size_t pack_gzip(const char *text, size_t n, char *out)
{
	z_stream stream = {0};

	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	stream.next_in = (Bytef *)(uintptr_t)text;
	stream.avail_in = (uInt)n;
	stream.next_out = (Bytef *)out;
	stream.avail_out = PACKED_MAX;
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static size_t pack_xz(const char *text, size_t n, char *out)
{
	size_t used = 0;

	ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (const uint8_t *)text,
						 n, (uint8_t *)out, &used, PACKED_MAX),
			 LZMA_OK);
	return used;
}

static size_t pack_zstd(const char *text, size_t n, char *out)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size_t used = ZSTD_compress2(context, out, PACKED_MAX, text, n);
	ck_assert(!ZSTD_isError(used));
	ZSTD_freeCCtx(context);
	return used;
}

static size_t pack_not(const char *text, size_t n, char *out)
{
	memcpy(out, text, n);
	return n;
}

static const struct {
	const char *name;
	size_t (*pack)(const char *text, size_t n, char *out);
} packers[] = {
	{"plain", pack_not},
	{"gzip", pack_gzip},
	{"xz", pack_xz},
	{"zstd", pack_zstd},
};
enum { PACKERS = sizeof(packers) / sizeof(*packers) };

/* ---- a log and its file --------------------------------------------------------------------- */

struct rig {
	char *text, *packed;
	size_t n;
	char path[64];
};

static struct rig rig_new(void)
{
	struct rig rig = {mem_new(LOG_BYTES), mem_new(PACKED_MAX), 0, "/tmp/oomlab-input-XXXXXX"};
	unsigned state = 1;
	FD_AUTO fd = mkostemp(rig.path, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < LOG_BYTES; i++) {
		state = state * 1103515245U + 12345U;
		rig.text[i] = i % 80 == 79 ? '\n' : (char)('a' + (state >> 16) % 26);
	}
	return rig;
}

static void rig_write(struct rig *rig, const char *bytes, size_t n)
{
	FD_AUTO fd = open(rig->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ck_assert(fd >= 0 && fd_write_full(fd, bytes, n) == 0);
}

static void rig_free(struct rig *rig)
{
	(void)unlink(rig->path);
	free(rig->text);
	free(rig->packed);
}

/* Everything; returns 0 or the error's code. */
static int read_all(const char *path, struct str *out, struct err *err)
{
	struct input *input = NULL;
	const char *bytes;
	ssize_t n;

	if (input_open(path, &input, err) < 0)
		return err->code;
	while ((n = input_read(input, &bytes, err)) > 0)
		str_addn(out, bytes, (size_t)n);
	/* The end stays the end, an error the error. */
	struct err again = ERR_INIT;
	ck_assert_int_eq(input_read(input, &bytes, &again) < 0, n < 0);
	input_free(input);
	return n < 0 ? err->code : 0;
}

START_TEST(what_was_packed_comes_out)
{
	struct rig rig = rig_new();
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	rig_write(&rig, rig.packed, packers[_i].pack(rig.text, LOG_BYTES, rig.packed));
	ck_assert_msg(read_all(rig.path, &out, &err) == 0, "%s: %s", packers[_i].name, err.text);
	ck_assert_uint_eq(out.len, LOG_BYTES);
	ck_assert_mem_eq(out.s, rig.text, LOG_BYTES);
	rig_free(&rig);
}
END_TEST

START_TEST(streams_behind_each_other_are_one_log)
{
	struct rig rig = rig_new();
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	size_t n = packers[_i].pack(rig.text, 1000, rig.packed);
	n += packers[_i].pack(rig.text + 1000, 0, rig.packed + n);
	n += packers[_i].pack(rig.text + 1000, 2000, rig.packed + n);
	rig_write(&rig, rig.packed, n);
	ck_assert_msg(read_all(rig.path, &out, &err) == 0, "%s: %s", packers[_i].name, err.text);
	ck_assert_uint_eq(out.len, 3000);
	ck_assert_mem_eq(out.s, rig.text, 3000);
	rig_free(&rig);
}
END_TEST

START_TEST(gzip_may_be_padded)
{
	struct rig rig = rig_new();
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	size_t n = pack_gzip(rig.text, 1000, rig.packed);
	memset(rig.packed + n, 0, 512);
	rig_write(&rig, rig.packed, n + 512);
	ck_assert_msg(read_all(rig.path, &out, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(out.len, 1000);
	rig_free(&rig);
}
END_TEST

/* Every cut is told, and what comes before it is a beginning of the log. */
START_TEST(a_cut_is_told_after_what_could_be_read)
{
	struct rig rig = rig_new();
	size_t n = packers[_i].pack(rig.text, LOG_BYTES, rig.packed), most = 0;

	for (size_t cut = 8; cut < n; cut += 1 + n / 50) {
		struct err err = ERR_INIT;
		STR_AUTO out = STR_INIT;
		rig_write(&rig, rig.packed, cut);
		ck_assert_int_eq(read_all(rig.path, &out, &err), EBADMSG);
		ck_assert_msg(strstr(err.text, packers[_i].name) && strstr(err.text, "truncated"),
			      "%s", err.text);
		ck_assert(out.len <= LOG_BYTES && memcmp(str_text(&out), rig.text, out.len) == 0);
		most = out.len > most ? out.len : most;
	}
	ck_assert_uint_ge(most, LOG_BYTES / 3); /* zstd's blocks come whole: 128 KiB */
	rig_free(&rig);
}
END_TEST

START_TEST(damage_is_told)
{
	struct rig rig = rig_new();
	size_t n = packers[_i].pack(rig.text, 3000, rig.packed), told = 0, tried = 0;

	for (size_t at = 12; at < n; at += 1 + n / 100, tried++) {
		struct err err = ERR_INIT;
		STR_AUTO out = STR_INIT;
		rig.packed[at] = (char)(rig.packed[at] ^ 0x55);
		rig_write(&rig, rig.packed, n);
		told += read_all(rig.path, &out, &err) == EBADMSG;
		rig.packed[at] = (char)(rig.packed[at] ^ 0x55);
	}
	/* All three formats have checksums over what they hold. */
	ck_assert_uint_eq(told, tried);
	rig_free(&rig);
}
END_TEST

START_TEST(what_cannot_be_unpacked_says_what_can)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *instead;
	} rows[] = {
		{"BZh91AY&SY", 10, "bzcat FILE"},
		{"\x04\x22\x4d\x18 and more", 13, "lz4cat FILE"},
		{"LPKSHHRH and more", 17, "journalctl --file FILE"},
		{"__CURSOR=s=1;i=2\n", 16, "journalctl -o json"},
		{"{\n\t\"__CURSOR\" : \"s=1\"\n", 22, "jq -c ."},
		{"\xff\xfe[\0 \0", 6, "iconv -f UTF-16"},
		{"\xfe\xff\0[\0 ", 6, "iconv -f UTF-16"},
	};
	struct rig rig = rig_new();
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	rig_write(&rig, rows[_i].bytes, rows[_i].n);
	ck_assert_int_eq(read_all(rig.path, &out, &err), EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, rows[_i].instead));
	rig_free(&rig);
}
END_TEST

START_TEST(short_and_empty_files_are_logs)
{
	struct rig rig = rig_new();

	for (size_t n = 0; n < 12; n++) {
		struct err err = ERR_INIT;
		STR_AUTO out = STR_INIT;
		rig_write(&rig, rig.text, n);
		ck_assert_int_eq(read_all(rig.path, &out, &err), 0);
		ck_assert_uint_eq(out.len, n);
	}
	rig_free(&rig);
}
END_TEST

START_TEST(folders_and_missing_files_are_told)
{
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	ck_assert_int_eq(read_all("/tmp", &out, &err), EISDIR);
	ck_assert_int_eq(read_all("/nonexistent/log", &out, &err), ENOENT);
}
END_TEST

/* Magic bytes may come one by one. */
START_TEST(a_pipe_is_read_as_it_comes)
{
	struct rig rig = rig_new();
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;
	int ends[2];

	size_t n = packers[_i].pack(rig.text, 5000, rig.packed);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		for (size_t i = 0; i < n; i += i < 16 ? 1 : 777)
			(void)fd_write_full(ends[1], rig.packed + i,
					    i < 16	  ? 1
					    : n - i < 777 ? n - i
							  : 777);
		_exit(0);
	}
	close(ends[1]);
	MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", ends[0]);
	ck_assert_msg(read_all(path, &out, &err) == 0, "%s", err.text);
	close(ends[0]);
	ck_assert_uint_eq(out.len, 5000);
	ck_assert_mem_eq(out.s, rig.text, 5000);
	rig_free(&rig);
}
END_TEST

Suite *input_suite(void)
{
	Suite *suite = suite_create("input");
	TCase *tcase = tcase_create("input");

	tcase_add_loop_test(tcase, what_was_packed_comes_out, 0, PACKERS);
	tcase_add_loop_test(tcase, streams_behind_each_other_are_one_log, 0, PACKERS);
	tcase_add_test(tcase, gzip_may_be_padded);
	tcase_add_loop_test(tcase, a_cut_is_told_after_what_could_be_read, 1, PACKERS);
	tcase_add_loop_test(tcase, damage_is_told, 1, PACKERS);
	tcase_add_loop_test(tcase, what_cannot_be_unpacked_says_what_can, 0, 7);
	tcase_add_test(tcase, short_and_empty_files_are_logs);
	tcase_add_test(tcase, folders_and_missing_files_are_told);
	tcase_add_loop_test(tcase, a_pipe_is_read_as_it_comes, 0, PACKERS);
	suite_add_tcase(suite, tcase);
	return suite;
}
