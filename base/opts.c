/*
 * The parser half of opts.h: command lines and single values into a values struct. Never prints;
 * the pages made from the same tables are in opts_page.c and opts_bash.c.
 */
#include "base/opts.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

enum { NAMES_MAX = 160 };

typedef int (*value_fn)(const struct opt *opt, const char *text, void *value, struct err *err);

static int set_flag(const struct opt *opt, const char *text, void *value, struct err *err)
{
	int word;
	int r = parse_bool(text, &word, err);

	(void)opt;
	if (r >= 0)
		*(bool *)value = word != 0;
	return r;
}

static int set_text(const struct opt *opt, const char *text, void *value, struct err *err)
{
	(void)opt;
	(void)err;
	*(const char **)value = text;
	return 0;
}

static int set_u64(const struct opt *opt, const char *text, void *value, struct err *err)
{
	(void)opt;
	return parse_u64(text, UINT64_MAX, value, err);
}

static int set_i64(const struct opt *opt, const char *text, void *value, struct err *err)
{
	(void)opt;
	return parse_i64(text, INT64_MIN, INT64_MAX, value, err);
}

static int set_size(const struct opt *opt, const char *text, void *value, struct err *err)
{
	(void)opt;
	return parse_size(text, value, err);
}

static int set_duration(const struct opt *opt, const char *text, void *value, struct err *err)
{
	(void)opt;
	return parse_duration(text, value, err);
}

static int set_choice(const struct opt *opt, const char *text, void *value, struct err *err)
{
	STR_AUTO all = STR_INIT;

	for (int i = 0; opt->choices[i]; i++) {
		if (str_eq(opt->choices[i], text)) {
			*(int *)value = i;
			return 0;
		}
		str_addf(&all, "%s%s", i ? ", " : "", opt->choices[i]);
	}
	const char *near = str_nearest(text, opt->choices);
	if (near)
		return err_set(err, EINVAL, "'%s' is none of %s; did you mean '%s'?", text,
			       str_text(&all), near);
	return err_set(err, EINVAL, "'%s' is none of %s", text, str_text(&all));
}

static int set_list(const struct opt *opt, const char *text, void *value, struct err *err)
{
	struct opt_list *list = value;

	(void)opt;
	if (list->n >= OPT_LIST_MAX)
		return err_set(err, E2BIG, "'%s' is one too many, at most %d can be given", text,
			       OPT_LIST_MAX);
	list->text[list->n++] = text;
	return 0;
}

static const value_fn value_fns[] = {
	[OPT_FLAG] = set_flag,	   [OPT_TEXT] = set_text, [OPT_U64] = set_u64,
	[OPT_I64] = set_i64,	   [OPT_SIZE] = set_size, [OPT_DURATION] = set_duration,
	[OPT_CHOICE] = set_choice, [OPT_LIST] = set_list,
};

static int set_value(const struct opt *opt, const char *text, void *values, struct err *err)
{
	return value_fns[opt->kind](opt, text, (char *)values + opt->offset, err);
}

static const struct opt *find_name(const struct opt *opts, const char *name, size_t len)
{
	for (; opts && opts->name; opts++)
		if (strlen(opts->name) == len && memcmp(opts->name, name, len) == 0)
			return opts;
	return NULL;
}

static const struct opt *find_letter(const struct opt *opts, char letter)
{
	for (; opts && opts->name; opts++)
		if (opts->letter && opts->letter == letter)
			return opts;
	return NULL;
}

/* By edit distance, else one that holds the whole word ("--disposable" for a longer name). */
static const char *nearest_name(const struct opt *opts, const char *name)
{
	const char *names[NAMES_MAX + 2] = {0}, *holder = NULL;
	size_t n = 0;

	for (; opts && opts->name && n < NAMES_MAX; opts++) {
		names[n++] = opts->name;
		if (!holder && strlen(name) > 2 && strstr(opts->name, name))
			holder = opts->name;
	}
	names[n] = "help";
	const char *near = str_nearest(name, names);
	return near ? near : holder;
}

int opt_set(const struct opt *opts, const char *name, const char *text, void *values,
	    struct err *err)
{
	const struct opt *opt = find_name(opts, name, strlen(name));

	if (opt) {
		int r = set_value(opt, text, values, err);
		return r < 0 ? err_wrap(err, "option '%s'", name) : 0;
	}
	const char *near = nearest_name(opts, name);
	if (near && !str_eq(near, "help"))
		return err_set(err, ENOENT, "unknown option '%s', did you mean '%s'?", name, near);
	return err_set(err, ENOENT, "unknown option '%s'", name);
}

/* ---- command lines ------------------------------------------------------------------------- */

struct line {
	const struct opt_cmd *cmd;
	int argc;
	char **argv;
	int at; /* the word being read */
	void *values;
};

/* The word after the current one becomes the option's argument. */
static int take_argument(struct line *line, const struct opt *opt, const char **ret,
			 struct err *err)
{
	if (line->at + 1 >= line->argc)
		return err_set(err, EINVAL, "expected an argument %s, got nothing",
			       opt->arg ? opt->arg : "VALUE");
	*ret = line->argv[++line->at];
	return 0;
}

static const struct opt_bound *find_bound(const struct opt_bound *bounds, const struct opt *opt)
{
	for (; bounds && bounds->name; bounds++)
		if (str_eq(bounds->name, opt->name))
			return bounds;
	return NULL;
}

