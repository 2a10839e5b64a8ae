/*
 * Life of one scenario: groups, tasks, steps, final judgement, take-down, result. What goes
 * wrong with the harness is 'broken'; what the kernel did otherwise than expected is 'fail'.
 */
#include "harness/exec/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/runner_internal.h"
#include "harness/exec/yield.h"
#include "harness/record/field.h"

#define TAKE_DOWN_NS 10000000000ULL /* for everything to die and every group to go */

void runner_verdict(struct runner *run, enum verdict verdict, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	run->stop = true;
	if (run->result.reason)
		return;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	run->result.verdict = verdict;
	run->result.reason = str_take(&text);
}

void runner_warn(struct runner *run, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(run->result.warnings, field_text_new(str_text(&text)));
	str_free(&text);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void timed_out(struct runner *run)
{
	char limit[PARSE_TEXT_MAX];
	struct str states = STR_INIT;

	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		if (i)
			str_add(&states, "; ");
		observe_describe_task(run, (int)i, &states);
	}
	runner_verdict(run, VERDICT_BROKEN, "%s:%d: not finished after 'timeout: %s' (%s)",
		       run->plan->file, run->step ? run->step->at->line : 1,
		       format_duration(run->plan->timeout_ns, limit), str_text(&states));
	str_free(&states);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int runner_wait(struct runner *run, runner_done_fn done, void *data, uint64_t deadline_ns,
		uint64_t poll_ns)
{
	struct err err;

	for (;;) {
		if (run->interrupted)
			runner_verdict(run, VERDICT_BROKEN, "interrupted");
		if (run->stop)
			return -1;
		if (done(run, data))
			return 1;
		uint64_t now = clock_ns();
		if (now >= deadline_ns)
			return 0;
		if (now >= run->deadline_ns) {
			timed_out(run);
			return -1;
		}
		if (now >= run->next_sample_ns)
			observe_sample(run);
		uint64_t until = least(least(deadline_ns, run->deadline_ns), run->next_sample_ns);
		if (poll_ns)
			until = least(until, now + poll_ns);
		int r = loop_wait(run->loop, until, &err);
		if (r < 0 && r != -EINTR)
			runner_verdict(run, VERDICT_BROKEN, "%s", err.text);
	}
}

/* ---- hogs at work --------------------------------------------------------------------------- */

void runner_asks(struct runner *run, int index, bool begins)
{
	if (run->yields && !run->plan->tasks[index].has_nice)
		yield_asks(run->tasks[index].pid, begins);
}

void runner_go(struct runner *run, int index)
{
	struct task *task = &run->tasks[index];

	runner_asks(run, index, true);
	task->going = task_command(task, HOG_GO, 0, 0, &task->go_seq) == 0;
	run->world.tasks[index].pending = task->going;
}

/* ---- taking down --------------------------------------------------------------------------- */

static bool all_dead(struct runner *run, void *data)
{
	(void)data;
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		if (run->world.tasks[i].life == WORLD_RUNNING)
			return false;
	return true;
}

static void reap_all(struct runner *run)
{
	bool stopped = run->stop;

	run->stop = false;
	run->interrupted = false;
	run->deadline_ns = clock_ns() + 2 * TAKE_DOWN_NS;
	if (runner_wait(run, all_dead, NULL, clock_ns() + TAKE_DOWN_NS, 0) == 0)
		runner_warn(run, "a task is still not dead after SIGKILL");
	run->stop = stopped;
}

static void take_down(struct runner *run)
{
	struct err err;

	for (size_t i = 0; i < run->plan->n_tasks; i++)
		run->world.tasks[i].signalled = SIGKILL;
	if (run->top && cg_kill(run->top, &err) < 0)
		runner_warn(run, "%s", err.text);
	for (size_t i = 0; i < run->plan->n_tasks; i++)
		task_end(&run->tasks[i]);
	tracer_let_go(run);
	if (run->loop && run->hooks)
		reap_all(run);
	for (size_t i = run->plan->n_groups; i-- > 0;)
		if (run->groups && run->groups[i] &&
		    cg_destroy(run->groups[i], TAKE_DOWN_NS, &err) < 0)
			runner_warn(run, "%s", err.text);
	if (run->outside && cg_destroy(run->outside, TAKE_DOWN_NS, &err) < 0)
		runner_warn(run, "%s", err.text);
	if (run->top && cg_destroy(run->top, TAKE_DOWN_NS, &err) < 0)
		runner_warn(run, "%s", err.text);
	if (run->loop)
		events_reap(run);
}

static void free_all(struct runner *run)
{
	while (run->strangers) {
		struct stranger *next = run->strangers->next;
		fd_close_var(&run->strangers->pidfd);
		free(run->strangers);
		run->strangers = next;
	}
	for (size_t i = 0; run->tasks && i < run->plan->n_tasks; i++)
		task_clear(&run->tasks[i]);
	foresee_close(run);
	tracer_free(run);
	events_close(run);
	loop_free(run->loop);
	free(run->tasks);
	free(run->groups);
	free(run->pressure_fds);
	free(run->hooks);
	free(run->world.tasks);
	free(run->world.groups);
	free(run->world.counters);
	free(run->world.kills);
	for (size_t i = 0; i < run->world.n_lines; i++)
		free(run->world.lines[i]);
	free(run->world.lines);
	findings_free(&run->findings);
	json_decref(run->report);
	result_clear(&run->result);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void run_steps(struct runner *run)
{
	run->go_ns = clock_ns();
	setup_start(run);
	for (size_t i = 0; i < run->plan->n_steps && !run->stop; i++)
		step_run(run, &run->plan->steps[i]);
	if (!run->stop && run->plan->panic)
		step_panic(run);
	else if (!run->stop)
		step_final(run);
}

int runner_run(const struct plan *plan, const struct runner_options *options)
{
	struct runner run = {
		.plan = plan, .options = options, .kmsg_fd = -1, .signal_fd = -1, .swaps_fd = -1};
	struct err err = ERR_INIT;

	outcome_begin(&run);
	run.deadline_ns = clock_ns() + plan->timeout_ns;
	run.next_sample_ns = UINT64_MAX;
	if (setup_all(&run, &err) < 0)
		runner_verdict(&run, err.code == EOPNOTSUPP ? VERDICT_SKIP : VERDICT_BROKEN, "%s",
			       err.text);
	run.next_sample_ns = 0;
	if (!run.stop)
		run_steps(&run);
	take_down(&run);
	outcome_end(&run);
	emit_result(&run);
	free_all(&run);
	return 0;
}
