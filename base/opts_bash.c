/*
 * The bash completion script made from the option tables: subcommands, options, choices, files.
 * Scenario names are asked from the program itself ("PROG completion scenarios") when the key is
 * pressed, so the script needs no regenerating when scenarios come and go.
 */
#include "base/opts.h"

#include <string.h>

#include "base/str.h"

/* What a placeholder in 'args' or an option's 'complete' stands for, as words of bash. */
static const struct {
	const char *kind;
	const char *placeholder;
	const char *action;
} completions[] = {
	{"file", "FILE", "_files -f"},
	{"dir", "DIR", "_files -d"},
	{"scenario", "NAME", "_words \"$(\"$prog\" completion scenarios 2>/dev/null)\""},
	{"command", "COMMAND", "_words \"$commands\""},
};

enum { N_COMPLETIONS = sizeof(completions) / sizeof(completions[0]) };

static void option_case(FILE *out, const char *prog, const struct opt_cmd *cmd,
			const struct opt *opt)
{
	fprintf(out, "\t%s,--%s", cmd->name, opt->name);
	if (opt->letter)
		fprintf(out, " | %s,-%c", cmd->name, opt->letter);
	fputs(")\n", out);
	if (opt->choices) {
		fprintf(out, "\t\t_%s_words '", prog);
		for (const char *const *choice = opt->choices; *choice; choice++)
			fprintf(out, "%s%s", choice == opt->choices ? "" : " ", *choice);
		fputs("'\n", out);
	}
	for (size_t i = 0; i < N_COMPLETIONS; i++)
		if (str_eq(opt->complete, completions[i].kind))
			fprintf(out, "\t\t_%s%s\n", prog, completions[i].action);
	fputs("\t\treturn\n\t\t;;\n", out);
}

static void command_case(FILE *out, const char *prog, const struct opt_cmd *cmd)
{
	fprintf(out, "\t%s)\n\t\toptions='", cmd->name);
	for (const struct opt *opt = cmd->opts; opt && opt->name; opt++)
		fprintf(out, "--%s ", opt->name);
	fputs("--help'\n", out);
	for (size_t i = 0; cmd->args && i < N_COMPLETIONS; i++)
		if (strstr(cmd->args, completions[i].placeholder))
			fprintf(out, "\t\t[[ $cur == -* ]] || _%s%s\n", prog,
				completions[i].action);
	fputs("\t\t;;\n", out);
}

static void helpers(FILE *out, const char *prog)
{
	fprintf(out,
		"# bash completion for %s, made from its option tables\n\n"
		"_%s_words()\n{\n\tlocal word\n"
		"\twhile IFS= read -r word; do\n\t\tCOMPREPLY+=(\"$word\")\n"
		"\tdone < <(compgen -W \"$1\" -- \"$cur\")\n}\n\n"
		"_%s_files()\n{\n\tlocal file\n\tcompopt -o filenames 2>/dev/null\n"
		"\twhile IFS= read -r file; do\n\t\tCOMPREPLY+=(\"$file\")\n"
		"\tdone < <(compgen \"$1\" -- \"$cur\")\n}\n\n",
		prog, prog, prog);
}

static void prologue(FILE *out, const char *prog, const struct opt_cmd *const *cmds, size_t n)
{
	fprintf(out, "_%s()\n{\n", prog);
	fputs("\tlocal prog=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal command='' options='' i\n\tlocal commands='",
	      out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " " : "", cmds[i]->name);
	/* readline splits --name=value at the sign */
	fputs("'\n\n\tCOMPREPLY=()\n"
	      "\tif [[ $cur == = ]]; then\n\t\tcur=''\n"
	      "\telif [[ $prev == = ]]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -* ]] && continue\n"
	      "\t\tcommand=${COMP_WORDS[i]}\n\t\tbreak\n\tdone\n\n",
	      out);
}

void opt_completion(FILE *out, const char *prog, const struct opt_cmd *const *cmds, size_t n)
{
	helpers(out, prog);
	prologue(out, prog, cmds, n);
	fputs("\tcase $command,$prev in\n", out);
	for (size_t i = 0; i < n; i++)
		for (const struct opt *opt = cmds[i]->opts; opt && opt->name; opt++)
			if (opt->kind != OPT_FLAG)
				option_case(out, prog, cmds[i], opt);
	fputs("\tesac\n\n\tcase $command in\n\t'')\n\t\toptions='--help --version'\n", out);
	fprintf(out, "\t\t[[ $cur == -* ]] || _%s_words \"$commands\"\n\t\t;;\n", prog);
	for (size_t i = 0; i < n; i++)
		command_case(out, prog, cmds[i]);
	fprintf(out,
		"\tesac\n\t[[ $cur != -* ]] || _%s_words \"$options\"\n}\n\n"
		"complete -F _%s %s\n",
		prog, prog, prog);
}
