/*
 * The texts of /proc/meminfo and /proc/zoneinfo as numbers. Pure. Source: fs/proc/meminfo.c,
 * zoneinfo_show_print() in mm/vmstat.c.
 */
#ifndef OOMLAB_EXEC_MEMINFO_H
#define OOMLAB_EXEC_MEMINFO_H

#include <stdint.h>

/* "MemAvailable:  123 kB" in bytes; 0 where there is no such line. */
uint64_t meminfo_bytes(const char *text, const char *key);

struct zoneinfo {
	uint64_t free_pages; /* of all zones */
	/* Free pages that CPUs keep for themselves: neither these nor MemFree nor MemAvailable have
	 * them, and since Linux 6.7 they can be an eighth of a zone (7.3: 38 MB of 450 after the
	 * initramfs was freed). An OOM takes them before it kills (drain_all_pages). */
	uint64_t cpu_pages;
	/* Free above the watermark that a zone has to be below for an OOM: the high one, and what
	 * it keeps from requests that could go to others (__alloc_pages_may_oom()). */
	uint64_t above_pages;
};
void zoneinfo_read(const char *text, struct zoneinfo *ret);

#endif
