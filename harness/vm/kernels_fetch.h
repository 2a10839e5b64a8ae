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

/* Makes what lies in work/new the kernel of that pin, by one rename. */
int kernels_publish(const struct store *store, const struct pin *pin, struct err *err);
/* -EBADMSG: the file behind fd is not the package that the archive has signed. */
int kernels_check_hash(int fd, const struct debian_package *package, struct err *err);

#endif
