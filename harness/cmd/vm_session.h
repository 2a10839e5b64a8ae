/*
 * What 'oomlab vm' does for one kernel and cgroup version: image, machine, record, report. Private
 * to cmd_vm.c.
 */
#ifndef OOMLAB_CMD_VM_SESSION_H
#define OOMLAB_CMD_VM_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/opts.h"
#include "harness/cmd/cmd.h"
#include "harness/record/record.h"
#include "harness/report/report.h"

struct vm_values {
	struct opt_list kernels, params, filters, with;
	const char *cgroups, *swap, *append, *output, *results;
	uint64_t memory_bytes, cpus, nodes, repeat, timeout_ns, boot_ns;
	uint64_t seed; /* UINT64_MAX: none, time runs free */
	int format, colour;
	bool verbose, console;
};

struct vm_session {
	struct cmd_ctx *ctx;
	const struct vm_values *values;
	int argc;
	char **argv;
	int interrupt_fd;
	FILE *out;
	const struct reporter *reporter;
	struct report_options report;
	/* Of the machine under way. */
	struct record *record;
	json_t *began;	 /* the stream's line about the scenario that runs; NULL: none */
	json_t *events;	 /* its events so far */
	bool opened;	 /* the reporter's begin was called */
	char **consoles; /* of all machines so far */
	size_t n_consoles;
};

/* Finds all that is needed: QEMU, the guest's programs, the output. */
int vm_session_open(struct vm_session *session, struct err *err);
/* One boot. Returns an exit status. */
int vm_session_run(struct vm_session *session, const char *kernel, const char *cgroup,
		   struct err *err);
void vm_session_close(struct vm_session *session);

#endif
