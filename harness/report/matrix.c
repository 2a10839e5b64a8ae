/*
 * See matrix.h. All results become entries that are sorted by scenario and column; cells are what
 * then stands together. Columns get their names in matrix_column.c.
 */
#include "harness/report/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "harness/report/compare.h"
#include "harness/report/lines.h"
#include "harness/report/matrix_internal.h"

enum { OUTCOMES_MAX = 64 }; /* of a cell: a race with more of them has no outcome to speak of */

/* ---- entries ------------------------------------------------------------------------------- */

struct entry {
	char *name;
	size_t column, age; /* age: 0 is the newest record */
	size_t index;	    /* in its record */
	const struct result *result;
};

struct entries {
	size_t n;
	struct entry *of;
};

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strverscmp(x->name, y->name);

	if (order == 0)
		order = (x->column > y->column) - (x->column < y->column);
	if (order == 0)
		order = (x->age > y->age) - (x->age < y->age);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void add_record(struct entries *entries, const struct record *record, size_t column,
		       size_t age, const struct matrix_options *options)
{
	entries->of = mem_grow(entries->of, entries->n + record->n + 1, sizeof(*entries->of));
	for (size_t i = 0; i < record->n; i++) {
		const struct result *result = record->results[i];
		if (options->wanted && !options->wanted(options->data, result))
			continue;
		entries->of[entries->n++] = (struct entry){
			mem_printf("%.*s", (int)compare_name_length(result->name), result->name),
			column, age, i, result};
	}
}

static struct entries collect(const struct matrix *matrix, const struct matrix_options *options)
{
	struct entries entries = {0};

	for (size_t c = 0; c < matrix->n_columns; c++) {
		const struct matrix_column *column = &matrix->columns[c];
		for (size_t i = 0; i < column->n_records; i++)
			add_record(&entries, column->records[i], c, column->n_records - i - 1,
				   options);
	}
	if (entries.n)
		qsort(entries.of, entries.n, sizeof(*entries.of), by_place);
	return entries;
}

/* ---- cells --------------------------------------------------------------------------------- */

/* What is shown of several runs: a failure before a harness that broke, both before a pass. */
static int badness(enum verdict verdict)
{
	static const int of[VERDICTS] = {
		[VERDICT_SKIP] = 0, [VERDICT_PASS] = 1, [VERDICT_BROKEN] = 2, [VERDICT_FAIL] = 3};

	return of[verdict];
}

static void add_outcome(struct matrix_cell *cell, const struct result *result)
{
	struct str text = STR_INIT;

	if (cell->n_outcomes == OUTCOMES_MAX)
		return;
	compare_outcome(&text, result);
	char *outcome = str_take(&text);
	for (size_t i = 0; i < cell->n_outcomes; i++)
		if (str_eq(cell->outcomes[i], outcome)) {
			free(outcome);
			return;
		}
	cell->outcomes = mem_grow(cell->outcomes, cell->n_outcomes + 1, sizeof(char *));
	cell->outcomes[cell->n_outcomes++] = outcome;
}

static void clear_outcomes(struct matrix_cell *cell)
{
	for (size_t i = 0; i < cell->n_outcomes; i++)
		free(cell->outcomes[i]);
	free(cell->outcomes);
	cell->outcomes = NULL;
	cell->n_outcomes = 0;
}

static enum cell_state cell_state(const struct matrix_cell *cell, size_t broken)
{
	if (cell->n == 0)
		return CELL_SKIP;
	if (cell->passed == cell->n)
		return CELL_PASS;
	if (broken == cell->n)
		return CELL_BROKEN;
	return cell->passed ? CELL_MIXED : CELL_FAIL;
}

