/*
 * oomhog, the program that eats memory, exactly and on command. This file only reads the
 * command line; a hog's life is in hog.c, each workload in one file wl_NAME.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "base/str.h"
#include "base/version.h"
#include "workloads/hog_run.h"

enum { OPTS_MAX = 48, VALUES_MAX = 8192, WORKLOADS_MAX = 64 };

static const char exit_status[] = "0\tthe pattern has ended (--then exit)\n"
				  "1\tsetup or an allocation failed\n"
				  "2\tusage\n"
				  "159\ta system call outside the workload's needs was stopped\n"
				  "128+N\ta signal ended it; 137: SIGKILL, as by the OOM killer\n";

/* One table of the common options and the workload's, whose values lie behind the common ones. */
struct command {
	struct opt_cmd cmd;
	struct opt opts[OPTS_MAX];
	_Alignas(16) struct hog_options common;
	_Alignas(16) unsigned char values[VALUES_MAX];
};

static size_t add_opts(struct opt *to, size_t n, const struct opt *from, size_t base)
{
	for (; from && from->name && n + 1 < OPTS_MAX; from++, n++) {
		to[n] = *from;
		to[n].offset += base;
	}
	return n;
}

static void make_command(struct command *command, const struct wl *wl)
{
	size_t n;

	if (wl->values_size > VALUES_MAX) /* a workload's state grew: raise VALUES_MAX */
		abort();
	memset(command, 0, sizeof(*command));
	command->common = (struct hog_options){
		.control_fd = UINT64_MAX,
		.receipt_fd = UINT64_MAX,
		.status_fd = UINT64_MAX,
		.confine = true,
	};
	memcpy(command->values, wl->defaults, wl->values_size);
	n = add_opts(command->opts, 0, wl->opts, offsetof(struct command, values));
	n = add_opts(command->opts, n, hog_common_opts, offsetof(struct command, common));
	command->opts[n] = (struct opt)OPT_END;
	command->cmd = (struct opt_cmd){
		.name = wl->name,
		.args = "",
		.summary = wl->summary,
		.description = wl->description,
		.exit_status = exit_status,
		.opts = command->opts,
	};
}

/* A size such as 50% means a share of a group's limit, which only a scenario knows. */
static const char *find_percentage(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = strchr(argv[i], '=') && argv[i][0] == '-'
					   ? strchr(argv[i], '=') + 1
					   : argv[i];

		if (isdigit((unsigned char)word[0]) && str_ends(word, "%"))
			return word;
	}
	return NULL;
}

static int run_workload(const struct wl *wl, int argc, char **argv)
{
	struct command command;
	struct err err = ERR_INIT;
	const char *share = find_percentage(argc, argv);

	make_command(&command, wl);
	if (share) {
		fprintf(stderr,
			"oomhog: %s: '%s': a percentage of the group's limit is for "
			"scenarios; give bytes here, such as 80M\n",
			wl->name, share);
		return HOG_EXIT_USAGE;
	}
	int r = opt_parse(&command.cmd, argc, argv, &command, &err);
	if (r == OPT_HELP) {
		opt_help(stdout, "oomhog", &command.cmd);
		return 0;
	}
	if (r < 0) {
		fprintf(stderr, "oomhog: %s: %s\n", wl->name, err.text);
		return HOG_EXIT_USAGE;
	}
	if (command.common.control_fd == UINT64_MAX && !wl->run) {
		fprintf(stderr,
			"oomhog: '%s' has no pattern of its own, it takes commands from "
			"oomlab; see 'oomhog list'\n",
			wl->name);
		return HOG_EXIT_USAGE;
	}
	return hog_main(wl, command.values, &command.common);
}

static int print_list(void)
{
	for (const struct wl *const *wl = wl_registry; *wl; wl++)
		printf("%-12s %s%s\n", (*wl)->name, (*wl)->summary,
		       (*wl)->run ? "" : " (in scenarios only)");
	return 0;
}

static int print_version(void)
{
	printf("oomhog %s\n", oomlab_version);
	return 0;
}

static int print_help(void)
{
	puts("usage: oomhog WORKLOAD [options]\n"
	     "       oomhog list | --help | --version | --man\n"
	     "\n"
	     "Eats memory, exactly. Runs the workload's pattern, one line a block, then holds\n"
	     "what it has until a signal ends it. 'oomhog WORKLOAD --help' tells its options.\n"
	     "Keep it inside a memory cgroup: it does what it says.\n"
	     "\n"
	     "Workloads:");
	print_list();
	puts("\nExample:\n"
	     "  oomhog blocks --block 64M --interval 100ms --total 2G");
	return 0;
}

static int print_man(void)
{
	printf(".Dd %s\n", oomlab_date);
	puts(".Dt OOMHOG 1\n.Os oomlab\n.Sh NAME\n.Nm oomhog\n"
	     ".Nd eat memory, exactly\n.Sh SYNOPSIS\n.Nm\n.Ar workload\n.Op Ar options\n.Nm\n"
	     ".Cm list\n.Nm\n.Fl -help | -version | -man\n.Sh DESCRIPTION\n.Nm\n"
	     "runs a workload's pattern, prints one line a block, and then holds the memory\n"
	     "until a signal ends it.\nStarted by\n.Xr oomlab 1 ,\n"
	     "it takes commands instead and answers each with a receipt.\n"
	     "It sets itself no limit: keep it inside a memory cgroup.\n.Sh WORKLOADS");
	for (const struct wl *const *wl = wl_registry; *wl; wl++) {
		struct command command;

		make_command(&command, *wl);
		command.cmd.opts = (*wl)->opts;
		command.cmd.exit_status = NULL;
		opt_man(stdout, "oomhog", &command.cmd);
	}
	puts(".Sh COMMON OPTIONS\nAll workloads have these as well.");
	opt_man_options(stdout, hog_common_opts);
	puts(".Sh EXIT STATUS");
	opt_man_rows(stdout, exit_status);
	puts(".Sh SEE ALSO\n.Xr oomlab 1 ,\n.Xr seccomp 2 ,\n.Xr oomlab-scenario 5");
	return 0;
}

static const struct {
	const char *word;
	int (*print)(void);
} pages[] = {
	{"list", print_list}, {"--help", print_help},	    {"-h", print_help},
	{"help", print_help}, {"--version", print_version}, {"--man", print_man},
};

static int unknown(const char *word)
{
	const char *names[WORKLOADS_MAX + 1] = {0};

	for (size_t i = 0; i < WORKLOADS_MAX && wl_registry[i]; i++)
		names[i] = wl_registry[i]->name;
	const char *near = str_nearest(word, names);
	if (near)
		fprintf(stderr, "oomhog: unknown workload '%s', did you mean '%s'?\n", word, near);
	else
		fprintf(stderr, "oomhog: unknown workload '%s', see 'oomhog list'\n", word);
	return HOG_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("oomhog: expected a workload, see 'oomhog list'\n", stderr);
		return HOG_EXIT_USAGE;
	}
	const struct wl *wl = wl_find(argv[1]);
	if (wl)
		return run_workload(wl, argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (str_eq(argv[1], pages[i].word))
			return pages[i].print() || fflush(stdout) != 0;
	return unknown(argv[1]);
}
