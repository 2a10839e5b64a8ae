/*
 * harness/size: which limits are run before they are asked for.
 */
#include <check.h>

#include "harness/size/ahead.h"

Suite *size_ahead_suite(void);

#define MIB (1ULL << 20)

static struct search between(uint64_t fail, uint64_t pass)
{
	struct search search;

	search_begin(&search, MIB, 100 * MIB);
	search_tell(&search, fail * MIB, false);
	search_tell(&search, pass * MIB, true);
	return search;
}

static void expect(const struct search *search, uint64_t room, size_t max, const uint64_t *mib,
		   size_t n)
{
	uint64_t limits[SIZE_JOBS_MAX];
	size_t got = ahead_limits(search, room, limits, max);

	ck_assert_uint_eq(got, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(limits[i], mib[i] * MIB);
}

START_TEST(what_may_come_next_is_run_first)
{
	static const uint64_t three[] = {24, 28, 20}; /* the middle, and each half's */
	struct search search = between(16, 32);

	expect(&search, UINT64_MAX, 3, three, 3);
	expect(&search, UINT64_MAX, 1, three, 1);
}
END_TEST

START_TEST(the_search_finds_it_all_there)
{
	struct search search = between(16, 32);
	uint64_t limits[SIZE_JOBS_MAX], limit;
	size_t n = ahead_limits(&search, UINT64_MAX, limits, 15), found = 0;

	ck_assert_uint_eq(n, 15); /* all that there are between the two */
	while ((limit = search_next(&search)) != 0) {
		for (size_t i = 0; i < n; i++)
			found += limits[i] == limit;
		search_tell(&search, limit, limit >= 19 * MIB);
	}
	ck_assert_uint_eq(found, 4);
	ck_assert_uint_eq(search.pass, 19 * MIB);
}
END_TEST

START_TEST(together_they_fit)
{
	static const uint64_t two[] = {24, 28};
	struct search search = between(16, 32);

	expect(&search, 60 * MIB, 8, two, 2);
	expect(&search, 10 * MIB, 8, two, 0);
}
END_TEST

START_TEST(what_is_decided_needs_nothing)
{
	struct search search = between(16, 17);

	expect(&search, UINT64_MAX, 8, NULL, 0);
}
END_TEST

START_TEST(a_gallop_is_run_ahead_too)
{
	struct search search;
	uint64_t limits[4];

	search_begin(&search, MIB, 64 * MIB);
	ck_assert_uint_eq(ahead_limits(&search, UINT64_MAX, limits, 4), 4);
	ck_assert_uint_eq(limits[0], 1 * MIB);
	ck_assert_uint_eq(limits[1], 3 * MIB);
}
END_TEST

Suite *size_ahead_suite(void)
{
	Suite *suite = suite_create("size_ahead");
	TCase *tc = tcase_create("ahead");

	tcase_add_test(tc, what_may_come_next_is_run_first);
	tcase_add_test(tc, the_search_finds_it_all_there);
	tcase_add_test(tc, together_they_fit);
	tcase_add_test(tc, what_is_decided_needs_nothing);
	tcase_add_test(tc, a_gallop_is_run_ahead_too);
	suite_add_tcase(suite, tc);
	return suite;
}
