/*
 * See supervise.h. One loop over the workers' pipes, the signals and time: what starts when, and
 * what is put back in the end. The life of one worker is in supervise_job.c.
 */
#include "harness/exec/supervise_job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"

static struct job *free_job(struct supervisor *super)
{
	for (size_t i = 0; i < super->options->jobs; i++)
		if (!super->jobs[i].item)
			return &super->jobs[i];
	return NULL;
}

static bool exclusive_runs(const struct supervisor *super)
{
	for (size_t i = 0; i < super->options->jobs; i++)
		if (super->jobs[i].item && super->jobs[i].item->plan->exclusive)
			return true;
	return false;
}

static void start_more(struct supervisor *super)
{
	while (!super->stop && super->next < super->n) {
		const struct supervise_item *item = &super->items[super->next];
		struct job *job = free_job(super);
		struct result result;

		/* The host of a virtual machine goes on behind the last result. */
		if (super->options->facts->vm && super->running)
			return;
		if (super->options->lack || item->plan->skip) {
			supervise_blank(&result, item,
					super->options->lack ? VERDICT_BROKEN : VERDICT_SKIP,
					super->options->lack ?: item->plan->skip);
			super->next++;
			supervise_add(super, &result);
			continue;
		}
		if (super->spent || (super->used && item->plan->vm)) {
			super->stop = true;
			return;
		}
		if (!job || exclusive_runs(super) || (item->plan->exclusive && super->running))
			return;
		if (super->shares && journal_host_wanted(super->journal))
			return; /* what runs ends, then the other's turn comes */
		job_start(super, job, super->next++);
	}
}

/* ---- signals and time ---------------------------------------------------------------------- */

/* After a signal a worker has its take-down's time and no more. */
static void signal_workers(struct supervisor *super, int signal)
{
	uint64_t latest = clock_ns() + WORKER_GRACE_NS;

	for (size_t i = 0; i < super->options->jobs; i++) {
		struct job *job = &super->jobs[i];
		if (!job->item)
			continue;
		(void)kill(job->pid, signal);
		if (job->deadline_ns > latest)
			job->deadline_ns = latest;
	}
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct supervisor *super = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		super->signals++;
		super->stop = true;
		super->record->interrupted = true;
		signal_workers(super, super->signals > 1 ? SIGKILL : SIGTERM);
	}
}

static int open_signals(struct supervisor *super, struct err *err)
{
	struct loop_source *source;

	super->signal_fd = signals_open(0, NULL, err);
	if (super->signal_fd < 0)
		return super->signal_fd;
	return loop_add(super->loop, super->signal_fd, EPOLLIN, on_signal, super, &source, err);
}

static uint64_t check_deadlines(struct supervisor *super, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < super->options->jobs; i++) {
		struct job *job = &super->jobs[i];
		if (!job->item || job->timed_out)
			continue;
		if (now >= job->deadline_ns) {
			job->timed_out = true;
			(void)kill(job->pid, SIGKILL);
		} else if (job->deadline_ns < next) {
			next = job->deadline_ns;
		}
	}
	return next;
}

static void tick(struct supervisor *super, struct supervise_row *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < super->options->jobs; i++)
		if (super->jobs[i].item)
			rows[n++] = super->jobs[i].row;
	super->options->tick(super->options->data, rows, n);
}

static int work(struct supervisor *super, struct err *err)
{
	MEM_AUTO struct supervise_row *rows = mem_zero(super->options->jobs, sizeof(*rows));
	uint64_t next_tick = clock_ns();

	for (;;) {
		start_more(super);
		if (super->running == 0 && (super->stop || super->next == super->n))
			return 0;
		uint64_t now = clock_ns(), until = check_deadlines(super, now);
		if (super->options->tick_ns && now >= next_tick) {
			tick(super, rows);
			next_tick = now + super->options->tick_ns;
		}
		if (super->options->tick_ns && next_tick < until)
			until = next_tick;
		int r = loop_wait(super->loop, until, err);
		if (r < 0 && r != -EINTR)
			return r;
	}
}

/* ---- the run ------------------------------------------------------------------------------- */

static bool anything_to_run(const struct supervise_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!items[i].plan->skip)
			return true;
	return false;
}

static int begin(struct supervisor *super, struct err *err)
{
	MEM_AUTO char *name = mem_printf("oomlab-%s", super->options->id);

	if (!anything_to_run(super->items, super->n))
		return 0; /* a machine that can run nothing is not touched */
	int r = journal_open(super->options->id, &super->journal, err);
	if (r >= 0)
		r = guardian_start(&super->guardian, super->options->cg_host, super->journal, err);
	if (r >= 0)
		r = journal_note(super->journal, JOURNAL_GROUP, name, super->options->parent, err);
	if (r >= 0)
		r = cg_create(super->options->cg_host, NULL, name, &super->top, err);
	if (super->options->hog)
		pin_file(super->options->hog, &super->hog);
	super->no_trace = "off";
	if (r >= 0 && super->options->timeline)
		super->trace = trace_open(super->journal, super->options->facts->init_pid_ns,
					  &super->no_trace);
	return r;
}

static void finish(struct supervisor *super)
{
	struct err err;

	signal_workers(super, SIGKILL);
	for (size_t i = 0; i < super->options->jobs; i++)
		if (super->jobs[i].item)
			job_end(&super->jobs[i]);
	trace_close(super->trace);
	if (super->top && cg_destroy(super->top, 10000000000ULL, &err) < 0)
		str_addf(super->warnings, "%s\n", err.text);
	if (super->journal) {
		(void)journal_undo(super->journal, super->options->cg_host, super->warnings);
		journal_close(super->journal);
	}
	guardian_stop(&super->guardian);
	pin_release(&super->hog);
	fd_close_var(&super->signal_fd);
	loop_free(super->loop);
	free(super->jobs);
}

int supervise(const struct supervise_item *items, size_t n, struct record *record,
	      const struct supervise_options *options, struct str *warnings, struct err *err)
{
	struct supervisor super = {.items = items,
				   .n = n,
				   .record = record,
				   .options = options,
				   .warnings = warnings,
				   .signal_fd = -1,
				   .guardian = {.fd = -1}};
	sigset_t old;

	(void)sigprocmask(SIG_SETMASK, NULL, &old);
	super.jobs = mem_zero(options->jobs, sizeof(*super.jobs));
	int r = loop_new(&super.loop, err);
	if (r >= 0)
		r = open_signals(&super, err);
	if (r >= 0)
		r = begin(&super, err);
	if (r >= 0)
		r = work(&super, err);
	finish(&super);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
