/*
 * harness/size: which limit is tried next, by playing the search against programs with a known
 * need, and what samples say about a quantile, against published tables.
 */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/size/search.h"
#include "harness/size/stats.h"

Suite *size_search_suite(void);

enum { STEP = 1 << 20, RUNS_MAX = 100 };
#define CEILING (1000ULL * STEP)

/* Plays until the search is done; a program passes at and above its need. */
static int play(struct search *search, uint64_t need)
{
	uint64_t limit;
	int runs = 0;

	while ((limit = search_next(search)) != 0) {
		ck_assert_uint_eq(limit % STEP, 0);
		ck_assert_uint_le(limit, search->ceiling);
		ck_assert_int_lt(++runs, RUNS_MAX);
		search_tell(search, limit, limit >= need);
	}
	return runs;
}

static const uint64_t needs[] = {1, 2, 3, 7, 64, 65, 203, 511, 512, 999, 1000};

enum { NEEDS = sizeof(needs) / sizeof(needs[0]) };

START_TEST(every_need_is_found_without_a_guess)
{
	uint64_t need = needs[_i] * STEP;
	struct search search;

	search_begin(&search, STEP, CEILING);
	int runs = play(&search, need);
	ck_assert(search_found(&search));
	ck_assert_uint_eq(search.pass, need);
	ck_assert_int_le(runs, 21);
	ck_assert(!search.not_monotone);
}
END_TEST

/* Whatever the guess is, the answer is the same; a right one takes two runs. */
START_TEST(a_guess_changes_only_the_number_of_runs)
{
	uint64_t need = needs[_i] * STEP;

	for (uint64_t guess = 1; guess <= 1000; guess += 37) {
		struct search search;
		search_begin(&search, STEP, CEILING);
		search.hint = guess * STEP;
		play(&search, need);
		ck_assert_uint_eq(search.pass, need);
	}
	struct search exact;
	search_begin(&exact, STEP, CEILING);
	exact.hint = need;
	ck_assert_int_eq(play(&exact, need), need == STEP ? 1 : 2);
	ck_assert_uint_eq(exact.pass, need);
}
END_TEST

START_TEST(what_is_assumed_is_run_before_it_is_the_answer)
{
	struct search search;
	bool seen = false;
	uint64_t limit;

	search_begin(&search, STEP, CEILING);
	search.assumed = 208 * STEP;
	while ((limit = search_next(&search)) != 0) {
		seen = seen || limit == 208 * STEP;
		search_tell(&search, limit, limit >= 208 * STEP);
	}
	ck_assert(seen);
	ck_assert_uint_eq(search.pass, 208 * STEP);

	/* wrongly assumed */
	search_begin(&search, STEP, CEILING);
	search.assumed = 100 * STEP;
	play(&search, 300 * STEP);
	ck_assert_uint_eq(search.pass, 300 * STEP);
}
END_TEST

START_TEST(what_never_passes_is_not_found)
{
	struct search search;

	search_begin(&search, STEP, CEILING);
	play(&search, CEILING + STEP);
	ck_assert(!search_found(&search));
}
END_TEST

START_TEST(a_failure_above_a_pass_is_told)
{
	struct search search;

	search_begin(&search, STEP, CEILING);
	search_tell(&search, 57 * STEP, true);
	search_tell(&search, 56 * STEP, false);
	search_tell(&search, 58 * STEP, false);
	ck_assert(search.not_monotone);
	play(&search, 59 * STEP);
	ck_assert_uint_eq(search.pass, 59 * STEP);
}
END_TEST

/* ---- statistics ----------------------------------------------------------------------------- */

START_TEST(samples_bound_a_quantile)
{
	/* the known one: the largest of 29 for 0.9 with 95 % */
	ck_assert_uint_eq(stats_samples_needed(0.9, 0.95), 29);
	ck_assert_uint_eq(stats_samples_needed(0.5, 0.95), 5);
	ck_assert_uint_eq(stats_samples_needed(0.95, 0.95), 59);
	ck_assert_double_eq_tol(stats_confidence(29, 29, 0.9), 1 - 0.0471, 0.0001);
	ck_assert_double_eq_tol(stats_confidence(1, 1, 0.9), 0.1, 1e-9);
	/* binomial(10, 0.5): P(at most 7) */
	ck_assert_double_eq_tol(stats_confidence(10, 8, 0.5), 0.9453, 0.0001);
}
END_TEST

START_TEST(the_rank_is_the_smallest_that_will_do)
{
	double confidence;

	ck_assert_uint_eq(stats_rank(29, 0.9, 0.95, &confidence), 29);
	ck_assert_double_ge(confidence, 0.95);
	/* 46 for the second largest (Wilks) */
	ck_assert_uint_eq(stats_rank(46, 0.9, 0.95, &confidence), 45);
	ck_assert_double_ge(confidence, 0.95);
	ck_assert_uint_eq(stats_rank(10, 0.5, 0.95, &confidence), 9);
	/* too few: the largest, and its confidence says so */
	ck_assert_uint_eq(stats_rank(8, 0.9, 0.95, &confidence), 8);
	ck_assert_double_eq_tol(confidence, 0.5695, 0.0001);
}
END_TEST

Suite *size_search_suite(void)
{
	Suite *suite = suite_create("size_search");
	TCase *tests = tcase_create("search");
	TCase *stats = tcase_create("stats");

	tcase_add_loop_test(tests, every_need_is_found_without_a_guess, 0, NEEDS);
	tcase_add_loop_test(tests, a_guess_changes_only_the_number_of_runs, 0, NEEDS);
	tcase_add_test(tests, what_is_assumed_is_run_before_it_is_the_answer);
	tcase_add_test(tests, what_never_passes_is_not_found);
	tcase_add_test(tests, a_failure_above_a_pass_is_told);
	tcase_add_test(stats, samples_bound_a_quantile);
	tcase_add_test(stats, the_rank_is_the_smallest_that_will_do);
	suite_add_tcase(suite, tests);
	suite_add_tcase(suite, stats);
	return suite;
}
