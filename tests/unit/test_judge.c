/*
 * harness/judge: who was killed, and in which order.
 */
#include <check.h>
#include <signal.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_suite(void);

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

/* ---- killed --------------------------------------------------------------------------------- */

START_TEST(named_kill_with_all_sources_holds_and_is_claimed)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	rig_says(rig, "killed: [alloc_2]", JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "killed")->expected, "alloc_2");
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait yes, log yes, counter yes");
	ck_assert(kill->claimed);
	/* judged again, the same */
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(wrong_victim_fails_at_once)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_1, -1, BY_ALL);

	rig_says(rig, "killed: [alloc_2]", JUDGE_FAILS);
	const struct finding *finding = rig_finding(rig, "killed");
	ck_assert_str_eq(finding->expected, "alloc_2");
	ck_assert_str_eq(finding->got,
			 "alloc_1 (pid 101), sources: wait yes, log yes, counter yes");
	ck_assert_str_eq(finding->seen,
			 "alloc_2 running (state S), oom_test: oom_kill +1 under_oom 0, outer: "
			 "oom_kill +0 under_oom 0, outer/inner: oom_kill +0 under_oom 0");
	ck_assert_int_eq(finding->at->line, 1);
	ck_assert(!kill->claimed);
}
END_TEST

START_TEST(nothing_yet_waits)
{
	rig_says(rig, "killed: [alloc_2]", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "killed")->got, "nobody");
}
END_TEST

START_TEST(one_victim_too_many_fails)
{
	rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_says(rig, "killed: alloc_2", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait yes, log yes, counter yes; "
			 "alloc_1 (pid 101), sources: wait yes, log yes, counter yes");
}
END_TEST

START_TEST(left_out_means_nobody)
{
	rig_says(rig, "{}", JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "killed")->expected, "nobody");
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_says(rig, "usage: {oom_test: 0}", JUDGE_FAILS);
	ck_assert_ptr_null(rig_finding(rig, "killed")->at);
}
END_TEST

START_TEST(named_task_that_ends_otherwise_fails)
{
	rig_exit(rig, ALLOC_2, 0);
	rig_says(rig, "killed: alloc_2", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got, "alloc_2 exited 0");
	rig_signal(rig, ALLOC_2, SIGTERM);
	rig_judge(rig, JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got, "alloc_2 killed by SIGTERM");
}
END_TEST

/* An ordinary kill -9 looks the same to wait(). */
START_TEST(sigkill_alone_is_no_proof)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_WAIT);

	rig_says(rig, "killed: alloc_2", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 got SIGKILL, but not from the OOM killer (wait: SIGKILL, log: no "
			 "'Killed process 102' line, counter: oom_kill +0)");
	rig_says(rig, "{killed: none, exited: {alloc_2: SIGKILL}}", JUDGE_HOLDS);
	ck_assert(!kill->claimed);
}
END_TEST

START_TEST(sources_may_still_come)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_LINE);

	rig_says(rig, "killed: alloc_2", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait no, log yes, counter no");
	kill->by_counter = true;
	rig->groups[OOM_TEST].oom_kill = 1;
	rig_judge(rig, JUDGE_WAIT);
	kill->by_wait = true;
	rig_signal(rig, ALLOC_2, SIGKILL);
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(unexpected_kill_waits_until_its_sources_agree)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_1, -1, BY_LINE | BY_COUNTER);

	rig_says(rig, "killed: []", JUDGE_WAIT);
	kill->by_wait = true;
	rig_signal(rig, ALLOC_1, SIGKILL);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(contradiction_fails)
{
	rig_kill(rig, ALLOC_2, -1, BY_LINE | BY_COUNTER);
	rig_exit(rig, ALLOC_2, 0);
	rig_says(rig, "killed: alloc_2", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait no, log yes, counter yes; the sources "
			 "contradict each other about alloc_2 (pid 102): wait: exited 0, log: "
			 "'Killed process 102' seen, counter: oom_kill +1");
}
END_TEST

