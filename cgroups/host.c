/*
 * Which hierarchy each controller lives on, decided controller by controller from the text of
 * mountinfo and /proc/self/cgroup and the directories below root_dirfd; and the questions of cg.h
 * about it. Makes and changes nothing. mounts.c parses, parent.c picks the parent directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/internal.h"

/* Opens the mount point if it really shows a group (something may be mounted over it). */
static int open_mount(int root_fd, const struct cg_mount *mount)
{
	FD_AUTO fd = openat(root_fd, cg_path_at(mount->point), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || faccessat(fd, "cgroup.procs", F_OK, 0) != 0)
		return -1;
	return fd_take(&fd);
}

/* Of several mounts of one hierarchy (bind mounts, containers): writable before read-only, whole
 * before part, then one in which the caller can see itself. */
static int rank(const struct cg_mount *mount, const struct cg_self_line *line)
{
	char *own = cg_path_below(mount->root, line->path);
	int points =
		(mount->read_only ? 0 : 4) + (str_eq(mount->root, "/") ? 2 : 0) + (own ? 1 : 0);

	free(own);
	return points;
}

/* After a move into the leaf, groups are made beside the leaf, not below it. */
static void strip_self_leaf(char *own)
{
	if (own && str_ends(own, "/" CG_SELF_LEAF)) {
		own[strlen(own) - strlen("/" CG_SELF_LEAF)] = '\0';
		if (!*own)
			strcpy(own, "/");
	}
}

static void use_mount(struct cg_hier *hier, const struct cg_mount *mount,
		      const struct cg_self_line *line)
{
	char words[512];

	hier->mount = mem_dup(mount->point);
	hier->mount_root = mem_dup(mount->root);
	hier->local_events = cg_list_has(mount->options, "memory_localevents");
	hier->own = cg_path_below(mount->root, line->path);
	strip_self_leaf(hier->own);
	if (hier->version == CG_V2) {
		free(hier->controllers);
		hier->controllers = cg_list_from_words(cg_line_of(
			hier->mount_fd, "/", "cgroup.controllers", words, sizeof(words)));
	}
	if (mount->read_only) {
		hier->why_code = EROFS;
		hier->why = mem_printf("'%s' is mounted read-only; remount it read-write, or start "
				       "the container privileged or with a writable cgroup mount",
				       mount->point);
	}
}

static void find_mount(int root_fd, struct cg_hier *hier, const struct cg_self_line *line,
		       const struct cg_mounts *mounts)
{
	const struct cg_mount *best = NULL;

	for (size_t i = 0; i < mounts->n; i++) {
		const struct cg_mount *mount = &mounts->list[i];
		if (!cg_mount_shows(mount, line) || (best && rank(mount, line) <= rank(best, line)))
			continue;
		FD_AUTO fd = open_mount(root_fd, mount);
		if (fd < 0)
			continue;
		fd_close_var(&hier->mount_fd);
		hier->mount_fd = fd_take(&fd);
		best = mount;
	}
	if (best) {
		use_mount(hier, best, line);
		return;
	}
	hier->why_code = EOPNOTSUPP;
	hier->why = mem_printf("the kernel has this hierarchy (%.*s) but it is not mounted here",
			       (int)strlen(line->controllers) - 2, line->controllers + 1);
	if (hier->version == CG_V2) {
		free(hier->why);
		hier->why = mem_dup("the v2 hierarchy is not mounted here");
	}
}

