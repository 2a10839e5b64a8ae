/*
 * Many small sleeping processes in a group of their own, and the least that reading about all
 * processes can cost.
 */
#ifndef OOMLAB_BENCH_CROWD_H
#define OOMLAB_BENCH_CROWD_H

#include <stdint.h>

#include "cgroups/cg.h"

struct crowd {
	struct cg_host *host;
	struct cg *cg;
	pid_t parent;
};

/* n processes that wait to be killed; they live no longer than this one. */
int crowd_make(struct crowd *ret, unsigned n, struct err *err);
void crowd_end(struct crowd *crowd);
/* Opens, reads and closes /proc/PID/status of every process. */
int crowd_read_status(uint64_t *ret_ns, struct err *err);

#endif
