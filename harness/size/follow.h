/*
 * Follows a command and everything that it starts by ptrace: threads, children, exec. Stopped are
 * only the system calls that its seccomp filter names (filter.h). Those that failed for want of
 * memory are made again after the limit was raised, so the command never sees that there was one.
 *
 * A command that reads the limit of its group sizes itself from it; it is recognised by the files
 * that it opens and by its name, and following ends there.
 */
#ifndef OOMLAB_SIZE_FOLLOW_H
#define OOMLAB_SIZE_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/size/peaks.h"

enum { FOLLOW_WHY_MAX = 200 };

struct follow_thread; /* private */
struct probe;

struct follow_calls {
	/* How often the group's limit was in the way so far. */
	uint64_t (*failcnt)(void *data);
	/* A call failed while that count moved: raises the limit, or says that it was not the
	 * limit (false). */
	bool (*raise)(void *data);
};

enum follow_style {
	FOLLOW_LOOK,	/* only who reads its limit is looked for; filter: FILTER_OPENS */
	FOLLOW_CHARGES, /* calls that fail are made again, from the start; FILTER_CHARGES */
	FOLLOW_LATE,	/* the same from follow_arm() on, until then at full speed; FILTER_OPENS */
	FOLLOW_PROBE,	/* only calls that ran into the limit are stopped; FILTER_OPENS */
};

struct follow {
	const struct follow_calls *calls;
	void *data;
	enum follow_style style;
	const struct probe *probe; /* FOLLOW_PROBE; borrowed */
	bool armed;		   /* FOLLOW_LATE: from here on every call is seen */
	struct follow_thread *threads;
	size_t n, cap, most; /* most: that there were at once */
	unsigned int n_retries;
	uint64_t moment;	  /* counts births and deaths */
	struct peaks peaks;	  /* of those that have ended */
	bool began;		  /* the command is executed; until then it is this program */
	bool self_sized;	  /* it reads its limit ... */
	bool missed;		  /* a call that failed may not have been seen */
	bool lost;		  /* it cannot be followed ... */
	char why[FOLLOW_WHY_MAX]; /* ... for this reason */
};

#define FOLLOW_OPTIONS                                                                            \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

/* 'probe' goes with FOLLOW_PROBE, else NULL. Before the command's first instruction. */
void follow_begin(struct follow *follow, pid_t pid, enum follow_style style,
		  const struct probe *probe, const struct follow_calls *calls, void *data);
/* FOLLOW_LATE: stops every thread once, to see its calls from there on. When a charge has failed
 * before a thread stopped, a call of it may have failed unseen: 'missed'. */
void follow_arm(struct follow *follow);
void follow_end(struct follow *follow);
/* All that are left are about to be killed: what they needed is kept. */
void follow_take_peaks(struct follow *follow);
/* A status of waitpid(__WALL): acts on it and lets the thread go on. */
void follow_take(struct follow *follow, pid_t tid, int status);

/* Whether who opens this file or runs this program sizes itself by its group's limit. Pure. */
bool follow_is_limit_file(const char *path);
const char *follow_runtime_of(const char *program);

#endif
