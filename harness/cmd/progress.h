/*
 * Progress of fetching on a terminal's one line; in a pipe nothing but notes.
 */
#ifndef OOMLAB_CMD_PROGRESS_H
#define OOMLAB_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/vm/fetch.h"

struct progress {
	const char *command; /* "vm": notes begin with "oomlab vm: " */
	bool terminal, drawn;
	uint64_t drawn_ns;
	const char *what; /* compared as a pointer only */
};

/* The watch lives no longer than the progress. */
void progress_begin(struct progress *progress, const char *command, struct fetch_watch *ret_watch);
/* Leaves the line empty. */
void progress_end(struct progress *progress);

#endif
