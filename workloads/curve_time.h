/*
 * The times in a curve's file, in the ways that people and programs write them. Pure.
 */
#ifndef OOMLAB_WORKLOADS_CURVE_TIME_H
#define OOMLAB_WORKLOADS_CURVE_TIME_H

#include <stdbool.h>

enum { TIME_DAY_SECONDS = 86400 };

/* What a row's time is; all rows of a file have the same. */
enum time_kind { TIME_NONE, TIME_SPAN, TIME_LOCAL, TIME_ZONED };

struct curve_time {
	enum time_kind kind;
	double seconds; /* since 1970 on its zone's clock, or since the start */
	int zone_s;	/* east of Greenwich */
};

/* False: it is none. */
bool time_parse(const char *text, struct curve_time *ret);
/* 123, 1.5, 1.5e+08, and nothing else. */
bool time_number(const char *text, double *ret);

#endif
