/*
 * What the chosen scenarios want of a machine, so that an image has that and no more: stress-ng and
 * its libraries alone are 33 MB of a machine's memory, and a small image boots sooner.
 */
#ifndef OOMLAB_CMD_VM_PROGRAMS_H
#define OOMLAB_CMD_VM_PROGRAMS_H

#include <stdbool.h>

#include "harness/cmd/vm_evidence.h"
#include "harness/vm/image.h"

/* What an emulated CPU takes 0.3 s for, and most scenarios never use. Read from the scenarios'
 * tasks and host settings; where they cannot be read all is true. */
struct vm_wants {
	bool programs; /* of this machine: what shells call is not seen */
	bool disk;     /* a file system that takes a swap file, or zram */
	bool all;      /* of the catalogue: what is chosen of it is not known */
};

/* Adds the catalogue's scenarios that are chosen, as scenarios/SUITE/NAME.yaml, and the programs
 * that all chosen ones name, with their libraries. What this machine lacks is left out, and the
 * scenario is skipped in the guest with that reason. */
struct vm_wants vm_programs_add(struct image *image, const struct vm_wish *wish);

#endif
