/*
 * harness/size: the success curve and its bounds, and what is left to run.
 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "harness/size/estimate.h"
#include "harness/size/stats.h"
#include "harness/size/success.h"

Suite *size_curve_suite(void);

#define MIB	      (1ULL << 20)
#define COUNT(list)   (sizeof(list) / sizeof((list)[0]))
#define SECOND	      1000000000ULL
#define ck_near(a, b) ck_assert_msg(fabs((a) - (b)) < 0.0001, "%f and %f", (double)(a), (double)(b))

START_TEST(bounds_are_exact)
{
	/* n of n: 0.05^(1/n); 1 of 2: 1 - sqrt(0.95) */
	ck_near(stats_share_at_least(29, 29, 0.95), 0.9019);
	ck_near(stats_share_at_least(1, 1, 0.95), 0.05);
	ck_near(stats_share_at_least(2, 1, 0.95), 0.02532);
	ck_near(stats_share_at_least(30, 27, 0.95), 0.7614);
	ck_near(stats_share_at_least(10, 0, 0.95), 0);
	ck_near(stats_share_at_least(0, 0, 0.95), 0);
}
END_TEST

static struct size_sample samples[] = {
	{.limit_bytes = 14 * MIB, .wall_ns = 4 * SECOND},
	{.limit_bytes = 12 * MIB, .wall_ns = 2 * SECOND},
	{.limit_bytes = 14 * MIB, .wall_ns = 3 * SECOND},
};
static struct size_trial trials[] = {
	{.limit_bytes = 14 * MIB, .wall_ns = SECOND, .passed = true},
	{.limit_bytes = 13 * MIB, .wall_ns = SECOND},
	{.limit_bytes = 14 * MIB, .wall_ns = SECOND},
	{.limit_bytes = 15 * MIB - 4096, .wall_ns = SECOND, .passed = true},
	{.limit_bytes = 15 * MIB - 4096, .wall_ns = SECOND, .passed = true},
};

static struct size_report report_of(size_t n_samples, size_t n_trials)
{
	return (struct size_report){.engine = "ratchet",
				    .samples = samples,
				    .n_samples = n_samples,
				    .trials = trials,
				    .n_trials = n_trials,
				    .free = {.wall_ns = SECOND, .peak_bytes = 16 * MIB}};
}

START_TEST(a_curve_has_each_limit_once)
{
	static const struct success_point expected[] = {
		{12 * MIB, 1, 0, 0}, {13 * MIB, 1, 1, 0}, {14 * MIB, 3, 2, 1}, {15 * MIB, 3, 2, 2}};
	struct size_report report = report_of(3, 5);
	size_t n;
	MEM_AUTO struct success_point *points = success_of(&report, MIB, &n);

	ck_assert_uint_eq(n, COUNT(expected));
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(points[i].limit_bytes, expected[i].limit_bytes);
		ck_assert_uint_eq(points[i].samples, expected[i].samples);
		ck_assert_uint_eq(points[i].runs, expected[i].runs);
		ck_assert_uint_eq(points[i].passed, expected[i].passed);
	}
}
END_TEST

START_TEST(a_curve_in_json)
{
	struct size_report report = report_of(3, 5);
	json_t *list = success_json(&report, MIB), *row = json_array_get(list, 2);

	ck_assert_int_eq(json_integer_value(json_object_get(row, "limit")), 14 * MIB);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "samples_within")), 3);
	ck_near(json_real_value(json_object_get(row, "within_at_least")), 0.3684);
	ck_near(json_real_value(json_object_get(row, "passes_at_least")), 0.02532);
	ck_assert_ptr_null(json_object_get(json_array_get(list, 0), "passes_at_least"));
	json_decref(list);
}
END_TEST

START_TEST(a_long_curve_keeps_its_end)
{
	struct size_report report = report_of(3, 5);
	STR_AUTO text = STR_INIT;

	success_text(&report, MIB, 2, &text);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "15.0 MiB"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "13.0 MiB"));
	ck_assert_ptr_null(strstr(str_text(&text), "14.0 MiB"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "2 of 2     (>= 22.4 %)"));
}
END_TEST

START_TEST(what_is_known_so_far)
{
	struct size_report report = report_of(2, 2), none = report_of(0, 0);
	STR_AUTO text = STR_INIT;
	STR_AUTO nothing = STR_INIT;

	success_so_far(&report, &text);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "2 samples, from 12.0 to 14.0 MiB; passed at "
						      "14.0 MiB, failed at 13.0 MiB\n"));
	success_so_far(&none, &nothing);
	ck_assert_ptr_nonnull(strstr(str_text(&nothing), "nothing but the run without a limit\n"));
}
END_TEST

static struct estimate left(size_t n_samples, size_t n_trials, size_t wanted, const char *engine)
{
	struct size_report report = report_of(n_samples, n_trials);
	struct size_options options = {.samples = wanted, .step_bytes = MIB};

	report.engine = engine;
	return estimate_left(&report, &options);
}

START_TEST(what_is_left)
{
	struct size_report report = report_of(0, 0);
	struct size_options options = {.samples = 1, .step_bytes = MIB};

	ck_assert_uint_eq(left(0, 0, 1, "ratchet").runs, 3); /* a ratchet run, two that show it */
	ck_assert_uint_eq(left(0, 0, 1, "ratchet").ns, 4 * SECOND);
	ck_assert_uint_eq(left(1, 1, 1, "ratchet").runs, 1);
	ck_assert_uint_eq(left(3, 0, 29, "ratchet").runs, 26 + 29 + 1);
	ck_assert_uint_eq(left(3, 0, 29, "ratchet").ns, (26 * 3 + 30) * SECOND);
	ck_assert_uint_eq(left(3, 5, 3, "ratchet").runs, 2); /* two passes in a row are there */
	/* 16 MiB halved down to one, then three in a row */
	ck_assert_uint_eq(left(0, 0, 1, "bisection").runs, 4 + 3);
	report.varies = true; /* ten in a row */
	ck_assert_uint_eq(estimate_left(&report, &options).runs, 1 + 10);
	report.planned_runs = 12;
	ck_assert_uint_eq(estimate_left(&report, &options).runs, 12);
	report.planned_runs = 0;
	report.found = true;
	ck_assert_uint_eq(estimate_left(&report, &options).runs, 0);
	options.slow_percent = 10;
	ck_assert_uint_eq(estimate_left(&report, &options).runs, 10);
	report.free.wall_ns = 0;
	ck_assert_uint_eq(estimate_left(&report, &options).runs, 0);
}
END_TEST

Suite *size_curve_suite(void)
{
	Suite *suite = suite_create("size_curve");
	TCase *tc = tcase_create("curve");

	tcase_add_test(tc, bounds_are_exact);
	tcase_add_test(tc, a_curve_has_each_limit_once);
	tcase_add_test(tc, a_curve_in_json);
	tcase_add_test(tc, a_long_curve_keeps_its_end);
	tcase_add_test(tc, what_is_known_so_far);
	tcase_add_test(tc, what_is_left);
	suite_add_tcase(suite, tc);
	return suite;
}
