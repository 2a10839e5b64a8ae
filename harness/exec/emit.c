/*
 * Event lines: one JSON object a line to the supervisor as it happens, so that a worker that dies
 * leaves behind what it saw. The supervisor keeps them in order; this process does not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"

static void send_line(struct runner *run, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(object);
	if (!text)
		return;
	size_t len = strlen(text);
	text[len] = '\n';
	/* A broken pipe means that the supervisor is gone; PDEATHSIG ends us in a moment. */
	(void)fd_write_full(run->options->out_fd, text, len + 1);
	free(text);
}

void emit(struct runner *run, const char *event, json_t *fields)
{
	json_t *line = json_object();

	json_object_set_new(line, "t", json_integer((json_int_t)clock_ns()));
	json_object_set_new(line, "event", json_string(event));
	if (fields)
		json_object_update_missing(line, fields);
	json_decref(fields);
	send_line(run, line);
}

void emit_result(struct runner *run)
{
	json_t *line = json_object();

	json_object_set_new(line, "result", result_to_json(&run->result));
	send_line(run, line);
}
