/*
 * See field.h. Each kind is one row of operations; nothing else in record/ knows how a C type
 * looks in JSON.
 */
#include "harness/record/field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "harness/record/record.h"
#include "harness/record/text.h"

json_t *field_text_new(const char *bytes)
{
	if (!bytes)
		return json_null();

	STR_AUTO text = STR_INIT;
	text_utf8(&text, bytes);
	return json_stringn(str_text(&text), text.len);
}

json_t *field_u64_new(uint64_t value)
{
	char text[PARSE_TEXT_MAX];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return json_string(text);
}

json_t *field_seconds_new(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

bool field_u64_get(const json_t *json, uint64_t *ret)
{
	struct err ignored = ERR_INIT;

	if (json_is_string(json))
		return parse_u64(json_string_value(json), UINT64_MAX, ret, &ignored) >= 0;
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(json);
	return true;
}

/* What a value should have been; the caller says where. */
static int wrong(const json_t *got, const char *expected, struct err *err)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",	 [JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return err_set(err, EINVAL, "expected %s, got %s", expected, types[json_typeof(got)]);
}

/* ---- char * and char[] --------------------------------------------------------------------- */

static json_t *text_to(const struct field *row, const void *at)
{
	const char *const *text = at;

	(void)row;
	return field_text_new(*text);
}

static int text_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	char **text = at;

	(void)row;
	if (json_is_null(json))
		return 0;
	if (!json_is_string(json))
		return wrong(json, "a text", err);
	*text = mem_dup(json_string_value(json));
	return 0;
}

static void text_free(void *at)
{
	mem_free_var(at);
}

static void text_print(const void *at, struct str *out)
{
	const char *const *text = at;

	text_clean(out, *text ? *text : "");
}

static json_t *chars_to(const struct field *row, const void *at)
{
	(void)row;
	return field_text_new(at);
}

static int chars_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	if (!json_is_string(json))
		return wrong(json, "a text", err);
	if (json_string_length(json) >= row->size)
		return err_set(err, EINVAL, "expected at most %zu bytes, got %zu", row->size - 1,
			       json_string_length(json));
	memcpy(at, json_string_value(json), json_string_length(json) + 1);
	return 0;
}

static void chars_print(const void *at, struct str *out)
{
	text_clean(out, at);
}

static void why_not_print(const void *at, struct str *out)
{
	const char *why = at;

	str_add(out, *why ? "no: " : "yes");
	text_clean(out, why);
}

/* ---- numbers ------------------------------------------------------------------------------- */

static json_t *u64_to(const struct field *row, const void *at)
{
	const uint64_t *value = at;

	(void)row;
	return field_u64_new(*value);
}

static int u64_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	(void)row;
	if (!field_u64_get(json, at))
		return wrong(json, "a number from 0 to 2^64-1", err);
	return 0;
}

static void u64_print(const void *at, struct str *out)
{
	const uint64_t *value = at;

	str_addf(out, "%" PRIu64, *value);
}

static void bytes_print(const void *at, struct str *out)
{
	const uint64_t *value = at;
	char buf[PARSE_TEXT_MAX];

	str_add(out, format_size_short(*value, buf));
}

static json_t *i64_to(const struct field *row, const void *at)
{
	const int64_t *value = at;

	(void)row;
	return json_integer(*value);
}

static int i64_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	int64_t *value = at;

	(void)row;
	if (!json_is_integer(json))
		return wrong(json, "a whole number", err);
	*value = json_integer_value(json);
	return 0;
}

static void i64_print(const void *at, struct str *out)
{
	const int64_t *value = at;

	str_addf(out, "%" PRId64, *value);
}

static json_t *size_to(const struct field *row, const void *at)
{
	const size_t *value = at;

	(void)row;
	return field_u64_new(*value);
}

static int size_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	size_t *value = at;
	uint64_t wide;

	(void)row;
	if (!field_u64_get(json, &wide) || wide > SIZE_MAX)
		return wrong(json, "a count", err);
	*value = (size_t)wide;
	return 0;
}

static void size_print(const void *at, struct str *out)
{
	const size_t *value = at;

	str_addf(out, "%zu", *value);
}

/* ---- bool, verdict ------------------------------------------------------------------------- */

static json_t *bool_to(const struct field *row, const void *at)
{
	const bool *value = at;

	(void)row;
	return json_boolean(*value);
}

