/*
 * oomlab curve: plays curves of bytes over time against a limit. Only glue: the options, and where
 * the result goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/curve_roles.h"
#include "harness/cmd/terminal.h"
#include "harness/curve/curve_tell.h"
#include "harness/exec/host.h"
#include "harness/exec/pin.h"

enum {
	SPEED = 8640,
	SPEED_MAX = 1000000,
	DAYS = 7,
	DAYS_MAX = 3650,
	RISK_PERCENT = 90,
	INTERRUPTED = 130,
};

struct curve_values {
	uint64_t limit, speed, days, deaths, tick_ns, period_ns;
	struct opt_list files, leaks, adjs;
	const char *parent;
	int colour;
	bool dry_run, json, quiet;
};

struct curve_session {
	struct cmd_ctx *ctx;
	const struct curve_values *values;
	struct curve_load_set set;
	struct play_options options;
	struct forecast forecast;
	struct play_result play;
	struct cg_host *host;
	struct size_lab lab;
	bool has_lab, live;
	char *hog;
	struct pin pin;
};

#define AT(field) offsetof(struct curve_values, field)

static const struct opt options[] = {
	{"limit", 'l', OPT_SIZE, AT(limit), "SIZE", "the limit of all of them together (required)",
	 NULL, NULL},
	{"csv", '\0', OPT_LIST, AT(files), "[ROLE=]FILE", "the same as FILE as an argument", NULL,
	 "file"},
	{"leak", '\0', OPT_LIST, AT(leaks), "[ROLE=]SIZE/TIME",
	 "it keeps so much more as time goes by, as in 12M/h", NULL, NULL},
	{"adj", '\0', OPT_LIST, AT(adjs), "[ROLE=]N", "its oom_score_adj (default 0)", NULL, NULL},
	{"speed", 's', OPT_U64, AT(speed), "N",
	 "so many times as fast as the clock (default 8640: a day in 10 s)", NULL, NULL},
	{"days", 'd', OPT_U64, AT(days), "N",
	 "stop after so many days of the curve (default 7; 1 when nothing leaks)", NULL, NULL},
	{"deaths", '\0', OPT_U64, AT(deaths), "N", "go on until so many have died (default 1)",
	 NULL, NULL},
	{"period", '\0', OPT_DURATION, AT(period_ns), "TIME",
	 "the curves begin again after this (default: whole days)", NULL, NULL},
	{"tick", '\0', OPT_DURATION, AT(tick_ns), "TIME",
	 "from one step to the next, by the clock (default 1ms)", NULL, NULL},
	{"dry-run", 'n', OPT_FLAG, AT(dry_run), NULL, "only say what is to be expected", NULL,
	 NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "print everything as one JSON object", NULL, NULL},
	{"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "no live line", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	{"cgroup-parent", '\0', OPT_TEXT, AT(parent), "GROUP",
	 "make all groups below this one instead of the first writable", NULL, "dir"},
	OPT_END,
};

/* A period of less than a second would be nothing but corners, millions in a day. */
#define PERIOD_LEAST_NS 1000000000ULL

static const struct opt_bound bounds[] = {
	{"limit", 1 << 20, INT64_MAX, "1M or more, and a limit"},
	{"speed", 1, SPEED_MAX, "1 to 1000000"},
	{"days", 1, DAYS_MAX, "1 to 3650"},
	{"deaths", 1, CURVE_ROLES_MAX, "1 to 16"},
	{"period", PERIOD_LEAST_NS, DAYS_MAX *CURVE_DAY_NS, "1s to 87600h"},
	{"tick", 100000, 1000000000, "100us to 1s"},
	{NULL, 0, 0, NULL},
};

static const struct curve_values defaults = {.speed = SPEED, .deaths = 1, .tick_ns = 1000000};

/* ---- the command line ---------------------------------------------------------------------- */

