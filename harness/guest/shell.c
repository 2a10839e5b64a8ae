/*
 * See shell.h. The console is a terminal of the shell's session, so that job control and Ctrl-C
 * work, and whoever is looking at it sees what the kernel prints as well.
 */
#include "harness/guest/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

#define CONSOLE_DEVICE "/dev/ttyS0"

void guest_environment(void)
{
	(void)setenv("PATH", "/bin:/usr/bin:/sbin:/usr/sbin", 1);
	(void)setenv("HOME", "/run", 1);
	(void)setenv("OOMLAB_SCENARIOS", "/scenarios", 1);
	(void)setenv("OOMLAB_HOG", "/bin/oomhog", 1);
}

void guest_shell(const json_t *wish)
{
	static const char *const shells[] = {"bash", "sh", NULL};
	const char *term = json_string_value(json_object_get(wish, "term"));
	const struct winsize size = {
		.ws_row = (unsigned short)json_integer_value(json_object_get(wish, "rows")),
		.ws_col = (unsigned short)json_integer_value(json_object_get(wish, "columns"))};
	struct err ignored;

	(void)setsid();
	int fd = open(CONSOLE_DEVICE, O_RDWR | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
		(void)dup2(fd, i);
	(void)ioctl(STDIN_FILENO, TIOCSCTTY, 1);
	if (size.ws_row && size.ws_col)
		(void)ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
	guest_environment();
	(void)setenv("TERM", term ? term : "dumb", 1);
	(void)setenv("PS1", "vm:\\w# ", 1);
	/* A person's shell and what it starts may be chosen, as anywhere. */
	(void)fd_write_text(-1, "/proc/self/oom_score_adj", "0", &ignored);
	if (chdir("/run") == 0)
		for (size_t i = 0; shells[i]; i++)
			(void)execlp(shells[i], shells[i], "-i", (char *)NULL);
	fprintf(stderr, "oomlab: no shell is in the image: %s\n", strerror(errno));
	_exit(127);
}
