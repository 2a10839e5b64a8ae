/*
 * Below which directory of a hierarchy groups may be made: the root, the caller's own group
 * (delegation) or one of its ancestors, whichever this user may write to; or what --cgroup-parent
 * names. Only looks (faccessat, reads); place.c and subtree.c do the writing. Called by host.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/internal.h"

enum { PATH_TEXT = 4200 };

/* A path of a file of a group for the *at calls. */
static const char *file_at(const char *dir, const char *file, char *buf)
{
	snprintf(buf, PATH_TEXT, "%s/%s", cg_path_at(dir), file);
	return buf;
}

const char *cg_line_of(int dirfd, const char *dir, const char *file, char *buf, size_t size)
{
	char path[PATH_TEXT];
	struct err err = ERR_INIT;

	if (fd_read_text(dirfd, file_at(dir, file, path), buf, size, &err) < 0)
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

char *cg_list_from_words(const char *words)
{
	char *list = mem_printf(",%s%s", words, *words ? "," : "");

	for (char *at = list; *at; at++)
		if (*at == ' ' || *at == '\n')
			*at = ',';
	return list;
}

static bool may(const struct cg_hier *hier, const char *path, int mode)
{
	return faccessat(hier->mount_fd, path, mode, AT_EACCESS) == 0;
}

static bool exists(const struct cg_hier *hier, const char *dir, const char *file)
{
	char path[PATH_TEXT];

	return may(hier, file_at(dir, file, path), F_OK);
}

/* Groups can be made here, and (v2) processes moved here; errno says why not. */
static bool writable(const struct cg_hier *hier, const char *dir)
{
	char path[PATH_TEXT];

	if (!may(hier, cg_path_at(dir), W_OK | X_OK))
		return false;
	return hier->version == CG_V1 || may(hier, file_at(dir, "cgroup.procs", path), W_OK);
}

/* Whether nobody but this process is in a group. */
static bool alone_in(const struct cg_hier *hier, const char *dir)
{
	FD_AUTO fd = openat(hier->mount_fd, cg_path_at(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;
	pid_t pids[2] = {0};
	int n = fd < 0 ? fd : cg_read_procs(fd, pids, 2, &err);

	return n == 0 || (n == 1 && pids[0] == getpid());
}

/*
 * v2 alone: whether children of this group can have the memory controller. A group with processes
 * of others in it cannot hand controllers down, the real root excepted: it alone has no
 * cgroup.type.
 */
static bool ready(const struct cg_hier *hier, const char *dir)
{
	char words[512];

	if (hier->version == CG_V1 || !cg_list_has(hier->controllers, "memory"))
		return true;
	if (!exists(hier, dir, "cgroup.type"))
		return true;
	char *list = cg_list_from_words(
		cg_line_of(hier->mount_fd, dir, "cgroup.subtree_control", words, sizeof(words)));
	bool handed_down = cg_list_has(list, "memory");
	free(list);
	return handed_down || alone_in(hier, dir);
}

/* The next candidate: the root, the caller's own group, then each of its ancestors. */
static bool next_candidate(const struct cg_hier *hier, char *dir)
{
	char *slash;

	if (!*dir) {
		strcpy(dir, "/");
		return true;
	}
	if (str_eq(dir, "/"))
		snprintf(dir, PATH_TEXT, "%s", hier->own ? hier->own : "/");
	else if ((slash = strrchr(dir, '/')))
		*slash = '\0';
	return *dir && !str_eq(dir, "/");
}

/* Finds the first writable candidate, those that are ready preferred. */
static bool search(const struct cg_hier *hier, char *found)
{
	char dir[PATH_TEXT];

	for (int must_be_ready = 1; must_be_ready >= 0; must_be_ready--)
		for (dir[0] = '\0'; next_candidate(hier, dir);)
			if (writable(hier, dir) && (!must_be_ready || ready(hier, dir))) {
				strcpy(found, dir);
				return true;
			}
	return false;
}

static void refuse(struct cg_hier *hier, int code, char *why)
{
	hier->why_code = code;
	hier->why = why;
}

static void refuse_wanted(struct cg_hier *hier, const char *wanted, int code)
{
	char *dir = cg_path_join(hier->mount, wanted);

	if (code == ENOENT)
		refuse(hier, code, mem_printf("--cgroup-parent: there is no group '%s'", dir));
	else
		refuse(hier, code,
		       mem_printf("--cgroup-parent: cannot make groups in '%s': %s", dir,
				  strerror(code)));
	free(dir);
}

static void refuse_all(struct cg_hier *hier, int code)
{
	if (code == EROFS)
		refuse(hier, code,
		       mem_printf("'%s' is mounted read-only; remount it read-write, or start the "
				  "container privileged or with a writable cgroup mount",
				  hier->mount));
	else if (hier->version == CG_V2)
		refuse(hier, code,
		       mem_printf("no group below '%s' is writable for this user; run as root, or "
				  "under 'systemd-run --user --scope -p Delegate=yes', or name a "
				  "group with --cgroup-parent",
				  hier->mount));
	else
		refuse(hier, code,
		       mem_printf("no group below '%s' is writable for this user; run as root, or "
				  "name a group that you own with --cgroup-parent",
				  hier->mount));
}

/*
 * v2: a controller can be had below the parent when the parent has it, or when each group above
 * can still be told to hand it down. Others are dropped from the list.
 */
static void narrow_controllers(struct cg_hier *hier)
{
	char words[512], control[PATH_TEXT];
	bool changeable = true;

	char *dir = mem_dup(hier->parent);
	for (char *slash; changeable && (slash = strrchr(dir, '/')) && dir[1];) {
		slash[slash == dir] = '\0';
		changeable = may(hier, file_at(dir, "cgroup.subtree_control", control), W_OK);
	}
	free(dir);
	if (changeable)
		return;
	free(hier->controllers);
	hier->controllers = cg_list_from_words(cg_line_of(
		hier->mount_fd, hier->parent, "cgroup.controllers", words, sizeof(words)));
}

void cg_hier_choose_parent(struct cg_hier *hier, const char *wanted)
{
	char found[PATH_TEXT];

	if (hier->why)
		return;
	errno = 0;
	if (wanted && !writable(hier, wanted)) {
		refuse_wanted(hier, wanted, errno);
		return;
	}
	if (!wanted && !search(hier, found)) {
		refuse_all(hier, errno == EROFS ? EROFS : EACCES);
		return;
	}
	hier->parent = mem_dup(wanted ? wanted : found);
	hier->parent_dir = cg_path_join(hier->mount, hier->parent);
	if (hier->version == CG_V2)
		narrow_controllers(hier);
}
