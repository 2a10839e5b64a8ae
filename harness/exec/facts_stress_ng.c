/*
 * stress-ng's version, by running 'stress-ng --version' from $PATH: bounded in time and output.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/exec/host.h"

#define VERSION_TIMEOUT_NS 5000000000ULL

/* Reads until the end, the deadline, or a full buffer; whichever it is, what came is text. */
static void read_until(int fd, uint64_t deadline_ns, char *text, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		uint64_t now = clock_ns();
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int left_ms = now < deadline_ns ? (int)((deadline_ns - now) / 1000000) : 0;

		if (poll(&poll_fd, 1, left_ms) <= 0)
			break;
		ssize_t n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
}

static int spawn_version(int out, pid_t *ret)
{
	char name[] = "stress-ng", option[] = "--version";
	char *const argv[] = {name, option, NULL};
	posix_spawn_file_actions_t actions;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawnp(ret, name, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc;
}

void facts_add_stress_ng(struct facts *facts)
{
	char text[512];
	int ends[2];
	pid_t pid;

	facts->stress_ng[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	FD_AUTO out = ends[0];
	int rc = spawn_version(ends[1], &pid);
	(void)close(ends[1]);
	if (rc != 0)
		return;
	read_until(out, clock_ns() + VERSION_TIMEOUT_NS, text, sizeof(text));
	/* It has said what it had to: no need to wait for its own end. */
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	/* "stress-ng, version 0.15.06 (gcc ...)" */
	const char *version = strstr(text, "version ");
	if (!version)
		return;
	version += strlen("version ");
	(void)snprintf(facts->stress_ng, sizeof(facts->stress_ng), "%.*s",
		       (int)strcspn(version, " \n"), version);
}
