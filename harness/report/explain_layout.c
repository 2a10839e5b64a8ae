/*
 * See explain_layout.h.
 */
#include "harness/report/explain_layout.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "harness/record/text.h"

enum {
	LABEL_COLUMNS = 11,
	WIDTH_OF_A_PIPE = 100, /* for bars; text is not wrapped there */
	BAR_MAX = 40,
};

static const char *const colours[LAYOUT_STYLES] = {
	[LAYOUT_PLAIN] = "",	     [LAYOUT_HEAD] = "\033[1m",
	[LAYOUT_LABEL] = "\033[36m", [LAYOUT_VICTIM] = "\033[1;31m",
	[LAYOUT_BAD] = "\033[1;33m", [LAYOUT_DIM] = "\033[2m",
};

void layout_on(struct str *out, const struct explain_view *view, enum layout_style style)
{
	if (view->colour)
		str_add(out, colours[style]);
}

void layout_off(struct str *out, const struct explain_view *view, enum layout_style style)
{
	if (view->colour && style != LAYOUT_PLAIN)
		str_add(out, "\033[0m");
}

/* ---- paragraphs ----------------------------------------------------------------------------- */

static void add_wrapped(struct str *out, const struct explain_view *view, const char *clean)
{
	size_t limit = view->width > 0 ? (size_t)view->width : SIZE_MAX, used = LABEL_COLUMNS;
	bool first = true;

	while (*clean) {
		size_t spaces = strspn(clean, " "), word = strcspn(clean + spaces, " ");
		MEM_AUTO char *text = strndup(clean, spaces + word);
		size_t columns = text_columns(text);
		if (!first && used + columns > limit) {
			str_addf(out, "\n%*s", LABEL_COLUMNS, "");
			used = LABEL_COLUMNS;
			clean += spaces;
			first = true;
			continue;
		}
		str_add(out, text);
		used += columns;
		clean += spaces + word;
		first = false;
	}
	str_add(out, "\n");
}

void layout_paragraph(struct str *out, const struct explain_view *view, const char *label,
		      const char *lines)
{
	STR_AUTO clean = STR_INIT;

	if (!*lines)
		return;
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, lines);
		str_add(&clean, clean.len ? " " : "");
		text_clean(&clean, line);
		lines += len + (lines[len] == '\n');
	}
	layout_on(out, view, LAYOUT_LABEL);
	str_addf(out, "%-*s", LABEL_COLUMNS, label);
	layout_off(out, view, LAYOUT_LABEL);
	add_wrapped(out, view, str_text(&clean));
}

/* ---- bars and cells ------------------------------------------------------------------------- */

void layout_bar(struct str *out, const struct explain_view *view, uint64_t part, uint64_t whole,
		size_t cells)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	double full = whole > 0 ? (double)part / (double)whole * (double)cells : 0;
	size_t n = full >= (double)cells ? cells : (size_t)full;
	const char *rest =
		view->unicode && n < cells ? eighths[(size_t)((full - (double)n) * 8)] : "";

	if (n > 0 || *rest)
		str_add(out, " ");
	for (size_t i = 0; i < n; i++)
		str_add(out, view->unicode ? "█" : "#");
	str_add(out, rest);
}

size_t layout_bar_cells(const struct explain_view *view, size_t used)
{
	size_t width = view->width > 0 ? (size_t)view->width : WIDTH_OF_A_PIPE;
	size_t left = width > used ? width - used : 0;

	return left < BAR_MAX ? left : BAR_MAX;
}

void layout_cell(struct str *out, const char *bytes, size_t columns)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes);
	if (columns == 0) {
		str_add(out, str_text(&clean));
		return;
	}
	size_t used = text_cut(out, str_text(&clean), columns);
	str_addf(out, "%*s", (int)(columns - used), "");
}

/* ---- times ---------------------------------------------------------------------------------- */

void layout_time(struct str *out, const struct oom_time *when, uint64_t line)
{
	time_t seconds = (time_t)(when->unix_us / 1000000);
	char text[32];
	struct tm tm;

	if (when->has_unix && localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		str_add(out, text);
	else if (*when->text)
		text_clean(out, when->text);
	else if (when->has_mono)
		str_addf(out, "+%" PRIu64 ".%03" PRIu64, when->mono_us / 1000000,
			 when->mono_us / 1000 % 1000);
	else
		str_addf(out, "line %" PRIu64, line);
}
