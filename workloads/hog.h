/*
 * oomhog's protocol and its shared status page: the one thing that the harness and the hogs
 * must agree about. Needs libc alone.
 *
 * Lockstep: the harness hands the hog two descriptors, a SOCK_SEQPACKET socket for commands and
 * receipts, and a memfd with the status page. One command is one packet, one receipt answers it
 * (same seq). A command whose page fault blocks or kills the hog has no receipt; then the status
 * page, which stays readable after SIGKILL, tells how far it came. The harness touches every byte
 * of the memfd before the hog maps it, so it is charged outside the hog's group.
 *
 * A packet on a unix socket is charged to its sender's group: at the limit, a receipt would start
 * an OOM kill or fail (seen on 6.18). So the harness should make a pipe with hog_receipt_pipe()
 * (channel.h), pass its write end as --receipt-fd and read the receipts there; without that option
 * they come over the socket.
 *
 * Life: main -> parse options -> map status, HOG_STATE_SETUP -> setup() of the workload (open
 * files, reserve address space, unconfined) -> confinement (seccomp) -> HOG_STATE_READY and a
 * receipt with seq 0 -> commands. HOG_GO starts the workload's own free-running pattern; between
 * two of its blocks a hog in a pattern still answers commands (ping, free, quit).
 */
#ifndef OOMLAB_WORKLOADS_HOG_H
#define OOMLAB_WORKLOADS_HOG_H

#include <stdint.h>

enum { HOG_CHILDREN_MAX = 2048, HOG_MESSAGE_MAX = 96 };

enum hog_op {
	HOG_PING = 1,  /* answer at once; a heartbeat also beats */
	HOG_ALLOC = 2, /* allocate and touch 'bytes' more, as the workload does */
	HOG_FREE = 3,  /* give 'bytes' back (UINT64_MAX: all) */
	HOG_GO = 4,    /* run the workload's own pattern; the receipt comes when it has ended;
			* 'bytes': when a pattern with a time of its own begins, 0: now */
	HOG_QUIT = 5,  /* end with exit status 'arg'; the receipt comes before */
};

struct hog_cmd {
	uint64_t seq; /* > 0, rising */
	uint32_t op;  /* enum hog_op */
	uint32_t arg;
	uint64_t bytes;
};

struct hog_receipt {
	uint64_t seq;		/* of the command; 0: ready */
	int32_t error;		/* errno of the allocation that failed, 0: none */
	uint32_t state;		/* enum hog_state */
	uint64_t asked_bytes;	/* by this command */
	uint64_t done_pages;	/* touched (or freed) by this command */
	uint64_t touched_pages; /* held by the hog in all: itself, not its children */
	uint64_t began_ns;	/* CLOCK_MONOTONIC */
	uint64_t ended_ns;
};

enum hog_state {
	HOG_STATE_NONE = 0,
	HOG_STATE_SETUP = 1,
	HOG_STATE_READY = 2,	 /* waits for commands */
	HOG_STATE_BUSY = 3,	 /* within a command or its pattern */
	HOG_STATE_DONE = 4,	 /* the pattern has ended, all is held */
	HOG_STATE_FAILED = 5,	 /* setup failed: error and message say why; exit status 1 */
	HOG_STATE_VIOLATION = 6, /* confinement: 'violation' is the system call; exit status 159 */
	HOG_STATE_EXITED = 7,
};

enum { HOG_EXIT_FAILED = 1, HOG_EXIT_USAGE = 2, HOG_EXIT_VIOLATION = 159 };

struct hog_child {
	int32_t pid;	/* as the kernel's log prints it (same pid namespace as the harness) */
	uint32_t state; /* enum hog_state */
	uint64_t touched_pages;
};

#define HOG_MAGIC 0x676f686d6f6f3031ULL /* "10oomhog" in memory order */

/* Written by the hog alone, with volatile stores; read by the harness at any time. */
struct hog_status {
	uint64_t magic;
	uint32_t size; /* sizeof(struct hog_status): guards against a stale binary */
	int32_t pid;
	volatile uint32_t state;
	volatile int32_t error;
	volatile uint64_t seq;		 /* of the command under way or done last */
	volatile uint64_t asked_bytes;	 /* since the start */
	volatile uint64_t touched_pages; /* held now, one store after every page's touch */
	volatile uint64_t total_pages;	 /* touched ever */
	volatile uint64_t freed_pages;
	volatile uint64_t reserved_bytes; /* address space mapped for use */
	volatile uint64_t beats;
	volatile uint64_t pattern_ns; /* of a pattern with a time of its own: how far it has come */
	volatile uint64_t failures;   /* allocations that returned an error (the last in 'error') */
	volatile uint64_t forks;      /* children ever made (bombs) */
	volatile uint64_t fork_failures; /* EAGAIN by pids.max and the like */
	volatile int32_t fork_errno;
	volatile int32_t violation; /* system call number */
	char message[HOG_MESSAGE_MAX];
	volatile uint32_t n_children; /* slots used, at most HOG_CHILDREN_MAX */
	struct hog_child child[HOG_CHILDREN_MAX];
};

#endif
