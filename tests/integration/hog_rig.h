/*
 * A rig for tests of oomhog: one cgroup v1 memory group, one hog in it on one CPU, driven by the
 * lockstep protocol as the harness does, but with nothing of the harness in between.
 * Used by test_hog.c; asserts nothing itself.
 */
#ifndef OOMLAB_TESTS_INTEGRATION_HOG_RIG_H
#define OOMLAB_TESTS_INTEGRATION_HOG_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "workloads/hog.h"

#define RIG_ROOT "/sys/fs/cgroup/memory"

enum { RIG_ARGS_MAX = 24, RIG_WAIT_MS = 10000 };

struct rig {
	char dir[160];	/* of the memory group */
	char pids[160]; /* of the pids group; "" when none */
	pid_t pid;
	int control;  /* commands */
	int receipts; /* the pipe back */
	int status_fd;
	struct hog_status *status;
	uint64_t seq;
	int wait_status;
	bool reaped;
};

/* NULL, or why no group can be made here. */
const char *hog_rig_missing(void);

/* Makes the group (limit 0: none; pids_max 0: none). Returns 0 or -errno. */
int hog_rig_open(struct rig *rig, uint64_t limit_bytes, unsigned pids_max);
/* Starts $OOMLAB_HOG (default build/oomhog) in the group with these arguments (NULL-terminated). */
int hog_rig_spawn(struct rig *rig, const char *const *args);
/* Kills the hog, reaps, removes the groups. */
void hog_rig_close(struct rig *rig);
/* Removes what tests that failed, and so were ended at once, have left. */
void hog_rig_sweep(void);

/* 0, -ETIMEDOUT after RIG_WAIT_MS, or -ECONNRESET when the hog has ended. */
int hog_rig_send(struct rig *rig, uint32_t op, uint64_t bytes, uint32_t arg);
int hog_rig_receipt(struct rig *rig, struct hog_receipt *ret);
int hog_rig_ask(struct rig *rig, uint32_t op, uint64_t bytes, struct hog_receipt *ret);
/* Waits for the hog's end; 0 or -ETIMEDOUT. */
int hog_rig_wait_end(struct rig *rig);

int hog_rig_write(const struct rig *rig, const char *file, const char *text);
uint64_t hog_rig_read(const struct rig *rig, const char *file);
uint64_t hog_rig_read_field(const struct rig *rig, const char *file, const char *field);
/* Drains the charge caches until two readings agree; returns the usage in pages. */
uint64_t hog_rig_exact_usage(const struct rig *rig);
/* A field of /proc/PID/status in kB (VmRSS:). */
uint64_t hog_rig_proc_kb(pid_t pid, const char *field);
/* The numbers in a pids file: 0 when the group is empty. */
unsigned hog_rig_procs(const struct rig *rig);

#endif
