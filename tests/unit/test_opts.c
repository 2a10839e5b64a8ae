/*
 * base/opts: command lines of every form, what each mistake is answered with, and that help, man
 * page and completion tell of every row of the table.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/opts.h"
#include "base/str.h"

Suite *opts_suite(void);

struct values {
	bool dry_run, verbose;
	const char *filter;
	uint64_t repeat, size, timeout;
	int64_t adj;
	int format;
	struct opt_list params;
};

static const char *const formats[] = {"text", "tap", "junit", "json", NULL};

#define VALUE(member) .offset = offsetof(struct values, member)

static const struct opt opts[] = {
	{.name = "dry-run",
	 .letter = 'd',
	 .kind = OPT_FLAG,
	 VALUE(dry_run),
	 .help = "touch nothing"},
	{.name = "verbose", .letter = 'v', .kind = OPT_FLAG, VALUE(verbose), .help = "say more"},
	{.name = "filter", .kind = OPT_TEXT, VALUE(filter), .arg = "TAG", .help = "only these"},
	{.name = "repeat",
	 .letter = 'n',
	 .kind = OPT_U64,
	 VALUE(repeat),
	 .arg = "N",
	 .help = "run each scenario N times and print how often each verdict came, with its "
		 "interval (default 1)"},
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 VALUE(size),
	 .arg = "SIZE",
	 .help = "size"},
	{.name = "timeout", .kind = OPT_DURATION, VALUE(timeout), .arg = "TIME", .help = "time"},
	{.name = "adj", .kind = OPT_I64, VALUE(adj), .arg = "ADJ", .help = "score"},
	{.name = "format",
	 .letter = 'f',
	 .kind = OPT_CHOICE,
	 VALUE(format),
	 .arg = "FORMAT",
	 .help = "form of the report",
	 .choices = formats},
	{.name = "param",
	 .letter = 'p',
	 .kind = OPT_LIST,
	 VALUE(params),
	 .arg = "NAME=VALUE",
	 .help = "override",
	 .complete = "file"},
	{.name = "this-machine-is-disposable",
	 .kind = OPT_FLAG,
	 VALUE(verbose),
	 .help = "allow what could take it down"},
	OPT_END,
};

static const struct opt_cmd run_cmd = {
	.name = "run",
	.args = "[FILE|DIR|NAME...]",
	.summary = "run scenarios",
	.description = "Runs them one after the other, in the order of their names, and prints a "
		       "verdict for each of them as soon as it is known.\n\n"
		       "  an example   as it stands\n\n"
		       ".a line that roff could take for a request",
	.examples = "oomlab run\tall\noomlab run -n5 limits\ta suite, five times\n",
	.exit_status = "0\tall passed\n1\tone failed\n",
	.opts = opts,
	.max_args = 3,
};

enum { WORDS_MAX = 16 };

/* A command line, cut at blanks; argv[0] is the command's name. */
struct line {
	char text[256];
	char *argv[WORDS_MAX];
	int argc;
};

static struct line line_of(const char *text)
{
	struct line line = {.argc = 0};

	snprintf(line.text, sizeof(line.text), "run %s", text);
	return line;
}

static int parse(struct line *line, const struct opt_cmd *cmd, struct values *values,
		 struct err *err)
{
	for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " "))
		line->argv[line->argc++] = word;
	return opt_parse(cmd, line->argc, line->argv, values, err);
}

START_TEST(every_kind_is_read)
{
	struct line line = line_of("-d --filter swap --repeat 5 --size=1.5G --timeout 2s "
				   "--adj -500 --format=json -pa=1 -p b=2");
	struct values v = {.format = -1};
	struct err err = ERR_INIT;

	ck_assert_msg(parse(&line, &run_cmd, &v, &err) == 0, "%s", err.text);
	ck_assert(v.dry_run && !v.verbose);
	ck_assert_str_eq(v.filter, "swap");
	ck_assert_uint_eq(v.repeat, 5);
	ck_assert_uint_eq(v.size, 3ULL << 29);
	ck_assert_uint_eq(v.timeout, 2000000000);
	ck_assert_int_eq(v.adj, -500);
	ck_assert_int_eq(v.format, 3);
	ck_assert_uint_eq(v.params.n, 2);
	ck_assert_str_eq(v.params.text[0], "a=1");
	ck_assert_str_eq(v.params.text[1], "b=2");
}
END_TEST

