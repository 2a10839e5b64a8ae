/*
 * oomlab size: the memory limit that a command needs. Only glue: the options, what holds for the
 * host, and where the result goes; everything else is harness/size's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/terminal.h"
#include "harness/exec/host.h"
#include "harness/size/measure.h"
#include "harness/size/tell.h"

enum { EXIT_INTERRUPTED = 130, SAMPLES_MAX = 10000, CHARGE_BATCH_PAGES = 64, TAIL_LINES = 5 };
/* Of what is available, the most that is risked: the rest is for everybody else. */
enum { RISK_PERCENT = 90 };

struct size_values {
	int method, colour;
	uint64_t step, from, max, timeout_ns, for_ns, samples, slow, status;
	const char *quantile, *stdin_path, *check, *parent;
	struct opt_list outputs, cold;
	bool swap, json, quiet;
};

static const char *const methods[] = {"auto", "ratchet", "bisect", NULL};

#define AT(field) offsetof(struct size_values, field)

static const struct opt options[] = {
	{"method", 'm', OPT_CHOICE, AT(method), "METHOD",
	 "how the limit is found: auto (default), ratchet (one run that is held at each step), or "
	 "bisect (one run a limit)",
	 methods, NULL},
	{"samples", 'n', OPT_U64, AT(samples), "N",
	 "runs of the ratchet, for a need that differs from run to run (default 1)", NULL, NULL},
	{"quantile", '\0', OPT_TEXT, AT(quantile), "Q",
	 "the share of runs that shall need no more, from the samples (default 0.9)", NULL, NULL},
	{"step", '\0', OPT_SIZE, AT(step), "SIZE", "resolution (default 1M; at least 256K)", NULL,
	 NULL},
	{"from", '\0', OPT_SIZE, AT(from), "SIZE",
	 "where the ratchet starts (default: from what the first run had)", NULL, NULL},
	{"max", '\0', OPT_SIZE, AT(max), "SIZE",
	 "never let it have more (default: 90 % of the memory that is available)", NULL, NULL},
	{"slow", '\0', OPT_U64, AT(slow), "PERCENT",
	 "also find the limit at which it is at most so much slower (default 10; 0: do not)", NULL,
	 NULL},
	{"timeout", 't', OPT_DURATION, AT(timeout_ns), "TIME",
	 "end a run after this long (default: the first never, others after 20 times its time)",
	 NULL, NULL},
	{"for", '\0', OPT_DURATION, AT(for_ns), "TIME",
	 "the command is a server: each run takes so long and it has to be alive at the end", NULL,
	 NULL},
	{"stdin", 'i', OPT_TEXT, AT(stdin_path), "FILE",
	 "what the command reads in each run (default: what oomlab reads when that is a file, else "
	 "nothing)",
	 NULL, "file"},
	{"output-file", 'o', OPT_LIST, AT(outputs), "FILE",
	 "a file that the command writes: compared between runs, as its output is", NULL, "file"},
	{"check", '\0', OPT_TEXT, AT(check), "COMMAND",
	 "a shell command that says after each run, by 0, whether the result is right", NULL, NULL},
	{"status", '\0', OPT_U64, AT(status), "N",
	 "the exit status with which the command ends well (default 0)", NULL, NULL},
	{"cold", '\0', OPT_LIST, AT(cold), "FILE",
	 "drop this input from the page cache before each run, so that it is charged to it", NULL,
	 "file"},
	{"swap", '\0', OPT_FLAG, AT(swap), NULL, "let it swap (default: it may not)", NULL, NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "print everything as one JSON object", NULL, NULL},
	{"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "no live line", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	{"cgroup-parent", '\0', OPT_TEXT, AT(parent), "GROUP",
	 "make all groups below this one instead of the first writable", NULL, "dir"},
	OPT_END,
};

static const struct size_values defaults = {
	.step = 1 << 20, .samples = 1, .slow = 10, .quantile = "0.9"};

