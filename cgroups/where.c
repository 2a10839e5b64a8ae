/*
 * Groups that others made: where a process is, which directory a path means, and the limits of a
 * group, for who looks at the machine as it is. Reads only; pid and path may vanish at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cgroups/internal.h"

enum { SELF_TEXT = 16384 };

/* v1 prints its "no limit", PAGE_COUNTER_MAX, in bytes: the largest whole page below 2^63. */
#define V1_UNLIMITED 0x7FFFFFFFFFFF0000ULL

static const struct cg_hier *memory_hier(const struct cg_host *host)
{
	const struct cg_hier *hier = cg_host_hier(host, "memory");

	return hier && hier->mount ? hier : cg_host_v2(host);
}

/* Whether "cpu,cpuacct" has the word. */
static bool has_word(const char *list, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (size_t at = 0; at + len <= n; at += strcspn(list + at, ",") + 1)
		if (strncmp(list + at, word, len) == 0 && (at + len == n || list[at + len] == ','))
			return true;
	return false;
}

/* The path in the line "ID:controllers:path" of a v1 controller, or of v2 (NULL). */
static const char *find_path(const char *text, const char *controller, size_t *ret_n)
{
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *names = memchr(line, ':', (size_t)(end - line));
		const char *path = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
		size_t n = path ? (size_t)(path - names - 1) : 0;
		if (path && (controller ? has_word(names + 1, n, controller) : n == 0)) {
			*ret_n = (size_t)(end - path - 1);
			return path + 1;
		}
		line = *end ? end + 1 : end;
	}
	return NULL;
}

/* mount + (path - mount_root) into buf; no allocation, since the runner asks in mid-run. */
static int join(const struct cg_hier *hier, const char *path, size_t n, char *buf, size_t size,
		struct err *err)
{
	size_t root = str_eq(hier->mount_root, "/") ? 0 : strlen(hier->mount_root);

	bool inside = n >= root && strncmp(path, hier->mount_root, root) == 0 &&
		      (n == root || path[root] == '/');
	if (!inside || memmem(path, n, "/..", 3))
		return err_set(err, ENOENT, "its group '%.*s' is not visible below '%s'", (int)n,
			       path, hier->mount);
	path += root;
	n -= root;
	if (n == 1 && *path == '/')
		n = 0;
	if (snprintf(buf, size, "%s%.*s", hier->mount, (int)n, path) >= (int)size)
		return err_set(err, ENAMETOOLONG, "its group's path is too long");
	return 0;
}

static int pid_dir(const struct cg_host *host, const struct cg_hier *hier, const char *controller,
		   pid_t pid, char *buf, size_t size, struct err *err)
{
	char name[32], text[SELF_TEXT];
	size_t n = 0;

	snprintf(name, sizeof(name), "proc/%d/cgroup", pid);
	int r = fd_read_text(host->root_fd, name, text, sizeof(text), err);
	if (r < 0)
		return r;
	const char *path = find_path(text, controller, &n);
	if (!path)
		return err_set(err, ENOENT, "process %d is in no such group", pid);
	return join(hier, path, n, buf, size, err);
}

int cg_memory_dir_of(const struct cg_host *host, pid_t pid, char *buf, size_t size, struct err *err)
{
	const struct cg_hier *hier = memory_hier(host);

	if (!hier)
		return err_set(err, EOPNOTSUPP, "no memory controller is mounted here");
	return pid_dir(host, hier, hier->version == CG_V1 ? "memory" : NULL, pid, buf, size, err);
}

int cg_v2_dir_of(const struct cg_host *host, pid_t pid, char *buf, size_t size, struct err *err)
{
	const struct cg_hier *hier = cg_host_v2(host);

	if (!hier)
		return err_set(err, EOPNOTSUPP, "no cgroup v2 hierarchy is mounted here");
	return pid_dir(host, hier, NULL, pid, buf, size, err);
}

