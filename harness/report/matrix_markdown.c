/*
 * A matrix as Markdown that can be pasted into an issue: tables, with what differs folded away.
 */
#include <string.h>

#include "harness/record/text.h"
#include "harness/report/matrix_internal.h"

/* Foreign text means nothing to Markdown and nothing to HTML. 'clean' is one line. */
static void add_escaped(struct str *out, const char *clean)
{
	for (; *clean; clean++)
		if (*clean == '<')
			str_add(out, "&lt;");
		else if (*clean == '&')
			str_add(out, "&amp;");
		else if (strchr("|*_`[]\\~>#", *clean))
			str_addf(out, "\\%c", *clean);
		else
			str_addn(out, clean, 1);
}

static void add_foreign(struct str *out, const char *bytes)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes);
	add_escaped(out, str_text(&clean));
}

/* <summary> is HTML, where Markdown's backslashes would be seen. */
static void add_summary(struct str *out, const char *head, const char *bytes)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes);
	str_addf(out, "\n<details><summary>%s", head);
	for (const char *at = str_text(&clean); *at; at++)
		if (*at == '<' || *at == '&')
			str_add(out, *at == '<' ? "&lt;" : "&amp;");
		else
			str_addn(out, at, 1);
	str_add(out, "</summary>\n");
}

static void add_cell(struct str *out, const struct matrix_cell *cell)
{
	STR_AUTO text = STR_INIT;
	bool bad =
		cell->state == CELL_FAIL || cell->state == CELL_BROKEN || cell->state == CELL_MIXED;

	matrix_cell_text(&text, cell);
	str_addf(out, bad ? " **%s** |" : " %s |", str_text(&text));
}

static void add_rule(struct str *out, size_t n)
{
	str_add(out, "|");
	for (size_t i = 0; i < n; i++)
		str_add(out, "---|");
	str_add(out, "\n");
}

static void add_table(struct str *out, const struct matrix *matrix,
		      const struct matrix_print *print)
{
	str_add(out, "| scenario |");
	for (size_t c = 0; c < matrix->n_columns; c++) {
		str_add(out, " ");
		add_foreign(out, matrix->columns[c].id);
		str_add(out, " |");
	}
	str_add(out, "\n");
	add_rule(out, matrix->n_columns + 1);
	for (size_t r = 0; r < matrix->n_rows; r++) {
		const struct matrix_row *row = &matrix->rows[r];
		if (!matrix_row_shown(print, row))
			continue;
		str_add(out, "| ");
		add_foreign(out, row->name);
		str_add(out, " |");
		for (size_t c = 0; c < matrix->n_columns; c++)
			add_cell(out, &row->cells[c]);
		str_add(out, "\n");
	}
	str_add(out, "\n");
	for (size_t c = 0; c < matrix->n_columns; c++) {
		STR_AUTO line = STR_INIT;
		matrix_column_text(&line, &matrix->columns[c]);
		str_add(out, "* **");
		add_foreign(out, matrix->columns[c].id);
		str_add(out, "**: ");
		add_escaped(out, str_text(&line));
		str_add(out, "\n");
	}
}

static void add_side(struct str *out, const char *left_head, const char *right_head,
		     const struct matrix_cell *left, const struct matrix_cell *right)
{
	struct matrix_side side;

	str_add(out, "\n| | ");
	add_foreign(out, left_head);
	str_add(out, " | ");
	add_foreign(out, right_head);
	str_add(out, " |\n");
	add_rule(out, 3);
	matrix_side_fill(&side, left, right);
	for (size_t i = 0; i < side.n; i++) {
		const struct difference *line = &side.lines[i];
		const char *mark = line->weight == DIFFERENCE_DETAIL ? "" : "**";
		str_addf(out, "| %s", mark);
		add_escaped(out, line->what);
		str_addf(out, "%s | ", mark);
		add_escaped(out, line->left);
		str_add(out, " | ");
		add_escaped(out, line->right);
		str_add(out, " |\n");
	}
	matrix_side_free(&side);
}

