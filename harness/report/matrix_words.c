/*
 * The words of a matrix that text and Markdown share, and the lines of two cells side by side,
 * which all formats do. Cleaned (record/text.h).
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "harness/record/text.h"
#include "harness/report/matrix_internal.h"

bool matrix_row_shown(const struct matrix_print *print, const struct matrix_row *row)
{
	return !print->changed || row->differs ||
	       (print->baseline && matrix_baseline_has(print->baseline, row->name));
}

/* ---- side by side -------------------------------------------------------------------------- */

static void insert(struct matrix_side *side, size_t at, const char *what, const char *left,
		   const char *right, enum difference_weight weight)
{
	side->lines = mem_grow(side->lines, side->n + 1, sizeof(*side->lines));
	memmove(&side->lines[at + 1], &side->lines[at], (side->n - at) * sizeof(*side->lines));
	side->lines[at] = (struct difference){mem_dup(what), mem_dup(left), mem_dup(right), weight};
	side->n++;
}

static size_t find(const struct matrix_side *side, const char *what)
{
	for (size_t i = 0; i < side->n; i++)
		if (str_eq(side->lines[i].what, what))
			return i;
	return SIZE_MAX;
}

/* Of repeated runs the rate, not the verdict of the one that is shown. */
static void set_verdict(struct matrix_side *side, const struct matrix_cell *left,
			const struct matrix_cell *right)
{
	STR_AUTO a = STR_INIT;
	STR_AUTO b = STR_INIT;
	size_t at = find(side, "verdict");

	matrix_cell_text(&a, left);
	matrix_cell_text(&b, right);
	if (at == SIZE_MAX) {
		insert(side, 0, "verdict", str_text(&a), str_text(&b),
		       left->state == right->state ? DIFFERENCE_DETAIL : DIFFERENCE_OUTCOME);
		return;
	}
	free(side->lines[at].left);
	free(side->lines[at].right);
	side->lines[at].left = str_take(&a);
	side->lines[at].right = str_take(&b);
}

static void set_victims(struct matrix_side *side, const struct matrix_cell *left,
			const struct matrix_cell *right)
{
	STR_AUTO a = STR_INIT;
	STR_AUTO b = STR_INIT;

	if (find(side, "killed") != SIZE_MAX)
		return;
	compare_victims(&a, left->shown);
	compare_victims(&b, right->shown);
	insert(side, 1, "killed", str_text(&a), str_text(&b), DIFFERENCE_DETAIL);
}

static void set_time(struct matrix_side *side, const struct matrix_cell *left,
		     const struct matrix_cell *right)
{
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	if (find(side, "time") == SIZE_MAX)
		insert(side, side->n, "time", format_duration(left->elapsed_ns, a),
		       format_duration(right->elapsed_ns, b), DIFFERENCE_DETAIL);
}

void matrix_side_fill(struct matrix_side *ret, const struct matrix_cell *left,
		      const struct matrix_cell *right)
{
	struct comparison comparison;

	result_compare(left->shown, right->shown, &comparison);
	*ret = (struct matrix_side){comparison.n, comparison.list};
	set_verdict(ret, left, right);
	if (left->state == CELL_SKIP || right->state == CELL_SKIP)
		return;
	set_victims(ret, left, right);
	set_time(ret, left, right);
}

void matrix_side_free(struct matrix_side *side)
{
	struct comparison comparison = {side->n, side->lines};

	comparison_free(&comparison);
	*side = (struct matrix_side){0};
}

/* ---- columns ------------------------------------------------------------------------------- */

static void add_records(struct str *out, const struct matrix_column *column)
{
	enum { SHOWN = 3 };
	size_t first = column->n_records > SHOWN ? column->n_records - SHOWN : 0;

	if (first)
		str_addf(out, "; %zu records, the last of them", column->n_records);
	for (size_t i = first; i < column->n_records; i++) {
		const struct record *record = column->records[i];
		str_add(out, i > first ? ", " : first ? " " : "; ");
		text_clean(out, record->id && *record->id ? record->id : "a record without id");
		if (record->n < record->planned || record->interrupted)
			str_addf(out, " (incomplete: %zu of %zu)", record->n, record->planned);
	}
}

