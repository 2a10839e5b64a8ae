/*
 * What the files of machine.h share.
 */
#ifndef OOMLAB_VM_MACHINE_INTERNAL_H
#define OOMLAB_VM_MACHINE_INTERNAL_H

#include "base/loop.h"
#include "harness/vm/machine.h"

struct machine {
	struct machine_options options;
	struct qemu qemu;
	struct loop *loop, *own_loop;	/* own_loop: NULL when it is somebody else's */
	struct loop_source *sources[5]; /* console, channel, its end, control, interrupt */
	struct str console, line, kernel, troubles, lack, panic;
	struct str control; /* bytes of a line that is not complete */
	bool gone;	    /* QEMU has ended */
	bool ready, done, interrupted, timed_out, broken_channel;
	bool migrated, migration_failed, resumed, state_told;
	char migration_error[160];
	int status; /* of 'done' */
	int wait_status;
};

/* 0: *flag became true; -ENOTRECOVERABLE, -ETIMEDOUT (it was killed), -EINTR, -EPROTO. */
int machine_wait(struct machine *machine, const bool *flag, uint64_t deadline_ns, struct err *err);

/* Takes what comes as it comes (machine_listen.c). */
int machine_listen(struct machine *machine, struct err *err);
/* What it said before it ended; nothing comes after that. */
void machine_hear_last(struct machine *machine);

/* Opens QEMU's control socket; a restored machine goes on as soon as it is complete. */
void machine_greet(struct machine *machine);
void machine_take_control(struct machine *machine, const char *bytes, size_t n);
/* Adds to the console where the CPU is, of one that hangs. */
void machine_note_state(struct machine *machine);
/* Tells the guest what time it is and gives it randomness of its own; it answers "awake". */
void machine_wake(struct machine *machine);

#endif
