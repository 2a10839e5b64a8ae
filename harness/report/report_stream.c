/*
 * One JSON object a line, as things happen, for another program that follows a run (the host of a
 * virtual machine does): {"record": ...} first, {"began": NAME, "blank": {...}}, {"event":
 * {...}, "of": NAME}, {"result": {...}}, and {"end": {...}} last. What is in them is described in
 * results/README.md; a blank result is what a scenario has whose machine ends before its verdict,
 * and beside it stands the panic that the scenario expects, "panic" and "at".
 */
#include <stdlib.h>

#include "base/str.h"
#include "harness/record/field.h"
#include "harness/report/reporters.h"

static void put(FILE *out, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	fprintf(out, "%s\n", text);
	free(text);
	json_decref(line);
	(void)fflush(out);
}

/* All of a record but its results, which come line by line. */
static json_t *head(const struct record *record)
{
	json_t *json = record_to_json(record);

	json_object_set_new(json, "results", json_array());
	return json;
}

static void stream_begin(FILE *out, const struct record *record,
			 const struct report_options *options)
{
	(void)options;
	put(out, json_pack("{s:o}", "record", head(record)));
}

static void stream_began(FILE *out, const struct result *blank, const char *panic, const char *at)
{
	json_t *line = json_pack("{s:o, s:o}", "began", field_text_new(blank->name), "blank",
				 result_to_json(blank));

	if (panic) {
		json_object_set_new(line, "panic", field_text_new(panic));
		json_object_set_new(line, "at", field_text_new(at));
	}
	put(out, line);
}

static void stream_event(FILE *out, const char *name, const json_t *event)
{
	put(out, json_pack("{s:O, s:o}", "event", event, "of", field_text_new(name)));
}

static void stream_result(FILE *out, const struct record *record, const struct result *result,
			  const struct report_options *options)
{
	(void)record;
	(void)options;
	put(out, json_pack("{s:o}", "result", result_to_json(result)));
}

static void stream_end(FILE *out, const struct record *record, const struct report_options *options)
{
	(void)options;
	put(out, json_pack("{s:o}", "end", head(record)));
}

const struct reporter reporter_stream = {
	.name = "stream",
	.summary = "a JSON object a line, as things happen",
	.begin = stream_begin,
	.began = stream_began,
	.event = stream_event,
	.result = stream_result,
	.end = stream_end,
};
