/*
 * harness/scenario: YAML into trees that know their place, what is refused, parameters and the
 * matrix.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/scenario/scenario.h"

Suite *scenario_suite(void);

static struct scenario *parse_ok(const char *file, const char *text)
{
	struct scenario *scenario = NULL;
	struct diags diags = {0};
	struct err err = ERR_INIT;

	int r = scenario_parse(file, text, strlen(text), &scenario, &diags, &err);
	ck_assert_msg(r >= 0, "%s: %s", err.text, str_text(&diags.text));
	ck_assert_uint_eq(diags.n, 0);
	diags_free(&diags);
	return scenario;
}

START_TEST(nodes_know_their_place)
{
	static const char text[] = "name: x\n"
				   "groups:\n"
				   "  a: {memory.max: 80M, b: [1, two]}\n";
	struct scenario *scenario = parse_ok("t.yaml", text);

	const struct node *group = node_get(node_get(&scenario->root, "groups"), "a");
	ck_assert_int_eq(group->kind, NODE_MAP);
	ck_assert_int_eq(group->line, 3);
	ck_assert_int_eq(group->column, 6);
	const struct node *limit = node_get(group, "memory.max");
	ck_assert_str_eq(limit->text, "80M");
	ck_assert_int_eq(limit->line, 3);
	ck_assert_int_eq(limit->column, 19);
	const struct node *list = node_get(group, "b");
	ck_assert_uint_eq(list->n, 2);
	ck_assert_str_eq(list->items[1].text, "two");
	ck_assert_int_eq(list->items[1].column, 31);
	ck_assert_ptr_null(node_get(group, "c"));
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *yaml, *text;
} scalars[] = {
	{"a: null", ""},	  {"a: ~", ""},		  {"a:", ""},
	{"a: 'null'", "null"},	  {"a: +0", "+0"},	  {"a: 010", "010"},
	{"a: \"x\\ty\"", "x\ty"}, {"a: yes # no", "yes"},
};

START_TEST(scalars_stay_text)
{
	struct scenario *scenario = parse_ok("t.yaml", scalars[_i].yaml);

	ck_assert_str_eq(node_get(&scenario->root, "a")->text, scalars[_i].text);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *file, *text, *name, *suite;
} names[] = {
	{"scenarios/limits/one.yaml", "a: b", "one", "limits"},
	{"/usr/share/oomlab/scenarios/a/b/two.yaml", "a: b", "two", "a/b"},
	{"scenarios/three.yaml", "name: third", "third", ""},
	{"own/four.yaml", "a: b", "four", ""},
	{"myscenarios/limits/five.yaml", "a: b", "five", ""},
	{"six", "name: [x]", "six", ""},
};

START_TEST(name_and_suite)
{
	struct scenario *scenario = parse_ok(names[_i].file, names[_i].text);

	ck_assert_str_eq(scenario->name, names[_i].name);
	ck_assert_str_eq(scenario->suite, names[_i].suite);
	scenario_free(scenario);
}
END_TEST

/* ---- what is refused ----------------------------------------------------------------------- */

