/*
 * The sum over a cached kernel, 60 MB, takes some 50 ms, a twentieth of a boot. It is computed once
 * for a file that nobody wrote to since: what is kept is the sum, and the inode, size and times
 * that the file had. The time of change (ctime) moves with each write and cannot be set back.
 */
#ifndef OOMLAB_VM_SUMMED_H
#define OOMLAB_VM_SUMMED_H

#include <stdbool.h>

#include "harness/vm/store.h"

/* Whether the open file 'fd' had this sum, and is still as it was then. 'name': below the cache. */
bool summed_before(const struct store *store, const char *name, int fd, const char *sha256);

/* To be called once the sum was computed. Where it cannot be kept it is computed the next time. */
void summed_keep(const struct store *store, const char *name, int fd, const char *sha256);

#endif
