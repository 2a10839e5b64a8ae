/*
 * Ways to print a record. A reporter is one file and one row; it may print as results come or
 * only at the end. Nothing here reads the machine.
 */
#ifndef OOMLAB_REPORT_H
#define OOMLAB_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/record/record.h"

/* Several records as one document. */
struct report_series {
	size_t records, results; /* that are over */
};

struct report_options {
	bool colour;
	bool verbose;	     /* text: events and kills of each scenario, not only failures */
	int width;	     /* columns; 0: unlimited */
	const char *results; /* text: the run's folder, named at the end; NULL: nothing is said */
	struct report_series *series; /* the record is one of these; NULL: it is alone */
};

struct reporter {
	const char *name; /* "text", "tap", "junit", "json" */
	const char *summary;
	/* Before the first and after the last record of a series; NULL where records just follow
	 * each other. */
	void (*open)(FILE *out);
	void (*close)(FILE *out, const struct report_series *series);
	void (*begin)(FILE *out, const struct record *record, const struct report_options *options);
	/* A scenario begins: its result should nothing more come, and the panic that it expects
	 * (NULL: none) on this line of its file. An event of one under way. May be NULL. */
	void (*began)(FILE *out, const struct result *blank, const char *panic, const char *at);
	void (*event)(FILE *out, const char *name, const json_t *event);
	void (*result)(FILE *out, const struct record *record, const struct result *result,
		       const struct report_options *options);
	void (*end)(FILE *out, const struct record *record, const struct report_options *options);
};

extern const struct reporter *const reporters[]; /* NULL-terminated */
const struct reporter *reporter_find(const char *name);
const char *const *reporter_names(void); /* NULL-terminated, for OPT_CHOICE */

/* The live area at a terminal's bottom: one line a running scenario, redrawn in place. The caller
 * feeds it; a verdict line printed between live_hide() and live_show() scrolls above it. */
struct live;
struct live_row {
	const char *name;
	uint64_t usage_bytes, limit_bytes; /* limit UINT64_MAX: none known */
	uint64_t elapsed_ns;
	const char *doing; /* current step, short; may be NULL */
};
struct live *live_new(FILE *out, const struct report_options *options);
void live_free(struct live *live); /* clears the area */
void live_show(struct live *live, const struct live_row *rows, size_t n, size_t done, size_t total);
void live_hide(struct live *live);

#endif
