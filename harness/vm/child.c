/*
 * See child.h.
 */
#include "harness/vm/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"

enum { OUTPUT_MAX = 1 << 20, EXIT_NO_PROGRAM = 127, ABOVE_STATUS_FD = 10, GENTLE_S = 5 };
/* apt waits for ever when its disk is full, telling the same percentage twice a second; its own
 * patience with a silent mirror is half a minute, a few times. */
enum { STALLED_S = 180 };

enum { PIPE_OUT, PIPE_ERR, PIPE_STATUS, PIPES, SIGNALS = PIPES, POLLED };

void fetch_progress(const struct fetch_watch *watch, const char *what, double percent)
{
	if (watch && watch->progress)
		watch->progress(watch->data, what, percent);
}

void fetch_note(const struct fetch_watch *watch, const char *fmt, ...)
{
	STR_AUTO text = STR_INIT;
	va_list ap;

	if (!watch || !watch->note)
		return;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	watch->note(watch->data, str_text(&text));
}

void child_output_free(struct child_output *output)
{
	str_free(&output->out);
	str_free(&output->err);
}

/* ---- in the children ------------------------------------------------------------------------ */

static void __attribute__((noreturn)) execute(char *const *words, const int ends[PIPES])
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)setenv("LC_ALL", "C", 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(ends[PIPE_OUT], STDOUT_FILENO);
	(void)dup2(ends[PIPE_ERR], STDERR_FILENO);
	(void)dup2(ends[PIPE_STATUS], CHILD_STATUS_FD);
	(void)execvp(words[0], words);
	_exit(EXIT_NO_PROGRAM);
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whoever is not gone within some seconds goes by SIGKILL, as we do. What interrupts the wait is
 * our own SIGTERM, and children. */
static void __attribute__((noreturn)) end_group(pid_t pid, bool gently)
{
	const struct timespec patience = {.tv_sec = GENTLE_S};
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (gently && kill(0, SIGTERM) == 0)
		while (waitpid(pid, &status, WNOHANG) == 0 &&
		       sigtimedwait(&set, NULL, &patience) >= 0)
			;
	(void)kill(0, SIGKILL);
	_exit(EXIT_NO_PROGRAM);
}

/* A death signal of apt's own would be lost: it changes its user for a moment to try what it may,
 * and the kernel forgets the signal then. So one of ours stands in between, dies with us and takes
 * the whole group along. It has our lock on the cache until then. */
static void __attribute__((noreturn))
nurse(const struct child_job *job, const int ours[PIPES], const int theirs[PIPES], pid_t parent)
{
	sigset_t set;
	int status = 0, signal_number = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_NO_PROGRAM);
	pid_t pid = fork();
	if (pid == 0)
		execute(job->words, theirs);
	for (int i = 0; i < PIPES; i++) {
		(void)close(ours[i]);
		(void)close(theirs[i]);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0)
		if (sigwait(&set, &signal_number) == 0 && signal_number == SIGTERM)
			end_group(pid, job->gently);
	_exit(pid > 0 ? exit_status(status) : EXIT_NO_PROGRAM);
}

/* ---- in the parent -------------------------------------------------------------------------- */

/* Ends for the child are moved out of the way of CHILD_STATUS_FD. */
static int make_pipe(int *ret_ours, int *ret_theirs, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	*ret_ours = ends[0];
	*ret_theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, ABOVE_STATUS_FD);
	(void)close(ends[1]);
	return *ret_theirs < 0 ? err_errno(err, errno, "cannot make a pipe") : 0;
}

/* Readable when one of them is blocked and pending; never read, so that it stays pending for who
 * has blocked it. */
