/*
 * oomlab hog: becomes oomhog with the arguments given. Only finds the program; everything that a
 * hog understands is oomhog's own.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/cmd/cmd.h"

static int hog_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	MEM_AUTO char *path = NULL;
	MEM_AUTO char **words = mem_zero((size_t)argc + 2, sizeof(*words));
	struct err err = ERR_INIT;

	(void)values;
	if (cmd_find_hog(&path, &err) < 0)
		return cmd_fail(ctx, CMD_BROKEN, &err);
	words[0] = path;
	memcpy(words + 1, argv, (size_t)argc * sizeof(*words));
	/* Ignored signals stay ignored over exec; main() ignores these. */
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	execv(path, words);
	err_errno(&err, errno, "cannot execute '%s'", path);
	return cmd_fail(ctx, CMD_BROKEN, &err);
}

const struct cmd cmd_hog = {
	.opts = {.name = "hog",
		 .args = "[WORKLOAD [OPTION...]]",
		 .summary = "run oomhog, the program that eats memory",
		 .description =
			 "Everything after 'hog' goes to oomhog(1). It runs without limits of "
			 "its own: start it inside a control group, or in a disposable machine.",
		 .examples = "oomlab hog list\tall workloads\n"
			     "oomlab hog blocks --help\toptions of one\n",
		 .max_args = SIZE_MAX,
		 .raw_args = true},
	.run = hog_run,
};
