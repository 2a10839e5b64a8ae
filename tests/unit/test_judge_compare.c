/*
 * harness/judge/compare: the forms of numbers, and what must hold for every form and value.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "harness/judge/compare.h"

Suite *judge_compare_suite(void);

static const struct compare_rules counts = {.unit = COMPARE_COUNT, .delta = true};
static const struct compare_rules sizes = {.unit = COMPARE_SIZE, .delta = true, .whole = 80 << 20};
static const struct compare_rules either = {.unit = COMPARE_EITHER, .delta = true};
static const struct compare_rules values = {.unit = COMPARE_COUNT};

static struct compare read_as(const char *text, const struct compare_rules *rules)
{
	struct compare compare;
	struct err err = ERR_INIT;
	int r = compare_parse(text, rules, &compare, &err);

	ck_assert_msg(r == 0, "'%s': %s", text, err.text);
	return compare;
}

static const struct {
	const char *text;
	uint64_t now, mark;
	bool holds;
} cases[] = {
	{"3", 3, 0, true},
	{"3", 4, 0, false},
	{"=3", 3, 0, true},
	{"==3", 2, 0, false},
	{">=2", 2, 0, true},
	{">=2", 1, 0, false},
	{">2", 3, 0, true},
	{">2", 2, 0, false},
	{"<=5", 5, 0, true},
	{"<=5", 6, 0, false},
	{"<5", 4, 0, true},
	{"<5", 5, 0, false},
	{"!=0", 1, 0, true},
	{"!=0", 0, 0, false},
	{"1..3", 1, 0, true},
	{"1..3", 3, 0, true},
	{"1..3", 4, 0, false},
	{"1..3", 0, 0, false},
	{"+1", 6, 5, true},
	{"+1", 5, 5, false},
	{"+0", 5, 5, true},
	{"+>=1", 7, 5, true},
	{">=+1", 7, 5, true},
	{"+>=1", 5, 5, false},
	{"+1..3", 8, 5, true},
	{"+1..3", 9, 5, false},
	{"+!=0", 5, 5, false},
	{">= 2", 2, 0, true},
	{" 3", 3, 0, true},
	/* fallen below the mark */
	{"+0", 4, 5, false},
	{"+>=0", 4, 5, false},
	{"+<=2", 4, 5, true},
	{"+!=0", 4, 5, true},
	{"+0..2", 4, 5, false},
};

START_TEST(form_means_what_it_says)
{
	struct compare compare = read_as(cases[_i].text, &counts);

	ck_assert_msg(compare_holds(&compare, cases[_i].now, cases[_i].mark) == cases[_i].holds,
		      "'%s' of %lu since %lu", cases[_i].text, (unsigned long)cases[_i].now,
		      (unsigned long)cases[_i].mark);
}
END_TEST

START_TEST(times_are_compared_in_nanoseconds)
{
	static const struct compare_rules times = {.unit = COMPARE_DURATION};
	struct compare compare = read_as(">=1.5s", &times);
	char text[COMPARE_TEXT_MAX];
	struct err err;

	ck_assert(compare_holds(&compare, 1500000000, 0));
	ck_assert(!compare_holds(&compare, 1499999999, 0));
	ck_assert_str_eq(compare_format(&compare, text), ">=1.50s");
	ck_assert_str_eq(compare_format_value(&compare, 20000000, 0, text), "20.0ms");
	compare = read_as("10ms..2s", &times);
	ck_assert(compare_holds(&compare, 2000000000, 0));
	ck_assert(!compare_holds(&compare, 2000000001, 0));
	ck_assert_int_eq(compare_parse("+1s", &times, &compare, &err), -EINVAL);
	ck_assert_int_eq(compare_parse("12", &times, &compare, &err), -EINVAL);
}
END_TEST

static const char *const forms[] = {"0",  "3",	 ">=2", ">2",	"<=5",
				    "<5", "!=0", "!=3", "1..3", "0..0"};

/* some() and all() are what holds() says of each value between. */
START_TEST(ranges_agree_with_single_values)
{
	struct compare compare = read_as(forms[_i], &counts);

	for (uint64_t lo = 0; lo < 8; lo++)
		for (uint64_t hi = lo; hi < 8; hi++) {
			bool some = false, all = true;
			for (uint64_t v = lo; v <= hi; v++) {
				some = some || compare_holds(&compare, v, 0);
				all = all && compare_holds(&compare, v, 0);
			}
			ck_assert_int_eq(compare_some(&compare, lo, hi), some);
			ck_assert_int_eq(compare_all(&compare, lo, hi), all);
		}
}
END_TEST

/* What is reachable at a value is reachable at each lower one, and whatever holds is reachable. */
START_TEST(what_only_rises_can_only_lose_chances)
{
	struct compare compare = read_as(forms[_i], &counts);

	for (uint64_t v = 0; v < 20; v++) {
		if (compare_holds(&compare, v, 0))
			ck_assert(compare_reachable(&compare, v, 0));
		if (compare_reachable(&compare, v + 1, 0))
			ck_assert(compare_reachable(&compare, v, 0));
	}
}
END_TEST

/* "+FORM" of (mark + v, mark) is FORM of v. */
START_TEST(rise_is_the_value_less_its_mark)
{
	char text[32] = "+";
	struct compare plain = read_as(forms[_i], &counts);
	struct compare rise = read_as(strcat(text, forms[_i]), &counts);

	for (uint64_t v = 0; v < 10; v++) {
		ck_assert_int_eq(compare_holds(&rise, 1000 + v, 1000), compare_holds(&plain, v, 0));
		ck_assert_int_eq(compare_reachable(&rise, 1000 + v, 1000),
				 compare_reachable(&plain, v, 0));
	}
}
END_TEST

