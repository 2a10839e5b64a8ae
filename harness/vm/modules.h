/*
 * Which module files a kernel needs for a wish such as zram, in the order in which they must be
 * loaded. Debian's packages have no modules.dep (depmod makes it on installation), so the modules'
 * own "depends" and "softdep" are followed.
 */
#ifndef OOMLAB_VM_MODULES_H
#define OOMLAB_VM_MODULES_H

#include "base/err.h"
#include "harness/vm/image.h"

struct modules;

/* Indexes all *.ko, *.ko.xz, *.ko.zst below a folder (usually .../lib/modules/VERSION). */
int modules_open(const char *folder, struct modules **ret, struct err *err);
void modules_free(struct modules *modules);

/* Adds this module and all that it needs, decompressed, to the image as lib/modules/NN-NAME.ko,
 * where NN is the order. Returns how many were added; 0: not among the files (built in, or this
 * kernel has none); what has been added before is not added again. */
int modules_add(struct modules *modules, const char *name, struct image *image, struct err *err);

#endif
