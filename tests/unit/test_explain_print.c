/*
 * report/explain_*: layout and JSON: widths, foreign bytes, the keys against their document.
 */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "harness/record/text.h"
#include "tests/lib/explain_rig.h"
#include "tests/lib/report_rig.h"

Suite *explain_print_suite(void);

static struct explain_rig *hostile_rig(void)
{
	struct explain_rig *rig = explain_rig_group();

	strcpy(rig->report.comm, "\033[31m\n\xff日本語");
	strcpy(rig->tasks[0].name, "a\xf0\x9f\x92\xa3\tb\x7f");
	strcpy(rig->kills[0].comm, "\xe2\x80\xae(evil)\r");
	strcpy(rig->report.oom_memcg, "/a\nb\033]0;x\007");
	strcpy(rig->report.kernel, "6.1\033c");
	strcpy(rig->report.panic, "\x9b\x32J");
	for (size_t i = 0; i < rig->report.n_figures; i++)
		if (*rig->figures[i].where)
			strcpy(rig->figures[i].where, rig->report.oom_memcg);
	rig->unknown[0] = (struct oom_line){12, mem_dup("\x1b\x01 \xc3( unknown")};
	rig->report.n_unknown = 1;
	return rig;
}

static char *text_of(const struct explain_rig *rig, const struct explain_view *view)
{
	struct str out = STR_INIT;

	explain_text(&out, &rig->item, view);
	explain_list_head(&out, view);
	explain_list(&out, &rig->item, view);
	return str_take(&out);
}

/* Longest line in columns, escape sequences of colours left out. */
static size_t widest(const char *text)
{
	size_t most = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, text);
		size_t columns = text_columns(line);
		most = columns > most ? columns : most;
		text += len + (text[len] == '\n');
	}
	return most;
}

START_TEST(text_fits_the_width)
{
	struct explain_rig *rig = explain_rig_group();
	struct explain_view view = {.unicode = _i % 2, .width = _i, .top = 10};
	char *text = text_of(rig, &view);

	ck_assert_msg(widest(text) <= (size_t)_i, "%zu columns, %d allowed:\n%s", widest(text), _i,
		      text);
	free(text);
	free(rig);
}
END_TEST

START_TEST(foreign_bytes_steer_no_terminal)
{
	struct explain_rig *rig = hostile_rig();
	struct explain_view view = {.unicode = true, .width = _i, .several = true};
	char *text = text_of(rig, &view);

	report_rig_no_controls(text);
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
	free(text);
	free(rig->unknown[0].text);
	free(rig);
}
END_TEST

START_TEST(colour_ends_on_its_line)
{
	struct explain_rig *rig = explain_rig_group();
	struct explain_view view = {.colour = true, .width = 80};
	char *text = text_of(rig, &view);
	bool on = false;

	ck_assert_ptr_nonnull(strstr(text, "\033[1;31m>      42 mysqld"));
	for (const char *at = text; *at; at++) {
		if (*at == '\033')
			on = strncmp(at, "\033[0m", 4) != 0;
		ck_assert_msg(!(*at == '\n' && on), "colour goes on behind: %.40s", at + 1);
	}
	free(text);
	free(rig);
}
END_TEST

START_TEST(the_top_has_the_victim)
{
	struct explain_rig *rig = explain_rig_group();
	struct explain_view view = {.top = 1};

	rig->kills[0].pid = 77;
	char *text = text_of(rig, &view);
	ck_assert_ptr_nonnull(strstr(text, "\n       42 mysqld"));
	ck_assert_ptr_nonnull(strstr(text, "\n>      77 php-fpm"));
	ck_assert_ptr_nonnull(strstr(text, "and 1 more (--top 0 shows all)"));
	ck_assert_ptr_null(strstr(text, "99 sshd  "));
	free(text);
	view.top = 0;
	text = text_of(rig, &view);
	ck_assert_ptr_nonnull(strstr(text, "99 sshd  "));
	ck_assert_ptr_nonnull(strstr(text, "never"));
	free(text);
	free(rig);
}
END_TEST

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *json_of(const struct explain_rig *rig)
{
	STR_AUTO out = STR_INIT;
	json_error_t error;

	explain_json(&out, &rig->item);
	ck_assert_uint_gt(out.len, 0);
	ck_assert_ptr_eq(strchr(out.s, '\n'), out.s + out.len - 1);
	json_t *json = json_loads(out.s, 0, &error);
	ck_assert_msg(json, "%s at %d", error.text, error.column);
	return json;
}

static const json_t *at(const json_t *json, const char *path)
{
	MEM_AUTO char *copy = mem_dup(path);
	char *rest = copy;

	for (char *part; (part = strsep(&rest, "."));)
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(part))
					   : json_object_get(json, part);
	ck_assert_msg(json, "no '%s'", path);
	return json;
}

