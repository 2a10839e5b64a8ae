/*
 * The pages made from an option table: --help, wrapped to 80 columns, and the command's part of
 * a mdoc(7) manual page. Both tell the same in the same order. Writes to the stream it is given
 * and nowhere else; write errors stay in the stream for the caller to see.
 */
#include "base/opts.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

enum { COLUMNS = 80, HELP_COLUMN_MAX = 30, INDENT = 2 };

static const struct opt help_row = {.name = "help", .letter = 'h', .help = "show this help"};

/* ---- text ---------------------------------------------------------------------------------- */

/* Columns, not bytes: continuation bytes of UTF-8 take none. */
static size_t width(const char *text, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static void pad(FILE *out, size_t from, size_t to)
{
	for (; from < to; from++)
		fputc(' ', out);
}

/* Fills words into lines; the cursor stands at column 'at', following lines begin at 'indent'.
 * Ends with a newline. */
static void fill(FILE *out, const char *text, size_t len, size_t at, size_t indent)
{
	const char *end = text + len;
	bool first = true;

	pad(out, at, indent);
	at = at < indent ? indent : at;
	for (;;) {
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
		if (text == end)
			break;
		size_t n = 0;
		while (text + n < end && text[n] != ' ' && text[n] != '\n')
			n++;
		size_t columns = width(text, n);
		if (!first && at + 1 + columns > COLUMNS) {
			fputc('\n', out);
			pad(out, 0, indent);
			at = indent;
		} else if (!first) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, n, out);
		at += columns;
		text += n;
		first = false;
	}
	fputc('\n', out);
}

static void fill_text(FILE *out, const char *text, size_t at, size_t indent)
{
	fill(out, text, strlen(text), at, indent);
}

/* Calls fn for each paragraph; one whose first character is blank is an example as it stands. */
typedef void (*paragraph_fn)(FILE *out, const char *text, size_t len, bool verbatim, bool first);

static void each_paragraph(FILE *out, const char *text, paragraph_fn fn)
{
	bool first = true;

	while (*text) {
		const char *stop = strstr(text, "\n\n");
		size_t len = stop ? (size_t)(stop - text) : strlen(text);
		bool verbatim = *text == ' ' || *text == '\t';

		while (len && text[len - 1] == '\n')
			len--;
		if (len)
			fn(out, text, len, verbatim, first);
		first = false;
		text = stop ? stop + strspn(stop, "\n") : text + strlen(text);
	}
}

/* "LEFT\tright\n" lines; 'left' and 'right' are borrowed slices of the text. */
typedef void (*row_fn)(FILE *out, const char *left, size_t left_len, const char *right,
		       size_t right_len, size_t column);

static size_t left_width(const char *rows)
{
	size_t widest = 0;

	while (*rows) {
		size_t line = strcspn(rows, "\n"), left = strcspn(rows, "\t\n");
		if (left > widest)
			widest = left;
		rows += line + (rows[line] == '\n');
	}
	return widest;
}

static void each_row(FILE *out, const char *rows, row_fn fn)
{
	size_t column = INDENT + left_width(rows) + 2;

	while (*rows) {
		size_t line = strcspn(rows, "\n"), left = strcspn(rows, "\t\n");
		size_t right = left < line ? left + 1 : line;
		if (line)
			fn(out, rows, left, rows + right, line - right, column);
		rows += line + (rows[line] == '\n');
	}
}

/* The choices, unless the help sentence already says each of them. */
static void add_choices(struct str *text, const struct opt *opt)
{
	const char *const *choice = opt->choices;

	while (choice && *choice && strstr(str_text(text), *choice))
		choice++;
	if (!choice || !*choice)
		return;
	str_add(text, ":");
	for (choice = opt->choices; *choice; choice++) {
		const char *joint = choice[1] ? "," : " or";
		str_addf(text, "%s %s", choice == opt->choices ? "" : joint, *choice);
	}
}

static char *help_sentence(const struct opt *opt)
{
	struct str text = STR_INIT;

	str_add(&text, opt->help ? opt->help : "");
	if (opt->kind == OPT_CHOICE)
		add_choices(&text, opt);
	if (opt->kind == OPT_LIST)
		str_add(&text, " (may be given many times)");
	return str_take(&text);
}

