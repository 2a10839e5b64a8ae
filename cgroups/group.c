/*
 * The life of a group: create in every hierarchy it needs, let processes in, kill, destroy. The
 * directories are place.c's work, what happens below them procs.c's and remove.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroups/internal.h"

static int check_name(const char *name, struct err *err)
{
	if (!*name || strlen(name) > 200 || name[0] == '.' || strpbrk(name, "/\n\\ "))
		return err_set(err, EINVAL,
			       "'%s' is not a group name: expected up to 200 characters without "
			       "'/', '\\' and spaces, not starting with a dot",
			       name);
	return 0;
}

/* In all hierarchies, also those where a directory is made only later. */
static int check_free(const struct cg *cg, struct err *err)
{
	for (size_t i = 0; i < cg->host->n; i++) {
		const struct cg_hier *hier = &cg->host->hier[i];
		if (!hier->parent)
			continue;
		MEM_AUTO char *path = cg_path_join(hier->parent, cg->rel);
		if (faccessat(hier->mount_fd, cg_path_at(path), F_OK, 0) == 0)
			return err_set(err, EEXIST,
				       "there is a group '%s%s' already; 'oomlab clean' removes "
				       "what a dead run left",
				       str_eq(hier->mount, "/") ? "" : hier->mount, path);
	}
	return 0;
}

static struct cg *new_group(struct cg_host *host, struct cg *above, const char *name)
{
	const struct cg_hier *hier = cg_host_hier(host, "memory");
	struct cg *cg = mem_zero(1, sizeof(*cg));

	*cg = (struct cg){
		.host = host,
		.above = above,
		.name = mem_dup(name),
		.rel = above ? cg_path_join(above->rel, name) : mem_dup(name),
		.scratch = memset(mem_new(CG_SCRATCH), 0, CG_SCRATCH),
		.swap_max = UINT64_MAX,
		.notify_fd = -1,
		.populated_fd = -1,
	};
	MEM_AUTO char *path = cg_path_join(hier->parent, cg->rel);
	cg->dir = cg_path_join(hier->mount, path);
	cg->kernel_path = cg_path_join(hier->mount_root, path);
	for (size_t i = 0; i < CG_HIERS_MAX; i++)
		cg->place[i] = (struct cg_place){.dirfd = -1, .procs_fd = -1};
	for (size_t i = 0; i < CG_FILES; i++)
		cg->file[i] = -1;
	if (above) {
		cg->beside = above->below;
		above->below = cg;
	}
	return cg;
}

/* memory, the v2 hierarchy, and wherever the group above has a directory. */
static bool wanted_in(const struct cg *cg, size_t i)
{
	const struct cg_hier *hier = &cg->host->hier[i];

	return hier->parent &&
	       (hier == cg_host_hier(cg->host, "memory") || hier->version == CG_V2 ||
		(cg->above && cg->above->place[i].dirfd >= 0));
}

static int remove_everywhere(struct cg *cg, bool only_ours, uint64_t deadline_ns, struct err *err)
{
	struct err first = ERR_INIT;

	for (size_t i = 0; i < cg->host->n; i++) {
		const struct cg_hier *hier = &cg->host->hier[i];
		if (!hier->parent || (only_ours && cg->place[i].dirfd < 0))
			continue;
		MEM_AUTO char *path = cg_path_join(hier->parent, cg->rel);
		if (cg_tree_remove(hier->mount_fd, cg_path_at(path), deadline_ns, err) < 0 &&
		    !first.code) {
			err_wrap(err, "'%s'", hier->mount);
			first = *err;
		}
	}
	if (first.code)
		*err = first;
	return -first.code;
}

int cg_create(struct cg_host *host, struct cg *above, const char *name, struct cg **ret,
	      struct err *err)
{
	int rc = 0;

	if (check_name(name, err) < 0 || cg_host_usable(host, err) < 0)
		return err_wrap(err, "group '%s'", name);
	struct cg *cg = new_group(host, above, name);
	rc = check_free(cg, err);
	for (size_t i = 0; i < host->n && rc >= 0; i++)
		if (wanted_in(cg, i))
			rc = cg_place_make(cg, i, true, err);
	if (rc >= 0) {
		cg_files_open(cg);
		*ret = cg;
		return 0;
	}
	/* Whatever has the name is ours since check_free(), unless somebody was faster (EEXIST). */
	struct err ignored = ERR_INIT;
	(void)remove_everywhere(cg, rc == -EEXIST, clock_ns(), &ignored);
	cg_close(cg);
	return err_wrap(err, "group '%s'", name);
}

static void unlink_group(struct cg *cg)
{
	for (struct cg *below = cg->below, *next; below; below = next) {
		next = below->beside;
		below->above = NULL;
		below->beside = NULL;
	}
	if (!cg->above)
		return;
	struct cg **at = &cg->above->below;
	while (*at != cg)
		at = &(*at)->beside;
	*at = cg->beside;
}