static void add_differences(struct str *out, const struct matrix *matrix,
			    const struct matrix_row *row)
{
	STR_AUTO left = STR_INIT;

	matrix_class_text(&left, matrix, row, row->reference);
	for (size_t class = 0; class < row->n_classes; class ++) {
		STR_AUTO right = STR_INIT;
		if (class == row->reference)
			continue;
		matrix_class_text(&right, matrix, row, class);
		MEM_AUTO char *head = mem_printf("%s: %s", row->name, str_text(&right));
		add_summary(out, "", head);
		add_side(out, str_text(&left), str_text(&right),
			 &row->cells[matrix_class_first(matrix, row, row->reference)],
			 &row->cells[matrix_class_first(matrix, row, class)]);
		str_add(out, "\n</details>\n");
	}
}

static void add_names(struct str *out, const struct matrix_absence *absence)
{
	for (size_t k = 0; k < absence->n; k++) {
		str_add(out, k ? ", " : ": ");
		add_foreign(out, absence->names[k]);
	}
	str_add(out, "\n");
}

static void add_rest(struct str *out, const struct matrix *matrix)
{
	const char *before = "\nThe same outcome, in another time:\n\n";

	for (size_t r = 0; r < matrix->n_rows; r++) {
		STR_AUTO line = STR_INIT;
		if (!matrix_times_text(&line, matrix, &matrix->rows[r]))
			continue;
		str_addf(out, "%s* ", before);
		add_escaped(out, str_text(&line));
		str_add(out, "\n");
		before = "";
	}
	before = "\nNot everywhere:\n\n";
	for (size_t i = 0; i < matrix->n_absences; i++) {
		const struct matrix_absence *absence = &matrix->absences[i];
		str_addf(out, "%s* %s: ", before, absence->columns);
		add_foreign(out, absence->reason);
		add_names(out, absence);
		before = "";
	}
}

static void add_baseline(struct str *out, const struct matrix *matrix,
			 const struct matrix_print *print)
{
	const struct matrix_baseline *baseline = print->baseline;
	STR_AUTO notes = STR_INIT;

	str_add(out, "\nAgainst the baseline ");
	add_foreign(out, print->baseline_path);
	str_add(out, ": ");
	matrix_baseline_sums(out, baseline);
	str_add(out, "\n\n");
	matrix_baseline_notes(&notes, matrix, baseline);
	for (const char *at = str_text(&notes); *at;) {
		size_t len = strcspn(at, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, at);
		str_add(out, "* ");
		add_escaped(out, line);
		str_add(out, "\n");
		at += len + (at[len] == '\n');
	}
	for (size_t i = 0; i < baseline->n; i++) {
		const struct matrix_change *change = &baseline->changes[i];
		STR_AUTO line = STR_INIT;
		if (!matrix_change_told(change))
			continue;
		matrix_change_text(&line, change);
		str_add(out, change->kind == CHANGE_REGRESSION ? "* **" : "* ");
		add_escaped(out, str_text(&line));
		str_add(out, change->kind == CHANGE_REGRESSION ? "**\n" : "\n");
	}
	for (size_t i = 0; i < baseline->n_gone; i++) {
		STR_AUTO line = STR_INIT;
		matrix_gone_text(&line, &baseline->gone[i]);
		str_add(out, "* ");
		add_escaped(out, str_text(&line));
		add_names(out, &baseline->gone[i]);
	}
}

/* The records of each regression, side by side. */
static void add_regressions(struct str *out, const struct matrix_baseline *baseline)
{
	for (size_t i = 0; i < baseline->n; i++) {
		const struct matrix_change *change = &baseline->changes[i];
		if (change->kind != CHANGE_REGRESSION)
			continue;
		MEM_AUTO char *left = mem_printf("before, %s", change->was_in->facts->kernel);
		MEM_AUTO char *right = mem_printf("now, %s", change->in->facts->kernel);
		add_summary(out, "regression: ", change->name);
		add_side(out, left, right, change->was, change->is);
		str_add(out, "\n</details>\n");
	}
}

void matrix_markdown(struct str *out, const struct matrix *matrix, const struct matrix_print *print)
{
	add_table(out, matrix, print);
	for (size_t r = 0; r < matrix->n_rows && !print->table; r++)
		add_differences(out, matrix, &matrix->rows[r]);
	if (!print->table)
		add_rest(out, matrix);
	if (print->baseline)
		add_baseline(out, matrix, print);
	if (print->baseline && !print->table)
		add_regressions(out, print->baseline);
}