static int read_roles(struct curve_session *session, int argc, char **argv, struct err *err)
{
	const struct curve_values *values = session->values;
	struct curve_load_set *set = &session->set;

	for (size_t i = 0; i < values->files.n; i++)
		if (curve_roles_read(set, values->files.text[i], values->period_ns, err) < 0)
			return -err->code;
	for (int i = 0; i < argc; i++)
		if (curve_roles_read(set, argv[i], values->period_ns, err) < 0)
			return -err->code;
	if (set->n == 0)
		return err_set(err, EINVAL, "expected a CSV file, rows of time,bytes");
	if (curve_roles_leaks(set, &values->leaks, err) < 0)
		return -err->code;
	return curve_roles_adjs(set, &values->adjs, err);
}

static void on_progress(void *data, uint64_t t_ns, uint64_t usage_bytes)
{
	const struct curve_session *session = data;
	char time[40], usage[PARSE_TEXT_MAX], limit[PARSE_TEXT_MAX];

	fprintf(stderr, "\r\033[K%s: %s of %s", curve_time(t_ns, time, sizeof(time)),
		format_size_short(usage_bytes, usage),
		format_size_short(session->set.limit_bytes, limit));
	(void)fflush(stderr);
}

static int prepare(struct curve_session *session, int argc, char **argv, struct err *err)
{
	const struct curve_values *values = session->values;
	uint64_t days = values->days ? values->days : values->leaks.n > 0 ? DAYS : 1;

	if (values->limit == 0)
		return err_set(err, EINVAL, "--limit SIZE is missing");
	if (read_roles(session, argc, argv, err) < 0)
		return -err->code;
	session->set.limit_bytes = values->limit;
	session->set.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	session->live = !values->quiet && terminal_is(stderr);
	session->options = (struct play_options){
		.speed = values->speed,
		.tick_ns = values->tick_ns,
		.horizon_ns = days * CURVE_DAY_NS,
		.deaths = values->deaths,
		.progress = session->live ? on_progress : NULL,
		.data = session,
	};
	forecast_make(&session->set, 0, session->options.horizon_ns, &session->forecast);
	return 0;
}

/* ---- the host ------------------------------------------------------------------------------ */

static int open_lab(struct curve_session *session, struct err *err)
{
	MEM_AUTO char *id = cmd_run_id();
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, err);
	char size[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];
	int r = root < 0 ? root : cmd_find_hog(&session->hog, err);

	if (r >= 0)
		r = cg_host_open(root, session->values->parent, &session->host, err);
	if (r < 0)
		return r;
	cmd_recover(session->host);
	session->has_lab = true;
	r = lab_open(&session->lab, session->host, id, session->values->parent, err);
	uint64_t most = session->lab.available_bytes / 100 * RISK_PERCENT;
	if (r >= 0 && session->set.limit_bytes > most)
		return err_set(err, EINVAL, "--limit: no more than %s can be risked here, got %s",
			       format_size_short(most, size),
			       format_size(session->set.limit_bytes, got));
	pin_file(session->hog, &session->pin);
	session->options.hog = session->hog;
	return r;
}

static int close_session(struct curve_session *session, int status)
{
	STR_AUTO warnings = STR_INIT;

	if (session->live)
		fputs("\r\033[K", stderr);
	if (session->has_lab)
		lab_close(&session->lab, &warnings);
	if (warnings.len) {
		fprintf(stderr, "oomlab curve: could not put everything back:\n%s",
			str_text(&warnings));
		status = CMD_BROKEN;
	}
	pin_release(&session->pin);
	for (size_t i = 0; i < session->set.n; i++)
		curve_clear(&session->set.roles[i].curve);
	cg_host_free(session->host);
	free(session->hog);
	return status;
}

/* ---- the result ---------------------------------------------------------------------------- */

