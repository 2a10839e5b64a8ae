/*
 * oomlab sweep: a command under one limit after the other. Only glue, as cmd_size.c.
 */
#include <errno.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/cmd/size_session.h"
#include "harness/size/sweep.h"

enum { POINTS_MAX = 1000, REPEAT_MAX = 1000, SLOW_PERCENT = 10 };

struct sweep_values {
	struct size_common common; /* first */
	uint64_t from, to, points, repeat;
	int format;
};

static const char *const formats[] = {"text", "csv", "json", NULL};

#define AT(field) offsetof(struct sweep_values, field)

static const struct opt options[] = {
	{"from", '\0', OPT_SIZE, AT(from), "SIZE", "the lowest limit (default: one step)", NULL,
	 NULL},
	{"to", '\0', OPT_SIZE, AT(to), "SIZE",
	 "the highest limit (default: its peak without a limit)", NULL, NULL},
	{"points", 'p', OPT_U64, AT(points), "N", "how many limits (default 12)", NULL, NULL},
	{"repeat", 'r', OPT_U64, AT(repeat), "N",
	 "runs at each; the best time counts, and more than one say which share of all passes "
	 "(default 1)",
	 NULL, NULL},
	{"format", '\0', OPT_CHOICE, AT(format), "FORMAT", "how it is printed (default text)",
	 formats, NULL},
	SIZE_COMMON_OPTIONS,
	OPT_END,
};

static const struct opt_bound bounds[] = {
	{"from", 1, UINT64_MAX, "a size above 0"},
	{"to", 1, UINT64_MAX, "a size above 0"},
	{"points", 1, POINTS_MAX, "1 to 1000"},
	{"repeat", 1, REPEAT_MAX, "1 to 1000"},
	SIZE_COMMON_BOUNDS,
	{NULL, 0, 0, NULL},
};

static const struct sweep_values defaults = {
	.common = SIZE_COMMON_DEFAULTS, .points = 12, .repeat = 1};

static int check_order(const struct sweep_values *values, struct err *err)
{
	char size[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];

	if (values->to && values->from > values->to)
		return err_set(err, EINVAL, "--from: expected no more than --to, %s, got %s",
			       format_size(values->to, size), format_size(values->from, got));
	return 0;
}

/* After the machine was looked at: none of the limits may be more than it may have. */
static int check_limits(const struct sweep_values *values, uint64_t max_bytes, struct err *err)
{
	bool low = values->from <= max_bytes;
	uint64_t most = low ? values->to : values->from;
	char size[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];

	if (most > max_bytes)
		return err_set(err, EINVAL,
			       "%s: expected no more than what may be risked here (--max), %s, "
			       "got %s",
			       low ? "--to" : "--from", format_size(max_bytes, size),
			       format_size(most, got));
	return 0;
}

static void print_sweep(const struct size_session *session, int format)
{
	static struct sweep_point points[POINTS_MAX];
	size_t n = sweep_points(&session->report, points, POINTS_MAX);
	struct tell_view view = size_session_view(session);
	STR_AUTO text = STR_INIT;

	if (format == 2) {
		json_t *root = sweep_json(points, n, SLOW_PERCENT);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputs("\n", stdout);
		json_decref(root);
		return;
	}
	if (format == 1)
		sweep_csv(points, n, &text);
	else
		sweep_text(points, n, SLOW_PERCENT, &view, &text);
	(void)fputs(str_text(&text), stdout);
}

static int sweep_command(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	const struct sweep_values *values = data;
	struct sweep_plan plan = {values->from, values->to, values->points, values->repeat};
	struct size_session session;
	struct err err = ERR_INIT;
	int status;

	if (size_session_prepare(&session, ctx, &values->common, argc, argv, &err) < 0 ||
	    check_order(values, &err) < 0) {
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (size_session_open(&session, &err) < 0 ||
		   check_limits(values, session.options.max_bytes, &err) < 0) {
		status = cmd_fail(ctx, err.code == EINVAL ? CMD_USAGE : CMD_BROKEN, &err);
	} else if (size_sweep(&session.lab, &session.options, &plan, &session.report, &err) < 0) {
		status = cmd_fail(ctx, CMD_BROKEN, &err);
	} else {
		status = size_session_trouble(&session);
		if (session.report.n_trials)
			print_sweep(&session, values->format);
	}
	return size_session_close(&session, status);
}

const struct cmd cmd_sweep = {
	.opts = {.name = "sweep",
		 .args = "-- COMMAND [ARGUMENT...]",
		 .summary = "run a command under one memory limit after the other",
		 .description =
			 "Shows at each limit how many runs pass, the best time, how long the "
			 "command was stalled on memory (PSI), and how many pages were read again; "
			 "and the knee, the lowest limit from which on every run passes and is at "
			 "most 10 % slower than the fastest.\n\n"
			 "A run passes when it ends as without a limit, with the same output, and "
			 "the OOM killer killed nothing in its group.",
		 .examples = "oomlab sweep -- sort -S 32M big.txt\ttwelve limits up to its peak\n"
			     "oomlab sweep --from 32M --to 64M --repeat 3 --format csv -- "
			     "cmd\tthree runs "
			     "each, for other tools\n",
		 .exit_status = "0\tshown\n1\tthe command fails without a limit\n"
				"2\twrong command line, no such command\n3\tgroups cannot be made\n"
				"130\tinterrupted; what was known is printed\n",
		 .opts = options,
		 .bounds = bounds,
		 .max_args = SIZE_MAX,
		 .raw_args = true},
	.values_size = sizeof(struct sweep_values),
	.defaults = &defaults,
	.run = sweep_command,
};