static int read_hiers(struct cg_host *host, struct err *err)
{
	STR_AUTO mount_text = STR_INIT, self_text = STR_INIT;
	struct cg_mounts mounts;
	struct cg_self self;

	if (fd_read_all(host->root_fd, "proc/self/mountinfo", &mount_text, err) < 0)
		return err_wrap(err, "is /proc mounted");
	/* Missing in kernels without CONFIG_CGROUPS: a host without hierarchies. */
	if (fd_read_all(host->root_fd, "proc/self/cgroup", &self_text, err) < 0 &&
	    err->code != ENOENT)
		return -err->code;
	*err = ERR_INIT;
	cg_mounts_parse(str_text(&mount_text), &mounts);
	cg_self_parse(str_text(&self_text), &self);
	for (size_t i = 0; i < self.n; i++) {
		struct cg_hier *hier = &host->hier[host->n++];
		*hier = (struct cg_hier){
			.version = self.list[i].version,
			.controllers = mem_dup(self.list[i].controllers),
			.mount_fd = -1,
		};
		find_mount(host->root_fd, hier, &self.list[i], &mounts);
	}
	cg_mounts_free(&mounts);
	cg_self_free(&self);
	return 0;
}

/* "/sys/fs/cgroup/memory/ci" -> "/ci", "/ci" -> "/ci"; NULL for a path with "..". */
static char *wanted_below(const struct cg_host *host, const char *parent)
{
	size_t longest = 0;

	if (parent[0] != '/' || strstr(parent, "/../") || str_ends(parent, "/.."))
		return NULL;
	for (size_t i = 0; i < host->n; i++) {
		const char *mount = host->hier[i].mount;
		size_t len = mount ? strlen(mount) : 0;
		if (len > longest && strncmp(parent, mount, len) == 0 &&
		    (parent[len] == '/' || !parent[len]))
			longest = len;
	}
	char *below = cg_path_join("/", parent + longest);
	size_t len = strlen(below);
	while (len > 1 && below[len - 1] == '/')
		below[--len] = '\0';
	return below;
}

/* Where the wanted group exists it is used. It must exist for memory; elsewhere the usual search
 * goes on without it. */
static int choose_parents(struct cg_host *host, const char *parent, struct err *err)
{
	MEM_AUTO char *wanted = parent ? wanted_below(host, parent) : NULL;
	const struct cg_hier *memory = cg_host_hier(host, "memory");

	if (parent && !wanted)
		return err_set(err, EINVAL,
			       "--cgroup-parent '%s': expected a path from the root of the "
			       "hierarchies, such as /ci/job, without '..'",
			       parent);
	for (size_t i = 0; i < host->n; i++) {
		struct cg_hier *hier = &host->hier[i];
		bool use = wanted && hier->mount &&
			   (hier == memory ||
			    faccessat(hier->mount_fd, cg_path_at(wanted), F_OK, 0) == 0);
		cg_hier_choose_parent(hier, use ? wanted : NULL);
		if (use && hier == memory && !hier->parent)
			return err_set(err, hier->why_code, "%s", hier->why);
	}
	return 0;
}

static void list_version(const struct cg_host *host, enum cg_version version, struct str *out)
{
	static const char *const shown[] = {"memory", "pids", "cpuset", NULL};

	for (size_t i = 0; shown[i]; i++)
		if (cg_host_version(host, shown[i]) == version)
			str_addf(out, "%s%s", out->len ? ", " : "", shown[i]);
}

static char *describe(const struct cg_host *host)
{
	const struct cg_hier *v2 = cg_host_v2(host);
	STR_AUTO on_v1 = STR_INIT, on_v2 = STR_INIT;
	struct str out = STR_INIT;

	list_version(host, CG_V1, &on_v1);
	list_version(host, CG_V2, &on_v2);
	if (!v2 && !on_v1.len)
		str_add(&out, "no cgroup hierarchy with memory, pids or cpuset is mounted");
	else if (!v2)
		str_addf(&out, "v1: %s; no v2 hierarchy", on_v1.s);
	else if (!on_v1.len)
		str_addf(&out, "v2: %s; at %s", on_v2.len ? on_v2.s : "no memory, pids or cpuset",
			 v2->mount);
	else
		str_addf(&out, "hybrid: %s on v1%s%s%s; v2 at %s", on_v1.s, on_v2.len ? ", " : "",
			 str_text(&on_v2), on_v2.len ? " on v2" : "", v2->mount);
	if (v2 && v2->local_events)
		str_add(&out, " (memory_localevents: events leave out children)");
	return str_take(&out);
}

