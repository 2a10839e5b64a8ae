/*
 * See summed.h.
 */
#include "harness/vm/summed.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"

/* Two writes within one tick of a file system's clock leave the same ctime: 10 ms on Linux
 * (HZ=100), a second where times are stored so. What was changed just now is not trusted to be
 * finished. */
#define SETTLED_S 2

static long long ns_of(struct timespec at)
{
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* NULL: it was changed too recently, or there is nothing to see. */
static char *describe(int fd, const char *sha256)
{
	struct timespec now;
	struct stat info;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(fd, &info) < 0 || info.st_ctim.tv_sec > now.tv_sec - SETTLED_S)
		return NULL;
	return mem_printf("%s inode %llu, %lld bytes, mtime %lld, ctime %lld\n", sha256,
			  (unsigned long long)info.st_ino, (long long)info.st_size,
			  ns_of(info.st_mtim), ns_of(info.st_ctim));
}

bool summed_before(const struct store *store, const char *name, int fd, const char *sha256)
{
	MEM_AUTO char *now = describe(fd, sha256);
	char then[512];
	struct err ignored;

	return now && fd_read_text(store->dir, name, then, sizeof(then), &ignored) >= 0 &&
	       str_eq(then, now);
}

void summed_keep(const struct store *store, const char *name, int fd, const char *sha256)
{
	MEM_AUTO char *now = describe(fd, sha256);
	struct err ignored;

	if (now)
		(void)store_put(store, name, now, strlen(now), &ignored);
}
