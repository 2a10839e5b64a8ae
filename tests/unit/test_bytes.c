/*
 * Bytes of any kind through JSON and back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/record/bytes.h"

START_TEST(every_byte_comes_back)
{
	char all[256];
	STR_AUTO back = STR_INIT;
	json_error_t error;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	json_t *string = bytes_to_json(all, sizeof(all));
	ck_assert_ptr_nonnull(string);
	MEM_AUTO char *text = json_dumps(string, JSON_ENCODE_ANY);
	json_t *read = json_loads(text, JSON_DECODE_ANY, &error);
	ck_assert_msg(read != NULL, "%s", error.text);
	ck_assert(bytes_from_json(read, &back));
	ck_assert_uint_eq(back.len, sizeof(all));
	ck_assert_int_eq(memcmp(back.s, all, sizeof(all)), 0);
	json_decref(string);
	json_decref(read);
}
END_TEST

START_TEST(text_stays_text)
{
	json_t *string = bytes_to_json("limit 5\n", 8);

	ck_assert_str_eq(json_string_value(string), "limit 5\n");
	json_decref(string);
}
END_TEST

START_TEST(what_is_no_byte_is_refused)
{
	STR_AUTO back = STR_INIT;
	json_t *euro = json_string("a\u20ac"), *next = json_string("\u0101");
	json_t *number = json_integer(5);

	ck_assert(!bytes_from_json(euro, &back));
	ck_assert(!bytes_from_json(next, &back));
	ck_assert(!bytes_from_json(number, &back));
	ck_assert(!bytes_from_json(NULL, &back));
	ck_assert_uint_eq(back.len, 0);
	json_decref(euro);
	json_decref(next);
	json_decref(number);
}
END_TEST

Suite *bytes_suite(void);
Suite *bytes_suite(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tc = tcase_create("bytes");

	tcase_add_test(tc, every_byte_comes_back);
	tcase_add_test(tc, text_stays_text);
	tcase_add_test(tc, what_is_no_byte_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
