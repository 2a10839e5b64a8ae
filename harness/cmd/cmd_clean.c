/*
 * oomlab clean: puts back what a dead run has left. The work is journal_recover()'s.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/fd.h"
#include "cgroups/cg.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/journal.h"

struct clean_values {
	bool dry_run;
};

static const struct opt clean_opts[] = {
	{.name = "dry-run",
	 .letter = 'n',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct clean_values, dry_run),
	 .help = "only say what would be done"},
	OPT_END,
};

static int clean_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	const struct clean_values *v = values;
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;
	struct cg_host *host = NULL;
	struct err err = ERR_INIT;

	(void)argc, (void)argv;
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, &err);
	if (root < 0)
		return cmd_fail(ctx, CMD_BROKEN, &err);
	/* Without control groups there are still files and settings to put back. */
	if (cg_host_open(root, NULL, &host, &err) < 0) {
		host = NULL;
		str_addf(&warnings, "control groups cannot be looked at: %s\n", err.text);
	}
	int count = journal_recover(host, v->dry_run, &done, &warnings);
	cg_host_free(host);
	fputs(str_text(&done), stdout);
	fputs(str_text(&warnings), stderr);
	if (count == 0 && warnings.len == 0)
		puts("nothing was left behind");
	return warnings.len ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_clean = {
	.opts = {.name = "clean",
		 .args = "",
		 .summary = "put back what a dead run has left",
		 .description =
			 "Every run writes down what it changes before it changes it: groups, swap "
			 "files, sysctls, the mode of transparent huge pages. A run that was "
			 "killed "
			 "is cleaned up after by its own guardian or by the next run; this command "
			 "does it now. Runs that are alive are left alone.\n\n"
			 "What was changed by somebody else since is left as it is, with a "
			 "message.",
		 .examples = "oomlab clean --dry-run\tshow what a dead run has left\n",
		 .exit_status = "0\tnothing is left\n1\tsomething is left, the messages say what\n",
		 .opts = clean_opts},
	.values_size = sizeof(struct clean_values),
	.run = clean_run,
};
