/*
 * Runs side by side, before they are asked for ('--jobs'): their results go into the memo, and who
 * asks for one of them finds it there. What is asked for, and what follows from it, is as without.
 */
#ifndef OOMLAB_SIZE_AHEAD_H
#define OOMLAB_SIZE_AHEAD_H

#include "harness/size/measure_internal.h"

/* These return 0; 1: stop, report->trouble says why. Without jobs they do nothing. */

/* The limits that a search may ask for next, the very next one first. */
int ahead_search(struct measure *measure, const struct search *search);
/* As many runs under this limit as are still to pass. */
int ahead_passes(struct measure *measure, uint64_t limit_bytes, uint64_t times);
/* As many ratchet runs as are still wanted. */
int ahead_samples(struct measure *measure, uint64_t from_bytes, uint64_t times);

/* What is asked for next has to be made by a run alone: nothing is run ahead, nor taken of that. */
void ahead_alone(struct measure *measure, bool alone);
/* How many runs were made that nobody asked for. */
unsigned int ahead_unused(const struct measure *measure);

/* The limits that ahead_search() would run: what search_next() can say within so many answers,
 * breadth first, each once, together no more than 'room_bytes'. Returns their number. Pure. */
size_t ahead_limits(const struct search *search, uint64_t room_bytes, uint64_t *limits, size_t max);

#endif
