/*
 * The guest's stream of results (report/report_stream.c) becomes a record, line by line, whichever
 * and however many machines the lines come from. Pure but for its listener.
 */
#ifndef OOMLAB_CMD_VM_STREAM_H
#define OOMLAB_CMD_VM_STREAM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "harness/record/record.h"
#include "harness/vm/machine.h"

struct vm_stream {
	struct record *record; /* NULL: its first line has not come */
	json_t *began;	       /* the line about the scenario that runs; NULL: none */
	json_t *events;	       /* its events so far */
	/* Who is told of the record as it begins, and of each result; may be NULL. */
	void (*on_record)(void *data, const struct record *record);
	void (*on_result)(void *data, const struct record *record, const struct result *result);
	/* And of each result as soon as it is there, in any order; may be NULL. */
	void (*on_came)(void *data, const struct result *result);
	/* Who takes the record's head and the results instead of the record: several machines'
	 * become one elsewhere. Both or none; 'take' gets what the result owns. */
	void (*head)(void *data, const json_t *record);
	void (*take)(void *data, struct result *result);
	void *data;
};

void vm_stream_line(struct vm_stream *stream, json_t *line);
/* The machine ended in the middle: the scenario under way gets its verdict from how it did. */
void vm_stream_end_of_machine(struct vm_stream *stream, const struct machine *machine);
/* Its name, NULL: none. */
const char *vm_stream_under_way(const struct vm_stream *stream);
void vm_stream_clear(struct vm_stream *stream);

#endif
