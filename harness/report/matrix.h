/*
 * Records of several kernels and cgroup versions as one table: a row a scenario, a column a kernel
 * and cgroup version, a cell the verdicts there; what differs between columns, and what against a
 * baseline. Pure: from records to data, and from that to text, Markdown and JSON.
 *
 * A matrix borrows from its records, which must outlive it.
 */
#ifndef OOMLAB_REPORT_MATRIX_H
#define OOMLAB_REPORT_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"
#include "harness/record/record.h"

/* From worse to better among those that ran. */
enum cell_state {
	CELL_NONE, /* no record of this column has the scenario */
	CELL_SKIP,
	CELL_BROKEN, /* each time */
	CELL_FAIL,   /* never passed */
	CELL_MIXED,  /* sometimes passed */
	CELL_PASS,   /* always */
};
enum { CELL_STATES = CELL_PASS + 1 };

struct matrix_cell {
	enum cell_state state;
	size_t n, passed;	    /* runs that were no skip */
	const struct result *shown; /* one of the worst; NULL: CELL_NONE */
	uint64_t elapsed_ns;	    /* mean of those that ran */
	size_t n_outcomes;	    /* distinct ones among the worst (compare.h) */
	char **outcomes;
};

struct matrix_row {
	char *name; /* without "#3" */
	struct matrix_cell *cells;
	/* Columns with the same outcome are one class, numbered from the left; those that did not
	 * run are in none (SIZE_MAX). */
	size_t *class_of;
	size_t n_classes;
	size_t reference;	 /* the class that the others are compared with */
	bool differs;		 /* in verdict or outcome; skips and gaps count */
	size_t fastest, slowest; /* columns; equal when the times do not differ by much */
};

struct matrix_column {
	const struct facts *facts; /* of its newest record */
	const char *cgroup;	   /* "v1", "v2", "hybrid", "none" */
	char *series;		   /* "6.12", longer where that would be ambiguous */
	char *id;		   /* "6.12/v2", unique */
	size_t n_records;
	const struct record **records; /* oldest first */
	size_t count[CELL_STATES];
	bool ran;	     /* at least one scenario: a column without any differs from none */
	const char *why_not; /* the first reason of those that were skipped; may be NULL */
};

/* Scenarios that did not run in some columns but did in others, by reason. */
struct matrix_absence {
	char *columns; /* "6.1/v2, 6.12/v2" */
	const char *reason;
	size_t n;
	const char **names;
};

struct matrix {
	size_t n_columns, n_rows, n_absences;
	struct matrix_column *columns; /* by kernel, then cgroup version */
	struct matrix_row *rows;       /* by name; numbers in it count as numbers */
	struct matrix_absence *absences;
};

enum matrix_merge {		   /* of records with the same kernel, machine and cgroup version */
		    MATRIX_NEWEST, /* each scenario from the newest record that has it */
		    MATRIX_SUM,	   /* rates add up */
		    MATRIX_NONE,   /* a column each */
};

struct matrix_options {
	enum matrix_merge merge;
	bool (*wanted)(void *data, const struct result *result); /* NULL: all */
	void *data;
};

struct matrix *matrix_new(const struct record *const *records, size_t n,
			  const struct matrix_options *options);
void matrix_free(struct matrix *matrix);

/* "pass", "98/100", "-". */
void matrix_cell_text(struct str *out, const struct matrix_cell *cell);
/* Same state, and at least one outcome that both had. */
bool matrix_cells_alike(const struct matrix_cell *a, const struct matrix_cell *b);
/* The first column of a class; "6.1/v1, 6.1/v2": all of them. */
size_t matrix_class_first(const struct matrix *matrix, const struct matrix_row *row, size_t class);
void matrix_class_text(struct str *out, const struct matrix *matrix, const struct matrix_row *row,
		       size_t class);

/* ---- against a baseline (matrix_baseline.c) ------------------------------------------------ */

enum change_kind {
	CHANGE_REGRESSION, /* passed, or did so more often */
	CHANGE_SKIPPED,	   /* ran before */
	CHANGE_VANISHED,   /* is not in the records any more */
	CHANGE_OTHER,	   /* another outcome, which is no regression */
	CHANGE_FIXED,	   /* passes now, or passes sometimes */
	CHANGE_NEW,	   /* the baseline does not have it */
};
enum { CHANGE_KINDS = CHANGE_NEW + 1 };
extern const char *const change_names[CHANGE_KINDS];

struct matrix_change {
	enum change_kind kind;
	const char *name;
	const struct matrix_column *was_in, *in;
	const struct matrix_cell *was, *is; /* NULL: not there */
};

struct matrix_baseline {
	const struct matrix *base;
	size_t *of; /* the base's column for each column; SIZE_MAX: it has none */
	bool *used; /* for each of the base's columns */
	size_t n;
	struct matrix_change *changes; /* by kind, then name */
	size_t n_gone;
	struct matrix_absence *gone; /* skipped and vanished, together; these: without a reason */
	size_t count[CHANGE_KINDS];
};

/* A column is held against the base's column of the same kernel, else against the newest of its
 * series; machine and cgroup version must be the same. */
void matrix_compare(const struct matrix *matrix, const struct matrix *base,
		    struct matrix_baseline *ret);
void matrix_baseline_free(struct matrix_baseline *baseline);
bool matrix_baseline_has(const struct matrix_baseline *baseline, const char *name);

/* ---- printing ------------------------------------------------------------------------------ */

struct matrix_print {
	bool colour;
	bool changed;				/* only rows that differ */
	bool table;				/* without what differs */
	int width;				/* columns; 0: unlimited */
	const char *baseline_path;		/* as given */
	const struct matrix_baseline *baseline; /* NULL: none */
};

void matrix_text(struct str *out, const struct matrix *matrix, const struct matrix_print *print);
void matrix_markdown(struct str *out, const struct matrix *matrix,
		     const struct matrix_print *print);
void matrix_json(struct str *out, const struct matrix *matrix, const struct matrix_print *print);

#endif
