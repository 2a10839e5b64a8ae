/*
 * Whether a kernel runs on the hardware here. That /dev/kvm is there and opens says nothing: on a
 * host that is a guest of a special kind stock kernels hang in it. So one is booted, once, under a
 * deadline, and what came of it is kept in the cache for this kernel, QEMU and host.
 */
#ifndef OOMLAB_CMD_VM_ACCEL_H
#define OOMLAB_CMD_VM_ACCEL_H

#include <stdbool.h>

#include "harness/cmd/vm_run.h"

/* How machines of this image are to run, by values->accel. -EOPNOTSUPP: KVM was wanted, and does
 * not do; -EINTR. */
int vm_accel(const struct vm_run *run, int initrd, const char *append, bool *ret_kvm,
	     struct err *err);

#endif
