/*
 * What the files of the matrix share.
 */
#ifndef OOMLAB_REPORT_MATRIX_INTERNAL_H
#define OOMLAB_REPORT_MATRIX_INTERNAL_H

#include "harness/report/compare.h"
#include "harness/report/matrix.h"

/* Sorts records into columns and names these. 'each': a column a record. */
void matrix_columns(struct matrix *matrix, const struct record *const *records, size_t n,
		    bool each);
/* Length of the "6.12" that a kernel's release begins with; all of it when it is no number. */
size_t matrix_series_length(const char *release);
/* Collects what did not run where other columns did. */
void matrix_absences(struct matrix *matrix);
/* Adds a name to those with the same columns (taken over) and reason. */
void matrix_absence_add(struct matrix_absence **list, size_t *n, char *columns, const char *reason,
			const char *name);
void matrix_absences_free(struct matrix_absence *list, size_t n);

/* ---- the same words in every format (matrix_words.c) --------------------------------------- */

/* By matrix_print.changed. */
bool matrix_row_shown(const struct matrix_print *print, const struct matrix_row *row);

/* Two cells side by side: what differs, and verdict, victims and time in any case. */
struct matrix_side {
	size_t n;
	struct difference *lines; /* owned */
};
void matrix_side_fill(struct matrix_side *ret, const struct matrix_cell *left,
		      const struct matrix_cell *right);
void matrix_side_free(struct matrix_side *side);

/* "6.1.0-56-cloud-amd64, x86_64, cgroup v2: 46 pass, 13 fail, 41 skip; 20261128T002155Z-vm" */
void matrix_column_text(struct str *out, const struct matrix_column *column);
/* "limits/x: 5.10/v1 44.1ms, 6.1/v2 360ms (8.2 times)"; false: no such difference. */
bool matrix_times_text(struct str *out, const struct matrix *matrix, const struct matrix_row *row);
/* "regression: limits/x on 6.1/v2: pass before, fail now" */
/* What is new is only counted, what is gone stands in lists of its own. */
bool matrix_change_told(const struct matrix_change *change);
void matrix_change_text(struct str *out, const struct matrix_change *change);
/* A line each: columns compared with another kernel's, columns that only one of the two has. */
void matrix_baseline_notes(struct str *out, const struct matrix *matrix,
			   const struct matrix_baseline *baseline);
/* "newly skipped on 6.1/v2, 7.3/v2: needs swap"; "vanished from 6.1/v2" */
void matrix_gone_text(struct str *out, const struct matrix_absence *gone);
/* "2 regressions, 1 newly skipped", "nothing changed"; no newline. */
void matrix_baseline_sums(struct str *out, const struct matrix_baseline *baseline);

#endif
