/*
 * The arithmetic of page tables: worked examples, and the promise that fitting pages fit and one
 * more does not.
 */
#include <check.h>

#include "workloads/layout.h"

Suite *layout_suite(void);

enum { PAGE = 4096 };
static const uint64_t gib_pages = 262144;

START_TEST(tables_at_their_borders)
{
	static const struct {
		uint64_t pages, tables;
	} cases[] = {
		{0, 0},
		{511, 0}, /* with the head page, the first table is full */
		{512, 1}, /* a second PTE page */
		{1023, 1},
		{1024, 2},
		{262143, 511},		   /* a whole GiB */
		{262144, 513},		   /* a PTE page and a PMD page more */
		{134217727, 262143 + 511}, /* all of a PUD page's 512 GiB */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_uint_eq(hog_table_pages(cases[i].pages, PAGE), cases[i].tables);
}
END_TEST

START_TEST(larger_pages_have_larger_tables)
{
	ck_assert_uint_eq(hog_table_pages(8191, 65536), 0);
	ck_assert_uint_eq(hog_table_pages(8192, 65536), 1);
}
END_TEST

static uint64_t cost(uint64_t held, uint64_t more)
{
	return more + hog_table_pages(held + more, PAGE) - hog_table_pages(held, PAGE);
}

START_TEST(what_fits_fits_and_one_more_does_not)
{
	static const uint64_t helds[] = {0, 1, 510, 511, 512, 1000, 262143};

	for (size_t i = 0; i < sizeof(helds) / sizeof(helds[0]); i++)
		for (uint64_t room = 0; room < 3 * 512 + 7; room++) {
			uint64_t n = hog_fit_pages(room, helds[i], PAGE);

			ck_assert_uint_le(cost(helds[i], n), room);
			ck_assert_uint_gt(cost(helds[i], n + 1), room);
		}
}
END_TEST

START_TEST(large_rooms_are_exact_too)
{
	uint64_t room = 3 * gib_pages, n = hog_fit_pages(room, 0, PAGE);

	ck_assert_uint_le(cost(0, n), room);
	ck_assert_uint_gt(cost(0, n + 1), room);
	ck_assert_uint_eq(hog_fit_pages(2007, 0, PAGE), 2004);
}
END_TEST

Suite *layout_suite(void)
{
	Suite *suite = suite_create("layout");
	TCase *tests = tcase_create("tables");

	tcase_add_test(tests, tables_at_their_borders);
	tcase_add_test(tests, larger_pages_have_larger_tables);
	tcase_add_test(tests, what_fits_fits_and_one_more_does_not);
	tcase_add_test(tests, large_rooms_are_exact_too);
	suite_add_tcase(suite, tests);
	return suite;
}