static const struct {
	const char *text, *lines;
} refused[] = {
	{"", "t.yaml: empty file, expected a scenario (a map)\n"},
	{"# only a comment\n", "t.yaml: empty file, expected a scenario (a map)\n"},
	{"- a\n", "t.yaml:1:1: expected a map (name, groups, tasks, steps ...), got a list\n"},
	{"text\n", "t.yaml:1:1: expected a map (name, groups, tasks, steps ...), got 'text'\n"},
	{"a: 1\nb: {c: 1, c: 2}\na: 3\n",
	 "t.yaml:2:11: key 'c' given twice in one map, first on line 2\n"
	 "t.yaml:3:1: key 'a' given twice in one map, first on line 1\n"},
	{"a: &x 1\nb: *x\n",
	 "t.yaml:1:7: anchor, expected none: scenarios repeat values with params and '${name}'\n"
	 "t.yaml:2:5: alias ('*...'), expected a value: write names that end in '*' in quotes\n"},
	{"a: {<<: {b: 1}}\n",
	 "t.yaml:1:5: merge key '<<', expected a name: merging is not supported\n"},
	{"a: !!int 3\n", "t.yaml:1:10: YAML tag ('!...'), expected a plain value\n"},
	{"a:\n\tb: 1\n", "t.yaml:2:1: tab in the indentation, expected spaces\n"},
	{"a: b\nc: \xff\n", "t.yaml:2:4: byte 0xff, expected UTF-8 text\n"},
	{"a: \xed\xa0\x80\n", "t.yaml:1:4: byte 0xed, expected UTF-8 text\n"},
	{"a: \x01\n", "t.yaml:1:4: byte 0x01, expected UTF-8 text\n"},
	{"a: 'b\n", "t.yaml:1:5: not YAML: single-quoted scalar without closing quote\n"},
	{"a: 1\n---\nb: 2\n",
	 "t.yaml:2:1: a second document ('---'), expected one scenario a file\n"},
	{"[a]: 1\n", "t.yaml:1:1: key, expected a name, got a list\n"},
	{"a: [[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
	 "t.yaml:1:28: nested too deeply, expected at most 24 levels\n"},
};

START_TEST(mistakes_of_syntax)
{
	struct scenario *scenario = NULL;
	struct diags diags = {0};
	struct err err = ERR_INIT;
	const char *text = refused[_i].text;

	int r = scenario_parse("t.yaml", text, strlen(text), &scenario, &diags, &err);
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_null(scenario);
	ck_assert_str_eq(str_text(&diags.text), refused[_i].lines);
	diags_free(&diags);
}
END_TEST

START_TEST(huge_files_are_refused)
{
	size_t len = (1 << 20) + 1;
	struct scenario *scenario = NULL;
	struct diags diags = {0};
	struct err err = ERR_INIT;
	char *text = malloc(len);

	memset(text, ' ', len);
	ck_assert_int_eq(scenario_parse("t.yaml", text, len, &scenario, &diags, &err), -EINVAL);
	ck_assert_str_eq(str_text(&diags.text),
			 "t.yaml: 1048577 bytes, expected a scenario of at most 1 MiB\n");
	diags_free(&diags);
	free(text);
}
END_TEST

START_TEST(unreadable_files_give_their_errno)
{
	struct scenario *scenario = NULL;
	struct diags diags = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(scenario_load("/nonexistent/x.yaml", &scenario, &diags, &err), -ENOENT);
	ck_assert_str_eq(err.text, "scenario '/nonexistent/x.yaml': No such file or directory");
	ck_assert_int_eq(scenario_load("/dev/null", &scenario, &diags, &err), -EINVAL);
	ck_assert_str_eq(err.text, "scenario '/dev/null': not a regular file");
	ck_assert_uint_eq(diags.n, 0);
}
END_TEST

START_TEST(mistakes_are_one_line_each)
{
	struct node at = {.line = 3, .column = 9};
	struct diags diags = {0}, sorted = {0};

	diag_add(&diags, "f", &at, "two\nlines and a %s", "\x1b[31m");
	diag_add(&diags, "f", &at, "two\nlines and a %s", "\x1b[31m");
	at.line = 2;
	diag_add(&diags, "f", &at, "first");
	ck_assert_uint_eq(diags.n, 2);
	diags_move_sorted(&diags, &sorted, "f");
	ck_assert_str_eq(str_text(&sorted.text),
			 "f:2:9: first\nf:3:9: two\\nlines and a \\x1b[31m\n");
	ck_assert_uint_eq(diags.n, 0);
	diags_free(&sorted);
}
END_TEST

/* ---- parameters ---------------------------------------------------------------------------- */

static const char matrix[] = "params: {size: 1M, both: '${size}+${size}'}\n"
			     "matrix: {x: [1, 2], y: [a, b]}\n"
			     "steps: ['${x}${y} ${both} $${x} $5']\n";

