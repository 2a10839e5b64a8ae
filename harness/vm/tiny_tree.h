/*
 * A kernel's source and what is built from it, in a folder of their own:
 *
 *   fetch/package.deb     the source as Debian has it; gone when it is unpacked
 *   source/               without what no such kernel needs
 *   options               of which out/ was made; another list makes it anew
 *   out/                  make's: .config, objects, vmlinux
 *   log                   of the last make
 *
 * What is complete got its name by rename(2), or is make's to know, so each step goes on where it
 * was killed. The build lock is held.
 */
#ifndef OOMLAB_VM_TINY_TREE_H
#define OOMLAB_VM_TINY_TREE_H

#include "base/err.h"
#include "harness/vm/debian.h"
#include "harness/vm/fetch.h"
#include "harness/vm/tiny_options.h"

struct tiny_tree {
	char *path;
	unsigned jobs;
	const struct fetch_watch *watch;
};

/* How much disk the steps still need. */
uint64_t tiny_tree_room(const struct tiny_tree *tree, const struct debian_package *source);
/* Whether it is there, unpacked. */
bool tiny_tree_has_source(const struct tiny_tree *tree);
/* Unpacks fetch/package.deb. */
int tiny_tree_unpack(const struct tiny_tree *tree, const struct debian_package *source,
		     struct err *err);
/* Makes out/.config, and tells what of the options this kernel does not have. */
int tiny_tree_configure(const struct tiny_tree *tree, const struct tiny_options *options,
			struct err *err);
/* Makes out/vmlinux, and from it 'vmlinux' without symbols. -EPROTO: it failed. */
int tiny_tree_make(const struct tiny_tree *tree, struct err *err);
/* uname -r of what is configured; free() it. */
int tiny_tree_release(const struct tiny_tree *tree, char **ret, struct err *err);

#endif
