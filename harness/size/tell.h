/*
 * The result of 'oomlab size' as text for people and as JSON (docs/size.md describes it). Pure.
 */
#ifndef OOMLAB_SIZE_TELL_H
#define OOMLAB_SIZE_TELL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"
#include "harness/size/measure.h"

/* What holds for the numbers, read once by the command. */
struct size_facts {
	const char *kernel, *groups, *thp; /* thp: "always", "madvise", "never", or "" */
	bool has_swap, swap;
	bool cold; /* inputs were given to be evicted */
};

struct tell_view {
	int width; /* columns; 0: no terminal, no chart */
	bool colour, unicode;
};

void tell_text(const struct size_report *report, const struct size_options *options,
	       const struct size_facts *facts, const struct tell_view *view, struct str *out);
json_t *tell_json(const struct size_report *report, const struct size_options *options,
		  const struct size_facts *facts);
/* The word of a trouble in JSON: "fails", "too_large", ... */
const char *tell_trouble_word(enum size_trouble trouble);

#endif