START_TEST(matrix_in_file_order)
{
	static const char *const labels[] = {"x=1,y=a", "x=1,y=b", "x=2,y=a", "x=2,y=b"};
	static const char *const texts[] = {"1a 1M+1M ${x} $5", "1b 1M+1M ${x} $5",
					    "2a 1M+1M ${x} $5", "2b 1M+1M ${x} $5"};
	struct scenario *scenario = parse_ok("t.yaml", matrix);
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags), 0);
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++) {
		const struct node *steps = node_get(&instances[i].root, "steps");
		ck_assert_str_eq(instances[i].label, labels[i]);
		ck_assert_str_eq(steps->items[0].text, texts[i]);
		ck_assert_int_eq(steps->items[0].line, 3);
	}
	ck_assert_uint_eq(instances[0].n_params, 4);
	ck_assert_str_eq(instances[0].params[1].name, "both");
	ck_assert_str_eq(instances[0].params[1].value, "1M+1M");
	instances_free(instances, n);
	scenario_free(scenario);
}
END_TEST

START_TEST(overrides_replace_defaults_and_lists)
{
	static const char *const overrides[] = {"other=1", "x=7", "size=2M", "nonsense"};
	struct scenario *scenario = parse_ok("t.yaml", matrix);
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, overrides, 4, &used, &instances, &n, &diags), 0);
	ck_assert_uint_eq(used, 6);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(instances[1].label, "size=2M,x=7,y=b");
	ck_assert_str_eq(node_get(&instances[1].root, "steps")->items[0].text, "7b 2M+2M ${x} $5");
	instances_free(instances, n);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *text, *lines;
} params[] = {
	{"params: {limit: 1}\na: '${limt}'\n",
	 "t.yaml:1:10: parameter 'limit' is never used, expected '${...}' with its name "
	 "somewhere\n"
	 "t.yaml:2:4: unknown parameter '${limt}', expected a name from 'params' or 'matrix'; did "
	 "you mean 'limit'?\n"},
	{"params: {a: '${b}', b: '${a}'}\nc: '${a}'\n",
	 "t.yaml:1:24: parameter 'b' refers to itself\n"},
	{"params: {a: '${a}'}\n", "t.yaml:1:13: parameter 'a' refers to itself\n"},
	{"params: {a: [1]}\nb: '${a}'\n",
	 "t.yaml:1:13: parameter 'a' has no single default, expected one value\n"},
	{"params: [a]\n", "t.yaml:1:9: 'params', expected a map of names, got a list\n"},
	{"matrix: {a: []}\nb: '${a}'\n",
	 "t.yaml:1:13: parameter 'a' expected a list of values such as [1M, 4M], or "
	 "1..50\n"},
	{"matrix: {a: [{b: 1}]}\nb: '${a}'\n",
	 "t.yaml:1:14: parameter 'a' expected plain values in its list\n"},
	{"params: {a: 1}\nmatrix: {a: [1]}\nb: '${a}'\n",
	 "t.yaml:2:10: parameter 'a' is in both 'params' and 'matrix'\n"},
	{"params: {a b: 1}\n",
	 "t.yaml:1:10: parameter 'a b' expected letters, digits, '_' and '-'\n"},
	{"a: '${b'\n",
	 "t.yaml:1:4: '${' without '}', expected '${name}' ('$${' for a plain '${')\n"},
};

START_TEST(mistakes_of_parameters)
{
	struct scenario *scenario = parse_ok("t.yaml", params[_i].text);
	struct instance *instances = NULL;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags),
			 -EINVAL);
	ck_assert_str_eq(str_text(&diags.text), params[_i].lines);
	diags_free(&diags);
	scenario_free(scenario);
}
END_TEST

/* Each value holds the one before ten times over: 10^8 bytes if nobody counted. */
START_TEST(expansion_is_bounded)
{
	struct scenario *scenario;
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	struct str text = STR_INIT;
	size_t n;

	str_add(&text, "params:\n  p0: xxxxxxxxxx\n");
	for (int i = 1; i < 8; i++) {
		str_addf(&text, "  p%d: '", i);
		for (int k = 0; k < 10; k++)
			str_addf(&text, "${p%d}", i - 1);
		str_add(&text, "'\n");
	}
	str_add(&text, "a: '${p7}'\n");
	scenario = parse_ok("t.yaml", str_text(&text));
	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags),
			 -EINVAL);
	ck_assert_str_eq(str_text(&diags.text),
			 "t.yaml:5:7: parameter 'p3' is longer than 4096 bytes\n");
	diags_free(&diags);
	scenario_free(scenario);
	str_free(&text);
}
END_TEST

