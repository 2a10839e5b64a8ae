/*
 * Verdicts for what a machine that never ran anything was to run: all of it is 'broken', by the
 * names that this machine's planner gives it.
 */
#ifndef OOMLAB_CMD_VM_UNBOOTED_H
#define OOMLAB_CMD_VM_UNBOOTED_H

#include "harness/cmd/vm_run.h"

/* Gives run->stream a record, tells it its results, and sets run->unbooted. 'why' is the reason of
 * each. When this machine cannot plan them either, their files are wrong: then there is none, and
 * -errno. */
int vm_unbooted(struct vm_run *run, const char *why, struct err *err);

#endif
