/*
 * What 'oomlab size' and 'oomlab sweep' have in common: the options about the command and its runs,
 * the host with its group, where troubles go.
 */
#ifndef OOMLAB_CMD_SIZE_SESSION_H
#define OOMLAB_CMD_SIZE_SESSION_H

#include <sys/utsname.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/terminal.h"
#include "harness/size/measure.h"
#include "harness/size/tell.h"

/* The first member of a command's values, so that offsets in it are those in the values. */
struct size_common {
	int colour;
	uint64_t step, max, timeout_ns, for_ns, status, swap;
	const char *stdin_path, *check, *parent, *save;
	struct opt_list outputs, cold;
	bool quiet;
};

#define SIZE_COMMON_DEFAULTS    \
	{                       \
		.step = 1 << 20 \
	}

#define SIZE_COMMON_AT(field) offsetof(struct size_common, field)
/* Rows of an option table. */
/* clang-format off */
#define SIZE_COMMON_OPTIONS \
	{"step", '\0', OPT_SIZE, SIZE_COMMON_AT(step), "SIZE", \
	 "resolution (default 1M; at least 256K)", NULL, NULL}, \
	{"max", '\0', OPT_SIZE, SIZE_COMMON_AT(max), "SIZE", \
	 "never let it have more (default: 90 % of the memory that is available)", NULL, NULL}, \
	{"timeout", 't', OPT_DURATION, SIZE_COMMON_AT(timeout_ns), "TIME", \
	 "end a run after this long (default: the first never, others after 20 times its time)", \
	 NULL, NULL}, \
	{"for", '\0', OPT_DURATION, SIZE_COMMON_AT(for_ns), "TIME", \
	 "the command is a server: each run takes so long and it has to be alive at the end", \
	 NULL, NULL}, \
	{"stdin", 'i', OPT_TEXT, SIZE_COMMON_AT(stdin_path), "FILE", \
	 "what the command reads in each run (default: what oomlab reads when that is a file, " \
	 "else nothing)", NULL, "file"}, \
	{"output-file", 'o', OPT_LIST, SIZE_COMMON_AT(outputs), "FILE", \
	 "a file that the command writes: compared between runs, as its output is", NULL, "file"}, \
	{"check", '\0', OPT_TEXT, SIZE_COMMON_AT(check), "COMMAND", \
	 "a shell command that says after each run, by 0, whether the result is right", NULL, \
	 NULL}, \
	{"status", '\0', OPT_U64, SIZE_COMMON_AT(status), "N", \
	 "the exit status with which the command ends well (default 0)", NULL, NULL}, \
	{"cold", '\0', OPT_LIST, SIZE_COMMON_AT(cold), "FILE", \
	 "drop this input from the page cache before each run, so that it is charged to it", NULL, \
	 "file"}, \
	{"swap", '\0', OPT_SIZE, SIZE_COMMON_AT(swap), "SIZE", \
	 "let it swap so much, 'max': all there is (default 0: it may not swap)", NULL, NULL}, \
	{"save", '\0', OPT_TEXT, SIZE_COMMON_AT(save), "FILE", \
	 "add each run to this file as it ends; the same command line again goes on from there, " \
	 "another command, program, input or machine is refused", NULL, "file"}, \
	{"quiet", 'q', OPT_FLAG, SIZE_COMMON_AT(quiet), NULL, "no live line", NULL, NULL}, \
	{"colour", '\0', OPT_CHOICE, SIZE_COMMON_AT(colour), "WHEN", \
	 "colour: auto (default), always or never", terminal_colours, NULL}, \
	{"cgroup-parent", '\0', OPT_TEXT, SIZE_COMMON_AT(parent), "GROUP", \
	 "make all groups below this one instead of the first writable", NULL, "dir"}
/* Rows of a table of bounds. A time so long that a clock cannot reach it is no time. */
#define SIZE_TIME_BOUNDS \
	{"timeout", 1000000, SIZE_TIME_MAX_NS, "1ms to 8760h"}, \
	{"for", 1000000, SIZE_TIME_MAX_NS, "1ms to 8760h"}, \
	{"status", 0, 255, "0 to 255"}
#define SIZE_COMMON_BOUNDS \
	{"max", 1, UINT64_MAX, "a size above 0"}, \
	{"step", 1, INT64_MAX, "a size above 0"}, \
	SIZE_TIME_BOUNDS
/* clang-format on */

#define SIZE_TIME_MAX_NS (8760ULL * 3600 * 1000000000)

enum { SIZE_EXIT_INTERRUPTED = 130 };

struct size_session {
	struct cmd_ctx *ctx;
	const struct size_common *common;
	struct cg_host *host;
	struct size_lab lab;
	bool has_lab;
	struct size_options options;
	struct size_report report;
	char *program, **words, *kernel_text;
	char thp[16];
	struct utsname kernel;
	const char **named; /* words that may be files, for --save */
	bool live;
};

/* Checks the common options and finds the command; fills session->options as far as they go.
 * Nothing has been touched. */
int size_session_prepare(struct size_session *session, struct cmd_ctx *ctx,
			 const struct size_common *common, int argc, char **argv, struct err *err);
/* Opens the host and the lab; -EINVAL: an option does not fit this machine. */
int size_session_open(struct size_session *session, struct err *err);
/* What holds for the numbers; points into the session. */
struct size_facts size_session_facts(struct size_session *session);
struct tell_view size_session_view(const struct size_session *session);
/* Prints a trouble of the command; returns the exit status, CMD_OK without one. */
int size_session_trouble(const struct size_session *session);
/* Puts everything back and frees; 'status', or CMD_BROKEN when something could not be put back. */
int size_session_close(struct size_session *session, int status);

#endif
