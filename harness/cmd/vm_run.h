/*
 * Scenarios on one kernel and cgroup version in as many machines as it takes: what 'oomlab vm' does
 * for each of its matrix. Gives the record; saving and summing up are its caller's.
 */
#ifndef OOMLAB_CMD_VM_RUN_H
#define OOMLAB_CMD_VM_RUN_H

#include <stddef.h>

#include "base/err.h"
#include "harness/cmd/vm_stream.h"
#include "harness/cmd/vm_values.h"
#include "harness/vm/kernel.h"
#include "harness/vm/sha256.h"

struct vm_run {
	const struct vm_values *values;
	const struct kernel *kernel;
	const char *cgroup;	/* "v1", "v2", "hybrid" */
	char *const *scenarios; /* words of a command line: files, folders, names */
	size_t n_scenarios;
	int interrupt_fd; /* readable: give up; -1: none */
	/* A machine is ready, before its first record; may be NULL. */
	void (*on_ready)(void *data, const struct machine *machine);
	void *data;

	int initrd; /* of the first machine with a seed, -1: made when it is wanted (borrowed) */

	struct vm_stream stream; /* its listener is the caller's, its record what comes of it */
	char **consoles;	 /* of each machine */
	size_t n_consoles;
	json_t *machines; /* record.machines, one a console */
	bool unbooted;	  /* no machine has run anything: all of the record is broken */
	char image_sha256[SHA256_TEXT];
};

/* Returns 0 when there is a record, of which scenarios may be missing: then a machine failed, and
 * stderr says how. A machine that never ran anything leaves one as well, see vm_unbooted.h. Without
 * one the exit status that the guest's 'oomlab run' ended with, or an
 * error; -EINTR: interrupted. All of the options of 'values' that concern machines and
 * scenarios apply. */
int vm_run(struct vm_run *run, struct err *err);
/* The image that its first machine boots, with the work in it: for many runs that differ in the
 * seed alone. A descriptor. */
int vm_run_image(const struct vm_run *run, struct err *err);
void vm_run_clear(struct vm_run *run);
/* Into console.log, console-2.log, ... of an open folder. */
int vm_run_save_consoles(const struct vm_run *run, int dir, struct err *err);

/* Its last lines to stderr. */
void vm_run_tell_console(const struct machine *machine);

#endif