/* ---- the command line ---------------------------------------------------------------------- */

static int parse_quantile(const char *text, double *ret, struct err *err)
{
	char *end;

	errno = 0;
	double q = strtod(text, &end);
	if (end == text || *end || errno || !(q > 0 && q < 1))
		return err_set(err, EINVAL,
			       "--quantile: expected a number between 0 and 1 such as 0.9, got "
			       "'%s'",
			       text);
	*ret = q;
	return 0;
}

static int check_values(const struct size_values *values, int argc, struct err *err)
{
	uint64_t finest = CHARGE_BATCH_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);

	if (argc == 0)
		return err_set(err, EINVAL, "expected a command, as in: oomlab size -- sort big");
	if (values->step < finest || values->step % (uint64_t)sysconf(_SC_PAGESIZE) ||
	    values->step > INT64_MAX)
		return err_set(err, EINVAL,
			       "--step: expected whole pages, at least %llu KiB: the kernel "
			       "charges in batches of %d pages",
			       (unsigned long long)finest / 1024, CHARGE_BATCH_PAGES);
	if (values->samples < 1 || values->samples > SAMPLES_MAX)
		return err_set(err, EINVAL, "--samples: expected 1 to %d", SAMPLES_MAX);
	if (values->slow > 10000)
		return err_set(err, EINVAL, "--slow: expected 0 to 10000 percent");
	if (values->status > 255)
		return err_set(err, EINVAL, "--status: expected 0 to 255");
	if (values->method == SIZE_BISECT && values->samples > 1)
		return err_set(err, EINVAL, "--samples are the ratchet's; bisection takes none");
	return 0;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As a shell finds it, once: what is run is the same in every run. */
static int find_program(const char *name, char **ret, struct err *err)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/')) {
		if (!is_program(name))
			return err_set(err, ENOENT, "'%s' is no program that can be executed",
				       name);
		*ret = mem_dup(name);
		return 0;
	}
	MEM_AUTO char *list = mem_dup(path ? path : "/usr/bin:/bin");
	char *rest = list, *dir;
	while ((dir = strsep(&rest, ":")) != NULL) {
		char *file = mem_printf("%s/%s", *dir ? dir : ".", name);
		if (is_program(file)) {
			*ret = file;
			return 0;
		}
		free(file);
	}
	return err_set(err, ENOENT, "there is no program '%s' in $PATH", name);
}

/* What oomlab itself reads can be given to every run when it is a file; a terminal or a pipe can be
 * read once. */
static const char *own_stdin(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? "/proc/self/fd/0" : NULL;
}

/* ---- the session --------------------------------------------------------------------------- */

struct session {
	struct cmd_ctx *ctx;
	struct size_values *values;
	struct cg_host *host;
	struct size_options options;
	struct size_report report;
	char *program;
	char thp[16];
	struct utsname kernel;
	bool live;
};

static void read_thp(char *buf, size_t size)
{
	char text[64];
	struct err err;
	int n = fd_read_text(-1, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text),
			     &err);
	const char *from = n > 0 ? strchr(text, '[') : NULL;

	snprintf(buf, size, "%.*s", from ? (int)strcspn(from + 1, "]") : 0, from ? from + 1 : "");
}

static void on_progress(void *data, const char *line)
{
	const struct session *session = data;

	fprintf(stderr, "\r\033[Krun %u: %s", session->report.runs + 1, line);
	(void)fflush(stderr);
}

