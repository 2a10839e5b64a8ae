/*
 * What 'oomlab vm' does for one kernel and cgroup version: runs (vm_run.h), reports and keeps the
 * record. Private to cmd_vm.c.
 */
#ifndef OOMLAB_CMD_VM_SESSION_H
#define OOMLAB_CMD_VM_SESSION_H

#include <stdio.h>

#include "base/err.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_values.h"
#include "harness/report/report.h"

struct vm_session {
	struct cmd_ctx *ctx;
	const struct vm_values *values;
	int argc;
	char **argv;
	int interrupt_fd;
	FILE *out;
	const struct reporter *reporter;
	struct report_options report;
};

/* Finds all that is needed: QEMU, the guest's programs, the output. */
int vm_session_open(struct vm_session *session, struct err *err);
/* One turn. Returns an exit status. */
int vm_session_run(struct vm_session *session, const char *kernel, const char *cgroup,
		   struct err *err);
void vm_session_close(struct vm_session *session);

#endif
