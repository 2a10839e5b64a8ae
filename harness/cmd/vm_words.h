/*
 * What a guest is told: the words of its 'oomlab run' and its kernel's command line. Pure.
 */
#ifndef OOMLAB_CMD_VM_WORDS_H
#define OOMLAB_CMD_VM_WORDS_H

#include <jansson.h>

#include "harness/cmd/vm_values.h"

/* "run", its options; the scenarios' words come behind. 'after': the last scenario that has its
 * verdict from a machine before, NULL: none. A new reference. */
json_t *vm_words_run(const struct vm_values *values, const char *after);
/* free() it. */
char *vm_words_kernel(const struct vm_values *values, const char *cgroup);

#endif
