/*
 * The list of reporters, within report/: a new one is its file, which defines reporter_<name>,
 * and its row here.
 */
#ifndef OOMLAB_REPORTERS_H
#define OOMLAB_REPORTERS_H

#include "harness/report/report.h"

#define REPORTERS(row) row(text) row(tap) row(junit) row(json) row(stream)

#define REPORTER_DECLARE(id) extern const struct reporter reporter_##id;
REPORTERS(REPORTER_DECLARE)

#endif
