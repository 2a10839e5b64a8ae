/*
 * The first process of a virtual machine: makes the machine ready, runs 'oomlab run' when the host
 * asks for it on the second serial port (vm/channel.h), one at a time, and reaps whatever dies. The
 * machine ends by a write to QEMU's exit port, whose value tells the host that the guest ended by
 * its own will and not by a panic or reset. A program of its own, static, linked against the same
 * library as oomlab.
 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/guest/setup.h"
#include "harness/vm/channel.h"

enum { LINE_LENGTH_MAX = 1 << 20, WORDS_MAX = 4096 };

/* Bytes in the ports' buffers are lost when the machine stops (16550 under QEMU 7.2). */
static void __attribute__((noreturn)) power_off(int channel)
{
	(void)tcdrain(channel);
	(void)tcdrain(STDOUT_FILENO);
	if (iopl(3) == 0)
		outb(CHANNEL_EXIT_VALUE, CHANNEL_EXIT_PORT);
	for (;;)
		(void)pause();
}

static void say(int channel, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	(void)fd_write_full(channel, text, strlen(text));
	(void)fd_write_full(channel, "\n", 1);
	free(text);
	json_decref(line);
}

static int open_channel(void)
{
	struct termios raw;
	int fd = open(CHANNEL_DEVICE, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &raw) < 0) {
		fprintf(stderr, "oomlab: %s: %s\n", CHANNEL_DEVICE, strerror(errno));
		return fd;
	}
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL;
	(void)tcsetattr(fd, TCSANOW, &raw);
	return fd;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) run_child(char *const *words)
{
	(void)setsid();
	(void)setenv("PATH", "/bin:/usr/bin:/sbin:/usr/sbin", 1);
	(void)setenv("HOME", "/run", 1);
	(void)setenv("OOMLAB_SCENARIOS", "/scenarios", 1);
	(void)setenv("OOMLAB_HOG", "/bin/oomhog", 1);

	if (chdir("/") == 0)
		(void)execv("/bin/oomlab", words);
	fprintf(stderr, "oomlab: cannot start /bin/oomlab: %s\n", strerror(errno));
	_exit(127);
}

/* Its exit status; 128 + signal. Orphans are reaped on the way. */
static int wait_for(pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);
		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (pid < 0 && errno != EINTR)
			return 127;
	}
}

static void run(int channel, const json_t *list)
{
	char *words[WORDS_MAX + 2] = {NULL};
	char name[] = "oomlab";
	size_t n = json_array_size(list);

	words[0] = name;
	for (size_t i = 0; i < n && i < WORDS_MAX; i++)
		words[i + 1] = mem_dup(json_string_value(json_array_get(list, i)));
	(void)fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		run_child(words);
	int status = child < 0 ? 127 : wait_for(child);
	for (size_t i = 0; i < n && i < WORDS_MAX; i++)
		free(words[i + 1]);
	say(channel, json_pack("{s:i}", "done", status));
}

/* ---- what the host says --------------------------------------------------------------------- */

static void obey(int channel, const char *text)
{
	json_error_t error;
	json_t *line = json_loads(text, 0, &error);

	if (!line)
		say(channel, json_pack("{s:s}", "refused", error.text));
	else if (json_object_get(line, "quit"))
		power_off(channel);
	else if (json_is_array(json_object_get(line, "run")))
		run(channel, json_object_get(line, "run"));
	else
		say(channel, json_pack("{s:s}", "refused", "unknown request"));
	json_decref(line);
}

/* Work that lies in the image: what comes over a port comes at a moment of the host's choice, and
 * no run would be like another. */
static void run_request(int channel)
{
	STR_AUTO text = STR_INIT;
	struct err err;

	if (fd_read_all(AT_FDCWD, "/request", &text, &err) < 0)
		return;
	obey(channel, str_text(&text));
	power_off(channel);
}

static void say_ready(int channel, const struct str *troubles)
{
	struct utsname system;

	(void)uname(&system);
	say(channel, json_pack("{s:{s:i, s:s, s:s}}", "ready", "protocol", CHANNEL_VERSION,
			       "kernel", system.release, "troubles", str_text(troubles)));
}

int main(void)
{
	struct str troubles = STR_INIT;
	struct str line = STR_INIT;
	char bytes[4096];

	if (getpid() != 1) {
		fprintf(stderr, "oomlab: this program is the first process of a virtual machine\n");
		return 2;
	}
	guest_set_up(&troubles);
	(void)signal(SIGCHLD, SIG_DFL);
	int channel = open_channel();
	if (channel < 0)
		power_off(STDOUT_FILENO);
	say_ready(channel, &troubles);
	run_request(channel);
	for (;;) {
		ssize_t n = read(channel, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			power_off(channel);
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != '\n') {
				if (line.len < LINE_LENGTH_MAX)
					str_addn(&line, &bytes[i], 1);
				continue;
			}
			obey(channel, str_text(&line));
			line.len = 0;
			if (line.s)
				line.s[0] = '\0';
		}
	}
}
