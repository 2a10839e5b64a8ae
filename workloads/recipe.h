/*
 * The recipe of the workload 'mix': "40M anon + 20M file + 8M shmem". A pure parser, so that
 * the harness can check a scenario's recipe before anything runs.
 */
#ifndef OOMLAB_WORKLOADS_RECIPE_H
#define OOMLAB_WORKLOADS_RECIPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RECIPE_PARTS_MAX = 16 };

enum recipe_kind {
	RECIPE_ANON,
	RECIPE_FILE,
	RECIPE_SHMEM,
	RECIPE_MLOCK,
	RECIPE_TABLES,	/* page tables alone */
	RECIPE_SWAPPED, /* anonymous, and swapped out at once */
	RECIPE_KINDS
};
extern const char *const recipe_kinds[]; /* NULL-terminated */

struct recipe {
	size_t n;
	struct {
		enum recipe_kind kind;
		uint64_t bytes;
	} part[RECIPE_PARTS_MAX];
};

/* -EINVAL with the part that is wrong, what was expected there and what was found. */
int recipe_parse(const char *text, struct recipe *ret, struct err *err);

#endif
