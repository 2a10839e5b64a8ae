/*
 * What the files of cgroups/ share with each other and with tests/unit alone. Nothing outside
 * includes it: cg.h is the interface.
 *
 *   mounts.c  text of mountinfo and /proc/self/cgroup -> lists (pure)
 *   host.c    lists + directories -> struct cg_host     parent.c  where groups may be made
 *   place.c   the directories of one group              subtree.c v2 cgroup.subtree_control
 *   group.c   create, attach, destroy                   procs.c, remove.c  one directory tree
 *   knob.c    the knob table, value forms               knob_io.c set, get
 *   knob_v1.c limit and memsw, v1's pair                stat.c    counters
 *   notify.c  event descriptors                         leftover.c  what a dead run left
 *   where.c   groups that others made: of a process, of a path, their limits
 */
#ifndef OOMLAB_CGROUPS_INTERNAL_H
#define OOMLAB_CGROUPS_INTERNAL_H

#include <dirent.h>

#include "cgroups/cg.h"

enum {
	CG_HIERS_MAX = 20,  /* the kernel has 14 controllers, plus the v2 hierarchy */
	CG_SCRATCH = 32768, /* longest counter file; memory.stat is about 2 KiB in 6.18 */
	CG_PROCS_CHUNK = 4096,
};

/* Leaf that the caller moves into when its own group must become an inner one. */
#define CG_SELF_LEAF "oomlab-self"

/* ---- mounts.c: text to lists --------------------------------------------------------------- */

struct cg_mount {
	enum cg_version version;
	char *root;    /* field 4: the group that the mount point shows */
	char *point;   /* absolute, escapes resolved */
	char *options; /* super options with commas at both ends: ",rw,memory," */
	bool read_only;
};

struct cg_mounts {
	struct cg_mount *list;
	size_t n;
};

/* One line of /proc/self/cgroup that has controllers, or is the v2 hierarchy. */
struct cg_self_line {
	enum cg_version version;
	char *controllers; /* with commas at both ends: ",cpu,cpuacct,"; "," for v2 */
	char *path;
};

struct cg_self {
	struct cg_self_line list[CG_HIERS_MAX];
	size_t n;
};

/* Never fail: lines of other file systems, or not understood, are passed over. */
void cg_mounts_parse(const char *text, struct cg_mounts *ret);
void cg_mounts_free(struct cg_mounts *mounts);
void cg_self_parse(const char *text, struct cg_self *ret);
void cg_self_free(struct cg_self *self);
/* Whether a list with commas at both ends holds the word. */
bool cg_list_has(const char *list, const char *word);
/* Whether this mount shows the hierarchy of this line. */
bool cg_mount_shows(const struct cg_mount *mount, const struct cg_self_line *line);
/* 'path' as seen below a mount whose root is 'root': "/a/b" below "/a" is "/b"; NULL when it is
 * not below (another branch, or outside the cgroup namespace). The caller frees. */
char *cg_path_below(const char *root, const char *path);
/* "/a" and "b" -> "/a/b"; "/" and "/b" -> "/b". The caller frees. */
char *cg_path_join(const char *dir, const char *name);
/* For the *at calls: relative to the root of the hierarchy, "." for "/". Points into path. */
const char *cg_path_at(const char *path);

/* ---- host.c -------------------------------------------------------------------------------- */

struct cg_hier {
	enum cg_version version;
	char *controllers; /* usable below the parent; commas at both ends */
	char *mount;	   /* NULL when not mounted here */
	char *mount_root;
	bool local_events; /* v2 option memory_localevents: memory.events leave out children */
	int mount_fd;	   /* directory, or -1 */
	char *own;	   /* the caller's group below the mount; NULL when not visible */
	char *parent;	   /* below the mount, "/" or "/a/b"; NULL: none is writable */
	char *parent_dir;  /* absolute */
	int why_code;	   /* when parent is NULL */
	char *why;
};

struct cg_host {
	int root_fd;
	struct cg_hier hier[CG_HIERS_MAX];
	size_t n;
	char *description;
	char *why_absent; /* no memory controller anywhere */
};

/* parent.c: fills parent, parent_dir, why and (v2) narrows controllers. 'wanted' is a path below
 * the mount that must be used, or NULL. */
