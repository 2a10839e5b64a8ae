/*
 * The kernel's badness rules by generation, and which generation a kernel is by its version. The
 * arithmetic that follows the rules is in badness.c, the choice in badness_choice.c.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "harness/oomlog/badness.h"

/* clang-format off: one row a generation, what changed it above */
#define ROW(gen, text) .generation = BADNESS_##gen, .name = text
#define LOGIC(s, r, t) .scale = BADNESS_##s, .root = BADNESS_ROOT_##r, .tables = BADNESS_##t
#define TIES(g, m)     .tie_global = BADNESS_##g, .tie_memcg = BADNESS_##m
#define CHILD(c)       .child = BADNESS_##c
#define ORIGIN(o)      .origin = BADNESS_ORIGIN_##o

static const struct badness_rules table[BADNESS_GENERATIONS] = {
	/* badness() by total_vm, CPU time, run time, nice; PF_SWAPOFF is taken at once */
	{ROW(2_6_9, "2.6.9 to 2.6.10"), LOGIC(RAW, QUARTER, NO_TABLES), TIES(FIRST, FIRST),
	 CHILD(NO_CHILD), ORIGIN(TOP), .zero_is_never = true},
	/* children count whole and the first one dies instead; /proc/PID/oom_adj */
	{ROW(2_6_11, "2.6.11 to 2.6.17"), LOGIC(RAW, QUARTER, NO_TABLES), TIES(FIRST, FIRST),
	 CHILD(FIRST_CHILD), ORIGIN(TOP), .children = true},
	/* 9827b781f208: half of each child, + 1 */
	{ROW(2_6_18, "2.6.18 to 2.6.19"), LOGIC(RAW, QUARTER, NO_TABLES), TIES(FIRST, FIRST),
	 CHILD(FIRST_CHILD), ORIGIN(TOP), .children = true},
	/* a task of other nodes is no longer passed over: an eighth of its points */
	{ROW(2_6_20, "2.6.20 to 2.6.21"), LOGIC(RAW, QUARTER, NO_TABLES), TIES(FIRST, FIRST),
	 CHILD(FIRST_CHILD), ORIGIN(TOP), .children = true, .nodes_eighth = true},
	/* oom_adj > 0 shifts at least one point */
	{ROW(2_6_22, "2.6.22 to 2.6.35"), LOGIC(RAW, QUARTER, NO_TABLES), TIES(FIRST, FIRST),
	 CHILD(FIRST_CHILD), ORIGIN(TOP), .children = true, .nodes_eighth = true,
	 .adj_needs_one = true},
	/* a63d83f427fb: the rewrite, 0 to 1000; the highest child dies instead */
	{ROW(2_6_36, "2.6.36 to 2.6.38"), LOGIC(PERMILLE, 30_PERMILLE, NO_TABLES),
	 TIES(FIRST, FIRST), CHILD(WORST_CHILD), ORIGIN(TOP), .clamp = true, .recomputable = true},
	/* f755a042: + nr_ptes, and the sum times 1000 in an int */
	{ROW(2_6_39, "2.6.39 to 3.1"), LOGIC(PERMILLE, 30_PERMILLE, PTES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(TOP), .clamp = true, .int32 = true, .recomputable = true},
	/* ff05b6f7ae76: a long */
	{ROW(3_2, "3.2 to 3.4"), LOGIC(PERMILLE, 30_PERMILLE, PTES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(ADJ), .clamp = true, .recomputable = true},
	/* a7f638f999ff: pages; per mille for people alone */
	{ROW(3_5, "3.5 to 3.7"), LOGIC(IN_PAGES, 3_OF_TOTAL, PTES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(ADJ), .clamp = true, .recomputable = true},
	/* an origin task is chosen in the scan, before badness */
	{ROW(3_8, "3.8 to 3.13"), LOGIC(IN_PAGES, 3_OF_TOTAL, PTES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* 778c14affaf9: root's bonus is of what it uses. Ties by >=, but a chosen leader stays */
	{ROW(3_14, "3.14 to 3.19"), LOGIC(IN_PAGES, 3_OF_OWN, PTES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* dc6c9a35b66b: + nr_pmds */
	{ROW(4_0, "4.0 to 4.6"), LOGIC(IN_PAGES, 3_OF_OWN, PTES_PMDS), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* f44666b04605: the global scan forgets about leaders */
	{ROW(4_7, "4.7 to 4.8"), LOGIC(IN_PAGES, 3_OF_OWN, PTES_PMDS), TIES(LAST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* 7c5f64f84483: and knows them again */
	{ROW(4_9, "4.9 to 4.14"), LOGIC(IN_PAGES, 3_OF_OWN, PTES_PMDS), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* af5b0f6a09e4: pgtables_bytes, PUDs included */
	{ROW(4_15, "4.15 to 4.16"), LOGIC(IN_PAGES, 3_OF_OWN, ALL_TABLES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* d46078b28889: no root bonus */
	{ROW(4_17, "4.17 to 5.0"), LOGIC(IN_PAGES, NONE, ALL_TABLES), TIES(FIRST, FIRST),
	 CHILD(WORST_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* bbbe48029720: no child sacrifice */
	{ROW(5_1, "5.1 to 5.2"), LOGIC(IN_PAGES, NONE, ALL_TABLES), TIES(FIRST, FIRST),
	 CHILD(NO_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* "use CSS_TASK_ITER_PROCS", June 2019: no leader rule */
	{ROW(5_3, "5.3 to 5.8"), LOGIC(IN_PAGES, NONE, ALL_TABLES), TIES(LAST, LAST),
	 CHILD(NO_CHILD), ORIGIN(BEFORE), .clamp = true, .recomputable = true},
	/* 9066e5cfb73c: a signed long, LONG_MIN for never */
	{ROW(5_9, "5.9 on"), LOGIC(IN_PAGES, NONE, ALL_TABLES), TIES(LAST, LAST), CHILD(NO_CHILD),
	 ORIGIN(BEFORE), .recomputable = true},
};
/* clang-format on */

struct version {
	uint32_t v[3];
};

static const struct version since[BADNESS_GENERATIONS] = {
	{{0}},	      {{2, 6, 11}}, {{2, 6, 18}}, {{2, 6, 20}}, {{2, 6, 22}},
	{{2, 6, 36}}, {{2, 6, 39}}, {{3, 2}},	  {{3, 5}},	{{3, 8}},
	{{3, 14}},    {{4, 0}},	    {{4, 7}},	  {{4, 9}},	{{4, 15}},
	{{4, 17}},    {{5, 1}},	    {{5, 3}},	  {{5, 9}},
};

/* Backports that the number hides: a series from a patch level on, or a vendor's mark. */
static const struct {
	const char *mark; /* in the release; NULL: any */
	struct version from;
	enum badness_generation generation;
} backports[] = {
	{NULL, {{3, 10, 33}}, BADNESS_3_14}, /* 778c14affaf9, seen in 3.10.33 */
	{NULL, {{3, 13, 10}}, BADNESS_3_14}, /* seen in 3.13.10 */
	{".el7", {{3, 10, 0}}, BADNESS_3_14},
	{".el6", {{2, 6, 32}}, BADNESS_2_6_36}, /* the rewrite, without page tables */
};

static int compare(const struct version *a, const struct version *b)
{
	for (size_t i = 0; i < 3; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

/* Reads "5.10.3" from the start of *text and moves it behind; needs two numbers. */
static bool read_version(const char **text, struct version *ret)
{
	enum { VERSION_MAX = 1000000 }; /* more is no version, and must not overflow */
	const char *s = *text;
	size_t n = 0;

	*ret = (struct version){{0}};
	while (n < 3 && *s >= '0' && *s <= '9') {
		for (; *s >= '0' && *s <= '9'; s++) {
			ret->v[n] = ret->v[n] * 10 + (uint32_t)(*s - '0');
			if (ret->v[n] > VERSION_MAX)
				return false;
		}
		n++;
		if (n == 3 || s[0] != '.' || s[1] < '0' || s[1] > '9')
			break;
		s++;
	}
	*text = s;
	return n >= 2;
}

static enum badness_generation by_number(const struct version *version)
{
	size_t i = BADNESS_GENERATIONS - 1;

	while (i > 0 && compare(version, &since[i]) < 0)
		i--;
	return (enum badness_generation)i;
}

int badness_generation(const char *version, enum badness_generation *ret, struct err *err)
{
	const char *rest = version;
	struct version number;

	if (!read_version(&rest, &number))
		return err_set(err, EINVAL, "'%s' is no kernel version such as 5.10 or 4.18.0-553",
			       version);
	for (size_t i = 0; i < sizeof(backports) / sizeof(*backports); i++) {
		const struct version *from = &backports[i].from;

		if (number.v[0] == from->v[0] && number.v[1] == from->v[1] &&
		    number.v[2] >= from->v[2] &&
		    (!backports[i].mark || strstr(rest, backports[i].mark))) {
			*ret = backports[i].generation;
			return 0;
		}
	}
	*ret = by_number(&number);
	return 0;
}

/* What may follow the first version of a range: nothing, "+", "on", or a second one. */
static bool range_end(const char *rest, const struct version *first)
{
	static const char *const until[] = {" to ", "-", "..", NULL};
	struct version last;

	if (*rest == '\0' || str_eq(rest, "+") || str_eq(rest, " on"))
		return true;
	for (size_t i = 0; until[i]; i++) {
		if (!str_starts(rest, until[i]))
			continue;
		rest += strlen(until[i]);
		return read_version(&rest, &last) && *rest == '\0' && compare(first, &last) <= 0;
	}
	return false;
}

int badness_generation_parse(const char *text, enum badness_generation *ret, struct err *err)
{
	const char *rest = text;
	struct version first;

	if (!read_version(&rest, &first) || !range_end(rest, &first))
		return err_set(err, EINVAL,
			       "'%s' is no generation: give a kernel version such as 4.18, 5.9+ or "
			       "3.14-3.19",
			       text);
	*ret = by_number(&first);
	return 0;
}

const struct badness_rules *badness_rules(enum badness_generation generation)
{
	return &table[generation < BADNESS_GENERATIONS ? generation : BADNESS_5_9];
}

const char *const *badness_generation_names(void)
{
	static const char *const names[] = {
		"2.6.9 to 2.6.10",  "2.6.11 to 2.6.17", "2.6.18 to 2.6.19", "2.6.20 to 2.6.21",
		"2.6.22 to 2.6.35", "2.6.36 to 2.6.38", "2.6.39 to 3.1",    "3.2 to 3.4",
		"3.5 to 3.7",	    "3.8 to 3.13",	"3.14 to 3.19",	    "4.0 to 4.6",
		"4.7 to 4.8",	    "4.9 to 4.14",	"4.15 to 4.16",	    "4.17 to 5.0",
		"5.1 to 5.2",	    "5.3 to 5.8",	"5.9 on",	    NULL,
	};

	return names;
}

enum badness_counters badness_counters(const char *version)
{
	static const struct version threads = {{2, 6, 34}}, cpus = {{6, 2}}, sums = {{7, 0}};
	struct version number;

	if (!read_version(&version, &number))
		return BADNESS_PER_THREAD;
	if (compare(&number, &threads) < 0 || compare(&number, &sums) >= 0)
		return BADNESS_EXACT;
	return compare(&number, &cpus) < 0 ? BADNESS_PER_THREAD : BADNESS_PER_CPU;
}

uint64_t badness_counter_error(enum badness_counters counters, uint64_t cpus, uint64_t threads)
{
	enum { COUNTERS = 4, CACHE = 64, MIN_BATCH = 32 }; /* file, anon, shmem, swap */
	enum { MANY_CPUS = 64, MANY_THREADS = 16, MOST = 1 << 20 };
	uint64_t batch;

	if (counters == BADNESS_EXACT)
		return 0;
	if (counters == BADNESS_PER_THREAD) {
		threads = threads ? threads : MANY_THREADS;
		return (threads < MOST ? threads : MOST) * CACHE;
	}
	cpus = cpus ? cpus : MANY_CPUS;
	cpus = cpus < MOST ? cpus : MOST;
	batch = 2 * cpus < MIN_BATCH ? MIN_BATCH : 2 * cpus;
	return COUNTERS * batch * cpus;
}
