/*
 * The choice among tasks: ties by generation, errors, children, swapoff; random groups against a
 * scan written out as the kernel's, and the turning oom_score_adj against all 2001 values.
 */
#include <check.h>
#include <stdlib.h>

#include "harness/oomlog/badness.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { TOTAL = 100000 };

static struct badness_choice choose(enum badness_generation generation,
				    const struct badness_task *tasks, size_t n, bool memcg,
				    bool order_known)
{
	struct badness_choice choice;

	badness_choose(badness_rules(generation), tasks, n, TOTAL, memcg, order_known, &choice);
	return choice;
}

START_TEST(the_highest_is_chosen)
{
	struct badness_task tasks[] = {
		{.pid = 1, .rss_pages = 9000, .unkillable = true},
		{.pid = 10, .rss_pages = 500},
		{.pid = 11, .rss_pages = 700},
		{.pid = 12, .rss_pages = 8000, .oom_score_adj = -1000},
		{.pid = 13, .rss_pages = 620},
	};
	struct badness_choice choice = choose(BADNESS_5_9, tasks, COUNT(tasks), false, true);

	ck_assert_uint_eq(choice.victim, 2);
	ck_assert_uint_eq(choice.runner_up, 4);
	ck_assert_int_eq(choice.points, 700);
	ck_assert_int_eq(choice.margin, 80);
	ck_assert_int_eq(choice.sure, BADNESS_CERTAIN);
	ck_assert_uint_eq(choice.n_ties, 1);
	ck_assert_uint_eq(choice.n_within, 1);
	ck_assert_uint_eq(choice.child, SIZE_MAX);
}
END_TEST

START_TEST(nobody_and_one)
{
	struct badness_task task = {.rss_pages = 5, .oom_score_adj = -1000};
	struct badness_choice choice = choose(BADNESS_5_9, &task, 1, false, false);

	ck_assert_int_eq(choice.sure, BADNESS_NOBODY);
	ck_assert_uint_eq(choice.victim, SIZE_MAX);
	choice = choose(BADNESS_5_9, NULL, 0, false, false);
	ck_assert_int_eq(choice.sure, BADNESS_NOBODY);
	task.oom_score_adj = 0;
	choice = choose(BADNESS_5_9, &task, 1, false, false);
	ck_assert_int_eq(choice.sure, BADNESS_CERTAIN);
	ck_assert_uint_eq(choice.runner_up, SIZE_MAX);
}
END_TEST

START_TEST(ties_by_generation)
{
	static const struct {
		enum badness_generation generation;
		size_t global, memcg;
	} cases[] = {
		{BADNESS_2_6_9, 0, 0}, {BADNESS_2_6_22, 0, 0}, {BADNESS_2_6_36, 0, 0},
		{BADNESS_3_8, 0, 0},   {BADNESS_3_14, 0, 0},   {BADNESS_4_0, 0, 0},
		{BADNESS_4_7, 2, 0},   {BADNESS_4_9, 0, 0},    {BADNESS_4_17, 0, 0},
		{BADNESS_5_1, 0, 0},   {BADNESS_5_3, 2, 2},    {BADNESS_5_9, 2, 2},
	};
	struct badness_task tasks[3];

	for (size_t i = 0; i < 3; i++)
		tasks[i] =
			(struct badness_task){.rss_pages = 500, .total_vm_pages = 500, .order = i};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct badness_choice choice = choose(cases[i].generation, tasks, 3, false, true);

		ck_assert_uint_eq(choice.victim, cases[i].global);
		ck_assert_int_eq(choice.sure, BADNESS_CERTAIN);
		ck_assert_uint_eq(choice.n_ties, 3);
		ck_assert_int_eq(choice.margin, 0);
		choice = choose(cases[i].generation, tasks, 3, true, false);
		ck_assert_uint_eq(choice.victim, cases[i].memcg);
		ck_assert_int_eq(choice.sure, BADNESS_TIED);
	}
	/* the scan's order, not that of the array */
	tasks[0].order = 7;
	ck_assert_uint_eq(choose(BADNESS_5_9, tasks, 3, true, true).victim, 0);
	ck_assert_uint_eq(choose(BADNESS_4_9, tasks, 3, true, true).victim, 1);
}
END_TEST

