/*
 * harness/oomlog/predict: who dies when a group comes to its limit, from tasks and groups made up
 * here; and why a prediction does not decide.
 */
#include <check.h>
#include <string.h>

#include "harness/oomlog/predict.h"

Suite *predict_suite(void);

enum { TASKS = 4, GROUPS = 3 };
enum { A, B, C, D };
enum { INNER_OF = 1 }; /* group 1 is below group 0; group 2 stands alone */

static struct predict_task tasks[TASKS];
static struct predict_group groups[GROUPS];
static struct predict_world world;

/* Group 0: limit 10,000 pages, 6,000 charged, of which A holds 3,000, B 2,000 and C 1,000. */
static void setup(void)
{
	static const uint64_t held[TASKS] = {3000, 2000, 1000, 0};

	for (size_t i = 0; i < TASKS; i++)
		tasks[i] = (struct predict_task){
			.task = {.pid = 101 + (int64_t)i, .rss_pages = held[i], .order = i},
			.order_known = true,
			.gone = i == D,
		};
	groups[0] = (struct predict_group){
		.parent = -1,
		.limit_pages = 10000,
		.usage_least = 6000,
		.usage_most = 6000,
		.total_pages = 10000,
	};
	groups[1] = groups[2] = groups[0];
	groups[1].parent = 0;
	groups[1].limit_pages = groups[2].limit_pages = UINT64_MAX;
	world = (struct predict_world){
		.rules = badness_rules(BADNESS_5_9),
		.n_tasks = TASKS,
		.n_groups = GROUPS,
		.tasks = tasks,
		.groups = groups,
	};
}

static void grow(size_t task, uint64_t most)
{
	tasks[task].growth = PREDICT_GROWS;
	tasks[task].most_pages = most;
}

static struct prediction predict(int group)
{
	struct prediction ret;

	predict_oom(&world, group, &ret);
	return ret;
}

static void is_sure_of(int group, size_t victim)
{
	struct prediction got = predict(group);

	ck_assert(got.possible);
	ck_assert_str_eq(predict_doubt_name(got.doubt), "sure");
	ck_assert_uint_eq(got.victim, victim);
}

static void doubts(int group, const char *why)
{
	struct prediction got = predict(group);

	ck_assert(got.possible);
	ck_assert_str_eq(predict_doubt_name(got.doubt), why);
}

/* ---- what is in reach ----------------------------------------------------------------------- */

START_TEST(nobody_dies_where_the_limit_is_out_of_reach)
{
	ck_assert(!predict(0).possible);
	grow(B, 3900);
	ck_assert(!predict(0).possible);
	grow(B, 4100);
	ck_assert(predict(0).possible);
	tasks[B].gone = true;
	ck_assert(!predict(0).possible);
}
END_TEST

START_TEST(a_limit_below_the_usage_needs_nobody_who_grows)
{
	groups[0].limit_pages = 5000;
	is_sure_of(0, A);
}
END_TEST

START_TEST(a_killer_that_is_off_kills_nobody)
{
	grow(B, UINT64_MAX);
	groups[0].killer_off = true;
	ck_assert(!predict(0).possible);
	ck_assert(predict_reachable(&world, 0));
}
END_TEST

/* ---- the one that grows --------------------------------------------------------------------- */

START_TEST(the_only_one_that_grows_has_what_was_left)
{
	/* 2,000 and 4,000 that are free are more than A's 3,000. */
	grow(B, UINT64_MAX);
	is_sure_of(0, B);
	struct prediction got = predict(0);
	ck_assert_int_eq(got.points, 6000);
	ck_assert_int_eq(got.margin, 3000);
	ck_assert_uint_eq(got.runner_up, A);
	ck_assert_uint_eq(got.n_candidates, 3);
}
END_TEST

START_TEST(who_ends_its_request_before_does_not_pass_the_largest)
{
	/* C could be at 9,000 when the group is full, but does not ask for as much as that. */
	groups[0].slack_pages = 4000;
	tasks[A].task.rss_pages = 5000;
	grow(C, 4100);
	doubts(0, "room");
	tasks[A].task.rss_pages = 5200;
	is_sure_of(0, A);
}
END_TEST

