/*
 * Kernels to boot: what a person names, turned into an ELF file and a folder of modules.
 */
#ifndef OOMLAB_VM_KERNEL_H
#define OOMLAB_VM_KERNEL_H

#include "base/err.h"
#include "harness/vm/fetch.h"

struct kernel {
	char *name;    /* as it was asked for */
	int fd;	       /* the vmlinux, readable; -1: none */
	char *modules; /* a folder of its modules; NULL: none are known */
	char *why_not; /* set by who goes on without it: it cannot be had, since ... */
};

/* 'spec': the path of a bzImage or vmlinux (its modules are those of /lib/modules/VERSION when the
 * file is named vmlinuz-VERSION or lies in such a folder), "host": this machine's own image, or
 * "debian:VERSION" and "debian:SUITE": fetched when it is not in the cache (kernels.h), of which
 * 'watch' is told, or "tiny:VERSION": built here before. -ENOENT, -EPROTO and what kernels_get()
 * gives say what was expected. */
int kernel_open(const char *spec, const struct fetch_watch *watch, struct kernel *ret,
		struct err *err);
void kernel_close(struct kernel *kernel);

#endif
