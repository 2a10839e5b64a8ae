/*
 * Runs one plan in this process: makes its groups, spawns its tasks, does its steps, judges its
 * expectations, and takes everything down again. Called in a worker process by supervise.c.
 */
#ifndef OOMLAB_EXEC_RUNNER_H
#define OOMLAB_EXEC_RUNNER_H

#include "base/err.h"
#include "cgroups/cg.h"
#include "harness/exec/host.h"
#include "harness/plan/plan.h"
#include "harness/record/record.h"

struct runner_options {
	struct cg_host *cg_host;
	struct cg *above;  /* the run's top group */
	const char *group; /* name of the scenario's group below it */
	const char *hog;   /* path of oomhog */
	uint64_t seed;	   /* of its patterns; 0: none */
	bool hog_stays;	   /* its pages are locked in memory (pin.h) */
	struct host *host; /* the scenario's host toggles, NULL: none */
	const struct facts *facts;
	int out_fd; /* event lines go here as they happen, then the result line */
};

/* Runs it; the verdict, its reason and what was found go to out_fd as the last line. Returns 0
 * when that line could be written. */
int runner_run(const struct plan *plan, const struct runner_options *options);

/* A result's 'claim' before anything was observed (a new reference). */
json_t *outcome_claim(const struct plan *plan);

#endif