START_TEST(letters_combine)
{
	struct line line = line_of("-dvn7 x -vdn 8");
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_msg(parse(&line, &run_cmd, &v, &err) == 1, "%s", err.text);
	ck_assert(v.dry_run && v.verbose);
	ck_assert_uint_eq(v.repeat, 8);
}
END_TEST

START_TEST(flags_are_negated)
{
	struct line line = line_of("--no-dry-run --verbose=no");
	struct values v = {.dry_run = true, .verbose = true};
	struct err err = ERR_INIT;

	ck_assert_msg(parse(&line, &run_cmd, &v, &err) == 0, "%s", err.text);
	ck_assert(!v.dry_run && !v.verbose);
}
END_TEST

START_TEST(positionals_move_to_the_front)
{
	struct line line = line_of("a -d b --repeat 2 -- -c");
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_msg(parse(&line, &run_cmd, &v, &err) == 3, "%s", err.text);
	ck_assert_str_eq(line.argv[1], "a");
	ck_assert_str_eq(line.argv[2], "b");
	ck_assert_str_eq(line.argv[3], "-c");
	ck_assert_uint_eq(v.repeat, 2);
}
END_TEST

START_TEST(dash_alone_is_positional)
{
	struct line line = line_of("-");
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(parse(&line, &run_cmd, &v, &err), 1);
	ck_assert_str_eq(line.argv[1], "-");
}
END_TEST

START_TEST(raw_arguments_are_left_alone)
{
	struct opt_cmd raw = run_cmd;
	struct line line = line_of("-d blocks --size 5 -- -d --help");
	struct values v = {0};
	struct err err = ERR_INIT;

	raw.raw_args = true;
	raw.max_args = SIZE_MAX;
	ck_assert_int_eq(parse(&line, &raw, &v, &err), 6);
	ck_assert_str_eq(line.argv[1], "blocks");
	ck_assert_str_eq(line.argv[4], "--");
	ck_assert_str_eq(line.argv[6], "--help");
	ck_assert_uint_eq(v.size, 0);
}
END_TEST

static const char *const asks_help[] = {"--help", "-h", "-dh", "a --help --nonsense"};

START_TEST(help_is_asked_for)
{
	struct line line = line_of(asks_help[_i]);
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(parse(&line, &run_cmd, &v, &err), OPT_HELP);
}
END_TEST

static const struct {
	const char *line;
	const char *message;
} mistakes[] = {
	{"--formt x", "unknown option '--formt', did you mean '--format'?"},
	{"--reapet=3", "unknown option '--reapet', did you mean '--repeat'?"},
	{"--hlep", "unknown option '--hlep', did you mean '--help'?"},
	{"--disposable",
	 "unknown option '--disposable', did you mean '--this-machine-is-disposable'?"},
	{"--nonsense", "unknown option '--nonsense', see --help"},
	{"-z", "unknown option '-z', see --help"},
	{"-dz", "unknown option '-z', see --help"},
	{"--no-repeat", "unknown option '--no-repeat': '--repeat' is no switch, it takes N"},
	{"--no-dry-run=1", "option '--no-dry-run': expected no argument, got '1'"},
	{"--dry-run=maybe", "option '--dry-run': 'maybe' is neither yes nor no"},
	{"--repeat", "option '--repeat': expected an argument N, got nothing"},
	{"-n", "option '-n': expected an argument N, got nothing"},
	{"--repeat=", "option '--repeat': '' is not a whole number"},
	{"--repeat 12x", "option '--repeat': '12x' is not a whole number"},
	{"-n-1", "option '-n': '-1' is not a whole number"},
	{"--size 80MB?",
	 "option '--size': '80MB?' is not a size, expected a number and a unit such as 80M, 1.5G "
	 "or 4096"},
	{"--timeout 5", "option '--timeout': '5' is not a duration, expected a number and a unit "
			"such as 100ms, 2s or 5m"},
	{"--format tapp",
	 "option '--format': 'tapp' is none of text, tap, junit, json; did you mean 'tap'?"},
	{"--format=yaml123", "option '--format': 'yaml123' is none of text, tap, junit, json"},
	{"a b c d", "unexpected argument 'd', expected at most 3"},
};

