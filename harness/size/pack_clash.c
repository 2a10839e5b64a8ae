/*
 * See pack_clash.h.
 */
#include "harness/size/pack_clash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

enum { PIDS_MAX = 256 };

bool pack_clash_add(struct pack_clash *clash, const struct pack_open *file)
{
	for (size_t i = 0; i < clash->n; i++)
		if (clash->open[i].device == file->device && clash->open[i].inode == file->inode)
			return clash->open[i].session != file->session;
	if (clash->n < CLASH_OPEN_MAX)
		clash->open[clash->n++] = *file;
	return false;
}

bool pack_clash_writes(const char *fdinfo)
{
	const char *flags = strstr(fdinfo, "flags:");
	unsigned long value = flags ? strtoul(flags + strlen("flags:"), NULL, 8) : 0;

	return (value & O_ACCMODE) == O_WRONLY || (value & O_ACCMODE) == O_RDWR;
}

/* Files that are gone for everybody else (temporary ones) are nobody's result. */
static bool is_result(int fds, const char *name, struct stat *ret)
{
	return fstatat(fds, name, ret, 0) == 0 && S_ISREG(ret->st_mode) && ret->st_nlink > 0;
}

static bool look_at_fd(int proc, int fds, const char *name, pid_t session, struct pack_clash *clash,
		       char *path)
{
	char info[64], text[1024];
	struct stat st;
	struct err err;

	if (!is_result(fds, name, &st))
		return false;
	snprintf(info, sizeof(info), "fdinfo/%.20s", name);
	if (fd_read_text(proc, info, text, sizeof(text), &err) < 0 || !pack_clash_writes(text))
		return false;
	struct pack_open file = {st.st_dev, st.st_ino, session};
	ssize_t n = pack_clash_add(clash, &file) ? readlinkat(fds, name, path, PATH_MAX - 1) : -1;
	if (n < 0)
		return false;
	path[n] = '\0';
	return strncmp(path, "/memfd:", strlen("/memfd:")) != 0;
}

static bool look_at(pid_t pid, struct pack_clash *clash, char *path)
{
	char dir[32];
	struct err err;
	bool found = false;
	struct dirent *entry;

	snprintf(dir, sizeof(dir), "/proc/%d", (int)pid);
	FD_AUTO proc = fd_open_at(-1, dir, O_PATH | O_DIRECTORY, 0, &err);
	FD_AUTO fds = proc < 0 ? -1 : fd_open_at(proc, "fd", O_RDONLY | O_DIRECTORY, 0, &err);
	DIR *list = fds < 0 ? NULL : fdopendir(dup(fds));
	pid_t session = getsid(pid);

	while (list && !found && session > 0 && (entry = readdir(list)) != NULL)
		found = entry->d_name[0] != '.' &&
			look_at_fd(proc, fds, entry->d_name, session, clash, path);
	if (list)
		(void)closedir(list);
	return found;
}

bool pack_clash_find(const struct cg *cg, char *path)
{
	struct pack_clash clash = {0};
	pid_t pids[PIDS_MAX];
	struct err err;
	int n = cg_procs_tree(cg, pids, PIDS_MAX, &err);

	for (int i = 0; i < n && i < PIDS_MAX; i++)
		if (look_at(pids[i], &clash, path))
			return true;
	return false;
}