static int bool_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	bool *value = at;

	(void)row;
	if (!json_is_boolean(json))
		return wrong(json, "true or false", err);
	*value = json_is_true(json);
	return 0;
}

static void bool_print(const void *at, struct str *out)
{
	const bool *value = at;

	str_add(out, *value ? "yes" : "no");
}

static json_t *verdict_to(const struct field *row, const void *at)
{
	const enum verdict *value = at;

	(void)row;
	return json_string(verdict_name(*value));
}

static int verdict_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	(void)row;
	if (!json_is_string(json))
		return wrong(json, "a verdict's name", err);
	return verdict_parse(json_string_value(json), at, err);
}

static void verdict_print(const void *at, struct str *out)
{
	const enum verdict *value = at;

	str_add(out, verdict_name(*value));
}

/* ---- lists and maps: the struct shares the JSON value --------------------------------------- */

static json_t *list_to(const struct field *row, const void *at)
{
	json_t *const *value = at;

	(void)row;
	return *value ? json_incref(*value) : json_array();
}

static json_t *map_to(const struct field *row, const void *at)
{
	json_t *const *value = at;

	(void)row;
	return *value ? json_incref(*value) : json_object();
}

static int shared_from(const struct field *row, const json_t *json, void *at, struct err *err)
{
	json_t **value = at;

	if (row->kind == FIELD_LIST && !json_is_array(json))
		return wrong(json, "a list", err);
	if (row->kind == FIELD_MAP && !json_is_object(json))
		return wrong(json, "an object", err);
	/* A copy, because 'json' is borrowed and const: a shared value could change under us. */
	*value = json_deep_copy(json);
	return 0;
}

static void shared_free(void *at)
{
	json_t **value = at;

	json_decref(*value);
	*value = NULL;
}

static void shared_print(const void *at, struct str *out)
{
	json_t *const *value = at;

	str_addf(out, "%zu",
		 json_is_array(*value) ? json_array_size(*value) : json_object_size(*value));
}

static const struct {
	json_t *(*to)(const struct field *row, const void *at);
	int (*from)(const struct field *row, const json_t *json, void *at, struct err *err);
	void (*clear)(void *at); /* NULL: owns nothing */
	void (*print)(const void *at, struct str *out);
} kinds[] = {
	[FIELD_TEXT] = {text_to, text_from, text_free, text_print},
	[FIELD_CHARS] = {chars_to, chars_from, NULL, chars_print},
	[FIELD_WHY_NOT] = {chars_to, chars_from, NULL, why_not_print},
	[FIELD_U64] = {u64_to, u64_from, NULL, u64_print},
	[FIELD_BYTES] = {u64_to, u64_from, NULL, bytes_print},
	[FIELD_I64] = {i64_to, i64_from, NULL, i64_print},
	[FIELD_SIZE] = {size_to, size_from, NULL, size_print},
	[FIELD_BOOL] = {bool_to, bool_from, NULL, bool_print},
	[FIELD_VERDICT] = {verdict_to, verdict_from, NULL, verdict_print},
	[FIELD_LIST] = {list_to, shared_from, shared_free, shared_print},
	[FIELD_MAP] = {map_to, shared_from, shared_free, shared_print},
};

void fields_to_json(const struct field *rows, const void *base, json_t *object)
{
	for (; rows->name; rows++) {
		const void *at = (const char *)base + rows->offset;
		json_object_set_new(object, rows->name, kinds[rows->kind].to(rows, at));
	}
}

int fields_from_json(const struct field *rows, const json_t *object, void *base, struct err *err)
{
	if (!json_is_object(object))
		return wrong(object, "an object", err);
	for (; rows->name; rows++) {
		const json_t *value = json_object_get(object, rows->name);
		if (!value && !rows->required)
			continue;
		if (!value)
			return err_set(err, EINVAL, "'%s' is missing", rows->name);
		if (kinds[rows->kind].from(rows, value, (char *)base + rows->offset, err) < 0)
			return err_wrap(err, "'%s'", rows->name);
	}
	return 0;
}

void fields_clear(const struct field *rows, void *base)
{
	for (; rows->name; rows++)
		if (kinds[rows->kind].clear)
			kinds[rows->kind].clear((char *)base + rows->offset);
}

void field_print(const struct field *row, const void *base, struct str *out)
{
	kinds[row->kind].print((const char *)base + row->offset, out);
}