/* Of the entries of one scenario in one column. */
static void fill_cell(struct matrix_cell *cell, const struct entry *entries, size_t n)
{
	uint64_t total_ns = 0;
	size_t broken = 0;

	for (size_t i = 0; i < n; i++) {
		const struct result *result = entries[i].result;
		int worse =
			cell->shown ? badness(result->verdict) - badness(cell->shown->verdict) : 1;
		if (worse > 0) {
			clear_outcomes(cell);
			cell->shown = result;
		}
		if (worse >= 0)
			add_outcome(cell, result);
		if (result->verdict == VERDICT_SKIP)
			continue;
		cell->n++;
		cell->passed += result->verdict == VERDICT_PASS;
		broken += result->verdict == VERDICT_BROKEN;
		total_ns += line_elapsed_ns(result);
	}
	cell->state = cell_state(cell, broken);
	cell->elapsed_ns = cell->n ? total_ns / cell->n : 0;
}

void matrix_cell_text(struct str *out, const struct matrix_cell *cell)
{
	static const char *const words[CELL_STATES] = {
		[CELL_NONE] = "-",    [CELL_SKIP] = "skip", [CELL_BROKEN] = "broken",
		[CELL_FAIL] = "fail", [CELL_MIXED] = "",    [CELL_PASS] = "pass"};

	if (cell->n > 1)
		str_addf(out, "%zu/%zu", cell->passed, cell->n);
	else
		str_add(out, words[cell->state]);
}

bool matrix_cells_alike(const struct matrix_cell *a, const struct matrix_cell *b)
{
	if (a->state != b->state)
		return false;
	if (a->state == CELL_NONE)
		return true;
	for (size_t i = 0; i < a->n_outcomes; i++)
		for (size_t k = 0; k < b->n_outcomes; k++)
			if (str_eq(a->outcomes[i], b->outcomes[k]))
				return true;
	return false;
}

/* ---- rows ---------------------------------------------------------------------------------- */

static bool ran(const struct matrix_cell *cell)
{
	return cell->state > CELL_SKIP;
}

size_t matrix_class_first(const struct matrix *matrix, const struct matrix_row *row, size_t class)
{
	size_t c = 0;

	while (c + 1 < matrix->n_columns && row->class_of[c] != class)
		c++;
	return c;
}

void matrix_class_text(struct str *out, const struct matrix *matrix, const struct matrix_row *row,
		       size_t class)
{
	const char *before = "";

	for (size_t c = 0; c < matrix->n_columns; c++)
		if (row->class_of[c] == class) {
			str_addf(out, "%s%s", before, matrix->columns[c].id);
			before = ", ";
		}
}

static void classify(const struct matrix *matrix, struct matrix_row *row)
{
	for (size_t c = 0; c < matrix->n_columns; c++) {
		size_t class = 0;
		row->class_of[c] = SIZE_MAX;
		if (!ran(&row->cells[c]))
			continue;
		while (class < row->n_classes &&
		       !matrix_cells_alike(&row->cells[matrix_class_first(matrix, row, class)],
					   &row->cells[c]))
			class ++;
		row->class_of[c] = class;
		row->n_classes += class == row->n_classes;
	}
}

/* What passes is what the scenario expects; of several such, or none, the most common. */
static size_t best_class(const struct matrix *matrix, const struct matrix_row *row)
{
	size_t best = 0, best_n = 0;
	enum cell_state best_state = CELL_NONE;

	for (size_t class = 0; class < row->n_classes; class ++) {
		enum cell_state state = row->cells[matrix_class_first(matrix, row, class)].state;
		size_t n = 0;
		for (size_t c = 0; c < matrix->n_columns; c++)
			n += row->class_of[c] == class;
		if (state < best_state || (state == best_state && n <= best_n))
			continue;
		best = class;
		best_n = n;
		best_state = state;
	}
	return best;
}

