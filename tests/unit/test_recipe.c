/*
 * Recipes of the workload 'mix': what is understood, and which part an error names.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "workloads/recipe.h"

Suite *recipe_suite(void);

#define MIB ((uint64_t)1 << 20)

static void expect_error(const char *text, int code, const char *message)
{
	struct recipe recipe = {.n = 99};
	struct err err = ERR_INIT;

	ck_assert_int_eq(recipe_parse(text, &recipe, &err), -code);
	ck_assert_str_eq(err.text, message);
	ck_assert_uint_eq(recipe.n, 99);
}

START_TEST(parts_keep_their_order)
{
	struct recipe recipe;
	struct err err = ERR_INIT;

	ck_assert_int_eq(recipe_parse("40M anon + 20M file+8M  shmem +1.5M mlock", &recipe, &err),
			 0);
	ck_assert_uint_eq(recipe.n, 4);
	ck_assert_uint_eq(recipe.part[0].bytes, 40 * MIB);
	ck_assert_int_eq(recipe.part[0].kind, RECIPE_ANON);
	ck_assert_int_eq(recipe.part[1].kind, RECIPE_FILE);
	ck_assert_uint_eq(recipe.part[2].bytes, 8 * MIB);
	ck_assert_int_eq(recipe.part[2].kind, RECIPE_SHMEM);
	ck_assert_uint_eq(recipe.part[3].bytes, 3 * MIB / 2);
	ck_assert_int_eq(recipe.part[3].kind, RECIPE_MLOCK);
	ck_assert_int_eq(recipe_parse("4K tables + 8K swapped", &recipe, &err), 0);
	ck_assert_int_eq(recipe.part[0].kind, RECIPE_TABLES);
	ck_assert_int_eq(recipe.part[1].kind, RECIPE_SWAPPED);
}
END_TEST

START_TEST(errors_name_the_part)
{
	expect_error("", EINVAL,
		     "part 1: expected a size and a kind such as '40M anon', got nothing");
	expect_error("40M anon +", EINVAL,
		     "part 2: expected a size and a kind such as '40M anon', got nothing");
	expect_error("40M", EINVAL,
		     "part 1: expected a kind of memory after the size (anon, file, shmem, mlock, "
		     "tables or swapped), got nothing");
	expect_error("40M anon + 2M swap", EINVAL,
		     "part 2: expected anon, file, shmem, mlock, tables or swapped, got 'swap'");
	expect_error("40M anon 2M file", EINVAL, "part 1: expected '+' or the end, got '2M'");
	expect_error("0 anon", EINVAL, "part 1: expected a size above 0, got '0'");
	expect_error("max anon", EINVAL, "part 1: expected a size above 0, got 'max'");
}
END_TEST

START_TEST(wrong_size_is_shown)
{
	struct recipe recipe;
	struct err err = ERR_INIT;

	ck_assert_int_lt(recipe_parse("1M anon + 20X file", &recipe, &err), 0);
	ck_assert_ptr_eq(strstr(err.text, "part 2: '20X'"), err.text);
}
END_TEST

START_TEST(too_many_parts)
{
	char text[256] = "1M anon";

	for (int i = 0; i < RECIPE_PARTS_MAX; i++)
		strcat(text, " + 1M anon");
	expect_error(text, E2BIG, "more than 16 parts");
}
END_TEST

Suite *recipe_suite(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tests = tcase_create("parse");

	tcase_add_test(tests, parts_keep_their_order);
	tcase_add_test(tests, errors_name_the_part);
	tcase_add_test(tests, wrong_size_is_shown);
	tcase_add_test(tests, too_many_parts);
	suite_add_tcase(suite, tests);
	return suite;
}
