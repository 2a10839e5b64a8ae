/*
 * Curves of bytes over time: what a CSV file means, the value at each moment, leaks, and when they
 * meet a limit.
 */
#include <check.h>
#include <string.h>

#include "base/str.h"
#include "harness/cmd/curve_roles.h"
#include "harness/curve/curve_forecast.h"
#include "harness/curve/curve_tell.h"
#include "workloads/curve.h"

Suite *curve_suite(void);

enum { PAGE = 4096 };
#define MIB    1048576ULL
#define SECOND 1000000000ULL
#define HOUR   (3600 * SECOND)

static struct curve curve;

static void read_rows(const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_msg(curve_parse(text, 1, 0, &curve, &err) == 0, "%s", err.text);
}

/* ---- rows ----------------------------------------------------------------------------------- */

START_TEST(times_are_written_in_many_ways)
{
	static const char *const rows[] = {
		"00:00,1M\n06:30,2M\n",
		"0:00:00,1M\n6:30:00,2M",
		"time,bytes\n0,1M\n23400,2M\n",
		"0s,1M\n6.5h,2M\n",
		"0,1M\n390m,2M\n",
		"# from monitoring\n\n0;1048576\n23400;2097152\n",
		"\"0\",\"1048576\"\n\"23400\",\"2097152\"\n",
		"2026-11-28T00:00:00Z,1M\n2026-11-28T06:30:00Z,2M\n",
		"2026-11-28 00:00,1M\r\n2026-11-28 06:30,2M\r\n",
		"1795824000,1M\n1795847400,2M\n",
		"1795824000000,1048576.0\n1795847400000,2.097152e+06\n",
		"\xef\xbb\xbfTime\tMem\n0\t1M\n23400\t2M\n",
		"1795824000000000,1M\n1795847400000000,2M\n",
		"1795824000000000000,1M\n1795847400000000000,2M\n",
		/* The same clock in one zone, and the same moments in another. */
		"2026-11-28T00:00:00+05:30,1M\n2026-11-28T06:30:00+05:30,2M\n",
		"2026-10-25T00:00+0200,1M\n2026-10-25T05:30+01,2M\n",
		"2026-11-28T00:00:00Z,1M\n1795847400,2M\n",
		"2024-02-29 00:00 UTC,1M\n2024-02-29 06:30 UTC,2M\n",
		"time,bytes\r\r0,1M\r23400,2M\r",
		"0, 1M \t\r\n23400 ,2M\t\r\n\r\n",
		"\xef\xbb\xbf#\r\n0,1M\r\n23400,2M",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_rows(rows[i]);
		ck_assert_uint_eq(curve.n, 2);
		ck_assert_uint_eq(curve.points[0].at_ns, 0);
		ck_assert_uint_eq(curve.points[1].at_ns, 13 * HOUR / 2);
		ck_assert_uint_eq(curve.points[0].bytes, 1 * MIB);
		ck_assert_uint_eq(curve.points[1].bytes, 2 * MIB);
		ck_assert_uint_eq(curve.period_ns, CURVE_DAY_NS);
		curve_clear(&curve);
	}
}
END_TEST

/* A day that is exported at noon begins at its first row's midnight. */
START_TEST(points_in_time_count_from_midnight)
{
	read_rows("2026-11-27T12:00:00,1M\n2026-11-28T11:00:00,2M\n");
	ck_assert_uint_eq(curve.points[0].at_ns, 12 * HOUR);
	ck_assert_uint_eq(curve.points[1].at_ns, 35 * HOUR);
	ck_assert_uint_eq(curve.period_ns, 2 * CURVE_DAY_NS);
	curve_clear(&curve);
}
END_TEST

