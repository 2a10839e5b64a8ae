/*
 * Keeps the pages of a file in memory, on our account, while a run lasts.
 *
 * Every victim maps oomhog, and mapped file pages count for badness. Left alone they are paid for
 * by whichever group's hog touches them first, and when that group comes to its limit, reclaim
 * takes them from all processes of all groups at once: 64 pages of 31 processes between a
 * prediction and the kernel's choice in the group beside (6.18, two scenarios at a time). Locked
 * pages are not reclaimed, whoever paid for them.
 */
#ifndef OOMLAB_EXEC_PIN_H
#define OOMLAB_EXEC_PIN_H

#include <stdbool.h>
#include <stddef.h>

struct pin {
	void *map;
	size_t bytes;
	bool locked; /* false: they are there now, and may go (no CAP_IPC_LOCK, RLIMIT_MEMLOCK) */
};

/* Whatever does not work is left out; the result says so. */
void pin_file(const char *path, struct pin *ret);
void pin_release(struct pin *pin);

#endif
