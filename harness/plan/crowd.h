/*
 * A crowd: processes of random sizes, kinds and oom_score_adj, to see whether the kernel chooses by
 * its formula whatever there is. All of it follows from the seed, on every machine and in every
 * version (base/random.h): the seed in a scenario's name is
 * all that one needs to have the same crowd again. Pure.
 */
#ifndef OOMLAB_PLAN_CROWD_H
#define OOMLAB_PLAN_CROWD_H

#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t low, high; /* both included */
};

enum crowd_kind {
	CROWD_ANON,    /* anonymous memory */
	CROWD_SHMEM,   /* shared memory of its own */
	CROWD_TABLES,  /* page tables, up to three times as much as other memory */
	CROWD_THREADS, /* 2 to 4 threads that touch memory together */
	CROWD_FAMILY,  /* 1 to 12 children that are equals, and memory that all of them map */
	CROWD_SWAPPED, /* anonymous memory, some of it in swap */
	CROWD_KINDS
};
extern const char *const crowd_kinds[]; /* "anon", ...; NULL-terminated */

struct crowd_spec {
	uint64_t seed;
	struct range processes; /* how many, log-uniform: small groups are as likely as large */
	struct range pages;	/* what one holds, log-uniform */
	struct range adj;	/* +1000: 0 to 2000 */
	unsigned adjusted;	/* percent of the members that have one */
	struct range room;	/* percent of what all hold that the limit leaves */
	unsigned kinds;		/* bits, 1 << enum crowd_kind */
	/* No two members' pages are nearer to each other than this, as far as they are known
	 * beforehand; for where the kernel's counters are not exact. 0: as it comes. */
	uint64_t apart_pages;
	uint64_t max_pages; /* the limit's ceiling; members become smaller by as much as it takes */
};

struct crowd_member {
	enum crowd_kind kind;
	int oom_score_adj; /* 0: none is set */
	uint64_t pages;	   /* private memory; of each child of a family */
	uint64_t own;	   /* CROWD_FAMILY: private memory of the parent */
	uint64_t part;	   /* pages: tables, swapped, or shared */
	uint64_t children; /* CROWD_FAMILY */
	uint64_t threads;  /* CROWD_THREADS */
};

struct crowd {
	uint64_t processes; /* children included */
	size_t n;
	struct crowd_member *members; /* the caller frees them */
	uint64_t limit_pages;
};

enum {
	/* Of a hog beside what it is told to hold: its data, stack, page tables, and what the
	 * kernel charges for it (6.18: 37 pages for one with a single thread, 53 with three). */
	CROWD_OWN_PAGES = 64,
	/* So that the filler of the group is there, too. */
	CROWD_FILLER_PAGES = 256,
};

/* A number of a range, by splitmix64 (base/random.h). */
uint64_t crowd_between(uint64_t *state, struct range range);

void crowd_make(const struct crowd_spec *spec, struct crowd *ret);
/* What a member and its children are charged for at most, own pages included. */
uint64_t crowd_charged(const struct crowd_member *member);

#endif
