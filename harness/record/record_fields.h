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
/* Appends it as ASCII. What is no UTF-8 in it is changed to text that is. */
void record_dump_json(json_t *json, size_t flags, struct str *out);

#endif
