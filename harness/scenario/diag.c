/*
 * Mistakes of scenario files, collected as lines. The same line is kept once: a matrix builds the
 * same plan many times, and each would find the same mistake.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/scenario.h"

/* More mistakes than anybody reads; bounds what a file of garbage can cost. */
enum { DIAGS_MAX = 200 };

static bool has_line(const struct str *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = str_text(text); (p = strstr(p, line)); p += len)
		if ((p == text->s || p[-1] == '\n') && p[len] == '\n')
			return true;
	return false;
}

/* One mistake is one line, whatever the file's own text holds. */
static void add_visible(struct str *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '\n')
			str_add(out, "\\n");
		else if (c == '\t')
			str_add(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\x%02x", c);
		else
			str_addn(out, text, 1);
	}
}

void diag_add(struct diags *diags, const char *file, const struct node *at, const char *fmt, ...)
{
	STR_AUTO message = STR_INIT;
	STR_AUTO line = STR_INIT;
	va_list ap;

	add_visible(&line, file);
	if (at)
		str_addf(&line, ":%d:%d: ", at->line, at->column);
	else
		str_add(&line, ": ");
	va_start(ap, fmt);
	str_vaddf(&message, fmt, ap);
	va_end(ap);
	add_visible(&line, str_text(&message));
	if (diags->n >= DIAGS_MAX) {
		if (diags->n++ == DIAGS_MAX)
			str_addf(&diags->text, "%s: more mistakes, not shown\n", file);
		return;
	}
	if (has_line(&diags->text, str_text(&line)))
		return;
	str_addf(&diags->text, "%s\n", str_text(&line));
	diags->n++;
}

struct place {
	long line, column;
	size_t order; /* keeps the sort stable */
	const char *text;
	size_t len;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* "FILE:LINE:COLUMN: ..."; lines without a place stay at the end. */
static struct place place_of(const char *line, size_t len, const char *file, size_t order)
{
	struct place place = {INT32_MAX, 0, order, line, len};
	char *end;

	if (!str_starts(line, file) || line[strlen(file)] != ':')
		return place;
	long number = strtol(line + strlen(file) + 1, &end, 10);
	if (number > 0 && *end == ':') {
		place.line = number;
		place.column = strtol(end + 1, NULL, 10);
	}
	return place;
}

void diags_move_sorted(struct diags *from, struct diags *to, const char *file)
{
	size_t n = 0, lines = 0;

	for (const char *p = str_text(&from->text); *p; p++)
		lines += *p == '\n';
	MEM_AUTO struct place *places = mem_zero(lines, sizeof(*places));
	for (const char *p = str_text(&from->text), *end; (end = strchr(p, '\n')); p = end + 1) {
		places[n] = place_of(p, (size_t)(end - p), file, n);
		n++;
	}
	qsort(places, n, sizeof(*places), by_place);
	for (size_t i = 0; i < n; i++) {
		MEM_AUTO char *line = mem_printf("%.*s", (int)places[i].len, places[i].text);
		if (has_line(&to->text, line))
			continue;
		str_addf(&to->text, "%s\n", line);
		to->n++;
	}
	diags_free(from);
}

void diags_free(struct diags *diags)
{
	str_free(&diags->text);
	diags->n = 0;
}