/* A value beyond its bounds is answered with these, and so is what is no number at all where
 * numbers have no unit; of a unit the parser knows more. */
static int take_value(const struct line *line, const struct opt *opt, const char *text,
		      struct err *err)
{
	const struct opt_bound *bound = find_bound(line->cmd->bounds, opt);
	int r = set_value(opt, text, line->values, err);

	if (!bound || (r < 0 && r != -ERANGE && opt->kind != OPT_U64))
		return r;
	const void *at = (const char *)line->values + opt->offset;
	uint64_t value = r < 0 ? 0 : *(const uint64_t *)at;
	if (r >= 0 && value >= bound->least && value <= bound->most)
		return r;
	return err_set(err, EINVAL, "expected %s, got '%s'", bound->expected, text);
}

/* Wraps as "option '--name'" and makes every failure -EINVAL, which is what callers test. */
static int bad_option(struct err *err, const char *dashes, const char *name, size_t len)
{
	err_wrap(err, "option '%s%.*s'", dashes, (int)len, name);
	err->code = EINVAL;
	return -EINVAL;
}

static int unknown_long(const struct line *line, const char *name, size_t len, struct err *err)
{
	char word[64];

	if (len >= sizeof(word))
		return err_set(err, EINVAL, "unknown option '--%.60s...'", name);
	memcpy(word, name, len);
	word[len] = '\0';
	const char *near = nearest_name(line->cmd->opts, word);
	if (near)
		return err_set(err, EINVAL, "unknown option '--%s', did you mean '--%s'?", word,
			       near);
	return err_set(err, EINVAL, "unknown option '--%s', see --help", word);
}

static int parse_negated(struct line *line, const char *name, size_t len, struct err *err)
{
	const struct opt *opt = NULL;

	if (len > 3 && str_starts(name, "no-"))
		opt = find_name(line->cmd->opts, name + 3, len - 3);
	if (!opt)
		return unknown_long(line, name, len, err);
	if (opt->kind != OPT_FLAG)
		return err_set(err, EINVAL,
			       "unknown option '--%.*s': '--%s' is no switch, it takes %s",
			       (int)len, name, opt->name, opt->arg ? opt->arg : "an argument");
	if (name[len] == '=') {
		err_set(err, EINVAL, "expected no argument, got '%s'", name + len + 1);
		return bad_option(err, "--", name, len);
	}
	*(bool *)((char *)line->values + opt->offset) = false;
	return 0;
}

static int parse_long(struct line *line, const char *name, struct err *err)
{
	size_t len = strcspn(name, "=");
	const struct opt *opt = find_name(line->cmd->opts, name, len);
	const char *text = name[len] ? name + len + 1 : NULL;
	int r = 0;

	if (!opt && len == 4 && str_eq(name, "help"))
		return OPT_HELP;
	if (!opt)
		return parse_negated(line, name, len, err);
	if (!text && opt->kind == OPT_FLAG)
		text = "yes";
	if (!text)
		r = take_argument(line, opt, &text, err);
	if (r >= 0)
		r = take_value(line, opt, text, err);
	return r < 0 ? bad_option(err, "--", name, len) : 0;
}

/* "-abc": flags until one that takes an argument, which is the rest of the word or the next. */
static int parse_letters(struct line *line, const char *letters, struct err *err)
{
	for (; *letters; letters++) {
		const struct opt *opt = find_letter(line->cmd->opts, *letters);
		const char *text = "yes";
		int r = 0;

		if (!opt && *letters == 'h')
			return OPT_HELP;
		if (!opt)
			return err_set(err, EINVAL, "unknown option '-%c', see --help", *letters);
		bool last = opt->kind != OPT_FLAG;
		if (last && letters[1])
			text = letters + 1;
		else if (last)
			r = take_argument(line, opt, &text, err);
		if (r >= 0)
			r = take_value(line, opt, text, err);
		if (r < 0)
			return bad_option(err, "-", letters, 1);
		if (last)
			break;
	}
	return 0;
}

static int check_count(const struct opt_cmd *cmd, size_t n, char **argv, struct err *err)
{
	if (n <= cmd->max_args)
		return (int)n;
	const char *extra = argv[cmd->max_args + 1];
	if (cmd->max_args == 0)
		return err_set(err, EINVAL, "unexpected argument '%s', expected options alone",
			       extra);
	return err_set(err, EINVAL, "unexpected argument '%s', expected at most %zu", extra,
		       cmd->max_args);
}

int opt_parse(const struct opt_cmd *cmd, int argc, char **argv, void *values, struct err *err)
{
	struct line line = {cmd, argc, argv, 1, values};
	bool options = true;
	int n = 0, r = 0;

	for (; line.at < argc && r >= 0; line.at++) {
		char *word = argv[line.at];
		if (!options || word[0] != '-' || !word[1]) {
			argv[++n] = word;
			options = options && !cmd->raw_args;
		} else if (str_eq(word, "--")) {
			options = false;
		} else if (word[1] == '-') {
			r = parse_long(&line, word + 2, err);
		} else {
			r = parse_letters(&line, word + 1, err);
		}
	}
	return r < 0 ? r : check_count(cmd, (size_t)n, argv, err);
}
