/*
 * See crowd.h.
 */
#include "tests/bench/crowd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { HIERS_MAX = 32 };
static const char memory_max[] = "2G"; /* 10,000 need 1.1 GiB, nearly all of it the kernel's */
static const uint64_t end_timeout_ns = 60000000000ULL;

/* The parent of all: joins, forks, tells, waits. */
static void be_parent(const int *fds, size_t n_fds, int ready, unsigned n)
{
	char failed = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < n_fds; i++)
		if (write(fds[i], "0", 1) != 1)
			failed = 1;
	for (unsigned i = 0; i < n && !failed; i++) {
		pid_t pid = fork();
		failed = pid < 0;
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	if (write(ready, &failed, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static int start(struct crowd *crowd, unsigned n, struct err *err)
{
	int fds[HIERS_MAX], ready[2];
	size_t n_fds = cg_join_fds(crowd->cg, fds, HIERS_MAX);
	char failed = 1;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	crowd->parent = fork();
	if (crowd->parent == 0) {
		be_parent(fds, n_fds, ready[1], n);
		_exit(1);
	}
	(void)close(ready[1]);
	ssize_t got = crowd->parent < 0 ? -1 : read(ready[0], &failed, 1);
	(void)close(ready[0]);
	return got == 1 && !failed ? 0 : err_set(err, EAGAIN, "cannot fork %u processes", n);
}

int crowd_make(struct crowd *ret, unsigned n, struct err *err)
{
	struct crowd crowd = {.parent = -1};
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);
	int r = root < 0 ? root : cg_host_open(root, NULL, &crowd.host, err);

	if (r >= 0)
		r = cg_create(crowd.host, NULL, "oomlab-bench-crowd", &crowd.cg, err);
	if (r >= 0)
		r = cg_set(crowd.cg, "memory.max", memory_max, err);
	if (r >= 0)
		r = start(&crowd, n, err);
	if (r < 0)
		crowd_end(&crowd);
	else
		*ret = crowd;
	return r;
}

void crowd_end(struct crowd *crowd)
{
	struct err err = ERR_INIT;

	if (cg_destroy(crowd->cg, end_timeout_ns, &err) < 0)
		fprintf(stderr, "bench: %s\n", err.text);
	if (crowd->parent > 0)
		(void)waitpid(crowd->parent, NULL, 0);
	cg_host_free(crowd->host);
}

int crowd_read_status(uint64_t *ret_ns, struct err *err)
{
	char path[300], text[4096];
	uint64_t began = clock_ns();
	DIR *proc = opendir("/proc");

	if (!proc)
		return err_errno(err, errno, "cannot open /proc");
	for (struct dirent *entry; (entry = readdir(proc));) {
		if (*entry->d_name < '1' || *entry->d_name > '9')
			continue;
		snprintf(path, sizeof(path), "%s/status", entry->d_name);
		int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text)) < 0)
			*text = '\0'; /* it has gone */
		(void)close(fd);
	}
	(void)closedir(proc);
	*ret_ns = clock_ns() - began;
	return 0;
}
