/*
 * See crowd.h. Order and number of the draws are part of what a seed means: a new kind or figure is
 * drawn last.
 */
#include "harness/plan/crowd.h"

#include <stdbool.h>

#include "base/random.h"
#include "base/str.h"

const char *const crowd_kinds[] = {
	[CROWD_ANON] = "anon",	     [CROWD_SHMEM] = "shmem",	[CROWD_TABLES] = "tables",
	[CROWD_THREADS] = "threads", [CROWD_FAMILY] = "family", [CROWD_SWAPPED] = "swapped",
	[CROWD_KINDS] = NULL,
};

/* Ranges are far below 2^32: the bias of the remainder is nothing. */
uint64_t crowd_between(uint64_t *state, struct range range)
{
	return range.low + random_below(state, range.high - range.low + 1);
}

/* As likely between 2 and 4 as between 100 and 200: a power of two first, then within it. Whole
 * numbers only, for a logarithm is not the same on every machine. */
static uint64_t log_between(uint64_t *state, struct range range)
{
	unsigned octaves = 0;

	while (octaves < 32 && range.low << (octaves + 1) < range.high)
		octaves++;
	uint64_t low = range.low << crowd_between(state, (struct range){0, octaves});
	uint64_t high = low * 2 - 1 < range.high ? low * 2 - 1 : range.high;

	return crowd_between(state, (struct range){low, high > low ? high : low});
}

static enum crowd_kind draw_kind(uint64_t *state, unsigned kinds)
{
	unsigned n = 0;

	for (unsigned k = 0; k < CROWD_KINDS; k++)
		n += kinds >> k & 1;
	uint64_t pick = crowd_between(state, (struct range){0, n - 1});
	for (unsigned k = 0; k < CROWD_KINDS; k++)
		if ((kinds >> k & 1) && pick-- == 0)
			return (enum crowd_kind)k;
	return CROWD_ANON;
}

static int draw_adj(uint64_t *state, const struct crowd_spec *spec)
{
	bool has = crowd_between(state, (struct range){1, 100}) <= spec->adjusted;
	uint64_t adj = crowd_between(state, spec->adj);

	return has ? (int)adj - 1000 : 0;
}

/* ---- kinds --------------------------------------------------------------------------------- */

static void draw_tables(uint64_t *state, struct crowd_member *member)
{
	member->part = crowd_between(state, (struct range){0, member->pages * 3 / 4});
	member->pages -= member->part;
}

static void draw_swapped(uint64_t *state, struct crowd_member *member)
{
	member->part = crowd_between(state, (struct range){0, member->pages});
	member->pages -= member->part;
}

static void draw_threads(uint64_t *state, struct crowd_member *member)
{
	member->threads = crowd_between(state, (struct range){2, 4});
}

static void draw_family(uint64_t *state, struct crowd_member *member)
{
	member->children = crowd_between(state, (struct range){1, 12});
	member->part = crowd_between(state, (struct range){0, member->pages});
	member->pages -= member->part;
	/* It maps more of its program than they do; it may be larger than they are or smaller. */
	member->own = crowd_between(state, (struct range){0, member->pages});
}

static void (*const draws[CROWD_KINDS])(uint64_t *state, struct crowd_member *member) = {
	[CROWD_TABLES] = draw_tables,
	[CROWD_THREADS] = draw_threads,
	[CROWD_FAMILY] = draw_family,
	[CROWD_SWAPPED] = draw_swapped,
};

/* ---- all of them --------------------------------------------------------------------------- */

static bool too_near(const struct crowd *crowd, uint64_t pages, uint64_t apart)
{
	for (size_t i = 0; i < crowd->n; i++) {
		const struct crowd_member *other = &crowd->members[i];
		uint64_t has = other->pages + other->part;
		if ((has > pages ? has - pages : pages - has) < apart)
			return true;
	}
	return false;
}

/* Where there is no place left between the others it goes beyond them. */
static uint64_t draw_pages(uint64_t *state, const struct crowd_spec *spec,
			   const struct crowd *crowd)
{
	enum { TRIES = 100 };
	uint64_t pages = 0, largest = 0;

	for (int i = 0; i < TRIES; i++) {
		pages = log_between(state, spec->pages);
		if (!too_near(crowd, pages, spec->apart_pages))
			return pages;
	}
	for (size_t i = 0; i < crowd->n; i++)
		if (crowd->members[i].pages + crowd->members[i].part > largest)
			largest = crowd->members[i].pages + crowd->members[i].part;
	return largest + spec->apart_pages;
}

static void draw_member(uint64_t *state, const struct crowd_spec *spec, uint64_t left,
			struct crowd *crowd)
{
	struct crowd_member member = {.kind = draw_kind(state, spec->kinds)};

	member.pages = draw_pages(state, spec, crowd);
	member.oom_score_adj = draw_adj(state, spec);
	if (draws[member.kind])
		draws[member.kind](state, &member);
	if (member.children >= left)
		member.children = left - 1;
	if (member.kind == CROWD_FAMILY && member.children == 0)
		member.kind = CROWD_ANON;
	if (member.kind == CROWD_ANON) {
		member.pages += member.part;
		member.part = member.own = 0;
	}
	crowd->members = mem_grow(crowd->members, crowd->n + 1, sizeof(member));
	crowd->members[crowd->n++] = member;
}

uint64_t crowd_charged(const struct crowd_member *member)
{
	uint64_t threads = member->threads * CROWD_OWN_PAGES / 4;
	/* Page tables of what is held: one in 512 pages, rounded up for each part. */
	uint64_t own = CROWD_OWN_PAGES + threads + member->pages + member->pages / 256;
	uint64_t once = member->part + member->part / 256;

	if (member->kind == CROWD_FAMILY)
		return own * (member->children + 1) + once + member->part / 256 * member->children;
	return own + once;
}

static uint64_t all_charged(const struct crowd *crowd)
{
	uint64_t sum = CROWD_FILLER_PAGES;

	for (size_t i = 0; i < crowd->n; i++)
		sum += crowd_charged(&crowd->members[i]);
	return sum;
}

/* Everybody becomes smaller in the same proportion until all fit. */
static void shrink(struct crowd *crowd, uint64_t max_pages)
{
	while (all_charged(crowd) > max_pages) {
		bool smaller = false;
		for (size_t i = 0; i < crowd->n; i++) {
			struct crowd_member *member = &crowd->members[i];
			smaller = smaller || member->pages > 1 || member->part > 0;
			member->pages = member->pages * 7 / 8 > 0 ? member->pages * 7 / 8 : 1;
			member->part = member->part * 7 / 8;
			member->own = member->own * 7 / 8;
		}
		if (!smaller)
			return;
	}
}

void crowd_make(const struct crowd_spec *spec, struct crowd *ret)
{
	uint64_t state = spec->seed, wanted;
	struct crowd crowd = {0};

	wanted = log_between(&state, spec->processes);
	while (crowd.processes < wanted) {
		draw_member(&state, spec, wanted - crowd.processes, &crowd);
		crowd.processes += 1 + crowd.members[crowd.n - 1].children;
	}
	uint64_t room = crowd_between(&state, spec->room);
	shrink(&crowd, spec->max_pages * 100 / (100 + room));
	uint64_t charged = all_charged(&crowd);
	crowd.limit_pages = charged + charged * room / 100;
	*ret = crowd;
}
