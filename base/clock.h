/*
 * One clock for every timestamp: CLOCK_MONOTONIC in nanoseconds, the clock of the kernel's log
 * (up to its own offset) and of the tracepoints' "mono" setting.
 */
#ifndef OOMLAB_BASE_CLOCK_H
#define OOMLAB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

#endif
