/*
 * The processes below one cgroup directory (given by a descriptor): list, describe, kill. Knows no
 * hosts and no hierarchies, so group.c uses it for its own groups and leftover.c for what a dead
 * run left. remove.c waits until they are gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/internal.h"

bool cg_vanished(int code)
{
	return code == ENOENT || code == ENODEV;
}

void cg_pids_free(struct cg_pids *pids)
{
	free(pids->list);
	*pids = (struct cg_pids){0};
}

static int compare(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

void cg_pids_sort(struct cg_pids *pids)
{
	if (pids->n)
		qsort(pids->list, pids->n, sizeof(pid_t), compare);
}

bool cg_pids_has(const struct cg_pids *sorted, pid_t pid)
{
	return sorted->n && bsearch(&pid, sorted->list, sorted->n, sizeof(pid), compare);
}

static void add_pid(struct cg_pids *pids, pid_t pid)
{
	if (pids->n == pids->cap) {
		pids->cap = pids->cap ? pids->cap * 2 : 64;
		pids->list = mem_grow(pids->list, pids->cap, sizeof(pid_t));
	}
	pids->list[pids->n++] = pid;
}

/* ---- listing ------------------------------------------------------------------------------- */

typedef void (*pid_fn)(void *data, pid_t pid);

/* Opened anew each time: v1 keeps the list of an open file for a second. A pid of 0 is a process
 * outside this pid namespace: nothing can be done with it. */
static int each_pid(int dirfd, pid_fn fn, void *data, struct err *err)
{
	FD_AUTO fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char chunk[CG_PROCS_CHUNK];
	pid_t pid = 0;
	int found = 0;

	for (;;) {
		ssize_t n = fd < 0 ? -1 : read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cg_vanished(errno)
				       ? found
				       : err_errno(err, errno, "cannot read cgroup.procs");
		if (n == 0)
			return found;
		for (ssize_t i = 0; i < n; i++) {
			if (chunk[i] != '\n') {
				pid = pid * 10 + (chunk[i] - '0');
				continue;
			}
			if (pid > 0) {
				fn(data, pid);
				found++;
			}
			pid = 0;
		}
	}
}

struct slots {
	pid_t *pids;
	size_t n, max;
};

static void fill_slot(void *data, pid_t pid)
{
	struct slots *slots = data;

	if (slots->n < slots->max)
		slots->pids[slots->n++] = pid;
}

static void append_pid(void *data, pid_t pid)
{
	add_pid(data, pid);
}

int cg_read_procs(int dirfd, pid_t *pids, size_t max, struct err *err)
{
	struct slots slots = {.pids = pids, .max = max};

	return each_pid(dirfd, fill_slot, &slots, err);
}

int cg_dir_procs(int dirfd, struct cg_pids *pids, struct err *err)
{
	return each_pid(dirfd, append_pid, pids, err);
}

int cg_next_below(DIR *dir, const char **ret_name)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		*ret_name = entry->d_name;
		return fd;
	}
	return -1;
}

DIR *cg_open_dir(int at)
{
	FD_AUTO fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		fd_take(&fd);
	return dir;
}

int cg_tree_procs(int dirfd, struct cg_pids *pids, struct err *err)
{
	const char *name;
	int rc = cg_dir_procs(dirfd, pids, err);
	DIR *dir = rc < 0 ? NULL : cg_open_dir(dirfd);

	for (int fd; dir && rc >= 0 && (fd = cg_next_below(dir, &name)) >= 0; fd_close_var(&fd))
		rc = cg_tree_procs(fd, pids, err);
	if (dir)
		closedir(dir);
	return rc < 0 ? rc : 0;
}

/* ---- who is still alive -------------------------------------------------------------------- */

struct proc_stat {
	char name[32];
	char state; /* '\0': gone */
	long threads;
};

/* From /proc/PID/stat; the name is in brackets and may hold anything, brackets included. */
static struct proc_stat stat_of(pid_t pid)
{
	struct proc_stat stat = {.name = "gone"};
	struct err err = ERR_INIT;
	char path[32], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fd_read_text(AT_FDCWD, path, text, sizeof(text), &err) < 0)
		return stat;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close)
		return stat;
	snprintf(stat.name, sizeof(stat.name), "%.*s", (int)(close - open - 1), open + 1);
	/* Fields 3 (state) to 20 (num_threads). */
	(void)sscanf(close + 1,
		     " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
		     &stat.state, &stat.threads);
	return stat;
}

