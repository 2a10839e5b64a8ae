/*
 * One JSON object a line, as things happen, for another program that follows a run (the host of a
 * virtual machine does): {"record": ...} first, {"began": NAME}, {"event": {...}, "of": NAME},
 * {"result": {...}}, and {"end": {...}} last. What is in them is described in results/README.md.
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

static void stream_began(FILE *out, const char *name)
{
	put(out, json_pack("{s:o}", "began", field_text_new(name)));
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
