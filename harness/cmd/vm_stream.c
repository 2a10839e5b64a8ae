/*
 * See vm_stream.h.
 */
#include "harness/cmd/vm_stream.h"

#include "harness/cmd/vm_verdict.h"

static void take_record(struct vm_stream *stream, const json_t *json)
{
	struct record *record;
	struct err err;

	if (stream->head) {
		stream->head(stream->data, json);
		return;
	}
	if (stream->record || record_from_json(json, &record, &err) < 0)
		return;
	stream->record = record;
	if (stream->on_record)
		stream->on_record(stream->data, record);
}

static void forget_began(struct vm_stream *stream)
{
	json_decref(stream->began);
	stream->began = NULL;
	json_decref(stream->events);
	stream->events = NULL;
}

static void keep_result(struct vm_stream *stream, struct result *result)
{
	if (stream->take) {
		stream->take(stream->data, result);
	} else {
		struct result *kept = record_add(stream->record, result);
		if (stream->on_came)
			stream->on_came(stream->data, kept);
		if (stream->on_result)
			stream->on_result(stream->data, stream->record, kept);
	}
	forget_began(stream);
}

static void take_result(struct vm_stream *stream, const json_t *json)
{
	struct result result;
	struct err err;

	if ((stream->record || stream->take) && result_from_json(json, &result, &err) >= 0)
		keep_result(stream, &result);
}

void vm_stream_line(struct vm_stream *stream, json_t *line)
{
	json_t *event = json_object_get(line, "event");

	if (json_object_get(line, "record")) {
		take_record(stream, json_object_get(line, "record"));
	} else if (json_object_get(line, "end") && stream->record) {
		stream->record->ended_unix_ns = json_integer_value(
			json_object_get(json_object_get(line, "end"), "ended_unix_ns"));
	} else if (json_object_get(line, "result")) {
		take_result(stream, json_object_get(line, "result"));
	} else if (json_object_get(line, "began")) {
		forget_began(stream);
		stream->began = json_incref(line);
		stream->events = json_array();
	} else if (event && stream->events) {
		json_array_append(stream->events, event);
	}
}

void vm_stream_end_of_machine(struct vm_stream *stream, const struct machine *machine)
{
	struct result result;

	if ((!stream->record && !stream->take) || !stream->began)
		return;
	vm_verdict(stream->began, stream->events, machine_ended(machine), machine_panic(machine),
		   machine_console(machine), &result);
	keep_result(stream, &result);
}

const char *vm_stream_under_way(const struct vm_stream *stream)
{
	return json_string_value(json_object_get(stream->began, "began"));
}

void vm_stream_clear(struct vm_stream *stream)
{
	record_free(stream->record);
	stream->record = NULL;
	forget_began(stream);
}
