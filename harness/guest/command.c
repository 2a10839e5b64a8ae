/*
 * See command.h. It has no terminal and reads nothing; it works where the disk is, whose page cache
 * can be reclaimed, as on any machine: files of the first file system are memory.
 */
#include "harness/guest/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/guest/shell.h"
#include "harness/record/bytes.h"

static void __attribute__((noreturn)) command_child(const char *text, int out, int err)
{
	struct err ignored;
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setsid();
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(err, STDERR_FILENO);
	guest_environment();
	(void)setenv("TERM", "dumb", 1);
	/* It and what it starts may be chosen, as anywhere. */
	(void)fd_write_text(-1, "/proc/self/oom_score_adj", "0", &ignored);
	if (chdir("/var/tmp") == 0 || chdir("/tmp") == 0)
		(void)execlp("sh", "sh", "-c", text, (char *)NULL);
	fprintf(stderr, "oomlab: no shell is in the image: %s\n", strerror(errno));
	_exit(127);
}

pid_t command_start(struct command *command, const json_t *wish)
{
	const char *text = json_string_value(json_object_get(wish, "command"));
	int out[2] = {-1, -1}, err[2] = {-1, -1};
	pid_t pid = -1;

	if (text && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		command_child(text, out[1], err[1]);
	fd_close_var(&out[1]);
	fd_close_var(&err[1]);
	*command = (struct command){out[0], err[0]};
	if (out[0] >= 0)
		(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	if (err[0] >= 0)
		(void)fcntl(err[0], F_SETFL, O_NONBLOCK);
	if (pid < 0)
		command_close(command);
	return pid;
}

static json_t *printed(int *fd, const char *name)
{
	char bytes[4096];
	ssize_t n = *fd < 0 ? -1 : read(*fd, bytes, sizeof(bytes));

	if (n == 0)
		fd_close_var(fd);
	return n > 0 ? json_pack("{s:o}", name, bytes_to_json(bytes, (size_t)n)) : NULL;
}

json_t *command_printed(struct command *command)
{
	json_t *line = printed(&command->err, "err");

	return line ? line : printed(&command->out, "out");
}

void command_close(struct command *command)
{
	fd_close_var(&command->out);
	fd_close_var(&command->err);
}
