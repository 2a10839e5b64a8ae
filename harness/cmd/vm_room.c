/*
 * See vm_room.h.
 */
#include "harness/cmd/vm_room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What QEMU 7.2 takes beside the guest's memory: measured 60 to 110 MiB, translated code most of
 * it. */
#define QEMU_BYTES (128ULL << 20)
/* Of what is available, the rest is the host's. */
enum { SHARE = 7, OF = 8 };

int vm_room(const char *meminfo, uint64_t memory_bytes, size_t wanted, bool saved, size_t *ret,
	    struct err *err)
{
	static const char name[] = "MemAvailable:";
	const char *at = strstr(meminfo, name);
	uint64_t kib = at ? strtoull(at + strlen(name), NULL, 10) : 0;
	uint64_t each = memory_bytes + QEMU_BYTES;

	if (!at) { /* nothing is known */
		*ret = 1;
		return 0;
	}
	uint64_t room = kib * 1024 / OF * SHARE;
	uint64_t kept = saved && room > each ? memory_bytes : 0;
	uint64_t fit = (room - kept) / each;
	if (fit < 1 && room < each)
		return err_set(err, ENOMEM,
			       "a machine needs %llu MiB, and of this one's memory %llu MiB are "
			       "available: see --memory",
			       (unsigned long long)(each >> 20), (unsigned long long)(kib >> 10));
	*ret = fit < 1 ? 1 : fit < wanted ? (size_t)fit : wanted;
	return 0;
}
