/*
 * One run of the kernel's make, with its log and progress.
 */
#ifndef OOMLAB_VM_TINY_MAKE_H
#define OOMLAB_VM_TINY_MAKE_H

#include "base/err.h"
#include "harness/vm/tiny_tree.h"

/* -EPROTO: it failed, and where its log is; the log's last lines are told to the watch. -ENOSPC:
 * for lack of room. */
int tiny_make(const struct tiny_tree *tree, const char *target, const char *what, struct err *err);

#endif
