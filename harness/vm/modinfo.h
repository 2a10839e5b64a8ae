/*
 * The strings that describe a kernel module. Pure.
 */
#ifndef OOMLAB_VM_MODINFO_H
#define OOMLAB_VM_MODINFO_H

#include <stddef.h>

#include "base/err.h"

/* Called with each "key=value"; a negative value ends the reading. */
typedef int (*modinfo_fn)(void *arg, const char *text, struct err *err);

/* Of a module's plain bytes, aligned to eight. -EPROTO: it is none. */
int modinfo_read(const char *data, size_t size, modinfo_fn fn, void *arg, struct err *err);

#endif
