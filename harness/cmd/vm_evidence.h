/*
 * What a record says of the virtual machines that it ran in (record.vm, record.machines), so that
 * the same ones can be made again and be compared. Pure.
 */
#ifndef OOMLAB_CMD_VM_EVIDENCE_H
#define OOMLAB_CMD_VM_EVIDENCE_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/cmd/vm_values.h"
#include "harness/record/record.h"

/* What was asked for. */
struct vm_wish {
	const struct vm_values *values;
	const char *kernel, *cgroup;
	char *const *scenarios;
	size_t n_scenarios;
};

/* "console.log", "console-2.log", ...; free() it. */
char *vm_evidence_console(size_t index);
/* The entry of record.machines. A new reference. */
json_t *vm_evidence_machine(size_t index, const char *console, const char *image_sha256,
			    const char *append);
/* record.vm. A new reference. */
json_t *vm_evidence(const struct vm_wish *wish, const char *qemu, const char *kernel_sha256);

/* The machines of a record, with 'base' for all that concerns no machine. Texts and lists are
 * borrowed from the record. -EINVAL: it says nothing of machines, or has no seed. */
struct vm_recorded {
	struct vm_values values;
	const char *kernel, *cgroup;
	char **scenarios; /* free() the array */
	size_t n_scenarios;
};
int vm_evidence_read(const struct record *record, const struct vm_values *base,
		     struct vm_recorded *ret, struct err *err);
/* Whether the record is of this kernel, cgroup version, seed and scenarios; *ret_exact: of the same
 * options, too. */
bool vm_evidence_matches(const struct record *record, const struct vm_wish *wish, bool *ret_exact);

#endif
