/*
 * Audit: what a report tells about T (ram and swap, or a limit), and which rules fit it. Vendors
 * backport, so the version only orders the generations that the columns of the table allow; the
 * printed score decides.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/oomlog/audit.h"

/* Pages that no machine exceeds: bounds of T, and room for products with it. */
static const uint64_t most_pages = UINT64_C(1) << 44;

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- T -------------------------------------------------------------------------------------- */

/* A figure of the machine (where "") or of the memory cgroup (its path), in pages. */
static bool pages_of(const struct audit_work *work, const char *name, bool memcg, uint64_t *ret)
{
	const struct oom_report *report = work->report;
	uint64_t bytes;

	for (size_t i = 0; i < report->n_figures; i++) {
		const struct oom_figure *figure = &report->figures[i];

		if ((figure->where[0] != '\0') != memcg || !str_eq(figure->name, name))
			continue;
		if (!oom_bytes(report, &figure->value, &bytes))
			return false;
		*ret = least(bytes / work->page_size, most_pages);
		return true;
	}
	return false;
}

/* Limits that nobody has set are printed as LONG_MAX or ULONG_MAX bytes, in kB. */
static uint64_t limit_of(const struct audit_work *work, const char *name)
{
	uint64_t pages;

	if (!pages_of(work, name, true, &pages) || pages == most_pages)
		return UINT64_MAX;
	return pages;
}

static bool swap_of_host(const struct audit_work *work, uint64_t *ret)
{
	if (pages_of(work, "Total swap", false, ret))
		return true;
	*ret = least(work->options->total_swap_pages, most_pages);
	return work->options->total_swap_pages != UINT64_MAX;
}

/* The group's swappiness is not printed: without swap, at most with all that may be used. */
static void total_of_memcg(struct audit_work *work)
{
	uint64_t limit = limit_of(work, "limit"), memsw, swap_max, swap;

	if (limit == UINT64_MAX)
		return;
	memsw = limit_of(work, "memory+swap limit");
	swap_max = limit_of(work, "swap limit");
	if (!swap_of_host(work, &swap))
		swap = most_pages;
	work->total.low = badness_total_memcg(limit, memsw, swap_max, 0, 0, true);
	work->total.high =
		least(badness_total_memcg(limit, memsw, swap_max, swap, 0, true), most_pages);
	work->total.from =
		work->total.low == work->total.high ? "limit" : "limit, host's swap not known";
}

