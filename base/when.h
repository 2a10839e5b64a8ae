/*
 * Points in time as people write them. See when.c for the forms.
 */
#ifndef OOMLAB_BASE_WHEN_H
#define OOMLAB_BASE_WHEN_H

#include <stdint.h>

#include "base/err.h"

/* Microseconds since 1970. 'now' is what "1h ago" counts from. Times without a zone are local. */
int parse_when(const char *text, int64_t now_unix_us, int64_t *ret_unix_us, struct err *err);

#endif
