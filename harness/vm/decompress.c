/*
 * Kernels and modules out of their compression, with the readers of packed logs (input/unpack.h);
 * lz4 in its legacy framing, which only kernels use, is read here. See image.h.
 */
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "harness/input/unpack.h"
#include "harness/vm/image.h"

enum { OUT_STEP = 1 << 20, LZ4_BLOCK_MAX = 8 << 20, LZ4_MAGIC = 0x184c2102 };

static uint32_t le32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void reserve(struct str *out, size_t more)
{
	if (out->cap - out->len > more)
		return;
	out->cap = out->len + more + 1 + out->len / 2;
	out->s = mem_grow(out->s, out->cap, 1);
}

/* Magic, then blocks of 8 MiB (but the last) with their packed size in front (lz4's
 * lz4_Frame_format.md, "Legacy frame"). */
static int unpack_lz4(const unsigned char *at, size_t size, size_t max, struct str *out,
		      struct err *err)
{
	for (size_t i = 4; size - i >= 4;) {
		uint32_t packed = le32(at + i);
		i += 4;
		if (packed > size - i)
			return err_set(err, EPROTO, "cannot decompress: cut off");
		reserve(out, LZ4_BLOCK_MAX);
		int n = LZ4_decompress_safe((const char *)at + i, out->s + out->len, (int)packed,
					    LZ4_BLOCK_MAX);
		if (n < 0)
			return err_set(err, EPROTO, "cannot decompress: damaged lz4 data");
		out->len += (size_t)n;
		i += packed;
		if (out->len > max)
			return err_set(err, EFBIG, "more than %zu bytes come out of it", max);
	}
	return 0;
}

static int unpack_all(const struct unpack *format, void *state, const char *data, size_t size,
		      size_t max, struct str *out, struct err *err)
{
	union {
		const char *read;
		char *write; /* the span's type; unpackers do not write to their input */
	} input = {.read = data};
	struct unpack_span in = {input.write, size};
	int r = UNPACK_MORE;

	for (size_t before = size; r != UNPACK_DONE && r >= 0; before = in.n) {
		reserve(out, OUT_STEP);
		struct unpack_span to = {out->s + out->len, OUT_STEP};
		r = format->step(state, &in, &to, true, err);
		size_t got = OUT_STEP - to.n;
		out->len += got;
		if (r >= 0 && out->len > max)
			return err_set(err, EFBIG, "more than %zu bytes come out of it", max);
		if (r >= 0 && got == 0 && (in.n == 0 || in.n == before))
			break;
	}
	return r == UNPACK_MORE ? err_set(err, EPROTO, "cannot decompress: cut off")
	       : r < 0		? r
				: 0;
}

int image_decompress(const void *data, size_t size, size_t max, struct str *out, struct err *err)
{
	const struct unpack *format = unpack_find(data, size);
	int r = 0;

	if (size >= 4 && le32(data) == LZ4_MAGIC)
		r = unpack_lz4(data, size, max, out, err);
	else if (!format)
		str_addn(out, data, size);
	else if (!format->open)
		return err_set(err, EPROTO, "is packed with %s, which is not read here",
			       format->name);
	if (r == 0 && format && format->open) {
		void *state = format->open();
		r = unpack_all(format, state, data, size, max, out, err);
		format->close(state);
	}
	if (out->s)
		out->s[out->len] = '\0';
	return r < 0 ? r : 0;
}

/* ---- bzImage -------------------------------------------------------------------------------- */

/* Documentation/arch/x86/boot.rst: offsets in the setup header. */
enum {
	SETUP_SECTS = 0x1f1,
	HEADER_MAGIC = 0x202,
	BOOT_VERSION = 0x206,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	HEADER_END = 0x250,
	PAYLOAD_SINCE = 0x0208, /* version of the boot protocol */
	VMLINUX_MAX = 512 * 1024 * 1024,
};

static bool is_elf(const void *data, size_t size)
{
	return size > 4 && memcmp(data, "\177ELF", 4) == 0;
}

int image_vmlinux(const void *data, size_t size, struct str *out, struct err *err)
{
	const unsigned char *at = data;

	if (is_elf(data, size)) {
		str_addn(out, data, size);
		return 0;
	}
	if (size < HEADER_END || memcmp(at + HEADER_MAGIC, "HdrS", 4) != 0)
		return err_set(err, EPROTO, "is no x86 kernel (neither a bzImage nor a vmlinux)");
	if ((at[BOOT_VERSION] | at[BOOT_VERSION + 1] << 8) < PAYLOAD_SINCE)
		return err_set(err, EPROTO, "is a bzImage older than 2.6.26");
	uint64_t setup_sects = at[SETUP_SECTS] ? at[SETUP_SECTS] : 4;
	uint64_t start = (setup_sects + 1) * 512 + le32(at + PAYLOAD_OFFSET);
	uint64_t length = le32(at + PAYLOAD_LENGTH);
	if (length < 8 || start > size || length > size - start)
		return err_set(err, EPROTO, "is a bzImage that was cut off");
	/* The last four bytes are the size of what comes out, appended by the kernel's build; gzip
	 * has them by itself. */
	bool gzip = at[start] == 0x1f && at[start + 1] == 0x8b;
	int r = image_decompress(at + start, length - (gzip ? 0 : 4), VMLINUX_MAX, out, err);
	if (r >= 0 && !is_elf(out->s, out->len))
		r = err_set(err, EPROTO, "holds something else than an ELF kernel");
	return r;
}
