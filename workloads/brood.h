/*
 * The children of a hog: forking, registering in the status page, waiting for their end. For the
 * workload 'fork' (and whatever else makes processes with memory of their own).
 *
 * A child's slot in status->child[] is claimed before the fork, and the kernel itself writes the
 * pid there before the child runs (CLONE_PARENT_SETTID), so no child can die unregistered. A slot
 * whose fork failed is used for the next one; the last may stay with pid 0.
 */
#ifndef OOMLAB_WORKLOADS_BROOD_H
#define OOMLAB_WORKLOADS_BROOD_H

#include <sys/types.h>

#include "workloads/hog_run.h"

enum { BROOD_NO_SLOT = UINT32_MAX };

struct brood {
	uint32_t slot; /* claimed for the next fork, or BROOD_NO_SLOT */
};

/* Over all children and their children. */
struct brood_census {
	uint32_t alive;
	uint32_t dead;
	uint32_t busy; /* of the living: not yet done with their memory */
};

/* Opens the SIGCHLD and event descriptors and makes the hog the reaper of its children's
 * children; before confinement. */
int brood_setup(struct brood *brood, struct err *err);

/* Forks. In the parent returns 1 and the child's slot, or -errno (noted in fork_failures; -ENOSPC
 * when the table is full); in the child returns 0, with PDEATHSIG set and its counters at work in
 * its own slot. */
int brood_fork(struct hog *hog, struct brood *brood, uint32_t *ret_slot);

/* In a child whose memory is held: tells the hog, then reaps its own children until its end. */
_Noreturn void brood_rest(struct hog *hog, uint32_t slot);

/* Reaps what has died; a workload's hog->watch. */
void brood_watch(struct hog *hog);

struct brood_census brood_count(const struct hog *hog);

#endif
