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
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/parse.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/score.h"
#include "harness/cmd/score_json.h"
#include "harness/exec/proc_text.h"
#include "harness/record/text.h"

enum {
	TOP_AUTO = -1,
	TOP_ROWS = 20,
	TEXT_WIDTH = 80,
	WATCH_FIXED = 12, /* lines of a watched screen that are no rows */
};

struct score_values {
	const char *cgroup, *generation;
	int64_t top;
	uint64_t interval_ns;
	int colour;
	bool all, json, watch;
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

struct session {
	struct cmd_ctx *ctx;
	const struct score_values *values;
	struct utsname kernel;
	struct score score;
	int64_t *pids;
	size_t n_pids;
	bool lost; /* a given process was not there */
	bool terminal;
	struct score_view view;
	struct loop *loop;
	int status;
	bool ended;
};

/* ---- one look ------------------------------------------------------------------------------- */

static void write_out(const struct str *out)
{
	fwrite(str_text(out), 1, out->len, stdout);
	fflush(stdout);
}

/* Breaks lines of sentences at blanks. */
static void add_wrapped(struct str *out, const char *lines, size_t width)
{
	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
		while (width && (size_t)(end - lines) > width) {
			const char *cut = memrchr(lines, ' ', width + 1);
			if (!cut || cut == lines)
				break;
			str_addn(out, lines, (size_t)(cut - lines));
			str_add(out, "\n");
			lines = cut + 1;
		}
		str_addn(out, lines, (size_t)(end - lines) + 1);
	}
}

typedef void (*place_fn)(void *data, const struct score_scope *scope, const struct score_row *row);

/* The groups with a limit that a process is in, the nearest first. */
static void each_place(struct session *session, int64_t pid, place_fn fn, void *data)
{
	char dir[PATH_MAX];
	struct err err = ERR_INIT;

	if (cg_memory_dir_of(session->score.groups, (pid_t)pid, dir, sizeof(dir), &err) < 0)
		return;
	while (!str_eq(cg_memory_path(session->score.groups, dir), "/")) {
		struct score_scope scope;
		if (score_scope_open(&session->score, dir, &scope, &err) < 0)
			return;
		if (score_scope_read(&session->score, &scope, &err) >= 0 && scope.limited) {
			const struct score_row *row = score_find(&scope, pid);
			if (row)
				fn(data, &scope, row);
		}
		score_scope_close(&scope);
		*strrchr(dir, '/') = '\0';
	}
}

static void place_text(void *data, const struct score_scope *scope, const struct score_row *row)
{
	score_tell_place(scope, row, data);
}

static void place_json(void *data, const struct score_scope *scope, const struct score_row *row)
{
	json_array_append_new(data, score_place_json(scope, row));
}

static void add_text(struct session *session, struct str *out)
{
	const struct score *score = &session->score;
	const struct score_scope *scope = &score->main;
	STR_AUTO sentences = STR_INIT;

	score_show(score, scope, session->pids, session->n_pids, &session->view, out);
	str_add(out, "\n");
	for (size_t i = 0; i < session->n_pids; i++) {
		const struct score_row *row = score_find(scope, session->pids[i]);
		if (!row)
			continue;
		score_tell_place(scope, row, &sentences);
		each_place(session, session->pids[i], place_text, &sentences);
	}
	if (session->n_pids == 0)
		score_tell(score, scope, &sentences);
	score_tell_differences(score, scope, &sentences);
	add_wrapped(out, str_text(&sentences), session->view.width ? session->view.width : 0);
}

static void add_json(struct session *session, struct str *out)
{
	const struct score *score = &session->score;
	json_t *json = score_json(score, &score->main, session->pids, session->n_pids);
	json_t *places = json_array();
	size_t flags = session->values->watch ? JSON_COMPACT : JSON_INDENT(2);

	for (size_t i = 0; i < session->n_pids; i++)
		each_place(session, session->pids[i], place_json, places);
	json_object_set_new(json, "places", places);
	char *text = json_dumps(json, flags | JSON_PRESERVE_ORDER);
	if (text) {
		str_add(out, text);
		str_add(out, "\n");
	}
	free(text);
	json_decref(json);
}

