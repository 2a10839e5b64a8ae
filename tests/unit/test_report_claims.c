/*
 * report/: claims, in the text reporter's table and in the other formats.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/report_rig.h"

Suite *report_claims_suite(void);

static struct record *record;

static void setup(void)
{
	record = record_new();
}

static void teardown(void)
{
	record_free(record);
}

static void add(const char *name, enum verdict verdict, const char *reason, const char *claim)
{
	struct result result = {
		.name = mem_dup(name), .suite = mem_dup("claims"), .verdict = verdict};

	result.reason = reason ? mem_dup(reason) : NULL;
	result.claim = claim ? json_loads(claim, 0, NULL) : NULL;
	ck_assert(!claim || result.claim);
	record_add(record, &result);
	record->planned++;
}

#define NICE(observed)                                                                       \
	"{\"says\": \"a nice process is killed first\", \"truth\": \"false since 2.6.36\", " \
	"\"expected\": false, \"observed\": " observed "}"

/* From the table on. */
static char *render(const char *reporter, int width)
{
	struct report_options options = {.width = width};
	char *text = report_rig_render(reporter, record, &options);
	const char *at = strstr(text, "\nclaim ");

	if (!at)
		return text;
	char *table = mem_dup(at);
	free(text);
	return table;
}

static void shows(const char *reporter, int width, const char *expected)
{
	MEM_AUTO char *text = render(reporter, width);

	ck_assert_msg(strstr(text, expected) != NULL, "no\n%s\nin\n%s", expected, text);
}

START_TEST(a_run_without_claims_has_no_table)
{
	add("limits/x", VERDICT_PASS, NULL, "{}");
	add("limits/y", VERDICT_PASS, NULL, NULL);
	MEM_AUTO char *text = render("text", 80);
	ck_assert_ptr_null(strstr(text, "since when"));
}
END_TEST

START_TEST(the_table_says_what_is_true_here)
{
	add("claims/nice", VERDICT_PASS, NULL, NICE("false"));
	add("limits/x", VERDICT_PASS, NULL, "{}");
	add("claims/long", VERDICT_PASS, NULL,
	    "{\"says\": \"a claim of so many words that they do not fit into one line of it\", "
	    "\"truth\": \"true from 2.6.11 to 5.0, and then again whenever somebody says so\", "
	    "\"expected\": true, \"observed\": true}");
	shows("text", 80,
	      "\nclaim                                     here   since when\n"
	      "a nice process is killed first            false  false since 2.6.36\n"
	      "a claim of so many words that they do     true   true from 2.6.11 to 5.0, and\n"
	      "  not fit into one line of it                    then again whenever somebody\n"
	      "                                                 says so\n"
	      "\n3 passed");
}
END_TEST

START_TEST(among_much_else_claims_are_counted)
{
	add("claims/nice", VERDICT_PASS, NULL, NICE("false"));
	add("limits/x", VERDICT_PASS, NULL, "{}");
	add("limits/y", VERDICT_PASS, NULL, "{}");
	MEM_AUTO char *text = render("text", 80);
	ck_assert_ptr_null(strstr(text, "since when"));
	shows("text", 80, "\nclaims: 1 false here, 0 true; 'oomlab run claims' has the table\n");
}
END_TEST

START_TEST(no_line_is_longer_than_the_terminal)
{
	add("claims/nice", VERDICT_PASS, NULL, NICE("false"));
	add("claims/h", VERDICT_SKIP,
	    "needs CAP_SYS_RESOURCE (run as root in a container or VM that keeps it)",
	    "{\"says\": \"-1000 protects, whatever else there is\", \"truth\": \"not since 4.8\", "
	    "\"expected\": false, \"observed\": null}");
	for (int width = 40; width <= 130; width++) {
		MEM_AUTO char *text = render("text", width);
		char *rest = strstr(text, "\n\n"); /* the sums are not ours */
		ck_assert_ptr_nonnull(rest);
		*rest = '\0';
		for (const char *at = text; at; at = strchr(at, '\n')) {
			at += *at == '\n';
			size_t len = strcspn(at, "\n");
			ck_assert_msg(len <= (size_t)width, "width %d: '%.*s'", width, (int)len,
				      at);
			ck_assert_msg(len == 0 || at[len - 1] != ' ', "blank at the end");
		}
	}
}
END_TEST

