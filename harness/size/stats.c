/*
 * See stats.h. The number of n samples below the q-quantile is binomial (n, q); the k-th smallest
 * is not below it when at most k-1 are.
 */
#include "harness/size/stats.h"

#include <math.h>
#include <stdlib.h>

enum { HALVINGS = 50 };

double stats_confidence(size_t n, size_t k, double q)
{
	double sum = 0;

	if (q <= 0)
		return 1;
	if (q >= 1)
		return 0; /* no sample bounds what may never have been seen */
	for (size_t i = 0; i < k; i++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
			   lgamma((double)(n - i) + 1) + (double)i * log(q) +
			   (double)(n - i) * log1p(-q));
	return sum < 1 ? sum : 1;
}

size_t stats_rank(size_t n, double q, double wanted, double *ret_confidence)
{
	size_t k = 1;

	while (k < n && stats_confidence(n, k, q) < wanted)
		k++;
	*ret_confidence = stats_confidence(n, k, q);
	return k;
}

size_t stats_samples_needed(double q, double wanted)
{
	if (q <= 0)
		return 1;
	return (size_t)ceil(log1p(-wanted) / log(q));
}

double stats_share_at_least(size_t n, size_t k, double confidence)
{
	double low = 0, high = 1;

	if (k == 0 || n == 0)
		return 0;
	/* The share at which k or more of n would be seen so seldom. */
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		if (stats_confidence(n, k, middle) >= confidence)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void stats_sort(uint64_t *values, size_t n)
{
	if (n > 0)
		qsort(values, n, sizeof(*values), compare);
}
