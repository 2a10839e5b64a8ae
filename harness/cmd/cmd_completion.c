/*
 * oomlab completion: the shell's completion script, and the scenario names that the script asks
 * for when the key is pressed.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/cmd/cmd.h"

enum { COMMANDS_MAX = 64 };

static int print_bash(struct cmd_ctx *ctx)
{
	const struct opt_cmd *cmds[COMMANDS_MAX];
	size_t n = 0;

	for (; n < COMMANDS_MAX && cmd_registry[n]; n++)
		cmds[n] = &cmd_registry[n]->opts;
	opt_completion(stdout, ctx->prog, cmds, n);
	return CMD_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Names as 'run' takes them: "limits/block-size" and the suite "limits". */
static int print_scenarios(struct cmd_ctx *ctx)
{
	MEM_AUTO char *root = NULL;
	struct err err = ERR_INIT;

	if (cmd_find_scenarios(&root, &err) < 0)
		return cmd_fail(ctx, CMD_BROKEN, &err);
	char *roots[] = {root, NULL};
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	if (!fts) {
		err_errno(&err, errno, "cannot read '%s'", root);
		return cmd_fail(ctx, CMD_BROKEN, &err);
	}
	for (FTSENT *entry; (entry = fts_read(fts));) {
		const char *name = entry->fts_path + strlen(root) + 1;
		size_t len = strlen(entry->fts_name);

		if (entry->fts_info == FTS_D && entry->fts_level > 0)
			printf("%s\n", name);
		else if (entry->fts_info == FTS_F && str_ends(entry->fts_name, ".yaml") && len > 5)
			printf("%.*s\n", (int)(strlen(name) - 5), name);
	}
	fts_close(fts);
	return CMD_OK;
}

static const struct {
	const char *name;
	int (*print)(struct cmd_ctx *ctx);
} prints[] = {
	{"bash", print_bash},
	{"scenarios", print_scenarios},
};

static int completion_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	struct err err = ERR_INIT;

	(void)values;
	if (argc == 0) {
		err_set(&err, EINVAL, "expected the shell's name, 'bash', got nothing");
		return cmd_fail(ctx, CMD_USAGE, &err);
	}
	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++)
		if (str_eq(argv[0], prints[i].name))
			return prints[i].print(ctx);
	err_set(&err, EINVAL, "unknown shell '%s', expected 'bash'", argv[0]);
	return cmd_fail(ctx, CMD_USAGE, &err);
}

const struct cmd cmd_completion = {
	.opts = {.name = "completion",
		 .args = "bash",
		 .summary = "print the completion script for a shell",
		 .description =
			 "To try it in the running shell: eval \"$(oomlab completion bash)\". "
			 "'make install' puts it where bash-completion looks.",
		 .max_args = 1},
	.run = completion_run,
};
