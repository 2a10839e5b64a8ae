/*
 * See cg_rig.h.
 */
#include "tests/integration/cg_rig.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static pid_t runner; /* libcheck forks for each test; names carry the pid of the whole run */

void rig_begin(void)
{
	runner = getpid();
}

struct cg_host *rig_host(const char *parent)
{
	struct err err = ERR_INIT;
	struct cg_host *opened = NULL;
	FD_AUTO root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(cg_host_open(root, parent, &opened, &err) >= 0, "%s", err.text);
	return opened;
}

struct cg *rig_group(struct cg_host *in, struct cg *above, const char *what)
{
	struct err err = ERR_INIT;
	struct cg *made = NULL;
	MEM_AUTO char *name = mem_printf("oomlab-test-%d-%s", (int)runner, what);

	ck_assert_msg(cg_create(in, above, above ? what : name, &made, &err) >= 0, "%s", err.text);
	return made;
}

void rig_destroy(struct cg *cg)
{
	struct err err = ERR_INIT;
	int rc = cg_destroy(cg, RIG_PATIENCE_NS, &err);

	ck_assert_msg(rc >= 0, "%s", err.text);
}

static int purge(void *data, const char *dir)
{
	struct err err = ERR_INIT;

	(void)data;
	return cg_purge_dir(dir, RIG_PATIENCE_NS, &err);
}

/* In the runner, after all tests of a case: a test that failed has not come to teardown(). */
void rig_sweep(void)
{
	struct err err = ERR_INIT;
	struct cg_host *at = rig_host(NULL);
	MEM_AUTO char *prefix = mem_printf("oomlab-test-%d-", (int)runner);

	(void)cg_leftovers(at, prefix, purge, NULL, &err);
	cg_host_free(at);
}

void rig_set(struct cg *cg, const char *knob, const char *value)
{
	struct err err = ERR_INIT;

	ck_assert_msg(cg_set(cg, knob, value, &err) >= 0, "%s", err.text);
}

void rig_get(const struct cg *cg, const char *knob, char *buf)
{
	struct err err = ERR_INIT;

	ck_assert_msg(cg_get(cg, knob, buf, CG_VALUE_MAX, &err) >= 0, "%s", err.text);
}

uint64_t rig_count(const struct cg *cg, const char *name)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	ck_assert_msg(cg_counter(cg, name, &value, &err) >= 0, "%s", err.text);
	return value;
}

static void touch(size_t bytes)
{
	volatile char *at =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
}

void rig_touch(size_t bytes)
{
	touch(bytes);
	_exit(0);
}

void rig_grow(size_t times)
{
	for (size_t i = 0; i < times; i++)
		(void)fork();
	for (;;)
		pause();
}

pid_t rig_fork_into(const int *fds, size_t n, void (*fn)(size_t arg), size_t arg)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	for (size_t i = 0; i < n; i++)
		if (write(fds[i], "0", 1) != 1)
			_exit(1);
	fn(arg);
	_exit(2);
}

pid_t rig_fork_into_group(const struct cg *cg, void (*fn)(size_t arg), size_t arg)
{
	int fds[CG_HIERS_MAX];
	size_t n = cg_join_fds(cg, fds, CG_HIERS_MAX);

	ck_assert_uint_gt(n, 0);
	return rig_fork_into(fds, n, fn, arg);
}

/* The write end is inherited under this number; the child of rig_spawn() alone uses it. */
enum { SAY_FD = 200 };

static void touch_and_say(size_t bytes)
{
	touch(bytes);
	if (write(SAY_FD, "", 1) != 1)
		_exit(3);
	close(SAY_FD);
	for (;;)
		pause();
}

pid_t rig_spawn(const struct cg *cg, size_t bytes)
{
	int said[2];
	char byte;

	ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
	ck_assert_int_eq(dup3(said[1], SAY_FD, O_CLOEXEC), SAY_FD);
	close(said[1]);
	pid_t pid = rig_fork_into_group(cg, touch_and_say, bytes);
	close(SAY_FD);
	/* End of file without a byte: it died, as some tests want it to. */
	ck_assert_int_ge(read(said[0], &byte, 1), 0);
	close(said[0]);
	return pid;
}

int rig_reap(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

void rig_assert_killed(pid_t pid)
{
	int status = rig_reap(pid);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", status);
}

bool rig_is_inside(const struct cg *cg, pid_t pid)
{
	struct err err = ERR_INIT;
	pid_t pids[64];
	int n = cg_procs(cg, pids, 64, &err);

	ck_assert_msg(n >= 0 && n <= 64, "%s", err.text);
	for (int i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

bool rig_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

void rig_wait_event(int fd, uint32_t events)
{
	struct pollfd poll_fd = {.fd = fd, .events = (short)events};

	ck_assert_msg(poll(&poll_fd, 1, RIG_PATIENCE_MS) == 1, "no event");
}

void rig_kill(struct cg *cg)
{
	struct err err = ERR_INIT;

	ck_assert_msg(cg_kill(cg, &err) >= 0, "%s", err.text);
}
