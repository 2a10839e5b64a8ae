/*
 * oomlab explain: OOM reports of logs, explained and audited. Only the options: reading is
 * explain_read.c's and explain_follow.c's, what is printed report/explain_*.c's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/when.h"
#include "harness/cmd/explain.h"
#include "harness/cmd/terminal.h"

struct explain_values {
	bool json, list, follow, fail_unexplained;
	const char *since, *until, *generation;
	int64_t report;
	uint64_t top, width;
	int colour;
};

#define AT(field) offsetof(struct explain_values, field)

static const struct opt options[] = {
	{"list", 'l', OPT_FLAG, AT(list), NULL, "one line a report", NULL, NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "one JSON object a report, each on one line", NULL,
	 NULL},
	{"follow", 'f', OPT_FLAG, AT(follow), NULL,
	 "go on as the log grows; survives its rotation (without FILE: the kernel's log)", NULL,
	 NULL},
	{"report", 'n', OPT_I64, AT(report), "N",
	 "the N-th report alone; -1 is the last, -2 the one before it", NULL, NULL},
	{"since", 'S', OPT_TEXT, AT(since), "TIME",
	 "only reports from TIME on: '2026-11-20 10:00', '2h ago', '@1795168800'", NULL, NULL},
	{"until", 'U', OPT_TEXT, AT(until), "TIME", "only reports up to TIME", NULL, NULL},
	{"top", 't', OPT_U64, AT(top), "N",
	 "rows of the process table (default 10; 0: all); the victim's is always shown", NULL,
	 NULL},
	{"generation", 'g', OPT_TEXT, AT(generation), "VERSION",
	 "audit by the formula of this kernel version instead of the one that fits the report",
	 NULL, NULL},
	{"fail-unexplained", '\0', OPT_FLAG, AT(fail_unexplained), NULL,
	 "exit with 1 when the audit leaves a kill unexplained", NULL, NULL},
	{"width", 'w', OPT_U64, AT(width), "COLUMNS",
	 "wrap text for so many columns (default: the terminal's; 0: do not)", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	OPT_END,
};

static const struct explain_values defaults = {.top = 10, .width = UINT64_MAX};

/* ---- what is asked for ---------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int parse_times(const struct explain_values *values, struct explain_session *session,
		       struct err *err)
{
	int64_t now = now_us();

	session->since_us = INT64_MIN;
	session->until_us = INT64_MAX;
	if (values->since && parse_when(values->since, now, &session->since_us, err) < 0)
		return err_wrap(err, "--since");
	if (values->until && parse_when(values->until, now, &session->until_us, err) < 0)
		return err_wrap(err, "--until");
	if (session->since_us > session->until_us)
		return err_set(err, EINVAL, "--since is later than --until");
	session->log.now_unix_us = now;
	return 0;
}

static int parse_audit(const struct explain_values *values, struct explain_session *session,
		       struct err *err)
{
	session->audit.total_swap_pages = UINT64_MAX;
	if (!values->generation)
		return 0;
	session->audit.force = true;
	int r = badness_generation_parse(values->generation, &session->audit.generation, err);
	return r < 0 ? err_wrap(err, "--generation") : 0;
}

static int prepare(const struct explain_values *values, int n_files,
		   struct explain_session *session, struct err *err)
{
	if (values->json && values->list)
		return err_set(err, EINVAL, "--json and --list exclude each other");
	if (values->report < -EXPLAIN_LAST_MAX)
		return err_set(err, EINVAL, "--report: expected %d or more, got %" PRId64,
			       -EXPLAIN_LAST_MAX, values->report);
	if (values->report < 0 && values->follow)
		return err_set(err, EINVAL, "--report %" PRId64 ": a log that grows has no end",
			       values->report);
	session->report = values->report;
	if (session->report < 0)
		session->last = mem_zero((size_t)-session->report, sizeof(*session->last));
	session->format = values->json	 ? EXPLAIN_FORMAT_JSON
			  : values->list ? EXPLAIN_FORMAT_LIST
					 : EXPLAIN_FORMAT_TEXT;
	session->view = (struct explain_view){
		.colour = terminal_colour(stdout, values->colour),
		.unicode = terminal_unicode(),
		.several = n_files > 1,
		.width = values->width == UINT64_MAX ? terminal_width(stdout)
			 : values->width > 10000     ? 0
						     : (int)values->width,
		.top = values->top,
	};
	int r = parse_times(values, session, err);
	return r < 0 ? r : parse_audit(values, session, err);
}

/* Without FILE: what is piped in; else, at a terminal or in a service, the kernel's own log. */
static char *default_input(const struct cmd_ctx *ctx)
{
	static char from_stdin[] = INPUT_STDIN, kmsg[] = INPUT_KMSG;
	struct stat st;

	if (fstat(STDIN_FILENO, &st) == 0 && !S_ISCHR(st.st_mode))
		return from_stdin;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s %s: reading the kernel's log, %s\n", ctx->prog,
			ctx->cmd->opts.name, INPUT_KMSG);
	return kmsg;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void say_nothing_found(const struct explain_session *session)
{
	const char *head = session->ctx->prog, *name = session->ctx->cmd->opts.name;

	if (session->number == 0)
		fprintf(stderr, "%s %s: no OOM report in %" PRIu64 " lines\n", head, name,
			session->lines);
	else if (session->report != 0)
		fprintf(stderr, "%s %s: no report %" PRId64 ": there %s %" PRIu64 "\n", head, name,
			session->report, session->number == 1 ? "is" : "are", session->number);
	else
		fprintf(stderr, "%s %s: none of %" PRIu64 " reports is of that time\n", head, name,
			session->number);
}

