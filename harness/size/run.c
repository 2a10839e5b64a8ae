/*
 * See run.h. One poll loop over the command's output, its death, its group's events and the time;
 * a run is over when the command has ended and nobody is left in its group.
 */
#include "harness/size/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/size/escape.h"
#include "harness/size/half.h"
#include "harness/size/memo.h"
#include "harness/size/output.h"
#include "harness/size/run_internal.h"

#define TICK_NS	       20000000ULL
#define TICK_LATE_NS   1000000ULL /* until every call is seen */
#define TICK_HIGH_NS   2000000ULL /* v2 ratchet: the kernel announces at most every 10 ms */
#define LEFT_BEHIND_NS 1000000000ULL
#define GROUP_GONE_NS  20000000000ULL

void run_end_now(struct run *run, enum run_end why)
{
	struct err err;

	if (run->ending)
		return;
	run->ending = true;
	run->ret->end = why;
	follow_take_peaks(&run->follow);
	/* It may have left its group. */
	if (cg_kill(run->group, &err) < 0 || !run->main_gone)
		(void)kill(run->child.pid, SIGKILL);
}

void run_keep_look(struct run *run)
{
	struct look look = {0};

	look_take(run->group, run->lab->version == CG_V1, &look);
	if (look.file_bytes > run->ret->file_most_bytes)
		run->ret->file_most_bytes = look.file_bytes;
	look_take_procs(run->group, &look);
	if (look_second(&look) > run->ret->second_bytes)
		run->ret->second_bytes = look_second(&look);
	if (look_unreclaimable(&look) >= look_unreclaimable(&run->ret->top))
		run->ret->top = look;
}

/* ---- what it writes ------------------------------------------------------------------------ */

/* False: nothing more is there now. */
static bool read_output(struct run *run)
{
	static char chunk[65536];
	ssize_t n = run->child.out < 0 ? 0 : read(run->child.out, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		fd_close_var(&run->child.out);
		return false;
	}
	run->ret->output_sum = output_sum(run->ret->output_sum, chunk, (size_t)n);
	run->ret->output_bytes += (uint64_t)n;
	return true;
}

static bool read_errors(struct run *run)
{
	struct run_result *ret = run->ret;
	char chunk[RUN_TAIL_MAX];
	ssize_t n = run->child.err < 0 ? 0 : read(run->child.err, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		fd_close_var(&run->child.err);
		return false;
	}
	size_t more = (size_t)n, keep = RUN_TAIL_MAX - more;
	if (ret->tail_len > keep) {
		memmove(ret->tail, ret->tail + ret->tail_len - keep, keep);
		ret->tail_len = keep;
	}
	memcpy(ret->tail + ret->tail_len, chunk, more);
	ret->tail_len += more;
	ret->tail[ret->tail_len] = '\0';
	return true;
}

/* ---- who ended ----------------------------------------------------------------------------- */

static void main_ended(struct run *run, int status, const struct rusage *usage)
{
	run->main_gone = true;
	run->main_status = status;
	run->ended_ns = clock_ns();
	run->ret->cpu_ns =
		(uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

static void check_follow(struct run *run)
{
	if (run->follow.self_sized || run->follow.lost) {
		snprintf(run->ret->why, sizeof(run->ret->why), "%s", run->follow.why);
		run_end_now(run, run->follow.lost ? RUN_UNFOLLOWED : RUN_SELF_SIZED);
	} else if (run->follow.missed) {
		run_end_now(run, RUN_MISSED);
	}
}

static void reap(struct run *run)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0) {
		if (pid == run->lab->guardian.pid)
			run->lab->guardian.pid = 0; /* somebody ended it: nothing to wait for */
		if (pid == run->child.pid && !WIFSTOPPED(status))
			main_ended(run, status, &usage);
		if (run->follows)
			follow_take(&run->follow, pid, status);
	}
	check_follow(run);
}

static void read_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->lab->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			run->lab->interrupted = true;
			run_end_now(run, RUN_INTERRUPTED);
		}
}

static void check_escaped(struct run *run)
{
	struct escaped who;

	if (!run->spec->watch || run->ending)
		return;
	escape_look(run->lab->host, run->lab->top, &who);
	if (!who.pid)
		return;
	(void)escape_text(&who, run->ret->why, sizeof(run->ret->why));
	run_end_now(run, RUN_ESCAPED);
}

