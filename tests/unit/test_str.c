/*
 * base/str: growing text, and the nearest word that messages offer.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

Suite *str_suite(void);

START_TEST(empty_text_is_readable)
{
	struct str text = STR_INIT;

	ck_assert_str_eq(str_text(&text), "");
	char *taken = str_take(&text);
	ck_assert_str_eq(taken, "");
	free(taken);
	str_free(&text);
}
END_TEST

START_TEST(text_grows_over_many_additions)
{
	STR_AUTO text = STR_INIT;

	for (int i = 0; i < 1000; i++)
		str_addf(&text, "%d,", i);
	/* 10 one-digit, 90 two-digit and 900 three-digit numbers, a comma each */
	ck_assert_uint_eq(text.len, 10 * 2 + 90 * 3 + 900 * 4);
	ck_assert_uint_eq(strlen(str_text(&text)), text.len);
	ck_assert(str_ends(str_text(&text), ",998,999,"));
}
END_TEST

START_TEST(take_gives_the_text_and_leaves_nothing)
{
	struct str text = STR_INIT;

	str_add(&text, "abc");
	str_addn(&text, "defgh", 2);
	char *taken = str_take(&text);
	ck_assert_str_eq(taken, "abcde");
	ck_assert_ptr_null(text.s);
	ck_assert_uint_eq(text.len, 0);
	free(taken);
}
END_TEST

START_TEST(printf_and_dup_give_copies)
{
	MEM_AUTO char *made = mem_printf("%s-%03d", "group", 7);
	MEM_AUTO char *copy = mem_dup(made);

	ck_assert_str_eq(made, "group-007");
	ck_assert_str_eq(copy, made);
	ck_assert_ptr_ne(copy, made);
}
END_TEST

START_TEST(comparisons)
{
	ck_assert(str_eq(NULL, NULL));
	ck_assert(!str_eq("a", NULL));
	ck_assert(!str_eq(NULL, "a"));
	ck_assert(str_eq("ab", "ab"));
	ck_assert(str_starts("memory.max", "memory."));
	ck_assert(!str_starts("mem", "memory"));
	ck_assert(str_ends("a.yaml", ".yaml"));
	ck_assert(!str_ends("yaml", ".yaml"));
	ck_assert(str_ends("x", ""));
}
END_TEST

static const char *const words[] = {"killed", "alive", "blocked", "counters", "log", NULL};

static const struct {
	const char *word;
	const char *nearest;
} slips[] = {
	{"kiled", "killed"},   {"killd", "killed"},
	{"alvie", "alive"},    {"counter", "counters"},
	{"bloked", "blocked"}, {"couters", "counters"},
	{"completely", NULL},  {"", NULL},
	{"xy", NULL},	       {"countres", "counters"},
	{"killed", "killed"},
};

START_TEST(nearest_word)
{
	const char *near = str_nearest(slips[_i].word, words);

	if (slips[_i].nearest)
		ck_assert_str_eq(near, slips[_i].nearest);
	else
		ck_assert_ptr_null(near);
}
END_TEST

START_TEST(nearest_survives_very_long_words)
{
	char word[500];

	memset(word, 'k', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert_ptr_null(str_nearest(word, words));
}
END_TEST

Suite *str_suite(void)
{
	Suite *suite = suite_create("str");
	TCase *tcase = tcase_create("str");

	tcase_add_test(tcase, empty_text_is_readable);
	tcase_add_test(tcase, text_grows_over_many_additions);
	tcase_add_test(tcase, take_gives_the_text_and_leaves_nothing);
	tcase_add_test(tcase, printf_and_dup_give_copies);
	tcase_add_test(tcase, comparisons);
	tcase_add_loop_test(tcase, nearest_word, 0, sizeof(slips) / sizeof(slips[0]));
	tcase_add_test(tcase, nearest_survives_very_long_words);
	suite_add_tcase(suite, tcase);
	return suite;
}
