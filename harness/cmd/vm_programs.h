/*
 * Which of this machine's programs the chosen scenarios call, so that an image has those and no
 * others: stress-ng and its libraries alone are 33 MB of a machine's memory.
 */
#ifndef OOMLAB_CMD_VM_PROGRAMS_H
#define OOMLAB_CMD_VM_PROGRAMS_H

#include <stddef.h>

#include "base/opts.h"
#include "harness/vm/image.h"

/* Adds them, with their libraries. What this machine lacks is left out, and the scenario is skipped
 * in the guest with that reason; mistakes in files are the guest's to tell as well. 'words' are
 * those of the command line. */
void vm_programs_add(struct image *image, char *const *words, size_t n_words,
		     const struct opt_list *params, const struct opt_list *filters);

#endif
