/*
 * report/matrix*.c: columns and their names, cells of repeated and merged runs, what differs, the
 * baseline, and how it is printed.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/matrix.h"
#include "tests/lib/matrix_rig.h"
#include "tests/lib/report_rig.h"

Suite *matrix_suite(void);

enum { RECORDS_MAX = 16 };

static struct record *records[RECORDS_MAX];
static size_t n_records;
static struct matrix *matrix, *base;

static void teardown(void)
{
	matrix_free(matrix);
	matrix_free(base);
	matrix = base = NULL;
	for (size_t i = 0; i < n_records; i++)
		record_free(records[i]);
	n_records = 0;
}

static struct record *record(const char *kernel, uint64_t memory_version)
{
	ck_assert_uint_lt(n_records, RECORDS_MAX);
	records[n_records] =
		matrix_rig_record(kernel, memory_version, (int64_t)(n_records + 1) * 1000);
	return records[n_records++];
}

static struct matrix *build(size_t from, size_t n, enum matrix_merge merge)
{
	const struct matrix_options options = {.merge = merge};

	return matrix_new((const struct record *const *)&records[from], n, &options);
}

static void build_all(enum matrix_merge merge)
{
	matrix_free(matrix);
	matrix = build(0, n_records, merge);
}

/* "5.10/v1 5.10/v2" */
static char *ids(void)
{
	struct str text = STR_INIT;

	for (size_t c = 0; c < matrix->n_columns; c++)
		str_addf(&text, "%s%s", c ? " " : "", matrix->columns[c].id);
	return str_take(&text);
}

/* "pass 3/4 -" */
static char *cells(const char *name)
{
	struct str text = STR_INIT;

	for (size_t r = 0; r < matrix->n_rows; r++)
		for (size_t c = 0; c < matrix->n_columns && str_eq(matrix->rows[r].name, name);
		     c++) {
			str_add(&text, c ? " " : "");
			matrix_cell_text(&text, &matrix->rows[r].cells[c]);
		}
	return str_take(&text);
}

static void has_ids(const char *expected)
{
	MEM_AUTO char *got = ids();

	ck_assert_str_eq(got, expected);
}

static void has_cells(const char *name, const char *expected)
{
	MEM_AUTO char *got = cells(name);

	ck_assert_str_eq(got, expected);
}

/* ---- columns ------------------------------------------------------------------------------- */

START_TEST(columns_are_in_the_order_of_kernels)
{
	record("6.12.1-a", 2);
	record("5.10.0-46", 2);
	record("6.1.0-56", 2);
	record("5.10.0-46", 1);
	record("7.3.4", 0);
	record("6.1.0-56", 1)->facts.twin = true;
	build_all(MATRIX_NEWEST);
	has_ids("5.10/v1 5.10/v2 6.1/hybrid 6.1/v2 6.12/v2 7.3/none");
}
END_TEST

START_TEST(names_are_as_long_as_they_must_be)
{
	record("6.12.1-a", 2);
	record("6.12.9-a", 2);
	record("6.12.9-b", 2);
	record("6.1.0-a", 2);
	record("next", 2);
	build_all(MATRIX_NEWEST);
	has_ids("6.1/v2 6.12.1/v2 6.12.9-a/v2 6.12.9-b/v2 next/v2");
}
END_TEST

START_TEST(machines_have_columns_of_their_own)
{
	record("6.1.0", 2);
	(void)strcpy(record("6.1.0", 2)->facts.machine, "aarch64");
	build_all(MATRIX_NEWEST);
	has_ids("6.1.0,aarch64/v2 6.1.0,x86_64/v2");
}
END_TEST

START_TEST(records_that_are_not_merged_are_numbered)
{
	record("6.12.1", 2);
	record("6.12.1", 2);
	record("6.12.2", 2);
	record("6.12.2", 2);
	build_all(MATRIX_NONE);
	has_ids("6.12#1/v2 6.12#2/v2 6.12#3/v2 6.12#4/v2");
	ck_assert_str_eq(matrix->columns[0].records[0]->id, "run-1000");
}
END_TEST

/* ---- cells --------------------------------------------------------------------------------- */

