/*
 * What all runs of one 'oomlab size' share: the journal, its guardian, the group above the runs'
 * groups, the signals that end everything. Nothing of it is left when the process ends, however
 * it ends (exec/journal.h).
 */
#ifndef OOMLAB_SIZE_LAB_H
#define OOMLAB_SIZE_LAB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroups/cg.h"
#include "harness/exec/guardian.h"
#include "harness/exec/journal.h"

struct memo;

struct size_lab {
	struct cg_host *host; /* borrowed */
	struct journal *journal;
	struct guardian guardian;
	struct cg *top;
	enum cg_version version; /* of the memory controller */
	bool has_swap;		 /* this machine has swap, so that a limit must say how much */
	uint64_t swap_free_bytes;
	uint64_t available_bytes; /* of memory, before the first run */
	int signal_fd;		  /* SIGCHLD and what asks us to end */
	unsigned int runs;
	struct memo *memo; /* runs that are known, of the caller; NULL: none is */
	bool interrupted;  /* start nothing more */
	sigset_t old_mask;
};

/* 'id' begins with the pid (exec/journal.h); 'parent' is --cgroup-parent, or NULL. Call
 * lab_close() in any case. */
int lab_open(struct size_lab *lab, struct cg_host *host, const char *id, const char *parent,
	     struct err *err);
/* What could not be put back is said in 'warnings'. */
void lab_close(struct size_lab *lab, struct str *warnings);

#endif
