/*
 * See state.h.
 */
#include "tests/lib/state.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/exec/journal_file.h"

enum { PATHS = 8, PATH_SIZE = 160, FILE_SIZE = 4096 };

static char dir[96];

void state_make(const char *base)
{
	(void)snprintf(dir, sizeof(dir), "%s/oomlab-state-XXXXXX", base);
	ck_assert_msg(mkdtemp(dir) != NULL, "'%s': %s", dir, strerror(errno));
	setenv("OOMLAB_STATE", dir, 1);
}

void state_remove(const char *const *kept)
{
	for (; kept && *kept; kept++)
		(void)unlink(state_path(*kept));
	(void)unlink(state_path(JOURNAL_HOST_LOCK));
	ck_assert_msg(rmdir(dir) == 0, "'%s': %s", dir, strerror(errno));
}

const char *state_dir(void)
{
	return dir;
}

const char *state_path(const char *name)
{
	static char paths[PATHS][PATH_SIZE];
	static unsigned int next;
	char *path = paths[next++ % PATHS];

	(void)snprintf(path, PATH_SIZE, "%s/%s", dir, name);
	return path;
}

void state_put(const char *name, const char *text)
{
	FD_AUTO fd = open(state_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
}

const char *state_get(const char *name)
{
	static char text[FILE_SIZE];
	struct err err = ERR_INIT;

	ck_assert_msg(fd_read_text(AT_FDCWD, state_path(name), text, sizeof(text), &err) >= 0, "%s",
		      err.text);
	return text;
}

bool state_has(const char *name)
{
	return access(state_path(name), F_OK) == 0;
}

struct journal *state_journal(const char *id)
{
	struct journal *journal = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(journal_open(id, &journal, &err) == 0, "%s", err.text);
	return journal;
}

void state_die_after(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void state_spin(unsigned int microseconds)
{
	uint64_t until = clock_ns() + (uint64_t)microseconds * 1000;

	while (clock_ns() < until)
		;
}

void state_kill_after(pid_t pid, unsigned int microseconds)
{
	int status;

	state_spin(microseconds);
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "ended before it was killed, exit status %d",
		      WEXITSTATUS(status));
}
