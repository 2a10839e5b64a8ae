/*
 * Attempts to break out of a hog's confinement, one forbidden system call each, for test_hog.c.
 */
#ifndef OOMLAB_TESTS_INTEGRATION_HOG_ESCAPE_H
#define OOMLAB_TESTS_INTEGRATION_HOG_ESCAPE_H

#include <stddef.h>

#include "workloads/hog.h"

struct escape {
	const char *call; /* the name that the report must have */
	const char *what;
	void (*attempt)(void);
};

extern const struct escape escapes[];
extern const size_t n_escapes;

/* In a child: confines itself as widely as any workload is, attempts, and exits 0 if it was let.
 * The status must be shared memory. */
_Noreturn void escape_run(const struct escape *escape, struct hog_status *status, unsigned needs);

#endif