/* 21 containers at -998 before 5.9: each is at 1 point, and the first one scanned dies. */
START_TEST(clamped_tasks_are_equals)
{
	struct badness_task tasks[21];

	for (size_t i = 0; i < COUNT(tasks); i++)
		tasks[i] = (struct badness_task){
			.rss_pages = 1 + i * 4, .oom_score_adj = -998, .order = i};
	ck_assert_uint_eq(choose(BADNESS_4_17, tasks, COUNT(tasks), false, true).victim, 0);
	ck_assert_uint_eq(choose(BADNESS_4_17, tasks, COUNT(tasks), false, true).n_ties, 21);
	ck_assert_uint_eq(choose(BADNESS_5_9, tasks, COUNT(tasks), false, true).victim, 20);
	ck_assert_uint_eq(choose(BADNESS_5_9, tasks, COUNT(tasks), false, true).n_ties, 1);
}
END_TEST

START_TEST(errors_make_it_undecidable)
{
	struct badness_task tasks[] = {
		{.rss_pages = 1000, .error_pages = 100},
		{.rss_pages = 800, .error_pages = 100},
		{.rss_pages = 700, .error_pages = 100},
	};
	const struct badness_rules *rules = badness_rules(BADNESS_5_9);
	struct badness_choice choice = choose(BADNESS_5_9, tasks, 3, false, true);

	/* 900 and 900 meet; 800 does not reach */
	ck_assert_int_eq(choice.sure, BADNESS_WITHIN_ERROR);
	ck_assert_uint_eq(choice.n_within, 2);
	ck_assert_int_eq(choice.margin, 200);
	ck_assert_uint_eq(choice.error, 200);
	ck_assert(badness_possible(rules, tasks, 3, TOTAL, 0));
	ck_assert(badness_possible(rules, tasks, 3, TOTAL, 1));
	ck_assert(!badness_possible(rules, tasks, 3, TOTAL, 2));
	ck_assert(!badness_possible(rules, tasks, 3, TOTAL, 3));
	tasks[1].rss_pages = 799;
	choice = choose(BADNESS_5_9, tasks, 3, false, true);
	ck_assert_int_eq(choice.sure, BADNESS_CERTAIN);
	ck_assert_uint_eq(choice.n_within, 1);
	ck_assert(!badness_possible(rules, tasks, 3, TOTAL, 1));
	/* a counter is never read below 0 */
	tasks[0] = (struct badness_task){.rss_pages = 10, .swap_pages = 5, .error_pages = 100};
	choice = choose(BADNESS_5_9, tasks, 1, false, true);
	ck_assert_uint_eq(choice.error, 15);
}
END_TEST

START_TEST(a_child_dies_instead)
{
	struct badness_task tasks[] = {
		{.tgid = 10, .ppid = 1, .rss_pages = 900, .total_vm_pages = 900, .mm = 1},
		{.tgid = 20, .ppid = 10, .rss_pages = 800, .total_vm_pages = 800, .mm = 1},
		{.tgid = 21, .ppid = 10, .rss_pages = 2, .total_vm_pages = 2},
		{.tgid = 22, .ppid = 10, .rss_pages = 5, .total_vm_pages = 5},
		{.tgid = 23, .ppid = 10, .rss_pages = 5, .total_vm_pages = 5},
		{.tgid = 24, .ppid = 10, .rss_pages = 99, .oom_score_adj = -1000, .oom_adj = -17},
		{.tgid = 25, .ppid = 21, .rss_pages = 600, .total_vm_pages = 600},
	};
	static const struct {
		enum badness_generation generation;
		size_t child;
	} cases[] = {
		{BADNESS_2_6_9, SIZE_MAX}, {BADNESS_2_6_11, 2}, {BADNESS_2_6_22, 2},
		{BADNESS_3_14, 3},	   {BADNESS_4_17, 3},	{BADNESS_5_1, SIZE_MAX},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct badness_choice choice =
			choose(cases[i].generation, tasks, COUNT(tasks), false, false);

		ck_assert_uint_eq(choice.victim, 0);
		ck_assert_uint_eq(choice.child, cases[i].child);
	}
}
END_TEST