START_TEST(wrong_rows_are_told_with_their_line)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"", "no row has a time and bytes in column 1"},
		{"time,bytes\n", "no row has a time and bytes in column 1"},
		{"0,1M\n\n25:61,1M\n", "line 3: '25:61' is not a time"},
		{"0,1M\nx,1M\n", "line 2: 'x' is not a time"},
		{"0,1M\n5,2X\n", "line 2: '2X' is not a size"},
		{"0,-1\n", "line 1: '-1' is not a size"},
		{"time,bytes\r\n0,1M\r\n1h,x\r\n", "line 3: 'x' is not a size"},
		{"2026-02-29T00:00,1M", "line 1: '2026-02-29T00:00' is not a time"},
		{"2100-02-29T00:00,1M", "line 1: '2100-02-29T00:00' is not a time"},
		{"2026-02-30T00:00,1M", "line 1: '2026-02-30T00:00' is not a time"},
		{"2026-04-31T00:00,1M", "line 1: '2026-04-31T00:00' is not a time"},
		{"2026-13-01T00:00,1M", "line 1: '2026-13-01T00:00' is not a time"},
		{"2026-00-01T00:00,1M", "line 1: '2026-00-01T00:00' is not a time"},
		{"2026-01-01T25:00,1M", "line 1: '2026-01-01T25:00' is not a time"},
		{"2026-01-01T24:01,1M", "line 1: '2026-01-01T24:01' is not a time"},
		{"2026-01-01T06:60,1M", "line 1: '2026-01-01T06:60' is not a time"},
		{"2026-01-01T06:30pm,1M", "line 1: '2026-01-01T06:30pm' is not a time"},
		{"2026-01-01T06:30+25:00,1M", "line 1: '2026-01-01T06:30+25:00' is not a time"},
		{"1969-12-31T06:30,1M", "line 1: '1969-12-31T06:30' is not a time"},
		{"0,1M\n2026-01-01T06:30,1M",
		 "line 2: '2026-01-01T06:30' is a point in time without a zone, expected a time of "
		 "day or since the start as in the rows before"},
		{"2026-01-01T06:30Z,1M\n2026-01-01T06:31,1M",
		 "line 2: '2026-01-01T06:31' is a point in time without a zone, expected a point "
		 "in "
		 "time with a zone as in the rows before"},
		{"1795824000,1M\n06:30,1M", "line 2: '06:30' is a time of day or since the start"},
		{"2026-11-28T06:30+01:00,1M\n2026-11-28T07:00+02:00,2M",
		 "line 2: '2026-11-28T07:00+02:00' is not after the row before it"},
		{"nan,1M", "line 1: 'nan' is not a time"},
		{"-5,1M", "line 1: '-5' is not a time"},
		{"inf,1M\n1,2M", "line 1: 'inf' is not a time"},
		{"0,nan", "line 1: 'nan' is not a size"},
		{"0,inf", "line 1: 'inf' is not a size"},
		{"0,1M\n1e25,2M", "line 2: '1e25' is not a time"},
		{"0,1M\n1e400,2M", "line 2: '1e400' is not a time"},
		{"0,1M\n9999999,2M\n99999999999999999999,2M",
		 "line 3: '99999999999999999999' is not a time"},
		{"0,1M\n87601h,2M", "line 2: '87601h' is too late, expected 3650 days or less"},
		{"2026-01-01T00:00,1M\n2036-01-01T00:00,2M", "line 2: '2036-01-01T00:00' is too "
							     "late, expected 3650 days or less"},
		{"0,1e20", "line 1: '1e20' is no size that can be held, expected 64P or less"},
		{"0,99999999999999999999999",
		 "line 1: '99999999999999999999999' is no size that can be held"},
		{"0,99999999999999999999999G",
		 "line 1: '99999999999999999999999G' is no size that can be held"},
		{"0,65P", "line 1: '65P' is no size that can be held"},
		{"0,\"1,500,000\"", "line 1: '1,500,000' is not a size"},
		{"06:30;1,5", "line 1: '1,5' is not a size"},
		{"0,1M\n06:30", "line 2: expected time,bytes, got '06:30'"},
		{"0 1M\n", "line 1: expected time,bytes, got '0 1M'"},
		{"6h,1M\n5h,2M\n", "line 2: '5h' is not after the row before it"},
		{"6h,1M\n6h,2M\n", "line 2: '6h' is not after the row before it"},
		{"0,max\n", "line 1: 'max' is no size that can be held"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;
		ck_assert_msg(curve_parse(rows[i].text, 1, 0, &curve, &err) < 0, "taken: %s",
			      rows[i].text);
		ck_assert_msg(str_starts(err.text, rows[i].told), "%s: %s", rows[i].text, err.text);
	}
}
END_TEST

