/*
 * harness/judge: what became of predictions, in worlds made up here: a deliberately wrong one fails
 * a scenario that no expectation would have failed.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_victim_suite(void);

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

/* alloc_2 dies, alloc_1 was predicted. */
static struct world_kill *kill_foreseen(enum predict_outcome outcome)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	kill->forecast =
		(struct world_forecast){.asked = true,
					.outcome = outcome,
					.doubt = PREDICT_RACE,
					.pid = 101,
					.task = outcome == PREDICT_RIGHT ? ALLOC_2 : ALLOC_1,
					.child = -1,
					.points = 5123,
					.margin = 12,
					.error = 3};
	return kill;
}

static const struct finding * final(enum judge_state state)
{
	findings_free(&rig->findings);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), state);
	return rig->findings.n ? &rig->findings.items[0] : NULL;
}

START_TEST(a_wrong_prediction_fails_what_no_expectation_names)
{
	kill_foreseen(PREDICT_WRONG);
	rig_says(rig, "killed: [alloc_2]", JUDGE_HOLDS);
	const struct finding *finding = final(JUDGE_FAILS);
	ck_assert_str_eq(finding->what, "victim");
	ck_assert_str_eq(finding->expected, "alloc_1 (points 5123, margin 12, error 3)");
	ck_assert_str_eq(finding->got, "alloc_2 (pid 102): wrong prediction");
	ck_assert_uint_eq(rig->findings.n, 1);
}
END_TEST

static const enum predict_outcome harmless[] = {PREDICT_NONE, PREDICT_RIGHT, PREDICT_UNDECIDED,
						PREDICT_VOID};

START_TEST(only_a_wrong_one_does)
{
	kill_foreseen(harmless[_i]);
	rig_says(rig, "killed: [alloc_2]", JUDGE_HOLDS);
	final(JUDGE_HOLDS);
}
END_TEST

START_TEST(victim_any_allows_it)
{
	kill_foreseen(PREDICT_WRONG);
	rig_says(rig, "{killed: [alloc_2], victim: any}", JUDGE_HOLDS);
	final(JUDGE_HOLDS);
}
END_TEST

START_TEST(victim_predicted_fails_at_its_line)
{
	kill_foreseen(PREDICT_WRONG);
	rig_says(rig, "{killed: [alloc_2], victim: predicted}", JUDGE_FAILS);
	ck_assert_int_eq(rig_finding(rig, "victim")->state, JUDGE_FAILS);
	ck_assert_int_eq(rig_finding(rig, "killed")->state, JUDGE_HOLDS);
}
END_TEST

START_TEST(victim_predicted_asks_for_one_that_decides)
{
	bool right = harmless[_i] == PREDICT_RIGHT;

	kill_foreseen(harmless[_i]);
	rig_says(rig, "{killed: [alloc_2], victim: predicted}", JUDGE_HOLDS);
	const struct finding *finding = rig_finding(rig, "victim");
	ck_assert_int_eq(finding->undecided, !right);
	if (harmless[_i] == PREDICT_UNDECIDED)
		ck_assert_str_eq(finding->got, "alloc_2 (pid 102): undecidable (race)");
}
END_TEST

START_TEST(who_was_not_chosen_is_not_asked_about)
{
	kill_foreseen(PREDICT_NONE)->forecast.member = true;
	rig_says(rig, "{killed: [alloc_2], victim: predicted}", JUDGE_HOLDS);
	ck_assert(!rig_finding(rig, "victim")->undecided);
}
END_TEST

START_TEST(earlier_kills_are_not_asked_about)
{
	kill_foreseen(PREDICT_UNDECIDED);
	rig->world.kills_mark = 1;
	rig_says(rig, "victim: predicted", JUDGE_HOLDS);
	ck_assert(!rig_finding(rig, "victim")->undecided);
	ck_assert_str_eq(rig_finding(rig, "victim")->got, "no kill");
}
END_TEST

START_TEST(a_choice_that_the_table_does_not_explain_fails)
{
	struct world_kill *kill = kill_foreseen(PREDICT_RIGHT);

	kill->audit = (struct world_audit){
		.done = true, .verdict = AUDIT_UNEXPLAINED, .why = "pid 7 is higher by 900"};
	rig_says(rig, "killed: [alloc_2]", JUDGE_HOLDS);
	const struct finding *finding = final(JUDGE_FAILS);
	ck_assert_str_eq(finding->got, "alloc_2 (pid 102), not explained by the formula: pid 7 is "
				       "higher by 900");
	kill->audit.verdict = AUDIT_WITHIN_ERROR;
	final(JUDGE_HOLDS);
}
END_TEST

START_TEST(other_words_are_mistakes)
{
	ck_assert_str_eq(rig_mistakes(rig, "victim: alloc_1"),
			 "test.yaml:1:9: victim: expected 'predicted' or 'any', got 'alloc_1'\n");
	rig_expect(rig, "victim: predicted");
	ck_assert_uint_ne(judge_wants(rig->expect) & JUDGE_WANTS_LOG, 0);
	rig_expect(rig, "victim: any");
	ck_assert_uint_eq(judge_wants(rig->expect) & JUDGE_WANTS_LOG, 0);
}
END_TEST

Suite *judge_victim_suite(void)
{
	const int n = sizeof(harmless) / sizeof(*harmless);
	Suite *suite = suite_create("judge_victim");
	TCase *tcase = tcase_create("judge_victim");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_wrong_prediction_fails_what_no_expectation_names);
	tcase_add_loop_test(tcase, only_a_wrong_one_does, 0, n);
	tcase_add_test(tcase, victim_any_allows_it);
	tcase_add_test(tcase, victim_predicted_fails_at_its_line);
	tcase_add_loop_test(tcase, victim_predicted_asks_for_one_that_decides, 0, n);
	tcase_add_test(tcase, who_was_not_chosen_is_not_asked_about);
	tcase_add_test(tcase, earlier_kills_are_not_asked_about);
	tcase_add_test(tcase, a_choice_that_the_table_does_not_explain_fails);
	tcase_add_test(tcase, other_words_are_mistakes);
	suite_add_tcase(suite, tcase);
	return suite;
}
