/*
 * A matrix for people: the table, in as many parts as the width asks for, the legend of its
 * columns, records side by side where columns differ, and what changed against a baseline.
 */
#include <string.h>

#include "base/parse.h"
#include "harness/record/text.h"
#include "harness/report/cells.h"
#include "harness/report/lines.h"
#include "harness/report/matrix_internal.h"

enum {
	WIDTH_DEFAULT = 80,
	WIDTH_LEAST = 40,
	NAME_LEAST = 24, /* a longer name stands on a line of its own, above its cells */
	NAME_MOST = 60,
	INDENT = 2,
	LABEL_WIDTH = 14, /* of "12:15 counters" */
};

static const char *const colours[CELL_STATES] = {
	[CELL_NONE] = "\033[2m",    [CELL_SKIP] = "\033[33m",	 [CELL_BROKEN] = "\033[1;35m",
	[CELL_FAIL] = "\033[1;31m", [CELL_MIXED] = "\033[1;31m", [CELL_PASS] = "\033[32m",
};
static const char bold[] = "\033[1m", plain[] = "\033[0m";

struct page {
	struct str *out;
	const struct matrix *matrix;
	const struct matrix_print *print;
	size_t width, name_width;
	size_t *cell_width; /* for each column */
};

/* ---- lines --------------------------------------------------------------------------------- */

static void add_wrapped(const struct page *page, size_t indent, const char *clean)
{
	for (const char *rest = clean; *rest;) {
		cells_spaces(page->out, indent);
		cells_words(page->out, &rest, page->width - indent);
		str_add(page->out, "\n");
	}
}

static void heading(const struct page *page, const char *text)
{
	bool colour = page->print->colour;

	str_add(page->out, colour ? bold : "");
	add_wrapped(page, 0, text);
	str_add(page->out, colour ? plain : "");
}

/* ---- the table ----------------------------------------------------------------------------- */

/* "limits" of "limits/block-size[block=1/2]" */
static size_t suite_length(const char *name)
{
	size_t all = strcspn(name, "["), len = 0;

	for (size_t i = 0; i < all; i++)
		len = name[i] == '/' ? i : len;
	return len;
}

static const char *base_name(const char *name)
{
	size_t len = suite_length(name);

	return len ? name + len + 1 : name;
}

static void measure(struct page *page)
{
	const struct matrix *matrix = page->matrix;
	size_t longest = 0;

	for (size_t c = 0; c < matrix->n_columns; c++) {
		size_t head = strlen(matrix->columns[c].series);
		size_t cgroup = strlen(matrix->columns[c].cgroup);
		page->cell_width[c] = head > cgroup ? head : cgroup;
	}
	for (size_t r = 0; r < matrix->n_rows; r++) {
		STR_AUTO name = STR_INIT;
		if (!matrix_row_shown(page->print, &matrix->rows[r]))
			continue;
		text_clean(&name, base_name(matrix->rows[r].name));
		size_t columns = text_columns(str_text(&name)) + INDENT;
		longest = columns > longest && columns <= NAME_MOST ? columns : longest;
		for (size_t c = 0; c < matrix->n_columns; c++) {
			STR_AUTO cell = STR_INIT;
			matrix_cell_text(&cell, &matrix->rows[r].cells[c]);
			if (cell.len > page->cell_width[c])
				page->cell_width[c] = cell.len;
		}
	}
	size_t cells = 0;
	for (size_t c = 0; c < matrix->n_columns; c++)
		cells += page->cell_width[c] + CELLS_GAP;
	size_t room = page->width > cells + NAME_LEAST ? page->width - cells : NAME_LEAST;
	page->name_width = longest < room ? longest : room;
	if (page->name_width < NAME_LEAST)
		page->name_width = NAME_LEAST;
}

/* How many columns from 'from' on fit beside the names: at least one. */
static size_t columns_that_fit(const struct page *page, size_t from)
{
	size_t used = page->name_width, n = 0;

	for (size_t c = from; c < page->matrix->n_columns; c++, n++) {
		used += page->cell_width[c] + CELLS_GAP;
		if (used > page->width && n > 0)
			break;
	}
	return n;
}

/* Cells are padded on the left of the next one, so that no line ends in blanks. */
static void add_head(const struct page *page, size_t from, size_t n, bool series)
{
	size_t owed = page->name_width;

	for (size_t c = from; c < from + n; c++) {
		const struct matrix_column *column = &page->matrix->columns[c];
		bool same = c > from && str_eq(column->series, column[-1].series);
		const char *text = series ? (same ? "" : column->series) : column->cgroup;
		owed += CELLS_GAP;
		if (*text)
			cells_spaces(page->out, owed);
		str_add(page->out, text);
		owed = (*text ? 0 : owed) + page->cell_width[c] - strlen(text);
	}
	str_add(page->out, "\n");
}

