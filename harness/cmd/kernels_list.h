/*
 * What 'oomlab kernels' prints: the kernels in the cache, and what can be had as the index has it.
 */
#ifndef OOMLAB_CMD_KERNELS_LIST_H
#define OOMLAB_CMD_KERNELS_LIST_H

#include <stdbool.h>

#include "base/err.h"
#include "harness/vm/kernels.h"

/* To the standard output; as an object with cache, index_unix, cached, available and sources. */
int kernels_list(const struct kernels *kernels, bool json, struct err *err);

#endif
