/*
 * Confinement: installs the seccomp filter that the build made for the workload's needs, and
 * the SIGSYS handler that reports a violation by name. What is allowed is in gen_filters.c.
 * Called by hog.c, once, after setup.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filters.h"
#include "workloads/hog_run.h"

/* The two file-scope variables of the program: a signal handler has no other way to them. */
static struct hog_status *violated;
static bool say_violation;

const char *hog_syscall_name(int number)
{
	size_t n = sizeof(call_names) / sizeof(call_names[0]);

	return number >= 0 && (size_t)number < n && call_names[number] ? call_names[number] : "?";
}

/* Async-signal-safe: appends as much of text as fits. */
static size_t append(char *to, size_t size, size_t at, const char *text)
{
	while (*text && at + 1 < size)
		to[at++] = *text++;
	to[at] = '\0';
	return at;
}

static void on_violation(int signal, siginfo_t *info, void *context)
{
	char *message = violated->message;
	size_t at = 0;

	(void)signal;
	(void)context;
	at = append(message, HOG_MESSAGE_MAX, at, "system call '");
	at = append(message, HOG_MESSAGE_MAX, at, hog_syscall_name(info->si_syscall));
	(void)append(message, HOG_MESSAGE_MAX, at, "' is not allowed to this workload");
	violated->violation = info->si_syscall;
	violated->state = HOG_STATE_VIOLATION;
	if (say_violation) {
		char line[HOG_MESSAGE_MAX + 16];
		size_t n = append(line, sizeof(line), 0, "oomhog: ");

		n = append(line, sizeof(line), n, message);
		n = append(line, sizeof(line), n, "\n");
		if (write(STDERR_FILENO, line, n) < 0)
			_exit(HOG_EXIT_VIOLATION);
	}
	_exit(HOG_EXIT_VIOLATION);
}

int hog_confine(struct hog_status *status, unsigned needs, bool say, struct err *err)
{
	struct sigaction action = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
	struct sock_fprog program = {.len = filters[needs].n};

	/* The kernel only reads the program; its type lacks the const. */
	memcpy(&program.filter, &filters[needs].code, sizeof(void *));
	violated = status;
	say_violation = say;
	if (sigaction(SIGSYS, &action, NULL) < 0)
		return err_errno(err, errno, "cannot handle SIGSYS");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "cannot give up new privileges");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return err_errno(err, errno,
				 "cannot install the seccomp filter (--no-confine "
				 "runs without)");
	return 0;
}
