/*
 * The live area: the last lines of a terminal, redrawn in place. The cursor rests on the line
 * below the area and is never hidden, and each redraw is one write that leaves every mode as it
 * was, so that even kill -9 leaves a usable terminal. Line wrap is off within a redraw: a window
 * made narrower meanwhile cuts lines instead of breaking the count of rows.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/report.h"

enum {
	ROWS_MAX = 8,	    /* scenarios; leaves most of a 24-line terminal to the verdicts */
	BAR_CELLS = 10,	    /* inside the brackets */
	NAME_MIN = 12,	    /* columns kept for names in a narrow terminal */
	WIDTH_UNKNOWN = 80, /* columns when the caller does not know */
};

struct live {
	FILE *out;
	size_t width;
	size_t drawn; /* lines on the screen now */
};

struct live *live_new(FILE *out, const struct report_options *options)
{
	struct live *live = mem_zero(1, sizeof(*live));

	live->out = out;
	live->width = options->width > 0 ? (size_t)options->width : WIDTH_UNKNOWN;
	return live;
}

/* To the first line of the area. */
static void add_home(struct str *out, const struct live *live)
{
	if (live->drawn > 0)
		str_addf(out, "\r\033[%zuA", live->drawn);
}

void live_hide(struct live *live)
{
	STR_AUTO text = STR_INIT;

	if (!live || live->drawn == 0)
		return;
	add_home(&text, live);
	str_add(&text, "\033[J");
	fwrite(str_text(&text), 1, text.len, live->out);
	fflush(live->out);
	live->drawn = 0;
}

void live_free(struct live *live)
{
	live_hide(live);
	free(live);
}

/* "[#####.....]"; blank where no limit is known. */
static void add_bar(struct str *out, const struct live_row *row)
{
	size_t full = 0;

	if (row->limit_bytes == UINT64_MAX || row->limit_bytes == 0) {
		str_addf(out, "%*s", BAR_CELLS + 2, "");
		return;
	}
	if (row->usage_bytes >= row->limit_bytes)
		full = BAR_CELLS;
	else
		full = (size_t)((double)row->usage_bytes / (double)row->limit_bytes * BAR_CELLS);
	str_add(out, "[");
	for (size_t i = 0; i < BAR_CELLS; i++)
		str_add(out, i < full ? "#" : ".");
	str_add(out, "]");
}

/* "61.2M/80.0M" */
static void add_usage(struct str *out, const struct live_row *row)
{
	char usage[PARSE_TEXT_MAX], limit[PARSE_TEXT_MAX];

	str_add(out, format_size_short(row->usage_bytes, usage));
	if (row->limit_bytes != UINT64_MAX)
		str_addf(out, "/%s", format_size_short(row->limit_bytes, limit));
}

/* Name, bar, usage, elapsed, step; what does not fit is cut at the right. */
static void add_row(struct str *out, const struct live_row *row, size_t name_columns, size_t width)
{
	STR_AUTO name = STR_INIT;
	STR_AUTO line = STR_INIT;
	STR_AUTO usage = STR_INIT;
	char elapsed[PARSE_TEXT_MAX];

	text_clean(&name, row->name);
	size_t used = text_cut(&line, str_text(&name), name_columns);
	str_addf(&line, "%*s", (int)(name_columns - used + 2), "");
	add_bar(&line, row);
	add_usage(&usage, row);
	str_addf(&line, " %-11s %7s", str_text(&usage), format_duration(row->elapsed_ns, elapsed));
	if (row->doing) {
		str_add(&line, "  ");
		text_clean(&line, row->doing);
	}
	text_cut(out, str_text(&line), width);
}

/* The longest name's width, but not more than leaves room for the rest. */
static size_t name_columns(const struct live_row *rows, size_t n, size_t width)
{
	enum { REST = 2 + BAR_CELLS + 2 + 1 + 11 + 1 + 7 }; /* bar, usage, elapsed */
	size_t most = width > REST + NAME_MIN ? width - REST : NAME_MIN, columns = 0;

	for (size_t i = 0; i < n; i++) {
		STR_AUTO clean = STR_INIT;
		text_clean(&clean, rows[i].name);
		size_t own = text_columns(str_text(&clean));
		columns = own > columns ? own : columns;
	}
	return columns < most ? columns : most;
}

static void end_line(struct str *out, struct live *live)
{
	str_add(out, "\033[K\n");
	live->drawn++;
}

void live_show(struct live *live, const struct live_row *rows, size_t n, size_t done, size_t total)
{
	STR_AUTO text = STR_INIT;
	STR_AUTO summary = STR_INIT;
	size_t shown = n > ROWS_MAX ? ROWS_MAX : n;
	size_t columns = name_columns(rows, shown, live->width);

	str_add(&text, "\033[?7l");
	add_home(&text, live);
	live->drawn = 0;
	for (size_t i = 0; i < shown; i++) {
		add_row(&text, &rows[i], columns, live->width);
		end_line(&text, live);
	}
	str_addf(&summary, "%zu of %zu done, %zu running", done, total, n);
	if (n > shown)
		str_addf(&summary, " (%zu not shown)", n - shown);
	text_cut(&text, str_text(&summary), live->width);
	end_line(&text, live);
	str_add(&text, "\033[J\033[?7h");
	fwrite(str_text(&text), 1, text.len, live->out);
	fflush(live->out);
}
