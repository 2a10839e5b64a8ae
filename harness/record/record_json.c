/*
 * A whole record as JSON and back. The first field says what it is and which version: a reader
 * refuses a version it does not know and ignores fields it does not know.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/record/record.h"
#include "harness/record/record_fields.h"
#include "harness/record/text.h"

#define ROW(kind, member)                                                      \
	{                                                                      \
#member, kind, offsetof(struct record, member), 0, false, NULL \
	}

static const struct field rows[] = {
	ROW(FIELD_TEXT, id),
	ROW(FIELD_TEXT, command),
	ROW(FIELD_U64, seed),
	ROW(FIELD_I64, began_unix_ns),
	ROW(FIELD_I64, ended_unix_ns),
	ROW(FIELD_U64, began_ns),
	ROW(FIELD_BOOL, interrupted),
	ROW(FIELD_SIZE, planned),
	ROW(FIELD_MAP, vm),
	ROW(FIELD_LIST, machines),
	{0},
};

const struct field *record_rows(void)
{
	return rows;
}

/* For readers with jq; not loaded, because the results say it. */
static json_t *counts(const struct record *record)
{
	json_t *json = json_object();

	for (int i = 0; i < VERDICTS; i++) {
		enum verdict verdict = (enum verdict)i;
		json_object_set_new(json, verdict_name(verdict),
				    field_u64_new(record_count(record, verdict)));
	}
	return json;
}

json_t *record_to_json(const struct record *record)
{
	json_t *json = json_object(), *results = json_array();

	json_object_set_new(json, "oomlab-record", json_integer(RECORD_VERSION));
	fields_to_json(rows, record, json);
	json_object_set_new(json, "counts", counts(record));
	json_object_set_new(json, "facts", facts_to_json(&record->facts));
	for (size_t i = 0; i < record->n; i++)
		json_array_append_new(results, result_to_json(record->results[i]));
	json_object_set_new(json, "results", results);
	return json;
}

static int check_version(const json_t *json, struct err *err)
{
	const json_t *version = json_object_get(json, "oomlab-record");

	if (!json_is_integer(version))
		return err_set(err, EINVAL, "not a record of oomlab: no 'oomlab-record' number");
	if (json_integer_value(version) != RECORD_VERSION)
		return err_set(err, EINVAL,
			       "record version %lld, this oomlab reads version %d: "
			       "use the oomlab that wrote it",
			       (long long)json_integer_value(version), RECORD_VERSION);
	return 0;
}

static int load_results(const json_t *list, struct record *record, struct err *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, EINVAL, "'results': expected a list");
	json_array_foreach (list, i, item) {
		struct result result;
		int r = result_from_json(item, &result, err);
		if (r < 0)
			return err_wrap(err, "results[%zu]", i);
		record_add(record, &result);
	}
	return 0;
}

int record_from_json(const json_t *json, struct record **ret, struct err *err)
{
	struct record *record = record_new();
	const json_t *facts = json_object_get(json, "facts");
	int r = check_version(json, err);

	if (r >= 0)
		r = fields_from_json(rows, json, record, err);
	if (r >= 0 && facts && facts_from_json(facts, &record->facts, err) < 0)
		r = err_wrap(err, "facts");
	if (r >= 0)
		r = load_results(json_object_get(json, "results"), record, err);
	if (r < 0) {
		record_free(record);
		return r;
	}
	*ret = record;
	return 0;
}

/* Texts that came in by json_string_nocheck() may hold any bytes; jansson then writes nothing. */
static void make_utf8(json_t *json)
{
	json_t *item;
	const char *key;
	size_t i;

	json_array_foreach (json, i, item) {
		make_utf8(item);
	}
	json_object_foreach (json, key, item) {
		make_utf8(item);
	}
	if (json_is_string(json)) {
		STR_AUTO text = STR_INIT;
		text_utf8(&text, json_string_value(json));
		json_string_set(json, str_text(&text));
	}
}

void record_dump_json(json_t *json, size_t flags, struct str *out)
{
	/* ASCII alone, so that a record can be shown on any terminal. */
	char *text = json_dumps(json, flags | JSON_ENSURE_ASCII);

	if (!text) {
		make_utf8(json);
		text = json_dumps(json, flags | JSON_ENSURE_ASCII);
	}
	str_add(out, text ? text : "null");
	free(text);
}

void record_dump(const struct record *record, struct str *out)
{
	json_t *json = record_to_json(record);

	record_dump_json(json, JSON_INDENT(1), out);
	str_add(out, "\n");
	json_decref(json);
}
