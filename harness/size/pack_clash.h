/*
 * Whether two copies have the same file open for writing: they may both end well and yet have
 * spoilt each other's result. Seen only while it is open, at the moments when it is looked at.
 */
#ifndef OOMLAB_SIZE_PACK_CLASH_H
#define OOMLAB_SIZE_PACK_CLASH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroups/cg.h"

enum { CLASH_OPEN_MAX = 256 };

/* A regular file that somebody writes. */
struct pack_open {
	dev_t device;
	ino_t inode;
	pid_t session; /* each copy has one of its own */
};

struct pack_clash {
	struct pack_open open[CLASH_OPEN_MAX];
	size_t n;
};

/* Adds one; true: another session has it, too. Pure. */
bool pack_clash_add(struct pack_clash *clash, const struct pack_open *file);
/* Whether the text of a fdinfo says that it was opened for writing. Pure. */
bool pack_clash_writes(const char *fdinfo);
/* Looks at all processes of the group; true: *path (PATH_MAX bytes) is such a file. */
bool pack_clash_find(const struct cg *cg, char *path);

#endif