static int open_signals(void)
{
	sigset_t set;

	signals_ending(&set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* "dlstatus:3:41.8:Retrieving file 3 of 9": the last whole line counts. Whether it is another one
 * than before. */
static bool tell_status(struct str *text, double *percent, const struct fetch_watch *watch,
			const char *what)
{
	char *end = text->s ? strrchr(text->s, '\n') : NULL;
	double before = *percent;

	if (!end)
		return false;
	*end = '\0';
	char *line = strrchr(text->s, '\n');
	line = line ? line + 1 : text->s;
	char *number =
		str_starts(line, "dlstatus:") ? strchr(line + strlen("dlstatus:"), ':') : NULL;
	if (number)
		*percent = strtod(number + 1, NULL);
	if (number)
		fetch_progress(watch, what, *percent);
	str_free(text);
	return *percent < before || *percent > before;
}

/* Returns how many bytes; 0: its end. */
static size_t take(int fd, const struct child_job *job, struct str *out)
{
	char bytes[16384];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : 0;
	if (n > 0 && job)
		job->heard(job->data, bytes, (size_t)n);
	else if (n > 0 && out->len < OUTPUT_MAX)
		str_addn(out, bytes, (size_t)n);
	return (size_t)n;
}

static int follow(const struct child_job *job, const int ours[PIPES], int signals,
		  const struct fetch_watch *watch, struct child_output *output)
{
	const int stalled_ms = 1000 * (int)(job->patience_s ? job->patience_s : STALLED_S);
	STR_AUTO status = STR_INIT;
	struct str *const texts[PIPES] = {&output->out, &output->err, &status};
	struct pollfd polled[POLLED];
	uint64_t moved_ns = clock_ns();
	double percent = -1;

	for (int i = 0; i < PIPES; i++)
		polled[i] = (struct pollfd){.fd = ours[i], .events = POLLIN};
	polled[SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
	/* The status pipe does not count: whoever inherited it may live on. */
	while (polled[PIPE_OUT].fd >= 0 || polled[PIPE_ERR].fd >= 0) {
		bool said = false;
		if (clock_ns() - moved_ns > (uint64_t)stalled_ms * 1000000)
			return -ETIMEDOUT;
		if (poll(polled, POLLED, stalled_ms) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (polled[SIGNALS].revents)
			return -EINTR;
		for (int i = 0; i < PIPES; i++) {
			bool heard = job->heard && i != PIPE_STATUS;
			if (polled[i].fd < 0 || !polled[i].revents)
				continue;
			size_t n = take(ours[i], heard ? job : NULL, texts[i]);
			said = said || (n && i != PIPE_STATUS);
			if (n == 0)
				polled[i].fd = -1;
		}
		if (tell_status(&status, &percent, watch, job->what) || said)
			moved_ns = clock_ns();
	}
	return 0;
}

static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return exit_status(status);
}

int child_run(char *const *words, const struct fetch_watch *watch, const char *what,
	      struct child_output *ret, struct err *err)
{
	const struct child_job job = {.words = words, .what = what};

	return child_job_run(&job, watch, ret, err);
}

/* Waits for who ends it gently, lest it write while somebody else goes on. */
static void end_child(pid_t pid, bool gently)
{
	if (gently && kill(pid, SIGTERM) == 0)
		return;
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL); /* before its setpgid() */
}

int child_job_run(const struct child_job *job, const struct fetch_watch *watch,
		  struct child_output *ret, struct err *err)
{
	const char *program = job->words[0];
	int ours[PIPES] = {-1, -1, -1}, theirs[PIPES] = {-1, -1, -1};
	FD_AUTO signals = open_signals();
	struct child_output output = {0};
	pid_t parent = getpid(), pid = -1;
	int r = 0;

	for (int i = 0; i < PIPES && r == 0; i++)
		r = make_pipe(&ours[i], &theirs[i], err);
	if (r == 0 && (pid = fork()) == 0)
		nurse(job, ours, theirs, parent);
	if (r == 0 && pid < 0)
		r = err_errno(err, errno, "cannot fork for '%s'", program);
	for (int i = 0; i < PIPES; i++)
		fd_close_var(&theirs[i]);
	if (pid > 0) {
		r = follow(job, ours, signals, watch, &output);
		if (r < 0)
			end_child(pid, job->gently);
		output.status = reap(pid);
		if (r < 0)
			err_set(err, -r,
				r == -ETIMEDOUT ? "'%s' has stopped doing anything"
						: "'%s' was interrupted",
				program);
		else if (output.status == EXIT_NO_PROGRAM)
			r = err_set(err, ENOENT, "cannot run '%s'", program);
	}
	for (int i = 0; i < PIPES; i++)
		fd_close_var(&ours[i]);
	if (r < 0)
		child_output_free(&output);
	else
		*ret = output;
	return r;
}