void cg_hier_choose_parent(struct cg_hier *hier, const char *wanted);
/* One line of a file below dirfd into buf without its newline; "" when it cannot be read. */
const char *cg_line_of(int dirfd, const char *dir, const char *file, char *buf, size_t size);
/* "memory pids\n" -> ",memory,pids,"; the caller frees. */
char *cg_list_from_words(const char *words);

/* The hierarchy of a controller, mounted or not; NULL when there is none. */
const struct cg_hier *cg_host_hier(const struct cg_host *host, const char *controller);
const struct cg_hier *cg_host_v2(const struct cg_host *host);
/* A group that shows which files this kernel has: the parent, or the first one below it, that
 * holds 'sign', a file of every group with the controller (v2's root has none). -1: no such. */
int cg_hier_sample(const struct cg_hier *hier, const char *sign);
/* Whether a file is known to be missing in groups of this hierarchy. */
bool cg_hier_lacks(const struct cg_hier *hier, const char *sign, const char *file);

/* ---- groups -------------------------------------------------------------------------------- */

/* Files kept open for counters; the table with their names is in stat.c. */
enum cg_file {
	CG_F_USAGE,
	CG_F_PEAK,
	CG_F_PEAK_RESET,
	CG_F_FAILCNT,
	CG_F_SWAP,
	CG_F_KMEM,
	CG_F_OOM_CONTROL,
	CG_F_EVENTS,
	CG_F_EVENTS_LOCAL,
	CG_F_SWAP_EVENTS,
	CG_F_GROUP_EVENTS,
	CG_F_STAT,
	CG_F_PRESSURE,
	CG_F_PIDS,
	CG_FILES,
};

/* The directory of a group in one hierarchy. */
struct cg_place {
	int dirfd;    /* -1: the group has no directory there */
	int procs_fd; /* cgroup.procs for writing */
};

struct cg {
	struct cg_host *host; /* borrowed */
	struct cg *above;     /* NULL below the host's parent, or when 'above' was closed first */
	struct cg *below;     /* first of the groups made below, linked by 'beside' */
	struct cg *beside;
	char *name;
	char *rel; /* "oomlab-1/victims": below the parent of every hierarchy */
	char *dir;
	char *kernel_path;
	struct cg_place place[CG_HIERS_MAX]; /* index: that of host->hier */
	int file[CG_FILES];
	char *scratch;	   /* CG_SCRATCH bytes, touched: reading a counter allocates nothing */
	uint64_t swap_max; /* v1: memsw minus memory as asked for; UINT64_MAX: no limit */
	int notify_fd;	   /* v1 eventfd, v2 memory.events; -1 until asked for */
	int populated_fd;  /* cgroup.events of the v2 directory; -1 until asked for */
};

/* ---- place.c ------------------------------------------------------------------------------- */

/* The directory for files of this controller; NULL when the group has none (yet). */
const struct cg_place *cg_place_of(const struct cg *cg, const char *controller);
const struct cg_place *cg_place_v2(const struct cg *cg);
/* Makes the directory for a controller if it is not there, and those of the groups below; opens
 * counter files; moves processes that are inside already. -EOPNOTSUPP: no such controller. */
int cg_place_need(struct cg *cg, const char *controller, struct err *err);
/* Makes the last component of cg->rel in hierarchy i; 'fresh': it must not exist. */
int cg_place_make(struct cg *cg, size_t i, bool fresh, struct err *err);
/* Enables controllers (a list with commas at both ends) for the children of a v2 directory,
 * named by its path below the mount, in it and in everything above it. */
int cg_enable_children(const struct cg_hier *hier, const char *path, const char *controllers,
		       struct err *err);

/* ---- procs.c, remove.c: one directory tree, given by a descriptor --------------------------- */

struct cg_pids {
	pid_t *list;
	size_t n, cap;
};

