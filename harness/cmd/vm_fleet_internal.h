/*
 * What vm_fleet.c (all machines of a run) and vm_lane.c (one after the other in one place) share.
 */
#ifndef OOMLAB_CMD_VM_FLEET_INTERNAL_H
#define OOMLAB_CMD_VM_FLEET_INTERNAL_H

#include "base/loop.h"
#include "harness/cmd/vm_queue.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/vm/machine.h"

enum { VM_LANES_MAX = 64 };

enum vm_lane_state {
	LANE_EMPTY,
	LANE_STARTING, /* until the guest is ready */
	LANE_PLANNING, /* until it has said what there is to run */
	LANE_IDLE,
	LANE_RUNNING,
	LANE_ENDING, /* asked to switch off */
};

struct vm_lane {
	struct vm_fleet *fleet;
	enum vm_lane_state state;
	struct machine *machine;
	struct vm_stream stream;
	json_t *planned; /* the guest's list, when it has come */
	bool restored;	 /* goes on from the saved state */
	bool used;	 /* something has run in it */
	bool ended;	 /* what it was asked for last is all there */
	size_t batch[VM_BATCH_MAX], n_batch;
	int64_t shift_ns; /* from its clock to the record's */
	struct machine_deadline deadline;
	uint64_t began_ns, began_delay_ns; /* the scenario under way, by the host's clock */
};

struct vm_fleet {
	struct vm_run *run;
	struct loop *loop;
	struct vm_queue queue;
	struct vm_lane lanes[VM_LANES_MAX];
	size_t n_lanes;
	int initrd, saved; /* saved: the state of a machine that has planned; -1 */
	char *append;
	json_t *words;
	bool planned, interrupted, no_save, kvm;
	unsigned failures; /* machines in a row that were of no use */
	int status;	   /* of the guest's 'oomlab run', when it ran nothing */
};

/* Does what can be done for it now. Returns 1: something, 0: it waits for an event or its deadline,
 * or -errno: the run cannot go on. */
int vm_lane_step(struct vm_lane *lane, struct err *err);
void vm_lane_clear(struct vm_lane *lane);

/* The first machine has said what there is. Saves it when that is of use. */
void vm_fleet_save(struct vm_fleet *fleet, struct machine *machine);

#endif
