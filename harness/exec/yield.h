/*
 * Letting a killed task go first. Some kernels do not wait for it. From 7.0 on a group's OOM killer
 * looks for victims among tasks that do not exit yet (kernel/cgroup/cgroup.c,
 * css_task_iter_advance), so one that was killed and still holds all its memory is not seen any
 * more, and whoever asks meanwhile gets a second task killed: in 30 to 60 of 100 runs on one CPU,
 * in none on 6.12. Up to 5.17 the same happens to locked memory: exit_mmap() declares a victim done
 * (MMF_OOM_SKIP) after it has reaped all but that. What a scenario says about the first victim can
 * be told there if a task at rest that is killed runs before all that ask, on the one CPU that they
 * share.
 * scenarios/claims/one-victim-at-a-time.yaml shows the former without this.
 */
#ifndef OOMLAB_EXEC_YIELD_H
#define OOMLAB_EXEC_YIELD_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether this kernel ("7.3.4+deb13-cloud-amd64") is of that kind. */
bool yield_needed(const char *kernel);
/* The caller, and all that it starts from now on, on one CPU. */
void yield_share_cpu(void);
/* The process asks for memory, or is at rest. Best effort: needs CAP_SYS_NICE. */
void yield_asks(pid_t pid, bool asks);

#endif
