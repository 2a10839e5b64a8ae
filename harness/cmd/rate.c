/*
 * See rate.h. The interval's ends are found by bisecting the binomial distribution's tail, which
 * needs no table and is exact enough for printing three digits.
 */
#include "harness/cmd/rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { BISECTIONS = 50 };

/* P(X <= k) for X ~ Binomial(n, p). */
static double at_most(size_t k, size_t n, double p)
{
	double sum = 0;

	if (p <= 0)
		return 1;
	if (p >= 1)
		return k >= n ? 1 : 0;
	for (size_t i = 0; i <= k; i++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
			   lgamma((double)(n - i) + 1) + (double)i * log(p) +
			   (double)(n - i) * log1p(-p));
	return sum;
}

/* The p at which P(X <= k) falls to 'tail' (it falls as p grows). */
static double solve(size_t k, size_t n, double tail)
{
	double low = 0, high = 1;

	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;
		if (at_most(k, n, middle) > tail)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

void rate_interval(size_t k, size_t n, double *ret_low, double *ret_high)
{
	*ret_low = k == 0 ? 0 : solve(k - 1, n, 0.975);
	*ret_high = k == n ? 1 : solve(k, n, 0.025);
}

static size_t base_length(const char *name)
{
	const char *mark = strrchr(name, '#');

	return mark ? (size_t)(mark - name) : strlen(name);
}

static bool same_scenario(const struct result *a, const struct result *b)
{
	size_t len = base_length(a->name);

	return len == base_length(b->name) && memcmp(a->name, b->name, len) == 0;
}

static bool seen_before(const struct record *record, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_scenario(record->results[i], record->results[index]))
			return true;
	return false;
}

static void print_one(FILE *out, const struct record *record, const struct result *first)
{
	size_t passed = 0, n = 0;
	double low, high;

	for (size_t i = 0; i < record->n; i++) {
		const struct result *result = record->results[i];
		if (result->verdict == VERDICT_SKIP || !same_scenario(result, first))
			continue;
		n++;
		passed += result->verdict == VERDICT_PASS;
	}
	if (n == 0)
		return;
	rate_interval(passed, n, &low, &high);
	fprintf(out, "%-48.*s %zu/%zu passed, rate %.1f %% to %.1f %% (95 %%)\n",
		(int)base_length(first->name), first->name, passed, n, low * 100, high * 100);
}

void rate_print(FILE *out, const struct record *record)
{
	for (size_t i = 0; i < record->n; i++)
		if (!seen_before(record, i))
			print_one(out, record, record->results[i]);
}
