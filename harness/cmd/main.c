/*
 * oomlab's entry: finds the subcommand, parses its options, runs it, and sees to it that what was
 * printed has arrived. Knows no command by name but 'help', which --help stands for.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libfyaml.h>
#include <lzma.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/version.h"
#include "harness/cmd/cmd.h"
#include "harness/record/text.h"

static const char prog[] = "oomlab";

enum { COMMANDS_MAX = 64 };

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; cmd_registry[i]; i++)
		if (str_eq(cmd_registry[i]->opts.name, name))
			return cmd_registry[i];
	return NULL;
}

const struct cmd *cmd_find_or_say(const char *program, const char *name)
{
	const char *names[COMMANDS_MAX + 1] = {0};
	const struct cmd *cmd = cmd_find(name);

	if (cmd)
		return cmd;
	for (size_t i = 0; i < COMMANDS_MAX && cmd_registry[i]; i++)
		names[i] = cmd_registry[i]->opts.name;
	const char *near = str_nearest(name, names);
	if (near)
		fprintf(stderr, "%s: unknown command '%s', did you mean '%s'?\n", program, name,
			near);
	else
		fprintf(stderr, "%s: unknown command '%s'; '%s help' lists the commands\n", program,
			name, program);
	return NULL;
}

void cmd_print_clean(FILE *out, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, lines);
		STR_AUTO clean = STR_INIT;

		text_clean(&clean, line);
		fprintf(out, "%s\n", str_text(&clean));
		lines += len + (lines[len] == '\n');
	}
}

int cmd_fail(const struct cmd_ctx *ctx, int status, const struct err *err)
{
	fprintf(stderr, "%s %s: ", ctx->prog, ctx->cmd->opts.name);
	cmd_print_clean(stderr, err->text);
	return status;
}

static int print_version(void)
{
	const struct scmp_version *seccomp = seccomp_version();

	printf("%s %s\n", prog, oomlab_version);
	printf("libfyaml %s, jansson %s, libseccomp %u.%u.%u, zlib %s, liblzma %s, libzstd %s\n",
	       fy_library_version(), jansson_version_str(), seccomp->major, seccomp->minor,
	       seccomp->micro, zlibVersion(), lzma_version_string(), ZSTD_versionString());
	return CMD_OK;
}

/* A command's output that did not arrive is a failure, except that a reader who has seen enough
 * ('oomlab list | head') is none. */
static int flush_output(int status)
{
	errno = 0;
	bool failed = fflush(stdout) != 0;

	if ((!failed && !ferror(stdout)) || fd_reader_gone(STDOUT_FILENO))
		return status;
	fprintf(stderr, "%s: cannot write to standard output: %s\n", prog,
		errno ? strerror(errno) : "an earlier write failed");
	return status == CMD_OK ? CMD_BROKEN : status;
}

static int run_command(const struct cmd *cmd, struct cmd_ctx *ctx, int argc, char **argv)
{
	MEM_AUTO void *values = mem_zero(1, cmd->values_size);
	struct err err = ERR_INIT;

	ctx->cmd = cmd;
	if (cmd->defaults)
		memcpy(values, cmd->defaults, cmd->values_size);
	int n = opt_parse(&cmd->opts, argc, argv, values, &err);
	if (n == OPT_HELP) {
		opt_help(stdout, prog, &cmd->opts);
		return CMD_OK;
	}
	if (n < 0)
		return cmd_fail(ctx, CMD_USAGE, &err);
	return cmd->run(ctx, values, n, argv + 1);
}

static int dispatch(struct cmd_ctx *ctx, int argc, char **argv)
{
	static char help_word[] = "help";
	char *help_argv[] = {help_word, NULL};

	if (argc < 2) {
		fprintf(stderr, "usage: %s COMMAND [options] ...; '%s help' lists the commands\n",
			prog, prog);
		return CMD_USAGE;
	}
	if (str_eq(argv[1], "--version") || str_eq(argv[1], "-V"))
		return print_version();
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return run_command(cmd_find("help"), ctx, 1, help_argv);
	if (argv[1][0] == '-') {
		fprintf(stderr, "%s: unknown option '%s', expected a command; see '%s help'\n",
			prog, argv[1], prog);
		return CMD_USAGE;
	}
	const struct cmd *cmd = cmd_find_or_say(prog, argv[1]);
	return cmd ? run_command(cmd, ctx, argc - 1, argv + 1) : CMD_USAGE;
}

/* A program may be started without the three standard descriptors (cron, '>&-'); then the next
 * file that is opened, a group's perhaps, would get what is printed. The wrong direction is
 * opened in their place, so that using them still fails. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	/* A copy: opt_parse() reorders the words. */
	MEM_AUTO const char **words = mem_zero((size_t)argc + 1, sizeof(*words));
	struct cmd_ctx ctx = {.prog = prog, .argc = argc, .argv = words};

	memcpy(words, argv, (size_t)argc * sizeof(*words));
	fill_standard_fds();
	/* Ignored, so that neither a closed pipe nor 'ulimit -f' can end a run before its groups
	 * are removed: the write fails and is told. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A parent that ignores it hands that on; then no exit status would ever arrive. */
	(void)signal(SIGCHLD, SIG_DFL);
	int status = dispatch(&ctx, argc, argv);
	return flush_output(status);
}