static int prepare(struct session *session, int argc, char **argv, struct err *err)
{
	struct size_values *values = session->values;
	struct size_options *to = &session->options;

	if (check_values(values, argc, err) < 0 ||
	    parse_quantile(values->quantile, &to->quantile, err) < 0 ||
	    find_program(argv[0], &session->program, err) < 0)
		return -err->code;
	to->command = (struct size_command){.argv = argv,
					    .program = session->program,
					    .stdin_path = values->stdin_path ? values->stdin_path
									     : own_stdin(),
					    .outputs = values->outputs.text,
					    .n_outputs = values->outputs.n,
					    .cold = values->cold.text,
					    .n_cold = values->cold.n,
					    .check = values->check,
					    .for_ns = values->for_ns};
	if (values->stdin_path && access(values->stdin_path, R_OK) < 0)
		return err_errno(err, errno, "--stdin '%s'", values->stdin_path);
	for (size_t i = 0; i < values->cold.n; i++)
		if (access(values->cold.text[i], R_OK) < 0)
			return err_errno(err, errno, "--cold '%s'", values->cold.text[i]);
	to->method = (enum size_method)values->method;
	to->step_bytes = values->step;
	to->from_bytes = values->from;
	to->max_bytes = values->max;
	to->timeout_ns = values->timeout_ns;
	to->samples = values->samples;
	to->slow_percent = values->slow;
	to->expected_status = (int)values->status;
	to->swap = values->swap;
	session->live = !values->quiet && terminal_is(stderr);
	to->progress = session->live ? on_progress : NULL;
	to->data = session;
	return 0;
}

static int choose_ceiling(struct session *session, const struct size_lab *lab, struct err *err)
{
	struct size_options *to = &session->options;
	uint64_t available = lab->available_bytes / 100 * RISK_PERCENT;
	char size[PARSE_TEXT_MAX];

	if (to->max_bytes == 0)
		to->max_bytes = available;
	else if (to->max_bytes > available)
		return err_set(err, EINVAL, "--max: no more than %s of memory can be risked here",
			       format_size_short(available, size));
	to->max_bytes -= to->max_bytes % to->step_bytes;
	if (to->max_bytes < 2 * to->step_bytes)
		return err_set(err, EINVAL, "--max: expected at least two steps");
	return 0;
}

/* What dead runs left would be charged where ours is. */
static void recover_first(const struct session *session)
{
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;

	if (journal_recover(session->host, false, &done, &warnings) > 0)
		fprintf(stderr, "oomlab: put back what a dead run left:\n%s", str_text(&done));
	fputs(str_text(&warnings), stderr);
}

static int measure(struct session *session, struct str *warnings, struct err *err)
{
	MEM_AUTO char *id = mem_printf("%s%d-%llx", facts_in_init_pid_ns() ? "" : "ns-",
				       (int)getpid(), (unsigned long long)clock_ns());
	struct size_lab lab;

	recover_first(session);
	int r = lab_open(&lab, session->host, id, session->values->parent, err);
	if (r >= 0)
		r = choose_ceiling(session, &lab, err);
	if (r >= 0)
		r = size_measure(&lab, &session->options, &session->report, err);
	session->report.has_swap = lab.has_swap;
	if (session->live)
		fputs("\r\033[K", stderr);
	lab_close(&lab, warnings);
	return r;
}

/* ---- the result ---------------------------------------------------------------------------- */

static void print_result(const struct session *session)
{
	MEM_AUTO char *kernel =
		mem_printf("%s %s", session->kernel.sysname, session->kernel.release);
	struct size_facts facts = {.kernel = kernel,
				   .groups = cg_host_describe(session->host),
				   .thp = session->thp,
				   .has_swap = session->report.has_swap,
				   .swap = session->options.swap,
				   .cold = session->options.command.n_cold > 0};
	struct tell_view view = {.width = terminal_width(stdout),
				 .colour = terminal_colour(stdout, session->values->colour),
				 .unicode = terminal_unicode()};
	STR_AUTO text = STR_INIT;

	if (session->values->json) {
		json_t *root = tell_json(&session->report, &session->options, &facts);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputs("\n", stdout);
		json_decref(root);
		return;
	}
	tell_text(&session->report, &session->options, &facts, &view, &text);
	(void)fputs(str_text(&text), stdout);
}

