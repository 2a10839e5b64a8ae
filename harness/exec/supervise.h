/*
 * Runs many plans, each in a worker process of its own, and collects what they report. A worker
 * that dies is seen from here, outside every test group, and its result says so.
 */
#ifndef OOMLAB_EXEC_SUPERVISE_H
#define OOMLAB_EXEC_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cgroups/cg.h"
#include "harness/exec/journal.h"
#include "harness/plan/plan.h"
#include "harness/record/record.h"

/* One thing to run: a plan under a name of its own (--repeat adds "#2"). */
struct supervise_item {
	const struct plan *plan;
	char *name;
};

/* A running scenario, for a live display. */
struct supervise_row {
	const char *name;
	uint64_t began_ns;
	uint64_t usage_bytes, limit_bytes; /* of the group sampled last */
	const char *doing;		   /* last event's name; may be NULL */
};

struct supervise_options {
	struct cg_host *cg_host;
	const struct facts *facts;
	const char *hog;    /* path of oomhog */
	uint64_t seed;	    /* of the patterns of hogs; 0: none */
	const char *id;	    /* of the run: its top group is "oomlab-<id>" */
	const char *parent; /* --cgroup-parent, for the journal; NULL: none */
	size_t jobs;	    /* at most so many at once; exclusive plans run alone */
	const char *lack;   /* why nothing can be run here and all is broken; NULL: it can */
	bool timeline;	    /* trace the course of each kill, see trace.h */
	bool fail_fast;	    /* start no more after the first that fails or is broken */
	uint64_t tick_ns;   /* how often 'tick' is called; 0: never */
	/* An item begins, with its result should nothing more come; an event of it came (all
	 * borrowed). May be NULL. */
	void (*began)(void *data, const struct supervise_item *item, const struct result *blank);
	void (*event)(void *data, const char *name, const json_t *event);
	/* A result came (owned by the record). */
	void (*ended)(void *data, const struct result *result);
	void (*tick)(void *data, const struct supervise_row *rows, size_t n);
	void *data;
};

/* Adds one result per item to the record (fewer when interrupted or fail_fast, and in a virtual
 * machine, where a plan that wants one of its own is the first to run or else the end: the host
 * goes on in another). SIGINT, SIGTERM
 * and SIGHUP end it cleanly: running scenarios are taken down and reported as broken
 * ("interrupted"), record->interrupted is set; a second signal kills. Whatever happens, the run's
 * groups and host toggles are put back before it returns. Messages about what could not be
 * put back go to warnings. */
int supervise(const struct supervise_item *items, size_t n, struct record *record,
	      const struct supervise_options *options, struct str *warnings, struct err *err);

#endif
