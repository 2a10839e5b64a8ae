/*
 * kill -9 of 'oomlab run' at random moments: the harness itself, a worker, or the harness and its
 * guardian together. After the next oomlab command no group, process, swap, file or sysctl of the
 * run may be left. Runs the built program ($OOMLAB, build/oomlab) on tests/fixtures/kill.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/trace.h"
#include "tests/integration/host_rig.h"
#include "tests/lib/skip.h"

Suite *run_kill_suite(void);

enum {
	ROUNDS = 200,
	LONGEST_MS = 300, /* the two scenarios, and tracing on and off, take some 250 ms */
	GONE_MS = 10000,
};

#define MARK "OOMLAB_TEST_RUN_KILL"

static char scratch[] = "/tmp/oomlab-run-kill-XXXXXX";

/* ---- processes ----------------------------------------------------------------------------- */

static const char *program(void)
{
	const char *path = getenv("OOMLAB");

	return path ? path : "build/oomlab";
}

/* Its output goes to 'output' in the scratch folder, for the message of a failure. */
static pid_t start(const char *const *args, const char *output)
{
	pid_t pid = fork();

	if (pid == 0) {
		MEM_AUTO char *path = mem_printf("%s/%s", scratch, output);
		int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		(void)dup2(out, 0);
		(void)dup2(out, 1);
		(void)dup2(out, 2);
		union {
			const char *const *read;
			char *const *exec;
		} words = {.read = args};
		execv(program(), words.exec);
		_exit(127);
	}
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void expect_clean(int round)
{
	const char *const clean[] = {"oomlab", "clean", NULL};
	MEM_AUTO char *path = mem_printf("%s/clean", scratch);
	int status = finish(start(clean, "clean"));
	STR_AUTO text = STR_INIT;
	struct err err;

	(void)fd_read_all(-1, path, &text, &err);
	ck_assert_msg(status == 0, "round %d: 'oomlab clean' exited with %d: %s", round, status,
		      str_text(&text));
}

/* Whether a process carries our mark in its environment; a zombie has no environment. */
static bool marked(pid_t pid, const char *mark)
{
	char path[64], text[65536];
	struct err err;
	FD_AUTO fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = fd_open_at(-1, path, O_RDONLY, 0, &err);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	return n > 0 && memmem(text, (size_t)n, mark, strlen(mark));
}

/* The first process with this mark and, when comm is not NULL, this name; 0: none. */
static pid_t find_marked(const char *mark, const char *comm)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (!found && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		char path[64], name[64];
		struct err err;
		if (pid <= 0 || pid == getpid() || !marked(pid, mark))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		if (comm && fd_read_text(-1, path, name, sizeof(name), &err) < 0)
			continue;
		if (!comm || strncmp(name, comm, strlen(comm)) == 0)
			found = pid;
	}
	(void)closedir(proc);
	return found;
}

/* Waits until the last marked process is gone: each has a pidfd that says so. */
static void expect_all_gone(const char *mark)
{
	uint64_t deadline = clock_ns() + GONE_MS * 1000000ULL;
	pid_t pid;

	while ((pid = find_marked(mark, NULL)) > 0) {
		FD_AUTO fd = fd_pidfd_open(pid);
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		ck_assert_msg(clock_ns() < deadline, "process %d of a killed run is still there",
			      (int)pid);
		if (fd >= 0)
			(void)poll(&poll_fd, 1, GONE_MS);
	}
}

/* ---- groups -------------------------------------------------------------------------------- */

/* Groups of the run with this pid, in any hierarchy. */
static size_t groups_left(pid_t pid, struct str *names)
{
	MEM_AUTO char *prefix = mem_printf("oomlab-%d-", (int)pid);
	char mounts[65536], *rest = mounts, *line, dir[1024], type[64];
	struct err err;
	size_t n = 0;

	ck_assert_int_ge(fd_read_text(-1, "/proc/self/mounts", mounts, sizeof(mounts), &err), 0);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (sscanf(line, "%*s %1023s %63s", dir, type) != 2 || !str_starts(type, "cgroup"))
			continue;
		DIR *folder = opendir(dir);
		struct dirent *entry;
		while (folder && (entry = readdir(folder)) != NULL)
			if (str_starts(entry->d_name, prefix)) {
				str_addf(names, " %s/%s", dir, entry->d_name);
				n++;
			}
		if (folder)
			(void)closedir(folder);
	}
	return n;
}

