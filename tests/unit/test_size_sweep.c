/*
 * harness/size/sweep: the limits, what the runs at one add up to, the knee, CSV.
 */
#include <check.h>

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
			 "refaults,major_faults\n"
			 "1048576,1,0,1,,,0,0\n"
			 "2097152,2,2,0,0.000000,0.000000,4,0\n"
			 "3145728,1,1,0,0.000000,,1,0\n");
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
	suite_add_tcase(suite, tests);
	return suite;
}
