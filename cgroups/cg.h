/*
 * Disposable control groups: one API over cgroup v1, v2 and hybrid hosts. The only public header
 * of cgroups/. Which hierarchy a controller lives on is decided per controller and never shown
 * to callers; knobs and counters go by their v2 names, values are encoded per version.
 *
 * A group here is one name in several hierarchies at once: the one of 'memory', those of 'pids'
 * and 'cpuset' (v1: only when a knob of theirs is set), and, wherever a v2 hierarchy exists, a twin
 * there, because it alone has cgroup.events, cgroup.kill and memory.pressure (PSI counts every
 * task in a v2 group even when the memory controller is on v1; seen on 6.18).
 *
 * Sources: Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst, accounting/psi.rst.
 * Ownership: _open/_create give, _free/_destroy take back and accept NULL; 'const *' is borrowed.
 * Errors: see base/err.h. -EOPNOTSUPP always means "this host or kernel lacks it" with a message
 * that says what is missing (a skip, not a failure).
 */
#ifndef OOMLAB_CGROUPS_CG_H
#define OOMLAB_CGROUPS_CG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum cg_version { CG_ABSENT = 0, CG_V1 = 1, CG_V2 = 2 };

/* ---- the host ------------------------------------------------------------------------------ */

struct cg_host; /* immutable after opening; holds directory descriptors */

/* Reads proc/self/mountinfo and proc/self/cgroup below root_dirfd ("/" in real use; a fake tree
 * in tests). 'parent' (may be NULL) is --cgroup-parent: a path relative to the hierarchies' roots
 * ("/ci/job") or an absolute directory below a cgroup mount. Without it groups are made, per
 * hierarchy, in the first of these that this user may write to: the hierarchy's root, the
 * process's own group (delegation: systemd Delegate=yes, rootless v2), its ancestors. On v2 those
 * come first that can hand the memory controller down, having no processes of others in them. */
int cg_host_open(int root_dirfd, const char *parent, struct cg_host **ret, struct err *err);
void cg_host_free(struct cg_host *host);

/* Where a controller ("memory", "pids", "cpuset", ...) lives. */
enum cg_version cg_host_version(const struct cg_host *host, const char *controller);
bool cg_host_has_twin(const struct cg_host *host); /* a v2 hierarchy is mounted */
/* The layout in words, e.g. "hybrid: memory, pids, cpuset on v1; v2 at /sys/fs/cgroup/unified". */
const char *cg_host_describe(const struct cg_host *host);
/* The directory (absolute, as mounted) below which groups with this controller are made; NULL
 * when there is none; *ret_why (may be NULL) then says why in static or host-owned text. */
const char *cg_host_parent(const struct cg_host *host, const char *controller,
			   const char **ret_why);
/* 0 when a group could be made (the directory is writable), else -errno and what would help. */
int cg_host_usable(const struct cg_host *host, struct err *err);

/* ---- groups -------------------------------------------------------------------------------- */

struct cg;

/* Makes a group of this name below the host's parent (above == NULL) or below another group.
 * On v2 the controllers 'memory', 'pids' and, when wanted later, 'cpuset' are enabled in the
 * ancestors' cgroup.subtree_control as far as this host lacks them; when the only writable group
 * is the caller's own (delegation), the caller is moved into a leaf 'oomlab-self' beside it first
 * (v2 forbids processes in inner groups). -EEXIST when the name is taken. */
int cg_create(struct cg_host *host, struct cg *above, const char *name, struct cg **ret,
	      struct err *err);

/* A new descriptor, of the caller, that is EPOLLPRI each time the group stalled on memory as
 * 'trigger' says ("some 50000 1000000", us of stall and of the time for it); -EOPNOTSUPP without v2
 * or PSI. Source: accounting/psi.rst. */
int cg_pressure_fd(struct cg *cg, const char *trigger, struct err *err);

/* Kills everything inside, waits until it is empty, removes children first, then itself, in
 * every hierarchy; frees cg. Bounded by timeout_ns (monotonic duration). On failure the group is
 * freed all the same and the message says what is left and who is in it. NULL is fine. */
int cg_destroy(struct cg *cg, uint64_t timeout_ns, struct err *err);
/* Frees the handle and its descriptors; leaves the group in the kernel as it is. */
void cg_close(struct cg *cg);

const char *cg_name(const struct cg *cg);
/* Path of its directory in the hierarchy of 'memory', and the same as the kernel names it in its
 * log and in /proc/PID/cgroup ("/oomlab-1/victims"). */
