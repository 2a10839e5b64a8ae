/*
 * oomlab explain behind its option table: what is asked for, and reports from their bytes to the
 * output. Private to cmd_explain.c and explain_*.c.
 */
#ifndef OOMLAB_CMD_EXPLAIN_H
#define OOMLAB_CMD_EXPLAIN_H

#include "harness/cmd/cmd.h"
#include "harness/input/input.h"
#include "harness/oomlog/badness.h"
#include "harness/report/explain.h"

enum explain_format { EXPLAIN_FORMAT_TEXT = 0, EXPLAIN_FORMAT_LIST, EXPLAIN_FORMAT_JSON };

enum { EXPLAIN_LAST_MAX = 1000 }; /* --report -N holds so many */

/* One run of the command. */
struct explain_session {
	struct cmd_ctx *ctx;
	enum explain_format format;
	struct explain_view view;
	int64_t since_us, until_us; /* unix; INT64_MIN, INT64_MAX: open */
	int64_t report;		    /* the N-th alone; negative: from the end; 0: all */
	struct audit_options audit;
	struct oomlog_options log;

	uint64_t number; /* reports so far */
	uint64_t printed, undated, unexplained;
	uint64_t lines;
	struct str *last; /* ring of the -report last ones; NULL: none asked for */
	bool head_printed;
	bool done;    /* nothing more will be printed: all that was asked for, or nobody reads */
	int lost;     /* errno of the write that failed; EPIPE: nobody reads */
	bool trouble; /* an input could not be read (to its end) */
};

/* One input, read by a parser of its own. */
struct explain_stream {
	struct explain_session *session;
	const char *name;
	struct oomlog *log;
	struct audit_victims victims; /* whose rows a next report may still have */
};
void explain_stream_open(struct explain_stream *stream, struct explain_session *session,
			 const char *name);
/* Delivers what is there, unless the session is done, and counts the lines. */
void explain_stream_close(struct explain_stream *stream);

/* After the last input: prints what was kept. */
void explain_end(struct explain_session *session);
/* Reads one input to its end. What goes wrong is said and noted. */
void explain_read(struct explain_session *session, const char *name);
/* Reads and goes on reading. Returns an enum cmd_status, or 130 for an interrupt. */
int explain_follow(struct explain_session *session, char **names, size_t n);
/* "oomlab explain: NAME: what" */
void explain_say(struct explain_session *session, const char *name, const struct err *err);

#endif
