/*
 * Starts the command of one run: in its group before exec, with a session of its own, its output in
 * pipes, and where it is to be followed, seized by ptrace before its first instruction.
 */
#ifndef OOMLAB_SIZE_SPAWN_H
#define OOMLAB_SIZE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroups/cg.h"
#include "harness/size/filter.h"
#include "harness/size/run.h"

struct spawned {
	pid_t pid;
	int out, err;	  /* what it writes, not blocking */
	int start;	  /* has an int, an errno, when it could not be executed */
	int ptrace_errno; /* it could not be seized; it runs unfollowed */
	int go;		  /* what it waits for, see spawn_go() */
};

/* It joins its group and begins by spawn_go(). 'trace_options' are PTRACE_SETOPTIONS', 0: not
 * followed. */
int spawn_command(const struct size_command *command, struct cg *group, long trace_options,
		  enum filter_kind filter, struct spawned *ret, struct err *err);
/* Lets it begin: once whoever follows it is ready. Without this call it ends with our descriptors.
 */
void spawn_go(struct spawned *spawned);
void spawn_close(struct spawned *spawned);

#endif
