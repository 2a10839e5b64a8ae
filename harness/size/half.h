/*
 * Whose peaks meet depends on who gets a CPU when: processes that pass each other by on an idle
 * machine wait for each other's CPU on a busy one. Half of the CPUs is that, whenever it is wanted.
 */
#ifndef OOMLAB_SIZE_HALF_H
#define OOMLAB_SIZE_HALF_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether this process has two CPUs or more. */
bool half_can(void);
/* Takes every other CPU from a process that has not begun; what it starts has no more. Where that
 * fails it keeps all. */
void half_give(pid_t pid);

#endif
