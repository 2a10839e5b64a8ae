/*
 * oomlab run: choose scenarios, plan them, run them, report. Only glue: what is chosen is
 * catalogue.c's, how it runs exec/supervise.c's, how it prints report/'s.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/version.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/rate.h"
#include "harness/cmd/run_session.h"
#include "harness/cmd/terminal.h"
#include "harness/exec/descriptors.h"
#include "harness/exec/host.h"
#include "harness/exec/supervise.h"
#include "harness/report/report.h"
#include "harness/vm/channel.h"

#define LIVE_TICK_NS 100000000ULL

enum {
	EXIT_INTERRUPTED = 130,
};

const char *const run_formats[] = {"text", "tap", "junit", "json", "stream", NULL};

#define AT(field) offsetof(struct run_values, field)

static const struct opt run_options[] = {
	{"param", 'p', OPT_LIST, AT(params), "NAME=VALUE", "set a parameter of the scenarios", NULL,
	 NULL},
	{"filter", 'f', OPT_LIST, AT(filters), "TAG",
	 "only scenarios with this tag or suite; '!TAG': without it", NULL, NULL},
	{"repeat", 'r', OPT_U64, AT(repeat), "N",
	 "run each scenario N times and print its rate with a 95 % interval", NULL, NULL},
	{"jobs", 'j', OPT_U64, AT(jobs), "N",
	 "run up to N scenarios at once; those that change the host run alone (default 1)", NULL,
	 NULL},
	{"seed", '\0', OPT_U64, AT(seed), "N",
	 "let hogs that run freely draw their start, pauses and blocks from this seed, 1 or more "
	 "(default $OOMLAB_SEED, or none: exactly as the scenario says)",
	 NULL, NULL},
	{"shard", '\0', OPT_TEXT, AT(shard), "I/N", "only every N-th scenario, from the I-th on",
	 NULL, NULL},
	{"after", '\0', OPT_TEXT, AT(after), "NAME",
	 "only what comes after this one, as when its machine went down", NULL, NULL},
	{"timeout", 't', OPT_DURATION, AT(timeout_ns), "TIME",
	 "give each scenario this long instead of its own limit", NULL, NULL},
	{"dry-run", 'n', OPT_FLAG, AT(dry_run), NULL, "print the plans and touch nothing", NULL,
	 NULL},
	{"fail-fast", 'x', OPT_FLAG, AT(fail_fast), NULL,
	 "stop after the first that fails or is broken", NULL, NULL},
	{"format", '\0', OPT_CHOICE, AT(format), "FORMAT", "how results are printed (default text)",
	 run_formats, NULL},
	{"output", 'o', OPT_TEXT, AT(output), "FILE", "print results to FILE instead of stdout",
	 NULL, "file"},
	{"results", '\0', OPT_TEXT, AT(results), "DIR",
	 "keep the record below DIR (default ./results)", NULL, "dir"},
	{"cgroup-parent", '\0', OPT_TEXT, AT(parent), "GROUP",
	 "make all groups below this one instead of the first writable", NULL, "dir"},
	{"this-machine-is-disposable", '\0', OPT_FLAG, AT(disposable), NULL,
	 "also run what can take the whole machine down", NULL, NULL},
	{"on-request", '\0', OPT_FLAG, AT(asked), NULL,
	 "say what would run, then run what stdin asks for, as 'oomlab vm' does in its machines",
	 NULL, NULL},
	{"timeline", '\0', OPT_FLAG, AT(timeline), NULL,
	 "trace the course of each kill, which costs a run 0.1 to 0.2 s (default where tracefs is)",
	 NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	{"verbose", 'v', OPT_FLAG, AT(verbose), NULL, "print events and kills of every scenario",
	 NULL, NULL},
	{"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "no live lines", NULL, NULL},
	OPT_END,
};

static const struct run_values defaults = {.repeat = 1,
					   .jobs = 1,
					   .results = "results",
					   .timeout_ns = UINT64_MAX,
					   .seed = UINT64_MAX,
					   .timeline = true};

/* ---- while it runs ------------------------------------------------------------------------- */

/* After each call of a reporter, which flushes: later nobody knows why a write failed. */
static void keep_error(struct run_session *session)
{
	if (ferror(session->out) && !session->lost)
		session->lost = errno ? errno : EIO;
}

static void on_ended(void *data, const struct result *result)
{
	struct run_session *session = data;

	record_folder_add(session->folder, result);
	if (session->live)
		live_hide(session->live);
	errno = 0;
	if (session->reporter->result)
		session->reporter->result(session->out, session->record, result, &session->report);
	keep_error(session);
}

