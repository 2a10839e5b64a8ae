/*
 * A matrix held against an older one: which cells got worse, vanished, are skipped now, got better.
 * A regression is what passed and does not pass now; a skip and a scenario that is gone are told,
 * but whether they count is the caller's business.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/report/matrix_internal.h"

const char *const change_names[CHANGE_KINDS] = {
	[CHANGE_REGRESSION] = "regression", [CHANGE_SKIPPED] = "newly skipped",
	[CHANGE_VANISHED] = "vanished",	    [CHANGE_OTHER] = "changed",
	[CHANGE_FIXED] = "better",	    [CHANGE_NEW] = "new",
};

/* ---- which column with which --------------------------------------------------------------- */

static bool same_series(const char *a, const char *b)
{
	size_t len = matrix_series_length(a);

	return len == matrix_series_length(b) && memcmp(a, b, len) == 0;
}

static size_t base_column(const struct matrix *base, const struct matrix_column *column)
{
	size_t found = SIZE_MAX;

	for (size_t c = 0; c < base->n_columns; c++) {
		const struct matrix_column *old = &base->columns[c];
		if (!str_eq(old->cgroup, column->cgroup) ||
		    !str_eq(old->facts->machine, column->facts->machine))
			continue;
		if (str_eq(old->facts->kernel, column->facts->kernel))
			return c;
		if (same_series(old->facts->kernel, column->facts->kernel))
			found = c; /* they are sorted: the last one is the newest */
	}
	return found;
}

/* ---- which row with which ------------------------------------------------------------------ */

static int by_row_name(const void *name, const void *row)
{
	return strverscmp(name, ((const struct matrix_row *)row)->name);
}

static const struct matrix_cell *find_cell(const struct matrix *matrix, const char *name,
					   size_t column)
{
	const struct matrix_row *row = matrix->n_rows ? bsearch(name, matrix->rows, matrix->n_rows,
								sizeof(*row), by_row_name)
						      : NULL;

	return row && row->cells[column].state != CELL_NONE ? &row->cells[column] : NULL;
}

static enum change_kind kind_of(const struct matrix_cell *was, const struct matrix_cell *is)
{
	bool ran_before = was && was->state > CELL_SKIP;

	if (!was)
		return CHANGE_NEW;
	if (!is)
		return CHANGE_VANISHED;
	if (is->state == CELL_SKIP)
		return ran_before ? CHANGE_SKIPPED : CHANGE_OTHER;
	if (ran_before && was->state >= CELL_MIXED && is->state < was->state)
		return CHANGE_REGRESSION;
	return is->state >= CELL_MIXED && is->state > was->state ? CHANGE_FIXED : CHANGE_OTHER;
}

static void compare_cells(struct matrix_baseline *baseline, const char *name,
			  const struct matrix_column *was_in, const struct matrix_column *in,
			  const struct matrix_cell *was, const struct matrix_cell *is)
{
	if (was && is && matrix_cells_alike(was, is))
		return;
	/* Neither a race that goes on as one nor one more reason to skip is worth a word. */
	if (was && is && was->state == is->state &&
	    (is->state == CELL_MIXED || is->state == CELL_SKIP))
		return;
	enum change_kind kind = kind_of(was, is);
	baseline->changes =
		mem_grow(baseline->changes, baseline->n + 1, sizeof(*baseline->changes));
	baseline->changes[baseline->n++] = (struct matrix_change){kind, name, was_in, in, was, is};
	baseline->count[kind]++;
}

static void compare_columns(struct matrix_baseline *baseline, const struct matrix *matrix,
			    size_t column)
{
	const struct matrix *base = baseline->base;
	size_t of = baseline->of[column];

	if (of == SIZE_MAX)
		return;
	const struct matrix_column *in = &matrix->columns[column], *was_in = &base->columns[of];
	baseline->used[of] = true;
	for (size_t r = 0; r < matrix->n_rows; r++) {
		const struct matrix_row *row = &matrix->rows[r];
		const struct matrix_cell *is = &row->cells[column];
		if (is->state == CELL_NONE)
			continue;
		compare_cells(baseline, row->name, was_in, in, find_cell(base, row->name, of), is);
	}
	for (size_t r = 0; r < base->n_rows; r++) {
		const struct matrix_row *row = &base->rows[r];
		const struct matrix_cell *was = &row->cells[of];
		if (was->state != CELL_NONE && !find_cell(matrix, row->name, column))
			compare_cells(baseline, row->name, was_in, in, was, NULL);
	}
}

static int by_kind(const void *a, const void *b)
{
	const struct matrix_change *x = a, *y = b;
	int order = (int)x->kind - (int)y->kind;

	if (order == 0)
		order = strverscmp(x->name, y->name);
	return order ? order : strverscmp(x->in->id, y->in->id);
}

static bool is_gone(const struct matrix_change *change)
{
	return change->kind == CHANGE_SKIPPED || change->kind == CHANGE_VANISHED;
}

static const char *why_gone(const struct matrix_change *change)
{
	if (change->kind == CHANGE_VANISHED)
		return "";
	return change->is->shown->reason ? change->is->shown->reason : "skipped";
}

static bool same_gone(const struct matrix_change *a, const struct matrix_change *b)
{
	return a->kind == b->kind && str_eq(a->name, b->name) && str_eq(why_gone(a), why_gone(b));
}

/* They often go in crowds: a feature that a machine lacks, a suite that was not run. */
static void collect_gone(struct matrix_baseline *baseline)
{
	for (size_t i = 0, n; i < baseline->n; i += n) {
		const struct matrix_change *first = &baseline->changes[i];
		struct str columns = STR_INIT;
		n = 1;
		if (!is_gone(first))
			continue;
		str_add(&columns, first->in->id);
		for (; i + n < baseline->n && same_gone(first, &first[n]); n++)
			str_addf(&columns, ", %s", first[n].in->id);
		matrix_absence_add(&baseline->gone, &baseline->n_gone, str_take(&columns),
				   why_gone(first), first->name);
	}
}

void matrix_compare(const struct matrix *matrix, const struct matrix *base,
		    struct matrix_baseline *ret)
{
	*ret = (struct matrix_baseline){
		.base = base,
		.of = mem_zero(matrix->n_columns + 1, sizeof(size_t)),
		.used = mem_zero(base->n_columns + 1, sizeof(bool)),
	};
	for (size_t c = 0; c < matrix->n_columns; c++) {
		ret->of[c] = base_column(base, &matrix->columns[c]);
		compare_columns(ret, matrix, c);
	}
	if (ret->n)
		qsort(ret->changes, ret->n, sizeof(*ret->changes), by_kind);
	collect_gone(ret);
}

void matrix_baseline_free(struct matrix_baseline *baseline)
{
	free(baseline->of);
	free(baseline->used);
	free(baseline->changes);
	matrix_absences_free(baseline->gone, baseline->n_gone);
	*baseline = (struct matrix_baseline){0};
}

bool matrix_baseline_has(const struct matrix_baseline *baseline, const char *name)
{
	for (size_t i = 0; i < baseline->n; i++)
		if (baseline->changes[i].kind != CHANGE_NEW &&
		    str_eq(baseline->changes[i].name, name))
			return true;
	return false;
}
