/*
 * See output.h.
 */
#include "harness/size/output.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

uint64_t output_sum(uint64_t sum, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ at[i]) * 0x100000001b3ULL;
	return sum;
}

void output_add_file(const char *path, uint64_t *sum, uint64_t *bytes)
{
	static char chunk[65536];
	/* O_NONBLOCK: it may be a pipe. */
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint64_t total = 0;
	ssize_t n = 0;

	while (fd >= 0 && ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))) {
		if (n < 0)
			continue;
		*sum = output_sum(*sum, chunk, (size_t)n);
		total += (uint64_t)n;
	}
	int error = fd < 0 || n < 0 ? 1 : 0;
	*sum = output_sum(*sum, &total, sizeof(total));
	*sum = output_sum(*sum, &error, sizeof(error));
	*bytes += total;
}

bool output_check(const char *command, const sigset_t *mask)
{
	char shell[] = "/bin/sh", option[] = "-c";
	char *text = mem_dup(command);
	char *argv[] = {shell, option, text, NULL};
	posix_spawnattr_t attr;
	pid_t pid = -1;
	int status = -1;

	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, mask);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (posix_spawn(&pid, shell, NULL, &attr, argv, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	(void)posix_spawnattr_destroy(&attr);
	free(text);
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
