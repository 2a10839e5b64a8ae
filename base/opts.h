/*
 * One table a command; from it come the parser, --help, the man page's OPTIONS and the shell
 * completion. Used by oomlab's subcommands, by oomhog, and for the options that a scenario may
 * give a workload.
 */
#ifndef OOMLAB_BASE_OPTS_H
#define OOMLAB_BASE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum opt_kind {
	OPT_FLAG,     /* bool; --name and --no-name */
	OPT_TEXT,     /* const char * (points into argv) */
	OPT_U64,      /* uint64_t */
	OPT_I64,      /* int64_t */
	OPT_SIZE,     /* uint64_t bytes, parse_size() */
	OPT_DURATION, /* uint64_t ns, parse_duration() */
	OPT_CHOICE,   /* int: index into choices */
	OPT_LIST,     /* struct opt_list, may be given many times */
};

enum { OPT_LIST_MAX = 64 };

struct opt_list {
	size_t n;
	const char *text[OPT_LIST_MAX];
};

struct opt {
	const char *name; /* long name without dashes; NULL ends the table */
	char letter;	  /* one-letter form or '\0' */
	enum opt_kind kind;
	size_t offset;		    /* of the value within the command's values struct */
	const char *arg;	    /* name of the argument in help, e.g. "SIZE"; NULL for flags */
	const char *help;	    /* one sentence, no final dot; says the default */
	const char *const *choices; /* NULL-terminated, for OPT_CHOICE; also completed */
	const char *complete; /* what the shell completes: "file", "dir", "scenario" or NULL */
};

/* What a value given may be; a default that is outside of it (0: not given) stays. For OPT_U64,
 * OPT_SIZE and OPT_DURATION, in their units. */
struct opt_bound {
	const char *name; /* of the option; NULL ends the table */
	uint64_t least, most;
	const char *expected; /* for the message: "1 to 1000" */
};

/* clang-format off: it would spread the braces over three lines */
#define OPT_END              \
	{                    \
		.name = NULL \
	}
/* clang-format on */

struct opt_cmd {
	const char *name;	 /* "run" */
	const char *args;	 /* "[FILE|DIR|NAME...]" or "" */
	const char *summary;	 /* one line */
	const char *description; /* paragraphs parted by blank lines; plain text */
	const char *examples;	 /* lines: "command\texplanation\n"; may be NULL */
	const char *exit_status; /* lines "0\tmeaning\n"; may be NULL */
	const struct opt *opts;
	const struct opt_bound *bounds; /* may be NULL */
	size_t max_args;		/* positional arguments allowed; SIZE_MAX: any number */
	bool raw_args; /* stop at the first positional (the rest is another command) */
};

/* Parses argv[1..] into values (already holding the defaults). Positional arguments are moved,
 * in order, to argv[1..n]; returns n >= 0. "--" ends options; -h/--help returns OPT_HELP.
 * Errors (-EINVAL) name the option and, for an unknown one, the nearest known. */
enum { OPT_HELP = -1000000 };
int opt_parse(const struct opt_cmd *cmd, int argc, char **argv, void *values, struct err *err);

/* Sets one option from text by its long name, as a scenario does. -ENOENT: unknown name (the
 * message offers the nearest). */
int opt_set(const struct opt *opts, const char *name, const char *text, void *values,
	    struct err *err);

/* "usage: PROG NAME [options] ARGS" and the rest, wrapped for 80 columns. */
void opt_help(FILE *out, const char *prog, const struct opt_cmd *cmd);

/* A section of a mdoc(7) page for this command: .Sh/.Ss texts with all options. */
void opt_man(FILE *out, const char *prog, const struct opt_cmd *cmd);

/* Parts of it: a list of options, --help not among them; a list of "LEFT\tright\n" rows. */
void opt_man_options(FILE *out, const struct opt *opts);
void opt_man_rows(FILE *out, const char *rows);

/* The bash completion script of a program with these commands (n of them). */
void opt_completion(FILE *out, const char *prog, const struct opt_cmd *const *cmds, size_t n);

#endif
