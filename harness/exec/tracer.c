/*
 * The 'trace' step: a process of its own holds tasks in a ptrace stop, at once or at their exit. It
 * is not the runner, whose waits for its children would be woken by each stop; it hands their
 * deaths on to the runner by reaping them (ptrace(2): the tracer is told first).
 *
 * At its exit (PTRACE_EVENT_EXIT) a killed task has left user space and still has all of its
 * memory: do_exit() stops there before it comes to exit_mm() (5.10 to 7.3). What becomes of its
 * memory then is the OOM reaper's doing alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"

/* What a tracer says: first that it has all of its tasks, or the errno of the first that it could
 * not get (pid 0); then each task that it holds at its exit, with how that task will have ended. */
struct word {
	pid_t pid;
	int value;
};

struct tracer {
	struct runner *runner;
	struct loop_source *source;
	int words;
	int hold; /* closing it lets go of those at their exit */
	bool answered;
	int error;
	struct tracer *next;
};

/* ---- the tracer's own process --------------------------------------------------------------- */

enum { WORDS_FD = STDERR_FILENO + 1, HOLD_FD, FIRST_FREE_FD };

static void say(pid_t pid, int value)
{
	struct word word = {pid, value};

	(void)!write(WORDS_FD, &word, sizeof(word));
}

/* Seized, not attached: no SIGSTOP is left for after it. */
static int seize(pid_t pid, bool at_exit)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, at_exit ? PTRACE_O_TRACEEXIT : 0) < 0)
		return errno;
	if (at_exit)
		return 0;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0)
		return errno;
	return WIFSTOPPED(status) ? 0 : ESRCH;
}

/* A task that is held at its exit alone goes on as if nobody traced it. */
static void pass_on(pid_t pid, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);

	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
		(void)ptrace(PTRACE_LISTEN, pid, NULL,
			     NULL); /* stopped by a signal, and stays so */
	else
		(void)ptrace(PTRACE_CONT, pid, NULL, event ? 0 : signal);
}

static void came_to_exit(pid_t pid, bool holding)
{
	unsigned long how = 0;

	if (!holding) {
		(void)ptrace(PTRACE_CONT, pid, NULL, NULL);
		return;
	}
	(void)ptrace(PTRACE_GETEVENTMSG, pid, NULL, &how);
	say(pid, (int)how);
}

/* All that there is to be told of the tasks; false: none of them is left. */
static bool take_stops(bool holding)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_EXIT)
			came_to_exit(pid, holding);
		else if (WIFSTOPPED(status))
			pass_on(pid, status);
	}
	return pid == 0 || errno == EINTR;
}

/* The runner wants them to end: who is at its exit may be, or may get there only now. */
static void let_go(const pid_t *pids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)ptrace(PTRACE_CONT, pids[i], NULL, NULL); /* ESRCH: it is not stopped */
}

/* The journal's lock and the tasks' sockets must not outlive the run in here: all descriptors but
 * its own two go. */
static void own_descriptors(int words, int hold)
{
	int high = fcntl(hold, F_DUPFD, FIRST_FREE_FD);

	if (high < 0 || dup2(words, WORDS_FD) < 0 || dup2(high, HOLD_FD) < 0)
		_exit(1);
	closefrom(FIRST_FREE_FD);
}

static int deaths_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void follow(const pid_t *pids, size_t n)
{
	struct pollfd fds[] = {{.fd = deaths_fd(), .events = POLLIN}, {.fd = HOLD_FD}};
	struct signalfd_siginfo info;

	while (take_stops(fds[1].fd >= 0)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		while (read(fds[0].fd, &info, sizeof(info)) > 0)
			;
		if (fds[1].fd >= 0 && fds[1].revents) {
			fds[1].fd = -1;
			let_go(pids, n);
		}
	}
}

static void trace(const struct plan_step *step, const pid_t *pids, pid_t parent)
{
	int error = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < step->n_targets && error == 0; i++)
		error = seize(pids[i], step->targets[i].value == PLAN_TRACE_EXIT);
	say(0, error);
	follow(pids, step->n_targets);
	_exit(0);
}

/* ---- in the runner -------------------------------------------------------------------------- */

static void held_at_exit(struct runner *run, const struct word *word)
{
	for (size_t i = 0; i < run->world.n_tasks; i++) {
		struct world_task *task = &run->world.tasks[i];
		if (task->pid != word->pid || task->life != WORLD_RUNNING)
			continue;
		bool killed = WIFSIGNALED(word->value);
		int status = killed ? WTERMSIG(word->value) : WEXITSTATUS(word->value);
		task->at_exit = true;
		emit(run, "at_exit",
		     json_pack("{s:s, s:i, s:s, s:i}", "task", task->name, "pid", (int)word->pid,
			       "how", killed ? "signal" : "code", "status", status));
		if (killed && status == SIGKILL)
			kills_wait(run, (int)i);
	}
}

