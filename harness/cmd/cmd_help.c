/*
 * oomlab help: the list of commands, one command's help, and the manual page's source, all from
 * the tables that the parser reads.
 */
#include "base/str.h"
#include "base/version.h"
#include "harness/cmd/cmd.h"

struct help_values {
	bool man;
};

static const struct opt help_opts[] = {
	{.name = "man",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct help_values, man),
	 .help = "print the source of the manual page oomlab(1), in mdoc(7)"},
	OPT_END,
};

static const char intro[] =
	"oomlab runs scenarios for the kernel's OOM killer inside disposable control groups and "
	"says which process was killed, whether that was the one expected, and whether the "
	"kernel's sources agree about it.";

static const char statuses[] = "0\teverything passed\n"
			       "1\tan expectation did not hold\n"
			       "2\twrong usage or a wrong scenario file; nothing was touched\n"
			       "3\tthe harness itself failed, or results are missing\n"
			       "77\teverything was skipped\n"
			       "130\tinterrupted\n";

static void print_overview(const char *prog)
{
	printf("usage: %s COMMAND [options] ...\n\n%s\n\nCommands:\n", prog,
	       "Exact, event-driven tests of the Linux OOM killer in disposable control groups.");
	for (size_t i = 0; cmd_registry[i]; i++)
		printf("  %-12s%s\n", cmd_registry[i]->opts.name, cmd_registry[i]->opts.summary);
	printf("\nOptions:\n"
	       "  -h, --help      show this help\n"
	       "  -V, --version   print the versions of %s and its libraries\n"
	       "\n'%s help COMMAND' tells more about one. Manual pages: oomlab(1),\n"
	       "oomlab-scenario(5), oomhog(1).\n",
	       prog, prog);
}

/* The date is the source's, not of today: two builds of one source give one page. */
static void print_man(const char *prog)
{
	printf(".Dd %s\n.Dt OOMLAB 1\n.Os oomlab %s\n.Sh NAME\n.Nm %s\n", oomlab_date,
	       oomlab_version, prog);
	printf(".Nd exact tests of the Linux OOM killer in disposable control groups\n"
	       ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n.Op Ar argument ...\n.Nm\n"
	       ".Fl -help | Fl -version\n.Sh DESCRIPTION\n%s\n.Pp\n"
	       "Every switch\n.Fl -name\nhas its opposite\n.Fl -no-name .\n"
	       "An argument may follow its option or be joined to it:\n.Fl -name Ar value ,\n"
	       ".Fl -name Ns = Ns Ar value .\nSizes are numbers with an optional suffix\n"
	       "K, M, G or T (powers of 1024), times have one of ns, us, ms, s, m or h.\n"
	       ".Sh COMMANDS\n",
	       intro);
	for (size_t i = 0; cmd_registry[i]; i++)
		opt_man(stdout, prog, &cmd_registry[i]->opts);
	printf(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
	       ".It Ev OOMLAB_HOG\nThe program oomhog to use instead of the one beside oomlab.\n"
	       ".It Ev OOMLAB_SCENARIOS\nThe folder of the scenario catalogue.\n"
	       ".It Ev OOMLAB_STATE\nThe directory of the journals instead of\n"
	       ".Pa /var/lib/oomlab ,\nfor ordinary users\n.Pa ~/.local/state/oomlab .\n"
	       ".It Ev NO_COLOR\nWhen set, no colour unless\n.Fl -colour Cm always\nsays so.\n"
	       ".El\n.Sh EXIT STATUS\n");
	opt_man_rows(stdout, statuses);
	printf(".Sh SEE ALSO\n.Xr oomhog 1 ,\n.Xr oomlab-scenario 5 ,\n.Xr cgroups 7\n");
}

static int help_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	const struct help_values *v = values;

	if (v->man) {
		print_man(ctx->prog);
		return CMD_OK;
	}
	if (argc == 0) {
		print_overview(ctx->prog);
		return CMD_OK;
	}
	const struct cmd *cmd = cmd_find_or_say(ctx->prog, argv[0]);
	if (!cmd)
		return CMD_USAGE;
	opt_help(stdout, ctx->prog, &cmd->opts);
	return CMD_OK;
}

const struct cmd cmd_help = {
	.opts = {.name = "help",
		 .args = "[COMMAND]",
		 .summary = "list the commands, or tell about one",
		 .opts = help_opts,
		 .max_args = 1},
	.values_size = sizeof(struct help_values),
	.run = help_run,
};
