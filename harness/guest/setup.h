/*
 * Making a fresh machine ready for scenarios: file systems, modules, control groups, swap. Private
 * to the guest.
 */
#ifndef OOMLAB_GUEST_SETUP_H
#define OOMLAB_GUEST_SETUP_H

#include "base/str.h"

/* Does all of it as far as it goes; what failed is a line in 'troubles' each: a kernel that has no
 * v1 memory controller still runs what needs none. 'lack' is what no scenario can do without and
 * this kernel does not have; "" as a rule. */
void guest_set_up(struct str *troubles, struct str *lack);

#endif
