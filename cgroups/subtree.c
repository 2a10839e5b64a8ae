/*
 * cgroup v2's cgroup.subtree_control: which controllers the children of a group get. Enables what
 * is missing, from the root of the mount down to the wanted group, and never disables anything.
 * When the caller itself is in the way (delegation: v2 forbids processes in inner groups), moves
 * the caller into a leaf. Called by place.c. Source: cgroup-v2.rst, "Controlling Controllers".
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

enum { WORDS = 512 };

static char *list_of(int dirfd, const char *file)
{
	char words[WORDS];

	return cg_list_from_words(cg_line_of(dirfd, ".", file, words, sizeof(words)));
}

/* "+memory +pids": what is wanted, can be had here, and is not handed down yet. */
static void missing(int dirfd, const char *controllers, struct str *out)
{
	MEM_AUTO char *have = list_of(dirfd, "cgroup.controllers");
	MEM_AUTO char *given = list_of(dirfd, "cgroup.subtree_control");
	MEM_AUTO char *words = mem_dup(controllers);
	char *rest = words;

	for (const char *word; (word = strsep(&rest, ","));)
		if (*word && cg_list_has(have, word) && !cg_list_has(given, word))
			str_addf(out, "%s+%s", out->len ? " " : "", word);
}

/* Moves the caller alone; its children and neighbours are not ours to move. */
static int move_self_to_leaf(int dirfd, struct err *err)
{
	if (mkdirat(dirfd, CG_SELF_LEAF, 0755) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the group '" CG_SELF_LEAF "'");
	return fd_write_text(dirfd, CG_SELF_LEAF "/cgroup.procs", "0", err);
}

static int explain_busy(int dirfd, const char *words, struct err *err)
{
	STR_AUTO who = STR_INIT;

	cg_tree_describe(dirfd, &who);
	return err_set(
		err, EBUSY,
		"cannot enable '%s' for its children while processes are in the group itself "
		"(v2 allows them in leaves alone): %s; move them, or start under "
		"'systemd-run --scope -p Delegate=yes'",
		words, str_text(&who));
}

static int hand_down(int dirfd, bool is_own, const char *controllers, struct err *err)
{
	STR_AUTO words = STR_INIT;

	missing(dirfd, controllers, &words);
	if (!words.len)
		return 0;
	int rc = fd_write_text(dirfd, "cgroup.subtree_control", words.s, err);
	if (rc == -EBUSY && is_own) {
		if (move_self_to_leaf(dirfd, err) < 0)
			return -err->code;
		rc = fd_write_text(dirfd, "cgroup.subtree_control", words.s, err);
	}
	return rc == -EBUSY ? explain_busy(dirfd, words.s, err) : rc;
}

/* An ancestor that this user may not change may hand down enough already: only the last group's
 * errors count, and a controller that does not arrive there. */
static int check_arrived(int dirfd, const char *controllers, struct err *err)
{
	MEM_AUTO char *given = list_of(dirfd, "cgroup.subtree_control");
	MEM_AUTO char *words = mem_dup(controllers);
	char *rest = words;

	for (const char *word; (word = strsep(&rest, ","));)
		if (*word && !cg_list_has(given, word))
			return err_set(err, EOPNOTSUPP,
				       "the controller '%s' is not handed down to this group: some "
				       "cgroup.subtree_control above lacks '+%s'",
				       word, word);
	return 0;
}

int cg_enable_children(const struct cg_hier *hier, const char *path, const char *controllers,
		       struct err *err)
{
	MEM_AUTO char *part = mem_dup(path);
	size_t len = 0;
	int rc = 0;

	for (bool last = false; !last;) {
		/* The next longer part: "/", "/a", "/a/b". */
		part[len] = '\0';
		last = str_eq(len ? part : "/", path);
		FD_AUTO fd = fd_open_at(hier->mount_fd, cg_path_at(part), O_RDONLY | O_DIRECTORY, 0,
					err);
		if (fd < 0)
			return fd;
		rc = hand_down(fd, str_eq(hier->own, len ? part : "/"), controllers, err);
		if (last && rc >= 0)
			rc = check_arrived(fd, controllers, err);
		if (last)
			break;
		part[len] = path[len];
		len += 1 + strcspn(path + len + 1, "/");
	}
	return rc < 0 ? err_wrap(err, "'%s%s'", hier->mount, path) : 0;
}