START_TEST(slack_is_a_doubt_only_where_it_decides)
{
	/* B is at 5,968 to 6,192. */
	grow(B, UINT64_MAX);
	groups[0].slack_pages = 192;
	tasks[A].task.rss_pages = 5900;
	is_sure_of(0, B);
	tasks[A].task.rss_pages = 6100;
	doubts(0, "room");
	tasks[A].task.rss_pages = 6193;
	is_sure_of(0, A);
}
END_TEST

START_TEST(a_page_that_is_not_there_counts_for_nobody)
{
	/* The request for one page meets a full group: the page was not got. */
	groups[0].usage_least = groups[0].usage_most = 10000;
	tasks[B].task.rss_pages = 2999;
	grow(B, 1);
	is_sure_of(0, A);
	tasks[B].task.rss_pages = 3001;
	is_sure_of(0, B);
}
END_TEST

START_TEST(page_cache_that_is_taken_does_not_make_a_victim)
{
	grow(B, UINT64_MAX);
	tasks[B].growth = PREDICT_CHARGES;
	doubts(0, "room");
	tasks[A].task.rss_pages = 6001;
	is_sure_of(0, A);
}
END_TEST

START_TEST(what_was_taken_since_the_reading_counts)
{
	tasks[B].taken_least = 1500;
	tasks[B].taken_most = 1600;
	groups[0].usage_least = groups[0].usage_most = 7500;
	groups[0].limit_pages = 7500;
	grow(B, 1);
	is_sure_of(0, B);
	tasks[A].task.rss_pages = 3550;
	doubts(0, "room");
}
END_TEST

/* ---- several, and unknown ones -------------------------------------------------------------- */

START_TEST(two_that_race_decide_nothing_between_them)
{
	grow(B, UINT64_MAX);
	grow(C, UINT64_MAX);
	doubts(0, "race");
	/* Above what either can reach. */
	tasks[A].task.rss_pages = 6001;
	is_sure_of(0, A);
}
END_TEST

START_TEST(children_and_commands_are_reasons_of_their_own)
{
	grow(B, UINT64_MAX);
	tasks[B].growth = PREDICT_BREEDS;
	doubts(0, "children");
	tasks[B].growth = PREDICT_AT_WILL;
	doubts(0, "command");
	/* A child has its parent's oom_score_adj, a command may give any to it. */
	tasks[A].task.oom_score_adj = 500;
	doubts(0, "command");
	tasks[B].growth = PREDICT_BREEDS;
	is_sure_of(0, A);
}
END_TEST

START_TEST(nobody_is_predicted_where_all_are_protected)
{
	for (size_t i = 0; i < TASKS; i++)
		tasks[i].task.oom_score_adj = -1000;
	grow(B, UINT64_MAX);
	is_sure_of(0, SIZE_MAX);
}
END_TEST

/* ---- near ones ------------------------------------------------------------------------------ */

START_TEST(of_equals_the_last_in_the_scan_is_chosen)
{
	groups[0].limit_pages = 5000;
	tasks[B].task.rss_pages = 3000;
	is_sure_of(0, B);
	tasks[A].task.order = 9;
	is_sure_of(0, A);
	tasks[A].order_known = false;
	doubts(0, "tie");
	/* Until 5.2 the first one. */
	tasks[A].order_known = true;
	world.rules = badness_rules(BADNESS_5_1);
	if (world.rules->tie_memcg == BADNESS_FIRST)
		is_sure_of(0, B);
}
END_TEST

START_TEST(counters_that_may_be_off_are_a_reason)
{
	groups[0].limit_pages = 5000;
	tasks[B].task.rss_pages = 2990;
	is_sure_of(0, A);
	tasks[A].task.error_pages = 6;
	is_sure_of(0, A);
	tasks[B].task.error_pages = 6;
	doubts(0, "counters");
	ck_assert_uint_eq(predict(0).error, 12);
}
END_TEST

