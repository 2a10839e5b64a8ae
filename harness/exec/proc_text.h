/*
 * The text of /proc/PID/stat and /proc/PID/status as numbers. Pure, and by hand: a scan of ten
 * thousand processes spends its time in the kernel, not here.
 */
#ifndef OOMLAB_EXEC_PROC_TEXT_H
#define OOMLAB_EXEC_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/oomlog/report.h"

enum { PROC_PF_KTHREAD = 0x00200000 }; /* since 2.6.26; before: no mm */

struct proc_stat {
	int64_t pid, ppid;
	char comm[OOM_COMM_MAX]; /* escapes undone */
	char state;
	uint64_t flags; /* PF_* */
	uint64_t threads, start_ticks, vsize_bytes, rss_pages;
};

struct proc_status {
	bool has_mm; /* the Vm lines are there */
	char comm[OOM_COMM_MAX];
	char state;
	int64_t tgid, ppid;
	uint64_t uid, threads, cap_eff;
	bool has_cap_eff;
	/* KiB; 0 where this kernel has no such line */
	uint64_t vm_size, vm_rss, rss_anon, rss_file, rss_shmem, vm_pte, vm_pmd, vm_swap;
};

/* The name is whatever stands between the first '(' and the last ')'. false: no stat line. */
bool proc_parse_stat(const char *text, size_t n, struct proc_stat *ret);
/* Lines that are not known are passed over, missing ones are zeros. */
void proc_parse_status(const char *text, size_t n, struct proc_status *ret);
/* A decimal number with an optional sign, to the end or a newline. false: anything else. */
bool proc_parse_number(const char *text, size_t n, int64_t *ret);

#endif
