/*
 * One-value kernel files (sysctls, THP's mode): reading them and comparing values. Private to
 * harness/exec.
 */
#ifndef OOMLAB_EXEC_TOGGLE_H
#define OOMLAB_EXEC_TOGGLE_H

#include <stdbool.h>

#include "base/err.h"

enum { TOGGLE_VALUE_MAX = 256 };

#define TOGGLE_THP "/sys/kernel/mm/transparent_hugepage/enabled"

/* "vm.swappiness" -> "/proc/sys/vm/swappiness"; free(). */
char *toggle_sysctl_path(const char *name);
/* The value: trimmed, and of "always [madvise] never" the chosen word. Returns 0. */
int toggle_read(const char *path, char value[TOGGLE_VALUE_MAX], struct err *err);
/* The same value, however it is written ("010" is 8 to the kernel, "+1" is 1). */
bool toggle_same(const char *a, const char *b);

#endif
