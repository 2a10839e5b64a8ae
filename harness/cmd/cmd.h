/*
 * What a subcommand is. Each lives in one file cmd_NAME.c that defines 'const struct cmd cmd_NAME';
 * the Makefile lists them in build/gen/cmds.c by file name. Commands are thin: parse, call, print.
 * They are the only place (with the reporters' streams) that prints, and only main() exits.
 */
#ifndef OOMLAB_CMD_H
#define OOMLAB_CMD_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/opts.h"

/* Exit statuses of the whole program. */
enum cmd_status {
	CMD_OK = 0,
	CMD_FAILED = 1,	  /* an expectation did not hold */
	CMD_USAGE = 2,	  /* wrong command line or scenario file; nothing was touched */
	CMD_BROKEN = 3,	  /* the harness itself failed */
	CMD_SKIPPED = 77, /* everything was skipped */
};

struct cmd;

struct cmd_ctx {
	const char *prog;      /* "oomlab" */
	const struct cmd *cmd; /* the command that runs */
	int argc;	       /* the whole command line, unparsed (for the record) */
	const char *const *argv;
};

struct cmd {
	struct opt_cmd opts;
	size_t values_size;
	const void *defaults; /* values_size bytes; NULL: zeros */
	/* 'values' is a parsed copy of the defaults; argv[0..argc-1] are the positional arguments.
	 * Returns an enum cmd_status. SIGPIPE and SIGXFSZ are ignored: reset
	 * them in children that exec. */
	int (*run)(struct cmd_ctx *ctx, void *values, int argc, char **argv);
};

extern const struct cmd *const cmd_registry[]; /* NULL-terminated, sorted by name */
const struct cmd *cmd_find(const char *name);  /* or NULL */
/* Like cmd_find(); unknown: prints it with the nearest name. */
const struct cmd *cmd_find_or_say(const char *prog, const char *name);

/* Prints "oomlab NAME: text" to stderr and returns status, for 'return cmd_fail(...)'. */
int cmd_fail(const struct cmd_ctx *ctx, int status, const struct err *err);

/* Prints lines that hold what somebody else wrote (titles, file names): nothing in them can steer
 * the terminal. */
void cmd_print_clean(FILE *out, const char *lines);

/* ---- before.c ------------------------------------------------------------------------------ */

struct cg_host;

/* Puts back what dead runs left, which would be charged where ours is, and says so. */
void cmd_recover(struct cg_host *host);
/* Makes the records of runs whose results are below 'base' and that were killed, and says so. */
void cmd_recover_records(const char *base);
/* Names this run's groups and journal, see exec/journal.h; to free(). */
char *cmd_run_id(void);

/* ---- paths.c ------------------------------------------------------------------------------- */

/* Both return 0 and give a path to free(), or say where they looked. */

/* oomhog: $OOMLAB_HOG, beside this program, ../libexec/oomlab, $PATH. */
int cmd_find_hog(char **ret, struct err *err);
/* Another program of the build, "guest/init": beside this one, or ../libexec/oomlab. */
int cmd_find_companion(const char *name, char **ret, struct err *err);
/* The catalogue (-ENOENT: there is none, which matters only to who names no files):
 * $OOMLAB_SCENARIOS, ../scenarios beside this program's folder (a build tree),
 * ../share/oomlab/scenarios (installed). */
int cmd_find_scenarios(char **ret, struct err *err);

#endif
