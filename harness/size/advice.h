/*
 * From a limit that was found to the lines that people paste, with the head-room that is added said
 * in words. Pure.
 */
#ifndef OOMLAB_SIZE_ADVICE_H
#define OOMLAB_SIZE_ADVICE_H

#include <stdint.h>

#include "base/str.h"

struct advice {
	uint64_t max_bytes;  /* a whole number of MiB: what a hard limit should be */
	uint64_t swap_bytes; /* that it may use beside; 0: none, UINT64_MAX: all that there is */
	uint64_t high_bytes; /* where it begins to be slowed down; below max */
};

/* Head-room: a tenth, at least 4 MiB, rounded up to a MiB; two tenths where the need varies. 'slow'
 * is L_slow, 0: not known. */
struct advice advice_of(uint64_t limit_bytes, uint64_t slow_bytes, bool varies);
/* The rule in words. */
const char *advice_rule(bool varies);
/* "systemd\tMemoryHigh=52M\nMemoryMax=57M", ...: one line each, "WHAT\tTEXT\n". */
void advice_lines(const struct advice *advice, struct str *out);

#endif
