/*
 * One scenario's result: the table of its fields. A new field is a member in record.h, a row
 * here, and its line in results/README.md (a test compares).
 */
#include <errno.h>

#include "harness/record/record.h"
#include "harness/record/record_fields.h"

#define ROW(kind, member, required)                                               \
	{                                                                         \
#member, kind, offsetof(struct result, member), 0, required, NULL \
	}

static const struct field rows[] = {
	ROW(FIELD_TEXT, name, true),
	ROW(FIELD_VERDICT, verdict, true),
	ROW(FIELD_TEXT, reason, false),
	ROW(FIELD_TEXT, suite, false),
	ROW(FIELD_TEXT, file, false),
	ROW(FIELD_TEXT, title, false),
	ROW(FIELD_LIST, tags, false),
	ROW(FIELD_MAP, params, false),
	ROW(FIELD_MAP, claim, false), /* {}: none */
	ROW(FIELD_U64, began_ns, false),
	ROW(FIELD_U64, ended_ns, false),
	ROW(FIELD_LIST, findings, false),
	ROW(FIELD_LIST, kills, false),
	ROW(FIELD_LIST, warnings, false),
	ROW(FIELD_LIST, events, false),
	ROW(FIELD_LIST, samples, false),
	ROW(FIELD_LIST, log, false),
	{0},
};

const struct field *result_rows(void)
{
	return rows;
}

void result_clear(struct result *result)
{
	if (!result)
		return;
	fields_clear(rows, result);
	*result = (struct result){0};
}

json_t *result_to_json(const struct result *result)
{
	json_t *json = json_object();

	fields_to_json(rows, result, json);
	return json;
}

int result_from_json(const json_t *json, struct result *ret, struct err *err)
{
	struct result result = {0};
	int r = fields_from_json(rows, json, &result, err);

	if (r >= 0 && !result.name)
		r = err_set(err, EINVAL, "'name': expected a text, got null");
	if (r < 0) {
		result_clear(&result);
		return r;
	}
	*ret = result;
	return 0;
}
