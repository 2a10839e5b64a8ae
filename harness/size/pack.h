/*
 * The whole of 'oomlab pack': how many copies of a command fit side by side in a given memory.
 * What one and two copies have predicts a number; what is answered has been run: so many copies
 * passed at once under the hard limit, and one more did not.
 */
#ifndef OOMLAB_SIZE_PACK_H
#define OOMLAB_SIZE_PACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/size/measure.h"
#include "harness/size/pack_run.h"
#include "harness/size/pack_search.h"
#include "harness/size/tell.h"

struct pack_plan {
	uint64_t memory_bytes;
	uint64_t most;	 /* copies, at most */
	uint64_t repeat; /* passes in a row that the answer needs */
	const char *mark;
	bool estimate; /* run a few copies alone, and compute the rest */
};

struct pack_report {
	bool found;
	uint64_t copies;
	bool at_most;		  /* 'most' passed: more may fit */
	bool any_output;	  /* it differs by itself: only the exit status was compared */
	uint64_t predicted;	  /* from one and two; 0: not done */
	struct pack_line line;	  /* should all peaks meet: from one and the most that passed */
	struct pack_result one;	  /* alone, without a limit */
	struct pack_result *runs; /* in their order; those without a limit first */
	size_t n_runs, n_free;	  /* the latter: without a limit */
	long cpus;
};

/* Trouble is in 'size', whose free run is one copy's. Negative only when the harness could not do
 * its part. options->max_bytes: what can be risked here. */
int size_pack(struct size_lab *lab, const struct size_options *options,
	      const struct pack_plan *plan, struct size_report *size, struct pack_report *report,
	      struct err *err);
void pack_report_clear(struct pack_report *report);

/* The largest run that passed, under the limit or, of an estimate, without; NULL: none. Pure. */
const struct pack_result *pack_best(const struct pack_report *report);
/* How many runs with so many copies under the limit, and how many passed. Pure. */
size_t pack_count(const struct pack_report *report, uint64_t copies, size_t *ret_passed);
/* How many fit by the line, should all peaks meet, with 'percent' of the memory left; never more
 * than have passed. Pure. */
uint64_t pack_sure(const struct pack_report *report, const struct pack_plan *plan,
		   uint64_t percent);
/* Whether the copies of that run were all at their peak at once, about; pure. */
bool pack_peaks_met(const struct pack_report *report, const struct pack_result *run);

/* pack_tell.c, pack_json.c */
void pack_text(const struct pack_report *report, const struct size_report *size,
	       const struct pack_plan *plan, const struct size_facts *facts,
	       const struct tell_view *view, struct str *out);
json_t *pack_json(const struct pack_report *report, const struct size_report *size,
		  const struct pack_plan *plan, const struct size_options *options,
		  const struct size_facts *facts);

#endif
