/*
 * report/compare.c: what counts as a difference of two results and what does not.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/report/compare.h"
#include "tests/lib/matrix_rig.h"

Suite *compare_suite(void);

/* "weight what: left | right\n" for each difference */
static char *compare(const char *left_json, const char *right_json)
{
	struct result left = matrix_rig_result(left_json), right = matrix_rig_result(right_json);
	struct comparison comparison;
	struct str text = STR_INIT;

	result_compare(&left, &right, &comparison);
	for (size_t i = 0; i < comparison.n; i++)
		str_addf(&text, "%s %s: %s | %s\n",
			 difference_weight_name(comparison.list[i].weight), comparison.list[i].what,
			 comparison.list[i].left, comparison.list[i].right);
	comparison_free(&comparison);
	result_clear(&left);
	result_clear(&right);
	return str_take(&text);
}

static void expect(const char *left, const char *right, const char *expected)
{
	MEM_AUTO char *got = compare(left, right);

	ck_assert_str_eq(got, expected);
}

static bool same_outcome(const char *left_json, const char *right_json)
{
	struct result left = matrix_rig_result(left_json), right = matrix_rig_result(right_json);
	STR_AUTO a = STR_INIT;
	STR_AUTO b = STR_INIT;

	compare_outcome(&a, &left);
	compare_outcome(&b, &right);
	result_clear(&left);
	result_clear(&right);
	return str_eq(str_text(&a), str_text(&b));
}

START_TEST(pids_times_and_folders_are_no_difference)
{
	expect("{'began_ns': 1000, 'ended_ns': 90000000, 'kills': [{'pid': 1, 'task': 'a', 't': "
	       "5}], "
	       "'findings': [{'at': '/here/x.yaml:3:4', 'what': 'killed', 'ok': true, 'got': 'a "
	       "(pid "
	       "1), sources: wait yes, log yes'}],"
	       "'events': [{'t': 1, 'event': 'spawn', 'task': 'a', 'pid': 1}]}",
	       "{'began_ns': 1, 'ended_ns': 900, 'kills': [{'pid': 22, 'task': 'a', 't': 6}], "
	       "'findings': [{'at': 'there/x.yaml:3:4', 'what': 'killed', 'ok': true, 'got': 'a "
	       "(pid "
	       "22), sources: wait yes, log yes, counter yes'}],"
	       "'events': [{'t': 2, 'event': 'notify'}, "
	       "{'t': 7, 'event': 'spawn', 'task': 'a', 'pid': 22}]}",
	       "");
}
END_TEST

START_TEST(victims_are_compared_in_the_kernels_order)
{
	expect("{'kills': [{'task': 'a'}, {'task': 'b'}]}",
	       "{'kills': [{'task': 'b'}, {'task': 'a'}]}", "outcome killed: a, b | b, a\n");
	expect("{'kills': []}", "{'kills': [{'task': null, 'comm': 'bash'}]}",
	       "outcome killed: nobody | bash\n");
}
END_TEST

START_TEST(one_child_is_named_many_are_counted)
{
	expect("{'kills': [{'task': 'p', 'child': 3}, {'task': 'q'}]}",
	       "{'kills': [{'task': 'p', 'child': 2}, {'task': 'p', 'child': 1}, {'task': 'p'}]}",
	       "outcome killed: child 3 of p, q | 2 children of p, p\n");
}
END_TEST

START_TEST(the_kernels_choices_are_compared_where_both_know)
{
	expect("{'kills': [{'task': 'a', 'audit': {'verdict': 'highest'}}]}",
	       "{'kills': [{'task': 'a', 'audit': {'verdict': 'other'}, "
	       "'predicted': {'outcome': 'right'}}]}",
	       "detail audit: highest | other\n");
}
END_TEST

#define FOUND(ok, got)                                                                       \
	"{'findings': [{'at': 'x.yaml:3:4', 'what': 'counters', 'expected': '+1', 'ok': " ok \
	", 'got': '" got "'}]}"

START_TEST(what_an_expectation_found)
{
	expect(FOUND("true", "+1"), FOUND("true", "+2"), "detail 3:4 counters: +1 | +2\n");
	expect(FOUND("true", "+1"), FOUND("false", "+2"),
	       "outcome 3:4 counters: +1 | fails: +2 (expected +1)\n");
	ck_assert(same_outcome(FOUND("true", "+1"), FOUND("true", "+2")));
	ck_assert(same_outcome(FOUND("false", "+3"), FOUND("false", "+2")));
	ck_assert(!same_outcome(FOUND("true", "+1"), FOUND("false", "+2")));
}
END_TEST

START_TEST(what_was_not_reached_is_left_out_unless_it_failed)
{
	expect("{'findings': [{'at': 'x:1:1', 'what': 'a', 'ok': true, 'got': '1'},"
	       "{'at': 'x:2:1', 'what': 'b', 'ok': true, 'got': '1'},"
	       "{'at': 'x:4:1', 'what': 'd', 'ok': true, 'got': '1'}]}",
	       "{'findings': [{'at': 'x:1:1', 'what': 'a', 'ok': true, 'got': '1'},"
	       "{'at': 'x:3:1', 'what': 'c', 'ok': false, 'got': '2', 'expected': '3'},"
	       "{'at': 'x:4:1', 'what': 'd', 'ok': true, 'got': '5'}]}",
	       "outcome 3:1 c:  | fails: 2 (expected 3)\ndetail 4:1 d: 1 | 5\n");
}
END_TEST

