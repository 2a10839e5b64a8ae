/*
 * See vm_shell.h. While the shell runs, the terminal is the guest's: every key goes there, Ctrl-C
 * too, but the one that ends it all.
 */
#include "harness/cmd/vm_shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_accel.h"
#include "harness/cmd/vm_image.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/cmd/vm_words.h"

enum { KEY_END = 0x1d /* Ctrl-] */, KEY_EOF = 0x04 };

struct shell {
	struct machine *machine;
	struct loop *loop;
	struct loop_source *input;
	struct termios before; /* of stdin */
	bool raw, shown, given_up;
};

/* ---- the terminal --------------------------------------------------------------------------- */

static void take_terminal(struct shell *shell)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &shell->before) < 0)
		return;
	raw = shell->before;
	cfmakeraw(&raw);
	shell->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void give_terminal_back(struct shell *shell)
{
	if (shell->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &shell->before);
	shell->raw = false;
}

static void on_console(void *data, const char *bytes, size_t n)
{
	const struct shell *shell = data;

	if (shell->shown)
		(void)fd_write_full(STDOUT_FILENO, bytes, n);
}

static void type(struct shell *shell, const char *bytes, size_t n)
{
	const char *end = shell->raw ? memchr(bytes, KEY_END, n) : NULL;

	if (end) {
		shell->given_up = true;
		n = (size_t)(end - bytes);
	}
	machine_type(shell->machine, bytes, n);
}

static void on_input(void *data, int fd, uint32_t events)
{
	struct shell *shell = data;
	char bytes[4096];
	const char eof = KEY_EOF;
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n > 0) {
		type(shell, bytes, (size_t)n);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		type(shell, &eof, 1);
		loop_remove(shell->input);
		shell->input = NULL;
	}
	if (shell->given_up)
		machine_quit(shell->machine);
}

/* A file cannot be waited for (EPERM): it is there. */
static int open_input(struct shell *shell, struct err *err)
{
	int r = loop_add(shell->loop, STDIN_FILENO, EPOLLIN, on_input, shell, &shell->input, err);
	char bytes[4096];
	const char eof = KEY_EOF;
	ssize_t n;

	if (r != -EPERM)
		return r;
	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		machine_type(shell->machine, bytes, (size_t)n);
	machine_type(shell->machine, &eof, 1);
	return 0;
}

/* ---- the machine ---------------------------------------------------------------------------- */

static json_t *wish(void)
{
	const char *term = getenv("TERM");
	struct winsize size = {0};

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return json_pack("{s:{s:i, s:i, s:s}}", "shell", "rows", size.ws_row, "columns",
			 size.ws_col, "term", term ? term : "dumb");
}

static int be_there(struct shell *shell, const struct vm_run *run, struct err *err)
{
	json_t *line = wish();
	int status;

	if (run->on_ready)
		run->on_ready(run->data, shell->machine);
	fprintf(stderr, "A shell in it; its end, or Ctrl-], is the machine's end. 'oomlab list' "
			"shows the scenarios.\n");
	shell->shown = true;
	take_terminal(shell);
	int r = machine_send(shell->machine, line, err);
	json_decref(line);
	if (r >= 0)
		r = open_input(shell, err);
	if (r >= 0)
		r = machine_wait_done(shell->machine, err);
	loop_remove(shell->input);
	give_terminal_back(shell);
	if (shell->given_up)
		return 0;
	return machine_is_done(shell->machine, &status) ? status : r;
}

int vm_shell(struct vm_run *run, struct err *err)
{
	const struct vm_image_request request = vm_run_request(run);
	MEM_AUTO char *append = vm_words_kernel(run->values, run->cgroup);
	json_t *words = json_array();
	FD_AUTO initrd = vm_image_build(&request, words, false, err);
	struct shell shell = {0};
	int r = initrd < 0 ? initrd : loop_new(&shell.loop, err);

	json_decref(words);
	if (r >= 0) {
		struct machine_options options = vm_run_machine(run, initrd, append);
		options.loop = shell.loop;
		options.console = on_console;
		options.data = &shell;
		options.interrupt_fd = run->interrupt_fd;
		shell.shown = run->values->console;
		vm_run_tell_gdb(run);
		r = vm_accel(run, initrd, append, &options.qemu.kvm, err);
		if (r >= 0)
			r = machine_start(&options, &shell.machine, err);
		if (r >= 0)
			r = be_there(&shell, run, err);
		else if (shell.machine && r != -EINTR)
			vm_run_tell_console(shell.machine);
	}
	machine_free(shell.machine);
	loop_free(shell.loop);
	return r;
}
