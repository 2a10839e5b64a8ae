/*
 * How many files a run may have open: as many as the hard limit allows for itself (it waits by
 * epoll, so numbers above 1023 are no trouble), and for what it starts the number it came with, or
 * the least that works.
 */
#ifndef OOMLAB_EXEC_DESCRIPTORS_H
#define OOMLAB_EXEC_DESCRIPTORS_H

#include "base/err.h"

enum { DESCRIPTORS_LEAST = 64 }; /* of a run with one scenario of a few tasks */

/* Raises this process's own limit. -EMFILE when even the hard limit is too low to run anything. */
int descriptors_raise(struct err *err);
/* In a child before exec: the limit as it was. Async-signal-safe. */
void descriptors_restore(void);

#endif
