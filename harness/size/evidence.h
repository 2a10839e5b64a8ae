/*
 * What runs under hard limits say together: where the next one is to be made, and where the limit
 * is that they show. Pure.
 */
#ifndef OOMLAB_SIZE_EVIDENCE_H
#define OOMLAB_SIZE_EVIDENCE_H

#include "harness/size/measure.h"

struct evidence {
	const struct size_trial *trials; /* in the order of their making; borrowed */
	size_t n;
	uint64_t step_bytes;
	uint64_t margin_bytes; /* runs are made so far below the limit that they are for */
};

struct evidence evidence_of(const struct size_report *report, uint64_t step_bytes,
			    uint64_t page_bytes);
uint64_t evidence_round_up(const struct evidence *evidence, uint64_t bytes);
/* Whether a run was made at exactly these bytes; how the last one went. */
bool evidence_known(const struct evidence *evidence, uint64_t bytes, bool *ret_passed);
/* The highest bytes that failed, below some; 0: none. */
uint64_t evidence_highest_fail(const struct evidence *evidence, uint64_t below_bytes);
/* The limit for this need, which nothing goes beyond; UINT64_MAX: it is 0, or one failed there. */
uint64_t evidence_cap(const struct evidence *evidence, uint64_t together_bytes);
/* The next limit, when one of a need that varies was refused: above the highest failure by as much
 * as that was above the lowest pass, and a step; not above 'cap'. */
uint64_t evidence_above(const struct evidence *evidence, uint64_t cap);
/* Whether this limit was refused where those runs that passed had all but reached it: then a need
 * that moves by pages ends just there, and that is no need that varies. */
bool evidence_is_edge(const struct evidence *evidence, uint64_t limit_bytes);
/* What the peaks of the last 'passes' runs that passed differ by, less what they are exact to. */
uint64_t evidence_spread(const struct evidence *evidence, uint64_t passes, uint64_t *ret_most);
/* Whether runs contradict each other, or the peaks of the last 'passes' that passed do. */
bool evidence_is_mixed(const struct evidence *evidence, uint64_t passes);
/* A limit at which the last 'passes' runs passed; above the highest peak of them by twice what the
 * three highest differ by, at most by what all do. 'collects': it has a garbage collector, and then
 * by what all differ by. Up to 'max_bytes'. */
uint64_t evidence_beyond(const struct evidence *evidence, uint64_t limit_bytes, uint64_t passes,
			 bool collects, uint64_t max_bytes);

#endif
