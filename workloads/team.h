/*
 * Workers that share one mm with the hog, threads or processes, and touch memory together: each
 * its share of every block. For the workloads 'threads' and 'shared-mm'. Workers call no libc
 * but futex(2): processes that share an mm share libc's thread-local data as well.
 */
#ifndef OOMLAB_WORKLOADS_TEAM_H
#define OOMLAB_WORKLOADS_TEAM_H

#include "workloads/hog_run.h"

enum { TEAM_MAX = 64, TEAM_STACK_BYTES = 32 * 1024 };

struct team {
	struct hog *hog;
	uint32_t n;
	uint32_t round;	  /* futex: rises with every block */
	uint32_t working; /* futex: workers not yet done with it */
	char *start;
	uint64_t pages;
	struct worker {
		struct team *team;
		uint32_t number;
		struct hog_child *slot; /* of a process; NULL: a thread */
	} worker[TEAM_MAX];
};

/* What a worker does for ever: its share of each block. */
_Noreturn void team_work(struct worker *worker);

/* Posts a block and waits until all have done their shares. */
void team_touch(struct team *team, char *start, uint64_t pages);

#endif