/* The part of a path below a mount point; NULL: it is not below. */
static const char *below_mount(const char *path, const char *mount)
{
	size_t n = strlen(mount);

	if (strncmp(path, mount, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path + n;
}

/* The same for the innermost mount of any hierarchy; the path itself where there is none. */
static const char *below_any_mount(const struct cg_host *host, const char *path)
{
	const char *shortest = path;

	for (size_t i = 0; i < host->n; i++) {
		const char *mount = host->hier[i].mount;
		const char *below = mount ? below_mount(path, mount) : NULL;
		if (below && below > shortest)
			shortest = below;
	}
	return shortest;
}

/* For the *at calls below the host's root. */
static const char *below_root(const char *path)
{
	path += strspn(path, "/");
	return *path ? path : ".";
}

int cg_memory_dir_find(const struct cg_host *host, const char *path, char *buf, size_t size,
		       struct err *err)
{
	const struct cg_hier *hier = memory_hier(host);
	struct stat st;

	if (!hier)
		return err_set(err, EOPNOTSUPP, "no memory controller is mounted here");
	/* The same name in another hierarchy means the group of that name in memory's. */
	const char *below = below_root(below_any_mount(host, path));
	if (str_eq(below, "."))
		below = "";
	size_t n = strlen(below);
	while (n && below[n - 1] == '/')
		n--;
	if (snprintf(buf, size, "%s%s%.*s", hier->mount, n ? "/" : "", (int)n, below) >= (int)size)
		return err_set(err, ENAMETOOLONG, "'%s' is too long", path);
	if (fstatat(host->root_fd, below_root(buf), &st, 0) < 0)
		return err_errno(err, errno, "no memory cgroup '%s'", buf);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "'%s' is no cgroup", buf);
	return 0;
}

const char *cg_memory_path(const struct cg_host *host, const char *dir)
{
	const struct cg_hier *hier = memory_hier(host);
	const char *below = hier ? below_mount(dir, hier->mount) : NULL;

	return !below ? dir : *below ? below : "/";
}

/* ---- limits --------------------------------------------------------------------------------- */

/* A number or "max"; where there is no such file *ret stays. */
static int read_limit(int fd, const char *file, uint64_t *ret, struct err *err)
{
	char text[64];
	struct err why = ERR_INIT;
	int r = fd_read_text(fd, file, text, sizeof(text), &why);

	if (r < 0 && why.code == ENOENT)
		return 0;
	if (r < 0) {
		*err = why;
		return r;
	}
	*ret = str_starts(text, "max") ? UINT64_MAX : strtoull(text, NULL, 10);
	if (*ret >= V1_UNLIMITED)
		*ret = UINT64_MAX;
	return 0;
}

int cg_limits_of(const struct cg_host *host, const char *dir, struct cg_limits *ret,
		 struct err *err)
{
	const struct cg_hier *hier = memory_hier(host);
	if (!hier)
		return err_set(err, EOPNOTSUPP, "no memory controller is mounted here");
	FD_AUTO fd = fd_open_at(host->root_fd, below_root(dir), O_RDONLY | O_DIRECTORY, 0, err);
	struct cg_limits limits = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, true};
	uint64_t swappiness = 1;
	int r = fd;

	if (r < 0)
		return r;
	const struct {
		int dirfd;
		const char *file;
		uint64_t *ret;
	} v1[] = {{fd, "memory.limit_in_bytes", &limits.max_bytes},
		  {fd, "memory.memsw.limit_in_bytes", &limits.memsw_bytes},
		  {fd, "memory.usage_in_bytes", &limits.usage_bytes},
		  {fd, "memory.swappiness", &swappiness}},
	  v2[] = {{fd, "memory.max", &limits.max_bytes},
		  {fd, "memory.swap.max", &limits.swap_max_bytes},
		  {fd, "memory.current", &limits.usage_bytes},
		  {host->root_fd, "proc/sys/vm/swappiness", &swappiness}};
	for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]) && r >= 0; i++)
		r = hier->version == CG_V1 ? read_limit(v1[i].dirfd, v1[i].file, v1[i].ret, err)
					   : read_limit(v2[i].dirfd, v2[i].file, v2[i].ret, err);
	limits.swaps = swappiness != 0;
	if (r >= 0)
		*ret = limits;
	return r < 0 ? err_wrap(err, "memory cgroup '%s'", dir) : 0;
}
