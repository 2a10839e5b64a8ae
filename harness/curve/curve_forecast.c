/*
 * See curve_forecast.h. Between two corners everything is linear, so it is enough to look at both
 * ends; where the later one is above the limit, the moment is found by halving.
 */
#include "harness/curve/curve_forecast.h"

#include "workloads/layout.h"

enum { CLOSE_PERCENT = 2, ADJ_MOST = 1000 };
#define EXACT_NS 1000000ULL

uint64_t forecast_charge(const struct curve_role *role, uint64_t page_size, uint64_t t_ns)
{
	uint64_t bytes = curve_at(&role->curve, t_ns) + curve_leaked(&role->leak, t_ns);
	uint64_t pages = (bytes + page_size - 1) / page_size;

	return (pages + hog_table_pages(pages, page_size)) * page_size;
}

static uint64_t total(const struct curve_load_set *set, uint64_t base_bytes, uint64_t t_ns)
{
	uint64_t sum = base_bytes;

	for (size_t i = 0; i < set->n; i++)
		sum += forecast_charge(&set->roles[i], set->page_size, t_ns);
	return sum;
}

static uint64_t next_corner(const struct curve_load_set *set, uint64_t t_ns)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < set->n; i++) {
		uint64_t corner = curve_next_corner(&set->roles[i].curve, t_ns);
		next = corner < next ? corner : next;
	}
	return next;
}

/* As oom_badness() does in a group: pages, and a thousandth of the limit for each point of
 * oom_score_adj. */
static double points(const struct curve_load_set *set, size_t role, uint64_t t_ns)
{
	const struct curve_role *one = &set->roles[role];

	return (double)forecast_charge(one, set->page_size, t_ns) +
	       (double)one->adj * (double)set->limit_bytes / ADJ_MOST;
}

static void choose(const struct curve_load_set *set, uint64_t t_ns, struct forecast *ret)
{
	double most = points(set, 0, t_ns), next = -1e30;

	ret->who = 0;
	for (size_t i = 1; i < set->n; i++) {
		double its = points(set, i, t_ns);
		if (its > most) {
			next = most;
			most = its;
			ret->who = i;
		} else if (its > next) {
			next = its;
		}
	}
	ret->close = set->n > 1 && most - next < (double)set->limit_bytes / 100 * CLOSE_PERCENT;
}

/* low: fits, high: does not. */
static uint64_t halve(const struct curve_load_set *set, uint64_t base_bytes, uint64_t low,
		      uint64_t high)
{
	while (high - low > EXACT_NS) {
		uint64_t middle = low + (high - low) / 2;
		if (total(set, base_bytes, middle) > set->limit_bytes)
			high = middle;
		else
			low = middle;
	}
	return high;
}

static bool check(const struct curve_load_set *set, uint64_t base_bytes, uint64_t from_ns,
		  uint64_t t_ns, struct forecast *ret)
{
	uint64_t bytes = total(set, base_bytes, t_ns);

	if (bytes > set->limit_bytes) {
		ret->dies = true;
		ret->at_ns = halve(set, base_bytes, from_ns, t_ns);
		choose(set, ret->at_ns, ret);
		bytes = set->limit_bytes;
		t_ns = ret->at_ns;
	}
	if (bytes > ret->most_bytes) {
		ret->most_bytes = bytes;
		ret->most_at_ns = t_ns;
	}
	return ret->dies;
}

void forecast_make(const struct curve_load_set *set, uint64_t base_bytes, uint64_t horizon_ns,
		   struct forecast *ret)
{
	*ret = (struct forecast){0};
	for (uint64_t t = 0; t < horizon_ns;) {
		uint64_t next = next_corner(set, t);
		uint64_t end = next < horizon_ns ? next : horizon_ns;

		/* A curve may jump where it begins again: both sides of a corner count. */
		if (check(set, base_bytes, t, t, ret) || check(set, base_bytes, t, end - 1, ret))
			return;
		t = end;
	}
}
