/*
 * oomlab pack: how many copies of a command fit into a memory. Only glue, as cmd_size.c.
 */
#include <errno.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/cmd/size_session.h"
#include "harness/exec/descriptors.h"
#include "harness/size/pack.h"
#include "harness/size/pack_command.h"

enum { COPIES_MAX = 1000000, COPIES = 1000, REPEAT_MAX = 1000, MEMORY_LEAST = 1 << 20 };

struct pack_values {
	struct size_common common; /* first */
	uint64_t memory, copies, repeat;
	const char *mark;
	bool estimate, json;
};

#define AT(field)     offsetof(struct pack_values, field)
#define COMMON(field) SIZE_COMMON_AT(field)

static const struct opt options[] = {
	{"memory", 'm', OPT_SIZE, AT(memory), "SIZE", "what they shall fit into (required)", NULL,
	 NULL},
	{"copies", 'c', OPT_U64, AT(copies), "N",
	 "never try more than this (default 1000; no end with --estimate)", NULL, NULL},
	{"repeat", 'r', OPT_U64, AT(repeat), "N",
	 "the number has to pass so many times in a row; 29 times is 95 % confidence that 90 % of "
	 "runs pass (default 1)",
	 NULL, NULL},
	{"estimate", '\0', OPT_FLAG, AT(estimate), NULL,
	 "run one, two and four copies and compute the rest: for memory that this machine does not "
	 "have",
	 NULL, NULL},
	{"replace", 'I', OPT_TEXT, AT(mark), "TEXT",
	 "what stands for the copy's number in the command and in the options below (default {}; "
	 "'' is nothing)",
	 NULL, NULL},
	{"for", '\0', OPT_DURATION, COMMON(for_ns), "TIME",
	 "the command is a server: each run takes so long and all have to be alive at the end",
	 NULL, NULL},
	{"timeout", 't', OPT_DURATION, COMMON(timeout_ns), "TIME",
	 "end a run after this long (default: the first never, others after 20 times its time, and "
	 "longer the more copies share a CPU)",
	 NULL, NULL},
	{"stdin", 'i', OPT_TEXT, COMMON(stdin_path), "FILE",
	 "what each copy reads (default: what oomlab reads when that is a file, else nothing)",
	 NULL, "file"},
	{"output-file", 'o', OPT_LIST, COMMON(outputs), "FILE",
	 "a file that each copy writes (out.{}): compared, as its output is", NULL, "file"},
	{"check", '\0', OPT_TEXT, COMMON(check), "COMMAND",
	 "a shell command that says for each copy, by 0, whether its result is right", NULL, NULL},
	{"status", '\0', OPT_U64, COMMON(status), "N",
	 "the exit status with which the command ends well (default 0)", NULL, NULL},
	{"swap", '\0', OPT_SIZE, COMMON(swap), "SIZE",
	 "let them, all together, swap so much, 'max': all there is (default 0: they may not)",
	 NULL, NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "print everything as one JSON object", NULL, NULL},
	{"quiet", 'q', OPT_FLAG, COMMON(quiet), NULL, "no live line", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, COMMON(colour), "WHEN",
	 "colour: auto (default), always or never", terminal_colours, NULL},
	{"cgroup-parent", '\0', OPT_TEXT, COMMON(parent), "GROUP",
	 "make all groups below this one instead of the first writable", NULL, "dir"},
	OPT_END,
};

static const struct opt_bound bounds[] = {
	{"memory", MEMORY_LEAST, INT64_MAX, "1M or more, and a limit"},
	{"copies", 1, COPIES_MAX, "1 to 1000000"},
	{"repeat", 1, REPEAT_MAX, "1 to 1000"},
	SIZE_TIME_BOUNDS,
	{NULL, 0, 0, NULL},
};

static const struct pack_values defaults = {
	.common = SIZE_COMMON_DEFAULTS, .repeat = 1, .mark = PACK_MARK};

static int check_values(const struct pack_values *values, struct err *err)
{
	if (values->memory == 0)
		return err_set(err, EINVAL, "--memory SIZE is missing: what shall they fit into?");
	return 0;
}

/* After the machine was looked at. */
static int check_memory(const struct size_session *session, const struct pack_values *values,
			struct err *err)
{
	char size[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];

	if (values->estimate || values->memory <= session->options.max_bytes)
		return 0;
	return err_set(err, EINVAL,
		       "--memory: no more than %s can be risked here, got %s; --estimate computes "
		       "more from a few copies",
		       format_size_short(session->options.max_bytes, size),
		       format_size(values->memory, got));
}