START_TEST(mistake_is_answered)
{
	struct line line = line_of(mistakes[_i].line);
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(parse(&line, &run_cmd, &v, &err), -EINVAL);
	ck_assert_str_eq(err.text, mistakes[_i].message);
	ck_assert_int_eq(err.code, EINVAL);
}
END_TEST

START_TEST(command_without_arguments_says_so)
{
	struct opt_cmd bare = {.name = "list"};
	struct line line = line_of("x");
	struct err err = ERR_INIT;

	ck_assert_int_eq(parse(&line, &bare, NULL, &err), -EINVAL);
	ck_assert_str_eq(err.text, "unexpected argument 'x', expected options alone");
}
END_TEST

static const struct opt_bound bounds[] = {
	{"repeat", 1, 1000, "1 to 1000"},
	{"timeout", 1000000, 2000000000, "1ms to 2s"},
	{"size", 4096, UINT64_MAX, "4K or more"},
	{NULL, 0, 0, NULL},
};

static const struct {
	const char *line, *answer; /* NULL: it is taken */
} bounded[] = {
	{"--repeat 1 --timeout 1ms --size max", NULL},
	{"--repeat=1000 --timeout 2s -s4K", NULL},
	{"--repeat 0", "option '--repeat': expected 1 to 1000, got '0'"},
	{"-n 1001", "option '-n': expected 1 to 1000, got '1001'"},
	{"-n-1", "option '-n': expected 1 to 1000, got '-1'"},
	{"--repeat 1e3", "option '--repeat': expected 1 to 1000, got '1e3'"},
	{"--timeout 0", "option '--timeout': expected 1ms to 2s, got '0'"},
	{"--timeout 9999999999h", "option '--timeout': expected 1ms to 2s, got '9999999999h'"},
	{"--timeout 2K", "option '--timeout': '2K' is not a duration, expected a number and a unit "
			 "such as 100ms, 2s or 5m"},
	{"--size 4095", "option '--size': expected 4K or more, got '4095'"},
};

START_TEST(value_is_held_against_its_bound)
{
	struct line line = line_of(bounded[_i].line);
	struct opt_cmd cmd = run_cmd;
	struct values v = {0}; /* a default outside of the bounds stays */
	struct err err = ERR_INIT;

	cmd.bounds = bounds;
	int r = parse(&line, &cmd, &v, &err);
	ck_assert_int_eq(r, bounded[_i].answer ? -EINVAL : 0);
	ck_assert_str_eq(err.text, bounded[_i].answer ? bounded[_i].answer : "");
}
END_TEST

START_TEST(list_has_an_end)
{
	struct values v = {.params.n = OPT_LIST_MAX};
	struct err err = ERR_INIT;

	ck_assert_int_lt(opt_set(opts, "param", "x=1", &v, &err), 0);
	ck_assert_str_eq(err.text,
			 "option 'param': 'x=1' is one too many, at most 64 can be given");
	ck_assert_uint_eq(v.params.n, OPT_LIST_MAX);
}
END_TEST

START_TEST(set_by_name)
{
	struct values v = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(opt_set(opts, "size", "64M", &v, &err), 0);
	ck_assert_uint_eq(v.size, 64ULL << 20);
	ck_assert_int_eq(opt_set(opts, "verbose", "on", &v, &err), 0);
	ck_assert(v.verbose);
	ck_assert_int_eq(opt_set(opts, "size", "64Q", &v, &err), -EINVAL);
	ck_assert(str_starts(err.text, "option 'size': '64Q' is not a size"));
	ck_assert_int_eq(opt_set(opts, "sise", "64M", &v, &err), -ENOENT);
	ck_assert_str_eq(err.text, "unknown option 'sise', did you mean 'size'?");
	ck_assert_int_eq(opt_set(opts, "zzzzzz", "1", &v, &err), -ENOENT);
	ck_assert_str_eq(err.text, "unknown option 'zzzzzz'");
	ck_assert_int_eq(opt_set(NULL, "size", "1", &v, &err), -ENOENT);
}
END_TEST

typedef void (*page_fn)(FILE *out, const char *prog, const struct opt_cmd *cmd);

static char *page(page_fn print, const struct opt_cmd *cmd)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	print(out, "oomlab", cmd);
	fclose(out);
	return text;
}

