/*
 * What the loop delivers: receipts, deaths, group notifications, kernel lines, output, signals.
 * Each handler only records; judgement and steps happen in runner_wait()'s caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/runner_internal.h"
#include "harness/record/field.h"

enum { RECORDS_A_ROUND = 4096, ROUNDS_MAX = 256 };

/* ---- the kernel's log ---------------------------------------------------------------------- */

static void keep_line(struct runner *run, const char *text)
{
	if (json_array_size(run->report) < LOG_LINES_MAX)
		json_array_append_new(run->report, field_text_new(text));
}

/* A report's lines are kept once its kill line has told whose it is: other runs and other
 * groups of the machine write into the same log. */
static void close_report(struct runner *run, bool ours)
{
	if (ours && json_array_size(run->result.log) < LOG_LINES_MAX)
		json_array_extend(run->result.log, run->report);
	json_array_clear(run->report);
	run->report_open = false;
}

static void keep_for_says(struct world *world, const char *text)
{
	if (world->n_lines == ALL_LINES_MAX)
		return;
	world->lines = mem_grow(world->lines, world->n_lines + 1, sizeof(*world->lines));
	world->lines[world->n_lines++] = mem_dup(text);
}

static void kernel_line(struct runner *run, const char *text, uint64_t sequence, uint64_t us)
{
	struct oomlog_line line;

	keep_for_says(&run->world, text);
	switch (oomlog_parse(text, &line)) {
	case OOMLOG_INVOKED:
		close_report(run, false);
		run->report_open = true;
		run->report_first = sequence;
		run->group_kill = false;
		break;
	case OOMLOG_SUMMARY:
		run->summary = line;
		run->has_summary = true;
		break;
	case OOMLOG_KILLED:
		keep_line(run, text);
		close_report(run, kills_line(run, &line, sequence, us));
		return;
	case OOMLOG_GROUP_KILL:
		run->group_kill = true;
		emit(run, "kernel", json_pack("{s:o}", "text", field_text_new(text)));
		break;
	case OOMLOG_NO_VICTIM:
		emit(run, "kernel", json_pack("{s:o}", "text", field_text_new(text)));
		break;
	case OOMLOG_REAPED:
		/* Seconds after the report, so it is kept by itself. */
		if (kills_reaped(run, &line, us) &&
		    json_array_size(run->result.log) < LOG_LINES_MAX)
			json_array_append_new(run->result.log, field_text_new(text));
		return;
	case OOMLOG_OTHER:
		if (!run->report_open)
			return;
		break;
	}
	keep_line(run, text);
}

/* false: there is more. */
static bool read_records(struct runner *run, int fd)
{
	char record[8192]; /* the kernel's own largest is 2048 + dictionary (PRINTK_MESSAGE_MAX) */

	/* Bounded: somebody may write faster than we read, and there are deaths to see as well. */
	for (int i = 0; i < RECORDS_A_ROUND; i++) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && (errno == EPIPE || errno == EINVAL)) {
			/* Overwritten before we came, or too long: the next read goes on after it.
			 */
			run->kmsg_lost = true;
			continue;
		}
		if (n <= 0)
			return true;
		uint64_t sequence = 0, us;
		record[n] = '\0';
		char *text = oomlog_kmsg(record, &sequence, &us);
		if (sequence >= run->log_next)
			run->log_next = sequence + 1;
		if (text)
			kernel_line(run, text, sequence, us);
	}
	return false;
}

void events_read_log(struct runner *run)
{
	bool again = true;

	/* Each kill makes a new prediction, which counts for what comes after it. */
	for (int i = 0; run->kmsg_fd >= 0 && again && i < ROUNDS_MAX; i++) {
		if (!read_records(run, run->kmsg_fd))
			return;
		foresee_log_end(run, run->log_next, &again);
	}
}

static void on_kmsg(void *data, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	events_read_log(data);
}

static int open_kmsg(struct runner *run, struct err *err)
{
	struct loop_source *source;

	run->world.has_log = false;
	if (run->options->facts->no_kmsg[0] || !run->options->facts->init_pid_ns)
		return 0;
	run->kmsg_fd = fd_open_at(-1, "/dev/kmsg", O_RDONLY | O_NONBLOCK, 0, err);
	if (run->kmsg_fd < 0)
		return run->kmsg_fd;
	if (lseek(run->kmsg_fd, 0, SEEK_END) < 0)
		return err_errno(err, errno, "cannot seek in '/dev/kmsg'");
	run->world.has_log = true;
	return loop_add(run->loop, run->kmsg_fd, EPOLLIN, on_kmsg, run, &source, err);
}