START_TEST(repetitions_are_a_rate)
{
	struct record *run = record("6.1.0", 2);

	matrix_rig_add(run, "limits/x#1", "pass", "a");
	matrix_rig_add(run, "limits/x#2", "fail", "b");
	matrix_rig_add(run, "limits/x#10", "pass", "a");
	matrix_rig_add(run, "limits/y#1", "broken", "");
	matrix_rig_add(run, "limits/y#2", "broken", "");
	matrix_rig_add(run, "limits/z#1", "pass", "");
	matrix_rig_add(run, "limits/z#2", "pass", "");
	build_all(MATRIX_NEWEST);
	ck_assert_uint_eq(matrix->n_rows, 3);
	has_cells("limits/x", "2/3");
	ck_assert_int_eq(matrix->rows[0].cells[0].state, CELL_MIXED);
	ck_assert_str_eq(matrix->rows[0].cells[0].shown->name, "limits/x#2");
	has_cells("limits/y", "0/2");
	ck_assert_int_eq(matrix->rows[1].cells[0].state, CELL_BROKEN);
	has_cells("limits/z", "2/2");
}
END_TEST

START_TEST(the_newest_record_of_a_kernel_counts_unless_they_add_up)
{
	struct record *old = record("6.1.0", 2), *new = record("6.1.0", 2);

	matrix_rig_add(old, "limits/x", "fail", "");
	matrix_rig_add(old, "limits/only-old", "fail", "");
	matrix_rig_add(new, "limits/x", "pass", "");
	build_all(MATRIX_NEWEST);
	has_cells("limits/x", "pass");
	has_cells("limits/only-old", "fail");
	old->began_unix_ns = new->began_unix_ns + 1;
	build_all(MATRIX_NEWEST);
	has_cells("limits/x", "fail");
	old->began_unix_ns = new->began_unix_ns; /* the one that is named last */
	build_all(MATRIX_NEWEST);
	has_cells("limits/x", "pass");
	build_all(MATRIX_SUM);
	has_cells("limits/x", "1/2");
	build_all(MATRIX_NONE);
	has_cells("limits/x", "fail pass");
	has_cells("limits/only-old", "fail -");
}
END_TEST

START_TEST(skips_are_no_runs)
{
	struct record *one = record("6.1.0", 2), *two = record("6.1.0", 2);

	matrix_rig_add(one, "limits/x", "skip", "");
	matrix_rig_add(two, "limits/x", "pass", "");
	build_all(MATRIX_SUM);
	has_cells("limits/x", "pass");
}
END_TEST

START_TEST(rows_are_in_natural_order)
{
	struct record *run = record("6.1.0", 2);

	matrix_rig_add(run, "limits/x[size=16M]", "pass", "");
	matrix_rig_add(run, "limits/x[size=8M]", "pass", "");
	matrix_rig_add(run, "fork/y", "pass", "");
	build_all(MATRIX_NEWEST);
	ck_assert_str_eq(matrix->rows[0].name, "fork/y");
	ck_assert_str_eq(matrix->rows[1].name, "limits/x[size=8M]");
}
END_TEST

/* ---- differences --------------------------------------------------------------------------- */

START_TEST(the_reference_is_what_passes_most)
{
	matrix_rig_add(record("5.10.0", 2), "limits/x", "fail", "b");
	matrix_rig_add(record("6.1.0", 2), "limits/x", "pass", "a");
	matrix_rig_add(record("6.12.0", 2), "limits/x", "fail", "b");
	matrix_rig_add(record("7.3.0", 2), "limits/x", "skip", "");
	build_all(MATRIX_NEWEST);
	const struct matrix_row *row = &matrix->rows[0];
	ck_assert(row->differs);
	ck_assert_uint_eq(row->n_classes, 2);
	ck_assert_uint_eq(row->class_of[0], row->class_of[2]);
	ck_assert_uint_eq(row->reference, row->class_of[1]);
	ck_assert_uint_eq(row->class_of[3], SIZE_MAX);
}
END_TEST

START_TEST(races_that_may_end_alike_do_not_differ)
{
	struct record *one = record("5.10.0", 2), *two = record("6.1.0", 2);

	matrix_rig_add(one, "limits/race#1", "pass", "a b");
	matrix_rig_add(one, "limits/race#2", "pass", "b a");
	matrix_rig_add(two, "limits/race#1", "pass", "b a");
	matrix_rig_add(two, "limits/race#2", "pass", "b c");
	matrix_rig_add(one, "limits/sure", "pass", "a b");
	matrix_rig_add(two, "limits/sure", "pass", "b a");
	build_all(MATRIX_NEWEST);
	ck_assert(!matrix->rows[0].differs);
	ck_assert(matrix->rows[1].differs);
}
END_TEST

