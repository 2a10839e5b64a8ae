/*
 * What the end of a machine means for the scenario that ran in it. Pure.
 */
#ifndef OOMLAB_CMD_VM_VERDICT_H
#define OOMLAB_CMD_VM_VERDICT_H

#include <jansson.h>

#include "harness/record/record.h"
#include "harness/vm/machine.h"

/* 'began' is the line by which the guest's stream announced the scenario: what its result would
 * have been if nothing more came ("blank"), and the panic that it expects, if any. */
void vm_verdict(const json_t *began, json_t *events, enum machine_end end, const char *panic,
		const char *console, struct result *ret);
/* What did not happen in time, of 'took_ns', says nothing of the kernel where the host kept the
 * machine waiting for a CPU for most of that: then a failure is broken. */
void vm_verdict_of_starved(struct result *result, uint64_t took_ns, uint64_t waited_ns);

#endif