START_TEST(what_was_skipped_says_why)
{
	add("claims/nice", VERDICT_SKIP, "needs root; here it runs as user 1000 (sudo)",
	    NICE("null"));
	shows("text", 80,
	      "a nice process is killed first            skip   false since 2.6.36\n"
	      "    needs root; here it runs as user 1000 (sudo)\n");
}
END_TEST

START_TEST(the_unexpected_is_marked)
{
	add("claims/nice", VERDICT_FAIL, "x.yaml:3:1: claim: ...", NICE("true"));
	shows("text", 80,
	      "a nice process is killed first            true   false since 2.6.36\n"
	      "    expected false; 1 of 1 is not\n");
}
END_TEST

START_TEST(a_repeated_claim_is_one_row)
{
	for (int i = 0; i < 3; i++)
		add("claims/nice", VERDICT_PASS, NULL, NICE("false"));
	add("claims/nice", VERDICT_FAIL, "...", NICE("true"));
	add("claims/nice", VERDICT_BROKEN, "a worker died", NICE("null"));
	MEM_AUTO char *text = render("text", 80);
	const char *row = strstr(text, "a nice process");
	ck_assert_ptr_nonnull(row);
	ck_assert_ptr_null(strstr(row + 1, "a nice process"));
	shows("text", 80,
	      "first            both   false since 2.6.36\n"
	      "    expected false; 1 of 4 is not\n\n");
}
END_TEST

START_TEST(what_broke_has_no_answer)
{
	add("claims/nice", VERDICT_BROKEN, "a worker died", NICE("null"));
	shows("text", 80, "first            ?      false since 2.6.36\n\n");
}
END_TEST

START_TEST(tap_and_junit_have_the_answer)
{
	add("claims/nice", VERDICT_PASS, NULL, NICE("false"));
	add("claims/odd", VERDICT_SKIP, "needs root", NICE("null"));
	add("claims/bad", VERDICT_FAIL, "...", NICE("true"));
	shows("tap", 0,
	      "# claim: a nice process is killed first: false here, as expected (false since "
	      "2.6.36)\nok 1 - claims/nice");
	shows("tap", 0, "killed first: not found out here (false since 2.6.36)\nok 2 - ");
	shows("tap", 0, "killed first: true here, not as expected (false since 2.6.36)\nnot ok 3");
	shows("junit", 0,
	      "<property name=\"claims/nice claim\" value=\"a nice process is killed first\"/>\n"
	      "      <property name=\"claims/nice here\" value=\"false\"/>");
	shows("junit", 0, "<property name=\"claims/odd here\" value=\"not found out\"/>");
}
END_TEST

/* A damaged record comes out too, and steers nobody's terminal. */
START_TEST(foreign_bytes_are_cleaned)
{
	add("claims/odd", VERDICT_PASS, NULL,
	    "{\"says\": \"\\u001b[2Jx\", \"truth\": 7, \"expected\": [], \"observed\": \"true\"}");
	for (size_t i = 0; reporters[i]; i++) {
		MEM_AUTO char *text = render(reporters[i]->name, 80);
		report_rig_no_controls(text);
	}
	shows("text", 80, "\\x1b[2Jx");
}
END_TEST

Suite *report_claims_suite(void)
{
	Suite *suite = suite_create("report_claims");
	TCase *tcase = tcase_create("claims");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_run_without_claims_has_no_table);
	tcase_add_test(tcase, the_table_says_what_is_true_here);
	tcase_add_test(tcase, among_much_else_claims_are_counted);
	tcase_add_test(tcase, no_line_is_longer_than_the_terminal);
	tcase_add_test(tcase, what_was_skipped_says_why);
	tcase_add_test(tcase, the_unexpected_is_marked);
	tcase_add_test(tcase, a_repeated_claim_is_one_row);
	tcase_add_test(tcase, what_broke_has_no_answer);
	tcase_add_test(tcase, tap_and_junit_have_the_answer);
	tcase_add_test(tcase, foreign_bytes_are_cleaned);
	suite_add_tcase(suite, tcase);
	return suite;
}
