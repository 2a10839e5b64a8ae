/*
 * See spawn.h. fork and not vfork: the child waits until it is seized. It joins its groups as the
 * last thing before exec, so that next to nothing of the copied memory is charged there.
 */
#include "harness/size/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum { EXIT_NO_EXEC = 127, JOIN_MAX = 8 };

struct plumbing {
	int in, out[2], err[2], start[2], go[2];
};

static void plumbing_close(struct plumbing *p)
{
	int *all[] = {&p->in,	    &p->out[0],	  &p->out[1], &p->err[0], &p->err[1],
		      &p->start[0], &p->start[1], &p->go[0],  &p->go[1]};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		fd_close_var(all[i]);
}

static int plumbing_open(const struct size_command *command, struct plumbing *p, struct err *err)
{
	const char *in = command->stdin_path ? command->stdin_path : "/dev/null";

	*p = (struct plumbing){
		.in = -1, .out = {-1, -1}, .err = {-1, -1}, .start = {-1, -1}, .go = {-1, -1}};
	p->in = fd_open_at(AT_FDCWD, in, O_RDONLY, 0, err);
	if (p->in < 0)
		return err_wrap(err, "--stdin");
	if (pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0 ||
	    pipe2(p->start, O_CLOEXEC) < 0 || pipe2(p->go, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	(void)fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(p->start[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* ---- the child ----------------------------------------------------------------------------- */

static int set_filter(const struct sock_fprog *prog)
{
	if (!prog)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) == 0)
		return 0;
	/* Without CAP_SYS_ADMIN: then it may not gain privileges, which a program that is traced
	 * by an ordinary user could not do either. */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog);
}

/* What is ignored stays ignored over exec, as SIGPIPE is by this program. */
static void default_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The death signal: nothing outlives the harness. A session of its own: neither a terminal to read
 * from, nor its Ctrl-C, which is for the harness. */
static bool detach(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return false;
	(void)setsid();
	default_signals();
	return true;
}

static void __attribute__((noreturn))
child_main(const struct size_command *command, const struct plumbing *p, const int *join,
	   size_t n_join, enum filter_kind filter, pid_t parent)
{
	char byte;

	(void)close(p->go[1]); /* else the end of the harness would not end the wait */
	bool ok = detach(parent) && read(p->go[0], &byte, 1) == 1 && dup2(p->in, 0) >= 0 &&
		  dup2(p->out[1], 1) >= 0 && dup2(p->err[1], 2) >= 0;

	for (size_t i = 0; ok && i < n_join; i++)
		ok = write(join[i], "0", 1) == 1;
	if (ok && set_filter(filter_program(filter)) == 0)
		(void)execv(command->program, command->argv);
	int errnum = errno;
	(void)!write(p->start[1], &errnum, sizeof(errnum));
	_exit(EXIT_NO_EXEC);
}

/* ---- the parent ---------------------------------------------------------------------------- */

int spawn_command(const struct size_command *command, struct cg *group, long trace_options,
		  enum filter_kind filter, struct spawned *ret, struct err *err)
{
	struct plumbing p;
	int join[JOIN_MAX];
	size_t n_join = cg_join_fds(group, join, JOIN_MAX);
	pid_t parent = getpid(), pid = -1;
	int r = plumbing_open(command, &p, err);

	if (r >= 0) {
		(void)filter_program(filter); /* made before the fork */
		pid = fork();
		if (pid < 0)
			r = err_errno(err, errno, "fork");
	}
	if (pid == 0)
		child_main(command, &p, join, n_join, filter, parent);
	if (r < 0) {
		plumbing_close(&p);
		return r;
	}
	*ret = (struct spawned){.pid = pid};
	if (trace_options && ptrace(PTRACE_SEIZE, pid, 0, trace_options) < 0)
		ret->ptrace_errno = errno;
	ret->out = fd_take(&p.out[0]);
	ret->err = fd_take(&p.err[0]);
	ret->start = fd_take(&p.start[0]);
	ret->go = fd_take(&p.go[1]);
	plumbing_close(&p);
	return 0;
}

/* A filter whose stops nobody takes would fail every call with ENOSYS. */
void spawn_go(struct spawned *spawned)
{
	if (!spawned->ptrace_errno)
		(void)fd_write_full(spawned->go, "x", 1);
	fd_close_var(&spawned->go);
}

void spawn_close(struct spawned *spawned)
{
	fd_close_var(&spawned->out);
	fd_close_var(&spawned->err);
	fd_close_var(&spawned->start);
	fd_close_var(&spawned->go);
}
