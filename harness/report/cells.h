/*
 * Rows of cells whose text is broken at spaces to fit their columns. All text must be clean
 * (record/text.h). Used by the table of claims and by the matrix.
 */
#ifndef OOMLAB_REPORT_CELLS_H
#define OOMLAB_REPORT_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { CELLS_MAX = 8, CELLS_GAP = 2 };

struct cells {
	size_t n;
	size_t width[CELLS_MAX];
	size_t hang;	/* the first cell's second line and those after it begin this far right */
	bool break_any; /* words that are longer than their cell are broken, too */
};

void cells_spaces(struct str *out, size_t n);

/* Appends the first words of *rest that fit into 'width' and moves *rest behind them. A word that
 * is longer than that is not broken. Returns the columns it took. */
size_t cells_words(struct str *out, const char **rest, size_t width);

/* Appends one row of as many lines as it takes. 'colour' (an escape sequence) or NULL. */
void cells_row(struct str *out, const struct cells *cells, const char *const *texts,
	       const char *colour);

#endif
