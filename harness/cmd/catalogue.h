/*
 * From arguments to plans: finds scenario files, loads, expands and plans all of them, and
 * collects every mistake before anything runs.
 */
#ifndef OOMLAB_CMD_CATALOGUE_H
#define OOMLAB_CMD_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/str.h"
#include "cgroups/cg.h"
#include "harness/plan/plan.h"
#include "harness/record/facts.h"

struct catalogue {
	size_t n_scenarios, n_plans;
	struct scenario **scenarios;
	struct instance **instances; /* one array a scenario */
	size_t *n_instances;
	struct plan **plans; /* of all instances, sorted by scenario, in matrix order */
};

struct catalogue_query {
	char *const *args; /* files, folders, names ("limits/three-race", "three-race", "limits")
			    * and glob patterns; none: the whole catalogue */
	size_t n_args;
	const struct opt_list *params;	/* "name=value" */
	const struct opt_list *filters; /* tags; "!tag" leaves out; all must hold */
	const char *root; /* of the shipped catalogue; NULL: there is none, args are paths */
};

/* Mistakes in files go to diags (one line each) and give -EINVAL; anything else to err. Facts that
 * cost time to learn (stress-ng's version) are added only when a chosen scenario asks for them. */
int catalogue_load(const struct catalogue_query *query, struct facts *facts,
		   const struct cg_host *host, struct catalogue *ret, struct diags *diags,
		   struct err *err);
void catalogue_free(struct catalogue *catalogue);

/* Whether a word of the command line ("limits/three-race", "three-race", "limits", a pattern) is
 * meant for the scenario 'name' ("limits/three-race") of 'suite'. */
bool catalogue_name_matches(const char *arg, const char *name, const char *suite);

#endif
