/*
 * The columns of a matrix: which records belong together, their order and their names, which are
 * as short as they can be without being ambiguous. Also what is absent in some of them.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/report/matrix_internal.h"

/* ---- which records ------------------------------------------------------------------------- */

static const char *cgroup_name(const struct facts *facts)
{
	if (facts->memory_version == 2)
		return "v2";
	if (facts->memory_version == 1)
		return facts->twin ? "hybrid" : "v1";
	return "none";
}

static bool same_column(const struct matrix_column *column, const struct record *record)
{
	return str_eq(column->facts->kernel, record->facts.kernel) &&
	       str_eq(column->facts->machine, record->facts.machine) &&
	       str_eq(column->cgroup, cgroup_name(&record->facts));
}

static struct matrix_column *column_of(struct matrix *matrix, const struct record *record,
				       bool each)
{
	for (size_t c = 0; c < matrix->n_columns && !each; c++)
		if (same_column(&matrix->columns[c], record))
			return &matrix->columns[c];
	matrix->columns =
		mem_grow(matrix->columns, matrix->n_columns + 1, sizeof(*matrix->columns));
	struct matrix_column *column = &matrix->columns[matrix->n_columns++];
	*column = (struct matrix_column){.cgroup = cgroup_name(&record->facts)};
	return column;
}

static int by_kernel(const void *a, const void *b)
{
	const struct matrix_column *x = a, *y = b;
	int order = strverscmp(x->facts->kernel, y->facts->kernel);

	if (order == 0)
		order = strcmp(x->facts->machine, y->facts->machine);
	if (order == 0)
		order = strcmp(x->cgroup, y->cgroup);
	if (order == 0 && x->records[0]->began_unix_ns != y->records[0]->began_unix_ns)
		order = x->records[0]->began_unix_ns > y->records[0]->began_unix_ns ? 1 : -1;
	return order;
}

/* Stable: of two that began at the same moment (machines with a fixed clock), the one that was
 * named later counts as the newer. */
static const struct record **by_age(const struct record *const *records, size_t n)
{
	const struct record **sorted = mem_zero(n + 1, sizeof(struct record *));

	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && sorted[at - 1]->began_unix_ns > records[i]->began_unix_ns; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = records[i];
	}
	return sorted;
}

/* ---- names --------------------------------------------------------------------------------- */

size_t matrix_series_length(const char *release)
{
	size_t major = strspn(release, "0123456789");
	size_t minor = release[major] == '.' ? strspn(release + major + 1, "0123456789") : 0;

	return major && minor ? major + 1 + minor : strlen(release);
}

enum { NAME_SERIES, NAME_VERSION, NAME_RELEASE, NAME_MACHINE, NAME_LEVELS };

/* "6.12", "6.12.118", "6.12.118+deb13-cloud-amd64", the same with ",x86_64". */
static char *series_at(const struct facts *facts, int level)
{
	const char *release = facts->kernel;
	size_t len = strlen(release);

	if (level == NAME_SERIES)
		len = matrix_series_length(release);
	else if (level == NAME_VERSION)
		len = strspn(release, "0123456789.");
	return level == NAME_MACHINE
		       ? mem_printf("%s,%s", release, facts->machine)
		       : mem_printf("%.*s", (int)(len ? len : strlen(release)), release);
}

static bool same_name(const struct matrix_column *a, const struct matrix_column *b)
{
	return str_eq(a->series, b->series) && str_eq(a->cgroup, b->cgroup);
}

/* Marks those that share their name; returns whether any do. */
static bool ambiguous(const struct matrix *matrix, bool *marked)
{
	bool any = false;

	for (size_t a = 0; a < matrix->n_columns; a++)
		for (size_t b = 0; b < a; b++)
			if (same_name(&matrix->columns[a], &matrix->columns[b]))
				any = marked[a] = marked[b] = true;
	return any;
}

/* Those that even the longest name does not tell apart (MATRIX_NONE) are numbered, the oldest of a
 * kernel first. */