START_TEST(sources_that_disagree_are_kept)
{
	expect("{'findings': [{'what': 'killed', 'ok': true, 'got': 'a (pid 3), sources: wait yes, "
	       "log no; b (pid 4), sources: wait yes'}]}",
	       "{'findings': [{'what': 'killed', 'ok': true, 'got': 'a (pid 3)'}]}",
	       "detail killed: a, sources: wait yes, log no; b | a\n");
}
END_TEST

START_TEST(the_first_other_event_is_told)
{
	expect("{'events': [{'t': 1, 'event': 'start', 'task': 'a'},"
	       "{'t': 2, 'event': 'exit', 'task': 'z', 'how': 'signal', 'status': 9},"
	       "{'t': 3, 'event': 'predict', 'pages': 8}, {'t': 4, 'event': 'swapon'}]}",
	       "{'events': [{'t': 5, 'event': 'start', 'task': 'a'},"
	       "{'t': 6, 'event': 'predict', 'pages': 9}]}",
	       "detail from event 2: predict  pages=8 | predict  pages=9\n");
	expect("{'events': [{'event': 'swapon'}, {'event': 'swapoff'}]}",
	       "{'events': [{'event': 'swapon'}]}", "detail from event 2: swapoff | \n");
	expect("{'events': [{'event': 'swapon'}]}", "{}", "");
}
END_TEST

START_TEST(a_time_counts_beyond_a_ratio_and_above_a_floor)
{
	expect("{'ended_ns': 100000000}", "{'ended_ns': 299999999}", "");
	expect("{'ended_ns': 100000000}", "{'ended_ns': 300000000}",
	       "time time: 100ms | 300ms (3.0 times)\n");
	expect("{'ended_ns': 99000000}", "{'ended_ns': 1000000}", "");
	ck_assert(same_outcome("{'ended_ns': 100000000}", "{'ended_ns': 900000000}"));
	ck_assert(!compare_slower(0, 900000000));
}
END_TEST

START_TEST(a_skip_is_compared_by_its_reason_alone)
{
	expect("{'kills': [{'task': 'a'}], 'ended_ns': 900000000}",
	       "{'verdict': 'skip', 'reason': 'needs root'}",
	       "outcome verdict: pass | skip\ndetail reason:  | needs root\n");
	ck_assert(same_outcome("{'verdict': 'skip', 'reason': 'a'}",
			       "{'verdict': 'skip', 'reason': 'b'}"));
}
END_TEST

START_TEST(claims_are_compared_by_their_answer)
{
	expect("{'claim': {'says': 'x', 'expected': true, 'observed': true}}",
	       "{'claim': {'says': 'x', 'expected': false, 'observed': false}}",
	       "outcome claim: true | false\n");
}
END_TEST

START_TEST(a_step_that_failed_is_told_by_its_reason)
{
	static const char one[] = "{'verdict': 'fail', 'file': '/a/x.yaml', 'reason': "
				  "'/a/x.yaml:5:5: step: expected 1, got 2'}",
			  other[] = "{'verdict': 'fail', 'file': 'x.yaml', 'reason': "
				    "'x.yaml:5:5: step: expected 1, got 3'}",
			  later[] = "{'verdict': 'fail', 'file': 'x.yaml', 'reason': "
				    "'x.yaml:6:5: step: expected 1, got 3'}";

	expect(one, other,
	       "detail reason: 5:5: step: expected 1, got 2 | 5:5: step: expected 1, got 3\n");
	ck_assert(same_outcome(one, other));
	ck_assert(!same_outcome(one, later));
}
END_TEST

START_TEST(repetitions_are_numbers_at_the_end)
{
	ck_assert_uint_eq(compare_name_length("a/b#12"), 3);
	ck_assert_uint_eq(compare_name_length("a/b"), 3);
	ck_assert_uint_eq(compare_name_length("a/b#x"), 5);
	ck_assert_uint_eq(compare_name_length("a/b#"), 4);
	ck_assert_uint_eq(compare_name_length("a/b[c=#1]"), 9);
}
END_TEST

Suite *compare_suite(void)
{
	Suite *suite = suite_create("compare");
	TCase *tcase = tcase_create("results");

	tcase_add_test(tcase, pids_times_and_folders_are_no_difference);
	tcase_add_test(tcase, victims_are_compared_in_the_kernels_order);
	tcase_add_test(tcase, one_child_is_named_many_are_counted);
	tcase_add_test(tcase, the_kernels_choices_are_compared_where_both_know);
	tcase_add_test(tcase, what_an_expectation_found);
	tcase_add_test(tcase, what_was_not_reached_is_left_out_unless_it_failed);
	tcase_add_test(tcase, sources_that_disagree_are_kept);
	tcase_add_test(tcase, the_first_other_event_is_told);
	tcase_add_test(tcase, a_time_counts_beyond_a_ratio_and_above_a_floor);
	tcase_add_test(tcase, a_skip_is_compared_by_its_reason_alone);
	tcase_add_test(tcase, claims_are_compared_by_their_answer);
	tcase_add_test(tcase, a_step_that_failed_is_told_by_its_reason);
	tcase_add_test(tcase, repetitions_are_numbers_at_the_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
