/*
 * How long a process was ready to run and had no CPU. A machine that its host keeps waiting is not
 * one that hangs: deadlines are moved by this.
 */
#ifndef OOMLAB_VM_DELAY_H
#define OOMLAB_VM_DELAY_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds since it began, of all its threads: one may have slept for a lock whose holder had no
 * CPU. What it waits just now is not in it. 0 where the kernel does not count it
 * (CONFIG_SCHED_INFO). Source: schedstat in Documentation/scheduler/sched-stats.rst, its second
 * number. */
uint64_t delay_of(pid_t pid);

#endif