static void completion_of_one(FILE *out, const char *prog, const struct opt_cmd *cmd)
{
	opt_completion(out, prog, &cmd, 1);
}

static const page_fn pages[] = {opt_help, opt_man, completion_of_one};

START_TEST(every_option_is_on_every_page)
{
	MEM_AUTO char *text = page(pages[_i], &run_cmd);

	for (const struct opt *opt = opts; opt->name; opt++)
		ck_assert_msg(strstr(text, opt->name), "'%s' is missing in:\n%s", opt->name, text);
}
END_TEST

START_TEST(help_fits_80_columns)
{
	MEM_AUTO char *text = page(opt_help, &run_cmd);

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80, "%zu columns: %s", strlen(line), line);
}
END_TEST

START_TEST(help_is_as_it_should_be)
{
	static const char expected[] =
		"usage: oomlab list [options] [NAME]\n"
		"\n"
		"list scenarios\n"
		"\n"
		"Options:\n"
		"  -f, --format FORMAT  form of the report: text, tap, junit or json\n"
		"      --this-machine-is-disposable\n"
		"                       allow what could take it down\n"
		"  -h, --help           show this help\n"
		"\n"
		"Examples:\n"
		"  oomlab list  all\n";
	const struct opt two[] = {opts[7], opts[9], OPT_END};
	const struct opt_cmd list = {.name = "list",
				     .args = "[NAME]",
				     .summary = "list scenarios",
				     .examples = "oomlab list\tall\n",
				     .opts = two};
	MEM_AUTO char *text = page(opt_help, &list);

	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(program_without_subcommands_has_no_second_name)
{
	const struct opt_cmd bare = {.name = "", .args = "FILE"};
	MEM_AUTO char *text = page(opt_help, &bare);

	ck_assert(str_starts(text, "usage: oomlab FILE\n"));
}
END_TEST

START_TEST(man_text_is_no_request)
{
	MEM_AUTO char *text = page(opt_man, &run_cmd);

	ck_assert_ptr_nonnull(strstr(text, "\n\\&.a line that roff"));
	ck_assert_ptr_nonnull(strstr(text, ".It Fl d , Fl \\-dry-run\n"));
	ck_assert_ptr_nonnull(strstr(text, ".It Fl p , Fl \\-param Ar \"\\&NAME=VALUE\"\n"));
}
END_TEST

START_TEST(completion_offers_choices_and_files)
{
	MEM_AUTO char *text = page(completion_of_one, &run_cmd);

	ck_assert_ptr_nonnull(strstr(text, "run,--format | run,-f)\n\t\t_oomlab_words "
					   "'text tap junit json'\n"));
	ck_assert_ptr_nonnull(strstr(text, "run,--param | run,-p)\n\t\t_oomlab_files -f\n"));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static TCase *parsing(void)
{
	TCase *tcase = tcase_create("parsing");

	tcase_add_test(tcase, every_kind_is_read);
	tcase_add_test(tcase, letters_combine);
	tcase_add_test(tcase, flags_are_negated);
	tcase_add_test(tcase, positionals_move_to_the_front);
	tcase_add_test(tcase, dash_alone_is_positional);
	tcase_add_test(tcase, raw_arguments_are_left_alone);
	tcase_add_loop_test(tcase, help_is_asked_for, 0, COUNT(asks_help));
	tcase_add_loop_test(tcase, mistake_is_answered, 0, COUNT(mistakes));
	tcase_add_test(tcase, command_without_arguments_says_so);
	tcase_add_loop_test(tcase, value_is_held_against_its_bound, 0, COUNT(bounded));
	tcase_add_test(tcase, list_has_an_end);
	tcase_add_test(tcase, set_by_name);
	return tcase;
}

Suite *opts_suite(void)
{
	Suite *suite = suite_create("opts");
	TCase *tcase = tcase_create("pages");

	tcase_add_loop_test(tcase, every_option_is_on_every_page, 0, COUNT(pages));
	tcase_add_test(tcase, help_fits_80_columns);
	tcase_add_test(tcase, help_is_as_it_should_be);
	tcase_add_test(tcase, program_without_subcommands_has_no_second_name);
	tcase_add_test(tcase, man_text_is_no_request);
	tcase_add_test(tcase, completion_offers_choices_and_files);
	suite_add_tcase(suite, parsing());
	suite_add_tcase(suite, tcase);
	return suite;
}
