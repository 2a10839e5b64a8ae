/*
 * Which limit to try next, and when the lowest that passes is found: gallop from a guess, then
 * halve. Pure. Limits are multiples of the step; "pass" is a run that came out as without a limit.
 */
#ifndef OOMLAB_SIZE_SEARCH_H
#define OOMLAB_SIZE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct search {
	uint64_t step, ceiling;
	uint64_t hint;	   /* tried first; 0: none */
	uint64_t assumed;  /* passes, says somebody: run only when all else is done; 0: none */
	uint64_t pass;	   /* the lowest that passed, 0: none yet */
	uint64_t fail;	   /* the highest that failed, 0: none */
	uint64_t stride;   /* of the gallop */
	bool not_monotone; /* a limit failed above one that had passed */
};

void search_begin(struct search *search, uint64_t step, uint64_t ceiling);
/* The limit to run next; 0: done. */
uint64_t search_next(struct search *search);
void search_tell(struct search *search, uint64_t limit, bool passed);
/* After search_next() said 0: whether search->pass is the answer; else even the ceiling fails. */
bool search_found(const struct search *search);

#endif
