/*
 * record/: what is saved is what is loaded, other files are refused in words, the exit status,
 * and the table of fields held against its documentation.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/record/record.h"
#include "harness/record/record_fields.h"

Suite *record_suite(void);

static const char fixture[] = "tests/fixtures/report/record.json";

START_TEST(verdicts_have_names)
{
	struct err err = ERR_INIT;

	for (int i = 0; i < VERDICTS; i++) {
		enum verdict verdict = VERDICT_PASS;
		ck_assert_int_eq(verdict_parse(verdict_name((enum verdict)i), &verdict, &err), 0);
		ck_assert_int_eq(verdict, i);
	}
	enum verdict untouched = VERDICT_SKIP;
	ck_assert_int_eq(verdict_parse("passed", &untouched, &err), -EINVAL);
	ck_assert_str_eq(err.text, "expected pass, fail, skip or broken, got 'passed'");
	ck_assert_int_eq(untouched, VERDICT_SKIP);
}
END_TEST

static const struct {
	const char *verdicts; /* initials of the results */
	size_t planned;
	bool interrupted;
	int status;
} runs[] = {
	{"", 0, false, 0},    {"pp", 2, false, 0}, {"ps", 2, false, 0}, {"ss", 2, false, 77},
	{"pf", 2, false, 1},  {"sf", 2, false, 1}, {"pb", 2, false, 3}, {"fb", 2, false, 3},
	{"p", 2, false, 3},   {"f", 2, false, 3},  {"s", 2, false, 3},	{"", 1, false, 3},
	{"ppp", 2, false, 0}, {"pp", 2, true, 3},
};

START_TEST(exit_status_follows_the_results)
{
	struct record *record = record_new();

	for (const char *at = runs[_i].verdicts; *at; at++) {
		struct result result = {.name = mem_dup("x")};
		result.verdict = (enum verdict)(strchr("pfsb", *at) - "pfsb");
		record_add(record, &result);
		ck_assert_ptr_null(result.name);
	}
	record->planned = runs[_i].planned;
	record->interrupted = runs[_i].interrupted;
	ck_assert_msg(record_exit_status(record) == runs[_i].status,
		      "'%s' of %zu: expected %d, got %d", runs[_i].verdicts, runs[_i].planned,
		      runs[_i].status, record_exit_status(record));
	record_free(record);
}
END_TEST

START_TEST(all_fields_survive_a_round_trip)
{
	struct record *first = NULL, *second = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(record_load(fixture, &first, &err) == 0, "%s", err.text);
	json_t *saved = record_to_json(first);
	ck_assert_msg(record_from_json(saved, &second, &err) == 0, "%s", err.text);
	json_t *again = record_to_json(second);
	ck_assert_int_eq(json_equal(saved, again), 1);

	ck_assert_uint_eq(second->seed, UINT64_MAX);
	ck_assert_str_eq(second->command, "oomlab run --format text");
	ck_assert_int_eq(second->began_unix_ns, 1795308900000000000);
	ck_assert(second->interrupted && second->planned == 7 && second->n == 5);
	ck_assert_str_eq(second->facts.kernel, "6.18.2");
	ck_assert_str_eq(second->facts.no_tracefs, "not mounted");
	ck_assert(second->facts.twin && !second->facts.cap_sys_resource);
	ck_assert_uint_eq(second->facts.mem_total_bytes, 25250000000);
	ck_assert_ptr_null(second->results[0]->reason);
	ck_assert_int_eq(second->results[3]->verdict, VERDICT_BROKEN);
	ck_assert_uint_eq(json_array_size(second->results[0]->samples), 2);
	json_decref(saved);
	json_decref(again);
	record_free(first);
	record_free(second);
}
END_TEST

/* A struct with nothing set must be saved and loaded too: a run may end at any moment. */
START_TEST(an_empty_result_is_saved)
{
	struct result result = {.name = mem_dup("x\xff")}, loaded = {0};
	struct err err = ERR_INIT;
	json_t *json = result_to_json(&result);

	ck_assert_msg(result_from_json(json, &loaded, &err) == 0, "%s", err.text);
	ck_assert_str_eq(loaded.name, "x\\xff");
	ck_assert_uint_eq(json_array_size(loaded.events), 0);
	ck_assert(json_is_object(loaded.params));
	json_decref(json);
	result_clear(&result);
	result_clear(&loaded);
	result_clear(&loaded);
	result_clear(NULL);
}
END_TEST