/* A leader that exited before its threads is a zombie too, but the process lives. */
bool cg_pid_is_dead(pid_t pid)
{
	struct proc_stat stat = stat_of(pid);

	return stat.state == '\0' || stat.state == 'X' || (stat.state == 'Z' && stat.threads <= 1);
}

void cg_tree_describe(int dirfd, struct str *out)
{
	enum { SHOWN = 4 };
	struct cg_pids pids = {0};
	struct err err = ERR_INIT;
	size_t shown = 0;

	if (cg_tree_procs(dirfd, &pids, &err) < 0)
		pids.n = 0;
	for (; shown < pids.n && shown < SHOWN; shown++) {
		struct proc_stat stat = stat_of(pids.list[shown]);
		str_addf(out, "%spid %d (%s, state %c)", shown ? ", " : "", (int)pids.list[shown],
			 stat.name, stat.state ? stat.state : '-');
	}
	if (pids.n > shown)
		str_addf(out, " and %zu more", pids.n - shown);
	if (!shown)
		str_add(out, "no process is listed in it");
	cg_pids_free(&pids);
}

/* ---- kill ---------------------------------------------------------------------------------- */

enum { KILL_BATCH = 64 };

struct batch {
	pid_t pid[KILL_BATCH];
	int pidfd[KILL_BATCH];
	size_t n;
};

/* A pid may be reused between listing and pidfd_open: only who is still listed after his pidfd was
 * opened is signalled, so nobody outside the group can be hit. */
static int fire(struct batch *batch, int dirfd, struct err *err)
{
	struct cg_pids again = {0};
	int rc = batch->n ? cg_tree_procs(dirfd, &again, err) : 0;

	cg_pids_sort(&again);
	for (size_t i = 0; i < batch->n; i++) {
		if (rc >= 0 && cg_pids_has(&again, batch->pid[i])) {
			int sent = fd_pidfd_signal(batch->pidfd[i], SIGKILL);
			if (sent < 0 && sent != -ESRCH)
				rc = err_errno(err, -sent, "cannot kill process %d",
					       (int)batch->pid[i]);
		}
		fd_close_var(&batch->pidfd[i]);
	}
	batch->n = 0;
	cg_pids_free(&again);
	return rc;
}

static int kill_new(int dirfd, const struct cg_pids *now, const struct cg_pids *before,
		    struct err *err)
{
	struct batch batch = {.n = 0};
	int fresh = 0;

	for (size_t i = 0; i < now->n; i++) {
		if (cg_pids_has(before, now->list[i]))
			continue;
		fresh++;
		int pidfd = fd_pidfd_open(now->list[i]);
		if (pidfd == -ESRCH || pidfd == -EINVAL) /* gone; a leader that is being reaped */
			continue;
		if (pidfd < 0) {
			(void)fire(&batch, dirfd, err);
			return err_errno(err, -pidfd, "pidfd of process %d", (int)now->list[i]);
		}
		batch.pid[batch.n] = now->list[i];
		batch.pidfd[batch.n++] = pidfd;
		if (batch.n == KILL_BATCH && fire(&batch, dirfd, err) < 0)
			return -err->code;
	}
	return fire(&batch, dirfd, err) < 0 ? -err->code : fresh;
}

/* Whoever has SIGKILL pending cannot fork any more, so a pass that lists nobody new is the last;
 * each pass halts all parents that the one before saw. */
static int kill_listed(int dirfd, struct err *err)
{
	struct cg_pids before = {0};
	int fresh = 1;

	while (fresh > 0) {
		struct cg_pids now = {0};
		fresh = cg_tree_procs(dirfd, &now, err);
		if (fresh >= 0)
			fresh = kill_new(dirfd, &now, &before, err);
		cg_pids_free(&before);
		before = now;
		cg_pids_sort(&before);
	}
	cg_pids_free(&before);
	return fresh;
}

int cg_tree_kill(int dirfd, struct err *err)
{
	/* cgroup.kill: v2 since 5.14; refused (EOPNOTSUPP) in threaded groups. */
	int rc = fd_write_text(dirfd, "cgroup.kill", "1", err);

	if (rc == -EOPNOTSUPP || (rc < 0 && cg_vanished(-rc)))
		rc = kill_listed(dirfd, err);
	return rc < 0 ? rc : 0;
}
