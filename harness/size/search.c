/*
 * See search.h.
 */
#include "harness/size/search.h"

void search_begin(struct search *search, uint64_t step, uint64_t ceiling)
{
	*search =
		(struct search){.step = step, .ceiling = ceiling - ceiling % step, .stride = step};
}

static uint64_t middle(const struct search *search, uint64_t pass)
{
	return search->fail + (pass - search->fail) / search->step / 2 * search->step;
}

/* Nothing passed yet: up from what failed, with longer and longer strides. */
static uint64_t gallop_up(struct search *search)
{
	if (search->fail >= search->ceiling)
		return 0;
	uint64_t next = search->fail + search->stride;
	search->stride *= 2;
	return next < search->ceiling ? next : search->ceiling;
}

/* The guess passed and nothing below it failed: down. */
static uint64_t gallop_down(struct search *search)
{
	uint64_t room = search->pass - search->step;
	uint64_t stride = search->stride < room ? search->stride : room;

	search->stride *= 2;
	return search->pass - stride;
}

uint64_t search_next(struct search *search)
{
	if (search->pass) {
		if (search->pass - search->fail <= search->step)
			return 0;
		return search->hint && search->fail == 0 ? gallop_down(search)
							 : middle(search, search->pass);
	}
	if (search->hint && search->fail < search->hint)
		return search->hint;
	if (search->assumed > search->fail) {
		uint64_t next = middle(search, search->assumed);
		return next > search->fail ? next : search->assumed;
	}
	return gallop_up(search);
}

void search_tell(struct search *search, uint64_t limit, bool passed)
{
	if (passed) {
		if (!search->pass || limit < search->pass)
			search->pass = limit;
		return;
	}
	if (limit > search->fail)
		search->fail = limit;
	if (!search->pass || limit < search->pass)
		return;
	search->not_monotone = true;
	search->pass = 0;
	search->hint = 0;
	search->assumed = 0;
	search->stride = search->step;
}

bool search_found(const struct search *search)
{
	return search->pass != 0;
}