/* Names what is not there, once. */
static void check_pids(struct session *session)
{
	size_t kept = 0;

	for (size_t i = 0; i < session->n_pids; i++) {
		if (score_find(&session->score.main, session->pids[i])) {
			session->pids[kept++] = session->pids[i];
			continue;
		}
		session->lost = true;
		fprintf(stderr, "%s score: no process %lld%s\n", session->ctx->prog,
			(long long)session->pids[i],
			session->score.main.c->hidden ? ", or it may not be read" : "");
	}
	session->n_pids = kept;
}

static int look(struct session *session, struct str *out, struct err *err)
{
	struct score *score = &session->score;
	bool by_pid = session->n_pids > 0;

	int rc = score_scope_read(score, &score->main, err);
	if (rc < 0)
		return rc;
	check_pids(session);
	if (by_pid && session->n_pids == 0)
		return 0;
	score_check(score, &score->main, session->pids, session->n_pids);
	if (session->values->json)
		add_json(session, out);
	else
		add_text(session, out);
	return 0;
}

/* ---- watching ------------------------------------------------------------------------------- */

static void measure(struct session *session)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col;

	session->view.width = known ? size.ws_col : 0;
	session->view.height = known && session->values->watch && size.ws_row > WATCH_FIXED
				       ? size.ws_row - (size_t)WATCH_FIXED
				       : 0;
}

/* One write from the top of the screen on, in which no mode changes but for the wrap of lines. */
static void redraw(const struct str *text)
{
	STR_AUTO out = STR_INIT;

	str_add(&out, "\033[?7l\033[H");
	for (const char *line = str_text(text), *end; (end = strchr(line, '\n')); line = end + 1) {
		str_addn(&out, line, (size_t)(end - line));
		str_add(&out, "\033[K\n");
	}
	str_add(&out, "\033[J\033[?7h");
	write_out(&out);
}

static void show_look(struct session *session)
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
	if (look(session, &text, &err) < 0) {
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
	struct session *session = data;

	(void)fd, (void)events;
	session->ended = true;
}

static int watch(struct session *session, struct err *err)
{
	uint64_t every = session->values->interval_ns;
	struct itimerspec timer = {.it_interval = {.tv_sec = (time_t)(every / 1000000000ULL),
						   .tv_nsec = (long)(every % 1000000000ULL)}};
	struct loop_source *sources[2];
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	FD_AUTO signals = signalfd(-1, &set, SFD_CLOEXEC);
	FD_AUTO ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timer.it_value = timer.it_interval;
	if (signals < 0 || ticks < 0 || timerfd_settime(ticks, 0, &timer, NULL) < 0)
		return err_errno(err, errno, "cannot wait");
	if ((rc = loop_new(&session->loop, err)) < 0 ||
	    (rc = loop_add(session->loop, ticks, EPOLLIN, on_timer, session, &sources[0], err)) <
		    0 ||
	    (rc = loop_add(session->loop, signals, EPOLLIN, on_signal, session, &sources[1], err)) <
		    0)
		return rc;
	if (session->terminal && !session->values->json)
		fputs("\033[H\033[2J", stdout);
	show_look(session);
	while (!session->ended && rc >= 0) {
		rc = loop_wait(session->loop, UINT64_MAX, err);
		rc = rc == -EINTR ? 0 : rc;
	}
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

static int parse_pids(struct session *session, int argc, char **argv, struct err *err)
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

static int choose_rules(struct session *session, struct err *err)
{
	struct score *score = &session->score;
	const char *wanted = session->values->generation;
	enum badness_generation own, asked;

	score->release = session->kernel.release;
	int rc = badness_generation(score->release, &own, err);
	if (rc < 0)
		return rc;
	asked = own;
	if (wanted && (rc = badness_generation_parse(wanted, &asked, err)) < 0)
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
static int prepare(struct session *session, int argc, char **argv, struct err *err)
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
	return choose_rules(session, err);
}

static int open_score(struct session *session, struct err *err)
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

static bool use_colour(const struct session *session)
{
	const char *refused = getenv("NO_COLOR"); /* no-color.org: when not empty */

	if (session->values->colour)
		return session->values->colour == 1;
	return session->terminal && !(refused && *refused);
}

static int score_run(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	struct score_values *values = data;
	struct session session = {.ctx = ctx, .values = values, .status = CMD_OK};
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
	loop_free(session.loop);
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
