/*
 * What vm_shrink.c (the walk) and vm_shrink_try.c (one candidate) share.
 */
#ifndef OOMLAB_CMD_VM_SHRINK_INTERNAL_H
#define OOMLAB_CMD_VM_SHRINK_INTERNAL_H

#include "harness/cmd/vm_shrink.h"
#include "harness/scenario/shrink.h"

enum { VM_SHRINK_SEEDS_MAX = 16 };

struct shrink {
	const struct vm_shrink_job *job;
	const struct vm_outcome *outcome;
	const struct facts *facts; /* of the machine */
	struct vm_values values;
	struct vm_wish wish; /* of a candidate */
	char *path;	     /* of the candidate */
	char *missed;	     /* by the expectation that failed, see vm_outcomes.h */
	char *scenarios[1];
	uint64_t seeds[VM_SHRINK_SEEDS_MAX]; /* to try; 'best' fails with the first */
	size_t n_seeds;
	struct str header;
	struct node best;
	char *found; /* what the machine with 'best' gave, see vm_seed.h */
	size_t n_runs;
};

/* Whether it fails alike with one of the first n seeds. 1: it does, and is the best now; 0: no. */
int vm_shrink_try(struct shrink *shrink, struct node *candidate, size_t n, struct err *err);
int vm_shrink_write(const char *path, const struct str *header, const struct node *root,
		    struct err *err);

#endif