const char *cg_dir(const struct cg *cg);
const char *cg_kernel_path(const struct cg *cg);

/* Moves a process (all its threads) into the group, in all its hierarchies. */
int cg_attach(struct cg *cg, pid_t pid, struct err *err);

/* For a freshly forked child that must join before exec: open descriptors of cgroup.procs, one a
 * hierarchy, owned by cg. The child writes "0" to each: async-signal-safe, no allocation.
 * Returns their number (at most max). */
size_t cg_join_fds(const struct cg *cg, int *fds, size_t max);

/* Pids inside (this group alone), in the kernel's order; returns the number found, of which at
 * most max are stored. */
int cg_procs(const struct cg *cg, pid_t *pids, size_t max, struct err *err);
/* Pids inside this group and all groups below. */
int cg_procs_tree(const struct cg *cg, pid_t *pids, size_t max, struct err *err);

/* SIGKILL to everything in the group and below: cgroup.kill where there is one (5.14+), else a
 * loop over cgroup.procs that ends when nobody is left or only zombies are. */
int cg_kill(struct cg *cg, struct err *err);

/* ---- knobs --------------------------------------------------------------------------------- */

/* What a knob's value is, for planning without a kernel. */
enum cg_unit { CG_BYTES, CG_COUNT, CG_SWITCH, CG_RANGE_LIST, CG_RAW };

/* The canonical name of a knob for 'name' (itself, or a v1 alias such as
 * memory.limit_in_bytes), its unit, and whether the given version has it. Unknown: -ENOENT, with
 * the nearest name in the message. Raw files by name are written "raw:FILE". */
int cg_knob_find(const char *name, const char **ret_canonical, enum cg_unit *ret_unit,
		 struct err *err);
/* 0, or -EOPNOTSUPP with the reason ("memory.oom_control exists on cgroup v1 alone, ..."). */
int cg_knob_supported(const struct cg_host *host, const char *name, struct err *err);
/* Whether groups here have this file ("memory.peak") and it can be written to. */
bool cg_file_writable(const struct cg_host *host, const char *file);
/* Checks the value's form (size, switch word, range list) without touching anything. */
int cg_knob_check(const char *name, const char *value, struct err *err);
/* All canonical names, NULL-terminated, static. */
const char *const *cg_knob_names(void);

/* Sets a knob. Values are v2's: sizes ("80M", "max"), switches ("enabled"/"disabled" for
 * memory.oom_control, "1"/"0" for memory.oom.group), "0-1" for cpuset. v1 encodings done here:
 * memory.swap.max S writes memsw = limit + S (and keeps that relation when memory.max changes
 * later, in the order the kernel accepts); memory.low becomes soft_limit only if asked for by
 * that name (their meanings differ); "max" is -1. */
int cg_set(struct cg *cg, const char *knob, const char *value, struct err *err);
/* The same with O_NONBLOCK, which has the kernel not wait: a limit below usage is set, and nothing
 * is reclaimed and nobody killed until somebody asks for more (v2, since 6.16; older kernels do as
 * cg_set() does). -EOPNOTSUPP on v1 for a knob that is more than one file. */
int cg_set_nonblock(struct cg *cg, const char *knob, const char *value, struct err *err);
/* Reads a knob back in the same canonical form. */
int cg_get(const struct cg *cg, const char *knob, char *buf, size_t size, struct err *err);

/* ---- counters ------------------------------------------------------------------------------ */

/* A counter by name:
 *   usage peak failcnt swap_usage kmem  (bytes, bytes, times, bytes, bytes)
 *   peak_since_reset                                   (bytes; see cg_reset_peak())
 *   under_oom oom_kill oom_kill_disable (v1 memory.oom_control; v2: oom_kill from memory.events)
 *   oom_kill_local oom oom_group_kill max high low     (v2 memory.events[.local])
 *   events.NAME events_local.NAME swap_events.NAME stat.NAME   (any field that is there)
 *   frozen                                             (v2: 1 while all below are frozen)
 *   pressure_some_us pressure_full_us                  (PSI totals, microseconds)
 *   pids                                               (pids.current)
 * Files are opened when the group is made and re-read from offset 0, without allocating. Once
 * somebody removed the group behind our back the kernel refuses even open files: -ENODEV.
 * -EOPNOTSUPP when this kernel has no such counter, -ENOENT for an unknown name.
 * 'usage' lags by up to 64 pages a CPU (the charge batch); the OOM point does not. */
