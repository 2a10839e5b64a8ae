/*
 * What building a kernel needs of this machine: programs and a header of Debian's, the same as in
 * packages-kernel.txt.
 */
#ifndef OOMLAB_VM_TOOLCHAIN_H
#define OOMLAB_VM_TOOLCHAIN_H

#include "base/err.h"

/* -ENOPKG: something is missing, with the command that installs it. On success the compiler's own
 * words about itself, "gcc (Debian 12.2.0-14+deb12u1) 12.2.0"; free() them. */
int toolchain_check(char **ret_compiler, struct err *err);

#endif
