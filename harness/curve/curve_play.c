/*
 * See curve_play.h.
 */
#include "harness/curve/curve_play.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "harness/curve/curve_internal.h"

/* Time for all hogs to be told the same zero before it comes. */
#define LEAD_NS	      20000000ULL
#define READY_NS      10000000000ULL
#define GROUP_GONE_NS 20000000000ULL

static uint64_t now_of_curve(const struct play *play, uint64_t now_ns)
{
	return now_ns > play->zero_ns ? (now_ns - play->zero_ns) * play->options->speed : 0;
}

static uint64_t clock_of(const struct play *play, uint64_t t_ns)
{
	return play->zero_ns + t_ns / play->options->speed;
}

/* ---- deaths -------------------------------------------------------------------------------- */

static void trouble(struct play *play, size_t role, int status)
{
	struct play_result *ret = play->ret;
	const char *name = play->set->roles[role].name;

	play->over = true;
	if (ret->trouble[0])
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		snprintf(ret->trouble, sizeof(ret->trouble),
			 "somebody killed '%s' (SIGKILL), and the OOM killer was not it: neither "
			 "the kernel's log nor the group's counter has it",
			 name);
	else
		snprintf(ret->trouble, sizeof(ret->trouble), "'%s' ended by itself: %s %d", name,
			 WIFSIGNALED(status) ? "signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* Its end alone makes no OOM kill: the log has its pid, or the counter has one more. */
static void died(struct play *play, size_t role, int status)
{
	struct play_result *ret = play->ret;
	const struct task *task = &play->tasks[role];
	struct cg_vitals vitals;
	struct err err;

	play->gone[role] = true;
	play_log_read(play);
	const struct play_kill *kill = play_log_kill(play, task->pid);
	bool counted = cg_vitals(play->group, &vitals, &err) >= 0 &&
		       vitals.oom_kill != UINT64_MAX && vitals.oom_kill > ret->n_deaths;
	if (play->over)
		return;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || (!kill && !counted)) {
		trouble(play, role, status);
		return;
	}
	struct play_death *death = &ret->deaths[ret->n_deaths++];
	*death = (struct play_death){
		.role = role,
		.pid = task->pid,
		.at_ns = task->status->pattern_ns,
		.by_log = kill != NULL,
		.by_count = counted,
		.anon_rss_bytes = kill ? kill->anon_rss_bytes : UINT64_MAX,
		.usage_bytes = kill ? kill->usage_bytes : UINT64_MAX,
		.limit_bytes = kill ? kill->limit_bytes : UINT64_MAX,
	};
	for (size_t i = 0; i < play->n_tasks; i++)
		if (!play->gone[i] || i == role)
			death->held_bytes[i] =
				play->tasks[i].status->touched_pages * play->set->page_size;
	play->over = ret->n_deaths >= play->options->deaths || ret->n_deaths == play->n_tasks;
}

static void reap(struct play *play)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (pid == play->lab->guardian.pid)
			play->lab->guardian.pid = 0; /* somebody ended it: nothing to wait for */
		for (size_t i = 0; i < play->n_tasks; i++)
			if (play->tasks[i].pid == pid && !play->gone[i])
				died(play, i, status);
	}
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct play *play = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			play->lab->interrupted = play->ret->interrupted = true;
			play->over = true;
		}
	reap(play);
}

static void on_log(void *data, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	play_log_read(data);
}

/* ---- start --------------------------------------------------------------------------------- */

static char **hog_words(const struct play *play, const struct curve_role *role)
{
	const struct play_options *options = play->options;
	char **words = mem_zero(8, sizeof(*words));
	size_t n = 0;

	words[n++] = mem_printf("--csv=%s", role->path);
	words[n++] = mem_printf("--column=%u", role->column);
	words[n++] = mem_printf("--speed=%" PRIu64, options->speed);
	words[n++] = mem_printf("--tick=%" PRIu64 "ns", options->tick_ns);
	words[n++] = mem_printf("--period=%" PRIu64 "ns", role->curve.period_ns);
	words[n++] = mem_printf("--days=%llu", options->horizon_ns / CURVE_DAY_NS + 1);
	if (role->leak.bytes)
		words[n++] = mem_printf("--leak=%" PRIu64 "/%s", role->leak.bytes,
					curve_leak_unit(&role->leak));
	return words;
}

static int make_group(struct play *play, struct err *err)
{
	char text[32];
	int r = cg_create(play->lab->host, play->lab->top, "curve", &play->group, err);

	snprintf(text, sizeof(text), "%" PRIu64, play->set->limit_bytes);
	if (r >= 0 && play->lab->has_swap)
		r = cg_set(play->group, "memory.swap.max", "0", err);
	return r < 0 ? r : cg_set(play->group, "memory.max", text, err);
}

static int spawn(struct play *play, size_t i, struct err *err)
{
	const struct curve_role *role = &play->set->roles[i];

	play->argv[i] = hog_words(play, role);
	play->plans[i] = (struct plan_task){.name = role->name,
					    .wl = wl_find("curve"),
					    .argv = play->argv[i],
					    .has_adj = true,
					    .oom_score_adj = role->adj,
					    .node = -1,
					    .cpu = -1,
					    .confine = true};
	return task_spawn(&play->tasks[i], &play->plans[i], play->options->hog, 0, play->group,
			  err);
}

