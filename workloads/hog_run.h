/*
 * The running hog: what the workloads (wl_*.c) and main may call. Not for the harness, which
 * talks to a hog by hog.h alone and links these modules only for the table of workloads.
 *
 * What a hog's memory costs its group is computable. Before READY the hog has touched all it
 * needs itself: code, data, a piece of its stack, the status page, page 0 of its region. From
 * then on, while it works within the region, nothing is charged but the pages that it touches and
 * their page tables: layout.h has the formula. Measured on 6.18 (v1, the hog and the reader on one
 * CPU): 600 of 600 predictions right at 8M, 16M and 80M. What had to be kept away to make it so:
 *   - the first touch of a VMA allocates its anon_vma (slab): the head page has done that;
 *   - mmap, mprotect and mlock split or make VMAs (slab): the region is opened once, in setup;
 *   - a table shared with another mapping is charged already: the region has its own PUD page;
 *   - a packet on a unix socket is charged to its sender (GFP_KERNEL_ACCOUNT), so a receipt can
 *     itself hit the limit: receipts go over a pipe whose page the harness has paid (channel.h);
 *   - exec frees the page tables of the stack that it moved only after an RCU grace period: one
 *     or two pages that are still in the usage at READY and gone some 10 ms later. So before an
 *     exact reading: membarrier(MEMBARRIER_CMD_GLOBAL) twice (it waits for a grace period; once
 *     is not enough, the callbacks run after it), then drain (v1: memory.force_empty) until
 *     readings that are a grace period apart agree: a drain silently does nothing while another
 *     process drains another group.
 * The prediction is right in every run, but the number itself varies by a page or two with the
 * addresses that exec draws (a mapping that crosses 2 MiB needs one more table). Started with
 * personality(ADDR_NO_RANDOMIZE), as a harness should, a hog is killed at the same page in every
 * run: 600 of 600 at page 2009 of an 8M group.
 */
#ifndef OOMLAB_WORKLOADS_HOG_RUN_H
#define OOMLAB_WORKLOADS_HOG_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "workloads/hog.h"
#include "workloads/workload.h"

/* Descriptors have fixed numbers, so that the seccomp filters (made at build time) can name
 * them. Everything above is closed before setup. */
enum {
	HOG_FD_CONTROL = 3, /* the command socket */
	HOG_FD_RECEIPT = 4, /* the receipt pipe, or the same socket */
	HOG_FD_SIGNAL = 5,  /* signalfd for SIGCHLD, of workloads that fork */
	HOG_FD_EVENT = 6,   /* eventfd: a child has done its part */
	HOG_FD_FILE = 7,    /* the workload's own: HOG_FD_FILE ... + HOG_FILES_MAX - 1 */
	HOG_FILES_MAX = 4,
	HOG_FD_FREE = 16, /* from here on nothing is named */
};

enum hog_thp { HOG_THP_NEVER, HOG_THP_ALWAYS, HOG_THP_SYSTEM };
extern const char *const hog_thp_names[];

/* One VMA in a slot of its own, filled from its start; freed from its end. */
struct hog_region {
	char *base; /* the head page; data starts one page later */
	uint64_t room_pages;
	uint64_t used_pages; /* of the room, from its start */
	uint64_t open_pages; /* readable and writable so far; all, unless overcommit is strict */
};

struct hog {
	const struct wl *wl;
	void *values; /* of the workload's options */
	struct hog_status *status;
	volatile uint64_t *touched; /* status->touched_pages, or a forked child's own */
	volatile uint64_t *total;   /* status->total_pages, or &own_total in a child */
	volatile uint64_t own_total;
	uint64_t page_size;
	bool lockstep; /* has a control socket; else it was started by hand */
	bool confine;
	bool then_exit;	   /* alone: end after the pattern */
	bool seeded;	   /* patterns draw what they do, see pace.c */
	uint64_t draws;	   /* state of the stream of draws */
	uint64_t pause_ns; /* seeded: what pauses are on average where none was asked for */
	uint64_t zero_ns; /* CLOCK_MONOTONIC: when the pattern's own time begins; 0: when it does */
	bool in_command;  /* a command is under way: others get -EBUSY, but ping, free, quit */
	struct hog_region region;
	/* Set in setup where the rest of the life is led elsewhere, in a thread or a vfork child:
	 * called once, confined, before READY, and calls hog_live() there. */
	void (*enter)(struct hog *hog);
	/* Set in setup by workloads that fork: reaps and counts; called when SIGCHLD or an event
	 * came, also between commands. */
	void (*watch)(struct hog *hog);
};

/* ---- life (hog.c) -------------------------------------------------------------------------- */

struct hog_options {
	uint64_t control_fd; /* UINT64_MAX: none */
	uint64_t receipt_fd; /* UINT64_MAX: receipts go over the control socket */
	uint64_t status_fd;
	bool confine;
	int then;	  /* alone: 0 hold, 1 exit */
	uint64_t seed;	  /* of what patterns draw; 0: they do exactly what their options say */
	const char *name; /* for the kernel's log; NULL: as exec named it */
};

/* The whole life after the options are parsed; returns the exit status when it failed early. */
int hog_main(const struct wl *wl, void *values, const struct hog_options *options);

/* READY, then commands or, alone, the pattern. Does not return. */
_Noreturn void hog_live(struct hog *hog);

/* For hog->enter: reports as a failed setup does, and ends. */
_Noreturn void hog_enter_failed(struct hog *hog, int errnum, const char *what);

