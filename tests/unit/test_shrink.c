/*
 * harness/scenario/shrink: what smaller versions there are, and that they can be read again.
 */
#include <check.h>
#include <string.h>

#include "harness/scenario/shrink.h"

Suite *shrink_suite(void);

static const char race[] = "name: race\n"
			   "title: more words\n"
			   "description: words\n"
			   "params: {size: 8M}\n"
			   "needs: {vm: yes}\n"
			   "tasks:\n"
			   "  big: {run: blocks, copies: 3, total: \"${size}\", start: later}\n"
			   "  other: {run: heartbeat}\n"
			   "steps:\n"
			   "  - start: big-*\n"
			   "  - expect: {killed: {\"big-*\": 2}, alive: [other]}\n"
			   "  - expect: {alive: [other], within: 10s}\n";

struct tree {
	struct scenario *scenario;
	struct instance *instances;
	size_t n;
	struct node root;
};

static void load(struct tree *tree, const char *text)
{
	struct diags diags = {0};
	struct err err;
	unsigned long long used = 0;

	ck_assert_int_ge(
		scenario_parse("race.yaml", text, strlen(text), &tree->scenario, &diags, &err), 0);
	ck_assert_int_ge(
		scenario_expand(tree->scenario, NULL, 0, &used, &tree->instances, &tree->n, &diags),
		0);
	shrink_start(&tree->instances[0], &tree->root);
	diags_free(&diags);
}

static void clear(struct tree *tree)
{
	shrink_clear(&tree->root);
	instances_free(tree->instances, tree->n);
	scenario_free(tree->scenario);
}

/* The version that was made by what these words say. */
static void version(const struct node *root, const char *words, struct str *yaml)
{
	for (size_t n = 0;; n++) {
		STR_AUTO what = STR_INIT;
		struct node candidate;
		ck_assert_msg(shrink_candidate(root, n, &candidate, &what), "no version is '%s'",
			      words);
		if (str_eq(str_text(&what), words))
			shrink_write(&candidate, yaml);
		shrink_clear(&candidate);
		if (yaml->len)
			return;
	}
}

START_TEST(starts_without_what_multiplies_it)
{
	struct tree tree;
	STR_AUTO yaml = STR_INIT;

	load(&tree, race);
	shrink_write(&tree.root, &yaml);
	ck_assert_str_eq(str_text(&yaml),
			 "name: race\n"
			 "needs: {vm: yes}\n"
			 "tasks:\n"
			 "  big: {run: blocks, copies: 3, total: 8M, start: later}\n"
			 "  other: {run: heartbeat}\n"
			 "steps:\n"
			 "  - {start: \"big-*\"}\n"
			 "  -\n"
			 "    expect:\n"
			 "      killed: {\"big-*\": 2}\n"
			 "      alive: [other]\n"
			 "  -\n"
			 "    expect:\n"
			 "      alive: [other]\n"
			 "      within: 10s\n");
	clear(&tree);
}
END_TEST

START_TEST(a_task_goes_with_all_that_names_it)
{
	struct tree tree;
	STR_AUTO yaml = STR_INIT;
	STR_AUTO other = STR_INIT;

	load(&tree, race);
	version(&tree.root, "without task 'big'", &yaml);
	ck_assert_ptr_null(strstr(str_text(&yaml), "big"));
	ck_assert_ptr_nonnull(strstr(str_text(&yaml), "alive: [other]"));
	version(&tree.root, "without task 'other'", &other);
	ck_assert_ptr_null(strstr(str_text(&other), "other"));
	ck_assert_ptr_nonnull(strstr(str_text(&other), "killed: {\"big-*\": 2}"));
	clear(&tree);
}
END_TEST

START_TEST(steps_lines_and_numbers)
{
	static const char *const words[] = {"without 'steps[3]'", "without 'steps[2].expect.alive'",
					    "without 'tasks.big.start'",
					    "'tasks.big.copies' 1 instead of 3",
					    "'tasks.big.total' 4M instead of 8M"};
	static const char *const lines[] = {"alive: [other]\n  -", "alive", "start: later",
					    "copies: 3", "total: 8M"};
	struct tree tree;
	size_t lengths = 0;

	load(&tree, race);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		STR_AUTO yaml = STR_INIT;
		version(&tree.root, words[i], &yaml);
		if (i > 1)
			ck_assert_ptr_null(strstr(str_text(&yaml), lines[i]));
		lengths += yaml.len;
	}
	ck_assert_uint_gt(lengths, 0);
	clear(&tree);
}
END_TEST

START_TEST(an_empty_part_goes_with_its_last_entry)
{
	struct tree tree;
	STR_AUTO yaml = STR_INIT;

	load(&tree, "groups: {box: {memory.max: 8M}}\nsteps: [{expect: {}}]\n");
	version(&tree.root, "without 'groups.box'", &yaml);
	ck_assert_str_eq(str_text(&yaml), "steps:\n  -\n    expect: {}\n");
	clear(&tree);
}
END_TEST

/* Times are limits, not sizes: less of them is another failure. */
START_TEST(leaves_deadlines_and_needs_alone)
{
	struct tree tree;

	load(&tree, race);
	for (size_t n = 0;; n++) {
		STR_AUTO what = STR_INIT;
		STR_AUTO yaml = STR_INIT;
		struct node candidate;
		if (!shrink_candidate(&tree.root, n, &candidate, &what)) {
			ck_assert_uint_gt(n, 10);
			break;
		}
		shrink_write(&candidate, &yaml);
		ck_assert_ptr_nonnull(strstr(str_text(&yaml), "needs: {vm: yes}"));
		ck_assert_ptr_null(strstr(str_text(&yaml), "within: 5s"));
		shrink_clear(&candidate);
	}
	clear(&tree);
}
END_TEST

/* Words that YAML would read otherwise. */
START_TEST(what_is_written_is_read_again)
{
	static const char text[] = "name: \"a: b # c\"\n"
				   "steps: [\"-x\", \"\", \"null\", \"q\\\"\\\\\\n\", ~]\n"
				   "empty: {}\n";
	struct tree tree, again;
	STR_AUTO yaml = STR_INIT;
	STR_AUTO twice = STR_INIT;

	load(&tree, text);
	shrink_write(&tree.root, &yaml);
	load(&again, str_text(&yaml));
	ck_assert_str_eq(node_get(&again.root, "name")->text, "a: b # c");
	ck_assert_str_eq(node_get(&again.root, "steps")->items[2].text, "null");
	ck_assert_str_eq(node_get(&again.root, "steps")->items[3].text, "q\"\\\n");
	shrink_write(&again.root, &twice);
	ck_assert_str_eq(str_text(&yaml), str_text(&twice));
	clear(&again);
	clear(&tree);
}
END_TEST

Suite *shrink_suite(void)
{
	Suite *suite = suite_create("shrink");
	TCase *tests = tcase_create("shrink");

	tcase_add_test(tests, starts_without_what_multiplies_it);
	tcase_add_test(tests, a_task_goes_with_all_that_names_it);
	tcase_add_test(tests, steps_lines_and_numbers);
	tcase_add_test(tests, an_empty_part_goes_with_its_last_entry);
	tcase_add_test(tests, leaves_deadlines_and_needs_alone);
	tcase_add_test(tests, what_is_written_is_read_again);
	suite_add_tcase(suite, tests);
	return suite;
}