START_TEST(who_swaps_off_goes_first)
{
	struct badness_task tasks[] = {
		{.rss_pages = 9000, .total_vm_pages = 9000},
		{.rss_pages = 1, .total_vm_pages = 1, .origin = true, .oom_score_adj = -1000},
		{.rss_pages = 1, .total_vm_pages = 1, .origin = true},
		{.rss_pages = 1, .total_vm_pages = 1},
	};

	ck_assert_uint_eq(choose(BADNESS_2_6_18, tasks, 4, false, true).victim, 1);
	tasks[1].oom_adj = -17;
	ck_assert_uint_eq(choose(BADNESS_2_6_22, tasks, 4, false, true).victim, 2);
	ck_assert_uint_eq(choose(BADNESS_2_6_36, tasks, 4, false, true).victim, 2);
	ck_assert_uint_eq(choose(BADNESS_3_5, tasks, 4, false, true).victim, 0);
	/* each later one overrides, protected or not */
	ck_assert_uint_eq(choose(BADNESS_3_8, tasks, 4, false, true).victim, 2);
	tasks[2].origin = false;
	ck_assert_uint_eq(choose(BADNESS_5_9, tasks, 4, false, true).victim, 1);
}
END_TEST

/* ---- random groups -------------------------------------------------------------------------- */

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void fill(struct badness_task *tasks, size_t n, uint64_t *seed)
{
	static const int adjs[] = {0, 0, 0, 100, -100, 998, -998, -1000};

	for (size_t i = 0; i < n; i++)
		tasks[i] = (struct badness_task){
			.pid = (int64_t)i + 2,
			.tgid = (int64_t)i + 2,
			.ppid = 1,
			.rss_pages = next(seed) % 8 * (next(seed) % 3 ? 1 : 9000),
			.swap_pages = next(seed) % 3,
			.table_pages = next(seed) % 4,
			.total_vm_pages = next(seed) % 5000,
			.cpu_units = next(seed) % 20,
			.run_units = next(seed) % 50,
			.oom_score_adj = adjs[next(seed) % COUNT(adjs)],
			.oom_adj = (int)(next(seed) % 33) - 17,
			.privileged = (int)(next(seed) % 2),
			.unkillable = next(seed) % 10 == 0,
			.order = next(seed) % 1000 * 100 + i, /* no two alike */
		};
}

static int by_order(const void *a, const void *b)
{
	const struct badness_task *const *left = a, *const *right = b;

	return ((*left)->order > (*right)->order) - ((*left)->order < (*right)->order);
}

/* The kernel's loop: in the order of the scan, '>' or '>='. */
static const struct badness_task *scan(const struct badness_rules *rules,
				       const struct badness_task *tasks, size_t n, bool memcg)
{
	const struct badness_task *order[16], *chosen = NULL;
	bool last = (memcg ? rules->tie_memcg : rules->tie_global) == BADNESS_LAST;
	int64_t most = BADNESS_NEVER;

	for (size_t i = 0; i < n; i++)
		order[i] = &tasks[i];
	qsort(order, n, sizeof(*order), by_order);
	for (size_t i = 0; i < n; i++) {
		int64_t points = badness_points(rules, order[i], TOTAL);

		if (points == BADNESS_NEVER)
			continue;
		if (!chosen || points > most || (last && points == most)) {
			chosen = order[i];
			most = points;
		}
	}
	return chosen;
}