void matrix_column_text(struct str *out, const struct matrix_column *column)
{
	static const struct {
		enum cell_state state;
		const char *word;
	} counts[] = {{CELL_PASS, "pass"},
		      {CELL_MIXED, "sometimes pass"},
		      {CELL_FAIL, "fail"},
		      {CELL_BROKEN, "broken"},
		      {CELL_SKIP, "skip"}};
	const char *before = ": ";

	text_clean(out, column->facts->kernel);
	str_add(out, ", ");
	text_clean(out, column->facts->machine);
	if (str_eq(column->cgroup, "none"))
		str_add(out, ", no memory controller");
	else
		str_addf(out, ", cgroup %s", column->cgroup);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (!column->count[counts[i].state])
			continue;
		str_addf(out, "%s%zu %s", before, column->count[counts[i].state], counts[i].word);
		before = ", ";
	}
	if (!column->ran && column->why_not) {
		MEM_AUTO char *why =
			mem_printf("%.*s", (int)strcspn(column->why_not, ";"), column->why_not);
		str_add(out, ", the first because it ");
		text_clean(out, why);
	}
	add_records(out, column);
}

bool matrix_times_text(struct str *out, const struct matrix *matrix, const struct matrix_row *row)
{
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	/* Where the outcome differs, the time is told beside it. */
	if (row->fastest == row->slowest ||
	    row->class_of[row->fastest] != row->class_of[row->slowest])
		return false;
	uint64_t less = row->cells[row->fastest].elapsed_ns,
		 more = row->cells[row->slowest].elapsed_ns;
	text_clean(out, row->name);
	str_addf(out, ": %s %s, %s %s (%.1f times)", matrix->columns[row->fastest].id,
		 format_duration(less, a), matrix->columns[row->slowest].id,
		 format_duration(more, b), (double)more / (double)less);
	return true;
}

/* ---- the baseline -------------------------------------------------------------------------- */

bool matrix_change_told(const struct matrix_change *change)
{
	return change->kind != CHANGE_NEW && change->kind != CHANGE_SKIPPED &&
	       change->kind != CHANGE_VANISHED;
}

void matrix_change_text(struct str *out, const struct matrix_change *change)
{
	str_addf(out, "%s: ", change_names[change->kind]);
	text_clean(out, change->name);
	str_addf(out, " on %s: ", change->in->id);
	if (change->was && change->is && change->was->state == change->is->state) {
		matrix_cell_text(out, change->is);
		str_add(out, " as before, but not in the same way");
		return;
	}
	if (change->was) {
		matrix_cell_text(out, change->was);
		str_add(out, " before, ");
	}
	if (change->is) {
		matrix_cell_text(out, change->is);
		str_add(out, " now");
	}
}

void matrix_gone_text(struct str *out, const struct matrix_absence *gone)
{
	bool skipped = *gone->reason != '\0';

	str_addf(out, "%s %s", skipped ? "newly skipped on" : "vanished from", gone->columns);
	str_add(out, skipped ? ": " : "");
	text_clean(out, gone->reason);
}

void matrix_baseline_notes(struct str *out, const struct matrix *matrix,
			   const struct matrix_baseline *baseline)
{
	for (size_t c = 0; c < matrix->n_columns; c++) {
		const struct matrix_column *column = &matrix->columns[c];
		size_t of = baseline->of[c];
		if (of == SIZE_MAX) {
			str_addf(out, "%s: the baseline has nothing like it\n", column->id);
			continue;
		}
		const struct facts *facts = baseline->base->columns[of].facts;
		if (str_eq(facts->kernel, column->facts->kernel))
			continue;
		str_addf(out, "%s is held against ", column->id);
		text_clean(out, facts->kernel);
		str_add(out, "\n");
	}
	for (size_t c = 0; c < baseline->base->n_columns; c++)
		if (!baseline->used[c])
			str_addf(out, "%s of the baseline is not in the records\n",
				 baseline->base->columns[c].id);
}

void matrix_baseline_sums(struct str *out, const struct matrix_baseline *baseline)
{
	static const char *const plural[CHANGE_KINDS] = {[CHANGE_REGRESSION] = "s"};
	const char *before = "";

	for (int kind = 0; kind < CHANGE_KINDS; kind++) {
		size_t n = baseline->count[kind];
		if (!n)
			continue;
		str_addf(out, "%s%zu %s%s", before, n, change_names[kind],
			 n > 1 && plural[kind] ? plural[kind] : "");
		before = ", ";
	}
	if (!baseline->n)
		str_add(out, "nothing changed");
}
