/*
 * Runs a program of the system to its end, for what it prints. It gets no input, C locale, a
 * process group of its own, and dies with us, together with what it has started; a pending SIGINT,
 * SIGTERM or SIGHUP ends it.
 */
#ifndef OOMLAB_VM_CHILD_H
#define OOMLAB_VM_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/vm/fetch.h"

/* The descriptor on which apt is asked to tell its progress (APT::Status-Fd). */
enum { CHILD_STATUS_FD = 3 };

struct child_output {
	int status; /* exit status; 128 + signal */
	struct str out, err;
};

/* words[0] is looked for in $PATH; 'what' is what the watch is told is being done. Returns 0
 * whatever the exit status is; -ENOENT: there is no such program; -EINTR: interrupted, and the
 * signal is still pending; -ETIMEDOUT: it has done nothing for minutes. */
int child_run(char *const *words, const struct fetch_watch *watch, const char *what,
	      struct child_output *ret, struct err *err);

/* The same with more to say about it. */
struct child_job {
	char *const *words;
	const char *what;    /* told to the watch */
	unsigned patience_s; /* how long it may do nothing; 0: three minutes */
	bool gently;	     /* it is asked to end by SIGTERM before it is made to */
	/* Gets what it prints on both outputs instead of 'ret'; NULL: nobody. */
	void (*heard)(void *data, const char *bytes, size_t n);
	void *data;
};
int child_job_run(const struct child_job *job, const struct fetch_watch *watch,
		  struct child_output *ret, struct err *err);
void child_output_free(struct child_output *output);

#endif