int cg_counter(const struct cg *cg, const char *name, uint64_t *ret, struct err *err);
int cg_counter_check(const char *name, struct err *err); /* form of the name alone */
int cg_counter_supported(const struct cg_host *host, const char *name, struct err *err);

/* The few that are read together at every event, with one read a file. Absent: UINT64_MAX. */
struct cg_vitals {
	uint64_t usage_bytes;
	uint64_t oom_kill;  /* v1: this group alone; v2: events.local, else events */
	uint64_t under_oom; /* v1 alone */
};
int cg_vitals(const struct cg *cg, struct cg_vitals *ret, struct err *err);

/* From now on 'peak_since_reset' is the highest usage since this call. v1 resets the group's
 * 'peak', v2 (6.12 and later) what this program reads alone. -EINVAL, -EACCES: the kernel has no
 * reset. */
int cg_reset_peak(struct cg *cg, struct err *err);

/* Whole memory.stat, memory.events and events.local as "name value" text, unknown fields kept,
 * for the record: each line prefixed "stat.", "events.", "events_local.", "oom_control.". */
int cg_dump(const struct cg *cg, struct str *out, struct err *err);

/* Gives unused pre-charged pages back (v1: the charge batch of this CPU and, asynchronously, of
 * the others, through memory.force_empty; v2: a write of memory.high) so that 'usage' is exact.
 * Reclaims clean page cache of the group as a side effect, and on v1 swaps out what it can. */
int cg_drain(struct cg *cg, struct err *err);

/* ---- notification -------------------------------------------------------------------------- */

/* One descriptor for a loop: readable (v1: EPOLLIN, an eventfd on memory.oom_control) or
 * EPOLLPRI (v2: memory.events). Owned by cg. Call cg_notify_ack() after each wake-up before
 * reading counters. On v1 it fires once an OOM episode, and also when the group is removed. */
int cg_notify_fd(struct cg *cg, uint32_t *ret_epoll_events, struct err *err);
/* Clears the readiness; returns the number of notifications since the last call (v2: 0 or 1). */
int cg_notify_ack(struct cg *cg, uint64_t *ret_count, struct err *err);

/* EPOLLPRI when 'populated' changes (v2 and twin). -EOPNOTSUPP on a pure v1 host: watch the
 * children's pidfds instead. Owned by cg. */
int cg_populated_fd(struct cg *cg, struct err *err);
/* Whether any live process is in the group or below (zombies do not count). */
int cg_populated(const struct cg *cg, bool *ret, struct err *err);

/* ---- groups of others ---------------------------------------------------------------------- */

/* The directory, absolute as mounted, of the memory group, or the v2 group, that a process is in.
 * -ENOENT: no such process, or the group is outside of what is mounted here. Allocate nothing. */
int cg_memory_dir_of(const struct cg_host *host, pid_t pid, char *buf, size_t size,
		     struct err *err);
int cg_v2_dir_of(const struct cg_host *host, pid_t pid, char *buf, size_t size, struct err *err);
/* The directory of the memory group that a person means by a path: below a mount (of any
 * hierarchy: the group of that name), or from the hierarchy's root. -ENOENT: none. */
int cg_memory_dir_find(const struct cg_host *host, const char *path, char *buf, size_t size,
		       struct err *err);
/* Such a directory as the kernel's log names it: "/a/b". Points into dir, or is static. */
const char *cg_memory_path(const struct cg_host *host, const char *dir);

struct cg_limits {
	uint64_t max_bytes;	 /* UINT64_MAX: no limit, here and below */
	uint64_t memsw_bytes;	 /* v1: memory and swap together */
	uint64_t swap_max_bytes; /* v2 */
	uint64_t usage_bytes;	 /* 0 for a root group on v2 */
	bool swaps;		 /* swappiness (v1: the group's, v2: the machine's) is not 0 */
};
/* Of one group; limits of those above it are not looked at. */
int cg_limits_of(const struct cg_host *host, const char *dir, struct cg_limits *ret,
		 struct err *err);

/* ---- leftovers ----------------------------------------------------------------------------- */

/* Calls fn for every group below the host's parents whose name starts with prefix, once per
 * hierarchy directory (absolute path); used by 'oomlab clean'. Returns the number. */
typedef int (*cg_leftover_fn)(void *data, const char *dir);
int cg_leftovers(const struct cg_host *host, const char *prefix, cg_leftover_fn fn, void *data,
		 struct err *err);
/* Kills everybody below an absolute cgroup directory and removes it, children first. */
int cg_purge_dir(const char *dir, uint64_t timeout_ns, struct err *err);

#endif
