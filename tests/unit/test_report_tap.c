/*
 * report/: the tap reporter, held against its golden file, Perl's TAP parser, prove, and the
 * rules of KTAP.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/report_rig.h"
#include "tests/lib/skip.h"

Suite *report_tap_suite(void);

static char *render(bool only_good)
{
	struct record *record = report_rig_record(only_good);
	struct report_options options = {0};
	char *text = report_rig_render("tap", record, &options);

	record_free(record);
	return text;
}

START_TEST(tap_looks_as_agreed)
{
	char *text = render(false);

	report_rig_golden("tap.golden", text);
	report_rig_no_controls(text);
	free(text);
}
END_TEST

START_TEST(nothing_planned_is_a_skip)
{
	struct record *record = record_new();
	struct report_options options = {0};
	char *text = report_rig_render("tap", record, &options);

	ck_assert_str_eq(text, "TAP version 13\n1..0 # SKIP no scenario was chosen\n");
	free(text);
	record_free(record);
}
END_TEST

START_TEST(what_never_ran_is_not_ok)
{
	char *text = render(false);

	ck_assert_ptr_nonnull(strstr(text, "\nnot ok 6 - not run\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nnot ok 7 - not run\n"));
	free(text);
}
END_TEST

/* KTAP: version, plan, then flat result lines whose description has no '#'. */
START_TEST(result_lines_are_ktap)
{
	char *text = render(false), *rest = text;
	size_t results = 0;

	ck_assert(str_starts(text, "TAP version 13\n1..7\n"));
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (!str_starts(line, "ok ") && !str_starts(line, "not ok "))
			continue;
		char *description = strstr(line, " - ");
		ck_assert_ptr_nonnull(description);
		size_t before = strcspn(description, "#");
		ck_assert_msg(description[before] == '\0' ||
				      str_starts(description + before - 1, " # "),
			      "'%s'", line);
		results++;
	}
	ck_assert_uint_eq(results, 7);
	free(text);
}
END_TEST

START_TEST(prove_passes_what_passed)
{
	char *text = render(true);
	int status;
	char *out = report_rig_run("prove --exec cat %s", text, &status);

	ck_assert_msg(status == 0 && strstr(out, "Result: PASS"), "status %d: %s", status, out);
	ck_assert_msg(!strstr(out, "Parse errors"), "%s", out);
	free(out);
	free(text);
}
END_TEST

START_TEST(prove_fails_what_failed)
{
	char *text = render(false);
	int status;
	char *out = report_rig_run("prove --exec cat %s", text, &status);

	ck_assert_msg(status == 1 && strstr(out, "Failed 5/7 subtests"), "status %d: %s", status,
		      out);
	ck_assert_msg(!strstr(out, "Parse errors"), "%s", out);
	free(out);
	free(text);
}
END_TEST

/* Every line is understood: five YAML blocks, one skip, nothing unknown. */
START_TEST(perls_parser_understands_every_line)
{
	static const char command[] =
		"perl -MTAP::Parser -e 'my $p = TAP::Parser->new({tap => do {"
		"local (@ARGV, $/) = shift; <> }});"
		"my (%n, $s); while (my $r = $p->next) { $n{$r->type}++;"
		"$s++ if $r->is_test && $r->has_skip }"
		"print join(\" \", (map {\"$_=$n{$_}\"} sort keys %n), \"skips=$s\","
		"\"errors=\" . $p->parse_errors)' %s";
	char *text = render(false);
	int status;
	char *out = report_rig_run(command, text, &status);

	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(out, "comment=2 plan=1 test=7 version=1 yaml=5 skips=1 errors=0");
	free(out);
	free(text);
}
END_TEST

Suite *report_tap_suite(void)
{
	Suite *suite = suite_create("report_tap");
	TCase *tcase = tcase_create("tap"), *perl = tcase_create("perl");

	tcase_add_test(tcase, tap_looks_as_agreed);
	tcase_add_test(tcase, nothing_planned_is_a_skip);
	tcase_add_test(tcase, what_never_ran_is_not_ok);
	tcase_add_test(tcase, result_lines_are_ktap);
	suite_add_tcase(suite, tcase);
	tcase_add_test(perl, prove_passes_what_passed);
	tcase_add_test(perl, prove_fails_what_failed);
	tcase_add_test(perl, perls_parser_understands_every_line);
	suite_add_if(suite, perl, "report_tap: prove", report_rig_has_tool("prove"),
		     "prove is not installed (package perl)");
	return suite;
}
