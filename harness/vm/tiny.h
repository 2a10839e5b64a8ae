/*
 * Tiny kernels: built here from Debian's source with options of our own (tiny.options), for what
 * Debian's kernels lack: cgroup v1 on new ones, injected faults, a boot in under a second. In the
 * cache they are kernels like the others and go by "tiny:WISH", which means what 'build' built
 * last for that wish.
 */
#ifndef OOMLAB_VM_TINY_H
#define OOMLAB_VM_TINY_H

#include <stdbool.h>

#include "base/err.h"
#include "harness/vm/kernels.h"

struct tiny_wish {
	const char *spec; /* "tiny:6.12" */
	unsigned jobs;	  /* of make */
};

/* Builds the newest source that the spec fits, unless that is what is in the cache; goes on with
 * what an earlier call has left. The last lines of a build that failed are told to the watch.
 * -ENOPKG: tools are missing; -ENOSPC; -EPROTO: the build failed, and where its log is; -EINTR. */
int tiny_build(struct kernels *kernels, const struct tiny_wish *wish, struct pin *ret,
	       struct err *err);

/* What the spec means; needs no network. -ENOENT: it has not been built. */
int tiny_get(const struct kernels *kernels, const char *spec, struct pin *ret, struct err *err);
/* 1: the mirror's source is newer (its version appended to 'newer'), or the options have changed;
 * 0: nothing newer is known. The index is loaded. */
int tiny_is_old(const struct kernels *kernels, const struct pin *pin, struct str *newer,
		struct err *err);

/* Removes what builds of that spec have left; of all: NULL. Returns how many; -EBUSY: one runs. */
int tiny_remove_builds(const struct kernels *kernels, const char *spec, struct err *err);

#endif