START_TEST(a_column_where_nothing_ran_differs_from_none)
{
	struct record *v2 = record("6.12.0", 2), *none = record("6.12.0", 0);

	matrix_rig_add(v2, "limits/x", "pass", "");
	matrix_rig_add(none, "limits/x", "skip", "");
	build_all(MATRIX_NEWEST);
	ck_assert(!matrix->rows[0].differs);
	ck_assert_uint_eq(matrix->n_absences, 0);
	ck_assert_str_eq(matrix->columns[0].why_not, "needs a feature");
}
END_TEST

START_TEST(absences_are_grouped_by_columns_and_reason)
{
	struct record *a = record("5.10.0", 2), *b = record("6.1.0", 2), *c = record("7.3.0", 2);

	for (int i = 0; i < 2; i++) {
		const char *name = i ? "limits/y" : "limits/x";
		matrix_rig_add(a, name, "skip", "");
		matrix_rig_add(b, name, "pass", "");
		matrix_rig_add(c, name, "skip", "");
	}
	matrix_rig_add(b, "limits/z", "pass", "");
	matrix_rig_add(c, "limits/z", "pass", "");
	matrix_rig_add(a, "limits/here", "pass", "");
	matrix_rig_add(b, "limits/here", "pass", "");
	matrix_rig_add(c, "limits/here", "pass", "");
	build_all(MATRIX_NEWEST);
	ck_assert_uint_eq(matrix->n_absences, 2);
	ck_assert_str_eq(matrix->absences[0].columns, "5.10/v2, 7.3/v2");
	ck_assert_uint_eq(matrix->absences[0].n, 2);
	ck_assert_str_eq(matrix->absences[1].columns, "5.10/v2");
	ck_assert_str_eq(matrix->absences[1].reason, "not in these records");
}
END_TEST

START_TEST(times_are_compared_by_their_mean)
{
	struct record *a = record("5.10.0", 2), *b = record("6.1.0", 2);

	matrix_rig_add(a, "limits/x", "pass", "")->ended_ns = 100000000;
	matrix_rig_add(b, "limits/x#1", "pass", "")->ended_ns = 100000000;
	matrix_rig_add(b, "limits/x#2", "pass", "")->ended_ns = 700000000;
	build_all(MATRIX_NEWEST);
	ck_assert(!matrix->rows[0].differs);
	ck_assert_uint_eq(matrix->rows[0].fastest, 0);
	ck_assert_uint_eq(matrix->rows[0].slowest, 1);
}
END_TEST

/* ---- baseline ------------------------------------------------------------------------------ */

static void change_is(const char *before, const char *now, int kind)
{
	struct matrix_baseline baseline;
	struct record *old = record("6.1.0-1", 2), *new = record("6.1.0-2", 2);

	if (before)
		matrix_rig_add(old, "limits/x", before, "a");
	if (now)
		matrix_rig_add(new, "limits/x", now, "a");
	matrix_rig_add(old, "limits/same", "pass", "");
	matrix_rig_add(new, "limits/same", "pass", "");
	base = build(0, 1, MATRIX_NEWEST);
	matrix = build(1, 1, MATRIX_NEWEST);
	matrix_compare(matrix, base, &baseline);
	ck_assert_msg(baseline.n == (kind < 0 ? 0 : 1), "%s, %s: %zu changes", before, now,
		      baseline.n);
	if (kind >= 0)
		ck_assert_msg((int)baseline.changes[0].kind == kind, "%s, %s: got '%s'", before,
			      now, change_names[baseline.changes[0].kind]);
	matrix_baseline_free(&baseline);
	teardown();
}

START_TEST(what_passed_and_does_not_is_a_regression)
{
	change_is("pass", "pass", -1);
	change_is("skip", "skip", -1);
	change_is("pass", "fail", CHANGE_REGRESSION);
	change_is("pass", "broken", CHANGE_REGRESSION);
	change_is("pass", "skip", CHANGE_SKIPPED);
	change_is("fail", "skip", CHANGE_SKIPPED);
	change_is("pass", NULL, CHANGE_VANISHED);
	change_is("fail", NULL, CHANGE_VANISHED);
	change_is(NULL, "fail", CHANGE_NEW);
	change_is("fail", "pass", CHANGE_FIXED);
	change_is("skip", "pass", CHANGE_FIXED);
	change_is("skip", "fail", CHANGE_OTHER);
	change_is("fail", "broken", CHANGE_OTHER);
}
END_TEST

