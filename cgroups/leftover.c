/*
 * Groups that a dead run left: finding them by name below the host's parents, and removing any
 * cgroup directory with everybody in it. For 'oomlab clean'; keeps no state.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroups/internal.h"

/* The leaf that callers moved into is nobody's leftover while somebody is in it. */
static bool is_inhabited_leaf(int dirfd, const char *name)
{
	struct err ignored = ERR_INIT;

	return str_eq(name, CG_SELF_LEAF) && cg_read_procs(dirfd, NULL, 0, &ignored) != 0;
}

static int scan(const struct cg_hier *hier, const char *prefix, cg_leftover_fn fn, void *data,
		struct err *err)
{
	FD_AUTO at = fd_open_at(hier->mount_fd, cg_path_at(hier->parent), O_RDONLY | O_DIRECTORY, 0,
				err);
	DIR *dir = at < 0 ? NULL : cg_open_dir(at);
	const char *name;
	int n = 0, rc = 0;

	if (!dir)
		return at < 0 ? at : err_errno(err, errno, "cannot list '%s'", hier->parent_dir);
	for (int fd; rc >= 0 && (fd = cg_next_below(dir, &name)) >= 0; fd_close_var(&fd)) {
		if (!str_starts(name, prefix) || is_inhabited_leaf(fd, name))
			continue;
		MEM_AUTO char *path = cg_path_join(hier->parent_dir, name);
		rc = fn(data, path);
		n++;
	}
	closedir(dir);
	return rc < 0 ? err_set(err, -rc, "stopped by the caller") : n;
}

int cg_leftovers(const struct cg_host *host, const char *prefix, cg_leftover_fn fn, void *data,
		 struct err *err)
{
	int total = 0;

	for (size_t i = 0; i < host->n; i++) {
		int n = host->hier[i].parent ? scan(&host->hier[i], prefix, fn, data, err) : 0;
		if (n < 0)
			return n;
		total += n;
	}
	return total;
}

/* Anything but a group below a mount point is refused: this kills and removes. */
static int check_is_group(int fd, const char *dir, struct err *err)
{
	struct statfs fs;
	struct stat self, above;

	if (fstatfs(fd, &fs) != 0 || fstat(fd, &self) != 0 || fstatat(fd, "..", &above, 0) != 0)
		return err_errno(err, errno, "'%s'", dir);
	if (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(err, EINVAL, "'%s' is not a control group; nothing was removed",
			       dir);
	if (self.st_dev != above.st_dev)
		return err_set(err, EINVAL, "'%s' is the root of a hierarchy; nothing was removed",
			       dir);
	return 0;
}

int cg_purge_dir(const char *dir, uint64_t timeout_ns, struct err *err)
{
	uint64_t now = clock_ns();
	uint64_t deadline_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	FD_AUTO fd = fd_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd == -ENOENT)
		return 0; /* its twin's removal, or another cleaner, was faster */
	if (fd < 0 || check_is_group(fd, dir, err) < 0)
		return -err->code;
	if (cg_tree_kill(fd, err) < 0 || cg_tree_wait_empty(fd, deadline_ns, err) < 0)
		return err_wrap(err, "'%s' is left", dir);
	return cg_tree_remove(AT_FDCWD, dir, deadline_ns, err);
}
