/*
 * The result of 'oomlab curve' as text and as JSON (docs/curve.md). Pure.
 */
#ifndef OOMLAB_CURVE_TELL_H
#define OOMLAB_CURVE_TELL_H

#include <jansson.h>

#include "base/str.h"
#include "harness/curve/curve_play.h"

struct curve_report {
	const struct curve_load_set *set;
	const struct play_options *options;
	const struct forecast
		*forecast;		/* with the base that was measured; of a dry run: without */
	const struct play_result *play; /* NULL: a dry run */
	const char *kernel, *groups;
};

struct curve_view {
	int width; /* columns of the chart; 0: none */
	bool colour, unicode;
};

/* "day 3, 14:07": days from 1. */
const char *curve_time(uint64_t t_ns, char *buf, size_t size);

void play_text(const struct curve_report *report, const struct curve_view *view, struct str *out);
json_t *play_json(const struct curve_report *report);

#endif
