/*
 * harness/cmd/vm_same, vm_evidence and vm_outcomes: when two runs are one, which record a replay is
 * compared with, and how outcomes are counted.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cmd/vm_evidence.h"
#include "harness/cmd/vm_outcomes.h"
#include "harness/cmd/vm_same.h"

Suite *vm_same_suite(void);

static char first_console[] = "[ 0.1] boot\n[ 1.0] Killed process 7 (a)\n";
static char other_console[] = "[ 0.1] boot\n[ 1.2] Killed process 8 (b)\n";

static struct vm_values some_values(void)
{
	return (struct vm_values){.memory_bytes = 256 << 20,
				  .cpus = 1,
				  .nodes = 1,
				  .repeat = 1,
				  .seed = 42,
				  .timeout_ns = UINT64_MAX,
				  .params = {1, {"size=1M"}}};
}

static char race[] = "global/three-race";
static char *scenarios[] = {race};

static struct vm_wish wish_of(const struct vm_values *values)
{
	return (struct vm_wish){values, "debian:6.1", "v2", scenarios, 1};
}

static void add_result(struct record *record, const char *dead, enum verdict verdict)
{
	struct result result = {
		.name = mem_dup("race"),
		.verdict = verdict,
		.began_ns = 1000000000,
		.events = json_pack("[{s:I, s:s}]", "t", (json_int_t)1100000000, "event", "x"),
		.findings = json_pack("[{s:s, s:s, s:b, s:s, s:s}]", "at", "race.yaml:16:15",
				      "what", "killed", "ok", verdict == VERDICT_PASS, "expected",
				      "2 of a", "got", "b (pid 8), sources"),
		.kills = json_pack("[{s:s, s:s, s:I}]", "task", dead, "comm", dead, "t",
				   (json_int_t)1200000000),
	};

	(void)record_add(record, &result);
}

static struct record *record_of(const struct vm_values *values, const char *console,
				const char *dead, const char *qemu)
{
	struct record *record = record_new();
	struct vm_wish wish = wish_of(values);

	record->seed = values->seed;
	record->planned = 1;
	record->vm = vm_evidence(&wish, qemu, "aa");
	record->machines = json_array();
	json_array_append_new(record->machines, vm_evidence_machine(0, console, "bb", "quiet"));
	add_result(record, dead, VERDICT_PASS);
	return record;
}

static bool same(struct record *there, struct record *here, char *there_console, char *here_console,
		 struct str *out)
{
	char *consoles[] = {there_console, here_console};
	const struct vm_same_side a = {there, &consoles[0], 1}, b = {here, &consoles[1], 1};
	bool is = vm_same(&a, &b, out);

	record_free(there);
	record_free(here);
	return is;
}

START_TEST(equal_runs_are_the_same)
{
	struct vm_values values = some_values();
	STR_AUTO out = STR_INIT;

	ck_assert(same(record_of(&values, first_console, "a", "7.2"),
		       record_of(&values, first_console, "a", "7.2"), first_console, first_console,
		       &out));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "same console, same kills, same microseconds"
						     " (1 kills, 1 events"));
	ck_assert_ptr_null(strstr(str_text(&out), "differ"));
}
END_TEST

START_TEST(says_where_and_why_they_part)
{
	struct vm_values values = some_values(), larger = values;
	STR_AUTO out = STR_INIT;

	larger.memory_bytes *= 2;
	ck_assert(!same(record_of(&values, first_console, "a", "7.2"),
			record_of(&larger, other_console, "b", "8.0"), first_console, other_console,
			&out));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "from line 2 on"));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "there: [ 1.0] Killed process 7 (a)\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&out),
				     "kill 1: a after 0.200000 s there, b after 0.200000 s here"));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "QEMU: 7.2 there, 8.0 here"));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "--memory: 268435456 there, 536870912 here"));
}
END_TEST

/* The console alone is not the proof: it may be quiet about all that matters. */
START_TEST(same_console_but_another_kill_differs)
{
	struct vm_values values = some_values();
	STR_AUTO out = STR_INIT;

	ck_assert(!same(record_of(&values, first_console, "a", "7.2"),
			record_of(&values, first_console, "b", "7.2"), first_console, first_console,
			&out));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "not the same run"));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "options are the same"));
}
END_TEST

