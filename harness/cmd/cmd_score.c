/*
 * oomlab score: what the OOM killer would compute now, who is next to die, and what would change
 * it. Reads only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/signals.h"
#include "harness/cmd/score_session.h"
#include "harness/exec/proc_text.h"

enum {
	TOP_AUTO = -1,
	TOP_ROWS = 20,
};

#define AT(field) offsetof(struct score_values, field)
static const char *const colours[] = {"auto", "always", "never", NULL};
static const struct opt options[] = {
	{"cgroup", 'c', OPT_TEXT, AT(cgroup), "PATH",
	 "only the memory cgroup PATH and all below it: a directory, or a path from the root of "
	 "the hierarchy",
	 NULL, "dir"},
	{"all", 'a', OPT_FLAG, AT(all), NULL, "all processes (the default)", NULL, NULL},
	{"top", 'n', OPT_I64, AT(top), "N",
	 "show N rows, 0: all, kernel threads too (default 20; --json: 0)", NULL, NULL},
	{"generation", '\0', OPT_TEXT, AT(generation), "VERSION",
	 "rank as this kernel would, such as 4.4 (default: as the one that runs)", NULL, NULL},
	{"watch", 'w', OPT_FLAG, AT(watch), NULL, "again and again until Ctrl-C", NULL, NULL},
	{"interval", 'i', OPT_DURATION, AT(interval_ns), "TIME",
	 "watch, and look this often (default 2s)", NULL, NULL},
	{"json", '\0', OPT_FLAG, AT(json), NULL, "one JSON object a look", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 colours, NULL},
	OPT_END,
};
#undef AT

static const struct score_values defaults = {.top = TOP_AUTO};

/* ---- watching ----------------------------------------------------------------------------- */

static void write_out(const struct str *out)
{
	fwrite(str_text(out), 1, out->len, stdout);
	fflush(stdout);
}

static void measure(struct score_session *session)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col;

	session->view.width = known ? size.ws_col : 0;
	session->view.height = known && session->values->watch ? size.ws_row : 0;
}

/* One write from the top of the screen on, in which no mode changes but for the wrap of lines. */
static void redraw(const struct str *text)
{
	STR_AUTO out = STR_INIT;

	str_add(&out, "\033[?7l\033[H");
	for (const char *line = str_text(text), *end; (end = strchr(line, '\n')); line = end + 1) {
		/* erased before: behind a full line it would erase the last column */
		str_add(&out, "\033[K");
		str_addn(&out, line, (size_t)(end - line) + 1);
	}
	str_add(&out, "\033[J\033[?7h");
	write_out(&out);
}

static void show_look(struct score_session *session)
{
	STR_AUTO text = STR_INIT;
	struct err err = ERR_INIT;
	const struct score_values *values = session->values;

	measure(session);
	if (values->watch && !values->json) {
		char now[64];
		time_t seconds = time(NULL);
		struct tm tm;
		strftime(now, sizeof(now), "%F %T", localtime_r(&seconds, &tm));
		str_addf(&text, "%s\n", now);
	}
	bool asked = session->n_pids > 0;
	if (score_look(session, &text, &err) < 0) {
		session->status = cmd_fail(session->ctx, CMD_BROKEN, &err);
		session->ended = true;
	} else if (asked && session->n_pids == 0) {
		session->ended = true; /* nobody is left of those asked for */
	} else if (values->watch && session->terminal && !values->json) {
		redraw(&text);
	} else {
		if (values->watch && !values->json)
			str_add(&text, "\n");
		write_out(&text);
	}
	if (fd_reader_gone(STDOUT_FILENO))
		session->ended = true;
}

static void on_timer(void *data, int fd, uint32_t events)
{
	uint64_t ticks;

	(void)events;
	if (read(fd, &ticks, sizeof(ticks)) == sizeof(ticks))
		show_look(data);
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct score_session *session = data;

	(void)fd, (void)events;
	session->ended = true;
}

static int open_ticks(uint64_t every_ns, struct err *err)
{
	struct timespec every = {.tv_sec = (time_t)(every_ns / 1000000000ULL),
				 .tv_nsec = (long)(every_ns % 1000000000ULL)};
	struct itimerspec timer = {every, every};
	FD_AUTO fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &timer, NULL) < 0)
		return err_errno(err, errno, "timerfd");
	return fd_take(&fd);
}

static int watch(struct score_session *session, struct err *err)
{
	struct loop *loop = NULL;
	struct loop_source *source;
	FD_AUTO signals = signals_open(0, NULL, err);
	FD_AUTO ticks = signals < 0 ? -1 : open_ticks(session->values->interval_ns, err);

	int rc = signals < 0 ? signals : ticks < 0 ? ticks : loop_new(&loop, err);
	if (rc >= 0)
		rc = loop_add(loop, ticks, EPOLLIN, on_timer, session, &source, err);
	if (rc >= 0)
		rc = loop_add(loop, signals, EPOLLIN, on_signal, session, &source, err);
	if (rc >= 0 && session->terminal && !session->values->json)
		fputs("\033[H\033[2J", stdout);
	if (rc >= 0)
		show_look(session);
	while (rc >= 0 && !session->ended) {
		rc = loop_wait(loop, UINT64_MAX, err);
		rc = rc == -EINTR ? 0 : rc;
	}
	loop_free(loop);
	return rc;
}

/* ---- command line --------------------------------------------------------------------------- */

/* A thread's id means its process. */
static int64_t process_of(int64_t pid)
{
	char path[64], text[4096];
	struct err err = ERR_INIT;
	struct proc_status status;

	snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	int n = fd_read_text(AT_FDCWD, path, text, sizeof(text), &err);
	if (n <= 0)
		return pid;
	proc_parse_status(text, (size_t)n, &status);
	return status.tgid ? status.tgid : pid;
}