START_TEST(gaps_are_left_out_and_columns_have_names)
{
	static const char text[] = "time,web,\"cache 1\"\n0,1M,2M\n1h,,4M\n2h,3M,\n";
	struct err err = ERR_INIT;
	char name[CURVE_NAME_MAX];

	ck_assert_uint_eq(curve_columns(text), 2);
	curve_column_name(text, 1, name, sizeof(name));
	ck_assert_str_eq(name, "web");
	curve_column_name(text, 2, name, sizeof(name));
	ck_assert_str_eq(name, "cache 1");
	curve_column_name("0,1M\n", 1, name, sizeof(name));
	ck_assert_str_eq(name, "");
	curve_column_name("\xef\xbb\xbf"
			  "0,1M\n",
			  1, name, sizeof(name));
	ck_assert_str_eq(name, "");
	ck_assert_uint_eq(curve_columns("time;\"a;b\";c,d\r0;1;2\r"), 2);
	curve_column_name("time;\"a;b\";c,d\r0;1;2\r", 1, name, sizeof(name));
	ck_assert_str_eq(name, "a;b");

	ck_assert_int_eq(curve_parse(text, 1, 0, &curve, &err), 0);
	ck_assert_uint_eq(curve.n, 2);
	ck_assert_uint_eq(curve_at(&curve, HOUR), 2 * MIB);
	curve_clear(&curve);
	ck_assert_int_eq(curve_parse(text, 2, 0, &curve, &err), 0);
	ck_assert_uint_eq(curve.n, 2);
	ck_assert_uint_eq(curve_at(&curve, HOUR), 4 * MIB);
	curve_clear(&curve);
}
END_TEST

/* ---- values --------------------------------------------------------------------------------- */

START_TEST(the_curve_is_linear_and_comes_back)
{
	read_rows("06:00,10M\n12:00,22M\n");
	ck_assert_uint_eq(curve_at(&curve, 6 * HOUR), 10 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 9 * HOUR), 16 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 12 * HOUR), 22 * MIB);
	/* 18 hours from there to 06:00 */
	ck_assert_uint_eq(curve_at(&curve, 21 * HOUR), 16 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 24 * HOUR), 14 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 0), 14 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 3 * HOUR), 12 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 100 * CURVE_DAY_NS + 9 * HOUR), 16 * MIB);
	curve_clear(&curve);
}
END_TEST

START_TEST(one_row_is_a_constant_and_two_ends_may_jump)
{
	read_rows("06:00,10M\n");
	ck_assert_uint_eq(curve_at(&curve, 0), 10 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 23 * HOUR), 10 * MIB);
	curve_clear(&curve);

	read_rows("00:00,10M\n24:00,34M\n");
	ck_assert_uint_eq(curve.period_ns, CURVE_DAY_NS);
	ck_assert_uint_eq(curve_at(&curve, 0), 10 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 23 * HOUR), 33 * MIB);
	ck_assert_uint_eq(curve_at(&curve, 24 * HOUR), 10 * MIB);
	curve_clear(&curve);
}
END_TEST

START_TEST(corners_are_each_point_and_each_beginning)
{
	read_rows("06:00,10M\n12:00,22M\n");
	ck_assert_uint_eq(curve_next_corner(&curve, 0), 6 * HOUR);
	ck_assert_uint_eq(curve_next_corner(&curve, 6 * HOUR), 12 * HOUR);
	ck_assert_uint_eq(curve_next_corner(&curve, 12 * HOUR), 24 * HOUR);
	ck_assert_uint_eq(curve_next_corner(&curve, 24 * HOUR), 30 * HOUR);
	curve_clear(&curve);
}
END_TEST

START_TEST(leaks_are_sizes_a_time)
{
	static const struct {
		const char *text;
		uint64_t in_a_day;
	} rows[] = {
		{"12M/h", 288 * MIB}, {"1K/s", 86400 * 1024}, {"1M/m", 1440 * MIB},
		{"48M/d", 48 * MIB},  {"1.5M/h", 36 * MIB},   {"0/h", 0},
	};
	static const char *const wrong[] = {"12M", "12M/", "12M/w", "/h", "x/h", "-1M/h", ""};
	struct err err = ERR_INIT;
	struct curve_leak leak;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(curve_leak_parse(rows[i].text, &leak, &err), 0);
		ck_assert_uint_eq(curve_leaked(&leak, CURVE_DAY_NS), rows[i].in_a_day);
		ck_assert_ptr_nonnull(strstr(rows[i].text, curve_leak_unit(&leak)));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(curve_leak_parse(wrong[i], &leak, &err) < 0, "%s", wrong[i]);
}
END_TEST

