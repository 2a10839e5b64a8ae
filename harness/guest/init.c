/*
 * The first process of a virtual machine: makes the machine ready, runs 'oomlab run' when the host
 * asks for it on the second serial port (vm/channel.h), or a shell, or a command, one at a time,
 * hands on what the host asks of that, and reaps whatever dies. The machine ends by a write to
 * QEMU's exit port, whose value tells the host that the guest ended by its own will and not by a
 * panic or reset. A program of its own, static, linked against the same library as oomlab.
 */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/guest/command.h"
#include "harness/guest/setup.h"
#include "harness/guest/shell.h"
#include "harness/guest/wake.h"
#include "harness/vm/channel.h"

enum {
	LINE_LENGTH_MAX = 1 << 20,
	WORDS_MAX = 4096,
	LAST_LINES = 64, /* as many as two full pipes make */
};

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
	if (rename(CHANNEL_DEVICE, CHANNEL_HIDDEN) < 0) {
		fprintf(stderr, "oomlab: %s: %s\n", CHANNEL_HIDDEN, strerror(errno));
		fd_close_var(&fd);
	}
	return fd;
}

struct first {
	int channel;
	pid_t child;  /* of the run under way; 0: none */
	int to_child; /* its stdin; -1: none */
	struct command command;
};

/* ---- a run ---------------------------------------------------------------------------------- */

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

static void __attribute__((noreturn)) run_child(char *const *words, int input)
{
	reset_signals();
	(void)setsid();
	if (input >= 0)
		(void)dup2(input, STDIN_FILENO);
	guest_environment();
	if (chdir("/") == 0)
		(void)execv("/bin/oomlab", words);
	fprintf(stderr, "oomlab: cannot start /bin/oomlab: %s\n", strerror(errno));
	_exit(127);
}

static void run(struct first *first, const json_t *list)
{
	char *words[WORDS_MAX + 2] = {NULL};
	char name[] = "oomlab";
	size_t n = json_array_size(list);
	int ends[2] = {-1, -1};

	words[0] = name;
	for (size_t i = 0; i < n && i < WORDS_MAX; i++)
		words[i + 1] = mem_dup(json_string_value(json_array_get(list, i)));
	(void)fflush(NULL);
	if (pipe2(ends, O_CLOEXEC) < 0)
		fprintf(stderr, "oomlab: no pipe: %s\n", strerror(errno));
	pid_t child = fork();
	if (child == 0)
		run_child(words, ends[0]);
	fd_close_var(&ends[0]);
	fd_close_var(&first->to_child);
	first->to_child = ends[1];
	first->child = child < 0 ? 0 : child;
	for (size_t i = 0; i < n && i < WORDS_MAX; i++)
		free(words[i + 1]);
	if (child < 0)
		say(first->channel, json_pack("{s:i}", "done", 127));
}

static void start_shell(struct first *first, const json_t *wish)
{
	pid_t child = fork();

	if (child == 0) {
		reset_signals();
		guest_shell(wish);
	}
	first->child = child < 0 ? 0 : child;
	if (child < 0)
		say(first->channel, json_pack("{s:i}", "done", 127));
}

static void start_command(struct first *first, const json_t *wish)
{
	pid_t child = command_start(&first->command, wish);

	first->child = child < 0 ? 0 : child;
	if (child < 0)
		say(first->channel, json_pack("{s:i}", "done", 127));
}

/* At most so many lines: what prints without end must not keep us from all else. */
static void hand_on_printed(struct first *first, int most)
{
	json_t *line;

	while (most-- > 0 && (line = command_printed(&first->command)) != NULL)
		say(first->channel, line);
}

/* All that have died; the run's end is told. */
static void reap(struct first *first)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != first->child)
			continue;
		first->child = 0;
		fd_close_var(&first->to_child);
		hand_on_printed(first, LAST_LINES);
		command_close(&first->command);
		say(first->channel,
		    json_pack("{s:i}", "done",
			      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
	}
}

