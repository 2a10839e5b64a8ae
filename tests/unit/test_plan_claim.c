/*
 * harness/plan: claims, and the step that decides them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scenario_rig.h"

Suite *plan_claim_suite(void);

#define CLAIM "claim: {says: it rains, truth: false since 2.6.36, here: false}\n"
#define TASKS                              \
	"groups: {g: {memory.max: 64M}}\n" \
	"tasks: {a: {run: step, group: g}, b: {run: step, group: g}}\n"
#define DECIDE "decide: {true: {killed: [a]}, false: {killed: [b]}}"

START_TEST(claim_and_decide_are_read)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig,
			  CLAIM TASKS "steps: [{decide: {true: {killed: [a]}, false: {alive: [b]}, "
				      "within: 2s}}, {expect: {alive: [b]}}]\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_str_eq(rig.plan->claim->says, "it rains");
	ck_assert_str_eq(rig.plan->claim->truth, "false since 2.6.36");
	ck_assert(!rig.plan->claim->here);
	const struct plan_step *step = &rig.plan->steps[0];
	ck_assert_int_eq(step->kind, PLAN_DECIDE);
	ck_assert_uint_eq(step->within_ns, 2000000000);
	ck_assert(!(judge_wants(step->sides[DECIDE_TRUE]) & JUDGE_WANTS_PROOF));
	ck_assert(judge_wants(step->sides[DECIDE_FALSE]) & JUDGE_WANTS_PROOF);
	STR_AUTO text = STR_INIT;
	plan_print(rig.plan, &text);
	ck_assert_ptr_nonnull(
		strstr(str_text(&text), "  claim   it rains (false since 2.6.36; here false)\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "decide {true: {killed: [a]}, false: {"));
	scenario_rig_free(&rig);
}
END_TEST

static const struct {
	const char *here, *kernel;
	bool expected;
} places[] = {
	{"true", "6.18.0", true},
	{"false", "6.18.0", false},
	{"{true: {kernel: '<5.1'}}", "6.18.0", false},
	{"{true: {kernel: '<5.1'}}", "4.19.5", true},
	{"{false: {kernel: '>=5.1'}}", "6.18.0", false},
	{"{false: {kernel: '>=5.1'}}", "4.19.5", true},
	{"{true: {memory: v2}}", "6.18.0", false},
};

START_TEST(what_should_be_true_depends_on_the_machine)
{
	struct rig rig;
	MEM_AUTO char *text =
		mem_printf("claim: {says: x, truth: y, here: %s}\n" TASKS "steps: [{" DECIDE "}]\n",
			   places[_i].here);

	scenario_rig_init(&rig);
	snprintf(rig.facts.kernel, sizeof(rig.facts.kernel), "%s", places[_i].kernel);
	scenario_rig_plan(&rig, text);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_msg(rig.plan->claim->here == places[_i].expected, "%s", places[_i].here);
	ck_assert_ptr_null(rig.plan->skip);
	scenario_rig_free(&rig);
}
END_TEST

/* One a kind of machine is one on each. */
START_TEST(a_decide_for_each_kind_of_machine)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, CLAIM TASKS "steps:\n"
					    "- {when: {memory: v1}, " DECIDE "}\n"
					    "- {when: {memory: v2}, " DECIDE "}\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_uint_eq(rig.plan->n_steps, 1);
	ck_assert_ptr_null(rig.plan->skip);
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(nothing_to_decide_here_is_a_skip)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, CLAIM TASKS "steps: [{when: {memory: v2}, " DECIDE "}]\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_str_eq(rig.plan->skip, "no 'decide' step applies to this machine");
	scenario_rig_free(&rig);
}
END_TEST

/* Which side comes true is open: a task of either may still be there afterwards. */
START_TEST(neither_side_is_certain_afterwards)
{
	MEM_AUTO char *lines = scenario_rig_mistakes(CLAIM TASKS "steps: [{" DECIDE
								 "}, {step: {task: a, size: 1M}}, "
								 "{expect: {alive: [b]}}]\n");

	ck_assert_str_eq(lines, "");
}
END_TEST

