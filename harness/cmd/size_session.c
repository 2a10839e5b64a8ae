/*
 * See size_session.h.
 */
#include "harness/cmd/size_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "harness/cmd/size_save.h"
#include "harness/exec/host.h"
#include "harness/size/estimate.h"
#include "harness/size/memo.h"

enum { CHARGE_BATCH_PAGES = 64, TAIL_LINES = 5 };
/* Of what is available, the most that is risked: the rest is for everybody else. */
enum { RISK_PERCENT = 90 };

/* ---- the command line ---------------------------------------------------------------------- */

/* Of a folder nothing would be dropped, and the result would say cold. */
static int check_cold(const char *path, struct err *err)
{
	struct stat st;

	if (access(path, R_OK) < 0 || stat(path, &st) < 0)
		return err_errno(err, errno, "--cold '%s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(err, EINVAL, "--cold '%s': expected a file", path);
	return 0;
}

static int check_common(const struct size_common *common, const char *name, int argc,
			struct err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), finest = CHARGE_BATCH_PAGES * page;
	char got[PARSE_TEXT_MAX];

	if (argc == 0)
		return err_set(err, EINVAL, "expected a command, as in: oomlab %s -- sort big",
			       name);
	if (common->step < finest || common->step % page)
		return err_set(
			err, EINVAL,
			"--step: expected whole pages, at least %llu KiB, got %s: the kernel "
			"charges in batches of %d pages",
			(unsigned long long)finest / 1024, format_size(common->step, got),
			CHARGE_BATCH_PAGES);
	if (common->stdin_path && access(common->stdin_path, R_OK) < 0)
		return err_errno(err, errno, "--stdin '%s'", common->stdin_path);
	for (size_t i = 0; i < common->cold.n; i++)
		if (check_cold(common->cold.text[i], err) < 0)
			return -err->code;
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

static void read_thp(char *buf, size_t size)
{
	char text[64];
	struct err err;
	int n = fd_read_text(-1, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text),
			     &err);
	const char *from = n > 0 ? strchr(text, '[') : NULL;

	snprintf(buf, size, "%.*s", from ? (int)strcspn(from + 1, "]") : 0, from ? from + 1 : "");
}

/* Hours are not told to the millisecond. */
static const char *about_time(uint64_t ns, char *buf)
{
	uint64_t minutes = ns / 60000000000ULL;

	if (minutes < 2)
		return format_duration(ns, buf);
	if (minutes < 120)
		snprintf(buf, PARSE_TEXT_MAX, "%um", (unsigned int)minutes);
	else
		snprintf(buf, PARSE_TEXT_MAX, "%uh %02um", (unsigned int)(minutes / 60),
			 (unsigned int)(minutes % 60));
	return buf;
}

static void on_progress(void *data, const char *line)
{
	const struct size_session *session = data;
	struct estimate left = estimate_left(&session->report, &session->options);
	char time[PARSE_TEXT_MAX];

	fprintf(stderr, "\r\033[Krun %u: %s", session->report.runs + 1, line);
	if (left.runs)
		fprintf(stderr, "; about %u left, %s", left.runs, about_time(left.ns, time));
	(void)fflush(stderr);
}

int size_session_prepare(struct size_session *session, struct cmd_ctx *ctx,
			 const struct size_common *common, int argc, char **argv, struct err *err)
{
	struct size_options *to = &session->options;

	*session = (struct size_session){.ctx = ctx, .common = common};
	(void)uname(&session->kernel);
	read_thp(session->thp, sizeof(session->thp));
	if (check_common(common, ctx->cmd->opts.name, argc, err) < 0 ||
	    find_program(argv[0], &session->program, err) < 0)
		return -err->code;
	session->words = mem_zero((size_t)argc + 1, sizeof(*session->words));
	memcpy(session->words, argv, (size_t)argc * sizeof(*argv));
	to->command = (struct size_command){.argv = session->words,
					    .program = session->program,
					    .stdin_path = common->stdin_path ? common->stdin_path
									     : own_stdin(),
					    .outputs = common->outputs.text,
					    .n_outputs = common->outputs.n,
					    .cold = common->cold.text,
					    .n_cold = common->cold.n,
					    .check = common->check,
					    .for_ns = common->for_ns};
	to->step_bytes = common->step;
	to->max_bytes = common->max;
	to->timeout_ns = common->timeout_ns;
	to->expected_status = (int)common->status;
	to->thp_always = str_eq(session->thp, "always");
	to->swap = common->swap > 0;
	to->swap_bytes = common->swap;
	session->live = !common->quiet && terminal_is(stderr);
	to->progress = session->live ? on_progress : NULL;
	to->data = session;
	return 0;
}