static void on_began(void *data, const struct supervise_item *item, const struct result *blank)
{
	struct run_session *session = data;
	const struct plan *plan = item->plan;
	MEM_AUTO char *at = plan->panic ? mem_printf("%s:%d:%d", plan->file, plan->panic_at->line,
						     plan->panic_at->column)
					: NULL;

	if (session->reporter->began)
		session->reporter->began(session->out, blank, plan->panic, at);
	keep_error(session);
}

static void on_event(void *data, const char *name, const json_t *event)
{
	struct run_session *session = data;

	if (session->reporter->event)
		session->reporter->event(session->out, name, event);
	keep_error(session);
}

static void on_tick(void *data, const struct supervise_row *rows, size_t n)
{
	struct run_session *session = data;
	MEM_AUTO struct live_row *shown = mem_zero(n, sizeof(*shown));
	uint64_t now = clock_ns();

	for (size_t i = 0; i < n; i++)
		shown[i] = (struct live_row){rows[i].name, rows[i].usage_bytes, rows[i].limit_bytes,
					     now - rows[i].began_ns, rows[i].doing};
	live_show(session->live, shown, n, session->record->n, session->n_items);
}

/* ---- reporting ----------------------------------------------------------------------------- */

int run_session_open_output(struct run_session *session, struct err *err)
{
	const struct run_values *values = session->values;

	session->out = stdout;
	if (values->output && !str_eq(values->output, "-")) {
		int fd = fd_open_at(AT_FDCWD, values->output, O_WRONLY | O_CREAT | O_TRUNC, 0644,
				    err);
		if (fd < 0)
			return err_wrap(err, "--output");
		session->out = fdopen(fd, "w");
	}
	session->reporter = reporter_find(run_formats[values->format]);
	session->report =
		(struct report_options){.colour = terminal_colour(session->out, values->colour),
					.verbose = values->verbose,
					.width = terminal_width(session->out)};
	if (!values->quiet && isatty(STDERR_FILENO) && session->out == stdout &&
	    terminal_is(stdout) && values->format == 0)
		session->live = live_new(stdout, &session->report);
	return 0;
}

static char *command_line(const struct cmd_ctx *ctx)
{
	struct str text = STR_INIT;

	for (int i = 0; i < ctx->argc; i++)
		str_addf(&text, "%s%s", i ? " " : "", ctx->argv[i]);
	return str_take(&text);
}

static int open_record(struct run_session *session, struct err *err)
{
	bool followed = str_eq(session->reporter->name, "stream");
	struct timespec now;

	record_folder_free(session->folder);
	session->folder = NULL;
	session->record = record_new();
	session->record->facts = session->facts;
	session->record->command = command_line(session->ctx);
	session->record->planned = session->n_items;
	session->record->seed = session->values->seed;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	session->record->began_unix_ns = (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
	session->record->began_ns = clock_ns();
	return record_folder_new(session->values->results, session->record, !followed,
				 &session->folder, err);
}

static int save_record(struct run_session *session, struct err *err)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	session->record->ended_unix_ns = (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
	return record_folder_save(session->folder, session->record, err);
}

static int report_all(struct run_session *session, struct err *err)
{
	const char *path = record_folder_path(session->folder);
	int saved = save_record(session, err);

	session->report.results = saved >= 0 ? path : NULL;
	errno = 0;
	if (session->reporter->end)
		session->reporter->end(session->out, session->record, &session->report);
	if (session->values->format == 0 && session->values->repeat > 1)
		rate_print(session->out, session->record);
	(void)fflush(session->out);
	keep_error(session);
	/* A reader that has seen enough ('oomlab run | head') has the rest in the record. */
	if (session->lost && session->lost != EPIPE)
		return err_errno(err, session->lost, "cannot write the report");
	return saved;
}

/* ---- the command --------------------------------------------------------------------------- */

int run_session_all(struct run_session *session, struct err *err)
{
	MEM_AUTO char *hog = NULL;
	STR_AUTO warnings = STR_INIT;
	int r = cmd_find_hog(&hog, err);

	if (r < 0)
		return r;
	r = session->out ? 0 : run_session_open_output(session, err);
	if (r < 0)
		return r;
	r = open_record(session, err);
	if (r < 0)
		return r;
	MEM_AUTO char *id = cmd_run_id();
	struct supervise_options options = {.cg_host = session->cg_host,
					    .facts = &session->facts,
					    .hog = hog,
					    .seed = session->values->seed,
					    .id = id,
					    .parent = session->values->parent,
					    .jobs = session->values->jobs,
					    .fail_fast = session->values->fail_fast,
					    .timeline = session->values->timeline,
					    .lack = session->facts.vm ? getenv(CHANNEL_LACK) : NULL,
					    .tick_ns = session->live ? LIVE_TICK_NS : 0,
					    .began = on_began,
					    .event = on_event,
					    .ended = on_ended,
					    .tick = on_tick,
					    .data = session};
	errno = 0;
	if (session->reporter->begin)
		session->reporter->begin(session->out, session->record, &session->report);
	keep_error(session);
	r = supervise(session->items, session->n_items, session->record, &options, &warnings, err);
	live_free(session->live);
	session->live = NULL;
	if (warnings.len)
		fprintf(stderr, "oomlab run: could not put everything back:\n%s",
			str_text(&warnings));
	if (r < 0)
		return r;
	r = report_all(session, err);
	if (r < 0)
		return r;
	return warnings.len ? CMD_BROKEN : record_exit_status(session->record);
}

static void session_free(struct run_session *session)
{
	for (size_t i = 0; i < session->n_items; i++)
		free(session->items[i].name);
	free(session->items);
	if (session->out && session->out != stdout)
		(void)fclose(session->out);
	record_folder_free(session->folder);
	record_free(session->record);
	catalogue_free(&session->catalogue);
	cg_host_free(session->cg_host);
}

static int prepare(struct run_session *session, struct err *err)
{
	int r = descriptors_raise(err);

	if (r < 0)
		return r;
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, err);
	r = root < 0 ? root : cg_host_open(root, session->values->parent, &session->cg_host, err);

	if (r < 0)
		return r;
	r = facts_gather(session->cg_host, &session->facts, err);
	if (session->values->disposable)
		session->facts.disposable = true;
	return r;
}

