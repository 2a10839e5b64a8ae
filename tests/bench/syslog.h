/*
 * A syslog to read through: ordinary lines, with OOM reports of 139 lines spread through it.
 */
#ifndef OOMLAB_BENCH_SYSLOG_H
#define OOMLAB_BENCH_SYSLOG_H

#include <stdint.h>

#include "base/err.h"

enum { SYSLOG_REPORTS = 1000 };

/* Writes at least this many bytes and SYSLOG_REPORTS reports to a new file. */
int syslog_make(const char *path, uint64_t bytes, struct err *err);

#endif
