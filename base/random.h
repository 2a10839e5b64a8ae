/*
 * Numbers that follow from a seed, the same on every machine and in every version: splitmix64,
 * which needs no tables and no warming up, and streams of it that do not disturb each other.
 */
#ifndef OOMLAB_BASE_RANDOM_H
#define OOMLAB_BASE_RANDOM_H

#include <stdint.h>

/* The next number of splitmix64. */
uint64_t random_next(uint64_t *state);

/* One of 0 ... below - 1; 0 when below is 0. The remainder's bias is below 2^-32 for all that is
 * below 2^32. */
uint64_t random_below(uint64_t *state, uint64_t below);

/* The state that the stream 'name' of a seed begins with: another name is another stream, so what
 * one draws does not depend on who else there is. */
uint64_t random_stream(uint64_t seed, const char *name);

#endif
