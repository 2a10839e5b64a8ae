/*
 * How many runs are left and how long they take, from those that were made. Pure. An estimate: a
 * need that varies, or a slow-down, makes it more.
 */
#ifndef OOMLAB_SIZE_ESTIMATE_H
#define OOMLAB_SIZE_ESTIMATE_H

#include "harness/size/measure.h"

struct estimate {
	unsigned int runs; /* 0: nothing is known yet */
	uint64_t ns;
};

/* The run that is about to be made included. */
struct estimate estimate_left(const struct size_report *report, const struct size_options *options);

#endif
