/*
 * Which coarse rows are worth another file: those whose bounds reach into the ones asked for. Who
 * is far below the largest stays coarse, and most of a machine is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/exec/candidates_internal.h"

static int falling(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

/* The 'want'th largest of the points. */
static int64_t threshold(const int64_t *points, size_t n, size_t want)
{
	MEM_AUTO int64_t *sorted = mem_new((n + 1) * sizeof(*sorted));

	memcpy(sorted, points, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), falling);
	return sorted[want < n ? want - 1 : n - 1];
}

static int64_t below(int64_t points, int64_t pages)
{
	return points < INT64_MIN + pages ? INT64_MIN : points - pages;
}

/* Two bounds, in pages, of which points have never more: who could be among the 'want' first by
 * points needs but the error that the refinement takes away on either side; who could be the chosen
 * one within the errors that remain must be compared with those, too. */
void candidates_settle(struct candidates *c, const struct badness_rules *rules,
		       uint64_t total_pages, size_t want)
{
	MEM_AUTO int64_t *points = mem_new((c->n + 1) * sizeof(*points));
	int64_t rss = (int64_t)c->rss_error_pages, all = rss + (int64_t)c->swap_error_pages;

	if (c->n == 0 || want == 0)
		return;
	for (size_t i = 0; i < c->n; i++)
		points[i] = badness_points(rules, &c->tasks[i], total_pages);
	int64_t first = below(threshold(points, c->n, 1), 2 * all);
	int64_t last = below(threshold(points, c->n, want), 2 * rss);
	for (size_t i = 0; i < c->n; i++)
		if (points[i] != BADNESS_NEVER && (points[i] >= last || points[i] >= first))
			candidates_refine(c, i);
	candidates_order_by_start(c, 0);
}
