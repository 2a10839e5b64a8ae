/*
 * 'oomlab vm --shell': a machine for a person.
 */
#ifndef OOMLAB_CMD_VM_SHELL_H
#define OOMLAB_CMD_VM_SHELL_H

#include "harness/cmd/vm_run.h"

/* Boots it, joins its console to stdin and stdout, and leaves the terminal as it was. Returns the
 * shell's exit status; -EINTR. */
int vm_shell(struct vm_run *run, struct err *err);

#endif
