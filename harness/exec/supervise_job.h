/*
 * Private to supervise.c and supervise_job.c: the supervisor and its jobs. A job is one scenario in
 * one worker process, from its fork to its result.
 */
#ifndef OOMLAB_EXEC_SUPERVISE_JOB_H
#define OOMLAB_EXEC_SUPERVISE_JOB_H

#include <sys/types.h>

#include "base/loop.h"
#include "harness/exec/guardian.h"
#include "harness/exec/host.h"
#include "harness/exec/pin.h"
#include "harness/exec/supervise.h"
#include "harness/exec/trace.h"

/* Beyond the scenario's own timeout, for its take-down; then the worker is killed. */
#define WORKER_GRACE_NS 30000000000ULL

struct job {
	struct supervisor *super;
	const struct supervise_item *item; /* NULL: free */
	size_t index;
	pid_t pid;
	int fd;
	struct loop_source *source;
	struct str line; /* bytes of a line that is not complete */
	json_t *events, *samples;
	struct result result;
	bool has_result;
	struct host *host;
	struct supervise_row row;
	char doing[32];
	uint64_t deadline_ns;
	bool timed_out;
};

struct supervisor {
	const struct supervise_item *items;
	size_t n, next, running;
	struct record *record;
	const struct supervise_options *options;
	struct str *warnings;
	struct loop *loop;
	struct journal *journal;
	struct guardian guardian;
	struct cg *top;
	struct pin hog; /* what every victim maps */
	struct trace *trace;
	const char *no_trace; /* one word, where there is no trace */
	struct job *jobs;
	int signal_fd;
	int signals; /* that asked to end */
	bool shares; /* the host's lock, for what runs now: see journal_share_host() */
	bool stop;   /* start nothing more */
	bool used;   /* something has run on this machine */
	bool spent;  /* what ran wanted a virtual machine of its own */
};

/* A result without any of what a run adds. */
void supervise_blank(struct result *result, const struct supervise_item *item, enum verdict verdict,
		     const char *reason);
/* Takes over what the result holds. */
void supervise_add(struct supervisor *super, struct result *result);

/* Starts the item in this free job; what goes wrong becomes its result. */
void job_start(struct supervisor *super, struct job *job, size_t index);
/* The worker is gone, or is killed and gone soon: its result is added, the job is free. */
void job_end(struct job *job);

#endif
