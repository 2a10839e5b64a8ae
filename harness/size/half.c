/*
 * See half.h. Every other one, since neighbours often are one core's two threads.
 */
#include "harness/size/half.h"

#include <sched.h>

/* A machine with more CPUs than that is not halved: sched_getaffinity(2) fails (EINVAL). */
static bool cpus_of(pid_t pid, cpu_set_t *set)
{
	return sched_getaffinity(pid, sizeof(*set), set) == 0;
}

bool half_can(void)
{
	cpu_set_t set;

	return cpus_of(0, &set) && CPU_COUNT(&set) > 1;
}

void half_give(pid_t pid)
{
	cpu_set_t set;
	bool keep = true;

	if (!cpus_of(pid, &set) || CPU_COUNT(&set) < 2)
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (!keep)
			CPU_CLR(cpu, &set);
		keep = !keep;
	}
	(void)sched_setaffinity(pid, sizeof(set), &set);
}
