/*
 * base/parse: quantities as people write them, what is refused, and the way back to text.
 */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

Suite *parse_suite(void);

typedef int (*parser)(const char *text, uint64_t *ret, struct err *err);

static const struct {
	const char *text;
	uint64_t value;
} sizes[] = {
	{"0", 0},
	{"4096", 4096},
	{"1B", 1},
	{"80M", 80ULL << 20},
	{"80MB", 80ULL << 20},
	{"80MiB", 80ULL << 20},
	{"80m", 80ULL << 20},
	{"1k", 1024},
	{"1.5G", 3ULL << 29},
	{"0.5K", 512},
	{"1T", 1ULL << 40},
	{"2P", 1ULL << 51},
	{"max", UINT64_MAX},
	{"18446744073709551615", UINT64_MAX},
	{"16383P", 16383ULL << 50},
};

START_TEST(size_is_read)
{
	struct err err = ERR_INIT;
	uint64_t value = 7;

	ck_assert_msg(parse_size(sizes[_i].text, &value, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(value, sizes[_i].value);
}
END_TEST

START_TEST(pages_are_this_machines)
{
	struct err err = ERR_INIT;
	uint64_t value = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);

	ck_assert_int_eq(parse_size("4087pages", &value, &err), 0);
	ck_assert_uint_eq(value, 4087 * page);
	ck_assert_int_eq(parse_size("1page", &value, &err), 0);
	ck_assert_uint_eq(value, page);
}
END_TEST

static const struct {
	const char *text;
	uint64_t value;
} durations[] = {
	{"0", 0},   {"100ms", 100000000}, {"1.5s", 1500000000},	 {"20us", 20000},
	{"3ns", 3}, {"5m", 300000000000}, {"2h", 7200000000000},
};

START_TEST(duration_is_read)
{
	struct err err = ERR_INIT;
	uint64_t value = 7;

	ck_assert_msg(parse_duration(durations[_i].text, &value, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(value, durations[_i].value);
}
END_TEST

static const struct {
	parser parse;
	const char *text;
	int error;
} wrong[] = {
	{parse_size, "", -EINVAL},
	{parse_size, "80MB?", -EINVAL},
	{parse_size, "M", -EINVAL},
	{parse_size, " 80M", -EINVAL},
	{parse_size, "80 M", -EINVAL},
	{parse_size, "-1", -EINVAL},
	{parse_size, "+1", -EINVAL},
	{parse_size, "1.", -EINVAL},
	{parse_size, "1.M", -EINVAL},
	{parse_size, ".5M", -EINVAL},
	{parse_size, "0x10", -EINVAL},
	{parse_size, "1e3", -EINVAL},
	{parse_size, "50%", -EINVAL},
	{parse_size, "16384P", -ERANGE},
	{parse_size, "18446744073709551616", -ERANGE},
	{parse_size, "99999999999999999999999", -ERANGE},
	{parse_duration, "5", -EINVAL},
	{parse_duration, "s", -EINVAL},
	{parse_duration, "1sec", -EINVAL},
	{parse_duration, "99999999999h", -ERANGE},
};

START_TEST(wrong_quantity_is_refused)
{
	struct err err = ERR_INIT;
	uint64_t value = 7;

	ck_assert_int_eq(wrong[_i].parse(wrong[_i].text, &value, &err), wrong[_i].error);
	ck_assert_uint_eq(value, 7);
	ck_assert_ptr_nonnull(strstr(err.text, wrong[_i].text));
}
END_TEST

START_TEST(message_says_what_is_expected)
{
	struct err err = ERR_INIT;
	uint64_t value;

	parse_size("80MB?", &value, &err);
	ck_assert_str_eq(err.text, "'80MB?' is not a size, expected a number and a unit such as "
				   "80M, 1.5G or 4096");
}
END_TEST

START_TEST(integers_keep_their_bounds)
{
	struct err err = ERR_INIT;
	int64_t value = 7;
	uint64_t natural = 7;

	ck_assert_int_eq(parse_i64("-1000", -1000, 1000, &value, &err), 0);
	ck_assert_int_eq(value, -1000);
	ck_assert_int_eq(parse_i64("+1000", -1000, 1000, &value, &err), 0);
	ck_assert_int_eq(value, 1000);
	ck_assert_int_eq(parse_i64("1001", -1000, 1000, &value, &err), -ERANGE);
	ck_assert_str_eq(err.text, "1001 is not within -1000 to 1000");
	ck_assert_int_eq(parse_i64("99999999999999999999", INT64_MIN, INT64_MAX, &value, &err),
			 -ERANGE);
	ck_assert_int_eq(parse_i64("-", -1000, 1000, &value, &err), -EINVAL);
	ck_assert_int_eq(parse_i64("12x", -1000, 1000, &value, &err), -EINVAL);
	ck_assert_int_eq(value, 1000);
	ck_assert_int_eq(parse_u64("5", 5, &natural, &err), 0);
	ck_assert_uint_eq(natural, 5);
	ck_assert_int_eq(parse_u64("6", 5, &natural, &err), -ERANGE);
	ck_assert_int_eq(parse_u64("-1", UINT64_MAX, &natural, &err), -EINVAL);
	ck_assert_int_eq(parse_u64("18446744073709551616", UINT64_MAX, &natural, &err), -ERANGE);
	ck_assert_uint_eq(natural, 5);
}
END_TEST

START_TEST(percentages)
{
	struct err err = ERR_INIT;
	double value = 7;

	ck_assert_int_eq(parse_percent("50%", &value, &err), 0);
	ck_assert_double_eq(value, 50);
	ck_assert_int_eq(parse_percent("12.5%", &value, &err), 0);
	ck_assert_double_eq(value, 12.5);
	ck_assert_int_eq(parse_percent("10001%", &value, &err), -ERANGE);
	ck_assert_int_eq(parse_percent("50", &value, &err), -EINVAL);
	ck_assert_int_eq(parse_percent("-5%", &value, &err), -EINVAL);
	ck_assert_int_eq(parse_percent("%", &value, &err), -EINVAL);
	ck_assert_double_eq(value, 12.5);
}
END_TEST

START_TEST(booleans)
{
	static const char *const yes[] = {"yes", "on", "true", "1", "enabled", "Yes"};
	static const char *const no[] = {"no", "off", "false", "0", "disabled", "OFF"};
	struct err err = ERR_INIT;
	int value = 7;

	for (size_t i = 0; i < 6; i++) {
		ck_assert_int_eq(parse_bool(yes[i], &value, &err), 0);
		ck_assert_int_eq(value, 1);
		ck_assert_int_eq(parse_bool(no[i], &value, &err), 0);
		ck_assert_int_eq(value, 0);
	}
	ck_assert_int_eq(parse_bool("maybe", &value, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'maybe' is neither yes nor no");
}
END_TEST

static const struct {
	uint64_t bytes;
	const char *exact;
	const char *rough;
} printed[] = {
	{0, "0", "0B"},
	{1, "1", "1B"},
	{999, "999", "999B"},
	{1234, "1234", "1.21K"},
	{80ULL << 20, "80M", "80.0M"},
	{(80ULL << 20) - 4096, "81916K", "80.0M"},
	{1000ULL << 20, "1000M", "0.98G"},
	{1ULL << 30, "1G", "1.00G"},
	{UINT64_MAX - 1, "18446744073709551614", "16384P"},
	{UINT64_MAX, "max", "max"},
};

START_TEST(size_is_printed)
{
	char buf[PARSE_TEXT_MAX];
	struct err err = ERR_INIT;
	uint64_t back;

	ck_assert_str_eq(format_size_short(printed[_i].bytes, buf), printed[_i].rough);
	ck_assert_str_eq(format_size(printed[_i].bytes, buf), printed[_i].exact);
	ck_assert_int_eq(parse_size(buf, &back, &err), 0);
	ck_assert_uint_eq(back, printed[_i].bytes);
}
END_TEST

static const struct {
	uint64_t ns;
	const char *text;
} times[] = {
	{0, "0ns"},
	{999, "999ns"},
	{850000, "850us"},
	{17300000, "17.3ms"},
	{2040000000, "2.04s"},
	{61000000000, "61.0s"},
	{999999999, "1000ms"},
	{3600000000000, "3600s"},
	{12, "12ns"},
};

START_TEST(duration_is_printed)
{
	char buf[PARSE_TEXT_MAX];

	ck_assert_str_eq(format_duration(times[_i].ns, buf), times[_i].text);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *parse_suite(void)
{
	Suite *suite = suite_create("parse");
	TCase *tcase = tcase_create("parse");

	tcase_add_loop_test(tcase, size_is_read, 0, COUNT(sizes));
	tcase_add_test(tcase, pages_are_this_machines);
	tcase_add_loop_test(tcase, duration_is_read, 0, COUNT(durations));
	tcase_add_loop_test(tcase, wrong_quantity_is_refused, 0, COUNT(wrong));
	tcase_add_test(tcase, message_says_what_is_expected);
	tcase_add_test(tcase, integers_keep_their_bounds);
	tcase_add_test(tcase, percentages);
	tcase_add_test(tcase, booleans);
	tcase_add_loop_test(tcase, size_is_printed, 0, COUNT(printed));
	tcase_add_loop_test(tcase, duration_is_printed, 0, COUNT(times));
	suite_add_tcase(suite, tcase);
	return suite;
}