/* ---- --help -------------------------------------------------------------------------------- */

static char *help_left(const struct opt *opt)
{
	struct str left = STR_INIT;

	if (opt->letter)
		str_addf(&left, "-%c, ", opt->letter);
	else
		str_add(&left, "    ");
	str_addf(&left, "--%s", opt->name);
	if (opt->kind != OPT_FLAG)
		str_addf(&left, " %s", opt->arg ? opt->arg : "VALUE");
	return str_take(&left);
}

static void help_option(FILE *out, const struct opt *opt, size_t column)
{
	MEM_AUTO char *left = help_left(opt);
	MEM_AUTO char *sentence = help_sentence(opt);
	size_t at = INDENT + strlen(left);

	fprintf(out, "%*s%s", INDENT, "", left);
	if (at + 2 > column) {
		fputc('\n', out);
		at = 0;
	}
	fill_text(out, sentence, at, column);
}

static void help_options(FILE *out, const struct opt *opts)
{
	size_t column = 0;

	for (const struct opt *opt = opts; opt && opt->name; opt++) {
		MEM_AUTO char *left = help_left(opt);
		size_t want = INDENT + strlen(left) + 2;
		if (want > column && want <= HELP_COLUMN_MAX)
			column = want;
	}
	if (column < 16)
		column = 16;
	fputs("\nOptions:\n", out);
	for (const struct opt *opt = opts; opt && opt->name; opt++)
		help_option(out, opt, column);
	help_option(out, &help_row, column);
}

static void help_paragraph(FILE *out, const char *text, size_t len, bool verbatim, bool first)
{
	(void)first;
	fputc('\n', out);
	if (verbatim)
		fprintf(out, "%.*s\n", (int)len, text);
	else
		fill(out, text, len, 0, 0);
}

static void help_row_text(FILE *out, const char *left, size_t left_len, const char *right,
			  size_t right_len, size_t column)
{
	size_t at = INDENT + left_len;

	/* Beside its command when all explanations have room there, else below it. */
	fprintf(out, "%*s%.*s", INDENT, "", (int)left_len, left);
	if (column > COLUMNS / 2 && right_len) {
		fputc('\n', out);
		at = 0;
		column = 3 * INDENT;
	}
	fill(out, right, right_len, at, right_len ? column : at);
}

/* Full name of the command: "oomlab run", or "oomhog" for a program without subcommands. */
static void print_name(FILE *out, const char *prog, const struct opt_cmd *cmd)
{
	bool named = cmd->name && *cmd->name;

	fprintf(out, "%s%s%s", prog, named ? " " : "", named ? cmd->name : "");
}

static bool has_options(const struct opt_cmd *cmd)
{
	return cmd->opts && cmd->opts->name;
}

void opt_help(FILE *out, const char *prog, const struct opt_cmd *cmd)
{
	bool args = cmd->args && *cmd->args;

	fputs("usage: ", out);
	print_name(out, prog, cmd);
	fprintf(out, "%s%s%s\n", has_options(cmd) ? " [options]" : "", args ? " " : "",
		args ? cmd->args : "");
	if (cmd->summary && *cmd->summary) {
		fputc('\n', out);
		fill_text(out, cmd->summary, 0, 0);
	}
	if (cmd->description)
		each_paragraph(out, cmd->description, help_paragraph);
	help_options(out, cmd->opts);
	if (cmd->examples) {
		fputs("\nExamples:\n", out);
		each_row(out, cmd->examples, help_row_text);
	}
	if (cmd->exit_status) {
		fputs("\nExit status:\n", out);
		each_row(out, cmd->exit_status, help_row_text);
	}
}

/* ---- the manual page ----------------------------------------------------------------------- */

/* Whether a sentence ends before text[i], a blank: mdoc wants the next on its own line. */
static bool sentence_ends(const char *text, size_t i, size_t len)
{
	return i > 1 && i + 1 < len && text[i] == ' ' && text[i - 1] == '.' && text[i - 2] != '.' &&
	       !islower((unsigned char)text[i + 1]);
}