static void add_row(const struct page *page, const struct matrix_row *row, size_t from, size_t n)
{
	STR_AUTO name = STR_INIT;

	text_clean(&name, base_name(row->name));
	size_t used = text_columns(str_text(&name)) + INDENT;
	str_addf(page->out, "  %s", str_text(&name));
	if (used > page->name_width) {
		str_add(page->out, "\n");
		used = 0;
	}
	size_t owed = page->name_width - used;
	for (size_t c = from; c < from + n; c++) {
		STR_AUTO text = STR_INIT;
		bool colour = page->print->colour;
		matrix_cell_text(&text, &row->cells[c]);
		cells_spaces(page->out, owed + CELLS_GAP);
		str_addf(page->out, "%s%s%s", colour ? colours[row->cells[c].state] : "",
			 str_text(&text), colour ? plain : "");
		owed = page->cell_width[c] - text.len;
	}
	str_add(page->out, "\n");
}

static void add_part(const struct page *page, size_t from, size_t n)
{
	const char *before = NULL; /* the name whose suite is announced */

	add_head(page, from, n, true);
	add_head(page, from, n, false);
	for (size_t r = 0; r < page->matrix->n_rows; r++) {
		const struct matrix_row *row = &page->matrix->rows[r];
		size_t len = suite_length(row->name);
		if (!matrix_row_shown(page->print, row))
			continue;
		if (!before || suite_length(before) != len || memcmp(before, row->name, len) != 0) {
			MEM_AUTO char *suite = mem_printf("%.*s", (int)len, row->name);
			text_clean(page->out, len ? suite : "(no suite)");
			str_add(page->out, "\n");
		}
		before = row->name;
		add_row(page, row, from, n);
	}
	str_add(page->out, "\n");
}

/* ---- the legend ---------------------------------------------------------------------------- */

static void add_legend(const struct page *page)
{
	size_t differ = 0;

	for (size_t c = 0; c < page->matrix->n_columns; c++) {
		STR_AUTO line = STR_INIT;
		heading(page, page->matrix->columns[c].id);
		matrix_column_text(&line, &page->matrix->columns[c]);
		add_wrapped(page, INDENT, str_text(&line));
	}
	for (size_t r = 0; r < page->matrix->n_rows; r++)
		differ += page->matrix->rows[r].differs;
	MEM_AUTO char *sum =
		mem_printf("%zu scenario%s, %zu not the same in all columns", page->matrix->n_rows,
			   page->matrix->n_rows == 1 ? "" : "s", differ);
	add_wrapped(page, 0, sum);
}

/* ---- side by side -------------------------------------------------------------------------- */

static void side_by_side(const struct page *page, const char *left_head, const char *right_head,
			 const struct matrix_cell *left, const struct matrix_cell *right)
{
	size_t half = (page->width - LABEL_WIDTH - INDENT - 2 * CELLS_GAP) / 2;
	const struct cells cells = {.n = 3,
				    .width = {LABEL_WIDTH + INDENT, half, half},
				    .hang = INDENT,
				    .break_any = true};
	struct matrix_side side;

	matrix_side_fill(&side, left, right);
	cells_row(page->out, &cells, (const char *const[]){"", left_head, right_head},
		  page->print->colour ? bold : NULL);
	for (size_t i = 0; i < side.n; i++) {
		const struct difference *line = &side.lines[i];
		bool loud = page->print->colour && line->weight != DIFFERENCE_DETAIL;
		MEM_AUTO char *label = mem_printf("  %s", line->what);
		cells_row(page->out, &cells,
			  (const char *const[]){label, *line->left ? line->left : "-",
						*line->right ? line->right : "-"},
			  loud ? colours[CELL_FAIL] : NULL);
	}
	matrix_side_free(&side);
}

static void add_differences_of(const struct page *page, const struct matrix_row *row)
{
	const struct matrix *matrix = page->matrix;
	STR_AUTO left = STR_INIT;
	STR_AUTO name = STR_INIT;

	text_clean(&name, row->name);
	matrix_class_text(&left, matrix, row, row->reference);
	for (size_t class = 0; class < row->n_classes; class ++) {
		STR_AUTO right = STR_INIT;
		if (class == row->reference)
			continue;
		str_add(page->out, "\n");
		heading(page, str_text(&name));
		matrix_class_text(&right, matrix, row, class);
		side_by_side(page, str_text(&left), str_text(&right),
			     &row->cells[matrix_class_first(matrix, row, row->reference)],
			     &row->cells[matrix_class_first(matrix, row, class)]);
	}
}

