/*
 * The directories of one group: where they are, making them (at once, or when a knob first needs
 * one), and making them fit for processes. group.c decides when; subtree.c enables controllers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/internal.h"

static const struct cg_place *place_in(const struct cg *cg, const struct cg_hier *hier)
{
	const struct cg_place *place = hier ? &cg->place[hier - cg->host->hier] : NULL;

	return place && place->dirfd >= 0 ? place : NULL;
}

const struct cg_place *cg_place_of(const struct cg *cg, const char *controller)
{
	return place_in(cg, cg_host_hier(cg->host, controller));
}

const struct cg_place *cg_place_v2(const struct cg *cg)
{
	return place_in(cg, cg_host_v2(cg->host));
}

/* A new v1 cpuset is empty and takes no process until it has both lists. */
static int inherit_cpuset(const struct cg_hier *hier, const char *path, struct err *err)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	char buf[CG_VALUE_MAX];
	MEM_AUTO char *above = mem_dup(path);

	*strrchr(above, '/') = '\0';
	for (size_t i = 0; i < 2; i++) {
		MEM_AUTO char *to = cg_path_join(path, files[i]);
		if (*cg_line_of(hier->mount_fd, path, files[i], buf, sizeof(buf)))
			continue;
		cg_line_of(hier->mount_fd, above, files[i], buf, sizeof(buf));
		if (fd_write_text(hier->mount_fd, cg_path_at(to), buf, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Up to 5.10 a v1 group counts for those below only where this is on, which systemd does for the
 * whole machine. It is inherited, and refused for a group that has children already. */
static void count_below(const struct cg_hier *hier, const char *path)
{
	char buf[CG_VALUE_MAX];
	struct err ignored;
	MEM_AUTO char *file = cg_path_join(path, "memory.use_hierarchy");

	if (str_eq(cg_line_of(hier->mount_fd, path, "memory.use_hierarchy", buf, sizeof(buf)), "0"))
		(void)fd_write_text(hier->mount_fd, cg_path_at(file), "1", &ignored);
}

static int make_dir(const struct cg_hier *hier, const char *path, bool fresh, struct err *err)
{
	if (mkdirat(hier->mount_fd, cg_path_at(path), 0755) != 0) {
		if (errno != EEXIST)
			return err_errno(err, errno, "cannot make the group '%s%s'", hier->mount,
					 path);
		if (fresh)
			return err_set(err, EEXIST, "there is a group '%s%s' already", hier->mount,
				       path);
	}
	if (hier->version == CG_V1 && cg_list_has(hier->controllers, "memory"))
		count_below(hier, path);
	if (hier->version == CG_V1 && cg_list_has(hier->controllers, "cpuset"))
		return inherit_cpuset(hier, path, err);
	return 0;
}

/* The groups above may have no directory here yet: "mkdir -p", below the host's parent. */
static int make_dirs(const struct cg_hier *hier, const char *rel, bool fresh, struct err *err)
{
	for (const char *end = rel; end; end = *end ? end + 1 : NULL) {
		end += strcspn(end, "/");
		MEM_AUTO char *part = mem_printf("%.*s", (int)(end - rel), rel);
		MEM_AUTO char *path = cg_path_join(hier->parent, part);
		if (make_dir(hier, path, fresh && !*end, err) < 0)
			return -err->code;
	}
	return 0;
}

/* The group that must hand controllers down: the one above, below the mount. */
static char *path_above(const struct cg_hier *hier, const char *rel)
{
	MEM_AUTO char *path = cg_path_join(hier->parent, rel);
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
	return mem_dup(path);
}

/* The controllers that every group has where they are on v2: there they cost no directory. */
static const char *const basic[] = {"memory", "pids", NULL};

static bool is_basic(const char *controller)
{
	for (size_t i = 0; basic[i]; i++)
		if (str_eq(basic[i], controller))
			return true;
	return false;
}

/* Of those, the ones that live on this hierarchy. */
static void basic_controllers(const struct cg_hier *hier, struct str *out)
{
	for (size_t i = 0; basic[i]; i++)
		if (cg_list_has(hier->controllers, basic[i]))
			str_addf(out, "%s%s,", out->len ? "" : ",", basic[i]);
}

static int enable_above(const struct cg *cg, const struct cg_hier *hier, const char *controllers,
			struct err *err)
{
	MEM_AUTO char *above = path_above(hier, cg->rel);

	return *controllers ? cg_enable_children(hier, above, controllers, err) : 0;
}

int cg_place_make(struct cg *cg, size_t i, bool fresh, struct err *err)
{
	const struct cg_hier *hier = &cg->host->hier[i];
	struct cg_place *place = &cg->place[i];
	STR_AUTO list = STR_INIT;

	if (hier->version == CG_V2) {
		basic_controllers(hier, &list);
		if (enable_above(cg, hier, str_text(&list), err) < 0)
			return -err->code;
	}
	if (make_dirs(hier, cg->rel, fresh, err) < 0)
		return -err->code;
	MEM_AUTO char *path = cg_path_join(hier->parent, cg->rel);
	place->dirfd = fd_open_at(hier->mount_fd, cg_path_at(path), O_RDONLY | O_DIRECTORY, 0, err);
	if (place->dirfd < 0)
		return -err->code;
	place->procs_fd = fd_open_at(place->dirfd, "cgroup.procs", O_WRONLY, 0, err);
	return place->procs_fd < 0 ? -err->code : 0;
}

static int write_pid(int fd, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)pid);

	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

/* Moves those who are in 'from' and not in 'to'; returns how many there were. */
static int move_pass(int from, const struct cg_place *to, struct err *err)
{
	struct cg_pids have = {0}, want = {0};
	int moved = 0, rc = 0;

	if (cg_dir_procs(to->dirfd, &have, err) < 0 || cg_dir_procs(from, &want, err) < 0)
		rc = err->code;
	cg_pids_sort(&have);
	for (size_t i = 0; i < want.n && rc == 0; i++) {
		if (cg_pids_has(&have, want.list[i]))
			continue;
		moved++;
		rc = -write_pid(to->procs_fd, want.list[i]);
		if (rc == ESRCH)
			rc = 0;
		if (rc)
			err_errno(err, rc, "cannot move process %d", (int)want.list[i]);
	}
	cg_pids_free(&have);
	cg_pids_free(&want);
	return rc ? -rc : moved;
}

/*
 * Processes that joined before this directory existed. A fork between listing and move leaves a
 * child behind, so passes go on until one finds nobody; children of the moved are born inside. The
 * bound is for tasks that are stuck in exit: they stay listed and cannot be moved.
 */
static int move_members(const struct cg *cg, const struct cg_place *to, struct err *err)
{
	enum { PASSES = 100 };
	int moved = 1;

	for (int pass = 0; pass < PASSES && moved > 0; pass++)
		moved = move_pass(cg_place_of(cg, "memory")->dirfd, to, err);
	return moved < 0 ? moved : 0;
}

int cg_place_need(struct cg *cg, const char *controller, struct err *err)
{
	const struct cg_hier *hier = cg_host_hier(cg->host, controller);
	const char *why = cg->host->why_absent;

	if (!hier || !hier->parent)
		return err_set(err, hier ? hier->why_code : EOPNOTSUPP, "controller '%s': %s",
			       controller, hier ? hier->why : why);
	size_t i = (size_t)(hier - cg->host->hier);
	if (cg->place[i].dirfd >= 0 && (hier->version == CG_V1 || is_basic(controller)))
		return 0; /* made and enabled with the group, or by an earlier call */
	if (cg->place[i].dirfd < 0) {
		if (cg_place_make(cg, i, false, err) < 0 ||
		    move_members(cg, &cg->place[i], err) < 0)
			return -err->code;
	}
	if (hier->version == CG_V2) {
		MEM_AUTO char *list = mem_printf(",%s,", controller);
		if (enable_above(cg, hier, list, err) < 0)
			return -err->code;
	}
	cg_files_open(cg);
	/* On v1 a limit here must bind the processes of the groups below as well. */
	for (struct cg *below = cg->below; below && hier->version == CG_V1; below = below->beside)
		if (cg_place_need(below, controller, err) < 0)
			return err_wrap(err, "group '%s'", below->name);
	return 0;
}
