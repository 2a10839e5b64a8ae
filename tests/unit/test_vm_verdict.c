/*
 * harness/cmd/vm_verdict: what the end of a machine means for the scenario that ran in it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cmd/vm_verdict.h"

Suite *vm_verdict_suite(void);

#define CONSOLE                                                                       \
	"[    1.000000] old invoked oom-killer: gfp_mask=0x0\n"                       \
	"[    1.100000] Out of memory: Killed process 7 (old)\n"                      \
	"[    2.000000][   T90] hog invoked oom-killer: gfp_mask=0x0\n"               \
	"[    2.100000][   T90] Kernel panic - not syncing: System is deadlocked on " \
	"memory\n"

static const struct {
	const char *expected; /* the panic that the scenario wants; NULL: none */
	enum machine_end end;
	const char *panic;
	enum verdict verdict;
	const char *reason;
} ends[] = {
	{"^System is deadlocked on memory$", MACHINE_PANIC, "System is deadlocked on memory",
	 VERDICT_PASS, NULL},
	{"(system-wide|compulsory) panic_on_oom", MACHINE_PANIC,
	 "Out of memory: compulsory panic_on_oom is enabled", VERDICT_PASS, NULL},
	{"deadlocked", MACHINE_PANIC, "Attempted to kill init! exitcode=0x00000009", VERDICT_FAIL,
	 "f.yaml:3:8: panic: expected 'deadlocked', got 'Attempted to kill init! "
	 "exitcode=0x00000009'"},
	{NULL, MACHINE_PANIC, "System is deadlocked on memory", VERDICT_FAIL,
	 "the kernel panicked: System is deadlocked on memory"},
	{"deadlocked", MACHINE_TIMEOUT, "", VERDICT_BROKEN,
	 "the machine ended before its verdict (timeout)"},
	{NULL, MACHINE_RESET, "", VERDICT_BROKEN, "the machine ended before its verdict (reset)"},
};

static json_t *line(const char *expected)
{
	json_t *began =
		json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:I, s:[s]}}", "began", "global/x", "blank",
			  "name", "global/x", "verdict", "broken", "suite", "global", "title",
			  "a title", "began_ns", (json_int_t)500, "tags", "panic");

	ck_assert_ptr_nonnull(began);
	if (expected) {
		json_object_set_new(began, "panic", json_string(expected));
		json_object_set_new(began, "at", json_string("f.yaml:3:8"));
	}
	return began;
}

START_TEST(each_end_has_its_verdict)
{
	json_t *began = line(ends[_i].expected);
	json_t *events = json_pack("[{s:I, s:s}]", "t", (json_int_t)900, "event", "step");
	struct result result;

	vm_verdict(began, events, ends[_i].end, ends[_i].panic, CONSOLE, &result);
	ck_assert_int_eq(result.verdict, ends[_i].verdict);
	ck_assert_pstr_eq(result.reason, ends[_i].reason);
	ck_assert_str_eq(result.name, "global/x");
	ck_assert_str_eq(result.title, "a title");
	ck_assert_uint_eq(result.began_ns, 500);
	ck_assert_uint_eq(result.ended_ns, 900);
	ck_assert_uint_eq(json_array_size(result.events), 1);
	result_clear(&result);
	json_decref(events);
	json_decref(began);
}
END_TEST

START_TEST(a_panic_leaves_its_report)
{
	json_t *began = line("deadlocked");
	struct result result;

	vm_verdict(began, NULL, MACHINE_PANIC, "System is deadlocked on memory", CONSOLE, &result);
	ck_assert_uint_eq(json_array_size(result.log), 2);
	ck_assert_str_eq(json_string_value(json_array_get(result.log, 0)),
			 "hog invoked oom-killer: gfp_mask=0x0");
	const json_t *finding = json_array_get(result.findings, 0);
	ck_assert_str_eq(json_string_value(json_object_get(finding, "what")), "panic");
	ck_assert(json_is_true(json_object_get(finding, "ok")));
	result_clear(&result);
	json_decref(began);
}
END_TEST

START_TEST(a_line_without_a_blank_result_will_do)
{
	json_t *began = json_pack("{s:s}", "began", "global/x");
	struct result result;

	vm_verdict(began, NULL, MACHINE_FAILED, "", "", &result);
	ck_assert_str_eq(result.name, "global/x");
	ck_assert_int_eq(result.verdict, VERDICT_BROKEN);
	result_clear(&result);
	json_decref(began);
}
END_TEST

START_TEST(who_had_no_cpu_has_failed_nothing)
{
	static const struct {
		enum verdict verdict;
		uint64_t took_s, waited_s;
		enum verdict then;
	} cases[] = {{VERDICT_FAIL, 30, 29, VERDICT_BROKEN}, {VERDICT_FAIL, 30, 23, VERDICT_BROKEN},
		     {VERDICT_FAIL, 30, 22, VERDICT_FAIL},   {VERDICT_FAIL, 30, 0, VERDICT_FAIL},
		     {VERDICT_PASS, 30, 29, VERDICT_PASS},   {VERDICT_SKIP, 30, 29, VERDICT_SKIP}};
	struct result result = {.verdict = cases[_i].verdict, .reason = mem_dup("f.yaml:1:1: no")};

	vm_verdict_of_starved(&result, cases[_i].took_s * 1000000000,
			      cases[_i].waited_s * 1000000000);
	ck_assert_int_eq(result.verdict, cases[_i].then);
	ck_assert_int_eq(strncmp(result.reason, "the host kept the machine waiting", 33) == 0,
			 cases[_i].then == VERDICT_BROKEN);
	ck_assert_ptr_nonnull(strstr(result.reason, "f.yaml:1:1: no"));
	free(result.reason);
}
END_TEST

Suite *vm_verdict_suite(void)
{
	Suite *suite = suite_create("vm_verdict");
	TCase *tcase = tcase_create("vm_verdict");

	tcase_add_loop_test(tcase, each_end_has_its_verdict, 0,
			    (int)(sizeof(ends) / sizeof(ends[0])));
	tcase_add_test(tcase, a_panic_leaves_its_report);
	tcase_add_loop_test(tcase, who_had_no_cpu_has_failed_nothing, 0, 6);
	tcase_add_test(tcase, a_line_without_a_blank_result_will_do);
	suite_add_tcase(suite, tcase);
	return suite;
}