/* Answers ping, free and quit until the monotonic deadline, at least once. Patterns call it
 * between two blocks. A watched event ends the wait too when 'events' is set. */
void hog_wait(struct hog *hog, uint64_t deadline_ns, bool events);

/* Alone: one line about progress. Lockstep: nothing. */
void hog_say_progress(struct hog *hog, uint64_t bytes, uint64_t began_ns);

/* Notes a failed allocation in the status page; returns -errnum. */
int hog_failed(struct hog *hog, int errnum);

/* Moves fd to the fixed number 'want' (close-on-exec). */
int hog_place_fd(int fd, int want, struct err *err);

/* Ends with the parent: SIGKILL when it dies, or now when it is dead already. For the children
 * a hog makes; async-signal-safe. */
void hog_die_with(pid_t parent);

/* ---- touching (touch.c) -------------------------------------------------------------------- */

/* One volatile store a page, and after each page one into the status page. */
void hog_touch(struct hog *hog, void *start, uint64_t pages);
/* The same by a load: the zero page for untouched anonymous memory. */
void hog_peek(struct hog *hog, const void *start, uint64_t pages);
/* bzero, page by page: counts a page when its first byte is stored, then clears the rest. */
void hog_zero(struct hog *hog, void *start, uint64_t bytes);
/* Pages that a system call made resident, or that were given back. */
void hog_count(struct hog *hog, uint64_t pages);
void hog_uncount(struct hog *hog, uint64_t pages);
/* Resident pages of a mapping, by mincore(2). */
uint64_t hog_resident(struct hog *hog, void *start, uint64_t pages);
/* A touched page to copy from or to where the contents never matter; NULL and errno. */
void *hog_scratch(const struct hog *hog);
/* Bytes in whole pages, rounded up. */
uint64_t hog_pages(const struct hog *hog, uint64_t bytes);

/* ---- the region (region.c) ----------------------------------------------------------------- */

/* Maps it and touches its head. 'thp' is an enum hog_thp. */
int hog_region_open(struct hog *hog, int thp, struct err *err);
/* The next 'pages' of the room; they become used when touched or claimed. NULL and -ENOMEM when
 * the room is used up or the kernel refuses to commit more. */
int hog_region_next(struct hog *hog, uint64_t pages, char **ret);
void hog_region_claim(struct hog *hog, uint64_t pages);
/* hog_region_next, hog_touch, claim; returns 0 or -errno. */
int hog_region_touch(struct hog *hog, uint64_t bytes);
/* Gives the last pages back with MADV_DONTNEED. Their page tables stay, but for those that one
 * call of 2 MiB or more empties (from 6.14 on): predictions hold until the first free. */
int hog_region_drop(struct hog *hog, uint64_t bytes);

/* ---- patterns (pace.c) --------------------------------------------------------------------- */

/* The options of every pattern that allocates block by block. */
struct hog_pace {
	uint64_t block_bytes;
	uint64_t interval_ns;
	uint64_t count; /* blocks; 0: as many as 'total' asks for */
	uint64_t total_bytes;
	uint64_t unit_bytes; /* state: blocks are drawn in multiples of it; 0: of pages */
};

#define HOG_PACE_DEFAULTS                                       \
	{                                                       \
		.block_bytes = 1 << 20, .total_bytes = 64 << 20 \
	}

/* Rows for the option table of a values struct with a member 'pace'. */
#define HOG_PACE_OPTS(type)                                                           \
	{.name = "block",                                                             \
	 .letter = 'b',                                                               \
	 .kind = OPT_SIZE,                                                            \
	 .offset = offsetof(type, pace.block_bytes),                                  \
	 .arg = "SIZE",                                                               \
	 .help = "allocate blocks of this size (default 1M)"},                        \
		{.name = "interval",                                                  \
		 .letter = 'i',                                                       \
		 .kind = OPT_DURATION,                                                \
		 .offset = offsetof(type, pace.interval_ns),                          \
		 .arg = "TIME",                                                       \
		 .help = "pause this long between two blocks (default 0)"},           \
		{.name = "count",                                                     \
		 .letter = 'n',                                                       \
		 .kind = OPT_U64,                                                     \
		 .offset = offsetof(type, pace.count),                                \
		 .arg = "N",                                                          \
		 .help = "stop after N blocks (default: when the total is reached)"}, \
	{                                                                             \
		.name = "total", .letter = 't', .kind = OPT_SIZE,                     \
		.offset = offsetof(type, pace.total_bytes), .arg = "SIZE",            \
		.help = "stop at this size, max: never (default 64M)"                 \
	}

/* Patterns draw from here on; the stream is that of the hog's name. */
void hog_pace_seed(struct hog *hog, uint64_t seed, const char *name);
/* The pause of a pattern that was told to make such ones. Without a seed that. */
uint64_t hog_pace_pause(struct hog *hog, uint64_t interval_ns);

int hog_pace_check(const struct hog_pace *pace, struct err *err);
/* Calls the workload's alloc block by block. Returns 0, or the -errno that ended it. */
int hog_pace_run(struct hog *hog, const struct hog_pace *pace);

/* ---- confinement (confine.c) --------------------------------------------------------------- */

/* Installs the filter for the workload's needs: all else ends with exit status 159 and the
 * number of the call in the status page; 'say' prints its name to stderr, too. */
int hog_confine(struct hog_status *status, unsigned needs, bool say, struct err *err);
/* The name of a system call of this architecture, "?" for an unknown number. */
const char *hog_syscall_name(int number);

/* The exact options before the workload's own, for the parser, --help and the man page. */
extern const struct opt hog_common_opts[];

#endif
