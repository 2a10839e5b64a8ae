/*
 * See vm_room.h.
 */
#include "harness/cmd/vm_room.h"

#include <errno.h>

#include "harness/exec/meminfo.h"

/* What QEMU 7.2 takes beside the guest's memory: measured 60 to 110 MiB, translated code most of
 * it. */
#define QEMU_BYTES (128ULL << 20)
/* Of what is available, the rest is the host's. */
enum { SHARE = 7, OF = 8 };

int vm_room(const char *meminfo, uint64_t memory_bytes, size_t wanted, bool saved, size_t *ret,
	    struct err *err)
{
	uint64_t available = meminfo_bytes(meminfo, "MemAvailable:");
	uint64_t each = memory_bytes + QEMU_BYTES;

	if (!available) { /* nothing is known */
		*ret = 1;
		return 0;
	}
	uint64_t room = available / OF * SHARE;
	uint64_t kept = saved && room > each ? memory_bytes : 0;
	uint64_t fit = (room - kept) / each;
	if (fit < 1 && room < each)
		return err_set(err, ENOMEM,
			       "a machine needs %llu MiB, and of this one's memory %llu MiB are "
			       "available: see --memory",
			       (unsigned long long)(each >> 20),
			       (unsigned long long)(available >> 20));
	*ret = fit < 1 ? 1 : fit < wanted ? (size_t)fit : wanted;
	return 0;
}
