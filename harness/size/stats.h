/*
 * What samples say about a quantile: order statistics, which hold for any distribution. Pure.
 */
#ifndef OOMLAB_SIZE_STATS_H
#define OOMLAB_SIZE_STATS_H

#include <stddef.h>
#include <stdint.h>

#define STATS_CONFIDENCE 0.95 /* what is usual, and what is meant where none is named */

/* The probability that the k-th smallest of n samples (k from 1) is not below the q-quantile. */
double stats_confidence(size_t n, size_t k, double q);
/* The smallest k with at least that confidence; n when none has it. */
size_t stats_rank(size_t n, double q, double wanted, double *ret_confidence);
/* Of n runs k passed: the share of all that pass is at least this, with that confidence
 * (Clopper-Pearson, one-sided). */
double stats_share_at_least(size_t n, size_t k, double confidence);
/* How many samples it takes until the largest one has it. */
size_t stats_samples_needed(double q, double wanted);
void stats_sort(uint64_t *values, size_t n);

#endif