START_TEST(counters_are_off_by_more_for_who_has_grown)
{
	grow(B, 1000);
	groups[0].usage_least = groups[0].usage_most = 9900;
	tasks[A].task.rss_pages = 2110;
	tasks[B].grown_low = 62;
	is_sure_of(0, A);
	tasks[B].grown_high = 62;
	doubts(0, "counters");
	/* A page that it does not get changes no counter. */
	groups[0].usage_least = groups[0].usage_most = 10000;
	is_sure_of(0, A);
}
END_TEST

START_TEST(memory_in_common_is_no_rival)
{
	groups[0].limit_pages = 5000;
	tasks[B].task.rss_pages = tasks[A].task.rss_pages;
	tasks[A].order_known = tasks[B].order_known = false;
	doubts(0, "tie");
	tasks[A].memory = tasks[B].memory = 7;
	struct prediction got = predict(0);
	ck_assert_str_eq(predict_doubt_name(got.doubt), "sure");
	ck_assert_int_eq(predict_judge(&world, &got, tasks[A].task.pid), PREDICT_RIGHT);
	ck_assert_int_eq(predict_judge(&world, &got, tasks[B].task.pid), PREDICT_RIGHT);
	ck_assert_int_eq(predict_judge(&world, &got, tasks[C].task.pid), PREDICT_WRONG);
}
END_TEST

/* ---- groups --------------------------------------------------------------------------------- */

START_TEST(the_group_with_the_least_room_comes_first)
{
	tasks[B].group = tasks[C].group = INNER_OF;
	groups[1].limit_pages = 4000;
	groups[1].usage_least = groups[1].usage_most = 3000;
	grow(C, UINT64_MAX);
	/* C gets 1,000 pages: as many as B has, A is not in there. */
	tasks[B].task.rss_pages = 2100;
	is_sure_of(1, B);
	ck_assert(!predict(0).possible);
	/* The outer one has less room. */
	groups[0].usage_least = groups[0].usage_most = 9500;
	is_sure_of(0, A);
	ck_assert(!predict(1).possible);
}
END_TEST

START_TEST(of_two_full_groups_the_inner_one_fails_first)
{
	tasks[C].group = INNER_OF;
	groups[1].limit_pages = 2000;
	groups[1].usage_least = groups[1].usage_most = 2000;
	groups[0].usage_least = groups[0].usage_most = 10000;
	grow(C, 1);
	is_sure_of(1, C);
	ck_assert(!predict(0).possible);
}
END_TEST

START_TEST(racers_in_two_groups_leave_both_possible)
{
	tasks[C].group = INNER_OF;
	groups[1].limit_pages = 4000;
	groups[1].usage_least = groups[1].usage_most = 1000;
	grow(C, UINT64_MAX);
	grow(B, UINT64_MAX);
	is_sure_of(1, C);
	ck_assert(predict(0).possible);
}
END_TEST

START_TEST(other_trees_have_no_part_in_it)
{
	tasks[A].group = 2;
	groups[2].limit_pages = 10000;
	groups[2].usage_least = groups[2].usage_most = 10000;
	grow(A, UINT64_MAX);
	groups[0].limit_pages = 5000;
	is_sure_of(0, B);
	is_sure_of(2, A);
}
END_TEST

/* ---- who is on its way out ------------------------------------------------------------------ */

START_TEST(who_leaves_is_not_predicted)
{
	tasks[A].leaving = true;
	groups[0].limit_pages = 5000;
	doubts(0, "leaving");
	ck_assert_uint_eq(predict(0).victim, B);
	tasks[B].leaving = true;
	tasks[C].leaving = true;
	doubts(0, "leaving");
	ck_assert_uint_eq(predict(0).victim, SIZE_MAX);
}
END_TEST

START_TEST(who_is_larger_than_all_that_leave_is_certain)
{
	tasks[B].leaving = true;
	tasks[C].leaving = true;
	groups[0].limit_pages = 5000;
	is_sure_of(0, A);
}
END_TEST

/* A file of a tmpfs that is written only: 4,000 pages, and no one's. */
START_TEST(what_counts_for_nobody_makes_nobody_larger)
{
	grow(C, UINT64_MAX);
	tasks[C].growth = PREDICT_ELSEWHERE;
	tasks[C].grown_low = tasks[C].grown_high = 62;
	tasks[B].task.rss_pages = 1001;
	tasks[A].gone = true;
	is_sure_of(0, B);
	ck_assert_int_eq(predict(0).margin, 1);
	ck_assert_uint_eq(predict(0).error, 0);
}
END_TEST

