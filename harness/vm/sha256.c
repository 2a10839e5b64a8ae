/*
 * See sha256.h; by nettle, which uses the processor's own instructions: 60 MB in some 50 ms.
 */
#include "harness/vm/sha256.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

enum { CHUNK = 1 << 20 };

static void finish(struct sha256_ctx *ctx, char text[SHA256_TEXT])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

void sha256_of(const void *data, size_t size, char text[SHA256_TEXT])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, size, data);
	finish(&ctx, text);
}

int sha256_of_fd(int fd, char text[SHA256_TEXT], struct err *err)
{
	MEM_AUTO unsigned char *chunk = mem_new(CHUNK);
	struct sha256_ctx ctx;
	off_t at = 0;
	ssize_t n;

	sha256_init(&ctx);
	while ((n = pread(fd, chunk, CHUNK, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read");
		sha256_update(&ctx, (size_t)n, chunk);
		at += n;
	}
	finish(&ctx, text);
	return 0;
}
