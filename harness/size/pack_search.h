/*
 * How many copies to try next, and when the largest number that passes is found: from a guess,
 * then gallop, then halve. Pure.
 */
#ifndef OOMLAB_SIZE_PACK_SEARCH_H
#define OOMLAB_SIZE_PACK_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct pack_search {
	uint64_t most;	 /* never more than this */
	uint64_t guess;	 /* tried next, where it says anything new; 0: none */
	uint64_t near;	 /* the last guess: when it fails, one less comes next */
	uint64_t pass;	 /* the largest that passed; 0: none yet */
	uint64_t fail;	 /* the smallest that failed; 0: none yet */
	uint64_t stride; /* of the gallop */
};

void pack_search_begin(struct pack_search *search, uint64_t most, uint64_t guess);
/* The number to run next; 0: done, and 'pass' is the answer (0: not even one copy passes). */
uint64_t pack_search_next(struct pack_search *search);
/* A number at or below 'pass' that fails (it had passed by luck) takes back what passed. */
void pack_search_tell(struct pack_search *search, uint64_t copies, bool passed);

/* What n copies have is a line over n. */
struct pack_line {
	uint64_t fixed_bytes; /* counted once */
	uint64_t copy_bytes;  /* a further copy costs this */
};
/* From what one had at its peak and what n of them had at theirs. A copy costs 'least' in any case:
 * what no two processes share. Where the line is flatter their peaks did not meet. */
struct pack_line pack_line_of(uint64_t one_bytes, uint64_t n, uint64_t n_bytes,
			      uint64_t least_bytes);
/* How many fit on that line: at least 1, at most 'most'. */
uint64_t pack_line_fit(const struct pack_line *line, uint64_t memory_bytes, uint64_t most);

#endif