static const struct {
	const char *path, *value;
} values[] = {
	{"schema", "1"},
	{"number", "3"},
	{"file", "\"kern.log\""},
	{"scope", "\"memcg\""},
	{"lines", "[10,41]"},
	{"time.first.monotonic_s", "12.5"},
	{"time.first.unix_s", "1795168800.25"},
	{"time.first.text", "null"},
	{"invoked_by.comm", "\"php-fpm\""},
	{"invoked_by.uid", "null"},
	{"invoked_by.oom_adj", "null"},
	{"constraint.oom_memcg", "\"/shop/db\""},
	{"chosen.pid", "42"},
	{"victim", "{\"pid\":42,\"comm\":\"mysqld\"}"},
	{"kills.0.anon_rss_bytes", "80896000"},
	{"kills.0.other_pid", "null"},
	{"panic", "null"},
	{"page_size.bytes", "4096"},
	{"memory.0.where", "\"/shop/db\""},
	{"memory.0.bytes", "104857600"},
	{"memory.2.bytes", "null"},
	{"memory.2.value", "5"},
	{"tasks.complete", "true"},
	{"tasks.columns", "[\"pid\",\"rss\",\"name\"]"},
	{"tasks.rows.0.rss_bytes", "81920000"},
	{"tasks.rows.0.points", "20002"},
	{"tasks.rows.2.points", "null"},
	{"tasks.rows.0.rss_anon_bytes", "null"},
	{"tasks.rows.0.pgtables_bytes", "8192"},
	{"audit.verdict", "\"highest\""},
	{"audit.margin", "17000"},
	{"audit.printed_score", "null"},
	{"unknown", "[]"},
};

START_TEST(json_has_the_values)
{
	struct explain_rig *rig = explain_rig_group();
	json_t *json = json_of(rig);
	char *got = json_dumps(at(json, values[_i].path), JSON_COMPACT | JSON_ENCODE_ANY);

	ck_assert_msg(str_eq(got, values[_i].value), "%s: expected %s, got %s", values[_i].path,
		      values[_i].value, got);
	free(got);
	json_decref(json);
	free(rig);
}
END_TEST

START_TEST(json_of_foreign_bytes_is_json)
{
	struct explain_rig *rig = hostile_rig();
	json_t *json = json_of(rig);

	ck_assert_str_eq(json_string_value(at(json, "unknown.0.text")), "\x1b\x01 \\xc3( unknown");
	json_decref(json);
	free(rig->unknown[0].text);
	free(rig);
}
END_TEST

/* Keys in backquotes of a row of the document, `"key"` of its object included, must be those that
 * are printed, and no others. */
static void collect(json_t *keys, const char *text, const char *open, const char *close)
{
	while ((text = strstr(text, open))) {
		text += strlen(open);
		const char *end = strstr(text, close);
		ck_assert_ptr_nonnull(end);
		MEM_AUTO char *key = mem_printf("%.*s", (int)(end - text), text);
		if (*key)
			json_object_set_new(keys, key, json_true());
		text = end + strlen(close);
	}
}

static void assert_same(json_t *documented, json_t *printed, const char *where)
{
	const char *key;
	json_t *value;

	json_object_foreach (documented, key, value) {
		ck_assert_msg(json_object_get(printed, key), "%s: '%s' is documented, not printed",
			      where, key);
	}
	json_object_foreach (printed, key, value) {
		ck_assert_msg(json_object_get(documented, key),
			      "%s: '%s' is printed, not documented", where, key);
	}
}

static void all_keys(json_t *json, json_t *keys)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach (json, key, value) {
		json_object_set_new(keys, key, json_true());
		all_keys(value, keys);
	}
	json_array_foreach (json, i, value) {
		all_keys(value, keys);
	}
}

START_TEST(json_has_the_documented_keys)
{
	struct explain_rig *rig = hostile_rig();
	json_t *json = json_of(rig), *top = json_object(), *inner = json_object();
	json_t *printed = json_object();
	STR_AUTO text = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(fd_read_all(AT_FDCWD, "docs/explain-json.md", &text, &err), 0);
	const char *table = strstr(str_text(&text), "| `schema`");
	ck_assert_ptr_nonnull(table);
	for (const char *row = table; row; row = (row = strchr(row, '\n')) ? row + 1 : NULL) {
		if (!str_starts(row, "| "))
			break;
		MEM_AUTO char *line = mem_printf("%.*s", (int)strcspn(row, "\n"), row);
		MEM_AUTO char *first = mem_printf("%.*s", (int)strcspn(line + 2, "|"), line + 2);
		collect(top, first, "`", "`");
		collect(inner, line, "\"", "\"");
	}
	assert_same(top, json, "the object");
	json_t *rest = json_object();
	all_keys(json, printed);
	const char *key;
	json_t *value;
	json_object_foreach (printed, key, value) {
		if (!json_object_get(top, key))
			json_object_set(rest, key, value);
	}
	json_object_foreach (inner, key, value) {
		ck_assert_msg(json_object_get(printed, key), "'%s' is documented, not printed",
			      key);
	}
	json_object_foreach (rest, key, value) {
		ck_assert_msg(json_object_get(inner, key), "'%s' is printed, not documented", key);
	}
	json_decref(rest);
	json_decref(printed);
	json_decref(inner);
	json_decref(top);
	json_decref(json);
	free(rig->unknown[0].text);
	free(rig);
}
END_TEST

