/*
 * A run of 'oomlab run' from its options to its report. Private to cmd_run.c, run_choose.c
 * and run_asked.c.
 */
#ifndef OOMLAB_CMD_RUN_SESSION_H
#define OOMLAB_CMD_RUN_SESSION_H

#include "harness/cmd/catalogue.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/supervise.h"
#include "harness/record/folder.h"
#include "harness/report/report.h"

struct run_values {
	struct opt_list params, filters;
	uint64_t repeat, jobs, timeout_ns, seed;
	const char *shard, *after, *output, *results, *parent;
	int format, colour;
	bool dry_run, fail_fast, disposable, timeline, verbose, quiet, asked;
};

struct run_session {
	struct cmd_ctx *ctx;
	struct run_values *values;
	struct cg_host *cg_host;
	struct facts facts;
	struct catalogue catalogue;
	struct supervise_item *items;
	size_t n_items;
	struct record *record;
	struct record_folder *folder; /* it is kept there */
	const struct reporter *reporter;
	struct report_options report;
	FILE *out;
	int lost;	   /* errno of the first write to out that failed */
	struct live *live; /* NULL: not a terminal */
};

extern const char *const run_formats[]; /* names of run_values.format */

/* Fills session->items; diags is what scenario files say of themselves. -EINVAL, -ENOENT: nothing
 * such can be run. */
int run_choose(struct run_session *session, int argc, char **argv, struct diags *diags,
	       struct err *err);
void run_print_plans(const struct run_session *session);

int run_session_open_output(struct run_session *session, struct err *err);
/* Runs session->items, reports, and keeps the record. Returns an exit status. */
int run_session_all(struct run_session *session, struct err *err);

/* For another program at the other end of stdin and the output, which are lines of JSON:
 *
 *   this:  {"planned": [{"name": TEXT, "alone": BOOL, "timeout_ns": N}, ...]}
 *   other: {"ask": [INDEX, ...]}     which of them to run
 *   this:  the stream of their run (report/report_stream.c), whose last line is {"end": ...}
 *
 * until stdin ends. 'alone': it wants a machine in which nothing else has run or will. */
int run_asked(struct run_session *session, struct err *err);

#endif
