/*
 * For the tests of the matrix: results and records from a few words.
 */
#ifndef OOMLAB_TESTS_MATRIX_RIG_H
#define OOMLAB_TESTS_MATRIX_RIG_H

#include "harness/record/record.h"

/* From JSON with single quotes, as results/README.md describes it; a verdict of 'pass' is added
 * where there is none. Fails the test when it is none. */
struct result matrix_rig_result(const char *json);

/* Without results, begun at 'began' (unix ns). */
struct record *matrix_rig_record(const char *kernel, uint64_t memory_version, int64_t began);
/* Adds 'name' with a verdict, "pass", and who was killed ("a b", "" for nobody). */
struct result *matrix_rig_add(struct record *record, const char *name, const char *verdict,
			      const char *victims);

#endif
