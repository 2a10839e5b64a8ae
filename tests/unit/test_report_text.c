/*
 * report/: the text reporter, the json reporter and the table of reporters.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_rig.h"

Suite *report_text_suite(void);

START_TEST(every_reporter_has_its_name)
{
	const char *const *names = reporter_names();
	size_t n = 0;

	for (; names[n]; n++) {
		ck_assert_ptr_eq(reporter_find(names[n]), reporters[n]);
		ck_assert_str_eq(reporters[n]->name, names[n]);
		ck_assert_ptr_nonnull(reporters[n]->summary);
	}
	ck_assert_uint_eq(n, 5);
	ck_assert_ptr_null(reporters[n]);
	ck_assert_ptr_null(reporter_find("html"));
}
END_TEST

static const struct {
	const char *golden;
	struct report_options options;
} looks[] = {
	{"text.golden", {.results = "results/20261122T005500Z-ci7"}},
	{"text-colour.golden", {.colour = true}},
	{"text-verbose.golden", {.verbose = true}},
	{"text-narrow.golden", {.verbose = true, .width = 60}},
};

START_TEST(text_looks_as_agreed)
{
	struct record *record = report_rig_record(false);
	char *text = report_rig_render("text", record, &looks[_i].options);

	report_rig_golden(looks[_i].golden, text);
	if (!looks[_i].options.colour)
		report_rig_no_controls(text);
	free(text);
	record_free(record);
}
END_TEST

START_TEST(a_result_is_printed_when_it_comes)
{
	struct record *record = report_rig_record(false);
	struct report_options options = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	reporter_find("text")->result(out, record, record->results[0], &options);
	/* Not closed, not flushed by us: what is there now is what a pipe has seen. */
	ck_assert_str_eq(text, "pass     17.3ms  limits/limit-kills-largest\n");
	fclose(out);
	free(text);
	record_free(record);
}
END_TEST

START_TEST(failures_are_named_again_after_a_long_run)
{
	struct record *record = report_rig_record(false);
	struct report_options options = {0};

	for (size_t i = 0; i < 30; i++) {
		struct result pass = {.name = strdup("limits/again")};
		record_add(record, &pass);
	}
	char *text = report_rig_render("text", record, &options);
	const char *summary = strstr(text, "\n\n");
	ck_assert_ptr_nonnull(summary);
	ck_assert_ptr_nonnull(strstr(summary, "limits/block-size[block=1M]#3"));
	ck_assert_ptr_nonnull(strstr(summary, "31 passed, 2 failed, 1 skipped, 1 broken in 6.10s"));
	ck_assert_ptr_null(strstr(summary, "limits/again"));
	free(text);
	record_free(record);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_shown_escaped)
{
	struct record *record = record_new();
	struct result result = {
		.name = strdup("odd/\xff\xc0\xaf\xed\xa0\x80"),
		.reason = strdup("\xf0\x9f\x98"),
		.verdict = VERDICT_FAIL,
	};
	struct report_options options = {0};

	record_add(record, &result);
	char *text = report_rig_render("text", record, &options);
	ck_assert_ptr_nonnull(strstr(text, "odd/\\xff\\xc0\\xaf\\xed\\xa0\\x80\n"));
	ck_assert_ptr_nonnull(strstr(text, " \\xf0\\x9f\\x98\n"));
	free(text);
	record_free(record);
}
END_TEST

START_TEST(a_record_with_nothing_in_it_is_reported)
{
	struct record *record = record_new();
	struct report_options options = {0};
	struct result empty = {.name = strdup("x"), .verdict = VERDICT_BROKEN};

	record_add(record, &empty);
	/* Members of the wrong type and none at all: a damaged record still comes out. */
	record->results[0]->findings = json_loads("[1, {}, {\"at\": 7}]", 0, NULL);
	record->results[0]->kills =
		json_loads("[null, {}, {\"sources\": 3, \"t\": \"x\"}]", 0, NULL);
	record->results[0]->events = json_loads("[[], {\"t\": -1}]", 0, NULL);
	record->results[0]->log = json_loads("[{}]", 0, NULL);
	record->results[0]->samples = json_loads("[{}]", 0, NULL);
	record->results[0]->warnings = json_loads("[{}]", 0, NULL);
	record->results[0]->params = json_loads("{\"a\": [1]}", 0, NULL);
	options.verbose = true;
	for (size_t i = 0; reporters[i]; i++) {
		char *text = report_rig_render(reporters[i]->name, record, &options);
		ck_assert_msg(strchr(text, 'x') != NULL, "%s", reporters[i]->name);
		free(text);
	}
	record_free(record);
}
END_TEST

START_TEST(json_is_the_record)
{
	struct record *record = report_rig_record(false);
	struct report_options options = {0};
	char *text = report_rig_render("json", record, &options);
	json_t *expected = record_to_json(record), *got = json_loads(text, 0, NULL);

	report_rig_no_controls(text);
	ck_assert_int_eq(json_equal(expected, got), 1);
	json_decref(expected);
	json_decref(got);
	free(text);
	record_free(record);
}
END_TEST

Suite *report_text_suite(void)
{
	Suite *suite = suite_create("report_text");
	TCase *tcase = tcase_create("text");

	tcase_add_test(tcase, every_reporter_has_its_name);
	tcase_add_loop_test(tcase, text_looks_as_agreed, 0, sizeof(looks) / sizeof(*looks));
	tcase_add_test(tcase, a_result_is_printed_when_it_comes);
	tcase_add_test(tcase, failures_are_named_again_after_a_long_run);
	tcase_add_test(tcase, bytes_that_are_no_utf8_are_shown_escaped);
	tcase_add_test(tcase, a_record_with_nothing_in_it_is_reported);
	tcase_add_test(tcase, json_is_the_record);
	suite_add_tcase(suite, tcase);
	return suite;
}
