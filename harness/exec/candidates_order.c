/*
 * The processes of memory groups in the order of the kernel's scan (mem_cgroup_scan_tasks): groups
 * in pre-order, siblings by creation; within a group by css_set, and within one by arrival.
 *
 * v2's cgroup.procs is that very list. v1 sorts its own by pid, but a css_set is the same object
 * in all hierarchies and is added to each of its groups when it is made: so the cgroup.procs of the
 * v2 group that the processes are in, which a hybrid host has (oomlab makes a twin there), lists
 * them in the order of the v1 group too, whoever else is in it. Without such a group, or with
 * processes spread over several, only the order of their starts is left, which holds as long as
 * nobody was moved: order_known is false then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/candidates_internal.h"

/* Appends the pids of a cgroup.procs to a list. A pid of 0 is outside of this pid namespace. */
static int read_procs(struct candidates *c, const char *dir,
		      void (*add)(struct candidates *, pid_t), bool *ret_v2)
{
	char path[PATH_MAX];
	struct statfs fs;
	char *list = c->priv->list;
	pid_t pid = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	*ret_v2 = fs.f_type == CGROUP2_SUPER_MAGIC;
	for (;;) {
		ssize_t n = read(fd, list, CANDIDATES_LIST);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t i = 0; i < n; i++) {
			if (list[i] != '\n') {
				pid = pid * 10 + (list[i] - '0');
				continue;
			}
			if (pid > 0)
				add(c, pid);
			pid = 0;
		}
	}
}

static bool sorted_has(const pid_t *pids, size_t n, pid_t pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (pids[middle] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && pids[low] == pid;
}

/* Who of the v2 list is among the sorted pids of the v1 group. */
static void add_member(struct candidates *c, pid_t pid)
{
	struct candidates_priv *priv = c->priv;

	if (priv->n_scan < priv->cap_scan && sorted_has(priv->pids, priv->n_pids, pid))
		priv->scan[priv->n_scan++] = pid;
}

/* Puts the pids of a v1 group into the order of the v2 group they are in. */
static bool order_by_twin(struct candidates *c)
{
	struct candidates_priv *priv = c->priv;
	char dir[PATH_MAX];
	struct err err = ERR_INIT;
	bool v2;

	if (priv->n_pids < 2)
		return true;
	if (!priv->groups || cg_v2_dir_of(priv->groups, *priv->pids, dir, sizeof(dir), &err) < 0)
		return false;
	candidates_reserve(c, priv->n_pids);
	priv->n_scan = 0;
	if (read_procs(c, dir, add_member, &v2) < 0 || priv->n_scan != priv->n_pids)
		return false;
	memcpy(priv->pids, priv->scan, priv->n_pids * sizeof(*priv->pids));
	return true;
}

/* -ENOENT and -ENODEV: the group has gone, and so has everybody in it. -EOPNOTSUPP: a threaded
 * group, whose processes the domain above lists. */
static bool empty(int rc)
{
	return rc == -ENOENT || rc == -ENODEV || rc == -EOPNOTSUPP;
}

static int load_group(struct candidates *c, const char *dir, uint32_t group, struct err *err)
{
	size_t first = c->n;
	bool v2 = false;
	int rc = read_procs(c, dir, candidates_add_pid, &v2);

	if (rc < 0 && !empty(rc))
		return err_errno(err, -rc, "cannot list the processes of '%s'", dir);
	bool listed = v2 || order_by_twin(c);
	candidates_load(c, false, false);
	if (!listed)
		candidates_order_by_start(c, first);
	for (size_t i = first; i < c->n; i++) {
		if (listed)
			c->tasks[i].order = i;
		c->more[i].listed = listed;
		c->more[i].group = group;
	}
	c->order_known &= listed;
	return 0;
}

static void begin(struct candidates *c)
{
	candidates_begin(c);
	c->memcg = true;
	c->order_known = true;
}

int candidates_of_dirs(struct candidates *c, const char *const *dirs, size_t n, struct err *err)
{
	begin(c);
	for (size_t i = 0; i < n; i++) {
		int rc = load_group(c, dirs[i], (uint32_t)i, err);
		if (rc < 0)
			return rc;
	}
	candidates_finish(c);
	return 0;
}

/* ---- a tree --------------------------------------------------------------------------------- */

struct subgroup {
	uint64_t ino;
	char *name;
};

/* Inode numbers of cgroups are given in rising order (kernfs, idr_alloc_cyclic). */
static int by_creation(const void *a, const void *b)
{
	uint64_t x = ((const struct subgroup *)a)->ino, y = ((const struct subgroup *)b)->ino;

	return (x > y) - (x < y);
}

static struct subgroup *list_subgroups(const char *dir, size_t *ret_n)
{
	struct subgroup *list = NULL;
	size_t n = 0;
	DIR *stream = opendir(dir);

	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		list = mem_grow(list, n + 1, sizeof(*list));
		list[n++] = (struct subgroup){entry->d_ino, mem_dup(entry->d_name)};
	}
	if (stream)
		(void)closedir(stream);
	if (n)
		qsort(list, n, sizeof(*list), by_creation);
	*ret_n = n;
	return list;
}

static int load_tree(struct candidates *c, const char *dir, uint32_t *group, struct err *err)
{
	size_t n;
	int rc = load_group(c, dir, (*group)++, err);
	struct subgroup *list = list_subgroups(dir, &n);

	for (size_t i = 0; i < n; i++) {
		MEM_AUTO char *path = mem_printf("%s/%s", dir, list[i].name);
		if (rc >= 0)
			rc = load_tree(c, path, group, err);
		free(list[i].name);
	}
	free(list);
	return rc;
}

int candidates_of_tree(struct candidates *c, const char *dir, struct err *err)
{
	uint32_t group = 0;

	begin(c);
	int rc = load_tree(c, dir, &group, err);
	if (rc >= 0)
		candidates_finish(c);
	return rc;
}