static int parse_pids(struct score_session *session, int argc, char **argv, struct err *err)
{
	session->pids = mem_zero((size_t)argc + 1, sizeof(*session->pids));
	for (int i = 0; i < argc; i++) {
		int64_t pid;
		if (parse_i64(argv[i], 1, INT32_MAX, &pid, err) < 0)
			return err_set(err, EINVAL, "expected the number of a process, got '%s'",
				       argv[i]);
		session->pids[session->n_pids++] = process_of(pid);
	}
	return 0;
}

static int choose_rules(struct score_session *session, struct err *err)
{
	struct score *score = &session->score;
	const char *wanted = session->values->generation;
	enum badness_generation own, asked;

	score->release = session->kernel.release;
	int rc = badness_generation(score->release, &own, err);
	if (rc < 0)
		return rc;
	asked = own;
	if (wanted && badness_generation_parse(wanted, &asked, err) < 0)
		return err_wrap(err, "--generation");
	score->kernel_rules = badness_rules(own);
	score->rules = badness_rules(asked);
	score->forced = wanted != NULL;
	if (!score->rules->recomputable)
		return err_set(err, EINVAL,
			       "--generation: %s counted run time and nodes, which is not done "
			       "here; 2.6.36 is the oldest",
			       score->rules->name);
	return 0;
}

/* What is wrong with the command line; nothing has been read yet. */
static int prepare(struct score_session *session, int argc, char **argv, struct err *err)
{
	const struct score_values *values = session->values;
	int rc = parse_pids(session, argc, argv, err);

	if (rc < 0)
		return rc;
	if ((argc > 0) + (values->cgroup != NULL) + values->all > 1)
		return err_set(err, EINVAL, "expected one of PID..., --cgroup and --all");
	if (values->top < TOP_AUTO || values->top > INT32_MAX)
		return err_set(err, EINVAL, "--top: expected a number of rows, or 0 for all");
	session->score.top = values->top != TOP_AUTO ? (size_t)values->top
			     : values->json	     ? 0
						     : TOP_ROWS;
	session->score.places = session->n_pids > 0;
	return choose_rules(session, err);
}

static int open_score(struct score_session *session, struct err *err)
{
	struct score *score = &session->score;
	char dir[PATH_MAX];
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);

	int rc = root < 0 ? root : cg_host_open(root, NULL, &score->groups, err);
	if (rc >= 0 && session->values->cgroup)
		rc = cg_memory_dir_find(score->groups, session->values->cgroup, dir, sizeof(dir),
					err);
	if (rc >= 0)
		rc = score_open(score, session->values->cgroup ? dir : NULL, err);
	return rc;
}

static bool use_colour(const struct score_session *session)
{
	const char *refused = getenv("NO_COLOR"); /* no-color.org: when not empty */

	if (session->values->colour)
		return session->values->colour == 1;
	return session->terminal && !(refused && *refused);
}

static int score_run(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	struct score_values *values = data;
	struct score_session session = {.ctx = ctx, .values = values, .status = CMD_OK};
	const char *term = getenv("TERM");
	struct err err = ERR_INIT;
	int rc;

	session.terminal = isatty(STDOUT_FILENO) && term && *term && !str_eq(term, "dumb");
	session.view.colour = use_colour(&session);
	values->watch |= values->interval_ns > 0;
	values->interval_ns = values->interval_ns ? values->interval_ns : 2000000000ULL;
	(void)uname(&session.kernel);
	if (prepare(&session, argc, argv, &err) < 0) {
		session.status = cmd_fail(ctx, CMD_USAGE, &err);
	} else if ((rc = open_score(&session, &err)) < 0) {
		session.status = cmd_fail(ctx, rc == -ENOENT ? CMD_FAILED : CMD_BROKEN, &err);
	} else if (!values->watch) {
		show_look(&session);
	} else if (watch(&session, &err) < 0) {
		session.status = cmd_fail(ctx, CMD_BROKEN, &err);
	}
	score_close(&session.score);
	cg_host_free(session.score.groups);
	free(session.pids);
	return session.status == CMD_OK && session.lost ? CMD_FAILED : session.status;
}

const struct cmd cmd_score = {
	.opts = {.name = "score",
		 .args = "[PID...]",
		 .summary = "rank processes as the OOM killer would now, and say who is next",
		 .description =
			 "Computes every process's badness from /proc as the kernel that runs "
			 "would, shows /proc/PID/oom_score beside its own calculation (marked ! "
			 "where they differ, ~ where the process changes or the kernel's counters "
			 "explain it), and says who would be chosen next, by what margin, how "
			 "sure that is, and at which oom_score_adj it would change.\n\n"
			 "With PIDs: their place on the machine and in each memory cgroup with a "
			 "limit that they are in. POINTS are pages, as the kernel counts: resident "
			 "memory, swap, page tables, and oom_score_adj in thousandths of what "
			 "there "
			 "is. Changes nothing and needs no privileges.",
		 .examples =
			 "oomlab score\tthe machine\n"
			 "oomlab score --cgroup /system.slice\twho dies at that group's limit\n"
			 "oomlab score $(pidof postgres)\twhere it stands, and in which groups\n"
			 "oomlab score --watch --top 10\tas it changes\n",
		 .exit_status = "0\tshown\n1\ta given process or group does not exist\n"
				"2\twrong command line\n3\t/proc or the control groups cannot be "
				"read\n",
		 .opts = options,
		 .max_args = SIZE_MAX},
	.values_size = sizeof(struct score_values),
	.defaults = &defaults,
	.run = score_run,
};