/* Later nobody knows why the write failed; a reader that has seen enough is main()'s to tell. */
static int say_lost(const struct explain_session *session)
{
	struct err err = ERR_INIT;

	err_errno(&err, session->lost, "cannot write to standard output");
	clearerr(stdout);
	return cmd_fail(session->ctx, CMD_BROKEN, &err);
}

static int status_of(const struct explain_session *session, bool fail_unexplained)
{
	if (session->undated)
		fprintf(stderr,
			"%s %s: %" PRIu64 " reports left out: the log does not tell their date\n",
			session->ctx->prog, session->ctx->cmd->opts.name, session->undated);
	if (session->printed == 0 && !session->trouble)
		say_nothing_found(session);
	if (session->trouble)
		return CMD_USAGE;
	if (session->printed == 0 || (fail_unexplained && session->unexplained > 0))
		return CMD_FAILED;
	return CMD_OK;
}

static int explain_run(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	const struct explain_values *values = data;
	struct explain_session session = {.ctx = ctx};
	struct err err = ERR_INIT;
	int status = CMD_OK;
	char *only[] = {NULL};

	if (prepare(values, argc, &session, &err) < 0)
		return cmd_fail(ctx, CMD_USAGE, &err);
	if (argc == 0) {
		only[0] = default_input(ctx);
		argv = only;
		argc = 1;
	}
	if (values->follow)
		status = explain_follow(&session, argv, (size_t)argc);
	for (int i = 0; !values->follow && i < argc && !session.done; i++)
		explain_read(&session, argv[i]);
	explain_end(&session);
	if (session.lost && session.lost != EPIPE)
		return say_lost(&session);
	return status == CMD_OK ? status_of(&session, values->fail_unexplained) : status;
}

const struct cmd cmd_explain = {
	.opts = {.name = "explain",
		 .args = "[FILE...|-]",
		 .summary = "explain OOM reports of kernel logs, and check the kernel's choice",
		 .description =
			 "Reads logs of any kernel from 2.4 on, as they are: dmesg, syslog, "
			 "journal (text or -o json), consoles, mails; packed by gzip, xz or zstd "
			 "too. '-' is standard input. Without FILE it reads what is piped in, and "
			 "else the kernel's log, /dev/kmsg, which may need root.\n\n"
			 "For each OOM report it says what ran out and where, who asked for what, "
			 "who died and why that one, who was protected, what was left, and what to "
			 "do; then the processes by badness, the memory by kind, and the audit: "
			 "badness computed anew by the formula of that kernel, which is found by "
			 "what the report prints and not by the version. A kill that the formula "
			 "does not explain is called so; the exit status stays 0 unless "
			 "--fail-unexplained is given.\n\n"
			 "With --follow a report is printed as soon as it is complete: when "
			 "something else follows it, or nothing has come for a second. "
			 "--since and --until go by the time at which a report begins; a report "
			 "whose date the log does not tell is left out then, and counted.\n\n"
			 "The keys of --json are described in docs/explain-json.md.",
		 .examples = "oomlab explain\tthis machine's log since boot\n"
			     "oomlab explain -n -1 /var/log/kern.log\tthe last OOM in full\n"
			     "oomlab explain --list /var/log/kern.log*\tone line each, packed ones "
			     "too\n"
			     "journalctl -k -o json | oomlab explain\tthe journal\n"
			     "oomlab explain --follow --since now --json\ta feed of this machine's "
			     "kills\n"
			     "oomlab explain -S yesterday -t 0 kern.log\tall processes\n",
		 .exit_status = "0\tOOM reports were found and printed\n"
				"1\tno OOM report, or none of those that were asked for; with "
				"--fail-unexplained: the audit leaves a kill unexplained\n"
				"2\twrong options, or an input that cannot be read, or not to its "
				"end: what could be read is printed\n"
				"3\tthe output could not be written\n"
				"130\t--follow was interrupted\n",
		 .opts = options,
		 .max_args = SIZE_MAX},
	.values_size = sizeof(struct explain_values),
	.defaults = &defaults,
	.run = explain_run,
};