int cg_host_open(int root_dirfd, const char *parent, struct cg_host **ret, struct err *err)
{
	struct cg_host *host = mem_zero(1, sizeof(*host));

	host->root_fd = fcntl(root_dirfd, F_DUPFD_CLOEXEC, 3);
	if (host->root_fd < 0)
		err_errno(err, errno, "cgroup host");
	else if (read_hiers(host, err) >= 0 && choose_parents(host, parent, err) >= 0)
		goto opened;
	cg_host_free(host);
	return -err->code;
opened:
	host->description = describe(host);
	host->why_absent = mem_printf(
		"this kernel offers no such controller (found: %s); it may be off at boot "
		"(cgroup_disable=, cgroup_enable=memory) or not compiled in",
		host->description);
	*ret = host;
	return 0;
}

void cg_host_free(struct cg_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < host->n; i++) {
		struct cg_hier *hier = &host->hier[i];
		free(hier->controllers);
		free(hier->mount);
		free(hier->mount_root);
		free(hier->own);
		free(hier->parent);
		free(hier->parent_dir);
		free(hier->why);
		fd_close_var(&hier->mount_fd);
	}
	free(host->description);
	free(host->why_absent);
	fd_close_var(&host->root_fd);
	free(host);
}

const struct cg_hier *cg_host_hier(const struct cg_host *host, const char *controller)
{
	for (size_t i = 0; i < host->n; i++)
		if (cg_list_has(host->hier[i].controllers, controller))
			return &host->hier[i];
	return NULL;
}

const struct cg_hier *cg_host_v2(const struct cg_host *host)
{
	for (size_t i = 0; i < host->n; i++)
		if (host->hier[i].version == CG_V2 && host->hier[i].mount)
			return &host->hier[i];
	return NULL;
}

enum cg_version cg_host_version(const struct cg_host *host, const char *controller)
{
	const struct cg_hier *hier = cg_host_hier(host, controller);

	return hier && hier->mount ? hier->version : CG_ABSENT;
}

bool cg_host_has_twin(const struct cg_host *host)
{
	return cg_host_v2(host) != NULL;
}

const char *cg_host_describe(const struct cg_host *host)
{
	return host->description;
}

const char *cg_host_parent(const struct cg_host *host, const char *controller, const char **ret_why)
{
	const struct cg_hier *hier = cg_host_hier(host, controller);

	if (hier && hier->parent)
		return hier->parent_dir;
	if (ret_why)
		*ret_why = hier ? hier->why : host->why_absent;
	return NULL;
}

int cg_host_usable(const struct cg_host *host, struct err *err)
{
	const struct cg_hier *hier = cg_host_hier(host, "memory");

	if (!hier)
		return err_set(err, EOPNOTSUPP, "memory controller: %s", host->why_absent);
	if (!hier->parent)
		return err_set(err, hier->why_code, "memory controller: %s", hier->why);
	return 0;
}

int cg_hier_sample(const struct cg_hier *hier, const char *sign)
{
	FD_AUTO at = hier->parent ? openat(hier->mount_fd, cg_path_at(hier->parent),
					   O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				  : -1;
	DIR *dir = at < 0 ? NULL : cg_open_dir(at);
	const char *name;
	int fd = -1;

	if (!dir)
		return -1;
	if (faccessat(at, sign, F_OK, 0) == 0)
		fd = fd_take(&at);
	while (fd < 0 && (fd = cg_next_below(dir, &name)) >= 0)
		if (faccessat(fd, sign, F_OK, 0) != 0)
			fd_close_var(&fd);
	closedir(dir);
	return fd;
}

bool cg_hier_lacks(const struct cg_hier *hier, const char *sign, const char *file)
{
	FD_AUTO fd = cg_hier_sample(hier, sign);

	return fd >= 0 && faccessat(fd, file, F_OK, 0) != 0;
}
