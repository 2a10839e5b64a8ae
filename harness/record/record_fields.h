/*
 * The tables behind record.h, within record/ and for the test that holds results/README.md
 * against them.
 */
#ifndef OOMLAB_RECORD_FIELDS_H
#define OOMLAB_RECORD_FIELDS_H

#include "harness/record/field.h"

enum { RECORD_VERSION = 1 };

const struct field *result_rows(void);
const struct field *record_rows(void);

#endif
