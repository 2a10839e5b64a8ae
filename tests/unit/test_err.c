/*
 * base/err: texts are put together in the right order and cut visibly, codes survive wrapping.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

Suite *err_suite(void);

START_TEST(set_gives_code_and_text)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_set(&err, EINVAL, "bad %s %d", "size", 7), -EINVAL);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_str_eq(err.text, "bad size 7");
}
END_TEST

START_TEST(errno_is_named_and_becomes_the_code)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_errno(&err, EBUSY, "cannot write '%s'", "80M"), -EBUSY);
	ck_assert_int_eq(err.code, EBUSY);
	ck_assert_str_eq(err.text, "cannot write '80M': Device or resource busy");
}
END_TEST

START_TEST(wrap_goes_in_front_and_keeps_the_code)
{
	struct err err = ERR_INIT;

	err_errno(&err, EACCES, "memory.max");
	ck_assert_int_eq(err_wrap(&err, "group '%s'", "victims"), -EACCES);
	ck_assert_int_eq(err_wrap(&err, "scenario 'x'"), -EACCES);
	ck_assert_str_eq(err.text, "scenario 'x': group 'victims': memory.max: Permission denied");
}
END_TEST

START_TEST(too_long_a_text_is_cut_visibly)
{
	char word[2 * ERR_TEXT_MAX];
	struct err err = ERR_INIT;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err_set(&err, EINVAL, "%s", word);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 5, "x...");
}
END_TEST

START_TEST(a_text_of_exactly_the_buffer_is_not_cut)
{
	char word[ERR_TEXT_MAX];
	struct err err = ERR_INIT;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err_set(&err, EINVAL, "%s", word);
	ck_assert_str_eq(err.text, word);
}
END_TEST

START_TEST(wrap_and_errno_cut_too)
{
	char word[ERR_TEXT_MAX];
	struct err err = ERR_INIT;

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	err_set(&err, EINVAL, "%s", word);
	ck_assert_int_eq(err_wrap(&err, "group"), -EINVAL);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert(strncmp(err.text, "group: xx", 9) == 0);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
	ck_assert_int_eq(err_errno(&err, EIO, "%s", word), -EIO);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
}
END_TEST

START_TEST(wrapping_with_the_text_itself_is_safe)
{
	struct err err = ERR_INIT;

	err_set(&err, EINVAL, "inner");
	err_wrap(&err, "[%s]", err.text);
	ck_assert_str_eq(err.text, "[inner]: inner");
}
END_TEST

Suite *err_suite(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	tcase_add_test(tcase, set_gives_code_and_text);
	tcase_add_test(tcase, errno_is_named_and_becomes_the_code);
	tcase_add_test(tcase, wrap_goes_in_front_and_keeps_the_code);
	tcase_add_test(tcase, too_long_a_text_is_cut_visibly);
	tcase_add_test(tcase, a_text_of_exactly_the_buffer_is_not_cut);
	tcase_add_test(tcase, wrap_and_errno_cut_too);
	tcase_add_test(tcase, wrapping_with_the_text_itself_is_safe);
	suite_add_tcase(suite, tcase);
	return suite;
}
