/*
 * One run of the command in a fresh group: under a hard limit, or under one that is raised by a
 * step each time the command cannot go on without (the ratchet). What came out of it is data.
 */
#ifndef OOMLAB_SIZE_RUN_H
#define OOMLAB_SIZE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/size/look.h"

struct size_lab;

/* What is run, the same each time. */
struct size_command {
	char *const *argv;
	const char *program;	    /* resolved; what is executed */
	const char *stdin_path;	    /* NULL: /dev/null */
	const char *const *outputs; /* files that it writes, compared between runs */
	size_t n_outputs;
	const char *const *cold; /* files dropped from the page cache before each run */
	size_t n_cold;
	const char *check; /* shell command that says by 0 whether the result is right; or NULL */
	uint64_t for_ns;   /* a server: runs so long and is then ended; 0: ends by itself */
};

enum run_mode {
	RUN_HARD,    /* the limit is the limit */
	RUN_RATCHET, /* the limit is where it starts */
};

struct run_spec {
	const struct size_command *command;
	enum run_mode mode;
	uint64_t limit_bytes;	/* UINT64_MAX: none */
	uint64_t step_bytes;	/* RUN_RATCHET */
	uint64_t ceiling_bytes; /* RUN_RATCHET: no higher than this */
	uint64_t timeout_ns;	/* 0: none */
	bool swap;		/* it may swap; else it may not */
	uint64_t swap_bytes;	/* at most so much; UINT64_MAX: all that there is */
	bool probe; /* RUN_RATCHET, v1: full speed, by the probe (probe.h) where it can be had */
	bool late;  /* RUN_RATCHET, v1: full speed until near the limit, see RUN_MISSED */
	bool watch; /* look at what it is made of, now and then */
	bool half;  /* on half as many CPUs as it has, as on a busy machine (half.h) */
};

enum run_end {
	RUN_EXITED,   /* 'status' is the exit status */
	RUN_SIGNALED, /* 'status' is the signal; none of ours, none of the OOM killer's */
	RUN_OOM,      /* the kernel killed somebody in the group: the counter says so */
	RUN_TIMEOUT,
	RUN_NO_START,	 /* 'status' is an errno of the start */
	RUN_LEFT_BEHIND, /* the command ended and others in its group did not */
	RUN_ESCAPED,	 /* with 'watch': somebody of it is in another group, see 'why' */
	RUN_SERVED,	 /* for_ns is over and it was still there */
	RUN_CEILING,	 /* RUN_RATCHET: ceiling_bytes was not enough */
	RUN_SELF_SIZED,	 /* RUN_RATCHET: it reads its limit, see 'why' */
	RUN_UNFOLLOWED,	 /* RUN_RATCHET: it cannot be followed, see 'why' */
	RUN_MISSED,	 /* RUN_RATCHET, late or probe: a call may have failed unseen */
	RUN_INTERRUPTED,
};

enum { RUN_TAIL_MAX = 2048, RUN_WHY_MAX = 200 };

struct run_result {
	enum run_end end;
	int status;
	uint64_t limit_bytes; /* at the end */
	uint64_t wall_ns, cpu_ns;
	uint64_t peak_bytes;	   /* as the kernel has it, page cache included; 0: not known */
	uint64_t left_shmem_bytes; /* still charged when all have ended */
	uint64_t file_most_bytes, left_kernel_bytes; /* with 'watch': of page cache at any time; of
						      * the kernel's when everybody had ended */
	uint64_t oom_kills, failcnt;
	uint64_t output_bytes, output_sum; /* stdout and the output files */
	bool check_failed;
	uint64_t psi_some_us, psi_full_us; /* UINT64_MAX: not to be had */
	uint64_t refaults, major_faults;
	uint64_t swap_bytes;	     /* the most that was seen in use */
	unsigned int steps, retries; /* RUN_RATCHET: events, and system calls among them */
	/* RUN_RATCHET: if those processes that lived at the same time had their peaks at once; if
	 * the largest had. 0: not known, or there is one. */
	uint64_t met_bytes, together_bytes;
	bool every_call;       /* RUN_RATCHET: each was stopped, from the start */
	bool probed;	       /* RUN_RATCHET: only those that ran into the limit were */
	struct look top;       /* when it had most that cannot be reclaimed */
	uint64_t second_bytes; /* with 'watch': the most that a second process had, at any time */
	char why[RUN_WHY_MAX];
	size_t tail_len; /* the last that it wrote to stderr */
	char tail[RUN_TAIL_MAX + 1];
};

/* -errno only when the harness could not do its part. */
int size_run(struct size_lab *lab, const struct run_spec *spec, struct run_result *ret,
	     struct err *err);

/* Whether a run came to the same end with the same result as the one without a limit. Pure. */
bool run_same(const struct run_result *reference, const struct run_result *run);
/* How it ended, in JSON: "exited", "oom", ... */
const char *run_end_word(enum run_end end);
/* How it ended, for people: "exit status 2", "killed by SIGSEGV", ... */
const char *run_end_text(const struct run_result *run, char *buf, size_t size);

#endif
