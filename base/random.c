/*
 * See random.h.
 */
#include "base/random.h"

/* Sebastiano Vigna's splitmix64, public domain. */
uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t below)
{
	uint64_t number = random_next(state);

	return below ? number % below : 0;
}

/* The seed is mixed first, else streams of neighbouring seeds would be the same numbers, shifted;
 * then each byte of the name, as FNV-1a does it, and all of it once more. */
uint64_t random_stream(uint64_t seed, const char *name)
{
	uint64_t state = random_next(&seed);

	for (; *name; name++)
		state = (state ^ (unsigned char)*name) * 0x100000001b3ULL;
	return random_next(&state);
}
