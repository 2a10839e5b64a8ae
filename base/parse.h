/*
 * Quantities that people write, and the way we print them back. Every parser reads the whole
 * text: anything left over is an error that shows the text and an example.
 */
#ifndef OOMLAB_BASE_PARSE_H
#define OOMLAB_BASE_PARSE_H

#include <stdint.h>

#include "base/err.h"

enum { PARSE_TEXT_MAX = 32 };

/* Bytes: a decimal number (a fraction is allowed: 1.5G) with an optional binary suffix
 * K M G T P (KiB, KB, k as well: all mean 1024, as in the kernel's memparse), or "pages" for
 * this machine's page size: "4087pages". "max" is UINT64_MAX. */
int parse_size(const char *text, uint64_t *ret_bytes, struct err *err);

/* Nanoseconds: number and one of ns us ms s m h, e.g. "100ms", "1.5s". A bare 0 is allowed. */
int parse_duration(const char *text, uint64_t *ret_ns, struct err *err);

/* A decimal integer within [min, max]. */
int parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err);
int parse_u64(const char *text, uint64_t max, uint64_t *ret, struct err *err);

/* "50%" -> 50.0; within [0, 10000]. */
int parse_percent(const char *text, double *ret, struct err *err);

/* true: yes on true 1 enabled; false: no off false 0 disabled. */
int parse_bool(const char *text, int *ret, struct err *err);

/* The shortest exact binary form: 83886080 -> "80M", 1234 -> "1234", UINT64_MAX -> "max".
 * buf must hold PARSE_TEXT_MAX bytes; returns buf. */
const char *format_size(uint64_t bytes, char *buf);

/* For people: three significant digits: "79.8M", "1.21G". */
const char *format_size_short(uint64_t bytes, char *buf);

/* For people: "17.3ms", "850us", "2.04s". */
const char *format_duration(uint64_t ns, char *buf);

#endif
