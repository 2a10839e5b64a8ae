/*
 * How many virtual machines the host has memory for. Pure.
 */
#ifndef OOMLAB_CMD_VM_ROOM_H
#define OOMLAB_CMD_VM_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* meminfo: the text of /proc/meminfo. At most 'wanted' machines of memory_bytes each, and with
 * 'saved' one more's worth for a saved state. -ENOMEM: not even one fits. */
int vm_room(const char *meminfo, uint64_t memory_bytes, size_t wanted, bool saved, size_t *ret,
	    struct err *err);

#endif