/* Whether a list such as "0-1,3" holds this node. */
static bool in_list(const char *list, unsigned long node)
{
	for (const char *at = list; *at >= '0' && *at <= '9';) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (node >= first && node <= last)
			return true;
		at = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* Of the zones of those nodes that the allocation was bound to; 0: the report does not tell. */
static uint64_t present_pages(const struct audit_work *work)
{
	const struct oom_report *report = work->report;
	const char *nodes = report->scope == OOM_CPUSET ? report->mems_allowed : report->nodemask;
	uint64_t page = report->page_size ? report->page_size : 4096, pages = 0, bytes;

	for (size_t i = 0; i < report->n_figures; i++) {
		const struct oom_figure *figure = &report->figures[i];
		char *zone;
		if (!str_eq(figure->name, "present") || !str_starts(figure->where, "Node ") ||
		    !oom_bytes(report, &figure->value, &bytes))
			continue;
		unsigned long node = strtoul(figure->where + strlen("Node "), &zone, 10);
		if (*zone == ' ' && in_list(nodes, node) &&
		    __builtin_add_overflow(pages, bytes / page, &pages))
			return 0;
	}
	return least(pages, most_pages);
}

static void total_of_machine(struct audit_work *work)
{
	uint64_t ram, reserved, swap;

	/* the second of each: ARM up to 3.x */
	if (!pages_of(work, "pages RAM", false, &ram) &&
	    !pages_of(work, "pages of RAM", false, &ram))
		return;
	if (!pages_of(work, "pages reserved", false, &reserved) &&
	    !pages_of(work, "reserved pages", false, &reserved))
		return;
	if (reserved >= ram)
		return;
	work->total.from = "Mem-Info";
	if (!swap_of_host(work, &swap)) {
		work->total.from = "Mem-Info, swap not known";
		swap = 0;
	} else {
		work->total.high = ram - reserved + swap;
	}
	work->total.low = ram - reserved + swap;
	/* Nodes of a policy or cpuset are a part of it; swap is all of it. From 5.4 on it is their
	 * present pages, before it what they span, which is no less. */
	if (work->report->scope == OOM_CPUSET || work->report->scope == OOM_MEMPOLICY) {
		uint64_t present = present_pages(work);
		work->total.low = present + swap ? present + swap : 1;
		work->total.from =
			present ? "zones of the allowed nodes" : "Mem-Info, nodes' share not known";
		if (work->total.high < work->total.low)
			work->total.high = work->total.low;
	}
}

void audit_find_total(struct audit_work *work)
{
	work->total = (struct audit_total){1, most_pages, NULL};
	if (work->memcg)
		total_of_memcg(work);
	else
		total_of_machine(work);
}

/* ---- the printed score ---------------------------------------------------------------------- */

/* A way to read the report: rules, root's bonus or not, T. */
struct variant {
	const struct badness_rules *rules;
	int privileged;
	uint64_t total;
};

static int64_t score_of(const struct audit_work *work, const struct variant *variant)
{
	struct badness_task task = audit_row(work, work->chosen, variant->privileged);

	return badness_printed_score(variant->rules,
				     badness_points(variant->rules, &task, variant->total),
				     variant->total);
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* The T in the bounds with which the score comes out: about 1000 * pages / (score - adj), and as
 * adj is weighed by whole thousandths, the exact one is looked for. It falls with T. */
static bool solve(const struct audit_work *work, struct variant *variant, uint64_t *ret_high)
{
	int64_t score = work->ret->printed_score;
	uint64_t low = work->total.low, high = work->total.high, first;

	variant->total = high;
	if (score_of(work, variant) > score)
		return false;
	while (low < high) { /* the least T that does not give more */
		variant->total = low + (high - low) / 2;
		if (score_of(work, variant) > score)
			low = variant->total + 1;
		else
			high = variant->total;
	}
	first = low;
	high = work->total.high;
	while (low < high) { /* the largest T that does not give less */
		variant->total = low + (high - low + 1) / 2;
		if (score_of(work, variant) < score)
			high = variant->total - 1;
		else
			low = variant->total;
	}
	*ret_high = low;
	variant->total = first;
	return score_of(work, variant) == score;
}

/* Tries the named totals, nearest score first; then any. */
static uint64_t try_variant(struct audit_work *work, struct variant *variant,
			    struct audit_total *ret)
{
	uint64_t totals[] = {work->total.high, work->total.low}, best = UINT64_MAX, high;
	size_t n = work->total.low == work->total.high ? 1 : 2;

	*ret = work->total;
	for (size_t i = 0; i < n; i++) {
		uint64_t off;

		variant->total = totals[i];
		off = distance(score_of(work, variant), work->ret->printed_score);
		if (off == 0) {
			*ret = (struct audit_total){totals[i], totals[i], work->total.from};
			if (n > 1) /* which of both, the score tells */
				ret->from = "limit and score";
			return 0;
		}
		best = least(best, off);
	}
	if (n == 2 && solve(work, variant, &high)) {
		*ret = (struct audit_total){variant->total, high, "solved from the score"};
		return 0;
	}
	return best;
}

/* Fits rules, root's bonus and T to the printed score; where nothing gives it exactly, the nearest.
 * Exact with a T that the report names goes before one that is solved. */
static void fit_score(struct audit_work *work, enum badness_generation *ret, size_t n)
{
	uint64_t best = UINT64_MAX;
	size_t chosen = 0;
	struct audit_total total = work->total;

	for (size_t i = 0; i < n; i++) {
		struct variant variant = {.rules = badness_rules(ret[i])};
		int most = variant.rules->root != BADNESS_ROOT_NONE && work->chosen->uid == 0;

		for (int privileged = most; privileged >= 0; privileged--) {
			struct audit_total found;
			uint64_t off;

			variant.privileged = privileged;
			off = try_variant(work, &variant, &found);
			/* twice and 1 more: a solved T is second to a named one */
			off = off > UINT64_MAX / 4 ? UINT64_MAX - 1 : 2 * off;
			off += off == 0 && work->total.low != work->total.high &&
			       found.low != found.high;
			if (off >= best)
				continue;
			best = off;
			chosen = i;
			total = found;
			if (most)
				work->root = privileged;
		}
	}
	if (best > 1) { /* no fit: nothing is known of root */
		work->root = -1;
	} else {
		enum badness_generation fitted = ret[chosen];

		work->total = total;
		work->ret->fitted = true;
		work->ret->root_bonus = work->root > 0;
		for (size_t i = chosen; i > 0; i--)
			ret[i] = ret[i - 1];
		ret[0] = fitted;
	}
}

/* ---- generations ---------------------------------------------------------------------------- */

/* By columns, the most telling first. */
static const struct {
	uint32_t columns; /* all of these */
	enum badness_generation first, last;
	bool oldest; /* without a version the oldest is the likeliest: RHEL 6 */
} layouts[] = {
#define COL(name) (UINT32_C(1) << OOM_COL_##name)
	{COL(RSS_ANON) | COL(PGTABLES_BYTES), BADNESS_5_9, BADNESS_5_9, false}, /* 6.8 */
	{COL(PGTABLES_BYTES), BADNESS_4_15, BADNESS_5_9, false},
	{COL(NR_PMDS), BADNESS_4_0, BADNESS_4_9, false},
	{COL(NR_PTES), BADNESS_3_5, BADNESS_3_14, false},
	{COL(OOM_ADJ) | COL(OOM_SCORE_ADJ), BADNESS_2_6_36, BADNESS_3_5, true},
	{COL(OOM_ADJ), BADNESS_2_6_9, BADNESS_2_6_22, false},
	{0, BADNESS_2_6_36, BADNESS_5_9, false},
#undef COL
};

/* From the version's own generation upwards, since backports go down, as far as the columns allow;
 * without a version the newest first. A printed score is of 5.0 or before. */
static size_t allowed(const struct audit_work *work, enum badness_generation *ret)
{
	enum badness_generation by_version = BADNESS_5_9, first, last;
	struct err err = ERR_INIT;
	bool versioned = badness_generation(work->report->kernel, &by_version, &err) == 0;
	size_t i = 0, n = 0;

	if (work->options->force || !work->report->columns) {
		ret[0] = work->options->force ? work->options->generation : by_version;
		return work->options->force || versioned;
	}
	while ((work->report->columns & layouts[i].columns) != layouts[i].columns)
		i++;
	first = layouts[i].first;
	last = layouts[i].last;
	if (work->ret->printed_score != INT64_MIN && last > BADNESS_4_17)
		last = first > BADNESS_4_17 ? last : BADNESS_4_17;
	work->ret->fitted = !versioned || by_version < first || by_version > last;
	if (!versioned && !layouts[i].oldest) {
		for (enum badness_generation g = last + 1; g-- > first;)
			ret[n++] = g;
		return n;
	}
	if (!versioned)
		by_version = first;
	if (by_version > last)
		by_version = last;
	for (enum badness_generation g = first; g <= last; g++)
		if (g >= by_version)
			ret[n++] = g;
	return n;
}

size_t audit_fit(struct audit_work *work, enum badness_generation ret[BADNESS_GENERATIONS])
{
	size_t n = allowed(work, ret);

	if (n && work->chosen && work->ret->printed_score > 0 && !work->report->allocating_task &&
	    badness_rules(ret[0])->recomputable)
		fit_score(work, ret, n);
	return n;
}

/* Whether ranks depend on T: not when all weigh the same. Before 5.9 negative ones are clamped. */
bool audit_needs_total(const struct audit_work *work)
{
	const struct badness_rules *rules = work->rules;
	bool seen = false;
	int adj = 0;

	if (rules->scale != BADNESS_IN_PAGES || rules->root == BADNESS_ROOT_3_OF_TOTAL)
		return true;
	for (size_t i = 0; i < work->report->n_tasks; i++) {
		const struct oom_task *row = &work->report->tasks[i];

		if (!audit_eligible(work, row))
			continue;
		if ((seen && row->oom_score_adj != adj) || (rules->clamp && row->oom_score_adj < 0))
			return true;
		seen = true;
		adj = row->oom_score_adj;
	}
	return false;
}
