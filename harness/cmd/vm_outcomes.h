/*
 * What came of many seeds: each different outcome once, how often, and the smallest seed of it. An
 * outcome is a scenario's verdict, who died in which order, and of a failure the expectations that
 * did not hold. Pure.
 */
#ifndef OOMLAB_CMD_VM_OUTCOMES_H
#define OOMLAB_CMD_VM_OUTCOMES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "harness/record/record.h"

struct vm_outcome {
	char *scenario, *died, *failed; /* "big_mm-1, big_mm-3"; the expectations, "" without */
	char *reason;			/* of the smallest seed; NULL: passed */
	enum verdict verdict;
	uint64_t smallest;
	size_t n;
	uint64_t *seeds; /* as they came in */
	char *evidence;	 /* the owner's, of the smallest seed; free()d with it */
	char *record;	 /* where that is kept; NULL: nowhere */
	char *shrunk;	 /* a smaller scenario that fails like this, and its record; NULL: none */
	char *shrunk_record;
	uint64_t shrunk_seed; /* with which it does */
	size_t shrunk_runs;   /* machines that it took to find it */
};

struct vm_outcomes {
	size_t n;
	struct vm_outcome *outcome;
};

/* The expectations that did not hold, "killed, alive"; free() it. Two failures with the same ones
 * are the same failure. */
char *vm_outcome_failed(const struct result *result);

/* What the first of them wanted and got, by their first words: "big_mm-2, got nobody"; any number
 * is
 * "#", because numbers change as a scenario gets smaller. free() it. */
char *vm_outcome_missed(const struct result *result);

/* Counts all results of a seed. 'evidence' is copied to those outcomes of which it is the smallest
 * seed so far. */
void vm_outcomes_add(struct vm_outcomes *outcomes, uint64_t seed, const struct record *record,
		     const char *evidence);
void vm_outcomes_sort(struct vm_outcomes *outcomes); /* by scenario, the most frequent first */
void vm_outcomes_clear(struct vm_outcomes *outcomes);

size_t vm_outcomes_count(const struct vm_outcomes *outcomes, enum verdict verdict); /* results */
/* A table, then the commands that replay the smallest seeds. */
void vm_outcomes_text(const struct vm_outcomes *outcomes, struct str *out);
json_t *vm_outcomes_json(const struct vm_outcomes *outcomes); /* a list, a new reference */

#endif