/* Its first receipt: ready, or why not. */
static int wait_ready(struct play *play, size_t i, uint64_t deadline_ns, struct err *err)
{
	struct task *task = &play->tasks[i];
	struct hog_receipt receipt;
	int r;

	while ((r = task_receipt(task, &receipt)) == 0 && !play->over && !play->gone[i]) {
		if (clock_ns() >= deadline_ns)
			return err_set(err, ETIMEDOUT, "'%s' is not ready", task->plan->name);
		(void)loop_wait(play->loop, deadline_ns, err);
	}
	if (play->ret->interrupted)
		return 0;
	if (r == 1 && receipt.state == HOG_STATE_READY)
		return 0;
	if (r == 1)
		return err_set(err, EIO, "'%s': %.*s", task->plan->name, HOG_MESSAGE_MAX,
			       task->status->message);
	return err_set(err, ENOMEM, "'%s' did not come to its start: is the limit too low?",
		       task->plan->name);
}

/* The receipts only wake the wait up; they are read there. */
static void on_receipt(void *data, int fd, uint32_t events)
{
	(void)data;
	(void)fd;
	(void)events;
}

static int start_all(struct play *play, struct err *err)
{
	struct loop_source *source;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < play->set->n; i++) {
		r = spawn(play, i, err);
		play->n_tasks = i + 1;
	}
	for (size_t i = 0; r >= 0 && i < play->n_tasks && !play->ret->interrupted; i++) {
		r = loop_add(play->loop, play->tasks[i].receipts, EPOLLIN, on_receipt, NULL,
			     &source, err);
		if (r >= 0)
			r = wait_ready(play, i, clock_ns() + READY_NS, err);
		loop_remove(source);
	}
	return r;
}

/* All have the same zero, which is still to come. */
static void let_go(struct play *play)
{
	struct err none;
	uint64_t seq;

	(void)cg_drain(play->group, &none);
	if (cg_counter(play->group, "usage", &play->ret->base_bytes, &none) < 0)
		play->ret->base_bytes = 0;
	play->zero_ns = clock_ns() + LEAD_NS;
	for (size_t i = 0; i < play->n_tasks; i++)
		(void)task_command(&play->tasks[i], HOG_GO, play->zero_ns, 0, &seq);
}

/* ---- the play ------------------------------------------------------------------------------ */

static void sample(struct play *play, uint64_t now_ns)
{
	struct play_result *ret = play->ret;
	uint64_t t_ns = now_of_curve(play, now_ns), usage = 0;
	struct err none;

	for (size_t i = 0; i < play->n_tasks; i++) {
		uint64_t its = play->tasks[i].status->pattern_ns;
		uint64_t late = its < t_ns ? (t_ns - its) / play->options->speed : 0;
		if (!play->gone[i] && late > ret->late_ns)
			ret->late_ns = late;
	}
	(void)cg_counter(play->group, "usage", &usage, &none);
	if (ret->n_samples < CURVE_SAMPLES)
		ret->samples[ret->n_samples++] = (struct play_sample){t_ns, usage};
	if (play->options->progress)
		play->options->progress(play->options->data, t_ns, usage);
}

static uint64_t sample_time(const struct play *play, size_t i)
{
	return clock_of(play, play->options->horizon_ns / CURVE_SAMPLES * i);
}

static int watch(struct play *play, struct err *err)
{
	uint64_t end_ns = clock_of(play, play->options->horizon_ns);
	size_t next = 1;

	while (!play->over) {
		uint64_t due_ns = sample_time(play, next);
		int r = loop_wait(play->loop, due_ns < end_ns ? due_ns : end_ns, err);
		uint64_t now_ns = clock_ns();
		if (r < 0 && r != -EINTR)
			return r;
		if (now_ns >= end_ns)
			break;
		if (now_ns < due_ns || play->over)
			continue;
		sample(play, now_ns);
		while (sample_time(play, next) <= now_ns)
			next++;
	}
	uint64_t t_ns = now_of_curve(play, clock_ns()), horizon_ns = play->options->horizon_ns;
	play->ret->until_ns = t_ns < horizon_ns ? t_ns : horizon_ns;
	return 0;
}

static int play_all(struct play *play, struct err *err)
{
	struct loop_source *source;
	int r = loop_new(&play->loop, err);

	if (r >= 0)
		r = make_group(play, err);
	if (r >= 0)
		r = loop_add(play->loop, play->lab->signal_fd, EPOLLIN, on_signal, play, &source,
			     err);
	play_log_open(play);
	if (r >= 0 && play->kmsg >= 0)
		r = loop_add(play->loop, play->kmsg, EPOLLIN, on_log, play, &source, err);
	if (r >= 0)
		r = start_all(play, err);
	if (r < 0 || play->ret->interrupted)
		return r;
	let_go(play);
	return watch(play, err);
}

static void end_all(struct play *play)
{
	for (size_t i = 0; i < play->n_tasks; i++) {
		if (play->tasks[i].pid > 0 && !play->gone[i]) {
			task_end(&play->tasks[i]);
			(void)waitpid(play->tasks[i].pid, NULL, 0);
		}
		task_clear(&play->tasks[i]);
		for (char **word = play->argv[i]; word && *word; word++)
			free(*word);
		free(play->argv[i]);
	}
}

int curve_play(struct size_lab *lab, const struct curve_load_set *set,
	       const struct play_options *options, struct play_result *ret, struct err *err)
{
	struct play play = {.lab = lab, .set = set, .options = options, .ret = ret, .kmsg = -1};
	struct err gone;

	*ret = (struct play_result){0};
	play.report_usage_bytes = play.report_limit_bytes = UINT64_MAX;
	int r = play_all(&play, err);
	play.over = true;
	end_all(&play);
	if (play.group && cg_destroy(play.group, GROUP_GONE_NS, &gone) < 0 && r >= 0)
		r = err_set(err, gone.code, "%s", gone.text);
	loop_free(play.loop);
	fd_close_var(&play.kmsg);
	return r < 0 ? r : 0;
}
