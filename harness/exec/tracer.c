/*
 * The 'trace' step: a process of its own holds tasks in a ptrace stop until they die. It is not the
 * runner, whose waits for its children would be woken by each stop; it hands their deaths on to the
 * runner by reaping them (ptrace(2): the tracer is told first).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"

/* What the tracer says once: 0, or the errno of the first task that it could not stop. */
struct answer {
	bool came;
	int error;
};

/* Seized, not attached: no SIGSTOP is left for after it. */
static int stop_one(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0)
		return errno;
	return WIFSTOPPED(status) ? 0 : ESRCH;
}

/* The journal's lock and the tasks' sockets must not outlive the run in here: all descriptors but
 * the answer's go. */
static void hold(const pid_t *pids, size_t n, int fd, pid_t parent)
{
	int error = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fd, STDERR_FILENO + 1) < 0)
		_exit(1);
	closefrom(STDERR_FILENO + 2);
	for (size_t i = 0; i < n && error == 0; i++)
		error = stop_one(pids[i]);
	(void)!write(STDERR_FILENO + 1, &error, sizeof(error));
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
	_exit(0);
}

static void on_answer(void *data, int fd, uint32_t events)
{
	struct answer *answer = data;

	(void)events;
	if (read(fd, &answer->error, sizeof(answer->error)) != (ssize_t)sizeof(answer->error))
		answer->error = ECANCELED; /* it died */
	answer->came = true;
}

static bool has_answered(struct runner *run, void *data)
{
	(void)run;
	return ((const struct answer *)data)->came;
}

static void wait_for_answer(struct runner *run, const struct plan_step *step, int fd)
{
	struct answer answer = {false, 0};
	struct loop_source *source = NULL;
	struct err err;

	if (loop_add(run->loop, fd, EPOLLIN, on_answer, &answer, &source, &err) < 0) {
		runner_verdict(run, VERDICT_BROKEN, "trace: %s", err.text);
		return;
	}
	int r = runner_wait(run, has_answered, &answer, UINT64_MAX, 0);
	loop_remove(source);
	if (r > 0 && (answer.error == EPERM || answer.error == EACCES))
		runner_verdict(run, VERDICT_SKIP,
			       "needs to be allowed to ptrace its children (root, or "
			       "kernel.yama.ptrace_scope=0)");
	else if (r > 0 && answer.error)
		step_fail(run, step, "trace: %s", strerror(answer.error));
}

void step_trace(struct runner *run, const struct plan_step *step)
{
	pid_t *pids MEM_AUTO = mem_zero(step->n_targets, sizeof(*pids));
	pid_t parent = getpid();
	int ends[2];

	for (size_t i = 0; i < step->n_targets; i++) {
		const struct world_task *task = &run->world.tasks[step->targets[i].task];
		if (task->life != WORLD_RUNNING) {
			step_fail(run, step, "trace: task '%s' is dead", task->name);
			return;
		}
		pids[i] = task->pid;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		runner_verdict(run, VERDICT_BROKEN, "trace: pipe: %s", strerror(errno));
		return;
	}
	FD_AUTO from = ends[0], to = ends[1];
	pid_t pid = fork();
	if (pid == 0)
		hold(pids, step->n_targets, to, parent);
	fd_close_var(&to);
	if (pid < 0) {
		runner_verdict(run, VERDICT_BROKEN, "trace: fork: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < step->n_targets; i++)
		emit(run, "trace",
		     json_pack("{s:s}", "task", step_task(run, step->targets[i].task)));
	wait_for_answer(run, step, from);
}