/* Two equals whose order is known, and a third that may or may not become larger than they are. */
START_TEST(equals_that_a_third_may_pass_are_no_tie)
{
	tasks[B].task.rss_pages = 3000;
	tasks[C].task.rss_pages = 2900;
	groups[0].limit_pages = 6100;
	grow(C, UINT64_MAX);
	groups[0].slack_pages = 50;
	doubts(0, "room");
	tasks[A].order_known = false;
	groups[0].limit_pages = 6050;
	groups[0].slack_pages = 0;
	doubts(0, "tie");
}
END_TEST

/* ---- judging -------------------------------------------------------------------------------- */

START_TEST(a_kill_is_right_wrong_or_not_decided)
{
	struct prediction got = predict(0);

	ck_assert_int_eq(predict_judge(&world, &got, 101), PREDICT_NONE);
	groups[0].limit_pages = 5000;
	got = predict(0);
	ck_assert_int_eq(predict_judge(&world, &got, 101), PREDICT_RIGHT);
	ck_assert_int_eq(predict_judge(&world, &got, 102), PREDICT_WRONG);
	ck_assert_int_eq(predict_judge(&world, &got, 999), PREDICT_WRONG);
	got.doubt = PREDICT_RACE;
	ck_assert_int_eq(predict_judge(&world, &got, 102), PREDICT_UNDECIDED);
	got.doubt = PREDICT_SURE;
	got.victim = SIZE_MAX;
	ck_assert_int_eq(predict_judge(&world, &got, 101), PREDICT_WRONG);
	ck_assert_str_eq(predict_outcome_name(PREDICT_WRONG), "wrong");
}
END_TEST

Suite *predict_suite(void)
{
	Suite *suite = suite_create("predict");
	TCase *tcase = tcase_create("predict");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, nobody_dies_where_the_limit_is_out_of_reach);
	tcase_add_test(tcase, a_limit_below_the_usage_needs_nobody_who_grows);
	tcase_add_test(tcase, a_killer_that_is_off_kills_nobody);
	tcase_add_test(tcase, the_only_one_that_grows_has_what_was_left);
	tcase_add_test(tcase, who_ends_its_request_before_does_not_pass_the_largest);
	tcase_add_test(tcase, slack_is_a_doubt_only_where_it_decides);
	tcase_add_test(tcase, a_page_that_is_not_there_counts_for_nobody);
	tcase_add_test(tcase, page_cache_that_is_taken_does_not_make_a_victim);
	tcase_add_test(tcase, what_was_taken_since_the_reading_counts);
	tcase_add_test(tcase, two_that_race_decide_nothing_between_them);
	tcase_add_test(tcase, children_and_commands_are_reasons_of_their_own);
	tcase_add_test(tcase, nobody_is_predicted_where_all_are_protected);
	tcase_add_test(tcase, of_equals_the_last_in_the_scan_is_chosen);
	tcase_add_test(tcase, counters_that_may_be_off_are_a_reason);
	tcase_add_test(tcase, counters_are_off_by_more_for_who_has_grown);
	tcase_add_test(tcase, memory_in_common_is_no_rival);
	tcase_add_test(tcase, the_group_with_the_least_room_comes_first);
	tcase_add_test(tcase, of_two_full_groups_the_inner_one_fails_first);
	tcase_add_test(tcase, racers_in_two_groups_leave_both_possible);
	tcase_add_test(tcase, other_trees_have_no_part_in_it);
	tcase_add_test(tcase, who_leaves_is_not_predicted);
	tcase_add_test(tcase, who_is_larger_than_all_that_leave_is_certain);
	tcase_add_test(tcase, equals_that_a_third_may_pass_are_no_tie);
	tcase_add_test(tcase, what_counts_for_nobody_makes_nobody_larger);
	tcase_add_test(tcase, a_kill_is_right_wrong_or_not_decided);
	suite_add_tcase(suite, tcase);
	return suite;
}
