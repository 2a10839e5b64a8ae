/*
 * tests/lib/json_match: that each kind of difference between a fixture and an output is found. The
 * checks of the logs are worth as much as this.
 */
#include <check.h>

#include "tests/lib/json_match.h"

Suite *json_match_suite(void);

static unsigned compare(const char *expected, const char *got, struct str *out)
{
	json_error_t error;
	json_t *a = json_loads(expected, JSON_DECODE_ANY, &error);
	ck_assert_msg(a != NULL, "%s: %s", expected, error.text);
	json_t *b = json_loads(got, JSON_DECODE_ANY, &error);
	ck_assert_msg(b != NULL, "%s: %s", got, error.text);
	unsigned bad = json_mismatches(a, b, "", out);
	json_decref(a);
	json_decref(b);
	return bad;
}

static const struct {
	const char *expected, *got;
	unsigned mismatches;
} cases[] = {
	/* values */
	{"1", "1", 0},
	{"1", "2", 1},
	{"1", "1.0", 1},
	{"1", "\"1\"", 1},
	{"9223372036854771712", "9223372036854771712", 0},
	{"9223372036854771712", "9223372036854771711", 1},
	{"93334.020194", "93334.0201944", 0},
	{"93334.020194", "93334.020196", 1},
	{"5.0", "5", 0},
	{"5.0", "\"5\"", 1},
	{"null", "null", 0},
	{"null", "0", 1},
	{"0", "null", 1},
	{"false", "null", 1},
	{"true", "false", 1},
	{"\"tie\"", "\"tie\"", 0},
	{"\"tie\"", "\"tied\"", 1},
	/* objects are subsets */
	{"{}", "{\"a\": 1}", 0},
	{"{}", "[]", 1},
	{"{}", "null", 1},
	{"{\"a\": 1}", "{\"a\": 1, \"b\": 2}", 0},
	{"{\"a\": 1, \"c\": 3}", "{\"a\": 1, \"b\": 2}", 1},
	{"{\"a\": null}", "{\"b\": 2}", 1},
	{"{\"a\": {\"b\": 1, \"c\": 2}}", "{\"a\": {\"b\": 2, \"c\": 1}}", 2},
	/* arrays are whole */
	{"[1, 2]", "[1, 2]", 0},
	{"[1, 2]", "[2, 1]", 2},
	{"[1]", "[1, 2]", 1},
	{"[1, 2]", "[1]", 1},
	{"[]", "[]", 0},
	{"[]", "[1]", 1},
	{"[]", "null", 1},
	{"[{\"a\": 1}]", "[{\"a\": 1, \"b\": 2}]", 0},
	/* $any, $match */
	{"{\"$any\": true}", "0", 0},
	{"{\"$any\": true}", "null", 1},
	{"{\"$any\": false}", "1", 1},
	{"{\"a\": {\"$any\": true}}", "{}", 1},
	{"{\"$match\": \"^(tie|highest)$\"}", "\"tie\"", 0},
	{"{\"$match\": \"^(tie|highest)$\"}", "\"ties\"", 1},
	{"{\"$match\": \"1\"}", "1", 1},
	{"{\"$match\": \"(\"}", "\"(\"", 1},
	/* $count, $at, $find, alone and together */
	{"{\"$count\": 2}", "[1, 2]", 0},
	{"{\"$count\": 2}", "[1]", 1},
	{"{\"$count\": 0}", "null", 1},
	{"{\"$at\": {\"1\": 7}}", "[6, 7]", 0},
	{"{\"$at\": {\"1\": 7}}", "[7, 6]", 1},
	{"{\"$at\": {\"1\": 7}}", "[7]", 1},
	{"{\"$at\": {\"x\": 7}}", "[7]", 1},
	{"{\"$at\": {}}", "[7]", 1},
	{"{\"$find\": [3, {\"a\": 1}]}", "[1, {\"a\": 1, \"b\": 2}, 3]", 0},
	{"{\"$find\": [3, {\"a\": 1}]}", "[1, {\"a\": 2, \"b\": 2}, 4]", 2},
	{"{\"$find\": [{\"a\": 1, \"b\": 1}]}", "[{\"a\": 1}, {\"b\": 1}]", 1},
	{"{\"$find\": []}", "[1]", 1},
	{"{\"$find\": [1]}", "null", 1},
	{"{\"$count\": 3, \"$at\": {\"0\": 9}, \"$find\": [8]}", "[1]", 3},
	/* slips in a fixture */
	{"{\"$cuont\": 1}", "[1]", 1},
	{"{\"$count\": 1, \"a\": 1}", "[1]", 1},
	{"{\"$any\": true, \"$count\": 1}", "[1]", 1},
};

START_TEST(differences_are_counted)
{
	STR_AUTO out = STR_INIT;

	unsigned bad = compare(cases[_i].expected, cases[_i].got, &out);
	ck_assert_msg(bad == cases[_i].mismatches, "expected %s, got %s: %u mismatches, not %u\n%s",
		      cases[_i].expected, cases[_i].got, bad, cases[_i].mismatches, str_text(&out));
	ck_assert_msg((out.len == 0) == (bad == 0), "%u mismatches said as '%s'", bad,
		      str_text(&out));
}
END_TEST

START_TEST(a_line_names_path_and_both_values)
{
	STR_AUTO out = STR_INIT;

	compare("{\"a\": [{\"b\": 1}, {\"b\": 2}]}", "{\"a\": [{\"b\": 1}, {\"b\": 3}]}", &out);
	ck_assert_str_eq(str_text(&out), "a[1].b: expected 2, got 3\n");
}
END_TEST

START_TEST(a_search_names_the_nearest_element)
{
	STR_AUTO out = STR_INIT;

	compare("{\"$find\": [{\"name\": \"free\", \"value\": 1}]}",
		"[{\"name\": \"slab\", \"value\": 2}, {\"name\": \"free\", \"value\": 3}]", &out);
	ck_assert_str_eq(str_text(&out),
			 "[$find 0]: expected {\"name\":\"free\",\"value\":1}, got "
			 "{\"name\":\"free\",\"value\":3} (no element matches; the nearest is "
			 "shown)\n");
}
END_TEST

START_TEST(long_values_are_cut)
{
	STR_AUTO got = STR_INIT;
	STR_AUTO out = STR_INIT;

	str_add(&got, "[0");
	for (int i = 0; i < 1000; i++)
		str_add(&got, ",1");
	str_add(&got, "]");
	ck_assert_uint_eq(compare("1", str_text(&got), &out), 1);
	ck_assert_uint_lt(out.len, 300);
}
END_TEST

Suite *json_match_suite(void)
{
	Suite *suite = suite_create("json_match");
	TCase *tcase = tcase_create("json_match");

	tcase_add_loop_test(tcase, differences_are_counted, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, a_line_names_path_and_both_values);
	tcase_add_test(tcase, a_search_names_the_nearest_element);
	tcase_add_test(tcase, long_values_are_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
