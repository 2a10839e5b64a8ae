/*
 * harness/judge: 'says', lines of the kernel's log.
 */
#include <check.h>

#include "tests/lib/judge_rig.h"

Suite *judge_says_suite(void);

static char invoked[] = "hog invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0";
static char reaped[] = "oom_reaper: reaped process 101 (hog), now anon-rss:0kB";
static char *lines[] = {invoked, reaped, reaped};

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
	rig->world.lines = lines;
	rig->world.n_lines = 3;
}

static void teardown(void)
{
	rig->world.lines = NULL;
	rig->world.n_lines = 0;
	rig_free(rig);
}

static const struct {
	const char *text;
	enum judge_state state;
} says[] = {
	{"says: invoked oom-killer", JUDGE_HOLDS},
	{"says: [invoked, ^oom_reaper]", JUDGE_HOLDS},
	{"says: [invoked, no such line]", JUDGE_WAIT},
	{"says: {'reaped process [0-9]+ \\(hog\\)': 2}", JUDGE_HOLDS},
	{"says: {reaped: 3}", JUDGE_WAIT},
	{"says: {reaped: 1}", JUDGE_FAILS},
	{"says: {reaped: 0}", JUDGE_FAILS},
	{"says: {^reaped: 0}", JUDGE_HOLDS},
	{"says: {reaped: '>=1', invoked: 1..2}", JUDGE_HOLDS},
};

START_TEST(lines_are_counted)
{
	rig_says(rig, says[_i].text, says[_i].state);
}
END_TEST

START_TEST(those_of_earlier_expectations_do_not_count)
{
	rig->world.lines_mark = 2;
	rig_says(rig, "says: {invoked: 0, reaped: 1}", JUDGE_HOLDS);
	rig_says(rig, "says: invoked", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "says")->expected, ">=1 of 'invoked'");
	ck_assert_str_eq(rig_finding(rig, "says")->got, "0 of 1 lines");
}
END_TEST

Suite *judge_says_suite(void)
{
	Suite *suite = suite_create("judge_says");
	TCase *tcase = tcase_create("judge_says");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, lines_are_counted, 0, (int)(sizeof(says) / sizeof(says[0])));
	tcase_add_test(tcase, those_of_earlier_expectations_do_not_count);
	suite_add_tcase(suite, tcase);
	return suite;
}
