/*
 * Zones in the answer: those below their minimum, and those with free memory but no block of the
 * order that was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/explain_facts.h"

/* The figures by place and name. A search through all of them for each zone takes a minute where
 * somebody has made up a hundred thousand zones. */
struct by_place {
	size_t n;
	const struct oom_figure **figures;
};

static int by_place_order(const struct oom_figure *a, const struct oom_figure *b)
{
	int order = strcmp(a->where, b->where);

	return order ? order : strcasecmp(a->name, b->name);
}

/* Equals in the order of the report. */
static int by_place_sort(const void *a, const void *b)
{
	const struct oom_figure *const *x = a, *const *y = b;
	int order = by_place_order(*x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

static struct by_place by_place_of(const struct oom_report *report)
{
	struct by_place all = {report->n_figures, mem_zero(report->n_figures, sizeof(void *))};

	for (size_t i = 0; i < all.n; i++)
		all.figures[i] = &report->figures[i];
	qsort(all.figures, all.n, sizeof(*all.figures), by_place_sort);
	return all;
}

/* In bytes, or as printed where it is a count; the first of several. */
static uint64_t figure_at(const struct explain_facts *facts, const struct by_place *all,
			  const char *where, const char *name)
{
	struct oom_figure key;
	size_t low = 0, high = all->n;

	snprintf(key.where, sizeof(key.where), "%s", where);
	snprintf(key.name, sizeof(key.name), "%s", name);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_place_order(all->figures[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == all->n || by_place_order(all->figures[low], &key) != 0)
		return EXPLAIN_NONE;
	return explain_figure_bytes(facts->report, all->figures[low]);
}

static bool is_minimum(const struct oom_figure *figure)
{
	return strcasecmp(figure->name, "min") == 0 && *figure->where;
}

/* Free blocks of a zone large enough for the request, from its buddy list; EXPLAIN_NONE: the log
 * has none. */
static uint64_t blocks_of_order(const struct explain_facts *facts, const struct by_place *all,
				const char *where)
{
	uint64_t blocks = EXPLAIN_NONE;
	uint64_t kb = explain_pages(facts->report, 1) / 1024;

	for (int order = facts->report->order; order <= 20; order++) {
		char name[32];
		snprintf(name, sizeof(name), "%" PRIu64 "kB", kb << order);
		uint64_t n = figure_at(facts, all, where, name);
		if (n != EXPLAIN_NONE)
			blocks = blocks == EXPLAIN_NONE ? n : blocks + n;
	}
	return blocks;
}

enum { ZONES_MAX = 4 };

static void zones_below(const struct explain_facts *facts, const struct by_place *all,
			struct str *out)
{
	const struct oom_report *report = facts->report;
	size_t n = 0;

	for (size_t i = 0; i < report->n_figures; i++) {
		const char *where = report->figures[i].where;
		if (!is_minimum(&report->figures[i]))
			continue;
		uint64_t free = figure_at(facts, all, where, "free");
		uint64_t min = figure_at(facts, all, where, "min");
		if (free >= min || n++ >= ZONES_MAX)
			continue;
		str_addf(out, "%s'%s' (%" PRIu64 "K free, min %" PRIu64 "K)",
			 n == 1 ? "Below the minimum of its zone: " : ", ", where, free / 1024,
			 min / 1024);
	}
	if (n > ZONES_MAX)
		str_addf(out, ", and %zu more zones", n - ZONES_MAX);
	str_add(out, n > 0 ? ".\n" : "");
}

static void zones_fragmented(const struct explain_facts *facts, const struct by_place *all,
			     struct str *out)
{
	const struct oom_report *report = facts->report;
	size_t n = 0;

	for (size_t i = 0; report->order > 0 && i < report->n_figures; i++) {
		const char *where = report->figures[i].where;
		if (!is_minimum(&report->figures[i]))
			continue;
		uint64_t free = figure_at(facts, all, where, "free");
		if (free == EXPLAIN_NONE || free < figure_at(facts, all, where, "min") ||
		    blocks_of_order(facts, all, where) != 0 || n++ >= ZONES_MAX)
			continue;
		str_addf(out,
			 "Zone '%s' had %s free, but no block of order %d or more: it was "
			 "fragmented.\n",
			 where, SIZE_TEXT(free), report->order);
	}
	if (n > ZONES_MAX)
		str_addf(out, "So were %zu more zones.\n", n - ZONES_MAX);
}

void explain_zones(const struct explain_facts *facts, struct str *out)
{
	struct by_place all = by_place_of(facts->report);

	zones_below(facts, &all, out);
	zones_fragmented(facts, &all, out);
	free(all.figures);
}
