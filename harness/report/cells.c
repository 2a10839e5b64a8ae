/*
 * See cells.h. No line ends in a blank, so that what is copied from a terminal is what was meant.
 */
#include "harness/report/cells.h"

#include <stdlib.h>
#include <string.h>

#include "harness/record/text.h"

void cells_spaces(struct str *out, size_t n)
{
	str_addf(out, "%*s", (int)n, "");
}

size_t cells_words(struct str *out, const char **rest, size_t width)
{
	size_t used = 0;

	while (**rest) {
		size_t spaces = strspn(*rest, " "), word = strcspn(*rest + spaces, " ");
		size_t gap = used ? 1 : 0;
		MEM_AUTO char *text = mem_printf("%.*s", (int)word, *rest + spaces);
		size_t columns = text_columns(text);
		if (used && used + gap + columns > width)
			break;
		str_addf(out, "%s%s", gap ? " " : "", text);
		used += gap + columns;
		*rest += spaces + word;
	}
	return used;
}

/* As many characters of a word as fit, at least one. */
static size_t add_part(struct str *out, const char **rest, size_t width)
{
	size_t used = 0;

	while (**rest && **rest != ' ') {
		uint32_t ignored;
		size_t len = text_next(*rest, &ignored);
		MEM_AUTO char *one = mem_printf("%.*s", (int)(len ? len : 1), *rest);
		size_t columns = text_columns(one);
		if (used && used + columns > width)
			break;
		str_add(out, one);
		used += columns;
		*rest += strlen(one);
	}
	return used;
}

static bool too_long(const char *rest, size_t width)
{
	const char *at = rest + strspn(rest, " ");
	MEM_AUTO char *word = mem_printf("%.*s", (int)strcspn(at, " "), at);

	return text_columns(word) > width;
}

/* One line of one cell; returns the columns that it takes. */
static size_t add_cell(struct str *out, const struct cells *cells, const char **rest, size_t width,
		       size_t hang, const char *colour)
{
	if (!**rest)
		return 0;
	cells_spaces(out, hang);
	str_add(out, colour ? colour : "");
	size_t used = hang;
	if (cells->break_any && too_long(*rest, width - hang)) {
		*rest += strspn(*rest, " ");
		used += add_part(out, rest, width - hang);
	} else {
		used += cells_words(out, rest, width - hang);
	}
	str_add(out, colour ? "\033[0m" : "");
	return used;
}

static bool any_left(const char *const *rest, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*rest[i])
			return true;
	return false;
}

void cells_row(struct str *out, const struct cells *cells, const char *const *texts,
	       const char *colour)
{
	const char *rest[CELLS_MAX];

	memcpy(rest, texts, cells->n * sizeof(*rest));
	for (int line = 0; any_left(rest, cells->n); line++) {
		size_t owed = 0; /* spaces before the next cell that has something */
		for (size_t i = 0; i < cells->n; i++) {
			size_t width = cells->width[i], hang = line && i == 0 ? cells->hang : 0;
			if (*rest[i]) {
				cells_spaces(out, owed);
				owed = 0;
			}
			size_t used = add_cell(out, cells, &rest[i], width, hang, colour);
			owed += (used < width ? width - used : 0) + CELLS_GAP;
		}
		str_add(out, "\n");
	}
}
