/*
 * Kernels, modules and their like out of their compression, by libarchive's filters: one interface
 * to gzip, xz, lz4 (the kernel uses the legacy framing) and zstd, with no child process and no
 * choice by file name. See image.h.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "harness/vm/image.h"

static int read_stream(struct archive *archive, size_t max, struct str *out, struct err *err)
{
	char bytes[65536];
	la_ssize_t n;

	while ((n = archive_read_data(archive, bytes, sizeof(bytes))) > 0) {
		str_addn(out, bytes, (size_t)n);
		if (out->len > max)
			return err_set(err, EFBIG, "more than %zu bytes come out of it", max);
	}
	if (n < 0)
		return err_set(err, EPROTO, "cannot decompress: %s", archive_error_string(archive));
	return 0;
}

int image_decompress(const void *data, size_t size, size_t max, struct str *out, struct err *err)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int r = 0;

	if (!archive)
		return err_set(err, ENOMEM, "cannot start libarchive");
	(void)archive_read_support_filter_all(archive);
	(void)archive_read_support_format_raw(archive);
	if (archive_read_open_memory(archive, data, size) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		r = err_set(err, EPROTO, "cannot decompress: %s", archive_error_string(archive));
	else
		r = read_stream(archive, max, out, err);
	(void)archive_read_free(archive);
	return r;
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

static uint32_t le32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

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