START_TEST(earlier_kills_do_not_count_again)
{
	rig_kill(rig, ALLOC_2, -1, BY_ALL)->claimed = true;
	rig->world.kills_mark = 1;
	rig->groups[OOM_TEST].oom_kill_mark = 1;
	rig_says(rig, "killed: none", JUDGE_HOLDS);
	rig_says(rig, "killed: alloc_2", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 was killed already before this expectation began");
}
END_TEST

START_TEST(strangers_in_our_groups_are_unexpected_others_are_not_ours)
{
	rig_kill_stranger(rig, -1, BY_LINE);
	rig_says(rig, "killed: none", JUDGE_HOLDS);
	rig_kill_stranger(rig, OUTER, BY_LINE | BY_COUNTER);
	rig_says(rig, "killed: none", JUDGE_FAILS);
	ck_assert_str_eq(
		rig_finding(rig, "killed")->got,
		"'stranger' (pid 7777), no task of ours, in 'outer', sources: wait not ours, "
		"log yes, counter yes");
}
END_TEST

START_TEST(children_are_counted)
{
	rig_says(rig, "killed: {bomb.*: '2..3'}", JUDGE_WAIT);
	rig_kill(rig, BOMB, 0, BY_LINE | BY_COUNTER);
	rig_judge(rig, JUDGE_WAIT);
	rig_kill(rig, BOMB, 5, BY_LINE | BY_COUNTER);
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "killed")->expected, "2..3 of bomb.*");
	ck_assert_str_eq(rig_finding(rig, "killed")->got, "2 children of bomb");
	rig_kill(rig, BOMB, 6, BY_LINE | BY_COUNTER);
	rig_judge(rig, JUDGE_HOLDS);
	rig_kill(rig, BOMB, 7, BY_LINE | BY_COUNTER);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(child_is_not_its_parent)
{
	rig_kill(rig, BOMB, 3, BY_LINE | BY_COUNTER);
	rig_says(rig, "killed: bomb", JUDGE_FAILS);
	rig_says(rig, "killed: bomb.4", JUDGE_FAILS);
	rig_says(rig, "killed: bomb.3", JUDGE_HOLDS);
	ck_assert_str_eq(
		rig_finding(rig, "killed")->got,
		"child 3 of bomb (pid 104003), sources: wait not ours, log yes, counter yes");
	rig_says(rig, "killed: [bomb.*]", JUDGE_HOLDS);
	rig_kill(rig, BOMB, 4, BY_LINE | BY_COUNTER);
	rig_says(rig, "killed: [bomb.*, bomb.*]", JUDGE_HOLDS);
	/* the exact name is served first */
	rig_says(rig, "killed: {bomb.3: 1, bomb.*: 1}", JUDGE_HOLDS);
	rig_says(rig, "killed: {bomb.3: 1, bomb.*: 2}", JUDGE_WAIT);
}
END_TEST

START_TEST(pattern_in_a_map_counts_together)
{
	rig_says(rig, "killed: {'alloc_*': 2}", JUDGE_WAIT);
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_kill(rig, ALLOC_3, -1, BY_ALL);
	rig_judge(rig, JUDGE_HOLDS);
	/* in a list each of them is meant */
	rig_says(rig, "killed: ['alloc_*']", JUDGE_WAIT);
	rig_exit(rig, ALLOC_2, 0);
	rig_judge(rig, JUDGE_FAILS);
	rig_says(rig, "killed: {'alloc_*': 3}", JUDGE_FAILS);
}
END_TEST

START_TEST(counter_that_saw_more_than_is_known_waits)
{
	rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig->groups[OOM_TEST].oom_kill = 3;
	rig_says(rig, "killed: alloc_2", JUDGE_WAIT);
	ck_assert_ptr_nonnull(strstr(rig_finding(rig, "killed")->got,
				     "; oom_kill of 'oom_test' says 3 kills, only 1 are known"));
}
END_TEST

