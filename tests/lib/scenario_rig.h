/*
 * For tests of scenarios and plans: text in, plan or mistakes out, on a machine made of facts.
 * Aborts the test (ck_assert) when what it is asked for is not there.
 */
#ifndef OOMLAB_TESTS_SCENARIO_RIG_H
#define OOMLAB_TESTS_SCENARIO_RIG_H

#include "harness/plan/plan.h"

struct rig {
	struct facts facts; /* change before scenario_rig_plan() */
	struct scenario *scenario;
	struct instance *instances;
	size_t n_instances;
	struct plan *plan; /* of the first instance, NULL after mistakes */
	struct diags diags;
	struct err err;
};

/* A plain machine: memory on v1, two CPUs, 8 GiB free, no swap, root without CAP_SYS_RESOURCE. */
void scenario_rig_init(struct rig *rig);
void scenario_rig_free(struct rig *rig);
/* Parses text as file "t.yaml" (or a file), expands it without overrides, plans the first
 * instance. */
void scenario_rig_plan(struct rig *rig, const char *text);
void scenario_rig_plan_file(struct rig *rig, const char *file);

/* The mistakes of a text as lines, "" when there are none. Free it. */
char *scenario_rig_mistakes(const char *text);

#endif