/* ---- deaths and signals -------------------------------------------------------------------- */

static void read_receipts(struct runner *run, int index);

static void task_died(struct runner *run, int index, int code, int status)
{
	struct world_task *task = &run->world.tasks[index];
	bool exited = code == CLD_EXITED;

	/* What it said before it died. */
	read_receipts(run, index);
	task->life = exited ? WORLD_EXITED : WORLD_KILLED;
	task->status = status;
	task->at_exit = false;
	task->blocked = false; /* but pending: its command will never have a receipt */
	run->tasks[index].alloc_seq = 0;
	run->tasks[index].go_seq = 0;
	emit(run, "exit",
	     json_pack("{s:s, s:i, s:s, s:i}", "task", task->name, "pid", (int)task->pid, "how",
		       exited ? "code" : "signal", "status", status));
	if (!exited && status == SIGKILL)
		kills_wait(run, index);
}

/* Reaps all that is dead: our tasks, and orphans that were handed to us as subreaper. */
void events_reap(struct runner *run)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
			return;
		if (info.si_pid == run->swap_pid) {
			run->swap_pid = 0;
			run->swap_status = info.si_code == CLD_EXITED ? info.si_status : EINTR;
			continue;
		}
		for (size_t i = 0; i < run->world.n_tasks; i++)
			if (run->world.tasks[i].pid == info.si_pid &&
			    run->world.tasks[i].life == WORLD_RUNNING)
				task_died(run, (int)i, info.si_code, info.si_status);
	}
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct runner *run = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			run->interrupted = true;
	events_reap(run);
}

static int open_signals(struct runner *run, struct err *err)
{
	struct loop_source *source;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signal_fd < 0)
		return err_errno(err, errno, "signalfd");
	return loop_add(run->loop, run->signal_fd, EPOLLIN, on_signal, run, &source, err);
}

/* ---- the machine's swap -------------------------------------------------------------------- */

static void on_swaps(void *data, int fd, uint32_t events)
{
	struct runner *run = data;

	(void)fd;
	(void)events;
	run->swaps_changed = true;
}

/* Another run, or the administrator, can turn swap on while this one relies on none: that changes
 * who dies. The kernel tells whoever polls /proc/swaps (swaps_poll, mm/swapfile.c). */
static int open_swaps(struct runner *run, struct err *err)
{
	enum plan_swap swap = run->plan->host.swap;
	struct loop_source *source;
	struct err ignored;

	if (swap == PLAN_SWAP_FILE || swap == PLAN_SWAP_ZRAM)
		return 0;
	run->swaps_fd = fd_open_at(-1, "/proc/swaps", O_RDONLY, 0, &ignored);
	if (run->swaps_fd < 0)
		return 0; /* a kernel without swap */
	return loop_add(run->loop, run->swaps_fd, EPOLLPRI | EPOLLET, on_swaps, run, &source, err);
}

/* ---- all of them --------------------------------------------------------------------------- */

void events_deliver(struct runner *run)
{
	struct err err;

	for (int i = 0; i < ROUNDS_MAX && loop_wait(run->loop, 0, &err) > 0; i++)
		;
}

int events_open(struct runner *run, struct err *err)
{
	int r = open_signals(run, err);

	if (r >= 0)
		r = open_kmsg(run, err);
	return r < 0 ? r : open_swaps(run, err);
}

void events_close(struct runner *run)
{
	for (size_t i = 0; run->pressure_fds && i < run->plan->n_groups; i++)
		if (run->pressure_fds[i] > 0)
			fd_close_var(&run->pressure_fds[i]);
	fd_close_var(&run->swaps_fd);
	fd_close_var(&run->kmsg_fd);
	fd_close_var(&run->signal_fd);
}

/* ---- groups -------------------------------------------------------------------------------- */

static void on_group(void *data, int fd, uint32_t events)
{
	struct task_hook *hook = data;
	struct runner *run = hook->runner;
	struct world_group *group = &run->world.groups[hook->index];
	struct err err;
	uint64_t count = 0;

	(void)fd;
	(void)events;
	if (!run->groups[hook->index] || cg_notify_ack(run->groups[hook->index], &count, &err) < 0)
		return;
	group->notifications += count;
	if (count)
		emit(run, "notify",
		     json_pack("{s:s, s:I}", "group", group->name, "count", (json_int_t)count));
}

