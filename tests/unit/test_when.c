/*
 * base/when: every form in which a point in time may be written, and what is none.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/when.h"

Suite *when_suite(void);

/* 2026-11-20 10:00:00 UTC */
#define NOW_S 1795168800LL

static const struct {
	const char *text;
	int64_t us;
} forms[] = {
	{"now", NOW_S * 1000000},
	{"@1795168800", NOW_S * 1000000},
	{"@1795168800.5", NOW_S * 1000000 + 500000},
	{"@-1", -1000000},
	{"2026-11-20T10:00:00Z", NOW_S * 1000000},
	{"2026-11-20T10:00:00.25Z", NOW_S * 1000000 + 250000},
	{"2026-11-20T12:00:00+02:00", NOW_S * 1000000},
	{"2026-11-20 04:30:00 -0530", NOW_S * 1000000},
	/* TZ is two hours east */
	{"2026-11-20 12:00", NOW_S * 1000000},
	{"2026-11-20 12:00:30", (NOW_S + 30) * 1000000},
	{"2026-11-20 12:00:30,5", (NOW_S + 30) * 1000000 + 500000},
	{"2026-11-20", (NOW_S - 12 * 3600) * 1000000},
	{"today", (NOW_S - 12 * 3600) * 1000000},
	{"yesterday", (NOW_S - 36 * 3600) * 1000000},
	{"11:00", (NOW_S - 3600) * 1000000},
	{"-2h", (NOW_S - 7200) * 1000000},
	{"2h ago", (NOW_S - 7200) * 1000000},
	{"1h 30min ago", (NOW_S - 5400) * 1000000},
	{"1h30m ago", (NOW_S - 5400) * 1000000},
	{"3 days ago", (NOW_S - 3 * 86400) * 1000000},
	{"1 week ago", (NOW_S - 7 * 86400) * 1000000},
	{"-0.5s", NOW_S * 1000000 - 500000},
};

START_TEST(every_form_is_read)
{
	struct err err = ERR_INIT;
	int64_t us = 0;

	setenv("TZ", "EET-2", 1);
	tzset();
	ck_assert_msg(parse_when(forms[_i].text, NOW_S * 1000000, &us, &err) == 0, "'%s': %s",
		      forms[_i].text, err.text);
	ck_assert_msg(us == forms[_i].us, "'%s': %" PRId64 ", expected %" PRId64, forms[_i].text,
		      us, forms[_i].us);
}
END_TEST

static const char *const wrong[] = {
	"",
	"soon",
	"2h",
	"ago",
	"-",
	"-2x",
	"@",
	"@x",
	"@1 ",
	"2026-13-01",
	"2026-11-20 25:00",
	"2026-11-20 10",
	"10:00x",
	"2026-11-20T10:00:00+2",
	"-2hago x",
	"2026-11-20T10:00:00Zx",
};

START_TEST(what_is_no_time_is_refused)
{
	struct err err = ERR_INIT;
	int64_t us = 77;

	ck_assert_int_lt(parse_when(wrong[_i], NOW_S * 1000000, &us, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "is no time, expected such as"));
}
END_TEST

Suite *when_suite(void)
{
	Suite *suite = suite_create("when");
	TCase *tcase = tcase_create("when");

	tcase_add_loop_test(tcase, every_form_is_read, 0, sizeof(forms) / sizeof(*forms));
	tcase_add_loop_test(tcase, what_is_no_time_is_refused, 0, sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
