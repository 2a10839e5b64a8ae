/*
 * harness/scenario/shrink, harness/cmd/vm_outcomes: every scenario that is shipped can be written
 * and read again, a task's copies and children go with it, and a failure that no line asked for is
 * not that of a line.
 */
#include <check.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cmd/vm_outcomes.h"
#include "harness/scenario/shrink.h"

Suite *shrink_write_suite(void);

enum { SHIPPED_AT_LEAST = 50 };

static bool equal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == NODE_SCALAR)
		return str_eq(a->text, b->text);
	for (size_t i = 0; i < a->n; i++)
		if ((a->kind == NODE_MAP && !str_eq(a->keys[i].text, b->keys[i].text)) ||
		    !equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static void expand(const struct scenario *scenario, struct instance **ret, size_t *ret_n)
{
	struct diags diags = {0};
	unsigned long long used = 0;
	int r = scenario_expand(scenario, NULL, 0, &used, ret, ret_n, &diags);

	ck_assert_msg(r >= 0, "%s", str_text(&diags.text));
	diags_free(&diags);
}

static void parse(const char *text, struct scenario **ret)
{
	struct diags diags = {0};
	struct err err = ERR_INIT;
	int r = scenario_parse("t.yaml", text, strlen(text), ret, &diags, &err);

	ck_assert_msg(r >= 0, "%s\n%s", str_text(&diags.text), text);
	diags_free(&diags);
}

static void check_round_trip(const struct instance *instance)
{
	struct node whole = {.kind = NODE_MAP};
	struct scenario *again;
	struct instance *instances;
	size_t n;
	STR_AUTO text = STR_INIT;

	shrink_start(instance, &whole);
	shrink_write(&whole, &text);
	parse(str_text(&text), &again);
	expand(again, &instances, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_msg(equal(&whole, &instances[0].root), "another tree than\n%s", str_text(&text));
	instances_free(instances, n);
	scenario_free(again);
	shrink_clear(&whole);
}

static void check_all(struct scenario *scenario)
{
	struct instance *instances;
	size_t n;

	expand(scenario, &instances, &n);
	for (size_t i = 0; i < n; i++)
		check_round_trip(&instances[i]);
	instances_free(instances, n);
	scenario_free(scenario);
}

START_TEST(what_is_shipped_survives_writing)
{
	glob_t files;

	ck_assert_int_eq(glob("scenarios/*/*.yaml", 0, NULL, &files), 0);
	ck_assert_uint_gt(files.gl_pathc, SHIPPED_AT_LEAST);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct diags diags = {0};
		struct err err = ERR_INIT;
		struct scenario *scenario;
		ck_assert_int_ge(scenario_load(files.gl_pathv[i], &scenario, &diags, &err), 0);
		diags_free(&diags);
		check_all(scenario);
	}
	globfree(&files);
}
END_TEST

START_TEST(strange_texts_survive_writing)
{
	struct scenario *scenario;

	parse("name: x\n"
	      "tasks:\n"
	      "  shell: {exec: [sh, -c, \"echo $${HOME} \\\"$$\\\" 'a'\\nb\\tc: #d\"]}\n"
	      "  'k: [': {a: \"null\", b: ~, c: \"- x\", d: \"*\", e: \"&f\", g: {}, h: []}\n",
	      &scenario);
	check_all(scenario);
}
END_TEST

/* Whether some smaller version has 'part', and nothing of the others. */
static bool some_version(const struct node *root, const char *part, const char *without)
{
	bool found = false;

	for (size_t n = 0; !found; n++) {
		STR_AUTO what = STR_INIT;
		STR_AUTO text = STR_INIT;
		struct node candidate;
		if (!shrink_candidate(root, n, &candidate, &what))
			return false;
		shrink_write(&candidate, &text);
		found = strstr(str_text(&text), part) && !strstr(str_text(&text), without);
		shrink_clear(&candidate);
	}
	return true;
}

START_TEST(children_go_with_their_task)
{
	struct scenario *scenario;
	struct instance *instances;
	struct node whole;
	size_t n;

	parse("name: x\n"
	      "tasks:\n"
	      "  bomb: {run: fork}\n"
	      "  bomb-like: {run: heartbeat}\n"
	      "steps:\n"
	      "  - expect: {killed: {bomb.*: 2}, alive: [bomb, bomb.3, bomb-like]}\n",
	      &scenario);
	expand(scenario, &instances, &n);
	shrink_start(&instances[0], &whole);
	ck_assert(some_version(&whole, "alive: [bomb-like]", "bomb."));
	shrink_clear(&whole);
	instances_free(instances, n);
	scenario_free(scenario);
}
END_TEST

static const struct {
	const char *findings, *failed;
} failures[] = {
	{"[{\"at\": \"a.yaml:3:1\", \"what\": \"killed\", \"ok\": true}]", ""},
	{"[{\"at\": \"a.yaml:3:1\", \"what\": \"killed\", \"ok\": false}]", "killed"},
	{"[{\"at\": \"a.yaml\", \"what\": \"killed\", \"ok\": false}]", "killed by no line"},
};

START_TEST(failures_are_told_apart)
{
	struct result result = {.findings = json_loads(failures[_i].findings, 0, NULL)};

	ck_assert_ptr_nonnull(result.findings);
	MEM_AUTO char *failed = vm_outcome_failed(&result);
	ck_assert_str_eq(failed, failures[_i].failed);
	result_clear(&result);
}
END_TEST

Suite *shrink_write_suite(void)
{
	Suite *suite = suite_create("shrink_write");
	TCase *tests = tcase_create("shrink_write");

	tcase_add_test(tests, what_is_shipped_survives_writing);
	tcase_add_test(tests, strange_texts_survive_writing);
	tcase_add_test(tests, children_go_with_their_task);
	tcase_add_loop_test(tests, failures_are_told_apart, 0,
			    (int)(sizeof(failures) / sizeof(failures[0])));
	suite_add_tcase(suite, tests);
	return suite;
}
