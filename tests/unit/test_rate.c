/*
 * The confidence interval of a pass rate, against values of published tables.
 */
#include <check.h>

#include "harness/cmd/rate.h"

START_TEST(interval_of_known_cases)
{
	static const struct {
		size_t k, n;
		double low, high;
	} cases[] = {
		{100, 100, 0.9638, 1}, {0, 10, 0, 0.3085},	  {5, 10, 0.1871, 0.8129},
		{1, 1, 0.025, 1},      {99, 100, 0.9455, 0.9997},
	};
	double low, high;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		rate_interval(cases[i].k, cases[i].n, &low, &high);
		ck_assert_double_eq_tol(low, cases[i].low, 0.0001);
		ck_assert_double_eq_tol(high, cases[i].high, 0.0001);
	}
}
END_TEST

Suite *rate_suite(void);

Suite *rate_suite(void)
{
	Suite *suite = suite_create("rate");
	TCase *tests = tcase_create("interval");

	tcase_add_test(tests, interval_of_known_cases);
	suite_add_tcase(suite, tests);
	return suite;
}
