/*
 * The record itself, as in record.json, once the run has ended; a series is an array of them.
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

	if (options->series && options->series->records++)
		str_add(&text, ",\n");
	record_dump(record, &text);
	fwrite(str_text(&text), 1, text.len, out);
	fflush(out);
}

static void json_open(FILE *out)
{
	fputs("[\n", out);
}

static void json_close(FILE *out, const struct report_series *series)
{
	(void)series;
	fputs("]\n", out);
}

const struct reporter reporter_json = {
	.name = "json",
	.summary = "the whole record, at the end",
	.open = json_open,
	.close = json_close,
	.begin = json_begin,
	.result = json_result,
	.end = json_end,
};
