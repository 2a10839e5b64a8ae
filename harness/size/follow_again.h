/*
 * System calls made again: what is remembered of a thread between the beginning and the end of one,
 * and its registers. Private to follow.c.
 */
#ifndef OOMLAB_SIZE_FOLLOW_AGAIN_H
#define OOMLAB_SIZE_FOLLOW_AGAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "harness/size/follow.h"

struct follow_thread {
	pid_t tid;
	uint64_t born;
	bool inside;  /* a call began whose end we want to see */
	bool armed;   /* FOLLOW_LATE: all of its calls are seen */
	bool counted; /* what its process needed was looked at when it ended */
	uint64_t nr, args[6];
	uint64_t failcnt; /* of the group when it began */
	bool settled;	  /* FOLLOW_PROBE: the end of this call was seen, a signal may follow */
	/* A transfer of which a part is done: the call as it was, to be put back in the end. */
	bool resting;
	uint64_t rest_ip, rest_sp, rest_nr, rest_args[6];
	int64_t rest_done;
};

void again_begins(struct follow_thread *thread, const struct __ptrace_syscall_info *info,
		  uint64_t nr, const uint64_t *args, uint64_t failcnt);
/* The stop at the end of a call: leaves its result, or has it made again. */
void again_ended(struct follow *follow, struct follow_thread *thread);
/* The same for a stop by the probe: between the end of a call and the program. */
void again_probed(struct follow *follow, struct follow_thread *thread);
/* Whether the ends of its calls are to be seen: a transfer is to be put together. */
bool again_watches(const struct follow_thread *thread);

#endif