static void print_pack(struct size_session *session, const struct pack_report *report,
		       const struct pack_plan *plan, bool json)
{
	struct size_facts facts = size_session_facts(session);
	struct tell_view view = size_session_view(session);
	STR_AUTO text = STR_INIT;

	if (json) {
		json_t *root = pack_json(report, &session->report, plan, &session->options, &facts);
		(void)json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputs("\n", stdout);
		json_decref(root);
		return;
	}
	pack_text(report, &session->report, plan, &facts, &view, &text);
	(void)fputs(str_text(&text), stdout);
}

/* Not even one is an answer, and no good one. */
static int pack_status(struct size_session *session, const struct pack_report *report)
{
	struct err err = ERR_INIT;
	int status = size_session_trouble(session);

	if (status != CMD_OK || !report->found || report->copies > 0)
		return status;
	(void)err_set(&err, ENOMEM,
		      "not even one copy fits; 'oomlab size' finds the limit that one needs");
	return cmd_fail(session->ctx, CMD_FAILED, &err);
}

static uint64_t most_copies(const struct pack_values *values)
{
	if (values->copies)
		return values->copies;
	return values->estimate ? COPIES_MAX : COPIES;
}

static int pack_command(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	const struct pack_values *values = data;
	struct pack_plan plan = {values->memory, most_copies(values), values->repeat, values->mark,
				 values->estimate};
	struct pack_report report = {0};
	struct size_session session;
	struct err err = ERR_INIT;
	int status;

	if (size_session_prepare(&session, ctx, &values->common, argc, argv, &err) < 0 ||
	    check_values(values, &err) < 0) {
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if (descriptors_raise(&err) < 0 || size_session_open(&session, &err) < 0 ||
		   check_memory(&session, values, &err) < 0 ||
		   size_pack(&session.lab, &session.options, &plan, &session.report, &report,
			     &err) < 0) {
		status = cmd_fail(ctx, err.code == EINVAL ? CMD_USAGE : CMD_BROKEN, &err);
	} else {
		status = pack_status(&session, &report);
		if (values->json || report.one.passed || report.found)
			print_pack(&session, &report, &plan, values->json);
	}
	pack_report_clear(&report);
	return size_session_close(&session, status);
}

const struct cmd cmd_pack = {
	.opts = {.name = "pack",
		 .args = "--memory SIZE -- COMMAND [ARGUMENT...]",
		 .summary = "find how many copies of a command fit side by side in a given memory",
		 .description =
			 "Runs one copy and two without a limit; what they hold predicts how many "
			 "fit. Then so many are run at once in one group under the hard limit, let "
			 "go at the same moment, and one more; the answer is the largest number "
			 "that passed, next to the smallest that did not. A run passes when every "
			 "copy ends as one alone does without a limit, with the same output, and "
			 "the OOM killer killed nothing. Servers (--for) have to be alive at the "
			 "end.\n\n"
			 "Shared pages (programs, libraries, shared memory) are counted once, as "
			 "the kernel does; page cache is given back when it has to be.\n\n"
			 "Copies that write the same file or listen at the same port get in each "
			 "other's way. Wherever {} stands in the command it becomes the copy's "
			 "number, from 1; OOMLAB_COPY in its environment is the same. Copies that "
			 "end by themselves need not have their peaks at the same time: the result "
			 "also says how many fit when they do, and --repeat how reliable it is.",
		 .examples =
			 "oomlab pack --memory 4G -- sort -S 32M big.txt\thow many sorts\n"
			 "oomlab pack -m 1G -o out.{} -- sh -c 'xz -9 <in >out.{}'\ta file each\n"
			 "oomlab pack -m 2G --for 60s -- redis-server --port 7{}\tservers, a port "
			 "each\n"
			 "oomlab pack -m 64G --estimate -- cmd\tfor a larger machine\n",
		 .exit_status = "0\tfound\n1\tthe command fails without a limit, or not even one "
				"fits\n"
				"2\twrong command line, no such command\n3\tgroups cannot be made\n"
				"130\tinterrupted; what was known is printed\n",
		 .opts = options,
		 .bounds = bounds,
		 .max_args = SIZE_MAX,
		 .raw_args = true},
	.values_size = sizeof(struct pack_values),
	.defaults = &defaults,
	.run = pack_command,
};
