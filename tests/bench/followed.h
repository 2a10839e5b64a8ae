/*
 * What it costs a program to be followed by the ratchet of 'oomlab size' on a run that never comes
 * near its limit.
 */
#ifndef OOMLAB_BENCH_FOLLOWED_H
#define OOMLAB_BENCH_FOLLOWED_H

#include "base/err.h"

/* Prints a line a program; 'folder' is for an input file. */
int followed_measure(const char *folder, struct err *err);

#endif