int events_watch_group(struct runner *run, int index, struct err *err)
{
	struct loop_source *source;
	uint32_t events;
	int fd = cg_notify_fd(run->groups[index], &events, err);

	if (fd < 0)
		return fd;
	/* v2: memory.events is EPOLLPRI | EPOLLERR for good; edge-triggered, so one wake-up each.
	 */
	return loop_add(run->loop, fd, events, on_group,
			&run->hooks[run->plan->n_tasks + (size_t)index], &source, err);
}

static void on_pressure(void *data, int fd, uint32_t events)
{
	struct task_hook *hook = data;
	struct world_group *group = &hook->runner->world.groups[hook->index];

	(void)fd;
	if (!(events & EPOLLPRI))
		return;
	group->pressures++;
	emit(hook->runner, "pressure", json_pack("{s:s}", "group", group->name));
}

int events_watch_pressure(struct runner *run, int index, const char *trigger, struct err *err)
{
	struct loop_source *source;
	int fd = cg_pressure_fd(run->groups[index], trigger, err);

	if (fd < 0)
		return fd;
	run->pressure_fds[index] = fd;
	/* Told again as long as nobody polls: edge-triggered, one wake-up each. */
	return loop_add(run->loop, fd, EPOLLPRI | EPOLLET, on_pressure,
			&run->hooks[run->plan->n_tasks + (size_t)index], &source, err);
}

/* ---- tasks --------------------------------------------------------------------------------- */

static void ended_command(struct runner *run, int index, const struct hog_receipt *receipt)
{
	struct task *task = &run->tasks[index];
	struct world_task *world = &run->world.tasks[index];

	if (receipt->seq == task->alloc_seq)
		task->alloc_seq = 0;
	else
		task->go_seq = 0;
	task->receipt = *receipt;
	world->answered = true;
	world->last_errno = receipt->error;
	if (receipt->error)
		world->errno_unclaimed = receipt->error;
	world->last_done_pages = receipt->done_pages;
	world->pending = task->alloc_seq || task->go_seq;
	world->stepping = task->alloc_seq != 0;
	if (!world->pending)
		runner_asks(run, index, false);
	if (world->was_blocked) {
		world->resumed = true;
		world->blocked = false;
	}
	emit(run, "receipt",
	     json_pack("{s:s, s:I, s:I, s:I, s:i, s:I}", "task", world->name, "seq",
		       (json_int_t)receipt->seq, "pages", (json_int_t)receipt->done_pages, "held",
		       (json_int_t)receipt->touched_pages, "errno", (int)receipt->error, "took",
		       (json_int_t)(receipt->ended_ns - receipt->began_ns)));
}

static void take_receipt(struct runner *run, int index, const struct hog_receipt *receipt)
{
	struct task *task = &run->tasks[index];

	task->seq_done = receipt->seq;
	if (receipt->seq == 0)
		task->ready = true;
	else if (receipt->seq == task->ping_seq)
		run->world.tasks[index].proved = true;
	else if (receipt->seq == task->alloc_seq || receipt->seq == task->go_seq)
		ended_command(run, index, receipt);
}

static void read_receipts(struct runner *run, int index)
{
	struct task *task = &run->tasks[index];
	struct hog_receipt receipt;
	int r;

	while ((r = task_receipt(task, &receipt)) == 1)
		take_receipt(run, index, &receipt);
	if (r < 0)
		fd_close_var(&task->receipts); /* epoll forgets a closed descriptor */
}

static void on_task(void *data, int fd, uint32_t events)
{
	struct task_hook *hook = data;
	struct task *task = &hook->runner->tasks[hook->index];

	(void)events;
	if (fd == task->output) {
		if (!task_read_output(task))
			fd_close_var(&task->output);
		return;
	}
	read_receipts(hook->runner, hook->index);
}

int events_watch_task(struct runner *run, int index, struct err *err)
{
	struct task *task = &run->tasks[index];
	struct loop_source *source;
	int fd = task->receipts >= 0 ? task->receipts : task->output;

	return loop_add(run->loop, fd, EPOLLIN, on_task, &run->hooks[index], &source, err);
}
