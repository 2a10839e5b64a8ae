/*
 * A failing scenario made smaller while it still fails alike with a seed: candidates are
 * scenario/shrink.h's, and each is run in a machine. Private to vm_seeds.c.
 */
#ifndef OOMLAB_CMD_VM_SHRINK_H
#define OOMLAB_CMD_VM_SHRINK_H

#include "harness/cmd/vm_outcomes.h"
#include "harness/cmd/vm_session.h"

struct vm_shrink_job {
	struct vm_session *session;
	const struct vm_wish *wish; /* of the run that failed */
	const struct kernel *kernel;
	size_t n_seeds; /* that were run */
	size_t lanes;	/* machines at once */
};

/* Fills outcome->shrunk, the file, in the folder of outcome->record, and outcome->shrunk_record.
 * -ESRCH: it does not fail as a file of its own; -EINTR. */
int vm_shrink(const struct vm_shrink_job *job, struct vm_outcome *outcome, struct err *err);

#endif
