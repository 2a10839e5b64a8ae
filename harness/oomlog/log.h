/*
 * Inside of struct oomlog: bytes -> lines (scan.c) -> messages (lines.c) -> reports (assemble.c).
 * Each step calls the next; nothing outside of this folder includes this.
 */
#ifndef OOMLAB_OOMLOG_LOG_H
#define OOMLAB_OOMLOG_LOG_H

#include "harness/oomlog/build.h"

enum {
	BUFFER_LINES = 64 << 10,  /* new bytes taken at a time: they stay in the L2 cache */
	BUFFER_BEHIND = 32 << 10, /* kept before them, to look back at what led to a trigger */
	LOOK_BACK_LINES = 128,
	BREAKS_MAX = 64, /* raw lines of one message; each is looked at as often as lines follow */
	LATE_MAX = 64,	 /* victims of delivered reports that are remembered */
};

/* A message that may go on in the next line. */
struct pending {
	bool any, prefixed, part;
	char text[OOMLOG_LINE_MAX];
	size_t n;
	char date[48], tag[64];
	struct msg head;   /* its spans are set when it is passed on */
	size_t whole_from; /* of text: where a daemon's tag begins; text itself begins at text_from
			    */
	size_t text_from;
	struct line_break breaks[BREAKS_MAX];
	size_t n_breaks;
	unsigned int noise; /* lines without a prefix that were swallowed behind a stack line */
	size_t searched;    /* up to here no record begins within the text */
	size_t last_raw_n;  /* of the last raw line: a terminal breaks at 80 */
	bool last_blank;    /* it ended in a blank */
};

/* How long the raw lines are that were found to go on in the next one. */
struct wrap {
	size_t widest;	/* of all raw lines so far */
	uint64_t joins; /* lines that went on */
	uint64_t full;	/* of them, since it is the widest, those as long as that */
};

struct oomlog {
	struct oomlog_options options;
	oomlog_fn fn;
	void *data;
	int result; /* what fn returned: nothing more is read */

	/* scan.c */
	char *buffer;
	size_t kept, n;	    /* bytes before and from the first one that is not yet read */
	uint64_t lines;	    /* read so far */
	bool parsing;	    /* every line is looked at, not only those with a trigger */
	bool skip_line;	    /* the rest of an overlong line */
	uint64_t idle;	    /* lines in a row that meant nothing to a report */
	uint64_t looked_to; /* lines up to this one were already looked at */

	/* lines.c */
	struct prefix_room *room;
	struct pending *pending;
	struct wrap wrap;
	bool loose; /* lines without prefixes among lines with: a mailer has been there */
	bool after_kmsg;

	/* assemble.c */
	uint64_t number;
	struct builder builders[3];
	struct builder *cur, *done, *daemon;
	bool cur_used, done_used, daemon_used;
	uint64_t sysrq_line;
	int64_t late[LATE_MAX];
	unsigned int n_late;
};

/* lines.c: a raw line; the end of what may go on. */
void lines_take(struct oomlog *log, struct span raw, uint64_t line);
void lines_end(struct oomlog *log);
/* Whether the line, without any context, is of a form that a report has. */
bool lines_known(struct oomlog *log, struct span raw);

/* trigger.c: the first place where a report may begin or go on; its end: none. Counts the newlines
 * before the line of that place, or all. */
size_t trigger_find(const char *text, size_t n, uint64_t *ret_newlines);

/* assemble.c */
void assemble(struct oomlog *log, const struct msg *msg);
bool assemble_busy(const struct oomlog *log); /* a report is being read */
void assemble_idle(struct oomlog *log);	      /* too many lines of others: it ends here */
/* At this line nothing can come any more to the reports before. */
void assemble_expire(struct oomlog *log, uint64_t line);
void assemble_flush(struct oomlog *log, bool end);

#endif
