/*
 * 'oomlab vm --seeds A..B': a machine a seed, several at once, and what came of them. Private to
 * cmd_vm.c.
 */
#ifndef OOMLAB_CMD_VM_SEEDS_H
#define OOMLAB_CMD_VM_SEEDS_H

#include "harness/cmd/vm_session.h"

/* "1..500", or one seed. -EINVAL. */
int vm_seeds_parse(const char *text, uint64_t *ret_first, uint64_t *ret_last, struct err *err);
/* All of values->seeds for one kernel and cgroup version. Returns an exit status; -EINTR: the
 * summary of what ran was printed. */
int vm_seeds(struct vm_session *session, const char *spec, const char *cgroup, struct err *err);

#endif
