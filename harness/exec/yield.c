/*
 * See yield.h.
 */
#include "harness/exec/yield.h"

#include <sched.h>
#include <stdio.h>

bool yield_needed(const char *kernel)
{
	unsigned major, minor;

	/* By number, for want of a file that tells: 6.18 waits, 7.2 and 7.3 do not; a213e5cf71cb is
	 * of 5.18. */
	if (sscanf(kernel, "%5u.%5u", &major, &minor) != 2)
		return false;
	return major >= 7 || major < 5 || (major == 5 && minor < 18);
}

void yield_share_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return;
	for (size_t cpu = 0, kept = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && kept++ > 0)
			CPU_CLR(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* SCHED_IDLE for those who ask is not enough: under EEVDF it is their turn whenever the victim has
 * had more than its share (7.3). */
void yield_asks(pid_t pid, bool asks)
{
	const struct sched_param none = {0}, least = {.sched_priority = 1};

	(void)sched_setscheduler(pid, asks ? SCHED_OTHER : SCHED_FIFO | SCHED_RESET_ON_FORK,
				 asks ? &none : &least);
}