static void number(struct matrix *matrix, const bool *marked)
{
	MEM_AUTO char **names = mem_zero(matrix->n_columns + 1, sizeof(char *));

	for (size_t c = 0; c < matrix->n_columns; c++) {
		struct matrix_column *column = &matrix->columns[c];
		size_t n = 1;
		if (!marked[c])
			continue;
		names[c] = series_at(column->facts, NAME_SERIES);
		for (size_t k = 0; k < c; k++)
			n += str_eq(names[k], names[c]) &&
			     str_eq(matrix->columns[k].cgroup, column->cgroup);
		free(column->series);
		column->series = mem_printf("%s#%zu", names[c], n);
	}
	for (size_t c = 0; c < matrix->n_columns; c++)
		free(names[c]);
}

static void name_columns(struct matrix *matrix)
{
	MEM_AUTO bool *marked = mem_zero(matrix->n_columns + 1, sizeof(bool));

	for (size_t c = 0; c < matrix->n_columns; c++)
		matrix->columns[c].series = series_at(matrix->columns[c].facts, NAME_SERIES);
	for (int level = NAME_VERSION; level < NAME_LEVELS && ambiguous(matrix, marked); level++)
		for (size_t c = 0; c < matrix->n_columns; c++) {
			if (!marked[c])
				continue;
			free(matrix->columns[c].series);
			matrix->columns[c].series = series_at(matrix->columns[c].facts, level);
			marked[c] = false;
		}
	if (ambiguous(matrix, marked))
		number(matrix, marked);
	for (size_t c = 0; c < matrix->n_columns; c++)
		matrix->columns[c].id =
			mem_printf("%s/%s", matrix->columns[c].series, matrix->columns[c].cgroup);
}

void matrix_columns(struct matrix *matrix, const struct record *const *records, size_t n, bool each)
{
	MEM_AUTO const struct record **sorted = by_age(records, n);

	for (size_t i = 0; i < n; i++) {
		struct matrix_column *column = column_of(matrix, sorted[i], each);
		column->facts = &sorted[i]->facts;
		column->records =
			mem_grow(column->records, column->n_records + 1, sizeof(struct record *));
		column->records[column->n_records++] = sorted[i];
	}
	if (matrix->n_columns)
		qsort(matrix->columns, matrix->n_columns, sizeof(*matrix->columns), by_kernel);
	name_columns(matrix);
}

/* ---- what is absent ------------------------------------------------------------------------ */

static const char *reason_of(const struct matrix_cell *cell)
{
	if (cell->state == CELL_NONE)
		return "not in these records";
	if (cell->state == CELL_SKIP)
		return cell->shown->reason ? cell->shown->reason : "skipped";
	return NULL; /* it ran */
}

void matrix_absence_add(struct matrix_absence **list, size_t *n, char *columns, const char *reason,
			const char *name)
{
	size_t i = 0;

	while (i < *n &&
	       !(str_eq((*list)[i].columns, columns) && str_eq((*list)[i].reason, reason)))
		i++;
	if (i == *n) {
		*list = mem_grow(*list, ++*n, sizeof(**list));
		(*list)[i] = (struct matrix_absence){columns, reason, 0, NULL};
	} else {
		free(columns);
	}
	struct matrix_absence *absence = &(*list)[i];
	absence->names = mem_grow(absence->names, absence->n + 1, sizeof(char *));
	absence->names[absence->n++] = name;
}

void matrix_absences_free(struct matrix_absence *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].columns);
		free(list[i].names);
	}
	free(list);
}

static void absences_of(struct matrix *matrix, const struct matrix_row *row)
{
	for (size_t c = 0; c < matrix->n_columns; c++) {
		const char *reason = matrix->columns[c].ran ? reason_of(&row->cells[c]) : NULL;
		struct str columns = STR_INIT;
		bool told = false;
		for (size_t k = 0; k < matrix->n_columns && reason; k++) {
			if (!matrix->columns[k].ran || !str_eq(reason_of(&row->cells[k]), reason))
				continue;
			told = told || k < c;
			str_addf(&columns, "%s%s", columns.len ? ", " : "", matrix->columns[k].id);
		}
		if (reason && !told)
			matrix_absence_add(&matrix->absences, &matrix->n_absences,
					   str_take(&columns), reason, row->name);
		str_free(&columns);
	}
}

void matrix_absences(struct matrix *matrix)
{
	for (size_t r = 0; r < matrix->n_rows; r++)
		if (matrix->rows[r].differs)
			absences_of(matrix, &matrix->rows[r]);
}