static const struct {
	const char *text, *line;
} mistakes[] = {
	{CLAIM TASKS "steps: [{expect: {alive: [a]}}]\n",
	 "1:8: a claim that nothing decides, expected a 'decide' step"},
	{TASKS "steps: [{" DECIDE "}]\n",
	 "3:9: decide without a claim, expected a top-level 'claim'"},
	{CLAIM TASKS "steps: [{" DECIDE "}, {" DECIDE "}]\n",
	 "4:64: a second 'decide', expected one: one claim, one answer"},
	{CLAIM TASKS "steps: [{repeat: {times: 2, steps: [{" DECIDE "}]}}]\n",
	 "4:37: decide inside of 'repeat', expected it once: one claim, one answer"},
	{CLAIM TASKS "steps: [{decide: {true: {killed: [a]}}}]\n",
	 "4:18: key 'false' of 'decide' is missing"},
	{CLAIM TASKS "steps: [{decide: [a]}]\n",
	 "4:18: decide, expected a map such as {true: {killed: [a]}, false: {killed: [b]}}, got a "
	 "list"},
	{CLAIM TASKS "steps: [{decide: {true: {killed: [x]}, false: {killed: [b]}}}]\n",
	 "4:35: killed: unknown task 'x'"},
	{CLAIM "groups: {g: {memory.max: 64M}}\n"
	       "tasks: {b: {run: step, group: g}, l: {run: step, group: g, spawn: later}}\n"
	       "steps: [{decide: {true: {killed: [l]}, false: {killed: [b]}}}, {spawn: l}]\n",
	 "4:35: killed: task 'l' is not there yet, expected its 'spawn' step before"},
	{CLAIM TASKS "steps: [{decide: {true: {killed: [a], within: 1s}, false: {killed: [b]}}}]\n",
	 "4:47: within of one side, expected it beside 'true' and 'false'"},
	{CLAIM TASKS "steps: [{decide: {true: {}, false: {killed: [b]}, within: 0}}]\n",
	 "4:59: within, expected a duration above 0, got '0'"},
	{"claim: it rains\n" TASKS "steps: [{" DECIDE "}]\n",
	 "1:8: claim, expected a map with says, truth and here, got 'it rains'"},
	{"claim: {says: x, truth: y}\n" TASKS "steps: [{" DECIDE "}]\n",
	 "1:8: key 'here' of 'claim' is missing"},
	{"claim: {says: x, truth: y, here: no}\n" TASKS "steps: [{" DECIDE "}]\n",
	 "1:34: here, expected true, false, or a map such as {true: {kernel: '<5.1'}}, got 'no'"},
	{"claim: {says: x, truth: y, here: {true: {kernal: '<5.1'}}}\n" TASKS "steps: [{" DECIDE
	 "}]\n",
	 "1:42: unknown need 'kernal', did you mean 'kernel'?"},
};

START_TEST(mistakes_are_told_with_their_place)
{
	MEM_AUTO char *lines = scenario_rig_mistakes(mistakes[_i].text);
	MEM_AUTO char *expected = mem_printf("t.yaml:%s", mistakes[_i].line);

	ck_assert_msg(strncmp(lines, expected, strlen(expected)) == 0, "expected '%s', got '%s'",
		      expected, lines);
}
END_TEST

Suite *plan_claim_suite(void)
{
	Suite *suite = suite_create("plan_claim");
	TCase *tcase = tcase_create("claim");

	tcase_add_test(tcase, claim_and_decide_are_read);
	tcase_add_loop_test(tcase, what_should_be_true_depends_on_the_machine, 0,
			    sizeof(places) / sizeof(*places));
	tcase_add_test(tcase, a_decide_for_each_kind_of_machine);
	tcase_add_test(tcase, nothing_to_decide_here_is_a_skip);
	tcase_add_test(tcase, neither_side_is_certain_afterwards);
	tcase_add_loop_test(tcase, mistakes_are_told_with_their_place, 0,
			    sizeof(mistakes) / sizeof(*mistakes));
	suite_add_tcase(suite, tcase);
	return suite;
}