START_TEST(rates_get_worse)
{
	struct matrix_baseline baseline;
	struct record *old = record("6.1.0", 2), *new = record("6.1.0", 2);

	matrix_rig_add(old, "limits/a", "pass", "");
	matrix_rig_add(new, "limits/a#1", "pass", "");
	matrix_rig_add(new, "limits/a#2", "fail", "");
	matrix_rig_add(old, "limits/b#1", "pass", "");
	matrix_rig_add(old, "limits/b#2", "fail", "x");
	matrix_rig_add(new, "limits/b#1", "pass", "");
	matrix_rig_add(new, "limits/b#2", "fail", "y");
	matrix_rig_add(old, "limits/c#1", "pass", "");
	matrix_rig_add(old, "limits/c#2", "fail", "");
	matrix_rig_add(new, "limits/c", "fail", "");
	base = build(0, 1, MATRIX_NEWEST);
	matrix = build(1, 1, MATRIX_NEWEST);
	matrix_compare(matrix, base, &baseline);
	ck_assert_uint_eq(baseline.n, 2);
	ck_assert_uint_eq(baseline.count[CHANGE_REGRESSION], 2);
	ck_assert_str_eq(baseline.changes[0].name, "limits/a");
	ck_assert_str_eq(baseline.changes[1].name, "limits/c");
	ck_assert(matrix_baseline_has(&baseline, "limits/c"));
	ck_assert(!matrix_baseline_has(&baseline, "limits/b"));
	matrix_baseline_free(&baseline);
}
END_TEST

START_TEST(columns_find_their_kernel_or_their_series)
{
	struct matrix_baseline baseline;

	record("6.1.0-1", 2);
	record("6.1.0-5", 2);
	record("6.1.0-9", 2);
	record("6.1.0-5", 1);
	record("6.12.0", 2);
	record("6.1.0-5", 2);
	record("6.1.0-7", 2);
	record("6.10.0", 2);
	base = build(0, 5, MATRIX_NEWEST);
	matrix = build(5, 3, MATRIX_NEWEST);
	matrix_compare(matrix, base, &baseline);
	ck_assert_str_eq(base->columns[baseline.of[0]].facts->kernel, "6.1.0-5");
	ck_assert_uint_eq(base->columns[baseline.of[0]].facts->memory_version, 2);
	ck_assert_str_eq(base->columns[baseline.of[1]].facts->kernel, "6.1.0-9");
	ck_assert_uint_eq(baseline.of[2], SIZE_MAX);
	ck_assert(!baseline.used[base->n_columns - 1]);
	matrix_baseline_free(&baseline);
}
END_TEST

/* ---- printing ------------------------------------------------------------------------------ */

static void add_odd(struct record *run, const char *verdict)
{
	matrix_rig_add(run, "limits/\\u001b[2J|<b>", verdict, "");
	matrix_rig_add(run, "limits/a-name-that-is-much-longer-than-the-rest-of-the-table-is-wide",
		       verdict, "victim");
}

static void print_all(void (*check)(const char *text, int width))
{
	static void (*const printers[])(struct str *, const struct matrix *,
					const struct matrix_print *) = {
		matrix_text, matrix_markdown, matrix_json};
	struct matrix_baseline baseline;

	for (int k = 0; k < 4; k++)
		for (uint64_t v = 1; v <= 2; v++) {
			static const char *const kernels[] = {"5.10.0", "6.1.0", "6.12.0", "7.3.0"};
			add_odd(record(kernels[k], v), k % 2 ? "pass" : "fail");
		}
	base = build(0, 8, MATRIX_NEWEST);
	for (size_t i = 0; i < 8; i++)
		records[i]->results[0]->verdict = VERDICT_BROKEN;
	matrix = build(0, 8, MATRIX_NEWEST);
	matrix_compare(matrix, base, &baseline);
	for (size_t p = 0; p < 3; p++)
		for (int width = 40; width <= (p ? 40 : 130); width++) {
			const struct matrix_print print = {
				.width = width, .baseline_path = "\033[2J", .baseline = &baseline};
			STR_AUTO text = STR_INIT;
			printers[p](&text, matrix, &print);
			check(str_text(&text), p ? 0 : width);
		}
	matrix_baseline_free(&baseline);
}