/* Instances of tracefs of the run with this pid; none where there is no tracefs. */
static size_t traces_left(pid_t pid)
{
	MEM_AUTO char *prefix = mem_printf("oomlab-%d-", (int)pid);
	struct dirent *entry;
	struct err err;
	size_t n = 0;
	FD_AUTO dir = trace_dir(&err);
	int instances = dir < 0 ? -1 : openat(dir, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = instances < 0 ? NULL : fdopendir(instances);

	while (folder && (entry = readdir(folder)) != NULL)
		n += str_starts(entry->d_name, prefix);
	if (folder)
		(void)closedir(folder);
	return n;
}

/* ---- one round ----------------------------------------------------------------------------- */

static void kill_if(pid_t pid)
{
	if (pid > 0)
		(void)kill(pid, SIGKILL);
}

static void one_round(int round, unsigned int *seed)
{
	MEM_AUTO char *mark = mem_printf("%d-%d", (int)getpid(), round);
	MEM_AUTO char *needle = mem_printf("%s=%s", MARK, mark);
	const char *const run[] = {"oomlab", "run",	  "-q",	   "-r",
				   "3",	     "--results", scratch, "tests/fixtures/kill",
				   NULL};
	STR_AUTO left = STR_INIT;

	ck_assert_int_eq(setenv(MARK, mark, 1), 0);
	pid_t pid = start(run, "run");
	ck_assert_int_eq(unsetenv(MARK), 0);
	FD_AUTO fd = fd_pidfd_open(pid);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	(void)poll(&end, 1, rand_r(seed) % LONGEST_MS);
	switch (round % 4) {
	case 0: /* a worker alone: the run goes on and says so */
		kill_if(find_marked(needle, "oomlab-worker"));
		ck_assert_int_ge(finish(pid), 0);
		break;
	case 1: /* also the guardian, first */
		kill_if(find_marked(needle, "oomlab-guardian"));
		__attribute__((fallthrough));
	default:
		kill_if(pid);
		(void)finish(pid);
	}
	expect_clean(round);
	expect_all_gone(needle);
	ck_assert_msg(groups_left(pid, &left) == 0, "round %d left groups:%s", round,
		      str_text(&left));
	ck_assert_msg(traces_left(pid) == 0, "round %d left its instance of tracefs", round);
	host_rig_compare();
}

START_TEST(nothing_is_left_after_kill_9)
{
	unsigned int seed = 4711;

	for (int round = 0; round < ROUNDS; round++)
		one_round(round, &seed);
}
END_TEST

START_TEST(interrupted_run_ends_with_130)
{
	const char *const run[] = {"oomlab", "run",	  "-q",	   "-r",
				   "50",     "--results", scratch, "tests/fixtures/kill",
				   NULL};
	STR_AUTO left = STR_INIT;
	pid_t pid = start(run, "run");
	FD_AUTO fd = fd_pidfd_open(pid);
	struct pollfd end = {.fd = fd, .events = POLLIN};

	(void)poll(&end, 1, 200);
	ck_assert_int_eq(kill(pid, SIGINT), 0);
	ck_assert_int_eq(finish(pid), 130);
	ck_assert_msg(groups_left(pid, &left) == 0, "left groups:%s", str_text(&left));
	ck_assert_uint_eq(traces_left(pid), 0);
	host_rig_compare();
}
END_TEST

static void make_scratch(void)
{
	host_rig_setup();
	memcpy(scratch + strlen(scratch) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static void remove_scratch(void)
{
	MEM_AUTO char *command = mem_printf("rm -rf -- '%s'", scratch);

	ck_assert_int_eq(system(command), 0);
	host_rig_teardown();
}

Suite *run_kill_suite(void)
{
	Suite *suite = suite_create("run_kill");
	TCase *tests = tcase_create("kill -9");

	tcase_add_checked_fixture(tests, make_scratch, remove_scratch);
	tcase_set_timeout(tests, 600);
	tcase_add_test(tests, nothing_is_left_after_kill_9);
	tcase_add_test(tests, interrupted_run_ends_with_130);
	suite_add_if(suite, tests, "kill -9", geteuid() == 0, "needs root");
	return suite;
}