void cg_close(struct cg *cg)
{
	if (!cg)
		return;
	unlink_group(cg);
	for (size_t i = 0; i < CG_HIERS_MAX; i++) {
		fd_close_var(&cg->place[i].dirfd);
		fd_close_var(&cg->place[i].procs_fd);
	}
	for (size_t i = 0; i < CG_FILES; i++)
		fd_close_var(&cg->file[i]);
	fd_close_var(&cg->notify_fd);
	fd_close_var(&cg->populated_fd);
	free(cg->name);
	free(cg->rel);
	free(cg->dir);
	free(cg->kernel_path);
	free(cg->scratch);
	free(cg);
}

/* The v2 directory first: its 'populated' is an event, and covers the other hierarchies when
 * everybody joined all of them. Who did not is found by the removal. */
static int wait_empty(const struct cg *cg, uint64_t deadline_ns, struct err *err)
{
	const struct cg_place *place = cg_place_v2(cg);

	if (!place)
		place = cg_place_of(cg, "memory");
	return place ? cg_tree_wait_empty(place->dirfd, deadline_ns, err) : 0;
}

int cg_destroy(struct cg *cg, uint64_t timeout_ns, struct err *err)
{
	if (!cg)
		return 0;
	uint64_t now = clock_ns();
	uint64_t deadline_ns = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	int rc = cg_kill(cg, err);

	if (rc >= 0)
		rc = wait_empty(cg, deadline_ns, err);
	if (rc >= 0)
		rc = remove_everywhere(cg, false, deadline_ns, err);
	if (rc < 0)
		err_wrap(err, "group '%s' is left", cg->name);
	cg_close(cg);
	return rc;
}

const char *cg_name(const struct cg *cg)
{
	return cg->name;
}

const char *cg_dir(const struct cg *cg)
{
	return cg->dir;
}

const char *cg_kernel_path(const struct cg *cg)
{
	return cg->kernel_path;
}

static const char *attach_hint(int code)
{
	static const struct {
		int code;
		const char *text;
	} hints[] = {
		{EBUSY, " (v2 takes no process into a group whose children have controllers)"},
		{ENOSPC, " (its cpuset.cpus or cpuset.mems is empty)"},
		{EOPNOTSUPP, " (the group is in an invalid threaded domain, see cgroup.type)"},
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].code == code)
			return hints[i].text;
	return "";
}

/* One write a hierarchy and none where the group has no directory: on v1 the first write waits
 * for an RCU grace period, about 25 ms in 6.18. */
int cg_attach(struct cg *cg, pid_t pid, struct err *err)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)pid);

	for (size_t i = 0; i < cg->host->n; i++) {
		int fd = cg->place[i].procs_fd;
		if (fd < 0 || write(fd, text, (size_t)len) >= 0)
			continue;
		int code = errno;
		err_errno(err, code, "cannot move process %d into '%s'", (int)pid,
			  cg->host->hier[i].mount);
		size_t used = strlen(err->text);
		snprintf(err->text + used, sizeof(err->text) - used, "%s", attach_hint(code));
		return err_wrap(err, "group '%s'", cg->name);
	}
	return 0;
}

size_t cg_join_fds(const struct cg *cg, int *fds, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < cg->host->n && n < max; i++)
		if (cg->place[i].procs_fd >= 0)
			fds[n++] = cg->place[i].procs_fd;
	return n;
}

int cg_procs(const struct cg *cg, pid_t *pids, size_t max, struct err *err)
{
	int n = cg_read_procs(cg_place_of(cg, "memory")->dirfd, pids, max, err);

	return n < 0 ? err_wrap(err, "group '%s'", cg->name) : n;
}

int cg_procs_tree(const struct cg *cg, pid_t *pids, size_t max, struct err *err)
{
	struct cg_pids all = {0};
	int rc = cg_tree_procs(cg_place_of(cg, "memory")->dirfd, &all, err);

	if (rc < 0)
		rc = err_wrap(err, "group '%s'", cg->name);
	else
		rc = (int)all.n;
	if (rc > 0)
		memcpy(pids, all.list, (all.n < max ? all.n : max) * sizeof(*pids));
	cg_pids_free(&all);
	return rc;
}

/* A task that the v1 freezer holds does not see SIGKILL; only a raw knob can have put it there. */
static void thaw(const struct cg *cg)
{
	const struct cg_hier *hier = cg_host_hier(cg->host, "freezer");
	const struct cg_place *place = hier ? cg_place_of(cg, "freezer") : NULL;
	struct err ignored = ERR_INIT;

	if (place && hier->version == CG_V1)
		(void)fd_write_text(place->dirfd, "freezer.state", "THAWED", &ignored);
}

int cg_kill(struct cg *cg, struct err *err)
{
	const struct cg_place *v2 = cg_place_v2(cg), *memory = cg_place_of(cg, "memory");
	int rc = v2 ? cg_tree_kill(v2->dirfd, err) : 0;

	/* Somebody may have been moved into one hierarchy from outside. */
	if (rc >= 0 && memory != v2)
		rc = cg_tree_kill(memory->dirfd, err);
	thaw(cg);
	return rc < 0 ? err_wrap(err, "group '%s'", cg->name) : 0;
}
