/*
 * harness/judge: what an expectation may say, what it asks of the observer, and its mistakes.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/row.h"
#include "tests/lib/judge_rig.h"

Suite *judge_parse_suite(void);

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

static const char *const right[] = {
	"{}",
	"killed: []",
	"killed: none",
	"killed: alloc_2",
	"killed: [alloc_2, alloc_1]",
	"killed: ['alloc_*']",
	"killed: [bomb.0, bomb.1]",
	"killed: [bomb.*, bomb.*]",
	"killed: {alloc_2: 1, bomb.*: '>=2'}",
	"killed: {'alloc_*': 1}",
	"{killed: [alloc_1, alloc_2], order: [alloc_2, alloc_1]}",
	"order: [alloc_2, alloc_1]",
	"alive: counter",
	"alive: ['*']",
	"alive: {'alloc_*': 1..2}",
	"blocked: [alloc_1]",
	"resumed: [alloc_1]",
	"exited: {alloc_1: 0, alloc_2: SIGTERM, bomb: {code: '>=1'}, counter: {signal: INT}}",
	"counters: {oom_test: {oom_kill: +1, under_oom: 0, usage: <=80M, stat.anon: '>=1M'}}",
	"counters: {outer/inner: {oom_kill: 0}, 'outer*': {failcnt: '>=1'}}",
	"usage: {oom_test: <=50%, outer/inner: 1M..2M}",
	"notified: {oom_test: +1}",
	"group_empty: [oom_test, outer/inner]",
	"group_empty: outer",
	"errno: {alloc_1: ENOMEM, alloc_2: none, bomb: [ENOMEM, EAGAIN]}",
	"touched: {alloc_1: exact, alloc_2: 4087pages, bomb: 16M, alloc_3: 1M..2M}",
	"beats: {counter: '>=3'}",
	"forks: {bomb: '>=10'}",
	"oom_score: [alloc_2, alloc_1, counter]",
	"oom_score: {alloc_1: '>alloc_2', alloc_2: '>=600', bomb: '=counter'}",
	"swap_used: {machine: '>=1M', alloc_1: 0}",
	"log: {victim: alloc_2, constraint: CONSTRAINT_MEMCG, group: oom_test}",
	"log: [{victim: bomb.*}, {victim_group: outer/inner}]",
	"violation: {bomb: kill}",
	"within: 500ms",
};

START_TEST(accepted)
{
	rig_expect(rig, right[_i]);
}
END_TEST

static const struct {
	const char *yaml;
	const char *lines;
} wrong[] = {
	{"kiled: []", "test.yaml:1:1: unknown expectation 'kiled', did you mean 'killed'?\n"},
	{"somebody: dies", "test.yaml:1:1: unknown expectation 'somebody', expected one such as "
			   "killed, alive or counters\n"},
	{"killed: [aloc_2]",
	 "test.yaml:1:10: killed: unknown task 'aloc_2', did you mean 'alloc_2'?\n"},
	{"killed: [victim]",
	 "test.yaml:1:10: killed: unknown task 'victim', expected one of: alloc_1, "
	 "alloc_2, counter, bomb, stress, alloc_3\n"},
	{"killed: [alloc_2, alloc_2]", "test.yaml:1:19: killed: 'alloc_2' is named twice\n"},
	{"killed: {alloc_2: many}", "test.yaml:1:19: killed: 'many' is not a whole number\n"},
	{"killed: {alloc_2: +1}",
	 "test.yaml:1:19: killed: '+1': a rise cannot be asked of this, give "
	 "the value itself\n"},
	{"order: [alloc_1]",
	 "test.yaml:1:8: order: expected a list of at least two tasks in the order "
	 "of their deaths\n"},
	{"order: [alloc_1, bomb.*]", "test.yaml:1:8: order: 'bomb.*' does not say which child, "
				     "expected e.g. 'TASK.0'\n"},
	{"alive: []", "test.yaml:1:8: alive: expected a task's name or a list of them, got none\n"},
	{"alive: [bomb.*]", "test.yaml:1:9: alive: 'bomb.*': a child process cannot be asked about "
			    "here, expected a task's name\n"},
	{"exited: {alloc_1: SIGTREM}",
	 "test.yaml:1:19: exited: unknown signal 'SIGTREM', expected an "
	 "exit code such as 0, a signal such as SIGTERM, or {code: 1}\n"},
	{"exited: {alloc_1: 256}", "test.yaml:1:19: exited: '256': exit codes end at 255\n"},
	{"exited: {alloc_1: {kode: 1}}",
	 "test.yaml:1:20: exited: unknown key 'kode', expected code or signal\n"},
	{"counters: {oom_test: {oom_kil: 0}}",
	 "test.yaml:1:23: counters: unknown counter 'oom_kil', expected one such as oom_kill, "
	 "under_oom, usage, failcnt, events.NAME or stat.NAME\n"},
	{"counters: {oom_tset: {oom_kill: 0}}",
	 "test.yaml:1:12: counters: unknown group 'oom_tset', did you mean 'oom_test'?\n"},
	{"counters: {oom_test: 1}",
	 "test.yaml:1:22: counters: expected a map of counter: value, e.g. "
	 "{oom_kill: +1}, got '1'\n"},
	{"counters: {oom_test: {oom_kill: 80M}}",
	 "test.yaml:1:33: counters: '80M' is not a whole number\n"},
	{"usage: {oom_test: 80MB?}",
	 "test.yaml:1:19: usage: '80MB?' is not a size, expected a number "
	 "and a unit such as 80M, 1.5G or 4096\n"},
	{"usage: {outer/inner: 50%}",
	 "test.yaml:1:22: usage: '50%' of what? There is no limit to take "
	 "it of; give a size\n"},
	{"errno: {alloc_1: ENOMEN}",
	 "test.yaml:1:18: errno: unknown errno 'ENOMEN', expected a name "
	 "such as ENOMEM, or none\n"},
	{"touched: {alloc_1: 4087}",
	 "test.yaml:1:20: touched: '4087' is not a whole number of pages; sizes without a unit are "
	 "bytes, pages are written '4087pages'\n"},
	{"oom_score: [alloc_1]",
	 "test.yaml:1:12: oom_score: expected at least two tasks, highest first, got 1\n"},
	{"log: {victim: 'alloc_*'}",
	 "test.yaml:1:15: log: 'alloc_*' means 3 tasks, expected one\n"},
	{"log: {constraint: MEMCG}", "test.yaml:1:19: log: unknown constraint 'MEMCG', expected "
				     "CONSTRAINT_NONE, _CPUSET, _MEMORY_POLICY or _MEMCG\n"},
	{"log: {killer: alloc_1}",
	 "test.yaml:1:7: log: unknown key 'killer', expected victim, constraint, group or "
	 "victim_group\n"},
	{"within: soon", "test.yaml:1:9: within: 'soon' is not a duration, expected a number and a "
			 "unit such as 100ms, 2s or 5m\n"},
	{"killed: ''",
	 "test.yaml:1:9: killed: expected a task's name, a list of them or none, got nothing\n"},
	{"killed: [[alloc_1]]", "test.yaml:1:10: killed: expected a task's name, got a list\n"},
	{"killed: {bom.*: 1}",
	 "test.yaml:1:10: killed: unknown task 'bom', did you mean 'bomb'?\n"},
	{"alive: {bomb.*: 1}",
	 "test.yaml:1:9: alive: 'bomb.*': a child process cannot be asked about "
	 "here, expected a task's name\n"},
	{"group_empty: {outer: yes}",
	 "test.yaml:1:14: group_empty: expected a group's name or a list of them\n"},
	{"swap_used: {}",
	 "test.yaml:1:12: swap_used: expected a map of task, or machine: size, got an "
	 "empty map\n"},
	{"errno: {alloc_1: []}",
	 "test.yaml:1:18: errno: expected an errno or a list of them, got an "
	 "empty list\n"},
	{"log: alloc_1", "test.yaml:1:6: log: expected a map of victim, constraint, group, "
			 "victim_group, got 'alloc_1'\n"},
	{"log: {constraint: ''}",
	 "test.yaml:1:19: log: expected a constraint such as CONSTRAINT_MEMCG, "
	 "got nothing\n"},
	{"log: {group: 'oute*'}",
	 "test.yaml:1:14: log: expected a group's name, got a pattern, 'oute*', that means 2\n"},
	{"oom_score: {alloc_1: '>alloc_9'}",
	 "test.yaml:1:22: oom_score: unknown task 'alloc_9', expected a number or a task's name\n"},
	/* all of them at once */
	{"killed: [nobody_]\nalive: [nobody_]\n", "test.yaml:1:10: killed: unknown task 'nobody_', "
						  "expected one of: alloc_1, alloc_2, counter, "
						  "bomb, stress, alloc_3\n"
						  "test.yaml:2:9: alive: unknown task 'nobody_', "
						  "expected one of: alloc_1, alloc_2, counter, "
						  "bomb, stress, alloc_3\n"},
};