/* The saved JSON shares the result's lists: freeing either first must leave the other whole. */
START_TEST(references_are_counted)
{
	struct result result = {.name = mem_dup("x"), .log = json_array()};

	json_array_append_new(result.log, json_string("line"));
	json_t *json = result_to_json(&result);
	ck_assert_uint_eq(result.log->refcount, 2);
	result_clear(&result);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(json, "log"), 0)),
			 "line");
	json_decref(json);
}
END_TEST

/* Kernel lines and the output of commands are put in unchecked. */
START_TEST(lists_with_foreign_bytes_are_dumped)
{
	struct record *record = record_new();
	struct result result = {.name = mem_dup("x"), .events = json_array()};
	STR_AUTO text = STR_INIT;
	json_t *event = json_object();

	json_object_set_new(event, "text", json_string_nocheck("a\xff\x1b"));
	json_array_append_new(result.events, event);
	record_add(record, &result);
	record_dump(record, &text);
	ck_assert_msg(strstr(str_text(&text), "\"text\": \"a\\\\xff\\u001B\"") != NULL, "%s",
		      str_text(&text));
	record_free(record);
}
END_TEST

START_TEST(unknown_fields_are_ignored)
{
	static const char text[] =
		"{\"oomlab-record\": 1, \"new\": {}, \"facts\": {\"moon\": 3}, \"results\":"
		" [{\"name\": \"x\", \"verdict\": \"pass\", \"colour\": \"blue\"}]}";
	json_t *json = json_loads(text, 0, NULL);
	struct record *record = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(record_from_json(json, &record, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(record->n, 1);
	json_decref(json);
	record_free(record);
}
END_TEST

#define HEAD "{\"oomlab-record\": 1, "
static const struct {
	const char *text, *message;
} wrong[] = {
	{"[]", "not a record of oomlab: no 'oomlab-record' number"},
	{"{}", "not a record of oomlab: no 'oomlab-record' number"},
	{"{\"oomlab-record\": \"1\"}", "not a record of oomlab: no 'oomlab-record' number"},
	{"{\"oomlab-record\": 2}",
	 "record version 2, this oomlab reads version 1: use the oomlab that wrote it"},
	{HEAD "\"x\": 1}", "'results': expected a list"},
	{HEAD "\"results\": {}}", "'results': expected a list"},
	{HEAD "\"results\": [7]}", "results[0]: expected an object, got a number"},
	{HEAD "\"results\": [{}]}", "results[0]: 'name' is missing"},
	{HEAD "\"results\": [{\"name\": null, \"verdict\": \"pass\"}]}",
	 "results[0]: 'name': expected a text, got null"},
	{HEAD "\"results\": [{\"name\": \"x\"}]}", "results[0]: 'verdict' is missing"},
	{HEAD "\"results\": [{\"name\": \"x\", \"verdict\": \"good\"}]}",
	 "results[0]: 'verdict': expected pass, fail, skip or broken, got 'good'"},
	{HEAD "\"results\": [{\"name\": \"x\", \"verdict\": \"pass\", \"log\": {}}]}",
	 "results[0]: 'log': expected a list, got an object"},
	{HEAD "\"results\": [{\"name\": \"x\", \"verdict\": \"pass\", \"params\": []}]}",
	 "results[0]: 'params': expected an object, got a list"},
	{HEAD "\"planned\": -1, \"results\": []}", "'planned': expected a count, got a number"},
	{HEAD "\"seed\": 1.5, \"results\": []}",
	 "'seed': expected a number from 0 to 2^64-1, got a fraction"},
	{HEAD "\"seed\": \"18446744073709551616\", \"results\": []}",
	 "'seed': expected a number from 0 to 2^64-1, got a text"},
	{HEAD "\"began_unix_ns\": true, \"results\": []}",
	 "'began_unix_ns': expected a whole number, got true"},
	{HEAD "\"interrupted\": 0, \"results\": []}",
	 "'interrupted': expected true or false, got a number"},
	{HEAD "\"facts\": 1, \"results\": []}", "facts: expected an object, got a number"},
	{HEAD "\"facts\": {\"kernel\": 6}, \"results\": []}",
	 "facts: 'kernel': expected a text, got a number"},
};

START_TEST(other_json_is_refused_in_words)
{
	json_t *json = json_loads(wrong[_i].text, 0, NULL);
	struct record *record = NULL;
	struct err err = ERR_INIT;

	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(record_from_json(json, &record, &err), -EINVAL);
	ck_assert_str_eq(err.text, wrong[_i].message);
	ck_assert_ptr_null(record);
	json_decref(json);
}
END_TEST

START_TEST(a_fact_that_is_too_long_is_refused)
{
	char text[FACT_TEXT_MAX + 1];
	struct facts facts = {0};
	struct err err = ERR_INIT;

	memset(text, 'x', sizeof(text) - 1);
	text[FACT_TEXT_MAX] = '\0';
	json_t *json = json_pack("{s:s}", "kernel", text);
	ck_assert_int_eq(facts_from_json(json, &facts, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'kernel': expected at most 159 bytes, got 160");
	json_decref(json);
}
END_TEST

/* Every byte of struct facts but the padding at its end belongs to exactly one row. */
START_TEST(every_fact_has_its_row)
{
	unsigned char seen[sizeof(struct facts)] = {0};
	size_t end = 0;

	for (const struct field *row = facts_rows(); row->name; row++) {
		for (size_t i = row->offset; i < row->offset + row->size; i++)
			ck_assert_msg(seen[i]++ == 0, "'%s' overlaps another row", row->name);
		ck_assert_msg(row->label != NULL, "'%s' has no label", row->name);
		end = row->offset + row->size > end ? row->offset + row->size : end;
	}
	for (size_t i = 0; i < end; i++)
		ck_assert_msg(seen[i] == 1, "the member at byte %zu has no row", i);
	ck_assert_uint_lt(sizeof(struct facts) - end, 8);
}
END_TEST

START_TEST(facts_are_printed_for_people)
{
	static const struct {
		const char *name, *text;
	} prints[] = {
		{"kernel", "6.18.2"},
		{"no_kmsg", "yes"},
		{"no_tracefs", "no: not mounted"},
		{"page_size", "4.00K"},
		{"cap_sys_resource", "no"},
		{"cpus", "2"},
	};
	struct record *record = NULL;
	struct err err = ERR_INIT;
	size_t found = 0;

	ck_assert_msg(record_load(fixture, &record, &err) == 0, "%s", err.text);
	for (const struct field *row = facts_rows(); row->name; row++)
		for (size_t i = 0; i < sizeof(prints) / sizeof(*prints); i++) {
			STR_AUTO text = STR_INIT;
			if (!str_eq(row->name, prints[i].name))
				continue;
			field_print(row, &record->facts, &text);
			ck_assert_str_eq(str_text(&text), prints[i].text);
			found++;
		}
	ck_assert_uint_eq(found, sizeof(prints) / sizeof(*prints));
	record_free(record);
}
END_TEST

static void assert_documented(const struct field *rows, const char *page)
{
	for (; rows->name; rows++) {
		MEM_AUTO char *cell = mem_printf("\n| `%s` | ", rows->name);
		ck_assert_msg(strstr(page, cell) != NULL,
			      "results/README.md has no line '| `%s` | ...'", rows->name);
	}
}

START_TEST(every_field_is_documented)
{
	STR_AUTO page = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_msg(fd_read_all(AT_FDCWD, "results/README.md", &page, &err) == 0, "%s", err.text);
	assert_documented(facts_rows(), str_text(&page));
	assert_documented(result_rows(), str_text(&page));
	assert_documented(record_rows(), str_text(&page));
}
END_TEST

Suite *record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");

	tcase_add_test(tcase, verdicts_have_names);
	tcase_add_loop_test(tcase, exit_status_follows_the_results, 0,
			    sizeof(runs) / sizeof(*runs));
	tcase_add_test(tcase, all_fields_survive_a_round_trip);
	tcase_add_test(tcase, an_empty_result_is_saved);
	tcase_add_test(tcase, references_are_counted);
	tcase_add_test(tcase, lists_with_foreign_bytes_are_dumped);
	tcase_add_test(tcase, unknown_fields_are_ignored);
	tcase_add_loop_test(tcase, other_json_is_refused_in_words, 0,
			    sizeof(wrong) / sizeof(*wrong));
	tcase_add_test(tcase, a_fact_that_is_too_long_is_refused);
	tcase_add_test(tcase, every_fact_has_its_row);
	tcase_add_test(tcase, facts_are_printed_for_people);
	tcase_add_test(tcase, every_field_is_documented);
	suite_add_tcase(suite, tcase);
	return suite;
}