START_TEST(group_kill_counts_the_victim_twice)
{
	rig->world.double_count = true;
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig->groups[OOM_TEST].oom_kill = 3;
	ck_assert_uint_eq(judge_counted_max(&rig->world, OOM_TEST), 3);
	rig_says(rig, "killed: [alloc_1, alloc_2]", JUDGE_HOLDS);
	/* its line may be printed twice as well */
	struct world_kill *again = rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig->groups[OOM_TEST].oom_kill = 3;
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert(again->claimed);
	rig->groups[OOM_TEST].oom_kill = 4;
	rig_judge(rig, JUDGE_WAIT);
}
END_TEST

START_TEST(host_without_a_log_needs_the_other_two)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_WAIT | BY_COUNTER);

	rig->world.has_log = false;
	rig_says(rig, "killed: alloc_2", JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait yes, log not readable, counter yes");
	kill->by_counter = false;
	rig->groups[OOM_TEST].oom_kill = 0;
	rig_judge(rig, JUDGE_WAIT);
}
END_TEST

START_TEST(implied_nobody_is_judged_first)
{
	rig_says(rig, "usage: {oom_test: 0}", JUDGE_HOLDS);
	ck_assert_str_eq(rig->findings.items[0].what, "killed");
	ck_assert_str_eq(rig->findings.items[1].what, "usage");
}
END_TEST

/* ---- order ---------------------------------------------------------------------------------- */

START_TEST(order_is_the_kernels)
{
	rig_says(rig, "order: [alloc_2, alloc_1]", JUDGE_WAIT);
	struct world_kill *first = rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig_judge(rig, JUDGE_WAIT);
	struct world_kill *second = rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "order")->expected, "alloc_2 before alloc_1");
	ck_assert_str_eq(rig_finding(rig, "order")->got,
			 "alloc_2 (pid 102) before alloc_1 (pid 101)");
	ck_assert(first->claimed && second->claimed); /* order names them, too */
	rig_says(rig, "order: [alloc_1, alloc_2]", JUDGE_FAILS);
}
END_TEST

START_TEST(order_is_lost_when_the_second_dies_first)
{
	rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_says(rig, "order: [alloc_2, alloc_1]", JUDGE_FAILS);
	rig_says(rig, "order: [alloc_1, alloc_2, alloc_3]", JUDGE_WAIT);
	rig_kill(rig, ALLOC_3, -1, BY_ALL);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

Suite *judge_suite(void)
{
	Suite *suite = suite_create("judge");
	TCase *tcase = tcase_create("killed");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, named_kill_with_all_sources_holds_and_is_claimed);
	tcase_add_test(tcase, wrong_victim_fails_at_once);
	tcase_add_test(tcase, nothing_yet_waits);
	tcase_add_test(tcase, one_victim_too_many_fails);
	tcase_add_test(tcase, left_out_means_nobody);
	tcase_add_test(tcase, named_task_that_ends_otherwise_fails);
	tcase_add_test(tcase, sigkill_alone_is_no_proof);
	tcase_add_test(tcase, sources_may_still_come);
	tcase_add_test(tcase, unexpected_kill_waits_until_its_sources_agree);
	tcase_add_test(tcase, contradiction_fails);
	tcase_add_test(tcase, earlier_kills_do_not_count_again);
	tcase_add_test(tcase, strangers_in_our_groups_are_unexpected_others_are_not_ours);
	tcase_add_test(tcase, children_are_counted);
	tcase_add_test(tcase, child_is_not_its_parent);
	tcase_add_test(tcase, pattern_in_a_map_counts_together);
	tcase_add_test(tcase, counter_that_saw_more_than_is_known_waits);
	tcase_add_test(tcase, group_kill_counts_the_victim_twice);
	tcase_add_test(tcase, host_without_a_log_needs_the_other_two);
	tcase_add_test(tcase, implied_nobody_is_judged_first);
	tcase_add_test(tcase, order_is_the_kernels);
	tcase_add_test(tcase, order_is_lost_when_the_second_dies_first);
	suite_add_tcase(suite, tcase);
	return suite;
}
