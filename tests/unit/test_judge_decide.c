/*
 * harness/judge: which of two expectations came true, and when that is an answer.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_decide_suite(void);

/* Each side is parsed by a rig of its own; both are judged against the world of the first. */
static struct rig *rig, *other;
static struct findings findings;

static void setup(void)
{
	rig = rig_new();
	other = rig_new();
	findings = (struct findings){0};
}

static void teardown(void)
{
	findings_free(&findings);
	rig_free(other);
	rig_free(rig);
}

static void sides(const char *if_true, const char *if_false)
{
	rig_expect(rig, if_true);
	rig_expect(other, if_false);
}

/* The side that came true, or -1; its state must then be that of judge_decide(). */
static int decide(bool last, enum judge_state state)
{
	const struct expect *const both[DECIDE_SIDES] = {
		[DECIDE_TRUE] = rig->expect,
		[DECIDE_FALSE] = other->expect,
	};
	int side = -1;
	enum judge_state is = judge_decide(both, &rig->world, last, &findings, &side);

	ck_assert_int_eq(is, state);
	ck_assert_int_eq(is == JUDGE_HOLDS, side >= 0);
	return side;
}

static size_t findings_of(int side)
{
	size_t n = 0;

	for (size_t i = 0; i < findings.n; i++)
		n += findings.items[i].of &&
		     strcmp(findings.items[i].of, judge_side_name(side)) == 0;
	return n;
}

START_TEST(the_side_that_holds_is_the_answer)
{
	sides("killed: [alloc_1]", "killed: [alloc_2]");
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	ck_assert_int_eq(decide(false, JUDGE_HOLDS), DECIDE_FALSE);
	ck_assert(kill->claimed);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_int_eq(findings.items[0].state, JUDGE_HOLDS);
	ck_assert_str_eq(findings.items[0].expected, "alloc_2");
	ck_assert_ptr_null(findings.items[0].of);
}
END_TEST

START_TEST(nothing_yet_is_no_answer)
{
	sides("killed: [alloc_1]", "killed: [alloc_2]");
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	ck_assert_int_eq(decide(true, JUDGE_WAIT), -1);
	ck_assert_uint_eq(findings_of(DECIDE_TRUE), 1);
	ck_assert_uint_eq(findings_of(DECIDE_FALSE), 1);
}
END_TEST

START_TEST(a_third_outcome_fails_at_once_and_claims_nothing)
{
	sides("killed: [alloc_1]", "killed: [alloc_2]");
	struct world_kill *kill = rig_kill(rig, ALLOC_3, -1, BY_ALL);

	ck_assert_int_eq(decide(false, JUDGE_FAILS), -1);
	ck_assert(!kill->claimed);
	ck_assert_uint_eq(findings_of(DECIDE_TRUE), 1);
	ck_assert_uint_eq(findings_of(DECIDE_FALSE), 1);
}
END_TEST

/* A kill that is not confirmed by all sources yet decides nothing, for neither side. */
START_TEST(sources_that_are_missing_are_waited_for)
{
	sides("killed: [alloc_1]", "{}");
	struct world_kill *kill = rig_kill(rig, ALLOC_1, -1, BY_LINE);

	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	kill->by_wait = kill->by_counter = true;
	rig->groups[OOM_TEST].oom_kill = 1;
	ck_assert_int_eq(decide(false, JUDGE_HOLDS), DECIDE_TRUE);
}
END_TEST

/* "Nobody was killed" holds from the beginning: it is an answer when nothing is under way. */
START_TEST(what_holds_already_waits_for_commands)
{
	sides("killed: [alloc_1]", "{}");
	rig->tasks[ALLOC_2].stepping = true;
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	ck_assert_uint_eq(findings_of(DECIDE_FALSE), 0);

	rig->tasks[ALLOC_2].blocked = true;
	ck_assert_int_eq(decide(false, JUDGE_HOLDS), DECIDE_FALSE);
	rig->tasks[ALLOC_2].blocked = false;
	rig->tasks[ALLOC_2].stepping = false;
	ck_assert_int_eq(decide(false, JUDGE_HOLDS), DECIDE_FALSE);
}
END_TEST

/* A side that only waits for a task's answer may be as true as the other. */
START_TEST(an_answer_to_a_ping_is_waited_for)
{
	sides("{alive: [alloc_1], usage: {oom_test: 0}}", "usage: {oom_test: 0}");
	rig->groups[OOM_TEST].usage_bytes = 0;
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	rig->tasks[ALLOC_1].proved = true;
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	ck_assert_str_eq(findings.items[0].what, "decide");
}
END_TEST

START_TEST(time_is_an_answer_too)
{
	sides("killed: [alloc_1]", "{}");
	rig->tasks[ALLOC_2].stepping = true;
	ck_assert_int_eq(decide(true, JUDGE_HOLDS), DECIDE_FALSE);
}
END_TEST

START_TEST(both_sides_at_once_are_no_answer)
{
	sides("{}", "usage: {oom_test: 0}");
	rig->groups[OOM_TEST].usage_bytes = 0;
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	ck_assert_int_eq(decide(true, JUDGE_WAIT), -1);
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.items[0].what, "decide");
	ck_assert_str_eq(findings.items[0].got, "both: they do not exclude each other");
}
END_TEST

/* One side cannot come true any more: the other has all the time that there is. */
START_TEST(one_side_left_is_waited_for)
{
	sides("{killed: [alloc_1], usage: {oom_test: <=1M}}", "killed: [alloc_2]");
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig->groups[OOM_TEST].usage_bytes = 2 << 20;
	ck_assert_int_eq(decide(false, JUDGE_WAIT), -1);
	rig->groups[OOM_TEST].usage_bytes = 1 << 20;
	ck_assert_int_eq(decide(false, JUDGE_HOLDS), DECIDE_TRUE);
}
END_TEST

Suite *judge_decide_suite(void)
{
	Suite *suite = suite_create("judge_decide");
	TCase *tcase = tcase_create("decide");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_side_that_holds_is_the_answer);
	tcase_add_test(tcase, nothing_yet_is_no_answer);
	tcase_add_test(tcase, a_third_outcome_fails_at_once_and_claims_nothing);
	tcase_add_test(tcase, sources_that_are_missing_are_waited_for);
	tcase_add_test(tcase, what_holds_already_waits_for_commands);
	tcase_add_test(tcase, an_answer_to_a_ping_is_waited_for);
	tcase_add_test(tcase, time_is_an_answer_too);
	tcase_add_test(tcase, both_sides_at_once_are_no_answer);
	tcase_add_test(tcase, one_side_left_is_waited_for);
	suite_add_tcase(suite, tcase);
	return suite;
}
