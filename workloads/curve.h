/*
 * A curve of bytes over time, as monitoring exports it: CSV, linear in between, repeated from its
 * end on; and a leak beside it. Pure; for the workload 'curve' and for who predicts what it does.
 *
 * Rows are "TIME,BYTES[,BYTES...]"; also ';' or a tab between them. TIME is a time of day (06:30,
 * 06:30:15, above 24:00 too), a duration (6h, 90m), seconds, or a point in time (Unix seconds,
 * milli- to nanoseconds, 2026-11-28T06:30:00[+01:00]), which counts from the first one's midnight.
 * BYTES are sizes (80M, 1.5G) or numbers. A first row without a number at its start has the
 * columns' names; empty lines, those that begin with '#', and rows without this column's value are
 * left out.
 */
#ifndef OOMLAB_WORKLOADS_CURVE_H
#define OOMLAB_WORKLOADS_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define CURVE_DAY_NS 86400000000000ULL
/* More than any machine has, and little enough that what all roles have can be added up. */
#define CURVE_BYTES_MAX (1ULL << 56)

enum { CURVE_FILE_MAX = 64 << 20, CURVE_NAME_MAX = 32 };

struct curve_row {
	uint64_t at_ns; /* since the start of the period */
	uint64_t bytes;
};

struct curve {
	struct curve_row *points; /* rising in time */
	size_t n;
	uint64_t period_ns;
};

struct curve_leak {
	uint64_t bytes, per_ns; /* 0 bytes: none */
};

/* The column's curve, columns from 1. period_ns 0: the shortest number of whole days. -EINVAL names
 * the line. */
int curve_parse(const char *text, unsigned int column, uint64_t period_ns, struct curve *ret,
		struct err *err);
/* A file's text; -EINVAL: it is none. */
int curve_read(const char *path, struct str *out, struct err *err);
/* A file's. */
int curve_load(const char *path, unsigned int column, uint64_t period_ns, struct curve *ret,
	       struct err *err);
void curve_clear(struct curve *curve);

/* How many columns of bytes the first row has; the name of one, "" without. */
unsigned int curve_columns(const char *text);
void curve_column_name(const char *text, unsigned int column, char *buf, size_t size);

/* "12M/h": a size, and s, m, h or d. */
int curve_leak_parse(const char *text, struct curve_leak *ret, struct err *err);
/* The letter of its time. */
const char *curve_leak_unit(const struct curve_leak *leak);

uint64_t curve_at(const struct curve *curve, uint64_t t_ns);
uint64_t curve_leaked(const struct curve_leak *leak, uint64_t t_ns);
/* The next time after t at which the curve bends or jumps. */
uint64_t curve_next_corner(const struct curve *curve, uint64_t t_ns);

#endif
