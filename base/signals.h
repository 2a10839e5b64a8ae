/*
 * The signals that ask a program to end (SIGINT, SIGTERM, SIGHUP), taken by a descriptor. Those
 * that the parent ignores on purpose (nohup, a shell's background job) stay ignored: a blocked
 * signal is delivered to a signalfd(2) even where it is ignored, so they are left out of the set.
 */
#ifndef OOMLAB_BASE_SIGNALS_H
#define OOMLAB_BASE_SIGNALS_H

#include <signal.h>

#include "base/err.h"

/* The set of them. */
void signals_ending(sigset_t *ret);

/* Blocks them, and 'also' (0: no other), and returns a signalfd for them, which does not block.
 * ret_old: the mask before, NULL: not wanted. */
int signals_open(int also, sigset_t *ret_old, struct err *err);

#endif
