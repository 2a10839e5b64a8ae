/*
 * See unpack.h. zlib, liblzma and libzstd themselves, not libarchive over them: measured on Debian
 * 12, linking libarchive costs every oomlab command 1.3 ms and 3.2 MB (it brings libxml2, ICU and
 * ten more), these three 0.1 ms and 0.4 MB.
 */
#include "harness/input/unpack.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/str.h"

/* ---- gzip ----------------------------------------------------------------------------------- */

struct gzip {
	z_stream stream;
	bool between;
};

static void *gzip_open(void)
{
	enum { GZIP_ONLY = 16 };
	struct gzip *gzip = mem_zero(1, sizeof(*gzip));

	if (inflateInit2(&gzip->stream, GZIP_ONLY + MAX_WBITS) == Z_OK)
		return gzip;
	mem_free_var(&gzip);
	return NULL;
}

static void gzip_close(void *state)
{
	struct gzip *gzip = state;

	inflateEnd(&gzip->stream);
	mem_free_var(&gzip);
}

static uInt clamp(size_t n)
{
	return n > UINT_MAX ? UINT_MAX : (uInt)n;
}

static int gzip_step(void *state, struct unpack_span *in, struct unpack_span *out, bool last,
		     struct err *err)
{
	struct gzip *gzip = state;
	z_stream *stream = &gzip->stream;

	(void)last;
	/* Members follow one another (cat a.gz b.gz); anything else behind one is padding. */
	if (gzip->between && in->n > 0 && (unsigned char)in->at[0] != 0x1f)
		return UNPACK_DONE;
	if (gzip->between && in->n == 0)
		return UNPACK_BETWEEN;
	if (gzip->between)
		inflateReset(stream);
	gzip->between = false;
	stream->next_in = (Bytef *)in->at;
	stream->avail_in = clamp(in->n);
	stream->next_out = (Bytef *)out->at;
	stream->avail_out = clamp(out->n);
	int r = inflate(stream, Z_NO_FLUSH);
	*in = (struct unpack_span){(char *)(uintptr_t)stream->next_in, stream->avail_in};
	*out = (struct unpack_span){(char *)stream->next_out, stream->avail_out};
	if (r == Z_STREAM_END)
		gzip->between = true;
	else if (r != Z_OK && r != Z_BUF_ERROR)
		return err_set(err, EBADMSG, "damaged: %s",
			       stream->msg ? stream->msg : "no gzip data");
	return gzip->between ? UNPACK_BETWEEN : UNPACK_MORE;
}

/* ---- xz ------------------------------------------------------------------------------------- */

static void *xz_open(void)
{
	/* 'xz -9' takes 65 MiB; a file made to exhaust memory takes what it wants. */
	enum { XZ_MEMORY_MAX = 256 << 20 };
	lzma_stream *stream = mem_new(sizeof(*stream));

	*stream = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(stream, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK)
		return stream;
	mem_free_var(&stream);
	return NULL;
}

static void xz_close(void *state)
{
	lzma_stream *stream = state;

	lzma_end(stream);
	mem_free_var(&stream);
}

static int xz_step(void *state, struct unpack_span *in, struct unpack_span *out, bool last,
		   struct err *err)
{
	lzma_stream *stream = state;

	stream->next_in = (const uint8_t *)in->at;
	stream->avail_in = in->n;
	stream->next_out = (uint8_t *)out->at;
	stream->avail_out = out->n;
	lzma_ret r = lzma_code(stream, last ? LZMA_FINISH : LZMA_RUN);
	*in = (struct unpack_span){in->at + (in->n - stream->avail_in), stream->avail_in};
	*out = (struct unpack_span){(char *)stream->next_out, stream->avail_out};
	if (r == LZMA_STREAM_END)
		return UNPACK_DONE;
	if (r == LZMA_MEMLIMIT_ERROR)
		return err_set(err, EBADMSG, "needs more than 256 MiB to unpack");
	if (r != LZMA_OK && r != LZMA_BUF_ERROR)
		return err_set(err, EBADMSG, "damaged: xz error %d", (int)r);
	return UNPACK_MORE;
}

/* ---- zstd ----------------------------------------------------------------------------------- */

struct zstd {
	ZSTD_DCtx *stream;
	bool between;
};

static void *zstd_open(void)
{
	struct zstd *zstd = mem_zero(1, sizeof(*zstd));

	zstd->stream = ZSTD_createDCtx();
	if (zstd->stream)
		return zstd;
	mem_free_var(&zstd);
	return NULL;
}

static void zstd_close(void *state)
{
	struct zstd *zstd = state;

	ZSTD_freeDCtx(zstd->stream);
	mem_free_var(&zstd);
}

static int zstd_step(void *state, struct unpack_span *in, struct unpack_span *out, bool last,
		     struct err *err)
{
	struct zstd *zstd = state;
	ZSTD_inBuffer source = {in->at, in->n, 0};
	ZSTD_outBuffer target = {out->at, out->n, 0};

	(void)last;
	if (zstd->between && in->n == 0)
		return UNPACK_BETWEEN;
	size_t r = ZSTD_decompressStream(zstd->stream, &target, &source);
	*in = (struct unpack_span){in->at + source.pos, in->n - source.pos};
	*out = (struct unpack_span){out->at + target.pos, out->n - target.pos};
	if (ZSTD_isError(r))
		return err_set(err, EBADMSG, "damaged: %s", ZSTD_getErrorName(r));
	zstd->between = r == 0;
	return zstd->between ? UNPACK_BETWEEN : UNPACK_MORE;
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct unpack rows[] = {
	{"gzip", {0x1f, 0x8b}, 2, gzip_open, gzip_step, gzip_close, NULL},
	{"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_open, xz_step, xz_close, NULL},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_open, zstd_step, zstd_close, NULL},
	{"bzip2", {'B', 'Z', 'h'}, 3, NULL, NULL, NULL, "unpack it: bzcat FILE | oomlab explain -"},
	{"lz4",
	 {0x04, 0x22, 0x4d, 0x18},
	 4,
	 NULL,
	 NULL,
	 NULL,
	 "unpack it: lz4cat FILE | oomlab explain -"},
	{"a systemd journal",
	 {'L', 'P', 'K', 'S', 'H', 'H', 'R', 'H'},
	 8,
	 NULL,
	 NULL,
	 NULL,
	 "let its own program read it: journalctl --file FILE -o json | oomlab explain -"},
	/* Entries of many lines each: what their messages say would be found only in part. */
	{"what journalctl -o export prints",
	 {'_', '_', 'C', 'U', 'R', 'S', 'O', 'R'},
	 8,
	 NULL,
	 NULL,
	 NULL,
	 "print it with journalctl -o json or -o short-precise"},
	{"what journalctl -o json-pretty prints",
	 {'{', '\n', '\t', '"'},
	 4,
	 NULL,
	 NULL,
	 NULL,
	 "a line an entry is needed: jq -c . FILE | oomlab explain -"},
	{"UTF-16 text",
	 {0xff, 0xfe},
	 2,
	 NULL,
	 NULL,
	 NULL,
	 "convert it: iconv -f UTF-16 -t UTF-8 FILE | oomlab explain -"},
	{"UTF-16 text",
	 {0xfe, 0xff},
	 2,
	 NULL,
	 NULL,
	 NULL,
	 "convert it: iconv -f UTF-16 -t UTF-8 FILE | oomlab explain -"},
};

const struct unpack *unpack_find(const char *bytes, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (n >= rows[i].n_magic && memcmp(bytes, rows[i].magic, rows[i].n_magic) == 0)
			return &rows[i];
	return NULL;
}
