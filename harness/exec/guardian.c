/*
 * See guardian.h. It waits in read(2) on a pipe whose other end only the harness holds.
 */
#include "harness/exec/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static void __attribute__((noreturn)) watch(int fd, const struct cg_host *host)
{
	struct str done = STR_INIT, warnings = STR_INIT;
	sigset_t all;
	char byte;
	ssize_t n;

	/* A session of its own and no signals: Ctrl-C and a closed terminal are for the harness. */
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "oomlab-guardian");
	/* Not the harness's output: a reader of its pipe must see the end when the harness ends. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; null >= 0 && i < 3; i++)
		(void)dup2(null, i);
	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		(void)journal_recover(host, false, &done, &warnings);
	_exit(0);
}

int guardian_start(struct guardian *guardian, const struct cg_host *host,
		   const struct journal *journal, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe for the guardian");
	pid_t pid = fork();
	if (pid < 0) {
		int errnum = errno;
		(void)close(ends[0]);
		(void)close(ends[1]);
		return err_errno(err, errnum, "cannot fork the guardian");
	}
	if (pid == 0) {
		int lock = journal_fd(journal);
		(void)close(ends[1]);
		/* The lock is held by the open file, which fork shares: only the harness may hold
		 * it. */
		fd_close_var(&lock);
		watch(ends[0], host);
	}
	(void)close(ends[0]);
	*guardian = (struct guardian){.pid = pid, .fd = ends[1]};
	return 0;
}

void guardian_stop(struct guardian *guardian)
{
	if (guardian->pid <= 0)
		return;
	(void)fd_write_full(guardian->fd, "x", 1);
	fd_close_var(&guardian->fd);
	while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
		;
	guardian->pid = 0;
}
