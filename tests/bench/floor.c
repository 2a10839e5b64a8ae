/*
 * See floor.h.
 */
#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroups/cg.h"

enum { COMMAND_LIMIT_S = 120 };

/* Room beyond the limit that the victim maps, so that it meets the limit and not its own end. */
static const uint64_t beyond_bytes = 16ULL << 20;

int floor_open(struct floor *ret, struct err *err)
{
	struct cg_host *host = NULL;
	const char *why = NULL;
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);

	int r = root < 0 ? root : cg_host_open(root, NULL, &host, err);
	if (r < 0)
		return r;
	const char *parent = cg_host_parent(host, "memory", &why);
	ret->v2 = cg_host_version(host, "memory") == CG_V2;
	if (parent)
		snprintf(ret->parent, sizeof(ret->parent), "%s", parent);
	else
		r = err_set(err, EOPNOTSUPP, "no groups with the memory controller: %s", why);
	cg_host_free(host);
	return r;
}

static void touch(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	volatile char *p =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	for (uint64_t at = 0; at < bytes; at += page)
		p[at] = 1;
}

/* v1 counts swap beside the limit, v2 apart from it; a kernel without swap accounting has neither
 * file, and then the machine's swap may take part. */
static int limit_group(const struct floor *floor, int dirfd, uint64_t limit_bytes, struct err *err)
{
	MEM_AUTO char *text = mem_printf("%llu", (unsigned long long)limit_bytes);
	struct err ignored = ERR_INIT;

	int r = fd_write_text(dirfd, floor->v2 ? "memory.max" : "memory.limit_in_bytes", text, err);
	if (floor->v2)
		(void)fd_write_text(dirfd, "memory.swap.max", "0", &ignored);
	else
		(void)fd_write_text(dirfd, "memory.memsw.limit_in_bytes", text, &ignored);
	return r;
}

static int kill_one(const struct floor *floor, const char *dir, uint64_t limit_bytes,
		    struct err *err)
{
	int status = 0;
	FD_AUTO dirfd = fd_open_at(AT_FDCWD, dir, O_PATH | O_DIRECTORY, 0, err);

	if (dirfd < 0 || limit_group(floor, dirfd, limit_bytes, err) < 0)
		return -err->code;
	pid_t pid = fork();
	if (pid == 0) {
		struct err child_err = ERR_INIT;
		if (fd_write_text(dirfd, "cgroup.procs", "0", &child_err) < 0)
			_exit(1);
		touch(limit_bytes + beyond_bytes);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_errno(err, errno, "cannot make a process");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return err_set(err, EPROTO, "the victim was not killed (wait status 0x%x)", status);
	return 0;
}

int floor_kill(const struct floor *floor, uint64_t limit_bytes, uint64_t *ret_ns, struct err *err)
{
	MEM_AUTO char *dir = mem_printf("%s/oomlab-bench-%d", floor->parent, getpid());
	uint64_t began = clock_ns();

	if (mkdir(dir, 0755) < 0)
		return err_errno(err, errno, "cannot make '%s'", dir);
	int r = kill_one(floor, dir, limit_bytes, err);
	if (rmdir(dir) < 0 && r >= 0)
		r = err_errno(err, errno, "cannot remove '%s'", dir);
	*ret_ns = clock_ns() - began;
	return r;
}

int floor_groups(const struct floor *floor, unsigned n, uint64_t *ret_ns, struct err *err)
{
	MEM_AUTO char *dir = mem_printf("%s/oomlab-bench-%d", floor->parent, getpid());
	uint64_t began = clock_ns();

	for (unsigned i = 0; i < n; i++)
		if (mkdir(dir, 0755) < 0 || rmdir(dir) < 0)
			return err_errno(err, errno, "cannot make or remove '%s'", dir);
	*ret_ns = clock_ns() - began;
	return 0;
}

static int wait_success(pid_t pid, const char *what, uint64_t *ret_rss_bytes, struct err *err)
{
	struct rusage usage;
	int status = 0;

	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return err_errno(err, errno, "cannot run %s", what);
	if (WIFSIGNALED(status))
		return err_set(err, EPROTO, "%s was ended by signal %d", what, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, EPROTO, "%s: exit status %d", what, WEXITSTATUS(status));
	if (ret_rss_bytes)
		*ret_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	return 0;
}

int floor_fill(uint64_t bytes, uint64_t *ret_ns, struct err *err)
{
	uint64_t began = clock_ns();
	pid_t pid = fork();

	if (pid == 0) {
		touch(bytes);
		_exit(0);
	}
	int r = wait_success(pid, "a bare loop", NULL, err);
	*ret_ns = clock_ns() - began;
	return r;
}

int floor_command(const char *const *argv, uint64_t *ret_ns, uint64_t *ret_rss_bytes,
		  struct err *err)
{
	/* execv() takes char *const[] for history's sake and changes nothing. */
	union {
		const char *const *given;
		char *const *wanted;
	} words = {.given = argv};
	uint64_t began = clock_ns();
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		/* GNU grep stops at the first match when its output is /dev/null. */
		int out = memfd_create("output", MFD_CLOEXEC);
		if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
		    dup2(null, STDERR_FILENO) < 0)
			_exit(127);
		/* It survives exec: a command that never ends must not hold the bench up. */
		alarm(COMMAND_LIMIT_S);
		execvp(words.wanted[0], words.wanted);
		_exit(127);
	}
	int r = wait_success(pid, argv[0], ret_rss_bytes, err);
	*ret_ns = clock_ns() - began;
	return r;
}
