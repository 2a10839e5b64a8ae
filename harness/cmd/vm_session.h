/*
 * What 'oomlab vm' does for one kernel and cgroup version: runs (vm_run.h), reports and keeps the
 * record. Private to cmd_vm.c, vm_replay.c and vm_seeds*.c.
 */
#ifndef OOMLAB_CMD_VM_SESSION_H
#define OOMLAB_CMD_VM_SESSION_H

#include <stdio.h>

#include "base/err.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_evidence.h"
#include "harness/cmd/vm_run.h"
#include "harness/cmd/vm_values.h"
#include "harness/record/folder.h"
#include "harness/report/report.h"

struct vm_session {
	struct cmd_ctx *ctx;
	const struct vm_values *values;
	int argc;
	char **argv;
	int interrupt_fd;
	FILE *out;
	int lost; /* errno of the first write to it that failed */
	const struct reporter *reporter;
	struct report_options report;
	struct report_series series;
	char qemu[96];	    /* its version */
	struct err no_qemu; /* .code: it is not there */
};

/* One kernel and cgroup version under way. */
struct vm_turn {
	struct vm_session *session;
	const struct vm_wish *wish;
	struct kernel kernel;
	struct vm_run run;
	struct record_folder *folder; /* of the record; NULL: none is made yet */
	char *saved;		      /* its path, with the record in it; NULL: it is not there */
};

/* Finds all that is needed. Scenarios go without QEMU, of which stderr is told: each is broken. */
int vm_session_open(struct vm_session *session, struct err *err);
/* After each report, which flushes: later nobody knows why a write failed. */
void vm_session_wrote(struct vm_session *session);
/* Says when the output has not arrived. */
int vm_session_close(struct vm_session *session, struct err *err);

/* One turn: runs, reports, keeps the record. Returns an exit status. */
int vm_session_run(struct vm_session *session, const char *kernel, const char *cgroup,
		   struct err *err);

/* The same in pieces. Fetches and opens a kernel, with progress on a terminal. For scenarios one
 * that cannot be had, of which stderr is told, is one with 'why_not'. */
int vm_session_kernel(const struct vm_session *session, const char *spec, struct kernel *ret,
		      struct err *err);
/* Runs and reports each result. Returns as vm_run() does; *ret is to be cleared in any case. */
int vm_session_turn(struct vm_session *session, const struct vm_wish *wish, struct vm_turn *ret,
		    struct err *err);
/* record.vm and record.machines of a run; reads all of the kernel. */
int vm_session_evidence(const struct vm_session *session, const struct vm_wish *wish,
			const struct kernel *kernel, const struct vm_run *run, struct err *err);
/* Keeps the record and the consoles in turn->saved. */
int vm_session_save(struct vm_session *session, struct vm_turn *turn, struct err *err);
/* The same with the report's end. Returns an exit status. */
int vm_session_keep(struct vm_session *session, struct vm_turn *turn, struct err *err);
/* The report's end, with the folder to look in (NULL: none). */
void vm_session_report_end(struct vm_session *session, const struct vm_turn *turn,
			   const char *folder);
void vm_turn_clear(struct vm_turn *turn);

#endif
