/*
 * One process of a scenario: spawned into its groups, watched, told what to do, ended. Hogs come
 * with a socket and a status page; commands with a pipe for what they print.
 *
 * Ownership: the runner owns an array of these; task_end() kills through the pidfd, task_clear()
 * closes and unmaps.
 */
#ifndef OOMLAB_EXEC_TASK_H
#define OOMLAB_EXEC_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "cgroups/cg.h"
#include "harness/plan/plan.h"
#include "workloads/hog.h"

enum { TASK_OUTPUT_MAX = 8192, TASK_GROUPS_MAX = 8 };

struct task {
	const struct plan_task *plan;
	pid_t pid;
	int pidfd;
	int socket;			 /* hogs: our end, for commands; -1 otherwise */
	int receipts;			 /* hogs: read end of the receipt pipe; -1 otherwise */
	int output;			 /* commands: read end of stdout+stderr; -1 otherwise */
	const struct hog_status *status; /* hogs: mapped shared page, survives the hog */
	bool ready;			 /* hogs: said ready; commands: exec'd */
	bool going;			 /* its pattern was started */
	uint64_t seq;			 /* of the last command sent */
	uint64_t seq_done;		 /* of the last receipt */
	uint64_t go_seq;		 /* of its HOG_GO, 0: none or answered */
	uint64_t alloc_seq;		 /* of its HOG_ALLOC or HOG_FREE under way, 0: none */
	uint64_t ping_seq;		 /* of the ping of the current expectation */
	uint64_t blocked_pages;		 /* touched pages when it was seen blocked */
	struct hog_receipt receipt;	 /* the last of an allocation */
	size_t output_len;		 /* the last TASK_OUTPUT_MAX bytes that it printed */
	char tail[TASK_OUTPUT_MAX + 1];
};

/* Spawns the task into group (NULL: stays where the harness is); hog is the path of oomhog,
 * whose patterns draw from the seed (0: none). The child joins its groups before exec, so that its
 * own memory is charged there from the start. */
int task_spawn(struct task *task, const struct plan_task *plan, const char *hog, uint64_t seed,
	       struct cg *group, struct err *err);

/* Sends one command; returns 0, or -errno when the hog is gone. */
int task_command(struct task *task, enum hog_op op, uint64_t bytes, uint32_t arg,
		 uint64_t *ret_seq);

/* Takes one waiting receipt; 1: got one, 0: none, -errno: the socket ended. */
int task_receipt(struct task *task, struct hog_receipt *ret);

/* Reads what the command printed; false at the end of the stream. */
bool task_read_output(struct task *task);

/* SIGKILL through the pidfd; harmless when it is dead. */
void task_end(struct task *task);
void task_clear(struct task *task);

#endif
