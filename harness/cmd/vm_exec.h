/*
 * 'oomlab vm --exec': one command in a machine, for scripts.
 */
#ifndef OOMLAB_CMD_VM_EXEC_H
#define OOMLAB_CMD_VM_EXEC_H

#include "harness/cmd/vm_run.h"

enum { VM_EXEC_TIMEOUT = 124 }; /* as timeout(1) has it */

/* Boots it, runs values->exec and prints what that prints, as it comes. Returns the command's exit
 * status, or VM_EXEC_TIMEOUT; -ENOTRECOVERABLE: the machine ended first; -EINTR. */
int vm_exec(struct vm_run *run, struct err *err);

#endif