static void on_word(void *data, int fd, uint32_t events)
{
	struct tracer *tracer = data;
	struct word word;

	(void)events;
	if (read(fd, &word, sizeof(word)) != (ssize_t)sizeof(word)) {
		/* It has nobody left, or died. */
		loop_remove(tracer->source);
		tracer->source = NULL;
		word = (struct word){0, ECANCELED};
	}
	if (word.pid)
		held_at_exit(tracer->runner, &word);
	else if (!tracer->answered)
		tracer->error = word.value;
	tracer->answered = tracer->answered || !word.pid;
}

static bool has_answered(struct runner *run, void *data)
{
	(void)run;
	return ((const struct tracer *)data)->answered;
}

static void wait_for_answer(struct runner *run, const struct plan_step *step, struct tracer *tracer)
{
	struct err err;

	if (loop_add(run->loop, tracer->words, EPOLLIN, on_word, tracer, &tracer->source, &err) <
	    0) {
		runner_verdict(run, VERDICT_BROKEN, "trace: %s", err.text);
		return;
	}
	int r = runner_wait(run, has_answered, tracer, UINT64_MAX, 0);
	if (r > 0 && (tracer->error == EPERM || tracer->error == EACCES))
		runner_verdict(run, VERDICT_SKIP,
			       "needs to be allowed to ptrace its children (root, or "
			       "kernel.yama.ptrace_scope=0)");
	else if (r > 0 && tracer->error)
		step_fail(run, step, "trace: %s", strerror(tracer->error));
}

/* Their pids, or NULL: one is dead, and that is the verdict. */
static pid_t *living(struct runner *run, const struct plan_step *step)
{
	pid_t *pids = mem_zero(step->n_targets, sizeof(*pids));

	for (size_t i = 0; i < step->n_targets; i++) {
		const struct world_task *task = &run->world.tasks[step->targets[i].task];
		if (task->life != WORLD_RUNNING) {
			step_fail(run, step, "trace: task '%s' is dead", task->name);
			free(pids);
			return NULL;
		}
		pids[i] = task->pid;
	}
	return pids;
}

/* Starts it; NULL: that failed, and is the verdict. */
static struct tracer *start(struct runner *run, const struct plan_step *step, const pid_t *pids)
{
	int words[2] = {-1, -1}, hold[2] = {-1, -1};
	pid_t parent = getpid();
	bool piped = pipe2(words, O_CLOEXEC) == 0 && pipe2(hold, O_CLOEXEC) == 0;
	FD_AUTO says = words[1], held = hold[0];
	pid_t pid = piped ? fork() : -1;

	if (pid == 0) {
		own_descriptors(says, held);
		trace(step, pids, parent);
	}
	if (pid < 0) {
		runner_verdict(run, VERDICT_BROKEN, "trace: %s: %s", piped ? "fork" : "pipe",
			       strerror(errno));
		fd_close_var(&words[0]);
		fd_close_var(&hold[1]);
		return NULL;
	}
	struct tracer *tracer = mem_zero(1, sizeof(*tracer));
	*tracer = (struct tracer){
		.runner = run, .words = words[0], .hold = hold[1], .next = run->tracers};
	run->tracers = tracer;
	return tracer;
}

void step_trace(struct runner *run, const struct plan_step *step)
{
	pid_t *pids MEM_AUTO = living(run, step);
	struct tracer *tracer = pids ? start(run, step, pids) : NULL;

	if (!tracer)
		return;
	for (size_t i = 0; i < step->n_targets; i++)
		emit(run, "trace",
		     json_pack("{s:s, s:s}", "task", step_task(run, step->targets[i].task), "at",
			       step->targets[i].value == PLAN_TRACE_EXIT ? "exit" : "now"));
	wait_for_answer(run, step, tracer);
}

void tracer_let_go(struct runner *run)
{
	for (struct tracer *tracer = run->tracers; tracer; tracer = tracer->next)
		fd_close_var(&tracer->hold);
}

void tracer_free(struct runner *run)
{
	while (run->tracers) {
		struct tracer *tracer = run->tracers;
		run->tracers = tracer->next;
		loop_remove(tracer->source);
		fd_close_var(&tracer->words);
		fd_close_var(&tracer->hold);
		free(tracer);
	}
}