/* ---- the host ------------------------------------------------------------------------------ */

/* A limit that nothing stands behind would be answered as one with swap. */
static int check_swap(const struct size_session *session, struct err *err)
{
	const struct size_options *options = &session->options;
	uint64_t free_bytes = session->lab.swap_free_bytes;
	char size[PARSE_TEXT_MAX];

	if (options->swap && !session->lab.has_swap)
		return err_set(err, EINVAL,
			       "--swap: this machine has none: turn some on "
			       "(swapon), or use a machine that has ('oomlab vm --swap')");
	if (options->swap && options->swap_bytes != UINT64_MAX && options->swap_bytes > free_bytes)
		return err_set(err, EINVAL, "--swap: only %s are free here",
			       format_size_short(free_bytes, size));
	return 0;
}

static int choose_ceiling(struct size_session *session, struct err *err)
{
	struct size_options *to = &session->options;
	uint64_t available = session->lab.available_bytes / 100 * RISK_PERCENT;
	uint64_t asked = to->max_bytes ? to->max_bytes : available;
	char size[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];

	if (asked > available)
		return err_set(err, EINVAL,
			       "--max: no more than %s of memory can be risked here, got %s",
			       format_size_short(available, size), format_size(asked, got));
	if (asked / 2 < to->step_bytes)
		return err_set(err, EINVAL, "%s: expected at least two steps of %s, got %s",
			       to->max_bytes ? "--max" : "--step: of the memory that can be risked",
			       format_size(to->step_bytes, size), format_size(asked, got));
	to->max_bytes = asked - asked % to->step_bytes;
	return 0;
}

int size_session_open(struct size_session *session, struct err *err)
{
	MEM_AUTO char *id = cmd_run_id();
	const char *parent = session->common->parent;
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, err);
	int r = root < 0 ? root : cg_host_open(root, parent, &session->host, err);

	if (r < 0)
		return r;
	cmd_recover(session->host);
	session->has_lab = true;
	r = lab_open(&session->lab, session->host, id, parent, err);
	if (r >= 0)
		r = choose_ceiling(session, err);
	if (r >= 0)
		r = check_swap(session, err);
	session->lab.memo = memo_new();
	if (r < 0 || !session->common->save)
		return r;
	return size_save_open(session, err);
}

/* ---- the result ---------------------------------------------------------------------------- */

struct size_facts size_session_facts(struct size_session *session)
{
	if (!session->kernel_text)
		session->kernel_text =
			mem_printf("%s %s", session->kernel.sysname, session->kernel.release);
	return (struct size_facts){.kernel = session->kernel_text,
				   .groups = cg_host_describe(session->host),
				   .thp = session->thp,
				   .has_swap = session->lab.has_swap,
				   .swap = session->options.swap,
				   .cold = session->options.command.n_cold > 0};
}

struct tell_view size_session_view(const struct size_session *session)
{
	return (struct tell_view){.width = terminal_width(stdout),
				  .colour = terminal_colour(stdout, session->common->colour),
				  .unicode = terminal_unicode()};
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

int size_session_trouble(const struct size_session *session)
{
	const struct size_report *report = &session->report;
	struct err err = ERR_INIT;

	if (report->trouble == SIZE_FINE)
		return CMD_OK;
	(void)err_set(&err, EINVAL, "%s", report->why);
	(void)cmd_fail(session->ctx, CMD_FAILED, &err);
	if (report->trouble == SIZE_FAILS)
		cmd_print_clean(stderr, last_lines(report->free.tail));
	return report->trouble == SIZE_INTERRUPTED ? SIZE_EXIT_INTERRUPTED : CMD_FAILED;
}

int size_session_close(struct size_session *session, int status)
{
	STR_AUTO warnings = STR_INIT;

	if (session->live)
		fputs("\r\033[K", stderr);
	if (session->has_lab)
		lab_close(&session->lab, &warnings);
	if (warnings.len) {
		fprintf(stderr, "oomlab %s: could not put everything back:\n%s",
			session->ctx->cmd->opts.name, str_text(&warnings));
		status = CMD_BROKEN;
	}
	size_save_close(session);
	size_report_clear(&session->report);
	cg_host_free(session->host);
	free(session->program);
	free(session->words);
	free(session->kernel_text);
	return status;
}
