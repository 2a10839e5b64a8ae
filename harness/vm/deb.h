/*
 * What of a Debian package a machine boots: its kernel and modules, taken out without installing.
 */
#ifndef OOMLAB_VM_DEB_H
#define OOMLAB_VM_DEB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct deb_wish {
	const char *release; /* uname -r; other kernels' files are left alone */
	int modules;	     /* a directory that modules go into, as they lie below
				lib/modules/RELEASE; -1: not wanted */
	struct str *vmlinuz; /* the kernel is appended; NULL: not wanted */
};

struct deb_found {
	bool vmlinuz;
	size_t modules;
	unsigned long long modules_bytes;
};

/* -EPROTO: no package, or damaged; -ENOSPC and its like: what cannot be written. */
int deb_extract(int fd, const struct deb_wish *wish, struct deb_found *ret, struct err *err);

#endif
