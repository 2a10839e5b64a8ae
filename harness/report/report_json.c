/*
 * The record itself, as in record.json, once the run has ended.
 */
#include "base/str.h"
#include "harness/report/reporters.h"

static void json_begin(FILE *out, const struct record *record, const struct report_options *options)
{
	(void)out;
	(void)record;
	(void)options;
}

static void json_result(FILE *out, const struct record *record, const struct result *result,
			const struct report_options *options)
{
	(void)out;
	(void)record;
	(void)result;
	(void)options;
}

static void json_end(FILE *out, const struct record *record, const struct report_options *options)
{
	STR_AUTO text = STR_INIT;

	(void)options;
	record_dump(record, &text);
	fwrite(str_text(&text), 1, text.len, out);
	fflush(out);
}

const struct reporter reporter_json = {
	.name = "json",
	.summary = "the whole record, at the end",
	.begin = json_begin,
	.result = json_result,
	.end = json_end,
};
