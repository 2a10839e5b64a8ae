/*
 * 'oomlab vm --replay': a recorded run once more, and the proof that it is the same. Private to
 * cmd_vm.c.
 */
#ifndef OOMLAB_CMD_VM_REPLAY_H
#define OOMLAB_CMD_VM_REPLAY_H

#include "harness/cmd/vm_session.h"

/* --replay as it was given: a seed, of which *ret_seed is the number, or else a record. */
bool vm_replay_is_seed(const char *text, uint64_t *ret_seed);
/* A turn with values->seed, compared with the newest record of it below values->results; where
 * there is none it is run twice. Returns an exit status: CMD_OK: the same; CMD_FAILED: not the
 * same. */
int vm_replay_turn(struct vm_session *session, const char *spec, const char *cgroup,
		   struct err *err);
/* The run of a record, with its own options; kernels that were named take its kernel's place. */
int vm_replay_record(struct vm_session *session, const char *path, struct err *err);

#endif
