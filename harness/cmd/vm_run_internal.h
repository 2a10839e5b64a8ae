/*
 * What the ways to run scenarios in machines share: vm_run.c and vm_fleet.c.
 */
#ifndef OOMLAB_CMD_VM_RUN_INTERNAL_H
#define OOMLAB_CMD_VM_RUN_INTERNAL_H

#include "harness/cmd/vm_image.h"
#include "harness/cmd/vm_run.h"

/* A panic before the guest was ready is no verdict: once more. */
enum { VM_BOOTS = 2 };

/* What was asked for, of this kernel and cgroup version. */
struct vm_wish vm_run_wish(const struct vm_run *run);
/* What a machine of this run has in its image. */
struct vm_image_request vm_run_request(const struct vm_run *run);
/* What all machines of a run have in common; who listens is left to the caller. */
struct machine_options vm_run_machine(const struct vm_run *run, int initrd, const char *append);
/* Copies it; returns its number. */
size_t vm_run_keep_console(struct vm_run *run, const struct machine *machine);

/* The line that joins a debugger to the machine that starts next, where one is wanted. */
void vm_run_tell_gdb(const struct vm_run *run);

/* Without a seed: many machines at once, restored from one that was saved. As vm_run(). */
int vm_fleet(struct vm_run *run, struct err *err);

#endif