static bool is_over(struct run *run)
{
	struct err err;
	bool populated = false;

	if (!run->main_gone)
		return false;
	if (cg_populated(run->group, &populated, &err) < 0 || !populated) {
		check_escaped(run);
		return true;
	}
	if (run->left_ns == 0)
		run->left_ns = clock_ns();
	return false;
}

/* ---- time ---------------------------------------------------------------------------------- */

static void check_time(struct run *run, uint64_t now)
{
	const struct run_spec *spec = run->spec;

	if (spec->command->for_ns && !run->main_gone &&
	    now >= run->began_ns + spec->command->for_ns) {
		run->ended_ns = now;
		run_end_now(run, RUN_SERVED);
	}
	if (now >= run->deadline_ns)
		run_end_now(run, RUN_TIMEOUT);
	if (run->left_ns && now >= run->left_ns + LEFT_BEHIND_NS)
		run_end_now(run, RUN_LEFT_BEHIND);
}

/* Freed with the processes: seen while they are there, or not. */
static void look_at_swap(struct run *run)
{
	struct err err;
	uint64_t bytes;

	if (cg_counter(run->group, "swap_usage", &bytes, &err) >= 0 && bytes > run->ret->swap_bytes)
		run->ret->swap_bytes = bytes;
}

static void tick(struct run *run, uint64_t now)
{
	check_time(run, now);
	if (now < run->next_tick_ns)
		return;
	run->next_tick_ns = now + run->tick_ns;
	if (run->ending)
		return;
	if (run->spec->mode == RUN_RATCHET)
		ratchet_tick(run);
	else if (run->spec->watch)
		run_keep_look(run);
	if (run->spec->swap)
		look_at_swap(run);
	if (look_oom_kills(run->group) > 0)
		run_end_now(run, RUN_OOM);
	check_escaped(run);
}

static int until_tick_ms(const struct run *run, uint64_t now)
{
	uint64_t until =
		run->next_tick_ns < run->deadline_ns ? run->next_tick_ns : run->deadline_ns;

	return until <= now ? 0 : (int)((until - now) / 1000000 + 1);
}

/* ---- the loop ------------------------------------------------------------------------------ */

enum { FD_SIGNALS, FD_OUT, FD_ERR, FD_NOTIFY, FD_POPULATED, FDS };

static void on_group(struct run *run)
{
	struct err err;
	uint64_t times;

	if (run->spec->mode == RUN_RATCHET) {
		ratchet_event(run);
		return;
	}
	(void)cg_notify_ack(run->group, &times, &err);
	if (look_oom_kills(run->group) > 0)
		run_end_now(run, RUN_OOM);
}

static void watch(struct run *run, struct pollfd *fds)
{
	struct err err;
	bool populated;

	while (!is_over(run)) {
		fds[FD_OUT].fd = run->child.out;
		fds[FD_ERR].fd = run->child.err;
		if (poll(fds, FDS, until_tick_ms(run, clock_ns())) < 0 && errno != EINTR)
			run_end_now(run, RUN_INTERRUPTED);
		if (fds[FD_SIGNALS].revents)
			read_signals(run);
		reap(run);
		if (fds[FD_NOTIFY].revents)
			on_group(run);
		if (fds[FD_OUT].revents)
			(void)read_output(run);
		if (fds[FD_ERR].revents)
			(void)read_errors(run);
		if (fds[FD_POPULATED].revents)
			(void)cg_populated(run->group, &populated, &err); /* clears it */
		tick(run, clock_ns());
	}
	while (read_output(run) || read_errors(run))
		;
}