/* ---- the forecast --------------------------------------------------------------------------- */

static void role(struct curve_load_set *set, const char *name, const char *rows, const char *leak,
		 int adj)
{
	struct curve_role *one = &set->roles[set->n++];
	struct err err = ERR_INIT;

	*one = (struct curve_role){.adj = adj};
	strcpy(one->name, name);
	ck_assert_int_eq(curve_parse(rows, 1, 0, &one->curve, &err), 0);
	if (leak)
		ck_assert_int_eq(curve_leak_parse(leak, &one->leak, &err), 0);
}

static void clear(struct curve_load_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		curve_clear(&set->roles[i].curve);
}

/* Page tables are a 512th of the pages, and little more. */
static void assert_about(uint64_t got_ns, uint64_t hours, uint64_t within_minutes)
{
	uint64_t want = hours * HOUR, within = within_minutes * 60 * SECOND;

	ck_assert_uint_le(got_ns, want);
	ck_assert_uint_ge(got_ns, want - within);
}

START_TEST(a_leak_meets_the_limit)
{
	struct curve_load_set set = {.limit_bytes = 120 * MIB, .page_size = PAGE};
	struct forecast forecast;

	role(&set, "a", "0,10M\n", "10M/h", 0);
	forecast_make(&set, 10 * MIB, 7 * CURVE_DAY_NS, &forecast);
	ck_assert(forecast.dies);
	assert_about(forecast.at_ns, 10, 3);
	ck_assert_uint_eq(forecast.who, 0);
	ck_assert(!forecast.close);
	/* not within nine hours */
	forecast_make(&set, 10 * MIB, 9 * HOUR, &forecast);
	ck_assert(!forecast.dies);
	ck_assert_uint_ge(forecast.most_bytes, 110 * MIB - 1000000);
	clear(&set);
}
END_TEST

START_TEST(a_peak_meets_the_limit_on_the_day_when_enough_has_leaked)
{
	struct curve_load_set set = {.limit_bytes = 200 * MIB, .page_size = PAGE};
	struct forecast forecast;

	/* At noon of day 3, 60 hours, 60 MiB have leaked: 40 + 100 + 60; on day 2 less. */
	role(&set, "a", "0,10M\n12:00,100M\n13:00,10M\n", "1M/h", 0);
	role(&set, "b", "0,40M\n", NULL, 0);
	forecast_make(&set, 0, 7 * CURVE_DAY_NS, &forecast);
	ck_assert(forecast.dies);
	assert_about(forecast.at_ns, 60, 10);
	ck_assert_uint_eq(forecast.who, 0);
	clear(&set);
}
END_TEST

START_TEST(a_jump_where_the_curve_begins_again_counts)
{
	struct curve_load_set set = {.limit_bytes = 50 * MIB, .page_size = PAGE};
	struct forecast forecast;

	role(&set, "a", "0,10M\n24:00,60M\n", NULL, 0);
	forecast_make(&set, 0, 2 * CURVE_DAY_NS, &forecast);
	ck_assert(forecast.dies);
	assert_about(forecast.at_ns, 20, 60); /* after 19.2 hours it has 50 */
	clear(&set);

	set = (struct curve_load_set){.limit_bytes = 50 * MIB, .page_size = PAGE};
	role(&set, "a", "0,60M\n1m,10M\n24:00,10M\n", NULL, 0);
	forecast_make(&set, 0, CURVE_DAY_NS, &forecast);
	ck_assert(forecast.dies);
	ck_assert_uint_eq(forecast.at_ns, 0);
	clear(&set);
}
END_TEST

