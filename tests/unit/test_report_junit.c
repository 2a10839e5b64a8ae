/*
 * report/: the junit reporter, held against its golden file and, by xmllint, the schema.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_rig.h"
#include "tests/lib/skip.h"

Suite *report_junit_suite(void);

static char *render(bool only_good)
{
	struct record *record = report_rig_record(only_good);
	struct report_options options = {0};
	char *text = report_rig_render("junit", record, &options);

	record_free(record);
	return text;
}

START_TEST(junit_looks_as_agreed)
{
	char *text = render(false);

	report_rig_golden("junit.golden", text);
	report_rig_no_controls(text);
	free(text);
}
END_TEST

static const char validate[] = "xmllint --noout --schema tests/fixtures/report/junit-10.xsd %s";

static void assert_valid(const char *text)
{
	int status;
	char *out = report_rig_run(validate, text, &status);

	ck_assert_msg(status == 0, "xmllint ended with %d: %.1500s", status, out);
	free(out);
}

START_TEST(junit_is_valid)
{
	char *text = render(_i);

	assert_valid(text);
	free(text);
}
END_TEST

START_TEST(an_empty_run_is_valid)
{
	struct record *record = record_new();
	struct report_options options = {0};
	char *text = report_rig_render("junit", record, &options);

	assert_valid(text);
	free(text);
	record_free(record);
}
END_TEST

/* Every byte but NUL as a name, one character at a time and as pairs that form UTF-8. */
START_TEST(any_bytes_give_valid_xml)
{
	struct record *record = record_new();
	struct report_options options = {0};

	for (int byte = 1; byte < 256; byte++) {
		const char name[] = {(char)byte, (char)0x80, 'x', (char)byte, 0};
		struct result result = {.name = strdup(name), .reason = strdup(name)};
		result.verdict = (enum verdict)(byte % VERDICTS);
		record_add(record, &result);
	}
	char *text = report_rig_render("junit", record, &options);
	assert_valid(text);
	report_rig_no_controls(text);
	free(text);
	record_free(record);
}
END_TEST

START_TEST(the_schema_is_strict)
{
	static const char *const wrong[] = {
		"<testsuites><testsuite name='a' tests='1' failures='0'/></testsuites>",
		"<testsuites><testcase name='a'/></testsuites>",
		"<testsuites time='1e3'/>",
		"<testsuite name='a' tests='1' failures='0'/>",
	};
	int status;
	char *out = report_rig_run(validate, wrong[_i], &status);

	ck_assert_msg(status == 3 || status == 4, "xmllint ended with %d: %.1500s", status, out);
	free(out);
}
END_TEST

Suite *report_junit_suite(void)
{
	Suite *suite = suite_create("report_junit");
	TCase *tcase = tcase_create("junit"), *schema = tcase_create("schema");

	tcase_add_test(tcase, junit_looks_as_agreed);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(schema, junit_is_valid, 0, 2);
	tcase_add_test(schema, an_empty_run_is_valid);
	tcase_add_test(schema, any_bytes_give_valid_xml);
	tcase_add_loop_test(schema, the_schema_is_strict, 0, 4);
	suite_add_if(suite, schema, "report_junit: schema", report_rig_has_tool("xmllint"),
		     "xmllint is not installed (package libxml2-utils)");
	return suite;
}