/* The descriptors that the run waits for; those of the group are the group's. */
static int open_events(struct run *run, struct pollfd *fds, struct err *err)
{
	struct err none;
	uint32_t events = 0;

	for (int i = 0; i < FDS; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[FD_SIGNALS].fd = run->lab->signal_fd;
	int fd = cg_notify_fd(run->group, &events, err);
	if (fd < 0)
		return fd;
	fds[FD_NOTIFY].fd = fd;
	fds[FD_NOTIFY].events = (short)(events & EPOLLPRI ? POLLPRI : POLLIN);
	/* Without (a host with v1 alone) the ticks look. */
	fd = cg_populated_fd(run->group, &none);
	fds[FD_POPULATED].fd = fd < 0 ? -1 : fd;
	fds[FD_POPULATED].events = POLLPRI;
	return 0;
}

/* ---- before and after ---------------------------------------------------------------------- */

static enum follow_style choose_style(struct run *run)
{
	if (run->lab->version == CG_V2)
		return FOLLOW_LOOK;
	if (run->spec->mode == RUN_RATCHET && run->spec->probe && probe_open(&run->probe))
		return FOLLOW_PROBE;
	return run->spec->late ? FOLLOW_LATE : FOLLOW_CHARGES;
}

static uint64_t choose_tick(const struct run *run, enum follow_style style)
{
	if (run->spec->mode == RUN_HARD || style == FOLLOW_CHARGES || style == FOLLOW_PROBE)
		return TICK_NS;
	return style == FOLLOW_LATE ? TICK_LATE_NS : TICK_HIGH_NS;
}

static int start(struct run *run, struct err *err)
{
	bool follow = run->spec->mode == RUN_RATCHET;
	enum follow_style style = choose_style(run);
	enum filter_kind filter = !follow		    ? FILTER_NONE
				  : style == FOLLOW_CHARGES ? FILTER_CHARGES
							    : FILTER_OPENS;

	run_make_cold(run->spec->command);
	run->began_ns = clock_ns();
	run->deadline_ns =
		run->spec->timeout_ns ? run->began_ns + run->spec->timeout_ns : UINT64_MAX;
	run->tick_ns = choose_tick(run, style);
	run->next_tick_ns = run->began_ns + run->tick_ns;
	int r = spawn_command(run->spec->command, run->group, follow ? FOLLOW_OPTIONS : 0, filter,
			      &run->child, err);
	if (r < 0)
		return r;
	if (run->spec->half)
		half_give(run->child.pid);
	if (!follow) {
		spawn_go(&run->child);
		return 0;
	}
	if (run->child.ptrace_errno) {
		snprintf(run->ret->why, sizeof(run->ret->why), "ptrace: %s",
			 strerror(run->child.ptrace_errno));
		run_end_now(run, RUN_UNFOLLOWED);
		return 0;
	}
	run->follows = true;
	run->ret->every_call = style == FOLLOW_CHARGES;
	run->ret->probed = style == FOLLOW_PROBE;
	follow_begin(&run->follow, run->child.pid, style,
		     style == FOLLOW_PROBE ? &run->probe : NULL, &ratchet_calls, run);
	spawn_go(&run->child);
	return 0;
}

static int run_once(struct size_lab *lab, const struct run_spec *spec, struct run_result *ret,
		    struct err *err)
{
	struct run run = {.lab = lab,
			  .spec = spec,
			  .ret = ret,
			  .child = {-1, -1, -1, -1, 0, -1},
			  .probe = PROBE_NONE};
	struct pollfd fds[FDS];
	struct err gone;

	*ret = (struct run_result){.output_sum = OUTPUT_SUM_INIT};
	int r = run_make_group(&run, err);
	if (r >= 0)
		r = open_events(&run, fds, err);
	if (r >= 0)
		r = start(&run, err);
	if (r >= 0) {
		watch(&run, fds);
		run_judge(&run);
	}
	if (run.ending)
		escape_kill(lab->host, lab->top);
	follow_end(&run.follow);
	probe_close(&run.probe);
	if (run.group && cg_destroy(run.group, GROUP_GONE_NS, &gone) < 0 && r >= 0)
		r = err_set(err, gone.code, "%s", gone.text);
	if (r >= 0)
		run_sum_results(&run);
	spawn_close(&run.child);
	return r;
}

int size_run(struct size_lab *lab, const struct run_spec *spec, struct run_result *ret,
	     struct err *err)
{
	if (lab->memo && memo_take(lab->memo, spec, ret))
		return 0;
	int r = run_once(lab, spec, ret, err);
	if (r >= 0 && lab->memo)
		memo_put(lab->memo, spec, ret, false);
	return r;
}
