/*
 * One run of several copies at once in a fresh group under a hard limit. All are started, wait,
 * and are let go together. A run passes when every copy ends as one alone does without a limit.
 */
#ifndef OOMLAB_SIZE_PACK_RUN_H
#define OOMLAB_SIZE_PACK_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/size/look.h"
#include "harness/size/pack_share.h"
#include "harness/size/run.h"

struct size_lab;

struct pack_spec {
	const struct size_command *command; /* as given, with marks */
	const char *mark;
	const struct run_result *reference;	  /* of one alone, without a limit */
	uint64_t copies, limit_bytes, timeout_ns; /* 0: none */
	/* Servers: they have come to what they hold when it is so much. Until then, and while it
	 * grows, their time goes on for as long as this: many that start at once wait for each
	 * other's CPU. */
	uint64_t expect_bytes, longest_ns;
	bool any_output; /* it differs by itself: the exit status decides alone */
	bool swap;
	uint64_t swap_bytes; /* at most so much; UINT64_MAX: all that there is */
	bool share;	     /* look at what they share; not where they may be killed */
};

struct pack_result {
	uint64_t copies, limit_bytes;
	enum run_end end; /* RUN_EXITED: each by itself, or one as 'bad' says */
	bool passed;
	uint64_t bad;	   /* the copy that did not end as it should, from 1; 0: none, or all */
	int status;	   /* of the bad one: as in run_result */
	bool wrong_output; /* of the bad one, all of which ended well */
	bool check_failed; /* the same */
	uint64_t wall_ns;  /* until the last one ended */
	uint64_t cpu_ns;
	uint64_t peak_bytes, oom_kills;
	uint64_t psi_some_us, psi_full_us; /* UINT64_MAX: not to be had */
	uint64_t refaults, major_faults;
	struct look top; /* when the group had most that cannot be reclaimed */
	struct pack_share share;
	char why[256];	 /* RUN_ESCAPED: who, and where to; else "" */
	char clash[256]; /* a file that two copies had open for writing; "": none was seen */
	char tail[RUN_TAIL_MAX + 1]; /* what the bad one wrote last to stderr */
};

/* -errno only when the harness could not do its part. */
int pack_run(struct size_lab *lab, const struct pack_spec *spec, struct pack_result *ret,
	     struct err *err);

/* What no reclaim frees: page tables are part of kernel memory where that is known. Pure. */
uint64_t pack_used(const struct look *look);

/* How a run that did not pass failed: "copy 3: exit status 1", "the OOM killer", ... */
const char *pack_end_text(const struct pack_result *run, char *buf, size_t size);

#endif
