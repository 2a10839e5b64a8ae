/*
 * What the tests of cgroups/ on a real kernel share: groups named oomlab-test-<pid>-*, children
 * that join them, and the sweep that removes what a failed test left. Every function aborts the
 * test when it cannot do its work.
 */
#ifndef OOMLAB_TESTS_CG_RIG_H
#define OOMLAB_TESTS_CG_RIG_H

#include "cgroups/internal.h"

enum { MIB = 1 << 20 };

/* They end a broken run, not a slow one. */
#define RIG_PATIENCE_NS 20000000000ULL
enum { RIG_PATIENCE_MS = 20000 };

/* Once a program, before the tests fork. */
void rig_begin(void);
/* Purges the groups of this run: an unchecked teardown, for tests that failed half way. */
void rig_sweep(void);

struct cg_host *rig_host(const char *parent);
/* The caller destroys it; 'what' becomes part of the name. */
struct cg *rig_group(struct cg_host *host, struct cg *above, const char *what);
void rig_destroy(struct cg *cg);
void rig_kill(struct cg *cg);

void rig_set(struct cg *cg, const char *knob, const char *value);
/* buf holds CG_VALUE_MAX bytes. */
void rig_get(const struct cg *cg, const char *knob, char *buf);
uint64_t rig_count(const struct cg *cg, const char *name);
void rig_wait_event(int fd, uint32_t events);
bool rig_is_inside(const struct cg *cg, pid_t pid);
bool rig_is_there(const char *path);

/* Forks a child that joins by the descriptors and then calls fn, which does not return; the
 * parent does not wait for it. */
pid_t rig_fork_into(const int *fds, size_t n, void (*fn)(size_t arg), size_t arg);
pid_t rig_fork_into_group(const struct cg *cg, void (*fn)(size_t arg), size_t arg);
/* fn: touches so many bytes and exits; doubles so many times and waits to be killed. */
void rig_touch(size_t bytes);
void rig_grow(size_t times);
/* A child in the group that touched so many bytes, or died of it, and waits to be killed. */
pid_t rig_spawn(const struct cg *cg, size_t bytes);
/* The wait status. */
int rig_reap(pid_t pid);
/* Reaps it, and it was SIGKILL. */
void rig_assert_killed(pid_t pid);

#endif