static void compare_columns(const struct matrix *matrix, struct matrix_row *row)
{
	size_t gaps = 0, fastest = SIZE_MAX, slowest = SIZE_MAX;

	classify(matrix, row);
	row->reference = best_class(matrix, row);
	for (size_t c = 0; c < matrix->n_columns; c++) {
		const struct matrix_cell *cell = &row->cells[c];
		if (!ran(cell)) {
			gaps += matrix->columns[c].ran; /* where nothing ran, no row differs */
			continue;
		}
		if (fastest == SIZE_MAX || cell->elapsed_ns < row->cells[fastest].elapsed_ns)
			fastest = c;
		if (slowest == SIZE_MAX || cell->elapsed_ns > row->cells[slowest].elapsed_ns)
			slowest = c;
	}
	row->differs = row->n_classes > 1 || (row->n_classes && gaps);
	if (fastest == SIZE_MAX ||
	    !compare_slower(row->cells[fastest].elapsed_ns, row->cells[slowest].elapsed_ns))
		fastest = slowest = 0;
	row->fastest = fastest;
	row->slowest = slowest;
}

/* Entries [from, ret) are those of one scenario; of columns' older records only with MATRIX_SUM. */
static size_t fill_row(const struct matrix *matrix, struct matrix_row *row,
		       const struct entries *entries, size_t from, bool sum)
{
	size_t to = from;

	row->name = mem_dup(entries->of[from].name);
	row->cells = mem_zero(matrix->n_columns, sizeof(*row->cells));
	row->class_of = mem_zero(matrix->n_columns, sizeof(*row->class_of));
	while (to < entries->n && str_eq(entries->of[to].name, row->name)) {
		const struct entry *first = &entries->of[to];
		size_t newest = 0, n = 0;
		for (; to + n < entries->n; n++) {
			if (!str_eq(first[n].name, row->name) || first[n].column != first->column)
				break;
			newest += first[n].age == first->age;
		}
		fill_cell(&row->cells[first->column], first, sum ? n : newest);
		to += n;
	}
	return to;
}

static void count_cell(struct matrix_column *column, const struct matrix_cell *cell)
{
	column->count[cell->state]++;
	column->ran = column->ran || ran(cell);
	if (cell->state == CELL_SKIP && !column->why_not)
		column->why_not = cell->shown->reason;
}

struct matrix *matrix_new(const struct record *const *records, size_t n,
			  const struct matrix_options *options)
{
	struct matrix *matrix = mem_zero(1, sizeof(*matrix));

	matrix_columns(matrix, records, n, options->merge == MATRIX_NONE);
	struct entries entries = collect(matrix, options);
	for (size_t from = 0; from < entries.n;) {
		matrix->rows = mem_grow(matrix->rows, matrix->n_rows + 1, sizeof(*matrix->rows));
		struct matrix_row *row = &matrix->rows[matrix->n_rows++];
		*row = (struct matrix_row){0};
		from = fill_row(matrix, row, &entries, from, options->merge == MATRIX_SUM);
		for (size_t c = 0; c < matrix->n_columns; c++)
			count_cell(&matrix->columns[c], &row->cells[c]);
	}
	for (size_t r = 0; r < matrix->n_rows; r++)
		compare_columns(matrix, &matrix->rows[r]);
	for (size_t i = 0; i < entries.n; i++)
		free(entries.of[i].name);
	free(entries.of);
	matrix_absences(matrix);
	return matrix;
}

void matrix_free(struct matrix *matrix)
{
	if (!matrix)
		return;
	for (size_t r = 0; r < matrix->n_rows; r++) {
		for (size_t c = 0; c < matrix->n_columns; c++)
			clear_outcomes(&matrix->rows[r].cells[c]);
		free(matrix->rows[r].name);
		free(matrix->rows[r].cells);
		free(matrix->rows[r].class_of);
	}
	for (size_t c = 0; c < matrix->n_columns; c++) {
		free(matrix->columns[c].series);
		free(matrix->columns[c].id);
		free(matrix->columns[c].records);
	}
	matrix_absences_free(matrix->absences, matrix->n_absences);
	free(matrix->rows);
	free(matrix->columns);
	free(matrix);
}