static void print_report(const struct curve_session *session)
{
	struct utsname kernel;
	(void)uname(&kernel);
	MEM_AUTO char *name = mem_printf("%s %s", kernel.sysname, kernel.release);
	struct curve_report report = {
		.set = &session->set,
		.options = &session->options,
		.forecast = &session->forecast,
		.play = session->has_lab ? &session->play : NULL,
		.kernel = name,
		.groups = session->host ? cg_host_describe(session->host) : "",
	};
	struct curve_view view = {.width = terminal_width(stdout),
				  .colour = terminal_colour(stdout, session->values->colour),
				  .unicode = terminal_unicode()};
	STR_AUTO text = STR_INIT;

	if (session->values->json) {
		json_t *root = play_json(&report);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputs("\n", stdout);
		json_decref(root);
		return;
	}
	play_text(&report, &view, &text);
	(void)fputs(str_text(&text), stdout);
}

static int play_status(const struct curve_session *session)
{
	struct err err = ERR_INIT;

	if (session->play.trouble[0]) {
		(void)err_set(&err, EIO, "%s", session->play.trouble);
		return cmd_fail(session->ctx, CMD_BROKEN, &err);
	}
	if (session->play.interrupted) {
		(void)err_set(&err, EINTR, "interrupted; what is known so far:");
		return cmd_fail(session->ctx, INTERRUPTED, &err);
	}
	return session->play.n_deaths ? CMD_FAILED : CMD_OK;
}

static int play(struct curve_session *session, struct err *err)
{
	if (open_lab(session, err) < 0 ||
	    curve_play(&session->lab, &session->set, &session->options, &session->play, err) < 0)
		return cmd_fail(session->ctx, err->code == EINVAL ? CMD_USAGE : CMD_BROKEN, err);
	if (session->live)
		fputs("\r\033[K", stderr);
	/* Now with what the processes need for themselves. */
	forecast_make(&session->set, session->play.base_bytes, session->options.horizon_ns,
		      &session->forecast);
	int status = play_status(session);
	print_report(session);
	return status;
}

static int curve_command(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	struct curve_session session = {.ctx = ctx, .values = data};
	struct err err = ERR_INIT;
	int status = CMD_OK;

	if (prepare(&session, argc, argv, &err) < 0) {
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (session.values->dry_run) {
		print_report(&session);
		status = session.forecast.dies ? CMD_FAILED : CMD_OK;
	} else {
		status = play(&session, &err);
	}
	return close_session(&session, status);
}

const struct cmd cmd_curve = {
	.opts = {.name = "curve",
		 .args = "--limit SIZE [ROLE=]FILE...",
		 .summary = "play a day's memory curves against a limit: who dies, and when",
		 .description =
			 "Each FILE is CSV, rows of time,bytes as monitoring exports them (06:30, "
			 "6h, seconds, Unix time or a date; sizes or numbers), linear in between "
			 "and repeated day by day. A hog for each holds exactly that, all in one "
			 "group with a limit and on the same time, many times as fast as the "
			 "clock; --leak adds what is never given back. It ends when the OOM killer "
			 "has killed one of them, or after --days.\n\n"
			 "Says when that was in the curves' time, who it was (by its end, the "
			 "kernel's log and the group's counter), what each held then, and what "
			 "was to be expected: limit - base - curves - leaks = 0.\n\n"
			 "A role is named by ROLE=FILE, by the columns' names in a file that has "
			 "several, or by its file.",
		 .examples =
			 "oomlab curve --csv day.csv --leak 12M/h --limit 256M\tone service that "
			 "leaks\n"
			 "oomlab curve -l 512M web.csv cache.csv --leak web=2M/h --adj "
			 "cache=300\twho of two\n"
			 "oomlab curve -n -l 16G export.csv --days 30\tonly compute\n",
		 .exit_status = "0\tnobody died\n1\tthe OOM killer killed (or will, --dry-run)\n"
				"2\twrong command line or file\n3\tgroups cannot be made, or a hog "
				"ended by something else\n"
				"130\tinterrupted; what was known is printed\n",
		 .opts = options,
		 .bounds = bounds,
		 .max_args = CURVE_ROLES_MAX},
	.values_size = sizeof(struct curve_values),
	.defaults = &defaults,
	.run = curve_command,
};
