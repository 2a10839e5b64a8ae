/*
 * An OOM report for people and for programs: the plain answer in sentences, tables with bars, JSON,
 * one line. Functions from a report and its audit to text; nothing here reads the machine. Whatever
 * the log's text holds, what comes out is printable, and valid UTF-8.
 */
#ifndef OOMLAB_REPORT_EXPLAIN_H
#define OOMLAB_REPORT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "harness/oomlog/badness.h"
#include "harness/oomlog/report.h"

struct explain_item {
	const struct oom_report *report;
	const struct audit *audit;
	uint64_t number;  /* among all that were asked for, from 1 */
	const char *file; /* where it was read; NULL: not worth saying */
};

struct explain_view {
	bool colour;
	bool unicode; /* bars of block characters, not of '#' */
	bool several; /* reports from more than one file: --list and headings name it */
	int width;    /* columns; 0: unlimited */
	uint64_t top; /* rows of the task table; 0: all */
};

/* Sentences of the plain answer, grouped by the question they answer. */
enum explain_topic {
	EXPLAIN_WHAT = 0,  /* what ran out, and where */
	EXPLAIN_WHO,	   /* who asked for what */
	EXPLAIN_DIED,	   /* who died, how large */
	EXPLAIN_WHY,	   /* why that one */
	EXPLAIN_PROTECTED, /* who could not be chosen */
	EXPLAIN_LEFT,	   /* page cache, swap, fragmentation, zones */
	EXPLAIN_ADVICE,	   /* what to do about it */
	EXPLAIN_TOPICS
};
struct explain_answer {
	struct str topic[EXPLAIN_TOPICS]; /* sentences, a newline after each; not cleaned */
};
void explain_answer(const struct explain_item *item, struct explain_answer *ret);
void explain_answer_clear(struct explain_answer *answer);

/* Each appends whole lines. */
void explain_text(struct str *out, const struct explain_item *item,
		  const struct explain_view *view);
/* One JSON object on one line (docs/explain-json.md). */
void explain_json(struct str *out, const struct explain_item *item);
/* One line for --list; explain_list_head() names its columns. */
void explain_list_head(struct str *out, const struct explain_view *view);
void explain_list(struct str *out, const struct explain_item *item,
		  const struct explain_view *view);

/* ---- parts of them, each in a file of its own ---------------------------------------------- */

/* Bytes of these many pages of the report. */
uint64_t explain_pages(const struct oom_report *report, int64_t pages);
/* Page tables of a row in bytes, whichever columns it has; -1: none. */
int64_t explain_pgtables(const struct oom_report *report, const struct oom_task *task);

#endif