/* Of what it wrote to stderr. */
static const char *last_lines(const char *text)
{
	const char *at = text + strlen(text);

	for (int lines = 0; at > text; at--)
		if (at[-1] == '\n' && at[0] && ++lines == TAIL_LINES)
			break;
	return at;
}

static int report_trouble(const struct session *session)
{
	const struct size_report *report = &session->report;
	struct err err = ERR_INIT;

	if (report->trouble == SIZE_FINE)
		return CMD_OK;
	(void)err_set(&err, EINVAL, "%s", report->why);
	(void)cmd_fail(session->ctx, CMD_FAILED, &err);
	if (report->trouble == SIZE_FAILS)
		cmd_print_clean(stderr, last_lines(report->free.tail));
	return report->trouble == SIZE_INTERRUPTED ? EXIT_INTERRUPTED : CMD_FAILED;
}

static int size_run_command(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	struct session session = {.ctx = ctx, .values = values};
	MEM_AUTO char **words = mem_zero((size_t)argc + 1, sizeof(*words));
	STR_AUTO warnings = STR_INIT;
	struct err err = ERR_INIT;
	int status;

	memcpy(words, argv, (size_t)argc * sizeof(*words));
	(void)uname(&session.kernel);
	read_thp(session.thp, sizeof(session.thp));
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, &err);
	if (root < 0) {
		status = cmd_fail(ctx, CMD_BROKEN, &err);
	} else if (prepare(&session, argc, words, &err) < 0) {
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (cg_host_open(root, session.values->parent, &session.host, &err) < 0 ||
		   measure(&session, &warnings, &err) < 0) {
		status = cmd_fail(ctx, err.code == EINVAL ? CMD_USAGE : CMD_BROKEN, &err);
	} else {
		const struct size_report *report = &session.report;
		status = report_trouble(&session);
		if (session.values->json || report->found || report->n_trials || report->n_samples)
			print_result(&session);
	}
	if (warnings.len) {
		fprintf(stderr, "oomlab size: could not put everything back:\n%s",
			str_text(&warnings));
		status = CMD_BROKEN;
	}
	size_report_clear(&session.report);
	cg_host_free(session.host);
	free(session.program);
	return status;
}

const struct cmd cmd_size = {
	.opts = {.name = "size",
		 .args = "-- COMMAND [ARGUMENT...]",
		 .summary =
			 "find the memory limit that a command needs, and show that it is the one",
		 .description =
			 "Runs the command once without a limit, then once under one that starts "
			 "low and is raised by a step each time the command cannot go on without "
			 "(the ratchet); where that ends is what this run needed, page cache "
			 "squeezed out. Then it is run under this limit and one step below, with "
			 "the OOM killer on: only what passes there, with the same exit status and "
			 "the same output, is answered.\n\n"
			 "Programs that size themselves by the limit (java, node, whatever opens "
			 "memory.max), and those that cannot be followed by ptrace(2), are sized "
			 "by bisection instead, which the result says.\n\n"
			 "The number holds for the input given. The command reads /dev/null unless "
			 "--stdin names a file; it has no terminal. It runs several times: what it "
			 "changes outside is changed several times.",
		 .examples =
			 "oomlab size -- sort -S 32M big.txt\tthe limit, with advice\n"
			 "oomlab size --samples 29 -- make -j4\twhat 90 % of runs need\n"
			 "oomlab size -o out.xz --slow 0 -- sh -c 'xz -9 < in > out.xz'\tcompare "
			 "a file too\n"
			 "oomlab size --for 60s -- redis-server\ta server under your load\n",
		 .exit_status = "0\tfound\n1\tthe command fails, does not end, or needs too much\n"
				"2\twrong command line, no such command\n3\tgroups cannot be made\n"
				"130\tinterrupted; what was known is printed\n",
		 .opts = options,
		 .max_args = SIZE_MAX,
		 .raw_args = true},
	.values_size = sizeof(struct size_values),
	.defaults = &defaults,
	.run = size_run_command,
};