START_TEST(mistakes_say_where_and_what)
{
	ck_assert_str_eq(rig_mistakes(rig, wrong[_i].yaml), wrong[_i].lines);
}
END_TEST

START_TEST(expectation_is_a_map)
{
	struct expect *expect = NULL;

	rig_mistakes(rig, "kiled: [alloc_1]");
	ck_assert_int_lt(
		judge_parse(&rig->scenario->root.items[0], &rig->scope, &expect, &rig->diags), 0);
	ck_assert_ptr_nonnull(strstr(rig->diags.text.s,
				     "test.yaml:1:8: expected a map of expectations, e.g. "
				     "'killed: [TASK]', got a list\n"));
}
END_TEST

/* A line that diags have already is dropped; the expectation is wrong all the same. */
START_TEST(known_mistake_is_still_one)
{
	struct expect *expect = NULL;

	rig_mistakes(rig, "kiled: []");
	size_t lines = rig->diags.n;
	ck_assert_int_lt(judge_parse(&rig->scenario->root, &rig->scope, &expect, &rig->diags), 0);
	ck_assert_uint_eq(rig->diags.n, lines);
	ck_assert_ptr_null(expect);
}
END_TEST

START_TEST(counters_are_shared)
{
	rig_expect(rig, "counters: {oom_test: {oom_kill: +1, failcnt: 0}, outer: {oom_kill: 0}}");
	rig_expect(rig, "counters: {oom_test: {oom_kill: '>=1'}}");
	ck_assert_uint_eq(rig->world.n_counters, 3);
}
END_TEST