static void check_controls(const char *text, int width)
{
	(void)width;
	report_rig_no_controls(text);
}

START_TEST(foreign_bytes_are_cleaned_in_every_format)
{
	print_all(check_controls);
}
END_TEST

static void check_width(const char *text, int width)
{
	for (const char *at = text; width && *at; at += strcspn(at, "\n") + 1) {
		int len = (int)strcspn(at, "\n");
		/* A name is never cut nor broken: it is there to be copied. */
		if (strncmp(at, "  a-name", 8) == 0 || memmem(at, (size_t)len, "limits/a-", 9))
			continue;
		ck_assert_msg(len <= width, "width %d: '%.*s'", width, len, at);
		ck_assert_msg(len == 0 || at[len - 1] != ' ', "blank at the end: '%.*s'", len, at);
	}
}

START_TEST(no_line_is_longer_than_the_terminal)
{
	print_all(check_width);
}
END_TEST

START_TEST(only_what_differs)
{
	struct record *a = record("5.10.0", 2), *b = record("6.1.0", 2);
	const struct matrix_print print = {.changed = true, .table = true};
	STR_AUTO text = STR_INIT;

	matrix_rig_add(a, "limits/same", "pass", "");
	matrix_rig_add(b, "limits/same", "pass", "");
	matrix_rig_add(a, "limits/other", "pass", "");
	matrix_rig_add(b, "limits/other", "fail", "x");
	build_all(MATRIX_NEWEST);
	matrix_text(&text, matrix, &print);
	ck_assert_str_eq(str_text(&text), "                          5.10  6.1\n"
					  "                          v2    v2\n"
					  "limits\n"
					  "  other                   pass  fail\n"
					  "\n"
					  "5.10/v2\n"
					  "  5.10.0, x86_64, cgroup v2: 2 pass; run-1000\n"
					  "6.1/v2\n"
					  "  6.1.0, x86_64, cgroup v2: 1 pass, 1 fail; run-2000\n"
					  "2 scenarios, 1 not the same in all columns\n");
}
END_TEST

START_TEST(what_is_incomplete_says_so)
{
	struct record *a = record("5.10.0", 2);
	const struct matrix_print print = {.table = true};
	STR_AUTO text = STR_INIT;

	matrix_rig_add(a, "limits/x", "pass", "");
	a->planned = 7;
	build_all(MATRIX_NEWEST);
	matrix_text(&text, matrix, &print);
	ck_assert_ptr_nonnull(strstr(str_text(&text), "run-1000 (incomplete: 1 of 7)"));
}
END_TEST

Suite *matrix_suite(void)
{
	Suite *suite = suite_create("matrix");
	TCase *tcase = tcase_create("matrix");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, columns_are_in_the_order_of_kernels);
	tcase_add_test(tcase, names_are_as_long_as_they_must_be);
	tcase_add_test(tcase, machines_have_columns_of_their_own);
	tcase_add_test(tcase, records_that_are_not_merged_are_numbered);
	tcase_add_test(tcase, repetitions_are_a_rate);
	tcase_add_test(tcase, the_newest_record_of_a_kernel_counts_unless_they_add_up);
	tcase_add_test(tcase, skips_are_no_runs);
	tcase_add_test(tcase, rows_are_in_natural_order);
	tcase_add_test(tcase, the_reference_is_what_passes_most);
	tcase_add_test(tcase, races_that_may_end_alike_do_not_differ);
	tcase_add_test(tcase, a_column_where_nothing_ran_differs_from_none);
	tcase_add_test(tcase, absences_are_grouped_by_columns_and_reason);
	tcase_add_test(tcase, times_are_compared_by_their_mean);
	tcase_add_test(tcase, what_passed_and_does_not_is_a_regression);
	tcase_add_test(tcase, rates_get_worse);
	tcase_add_test(tcase, columns_find_their_kernel_or_their_series);
	tcase_add_test(tcase, foreign_bytes_are_cleaned_in_every_format);
	tcase_add_test(tcase, no_line_is_longer_than_the_terminal);
	tcase_add_test(tcase, only_what_differs);
	tcase_add_test(tcase, what_is_incomplete_says_so);
	suite_add_tcase(suite, tcase);
	return suite;
}
