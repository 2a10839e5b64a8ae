/*
 * oomlab size: the memory limit that a command needs. Only glue: the options, and where the result
 * goes; everything else is harness/size's.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/cmd/size_session.h"

enum { SAMPLES_MAX = 10000, SLOW_MAX = 10000 };

struct size_values {
	struct size_common common; /* first */
	int method;
	uint64_t from, samples, slow, jobs;
	const char *quantile;
	bool json;
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
	{"from", '\0', OPT_SIZE, AT(from), "SIZE",
	 "where the ratchet starts (default: from what the first run had)", NULL, NULL},
	{"slow", '\0', OPT_U64, AT(slow), "PERCENT",
	 "also find the limit at which it is at most so much slower (default 10; 0: do not)", NULL,
	 NULL},
	{"jobs", 'j', OPT_U64, AT(jobs), "N",
	 "run up to N copies of the command side by side where memory allows (default 1): for "
	 "commands that write no file of a fixed name and own no port; what shows the limit and "
	 "what is timed still runs alone",
	 NULL, NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "print everything as one JSON object", NULL, NULL},
	SIZE_COMMON_OPTIONS,
	OPT_END,
};

static const struct opt_bound bounds[] = {
	{"samples", 1, SAMPLES_MAX, "1 to 10000"},
	{"slow", 0, SLOW_MAX, "0 to 10000 percent"},
	{"jobs", 1, SIZE_JOBS_MAX, "1 to 64"},
	{"from", 1, UINT64_MAX, "a size above 0"},
	SIZE_COMMON_BOUNDS,
	{NULL, 0, 0, NULL},
};

static const struct size_values defaults = {
	.common = SIZE_COMMON_DEFAULTS, .samples = 1, .slow = 10, .jobs = 1};

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

static int prepare(struct size_session *session, const struct size_values *values, struct err *err)
{
	struct size_options *to = &session->options;

	if (values->method == SIZE_BISECT && values->samples > 1)
		return err_set(err, EINVAL, "--samples are the ratchet's; bisection takes none");
	if (values->method == SIZE_BISECT && values->from)
		return err_set(err, EINVAL, "--from is the ratchet's; bisection takes none");
	if (values->jobs > 1 && (values->common.outputs.n || values->common.check ||
				 values->common.for_ns || values->common.cold.n))
		return err_set(err, EINVAL,
			       "--jobs: copies side by side would share what --output-file, "
			       "--check, --for or --cold is about");
	to->jobs = values->jobs;
	to->method = (enum size_method)values->method;
	to->from_bytes = values->from;
	to->samples = values->samples;
	to->slow_percent = values->slow;
	if (parse_quantile(values->quantile ? values->quantile : "0.9", &to->quantile, err) < 0)
		return -err->code;
	if (values->quantile && values->samples == 1)
		return err_set(err, EINVAL,
			       "--quantile is about samples, expected --samples N too");
	return 0;
}

/* After the machine was looked at. */
static int check_from(const struct size_session *session, struct err *err)
{
	const struct size_options *asked = &session->options;
	char most[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];

	if (asked->from_bytes <= asked->max_bytes)
		return 0;
	return err_set(err, EINVAL, "--from: expected no more than it may have (--max), %s, got %s",
		       format_size(asked->max_bytes, most), format_size(asked->from_bytes, got));
}

static void print_result(struct size_session *session, bool json)
{
	struct size_facts facts = size_session_facts(session);
	struct tell_view view = size_session_view(session);
	STR_AUTO text = STR_INIT;

	if (json) {
		json_t *root = tell_json(&session->report, &session->options, &facts);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputs("\n", stdout);
		json_decref(root);
		return;
	}
	tell_text(&session->report, &session->options, &facts, &view, &text);
	(void)fputs(str_text(&text), stdout);
}

static int size_command(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	const struct size_values *values = data;
	struct size_session session;
	struct err err = ERR_INIT;
	int status;

	if (size_session_prepare(&session, ctx, &values->common, argc, argv, &err) < 0 ||
	    prepare(&session, values, &err) < 0) {
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (size_session_open(&session, &err) < 0 || check_from(&session, &err) < 0 ||
		   size_measure(&session.lab, &session.options, &session.report, &err) < 0) {
		status = cmd_fail(ctx, err.code == EINVAL ? CMD_USAGE : CMD_BROKEN, &err);
	} else {
		const struct size_report *report = &session.report;
		status = size_session_trouble(&session);
		if (values->json || report->found || report->n_trials || report->n_samples)
			print_result(&session, values->json);
	}
	return size_session_close(&session, status);
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
		 .bounds = bounds,
		 .max_args = SIZE_MAX,
		 .raw_args = true},
	.values_size = sizeof(struct size_values),
	.defaults = &defaults,
	.run = size_command,
};