/* ---- what the host says --------------------------------------------------------------------- */

static void obey(struct first *first, const char *text)
{
	json_error_t error;
	json_t *line = json_loads(text, 0, &error);

	if (!line) {
		say(first->channel, json_pack("{s:s}", "refused", error.text));
	} else if (json_object_get(line, "quit")) {
		power_off(first->channel);
	} else if (json_object_get(line, "wake")) {
		guest_wake(json_object_get(line, "wake"));
		say(first->channel, json_pack("{s:b}", "awake", 1));
	} else if (json_object_get(line, "ask") && first->to_child >= 0) {
		(void)fd_write_full(first->to_child, text, strlen(text));
		(void)fd_write_full(first->to_child, "\n", 1);
	} else if (json_object_get(line, "shell") && !first->child) {
		start_shell(first, json_object_get(line, "shell"));
	} else if (json_object_get(line, "exec") && !first->child) {
		start_command(first, json_object_get(line, "exec"));
	} else if (json_is_array(json_object_get(line, "run")) && !first->child) {
		run(first, json_object_get(line, "run"));
	} else {
		say(first->channel, json_pack("{s:s}", "refused", "unknown request"));
	}
	json_decref(line);
}

/* Work that lies in the image: what comes over a port comes at a moment of the host's choice, and
 * no run would be like another. */
static void run_request(struct first *first, int signals)
{
	STR_AUTO text = STR_INIT;
	struct signalfd_siginfo info;
	struct err err;

	if (fd_read_all(AT_FDCWD, "/request", &text, &err) < 0)
		return;
	obey(first, str_text(&text));
	while (first->child) {
		if (read(signals, &info, sizeof(info)) > 0)
			reap(first);
	}
	power_off(first->channel);
}

static void say_ready(int channel, const struct str *troubles, const struct str *lack)
{
	struct utsname system;

	(void)uname(&system);
	say(channel,
	    json_pack("{s:{s:i, s:s, s:s, s:s}}", "ready", "protocol", CHANNEL_VERSION, "kernel",
		      system.release, "troubles", str_text(troubles), "lack", str_text(lack)));
}

static int open_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void take(struct first *first, struct str *line)
{
	char bytes[4096];
	ssize_t n = read(first->channel, bytes, sizeof(bytes));

	if (n <= 0 && errno != EINTR)
		power_off(first->channel);
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (line->len < LINE_LENGTH_MAX)
				str_addn(line, &bytes[i], 1);
			continue;
		}
		obey(first, str_text(line));
		line->len = 0;
		if (line->s)
			line->s[0] = '\0';
	}
}

int main(void)
{
	struct first first = {.to_child = -1, .command = COMMAND_INIT};
	struct str troubles = STR_INIT, lack = STR_INIT;
	struct str line = STR_INIT;

	if (getpid() != 1) {
		fprintf(stderr, "oomlab: this program is the first process of a virtual machine\n");
		return 2;
	}
	guest_set_up(&troubles, &lack);
	if (lack.len) /* what runs here has to know */
		(void)setenv(CHANNEL_LACK, str_text(&lack), 1);
	int signals = open_signals();
	first.channel = open_channel();
	if (first.channel < 0)
		power_off(STDOUT_FILENO);
	say_ready(first.channel, &troubles, &lack);
	run_request(&first, signals);
	for (;;) {
		struct pollfd polled[] = {{first.channel, POLLIN, 0},
					  {signals, POLLIN, 0},
					  {first.command.out, POLLIN, 0},
					  {first.command.err, POLLIN, 0}};
		struct signalfd_siginfo info;
		(void)poll(polled, sizeof(polled) / sizeof(polled[0]), -1);
		if (polled[2].revents || polled[3].revents)
			hand_on_printed(&first, 1);
		if (polled[1].revents && read(signals, &info, sizeof(info)) > 0)
			reap(&first);
		if (polled[0].revents)
			take(&first, &line);
	}
}