/* Text for roff: no line may start with a control character, a backslash is text, and a dash
 * that begins a word is a minus sign (so that options can be copied from the page). */
static void roff(FILE *out, const char *text, size_t len, bool fill_lines)
{
	char before = '\n';

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool word = strchr("\n -'", before) != NULL;

		if (fill_lines && sentence_ends(text, i, len))
			c = '\n';
		if (before == '\n' && (c == '.' || c == '\''))
			fputs("\\&", out);
		if (c == '\\')
			fputs("\\e", out);
		else if (c == '-' && word)
			fputs("\\-", out);
		else
			fputc(c, out);
		before = c;
	}
}

/* One macro argument: quoted, and never taken for a macro or for punctuation. */
static void roff_arg(FILE *out, const char *text, size_t len)
{
	fputs(" \"\\&", out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			fputs("\\(dq", out);
		else
			roff(out, text + i, 1, false);
	}
	fputc('"', out);
}

static void man_paragraph(FILE *out, const char *text, size_t len, bool verbatim, bool first)
{
	if (verbatim)
		fputs(".Bd -literal\n", out);
	else if (!first)
		fputs(".Pp\n", out);
	roff(out, text, len, !verbatim);
	fputs(verbatim ? "\n.Ed\n" : "\n", out);
}

static void man_row(FILE *out, const char *left, size_t left_len, const char *right,
		    size_t right_len, size_t column)
{
	(void)column;
	fputs(".It Li", out);
	roff_arg(out, left, left_len);
	fputc('\n', out);
	roff(out, right, right_len, true);
	fputs(right_len ? ".\n" : "\n", out);
}

void opt_man_rows(FILE *out, const char *rows)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
	each_row(out, rows, man_row);
	fputs(".El\n", out);
}

static void man_rows(FILE *out, const char *title, const char *rows)
{
	if (!rows)
		return;
	fprintf(out, ".Pp\n%s:\n", title);
	opt_man_rows(out, rows);
}

static void man_option(FILE *out, const struct opt *opt)
{
	MEM_AUTO char *sentence = help_sentence(opt);

	fputs(".It", out);
	if (opt->letter)
		fprintf(out, " Fl %c ,", opt->letter);
	fprintf(out, " Fl \\-%s", opt->name);
	if (opt->kind != OPT_FLAG) {
		const char *arg = opt->arg ? opt->arg : "VALUE";
		fputs(" Ar", out);
		roff_arg(out, arg, strlen(arg));
	}
	fputc('\n', out);
	roff(out, sentence, strlen(sentence), true);
	fputs(".\n", out);
}

void opt_man_options(FILE *out, const struct opt *opts)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (const struct opt *opt = opts; opt && opt->name; opt++)
		man_option(out, opt);
	fputs(".El\n", out);
}

void opt_man(FILE *out, const char *prog, const struct opt_cmd *cmd)
{
	bool named = cmd->name && *cmd->name, args = cmd->args && *cmd->args;

	if (named)
		fprintf(out, ".Ss %s\n", cmd->name);
	fputs(".Bd -ragged\n.Li", out);
	fprintf(out, " \"%s%s%s\"", prog, named ? " " : "", named ? cmd->name : "");
	fputs(has_options(cmd) ? "\n.Op Ar options\n" : "\n", out);
	if (args) {
		fputs(".No", out);
		roff_arg(out, cmd->args, strlen(cmd->args));
	}
	fputs(args ? "\n.Ed\n.Pp\n" : ".Ed\n.Pp\n", out);
	if (cmd->summary && *cmd->summary) {
		roff(out, cmd->summary, strlen(cmd->summary), true);
		fputs(cmd->description ? ".\n.Pp\n" : ".\n", out);
	}
	if (cmd->description)
		each_paragraph(out, cmd->description, man_paragraph);
	fputs(".Bl -tag -width Ds\n", out);
	for (const struct opt *opt = cmd->opts; opt && opt->name; opt++)
		man_option(out, opt);
	man_option(out, &help_row);
	fputs(".El\n", out);
	man_rows(out, "Examples", cmd->examples);
	man_rows(out, "Exit status", cmd->exit_status);
}
