/*
 * See pack_search.h.
 */
#include "harness/size/pack_search.h"

void pack_search_begin(struct pack_search *search, uint64_t most, uint64_t guess)
{
	*search = (struct pack_search){.most = most, .guess = guess < 1 ? 1 : guess, .stride = 1};
}

/* Taken once; where a pass or a failure says as much already it is no use. */
static uint64_t take_guess(struct pack_search *search)
{
	uint64_t guess = search->guess < search->most ? search->guess : search->most;

	search->guess = 0;
	if (guess <= search->pass || (search->fail && guess >= search->fail))
		return 0;
	search->near = guess;
	return guess;
}

static uint64_t gallop_up(struct pack_search *search)
{
	uint64_t room = search->most - search->pass;
	uint64_t next = search->pass + (search->stride < room ? search->stride : room);

	search->stride *= 2;
	return next;
}

static uint64_t gallop_down(struct pack_search *search)
{
	uint64_t room = search->fail - 1;
	uint64_t next = search->fail - (search->stride < room ? search->stride : room);

	search->stride *= 2;
	return next;
}

uint64_t pack_search_next(struct pack_search *search)
{
	if (search->pass >= search->most || (search->fail && search->fail - search->pass <= 1))
		return 0;
	uint64_t guess = take_guess(search);
	if (guess)
		return guess;
	if (!search->fail)
		return gallop_up(search);
	if (search->near == search->fail) {
		search->near = 0;
		return search->fail - 1;
	}
	return search->pass ? search->pass + (search->fail - search->pass) / 2
			    : gallop_down(search);
}

void pack_search_tell(struct pack_search *search, uint64_t copies, bool passed)
{
	if (passed) {
		search->pass = copies > search->pass ? copies : search->pass;
		return;
	}
	if (!search->fail || copies < search->fail)
		search->fail = copies;
	if (copies <= search->pass) {
		search->pass = 0;
		search->stride = 1;
	}
}

struct pack_line pack_line_of(uint64_t one_bytes, uint64_t n, uint64_t n_bytes,
			      uint64_t least_bytes)
{
	uint64_t more = n > 1 && n_bytes > one_bytes ? (n_bytes - one_bytes) / (n - 1) : 0;

	if (more < least_bytes)
		more = least_bytes;
	return (struct pack_line){
		.fixed_bytes = one_bytes > more ? one_bytes - more : 0,
		.copy_bytes = more,
	};
}

uint64_t pack_line_fit(const struct pack_line *line, uint64_t memory_bytes, uint64_t most)
{
	uint64_t room = memory_bytes > line->fixed_bytes ? memory_bytes - line->fixed_bytes : 0;
	uint64_t n = line->copy_bytes ? room / line->copy_bytes : most;

	return n < 1 ? 1 : n < most ? n : most;
}
