/*
 * Whether two records are of the same run, to the byte and the microsecond, and if not, what
 * differs: first what they ran on, which is why, then what happened. Pure.
 */
#ifndef OOMLAB_CMD_VM_SAME_H
#define OOMLAB_CMD_VM_SAME_H

#include <stdbool.h>

#include "base/str.h"
#include "harness/record/record.h"

struct vm_same_side {
	const struct record *record;
	char *const *consoles; /* of its machines; NULL, or an entry that is: not there */
	size_t n_consoles;
};

/* The words go to 'out', some lines. */
bool vm_same(const struct vm_same_side *there, const struct vm_same_side *here, struct str *out);

#endif
