/*
 * harness/size/sweep: the limits, what the runs at one add up to, the knee, CSV.
 */
#include <check.h>
#include <string.h>

#include "harness/size/sweep.h"

Suite *size_sweep_suite(void);

enum { MIB = 1 << 20, MAX = 8 };

START_TEST(limits_are_whole_steps_from_end_to_end)
{
	ck_assert_uint_eq(sweep_limit(MIB, 12 * MIB, MIB, 12, 0), MIB);
	ck_assert_uint_eq(sweep_limit(MIB, 12 * MIB, MIB, 12, 11), 12 * MIB);
	ck_assert_uint_eq(sweep_limit(MIB, 10 * MIB, MIB, 4, 1), 4 * MIB);
	ck_assert_uint_eq(sweep_limit(32 * MIB, 256 * MIB, MIB, 12, 5) % MIB, 0);
	ck_assert_uint_eq(sweep_limit(32 * MIB, 256 * MIB, MIB, 1, 0), 256 * MIB);
	ck_assert_uint_eq(sweep_limit(100, 200, MIB, 2, 0), MIB);
}
END_TEST

static struct size_trial trials[] = {
	{.limit_bytes = 3 * MIB, .wall_ns = 100, .passed = true, .refaults = 1},
	{.limit_bytes = 2 * MIB, .wall_ns = 130, .passed = true, .refaults = 5},
	{.limit_bytes = 2 * MIB, .wall_ns = 109, .passed = true, .refaults = 4},
	{.limit_bytes = 1 * MIB, .wall_ns = 50, .end = RUN_OOM},
	{.limit_bytes = 1 * MIB, .wall_ns = 200, .passed = true, .psi_some_us = 7},
	{.limit_bytes = 4 * MIB, .wall_ns = 105, .passed = true},
};

START_TEST(runs_at_one_limit_become_one_point)
{
	struct size_report report = {.trials = trials, .n_trials = 6};
	struct sweep_point points[MAX];

	ck_assert_uint_eq(sweep_points(&report, points, MAX), 4);
	ck_assert_uint_eq(points[0].limit_bytes, MIB);
	ck_assert_uint_eq(points[0].runs, 2);
	ck_assert_uint_eq(points[0].passed, 1);
	ck_assert_uint_eq(points[0].killed, 1);
	ck_assert_uint_eq(points[0].best_ns, 200); /* what fails early is not fast */
	ck_assert_uint_eq(points[0].psi_some_us, 7);
	ck_assert_uint_eq(points[1].best_ns, 109);
	ck_assert_uint_eq(points[1].refaults, 4);
	ck_assert_uint_eq(points[3].limit_bytes, 4 * MIB);
	ck_assert_uint_eq(sweep_points(&report, points, 2), 2);
}
END_TEST

START_TEST(the_knee_is_where_nothing_above_is_slow_or_fails)
{
	struct size_report report = {.trials = trials, .n_trials = 6};
	struct sweep_point points[MAX];
	size_t n = sweep_points(&report, points, MAX);

	ck_assert_uint_eq(sweep_knee(points, n, 10), 1);
	ck_assert_uint_eq(sweep_knee(points, n, 5), 2);
	/* one failure above is enough */
	points[2].passed = 0;
	points[2].best_ns = 0;
	ck_assert_uint_eq(sweep_knee(points, n, 10), 3);
	points[3].passed = 0;
	ck_assert_uint_eq(sweep_knee(points, n, 10), n);
	ck_assert_uint_eq(sweep_knee(points, 0, 10), 0);
}
END_TEST

START_TEST(csv_leaves_out_what_is_not_known)
{
	struct size_report report = {.trials = trials, .n_trials = 4};
	struct sweep_point points[MAX];
	STR_AUTO text = STR_INIT;

	trials[0].psi_some_us = UINT64_MAX;
	size_t n = sweep_points(&report, points, MAX);
	sweep_csv(points, n, &text);
	ck_assert_str_eq(str_text(&text),
			 "limit_bytes,runs,passed,oom_killed,best_seconds,stalled_seconds,"
			 "refaults,major_faults,passes_at_least\n"
			 "1048576,1,0,1,,,0,0,0.000000\n"
			 "2097152,2,2,0,0.000000,0.000000,4,0,0.223607\n"
			 "3145728,1,1,0,0.000000,,1,0,0.050000\n");
}
END_TEST

/* 0.05^(1/n) when all of n pass; by the beta distribution when some do. */
START_TEST(repeated_runs_say_which_share_passes)
{
	struct sweep_point points[] = {
		{.limit_bytes = MIB, .runs = 10, .killed = 10},
		{.limit_bytes = 2 * MIB, .runs = 10, .passed = 9, .best_ns = 5, .killed = 1},
		{.limit_bytes = 3 * MIB, .runs = 10, .passed = 10, .best_ns = 5},
	};
	struct tell_view view = {.width = 80};
	STR_AUTO text = STR_INIT;
	json_t *root = sweep_json(points, 3, 10), *list = json_object_get(root, "points");
	static const double bounds[] = {0, 0.605836, 0.741134};

	for (size_t i = 0; i < 3; i++) {
		double got = json_number_value(
			json_object_get(json_array_get(list, i), "passes_at_least"));
		ck_assert_double_eq_tol(got, bounds[i], 1e-5);
	}
	json_decref(root);
	sweep_text(points, 3, 10, &view, &text);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "limit      passed  at least  best time"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "2.0 MiB    9 of 10     60.6 %        5ns"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "with 95 % confidence"));
}
END_TEST

START_TEST(one_run_each_says_nothing_about_a_share)
{
	struct sweep_point point = {.limit_bytes = MIB, .runs = 1, .passed = 1, .best_ns = 5};
	struct tell_view view = {.width = 80};
	STR_AUTO text = STR_INIT;
	STR_AUTO csv = STR_INIT;
	json_t *root = sweep_json(&point, 1, 10);

	ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(root, "points"), 0),
					   "passes_at_least"));
	json_decref(root);
	sweep_text(&point, 1, 10, &view, &text);
	ck_assert_ptr_null(strstr(str_text(&text), "at least"));
	sweep_csv(&point, 1, &csv);
	ck_assert_ptr_nonnull(strstr(str_text(&csv), "\n1048576,1,1,0,0.000000,0.000000,0,0,\n"));
}
END_TEST

Suite *size_sweep_suite(void)
{
	Suite *suite = suite_create("size_sweep");
	TCase *tests = tcase_create("sweep");

	tcase_add_test(tests, limits_are_whole_steps_from_end_to_end);
	tcase_add_test(tests, runs_at_one_limit_become_one_point);
	tcase_add_test(tests, the_knee_is_where_nothing_above_is_slow_or_fails);
	tcase_add_test(tests, csv_leaves_out_what_is_not_known);
	tcase_add_test(tests, repeated_runs_say_which_share_passes);
	tcase_add_test(tests, one_run_each_says_nothing_about_a_share);
	suite_add_tcase(suite, tests);
	return suite;
}