/* The part of JSON Schema that docs/explain.schema.json uses. */
static bool has_type(const json_t *json, const char *type)
{
	static const struct {
		const char *name;
		json_type types[2];
	} names[] = {
		{"object", {JSON_OBJECT, JSON_OBJECT}}, {"array", {JSON_ARRAY, JSON_ARRAY}},
		{"string", {JSON_STRING, JSON_STRING}}, {"integer", {JSON_INTEGER, JSON_INTEGER}},
		{"number", {JSON_REAL, JSON_INTEGER}},	{"boolean", {JSON_TRUE, JSON_FALSE}},
		{"null", {JSON_NULL, JSON_NULL}},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(names[i].name, type))
			return json_typeof(json) == names[i].types[0] ||
			       json_typeof(json) == names[i].types[1];
	ck_abort_msg("the schema has a type '%s'", type);
}

static bool one_of(const json_t *json, const json_t *allowed, bool types)
{
	bool found = false;
	const json_t *value;
	size_t i;

	if (!json_is_array(allowed))
		return types ? has_type(json, json_string_value(allowed))
			     : json_equal(json, allowed);
	json_array_foreach (allowed, i, value) {
		found = found || (types ? has_type(json, json_string_value(value))
					: json_equal(json, value));
	}
	return found;
}

static void assert_valid(json_t *json, json_t *schema, const char *where)
{
	static const char *const rules[] = {"type", "enum", "const"};
	const char *key;
	json_t *value;
	size_t i;

	for (i = 0; i < 3; i++)
		if (json_object_get(schema, rules[i]))
			ck_assert_msg(one_of(json, json_object_get(schema, rules[i]), i == 0),
				      "%s: wrong %s", where, rules[i]);
	if (json_object_get(schema, "minimum") && json_is_integer(json))
		ck_assert_int_ge(json_integer_value(json),
				 json_integer_value(json_object_get(schema, "minimum")));
	if (json_is_object(json)) {
		json_array_foreach (json_object_get(schema, "required"), i, value) {
			ck_assert_msg(json_object_get(json, json_string_value(value)),
				      "%s: no '%s'", where, json_string_value(value));
		}
		json_object_foreach (json, key, value) {
			json_t *inner = json_object_get(json_object_get(schema, "properties"), key);
			ck_assert_msg(inner, "%s: '%s' is not in the schema", where, key);
			assert_valid(value, inner, key);
		}
	}
	json_array_foreach (json, i, value) {
		assert_valid(value, json_object_get(schema, "items"), where);
	}
}

START_TEST(json_is_as_the_schema_says)
{
	struct explain_rig *rigs[] = {explain_rig_group(), explain_rig_machine(), hostile_rig()};
	json_error_t error;
	json_t *schema = json_load_file("docs/explain.schema.json", 0, &error);

	ck_assert_msg(schema, "%s, line %d", error.text, error.line);
	rigs[1]->item.file = NULL;
	rigs[1]->report.header_line = 0;
	rigs[1]->report.n_tasks = 0;
	rigs[1]->report.table_line = 0;
	rigs[1]->report.n_kills = 0;
	for (size_t i = 0; i < 3; i++) {
		json_t *json = json_of(rigs[i]);
		assert_valid(json, schema, "the object");
		json_decref(json);
	}
	json_decref(schema);
	free(rigs[2]->unknown[0].text);
	for (size_t i = 0; i < 3; i++)
		free(rigs[i]);
}
END_TEST

/* ---- one line ------------------------------------------------------------------------------- */

START_TEST(one_line_has_it_all)
{
	struct explain_rig *rig = explain_rig_group();
	struct explain_view view = {.several = true};
	STR_AUTO out = STR_INIT;

	setenv("TZ", "UTC", 1);
	tzset();
	explain_list(&out, &rig->item, &view);
	ck_assert_str_eq(out.s,
			 "   3 2026-11-20 10:00:00  78.1M     0 highest      42 mysqld          "
			 "/shop/db (by php-fpm)  kern.log:10\n");
	free(rig);
}
END_TEST

Suite *explain_print_suite(void)
{
	Suite *suite = suite_create("explain_print");
	TCase *tcase = tcase_create("print");

	tcase_add_loop_test(tcase, text_fits_the_width, 70, 200);
	tcase_add_loop_test(tcase, foreign_bytes_steer_no_terminal, 0, 90);
	tcase_add_test(tcase, colour_ends_on_its_line);
	tcase_add_test(tcase, the_top_has_the_victim);
	tcase_add_loop_test(tcase, json_has_the_values, 0, sizeof(values) / sizeof(*values));
	tcase_add_test(tcase, json_of_foreign_bytes_is_json);
	tcase_add_test(tcase, json_has_the_documented_keys);
	tcase_add_test(tcase, json_is_as_the_schema_says);
	tcase_add_test(tcase, one_line_has_it_all);
	suite_add_tcase(suite, tcase);
	return suite;
}
