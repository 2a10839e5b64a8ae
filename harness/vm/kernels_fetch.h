/*
 * From a pin to a kernel in the cache: packages fetched, checked, unpacked. The lock is held.
 */
#ifndef OOMLAB_VM_KERNELS_FETCH_H
#define OOMLAB_VM_KERNELS_FETCH_H

#include "harness/vm/fetch.h"
#include "harness/vm/pin.h"
#include "harness/vm/store.h"

/* Fills in what the pin says of the kernel (vmlinux_sha256, modules, sizes). -ENOENT: the mirror
 * has it no more. */
int kernels_fetch(const struct store *store, const struct fetch_watch *watch, struct pin *pin,
		  struct err *err);

#endif
