/*
 * A small process that outlives the harness by a moment: when the harness dies without cleaning
 * up (kill -9), it undoes the run's journal at once. What kills it too is left to the next oomlab
 * command, which reads the same journal.
 */
#ifndef OOMLAB_EXEC_GUARDIAN_H
#define OOMLAB_EXEC_GUARDIAN_H

#include <sys/types.h>

#include "base/err.h"
#include "cgroups/cg.h"
#include "harness/exec/journal.h"

struct guardian {
	pid_t pid;
	int fd; /* its end of life: closed by our death, or by guardian_stop() */
};

int guardian_start(struct guardian *guardian, const struct cg_host *host,
		   const struct journal *journal, struct err *err);
/* The run is over and clean: the guardian ends without doing anything. */
void guardian_stop(struct guardian *guardian);

#endif