START_TEST(random_groups_as_the_kernel_scans_them)
{
	uint64_t seed = (uint64_t)_i + 1;
	const struct badness_rules *rules = badness_rules((enum badness_generation)_i);
	struct badness_task tasks[16];

	for (size_t round = 0; round < 3000; round++) {
		size_t n = next(&seed) % (COUNT(tasks) + 1);
		bool memcg = next(&seed) % 2;
		const struct badness_task *expected;
		struct badness_choice choice;

		fill(tasks, n, &seed);
		expected = scan(rules, tasks, n, memcg);
		badness_choose(rules, tasks, n, TOTAL, memcg, true, &choice);
		ck_assert_int_eq(choice.sure, expected ? BADNESS_CERTAIN : BADNESS_NOBODY);
		ck_assert_uint_eq(choice.victim, expected ? (size_t)(expected - tasks) : SIZE_MAX);
		if (expected)
			ck_assert(badness_possible(rules, tasks, n, TOTAL, choice.victim));
	}
}
END_TEST

static bool is_chosen(const struct badness_rules *rules, struct badness_task *tasks, size_t n,
		      bool memcg, size_t i, int adj)
{
	struct badness_task kept = tasks[i];
	struct badness_choice choice;

	tasks[i].oom_score_adj = tasks[i].oom_adj = adj;
	badness_choose(rules, tasks, n, TOTAL, memcg, true, &choice);
	tasks[i] = kept;
	return choice.victim == i;
}

/* The answer by trying every value. */
static bool try_all(const struct badness_rules *rules, struct badness_task *tasks, size_t n,
		    bool memcg, size_t i, int *ret)
{
	bool raw = rules->scale == BADNESS_RAW;
	int least = raw ? -17 : -1000, most = raw ? 15 : 1000;
	bool now = is_chosen(rules, tasks, n, memcg, i,
			     raw ? tasks[i].oom_adj : tasks[i].oom_score_adj);

	for (int k = 0; k <= most - least; k++) {
		int adj = now ? most - k : least + k;

		if (is_chosen(rules, tasks, n, memcg, i, adj) != now) {
			*ret = adj;
			return true;
		}
	}
	return false;
}

START_TEST(turning_adj_is_that_of_trying_all)
{
	uint64_t seed = (uint64_t)_i + 99;
	const struct badness_rules *rules = badness_rules((enum badness_generation)_i);
	struct badness_task tasks[6];

	for (size_t round = 0; round < 30; round++) {
		size_t n = 1 + next(&seed) % COUNT(tasks), i = next(&seed) % n;
		bool memcg = next(&seed) % 2, found;
		int adj = 5555, expected = 5555;

		fill(tasks, n, &seed);
		found = badness_turning_adj(rules, tasks, n, TOTAL, memcg, i, &adj);
		ck_assert_int_eq(found, try_all(rules, tasks, n, memcg, i, &expected));
		ck_assert_int_eq(adj, expected);
	}
}
END_TEST

Suite *badness_choice_suite(void);

Suite *badness_choice_suite(void)
{
	Suite *suite = suite_create("badness_choice");
	TCase *tests = tcase_create("choice");

	tcase_add_test(tests, the_highest_is_chosen);
	tcase_add_test(tests, nobody_and_one);
	tcase_add_test(tests, ties_by_generation);
	tcase_add_test(tests, clamped_tasks_are_equals);
	tcase_add_test(tests, errors_make_it_undecidable);
	tcase_add_test(tests, a_child_dies_instead);
	tcase_add_test(tests, who_swaps_off_goes_first);
	tcase_add_loop_test(tests, random_groups_as_the_kernel_scans_them, 0, BADNESS_GENERATIONS);
	tcase_add_loop_test(tests, turning_adj_is_that_of_trying_all, 0, BADNESS_GENERATIONS);
	suite_add_tcase(suite, tests);
	return suite;
}