START_TEST(record_gives_its_options_back)
{
	struct vm_values values = some_values(), base = {.results = "elsewhere"};
	struct record *record = record_of(&values, first_console, "a", "7.2");
	struct vm_recorded recorded;
	struct err err;
	bool exact;

	ck_assert_int_ge(vm_evidence_read(record, &base, &recorded, &err), 0);
	ck_assert_str_eq(recorded.kernel, "debian:6.1");
	ck_assert_str_eq(recorded.cgroup, "v2");
	ck_assert_uint_eq(recorded.values.memory_bytes, values.memory_bytes);
	ck_assert_uint_eq(recorded.values.timeout_ns, UINT64_MAX);
	ck_assert_uint_eq(recorded.values.seed, 42);
	ck_assert_str_eq(recorded.values.results, "elsewhere");
	ck_assert_str_eq(recorded.values.params.text[0], "size=1M");
	ck_assert_str_eq(recorded.scenarios[0], race);
	struct vm_wish wish = wish_of(&recorded.values);
	ck_assert(vm_evidence_matches(record, &wish, &exact) && exact);
	recorded.values.cpus = 2;
	ck_assert(vm_evidence_matches(record, &wish, &exact) && !exact);
	recorded.values.seed = 43;
	ck_assert(!vm_evidence_matches(record, &wish, &exact));
	free(recorded.scenarios);
	record_free(record);
}
END_TEST

START_TEST(record_without_a_seed_is_no_replay)
{
	struct record *record = record_new();
	struct vm_values base = {0};
	struct vm_recorded recorded;
	struct err err;

	ck_assert_int_eq(vm_evidence_read(record, &base, &recorded, &err), -EINVAL);
	record_free(record);
}
END_TEST

START_TEST(outcomes_are_counted_with_their_smallest_seed)
{
	static const struct {
		uint64_t seed;
		const char *dead;
		enum verdict verdict;
	} runs[] = {{9, "a", VERDICT_PASS},
		    {4, "b", VERDICT_FAIL},
		    {2, "a", VERDICT_PASS},
		    {5, "a", VERDICT_PASS},
		    {3, "b", VERDICT_FAIL}};
	struct vm_outcomes outcomes = {0};
	STR_AUTO text = STR_INIT;

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct record *record = record_new();
		add_result(record, runs[i].dead, runs[i].verdict);
		vm_outcomes_add(&outcomes, runs[i].seed, record, "evidence");
		record_free(record);
	}
	vm_outcomes_sort(&outcomes);
	ck_assert_uint_eq(outcomes.n, 2);
	ck_assert_uint_eq(outcomes.outcome[0].n, 3);
	ck_assert_uint_eq(outcomes.outcome[0].smallest, 2);
	ck_assert_str_eq(outcomes.outcome[1].died, "b");
	ck_assert_str_eq(outcomes.outcome[1].failed, "killed");
	ck_assert_uint_eq(outcomes.outcome[1].smallest, 3);
	ck_assert_uint_eq(vm_outcomes_count(&outcomes, VERDICT_FAIL), 2);
	outcomes.outcome[1].record = mem_dup("results/x");
	vm_outcomes_text(&outcomes, &text);
	ck_assert_ptr_nonnull(
		strstr(str_text(&text), "      3  60.0%              2  pass    a\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&text), "oomlab vm --replay results/x\n"));
	vm_outcomes_clear(&outcomes);
}
END_TEST

START_TEST(failures_are_alike_by_what_they_wanted_and_got)
{
	struct record *record = record_new();

	add_result(record, "b", VERDICT_FAIL);
	MEM_AUTO char *failed = vm_outcome_failed(record->results[0]);
	MEM_AUTO char *missed = vm_outcome_missed(record->results[0]);
	ck_assert_str_eq(failed, "killed");
	ck_assert_str_eq(missed, "#, got b");
	record_free(record);
}
END_TEST

Suite *vm_same_suite(void)
{
	Suite *suite = suite_create("vm_same");
	TCase *tests = tcase_create("vm_same");

	tcase_add_test(tests, equal_runs_are_the_same);
	tcase_add_test(tests, says_where_and_why_they_part);
	tcase_add_test(tests, same_console_but_another_kill_differs);
	tcase_add_test(tests, record_gives_its_options_back);
	tcase_add_test(tests, record_without_a_seed_is_no_replay);
	tcase_add_test(tests, outcomes_are_counted_with_their_smallest_seed);
	tcase_add_test(tests, failures_are_alike_by_what_they_wanted_and_got);
	suite_add_tcase(suite, tests);
	return suite;
}
