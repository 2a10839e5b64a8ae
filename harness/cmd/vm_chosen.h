/*
 * What the words of 'oomlab vm' choose, planned on this machine for one that is like those that it
 * boots: mistakes are told before a kernel is fetched or booted, and what did not run has a name.
 */
#ifndef OOMLAB_CMD_VM_CHOSEN_H
#define OOMLAB_CMD_VM_CHOSEN_H

#include "harness/cmd/catalogue.h"
#include "harness/cmd/vm_evidence.h"

/* What is known of a machine that has not booted. */
void vm_chosen_facts(const struct vm_wish *wish, struct facts *ret);
/* Mistakes in files go to stderr, a line each. -EINVAL, -ENOENT: nothing such can be run; *ret is
 * to be cleared in any case. */
int vm_chosen(const struct vm_wish *wish, struct catalogue *ret, struct err *err);
/* Whether it can be run: -EINVAL. */
int vm_chosen_check(const struct vm_wish *wish, struct err *err);

#endif