START_TEST(matrix_is_bounded)
{
	struct scenario *scenario = parse_ok("t.yaml", "matrix:\n"
						       "  a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]\n"
						       "  b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
						       "  c: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
						       "s: '${a}${b}${c}'\n");
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags),
			 -EINVAL);
	ck_assert_str_eq(str_text(&diags.text), "t.yaml:4:3: the matrix makes too many instances, "
						"expected at most 1024\n");
	diags_free(&diags);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *matrix, *override;
	size_t n;
	const char *first, *last;
} ranges[] = {
	{"1..50", NULL, 50, "a=1", "a=50"},	    {"7..7", NULL, 1, "a=7", "a=7"},
	{"[x, y]", "a=10..12", 3, "a=10", "a=12"},  {"1..50", "a=17", 1, "a=17", "a=17"},
	{"1..50", "a=3..1", 1, "a=3..1", "a=3..1"}, /* no range: a value like any other */
};

START_TEST(ranges_are_lists)
{
	MEM_AUTO char *text = mem_printf("matrix: {a: %s}\nsteps: '${a}'\n", ranges[_i].matrix);
	const char *overrides[] = {ranges[_i].override};
	struct scenario *scenario = parse_ok("t.yaml", text);
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, overrides, overrides[0] != NULL, &used,
					 &instances, &n, &diags),
			 0);
	ck_assert_uint_eq(n, ranges[_i].n);
	ck_assert_str_eq(instances[0].label, ranges[_i].first);
	ck_assert_str_eq(instances[n - 1].label, ranges[_i].last);
	ck_assert_str_eq(node_get(&instances[0].root, "steps")->text, ranges[_i].first + 2);
	instances_free(instances, n);
	scenario_free(scenario);
}
END_TEST

static const char *const wide_ranges[] = {"1..1025", "0..18446744073709551615",
					  "1..99999999999999999999999"};

START_TEST(ranges_are_bounded)
{
	MEM_AUTO char *text = mem_printf("matrix: {a: %s}\nsteps: '${a}'\n", wide_ranges[_i]);
	struct scenario *scenario = parse_ok("t.yaml", text);
	struct instance *instances;
	struct diags diags = {0};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(str_text(&diags.text), "too many instances"));
	diags_free(&diags);
	scenario_free(scenario);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *scenario_suite(void)
{
	Suite *suite = suite_create("scenario");
	TCase *tcase = tcase_create("scenario");

	tcase_add_test(tcase, nodes_know_their_place);
	tcase_add_loop_test(tcase, scalars_stay_text, 0, ROWS(scalars));
	tcase_add_loop_test(tcase, name_and_suite, 0, ROWS(names));
	tcase_add_loop_test(tcase, mistakes_of_syntax, 0, ROWS(refused));
	tcase_add_test(tcase, huge_files_are_refused);
	tcase_add_test(tcase, unreadable_files_give_their_errno);
	tcase_add_test(tcase, mistakes_are_one_line_each);
	tcase_add_test(tcase, matrix_in_file_order);
	tcase_add_test(tcase, overrides_replace_defaults_and_lists);
	tcase_add_loop_test(tcase, mistakes_of_parameters, 0, ROWS(params));
	tcase_add_test(tcase, expansion_is_bounded);
	tcase_add_test(tcase, matrix_is_bounded);
	tcase_add_loop_test(tcase, ranges_are_lists, 0, ROWS(ranges));
	tcase_add_loop_test(tcase, ranges_are_bounded, 0, ROWS(wide_ranges));
	suite_add_tcase(suite, tcase);
	return suite;
}