static const struct {
	const char *yaml;
	unsigned wants;
} wants[] = {
	{"killed: []", 0},
	{"killed: alloc_1", 0},
	{"killed: [alloc_1.*]", JUDGE_WANTS_LOG},
	{"within: 1s", 0},
	{"alive: counter", JUDGE_WANTS_PROOF | JUDGE_WANTS_BLOCKED},
	{"blocked: alloc_1", JUDGE_WANTS_BLOCKED},
	{"resumed: alloc_1", JUDGE_WANTS_BLOCKED},
	{"stopped: alloc_1", JUDGE_WANTS_STATE},
	{"group_empty: outer", JUDGE_WANTS_POPULATED},
	{"swap_used: {machine: 0}", JUDGE_WANTS_SWAP},
	{"oom_score: [alloc_1, alloc_2]", JUDGE_WANTS_SCORE},
	{"log: {victim: alloc_1}", JUDGE_WANTS_LOG},
	{"{usage: {outer: 0}, group_empty: outer, swap_used: {alloc_1: 0}}",
	 JUDGE_WANTS_POPULATED | JUDGE_WANTS_SWAP},
};

START_TEST(asks_the_observer_for_what_it_needs)
{
	rig_expect(rig, wants[_i].yaml);
	ck_assert_uint_eq(judge_wants(rig->expect), wants[_i].wants);
}
END_TEST

START_TEST(proof_is_wanted_of_the_alive_alone)
{
	rig_expect(rig, "{alive: ['alloc_*'], blocked: [counter]}");
	ck_assert_int_eq(judge_wants_proof_of(rig->expect, ALLOC_1), 1);
	ck_assert_int_eq(judge_wants_proof_of(rig->expect, ALLOC_3), 1);
	ck_assert_int_eq(judge_wants_proof_of(rig->expect, COUNTER), 0);
}
END_TEST

START_TEST(within_is_read_or_left_to_the_caller)
{
	rig_expect(rig, "within: 1.5s");
	ck_assert_uint_eq(judge_within_ns(rig->expect), 1500000000);
	rig_expect(rig, "killed: none");
	ck_assert_uint_eq(judge_within_ns(rig->expect), UINT64_MAX);
	ck_assert_uint_eq(judge_lasts_ns(rig->expect), 0);
	rig_expect(rig, "lasts: 300ms");
	ck_assert_uint_eq(judge_lasts_ns(rig->expect), 300000000);
}
END_TEST

START_TEST(every_key_has_its_help)
{
	size_t n = 0;

	for (const char *const *key = judge_keys(); *key; key++, n++) {
		ck_assert_ptr_nonnull(judge_key_help(*key));
		ck_assert_uint_gt(strlen(judge_key_help(*key)), 10);
	}
	ck_assert_uint_ge(n, 18);
	ck_assert_ptr_null(judge_key_help("kiled"));
}
END_TEST

/* A task whose name looks like a pattern or a child is found by that name. */
START_TEST(names_come_before_patterns)
{
	static const char *const names[] = {"a*", "ab", "a.1"};
	int *found;

	ck_assert_uint_eq(row_match(names, 3, "a*", &found), 1);
	ck_assert_int_eq(found[0], 0);
	free(found);
	ck_assert_uint_eq(row_match(names, 3, "a?", &found), 2);
	free(found);
	ck_assert_uint_eq(row_match(names, 3, "abc", &found), 0);
	ck_assert_ptr_null(found);
}
END_TEST

Suite *judge_parse_suite(void)
{
	Suite *suite = suite_create("judge_parse");
	TCase *tcase = tcase_create("parse");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, accepted, 0, sizeof(right) / sizeof(*right));
	tcase_add_loop_test(tcase, mistakes_say_where_and_what, 0, sizeof(wrong) / sizeof(*wrong));
	tcase_add_test(tcase, expectation_is_a_map);
	tcase_add_test(tcase, known_mistake_is_still_one);
	tcase_add_test(tcase, counters_are_shared);
	tcase_add_loop_test(tcase, asks_the_observer_for_what_it_needs, 0,
			    sizeof(wants) / sizeof(*wants));
	tcase_add_test(tcase, proof_is_wanted_of_the_alive_alone);
	tcase_add_test(tcase, within_is_read_or_left_to_the_caller);
	tcase_add_test(tcase, every_key_has_its_help);
	tcase_add_test(tcase, names_come_before_patterns);
	suite_add_tcase(suite, tcase);
	return suite;
}