static void add_times(const struct page *page)
{
	bool any = false;

	for (size_t r = 0; r < page->matrix->n_rows; r++) {
		const struct matrix_row *row = &page->matrix->rows[r];
		STR_AUTO line = STR_INIT;
		if (!matrix_times_text(&line, page->matrix, row))
			continue;
		if (!any) {
			str_add(page->out, "\n");
			heading(page, "The same outcome, in another time");
		}
		any = true;
		add_wrapped(page, INDENT, str_text(&line));
	}
}

static void add_names(const struct page *page, const struct matrix_absence *absence)
{
	STR_AUTO names = STR_INIT;

	for (size_t k = 0; k < absence->n; k++) {
		str_add(&names, k ? ", " : "");
		text_clean(&names, absence->names[k]);
	}
	add_wrapped(page, 2 * INDENT, str_text(&names));
}

static void add_absences(const struct page *page)
{
	for (size_t i = 0; i < page->matrix->n_absences; i++) {
		const struct matrix_absence *absence = &page->matrix->absences[i];
		MEM_AUTO char *head = mem_printf("Not on %s", absence->columns);
		STR_AUTO line = STR_INIT;
		str_add(page->out, "\n");
		heading(page, head);
		text_clean(&line, absence->reason);
		add_wrapped(page, INDENT, str_text(&line));
		add_names(page, absence);
	}
}

/* ---- the baseline -------------------------------------------------------------------------- */

static void add_change(const struct page *page, const struct matrix_change *change)
{
	STR_AUTO line = STR_INIT;
	bool loud = page->print->colour && change->kind == CHANGE_REGRESSION;

	if (!matrix_change_told(change))
		return;
	matrix_change_text(&line, change);
	str_add(page->out, loud ? colours[CELL_FAIL] : "");
	add_wrapped(page, 0, str_text(&line));
	str_add(page->out, loud ? plain : "");
	bool both = change->kind == CHANGE_REGRESSION || change->kind == CHANGE_OTHER;
	if (both && !page->print->table) {
		MEM_AUTO char *left = mem_printf("baseline, %s", change->was_in->facts->kernel);
		MEM_AUTO char *right = mem_printf("now, %s", change->in->facts->kernel);
		side_by_side(page, left, right, change->was, change->is);
	}
}

static void add_baseline(const struct page *page)
{
	const struct matrix_baseline *baseline = page->print->baseline;
	STR_AUTO notes = STR_INIT;
	STR_AUTO sums = STR_INIT;
	STR_AUTO path = STR_INIT;

	text_clean(&path, page->print->baseline_path);
	MEM_AUTO char *head = mem_printf("Against the baseline '%s'", str_text(&path));
	str_add(page->out, "\n");
	heading(page, head);
	matrix_baseline_notes(&notes, page->matrix, baseline);
	for (const char *at = str_text(&notes); *at;) {
		size_t len = strcspn(at, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, at);
		add_wrapped(page, INDENT, line);
		at += len + (at[len] == '\n');
	}
	for (size_t i = 0; i < baseline->n; i++)
		add_change(page, &baseline->changes[i]);
	for (size_t i = 0; i < baseline->n_gone; i++) {
		STR_AUTO line = STR_INIT;
		matrix_gone_text(&line, &baseline->gone[i]);
		add_wrapped(page, 0, str_text(&line));
		add_names(page, &baseline->gone[i]);
	}
	matrix_baseline_sums(&sums, baseline);
	add_wrapped(page, 0, str_text(&sums));
}

/* ---- the page ------------------------------------------------------------------------------ */

void matrix_text(struct str *out, const struct matrix *matrix, const struct matrix_print *print)
{
	MEM_AUTO size_t *widths = mem_zero(matrix->n_columns + 1, sizeof(size_t));
	struct page page = {.out = out,
			    .matrix = matrix,
			    .print = print,
			    .width = print->width > 0 ? (size_t)print->width : WIDTH_DEFAULT,
			    .cell_width = widths};

	page.width = page.width < WIDTH_LEAST ? WIDTH_LEAST : page.width;
	measure(&page);
	for (size_t from = 0, n; from < matrix->n_columns; from += n) {
		n = columns_that_fit(&page, from);
		add_part(&page, from, n);
	}
	add_legend(&page);
	if (!print->table) {
		for (size_t r = 0; r < matrix->n_rows; r++)
			add_differences_of(&page, &matrix->rows[r]);
		add_times(&page);
		add_absences(&page);
	}
	if (print->baseline)
		add_baseline(&page);
}