/* What is printed reads back as the same comparison. */
START_TEST(printed_form_reads_back)
{
	char text[COMPARE_TEXT_MAX], again[COMPARE_TEXT_MAX];
	struct compare first = read_as(forms[_i], &counts);
	struct compare second = read_as(compare_format(&first, text), &counts);

	ck_assert_str_eq(compare_format(&second, again), forms[_i]);
	for (uint64_t v = 0; v < 10; v++)
		ck_assert_int_eq(compare_holds(&first, v, 0), compare_holds(&second, v, 0));
}
END_TEST

START_TEST(ends_of_the_number_range_do_not_wrap)
{
	struct compare more = read_as(">=18446744073709551615", &counts);
	struct compare less = read_as("<18446744073709551615", &counts);

	ck_assert(compare_holds(&more, UINT64_MAX, 0));
	ck_assert(!compare_holds(&more, UINT64_MAX - 1, 0));
	ck_assert(compare_holds(&less, UINT64_MAX - 1, 0));
	ck_assert(!compare_holds(&less, UINT64_MAX, 0));
}
END_TEST

START_TEST(sizes_percentages_and_pages)
{
	char text[COMPARE_TEXT_MAX];
	struct compare half = read_as("<=50%", &sizes);
	struct compare range = read_as("1M..2M", &sizes);
	struct compare pages = read_as("2pages", &sizes);

	ck_assert(compare_holds(&half, 40 << 20, 0));
	ck_assert(!compare_holds(&half, (40 << 20) + 1, 0));
	ck_assert(compare_holds(&range, 3 << 19, 0));
	ck_assert(compare_holds(&pages, 8192, 0));
	ck_assert_str_eq(compare_format(&half, text), "<=40M");
	ck_assert_str_eq(compare_format(&range, text), "1M..2M");
	ck_assert_str_eq(compare_format_value(&half, 81 << 20, 0, text), "81M");
}
END_TEST

START_TEST(values_show_in_the_terms_of_the_expectation)
{
	char text[COMPARE_TEXT_MAX];
	struct compare rise = read_as("+1", &counts);
	struct compare plain = read_as("4096", &either);
	struct compare sized = read_as("4K", &either);

	ck_assert_str_eq(compare_format_value(&rise, 7, 5, text), "+2 (7 in all)");
	ck_assert_str_eq(compare_format_value(&rise, 4, 5, text), "-1 (4 in all)");
	ck_assert_str_eq(compare_format_value(&plain, 8192, 0, text), "8192");
	ck_assert_str_eq(compare_format_value(&sized, 8192, 0, text), "8K");
}
END_TEST

static const struct {
	const char *text;
	const struct compare_rules *rules;
	const char *message;
} wrong[] = {
	{"", &counts, "'' is not a whole number"},
	{"three", &counts, "'three' is not a whole number"},
	{"80M", &counts, "'80M' is not a whole number"},
	{">=", &counts, "'' is not a whole number"},
	{"1..", &counts, "'' is not a whole number"},
	{"3..1", &counts, "'3..1' is empty: it ends before it begins"},
	{"<0", &counts, "'<0' can never be true"},
	{">18446744073709551615", &counts, "'>18446744073709551615' can never be true"},
	{"18446744073709551616", &counts, "18446744073709551616 is more than 18446744073709551615"},
	{"-1", &counts, "'-1' is not a whole number"},
	{"1 2", &counts, "'1 2' is not a whole number"},
	{"+1", &values, "'+1': a rise cannot be asked of this, give the value itself"},
	{">=+1", &values, "'>=+1': a rise cannot be asked of this, give the value itself"},
	{"80MB?", &sizes,
	 "'80MB?' is not a size, expected a number and a unit such as 80M, 1.5G or 4096"},
	{"50%", &either, "'50%' of what? There is no limit to take it of; give a size"},
};

START_TEST(mistakes_are_told)
{
	struct compare compare = compare_exactly(42);
	struct err err = ERR_INIT;

	ck_assert_int_lt(compare_parse(wrong[_i].text, wrong[_i].rules, &compare, &err), 0);
	ck_assert_str_eq(err.text, wrong[_i].message);
	ck_assert_uint_eq(compare.a, 42); /* untouched */
}
END_TEST

Suite *judge_compare_suite(void)
{
	const int n_forms = sizeof(forms) / sizeof(*forms);
	Suite *suite = suite_create("judge_compare");
	TCase *tcase = tcase_create("compare");

	tcase_add_test(tcase, times_are_compared_in_nanoseconds);
	tcase_add_loop_test(tcase, form_means_what_it_says, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_loop_test(tcase, ranges_agree_with_single_values, 0, n_forms);
	tcase_add_loop_test(tcase, what_only_rises_can_only_lose_chances, 0, n_forms);
	tcase_add_loop_test(tcase, rise_is_the_value_less_its_mark, 0, n_forms);
	tcase_add_loop_test(tcase, printed_form_reads_back, 0, n_forms);
	tcase_add_test(tcase, ends_of_the_number_range_do_not_wrap);
	tcase_add_test(tcase, sizes_percentages_and_pages);
	tcase_add_test(tcase, values_show_in_the_terms_of_the_expectation);
	tcase_add_loop_test(tcase, mistakes_are_told, 0, sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