static int run_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	struct run_session session = {.ctx = ctx, .values = values};
	struct diags diags = {0};
	struct err err = ERR_INIT;
	int status = CMD_BROKEN;

	if (prepare(&session, &err) < 0) {
		bool wrong = session.values->parent && (err.code == EINVAL || err.code == ENOENT);
		status = cmd_fail(ctx, wrong ? CMD_USAGE : CMD_BROKEN, &err);
	} else if (run_choose(&session, argc, argv, &diags, &err) < 0) {
		fputs(str_text(&diags.text), stderr);
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (session.values->dry_run) {
		run_print_plans(&session);
		status = CMD_OK;
	} else {
		cmd_recover(session.cg_host);
		cmd_recover_records(session.values->results);
		status = session.values->asked ? run_asked(&session, &err)
					       : run_session_all(&session, &err);
		if (status < 0)
			status = cmd_fail(ctx, CMD_BROKEN, &err);
		else if (session.record && session.record->interrupted)
			status = EXIT_INTERRUPTED;
	}
	diags_free(&diags);
	session_free(&session);
	return status;
}

const struct cmd cmd_run = {
	.opts = {.name = "run",
		 .args = "[FILE|DIR|NAME...]",
		 .summary = "run OOM scenarios in disposable control groups",
		 .description =
			 "Runs scenario files, all files of a folder, or scenarios of the shipped "
			 "catalogue by name, suite or glob pattern; without arguments the whole "
			 "catalogue. Each scenario gets groups of its own, which are removed "
			 "afterwards, and ends with one verdict: pass, fail, skip (this machine "
			 "lacks "
			 "something, with the reason) or broken (the harness itself failed).\n\n"
			 "Every run leaves a record below results/: record.json with each event "
			 "and "
			 "its monotonic time, the kernel's lines, samples of usage and pressure. "
			 "results/latest points at the last one.",
		 .examples = "oomlab run\tthe whole catalogue\n"
			     "oomlab run limits\tone suite\n"
			     "oomlab run -r 100 limit-kills-largest\tone scenario a hundred times\n"
			     "oomlab run -p size=1G my.yaml\ta file with a parameter\n"
			     "oomlab run --format tap | tappy\tfor a CI system\n",
		 .exit_status = "0\tall passed, some may have been skipped\n"
				"1\tan expectation did not hold\n"
				"2\twrong options or a wrong scenario file; nothing was touched\n"
				"3\tthe harness failed, or results are missing\n"
				"77\teverything was skipped\n"
				"130\tinterrupted\n",
		 .opts = run_options,
		 .max_args = SIZE_MAX},
	.values_size = sizeof(struct run_values),
	.defaults = &defaults,
	.run = run_run,
};
