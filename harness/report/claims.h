/*
 * The claims of a run as a table for people: what is said, whether it is true here, since when it
 * is not (or is). Part of the text reporter.
 */
#ifndef OOMLAB_REPORT_CLAIMS_H
#define OOMLAB_REPORT_CLAIMS_H

#include "base/str.h"
#include "harness/report/report.h"

/* Appends an empty line and the table, or where most of the run was something else (and it is not
 * verbose) their numbers; nothing when the run had no claims. */
void claims_add(struct str *out, const struct record *record, const struct report_options *options);

#endif
