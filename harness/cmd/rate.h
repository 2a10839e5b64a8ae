/*
 * Pass rates of repeated scenarios with their confidence interval.
 */
#ifndef OOMLAB_CMD_RATE_H
#define OOMLAB_CMD_RATE_H

#include <stdio.h>

#include "harness/record/record.h"

/* The exact (Clopper-Pearson) two-sided 95 % interval of a proportion k of n, n > 0. */
void rate_interval(size_t k, size_t n, double *ret_low, double *ret_high);

/* One line per scenario that was repeated: "name  100/100 passed, 96.4 % to 100 %". */
void rate_print(FILE *out, const struct record *record);

#endif