void cg_pids_free(struct cg_pids *pids);
void cg_pids_sort(struct cg_pids *pids);
bool cg_pids_has(const struct cg_pids *sorted, pid_t pid);
/* Stores at most max pids of cgroup.procs; returns the number found. No allocation. */
int cg_read_procs(int dirfd, pid_t *pids, size_t max, struct err *err);
/* Appends the pids of a directory; of a directory and of all below it. */
int cg_dir_procs(int dirfd, struct cg_pids *pids, struct err *err);
int cg_tree_procs(int dirfd, struct cg_pids *pids, struct err *err);
/* Whether a process is a zombie or gone. */
bool cg_pid_is_dead(pid_t pid);
/* A group can vanish at any moment (ENOENT, ENODEV): then it has no processes. */
bool cg_vanished(int code);
/* The directory again, for readdir; NULL when it vanished. */
DIR *cg_open_dir(int dirfd);
/* The next directory below, opened; -1 at the end. Its name stays valid until the next call. */
int cg_next_below(DIR *dir, const char **ret_name);
/* SIGKILL to everybody below, until a pass over the tree finds nobody new. */
int cg_tree_kill(int dirfd, struct err *err);
/* Waits until nobody is left; -ETIMEDOUT names who is. */
int cg_tree_wait_empty(int dirfd, uint64_t deadline_ns, struct err *err);
/* Kills whoever is left below dir (a path below base_fd) and removes it, children first. A
 * missing directory is fine. */
int cg_tree_remove(int base_fd, const char *dir, uint64_t deadline_ns, struct err *err);
/* "pid 12 (stress-ng, state D), pid 13 ..." of at most a few processes below. */
void cg_tree_describe(int dirfd, struct str *out);

/* ---- knob.c -------------------------------------------------------------------------------- */

enum { CG_VALUE_MAX = 4096 };

struct cg_knob {
	const char *name;    /* as on v2, where v2 has it */
	const char *alias;   /* v1's name, accepted for the same meaning; or NULL */
	const char *v1_file; /* NULL: not on v1 */
	const char *v2_file; /* NULL: not on v2 */
	enum cg_unit unit;
	bool no_max;	      /* a number without "max" */
	const char *no, *yes; /* CG_SWITCH: canonical words */
	const char *kernel_no, *kernel_yes;
	/* v1 alone, for what is not one file: NULL means the file as it is. */
	int (*v1_set)(struct cg *cg, const struct cg_knob *knob, const char *value,
		      struct err *err);
	int (*v1_get)(const struct cg *cg, const struct cg_knob *knob, char *buf, size_t size,
		      struct err *err);
	const char *hint; /* where it is missing: since when there is one, or what is like it */
};

/* By name or alias; NULL when there is none. */
const struct cg_knob *cg_knob_row(const char *name);
/* "FILE" of "raw:FILE", else NULL. */
const char *cg_knob_raw(const char *name);
/* "memory" of "memory.max" into a buffer of 32 bytes; "memory" for files of no controller. */
const char *cg_controller_of(const char *file, char *buf);
/* A file that every group with this controller has, and that v2's root lacks. */
const char *cg_sign_of(const char *controller, enum cg_version version);
/* The file of a knob on a version, NULL when it has none. */
const char *cg_knob_file(const struct cg_knob *knob, enum cg_version version);
/* Value as a person writes it -> text for the kernel. */
int cg_encode(const struct cg_knob *knob, enum cg_version version, const char *value, char *buf,
	      size_t size, struct err *err);
/* The kernel's text -> canonical form. */
int cg_decode(const struct cg_knob *knob, const char *text, char *buf, size_t size,
	      struct err *err);
/* Bytes of a limit as the kernel shows it; UINT64_MAX for "max" and for v1's "no limit". */
int cg_parse_limit(const char *text, uint64_t *ret, struct err *err);

/* knob_v1.c */
int cg_v1_set_memory_max(struct cg *cg, const struct cg_knob *knob, const char *value,
			 struct err *err);
int cg_v1_set_swap_max(struct cg *cg, const struct cg_knob *knob, const char *value,
		       struct err *err);
int cg_v1_get_swap_max(const struct cg *cg, const struct cg_knob *knob, char *buf, size_t size,
		       struct err *err);

/* ---- stat.c -------------------------------------------------------------------------------- */

/* Opens the counter files that exist in the directories the group has and that are not open. */
void cg_files_open(struct cg *cg);
/* The number after "key " at the start of a line of text. */
bool cg_text_field(const char *text, const char *key, uint64_t *ret);

#endif
