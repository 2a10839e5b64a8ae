/*
 * How an explanation is laid out: colours, bars, wrapped text, times. Private to explain_*.c.
 */
#ifndef OOMLAB_REPORT_EXPLAIN_LAYOUT_H
#define OOMLAB_REPORT_EXPLAIN_LAYOUT_H

#include "harness/report/explain_facts.h"

enum layout_style {
	LAYOUT_PLAIN = 0,
	LAYOUT_HEAD,
	LAYOUT_LABEL,
	LAYOUT_VICTIM,
	LAYOUT_BAD,
	LAYOUT_DIM,
	LAYOUT_STYLES
};

void layout_on(struct str *out, const struct explain_view *view, enum layout_style style);
void layout_off(struct str *out, const struct explain_view *view, enum layout_style style);

/* "Label  sentence sentence", wrapped with a hanging indent; 'lines' is cleaned here. */
void layout_paragraph(struct str *out, const struct explain_view *view, const char *label,
		      const char *lines);
/* A space and a bar of 'part' in 'whole', at most 'cells' columns; nothing where it is too short.
 */
void layout_bar(struct str *out, const struct explain_view *view, uint64_t part, uint64_t whole,
		size_t cells);
/* Columns that are left for a bar when 'used' are taken. */
size_t layout_bar_cells(const struct explain_view *view, size_t used);
/* Cleaned text in exactly these columns, cut or filled up; at the end of a line 0: all of it. */
void layout_cell(struct str *out, const char *bytes, size_t columns);
/* "2026-11-20 10:00:01" (local), "+123.456", the log's own date, or "line 12". */
void layout_time(struct str *out, const struct oom_time *time, uint64_t line);

void layout_tasks(struct str *out, const struct explain_facts *facts,
		  const struct explain_view *view);
void layout_kinds(struct str *out, const struct explain_facts *facts,
		  const struct explain_view *view);

#endif
