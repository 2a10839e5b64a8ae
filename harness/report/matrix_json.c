/*
 * A matrix as JSON, for programs: the cells, what differs, what changed. The format is described
 * in docs/matrix.md.
 */
#include <stdlib.h>

#include "harness/record/field.h"
#include "harness/report/lines.h"
#include "harness/report/matrix_internal.h"

enum { MATRIX_VERSION = 1 };

static const char *const states[CELL_STATES] = {
	[CELL_NONE] = "none", [CELL_SKIP] = "skip",   [CELL_BROKEN] = "broken",
	[CELL_FAIL] = "fail", [CELL_MIXED] = "mixed", [CELL_PASS] = "pass",
};

static json_t *column_json(const struct matrix_column *column)
{
	json_t *records = json_array(), *counts = json_object();

	for (size_t i = 0; i < column->n_records; i++)
		json_array_append_new(records, field_text_new(column->records[i]->id));
	for (int state = CELL_NONE; state < CELL_STATES; state++)
		json_object_set_new(counts, states[state],
				    json_integer((json_int_t)column->count[state]));
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "id", field_text_new(column->id),
			 "kernel", field_text_new(column->facts->kernel), "machine",
			 field_text_new(column->facts->machine), "cgroup", column->cgroup,
			 "records", records, "counts", counts);
}

static json_t *cell_json(const struct matrix_cell *cell)
{
	STR_AUTO killed = STR_INIT;

	if (!cell || cell->state == CELL_NONE)
		return json_null();
	json_t *json = json_pack("{s:s, s:I, s:I, s:o}", "state", states[cell->state], "n",
				 (json_int_t)cell->n, "passed", (json_int_t)cell->passed, "reason",
				 field_text_new(cell->shown->reason));
	if (cell->state == CELL_SKIP)
		return json;
	compare_victims(&killed, cell->shown);
	json_object_set_new(json, "killed", field_text_new(str_text(&killed)));
	json_object_set_new(json, "elapsed_ns", field_u64_new(cell->elapsed_ns));
	return json;
}

static json_t *side_json(const struct matrix_cell *left, const struct matrix_cell *right)
{
	json_t *lines = json_array();
	struct matrix_side side;

	matrix_side_fill(&side, left, right);
	for (size_t i = 0; i < side.n; i++) {
		const struct difference *line = &side.lines[i];
		json_array_append_new(lines, json_pack("{s:o, s:o, s:o, s:s}", "what",
						       field_text_new(line->what), "left",
						       field_text_new(line->left), "right",
						       field_text_new(line->right), "weight",
						       difference_weight_name(line->weight)));
	}
	matrix_side_free(&side);
	return lines;
}

static json_t *class_json(const struct matrix *matrix, const struct matrix_row *row, size_t class)
{
	json_t *columns = json_array();

	for (size_t c = 0; c < matrix->n_columns; c++)
		if (row->class_of[c] == class)
			json_array_append_new(columns, field_text_new(matrix->columns[c].id));
	return columns;
}

static json_t *differences_json(const struct matrix *matrix, const struct matrix_row *row)
{
	json_t *all = json_array();

	for (size_t class = 0; class < row->n_classes; class ++) {
		if (class == row->reference)
			continue;
		const struct matrix_cell
			*left = &row->cells[matrix_class_first(matrix, row, row->reference)],
			*right = &row->cells[matrix_class_first(matrix, row, class)];
		json_array_append_new(all, json_pack("{s:o, s:o, s:o}", "left",
						     class_json(matrix, row, row->reference),
						     "right", class_json(matrix, row, class),
						     "lines", side_json(left, right)));
	}
	return all;
}

static json_t *row_json(const struct matrix *matrix, const struct matrix_row *row)
{
	json_t *cells = json_object();

	for (size_t c = 0; c < matrix->n_columns; c++)
		json_object_set_new(cells, matrix->columns[c].id, cell_json(&row->cells[c]));
	return json_pack("{s:o, s:b, s:b, s:o, s:o}", "name", field_text_new(row->name), "differs",
			 (int)row->differs, "slower", (int)(row->fastest != row->slowest), "cells",
			 cells, "differences", differences_json(matrix, row));
}

static json_t *change_json(const struct matrix_change *change)
{
	json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "change",
				 change_names[change->kind], "name", field_text_new(change->name),
				 "column", field_text_new(change->in->id), "baseline_kernel",
				 field_text_new(change->was_in->facts->kernel), "was",
				 cell_json(change->was), "is", cell_json(change->is));

	if (change->was && change->is)
		json_object_set_new(json, "lines", side_json(change->was, change->is));
	return json;
}

static json_t *baseline_json(const struct matrix *matrix, const struct matrix_print *print)
{
	const struct matrix_baseline *baseline = print->baseline;
	json_t *changes = json_array(), *only_now = json_array(), *only_before = json_array();

	for (size_t i = 0; i < baseline->n; i++)
		json_array_append_new(changes, change_json(&baseline->changes[i]));
	for (size_t c = 0; c < matrix->n_columns; c++)
		if (baseline->of[c] == SIZE_MAX)
			json_array_append_new(only_now, field_text_new(matrix->columns[c].id));
	for (size_t c = 0; c < baseline->base->n_columns; c++)
		if (!baseline->used[c])
			json_array_append_new(only_before,
					      field_text_new(baseline->base->columns[c].id));
	return json_pack("{s:o, s:o, s:o, s:o}", "path", field_text_new(print->baseline_path),
			 "changes", changes, "only_now", only_now, "only_before", only_before);
}

void matrix_json(struct str *out, const struct matrix *matrix, const struct matrix_print *print)
{
	json_t *columns = json_array(), *rows = json_array();

	for (size_t c = 0; c < matrix->n_columns; c++)
		json_array_append_new(columns, column_json(&matrix->columns[c]));
	for (size_t r = 0; r < matrix->n_rows; r++)
		if (matrix_row_shown(print, &matrix->rows[r]))
			json_array_append_new(rows, row_json(matrix, &matrix->rows[r]));
	json_t *all = json_pack("{s:i, s:o, s:o}", "oomlab-matrix", MATRIX_VERSION, "columns",
				columns, "rows", rows);
	if (print->baseline)
		json_object_set_new(all, "baseline", baseline_json(matrix, print));
	char *text = json_dumps(all, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	str_addf(out, "%s\n", text);
	free(text);
	json_decref(all);
}