START_TEST(who_dies_is_by_size_and_by_oom_score_adj)
{
	struct curve_load_set set = {.limit_bytes = 100 * MIB, .page_size = PAGE};
	struct forecast forecast;

	role(&set, "large", "0,60M\n", NULL, 0);
	role(&set, "leaky", "0,10M\n", "1M/h", 0);
	forecast_make(&set, 0, 7 * CURVE_DAY_NS, &forecast);
	ck_assert_uint_eq(forecast.who, 0);
	ck_assert(!forecast.close);
	set.roles[1].adj = 300; /* 40 + 30 */
	forecast_make(&set, 0, 7 * CURVE_DAY_NS, &forecast);
	ck_assert_uint_eq(forecast.who, 1);
	ck_assert(!forecast.close);
	set.roles[1].adj = 200; /* 40 + 20 */
	forecast_make(&set, 0, 7 * CURVE_DAY_NS, &forecast);
	ck_assert(forecast.close);
	clear(&set);
}
END_TEST

/* ---- words ---------------------------------------------------------------------------------- */

START_TEST(times_of_the_curve_have_days_from_1)
{
	char buf[40];

	ck_assert_str_eq(curve_time(0, buf, sizeof(buf)), "day 1, 00:00");
	ck_assert_str_eq(curve_time(2 * CURVE_DAY_NS + 14 * HOUR + 449 * SECOND, buf, sizeof(buf)),
			 "day 3, 14:07");
}
END_TEST

START_TEST(leaks_and_adjs_find_their_role)
{
	struct curve_load_set set = {0};
	struct err err = ERR_INIT;

	role(&set, "web", "0,1M\n", NULL, 0);
	ck_assert_int_eq(curve_roles_leaks(&set, &(struct opt_list){1, {"1M/h"}}, &err), 0);
	ck_assert_uint_eq(set.roles[0].leak.bytes, MIB);
	role(&set, "cache", "0,1M\n", NULL, 0);
	ck_assert_int_eq(curve_roles_leaks(&set, &(struct opt_list){1, {"cache=2M/h"}}, &err), 0);
	ck_assert_uint_eq(set.roles[1].leak.bytes, 2 * MIB);
	ck_assert_int_eq(curve_roles_adjs(&set, &(struct opt_list){1, {"web=-999"}}, &err), 0);
	ck_assert_int_eq(set.roles[0].adj, -999);

	ck_assert_int_lt(curve_roles_leaks(&set, &(struct opt_list){1, {"1M/h"}}, &err), 0);
	ck_assert_str_eq(err.text, "--leak: whose? there are 2 roles, as in --leak web=1M/h");
	ck_assert_int_lt(curve_roles_leaks(&set, &(struct opt_list){1, {"db=1M/h"}}, &err), 0);
	ck_assert_str_eq(err.text, "--leak: there is no role 'db'");
	ck_assert_int_lt(curve_roles_adjs(&set, &(struct opt_list){1, {"web=1001"}}, &err), 0);
	ck_assert_int_lt(curve_roles_adjs(&set, &(struct opt_list){1, {"web=-1000"}}, &err), 0);
	clear(&set);
}
END_TEST

Suite *curve_suite(void)
{
	Suite *suite = suite_create("curve");
	TCase *tcase = tcase_create("rows");

	tcase_add_test(tcase, times_are_written_in_many_ways);
	tcase_add_test(tcase, points_in_time_count_from_midnight);
	tcase_add_test(tcase, wrong_rows_are_told_with_their_line);
	tcase_add_test(tcase, gaps_are_left_out_and_columns_have_names);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("values");
	tcase_add_test(tcase, the_curve_is_linear_and_comes_back);
	tcase_add_test(tcase, one_row_is_a_constant_and_two_ends_may_jump);
	tcase_add_test(tcase, corners_are_each_point_and_each_beginning);
	tcase_add_test(tcase, leaks_are_sizes_a_time);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("forecast");
	tcase_add_test(tcase, a_leak_meets_the_limit);
	tcase_add_test(tcase, a_peak_meets_the_limit_on_the_day_when_enough_has_leaked);
	tcase_add_test(tcase, a_jump_where_the_curve_begins_again_counts);
	tcase_add_test(tcase, who_dies_is_by_size_and_by_oom_score_adj);
	tcase_add_test(tcase, times_of_the_curve_have_days_from_1);
	tcase_add_test(tcase, leaks_and_adjs_find_their_role);
	suite_add_tcase(suite, tcase);
	return suite;
}
