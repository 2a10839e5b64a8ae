/*
 * See supervise_job.h. A worker is a fork of the supervisor in a process group of its own, so that
 * a terminal's Ctrl-C reaches the supervisor alone; it says what happens in JSON lines over a pipe.
 */
#include "harness/exec/supervise_job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/exec/runner.h"
#include "harness/record/field.h"

/* ---- results ------------------------------------------------------------------------------- */

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = text ? mem_dup(text) : NULL;
}

void supervise_blank(struct result *result, const struct supervise_item *item, enum verdict verdict,
		     const char *reason)
{
	const struct plan *plan = item->plan;

	*result = (struct result){.verdict = verdict,
				  .began_ns = clock_ns(),
				  .tags = json_array(),
				  .params = json_object(),
				  .claim = outcome_claim(plan),
				  .events = json_array(),
				  .findings = json_array(),
				  .kills = json_array(),
				  .samples = json_array(),
				  .log = json_array(),
				  .warnings = json_array()};
	result->ended_ns = result->began_ns;
	set_text(&result->name, item->name);
	set_text(&result->suite, plan->suite);
	set_text(&result->file, plan->file);
	set_text(&result->title, plan->title);
	set_text(&result->reason, reason);
	for (size_t i = 0; i < plan->n_tags; i++)
		json_array_append_new(result->tags, json_string(plan->tags[i]));
	for (size_t i = 0; i < plan->n_params; i++)
		json_object_set_new(result->params, plan->params[i].name,
				    json_string(plan->params[i].value));
}

void supervise_add(struct supervisor *super, struct result *result)
{
	bool bad = result->verdict == VERDICT_FAIL || result->verdict == VERDICT_BROKEN;
	struct result *kept = record_add(super->record, result);

	if (bad && super->options->fail_fast)
		super->stop = true;
	if (super->options->ended)
		super->options->ended(super->options->data, kept);
}

static void swap_json(json_t **to, json_t **from)
{
	json_decref(*to);
	*to = *from;
	*from = NULL;
}

/* ---- what a worker says -------------------------------------------------------------------- */

static void take_sample(struct job *job, json_t *event)
{
	json_t *usage = json_object_get(event, "usage"), *limit = json_object_get(event, "limit");

	job->row.usage_bytes = (uint64_t)json_integer_value(usage);
	job->row.limit_bytes = limit ? (uint64_t)json_integer_value(limit) : UINT64_MAX;
	json_object_del(event, "event");
	json_array_append(job->samples, event);
}

static void take_line(struct job *job, const char *text, size_t len)
{
	json_error_t error;
	json_t *line = json_loadb(text, len, 0, &error);
	json_t *result = json_object_get(line, "result");
	const char *name = json_string_value(json_object_get(line, "event"));
	struct err err;

	if (result) {
		job->has_result = result_from_json(result, &job->result, &err) >= 0;
	} else if (str_eq(name, "sample")) {
		take_sample(job, line);
	} else if (name) {
		snprintf(job->doing, sizeof(job->doing), "%s", name);
		job->row.doing = job->doing;
		json_array_append(job->events, line);
		if (job->super->options->event)
			job->super->options->event(job->super->options->data, job->item->name,
						   line);
		if (str_eq(name, "killed"))
			trace_collect(job->super->trace);
	}
	json_decref(line);
}

static void take_bytes(struct job *job, const char *bytes, size_t n)
{
	const char *end;

	while ((end = memchr(bytes, '\n', n)) != NULL) {
		str_addn(&job->line, bytes, (size_t)(end - bytes));
		take_line(job, str_text(&job->line), job->line.len);
		job->line.len = 0;
		n -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	str_addn(&job->line, bytes, n);
}

/* ---- the end of a worker ------------------------------------------------------------------- */

/* What the scenario's group still holds; the other hierarchies go with the run's top group. */
static void purge_after_death(struct supervisor *super, const struct job *job)
{
	MEM_AUTO char *dir = mem_printf("%s/s%zu", cg_dir(super->top), job->index);
	struct err err;

	if (access(dir, F_OK) == 0 && cg_purge_dir(dir, 5000000000ULL, &err) < 0)
		str_addf(super->warnings, "%s\n", err.text);
}

static void worker_died(struct supervisor *super, struct job *job, int status)
{
	MEM_AUTO char *reason = NULL;

	if (job->timed_out)
		reason = mem_dup(
			"the scenario's worker did not end after its timeout and was killed");
	else if (WIFSIGNALED(status))
		reason = mem_printf("the scenario's worker was killed by SIG%s before its verdict "
				    "(last event: %s)",
				    sigabbrev_np(WTERMSIG(status)),
				    job->row.doing ? job->row.doing : "none");
	else
		reason = mem_printf("the scenario's worker exited with %d before its verdict",
				    WEXITSTATUS(status));
	supervise_blank(&job->result, job->item, VERDICT_BROKEN, reason);
	job->result.began_ns = job->row.began_ns;
	job->result.ended_ns = clock_ns();
	purge_after_death(super, job);
}

static void restore_host(struct job *job)
{
	struct str warnings = STR_INIT;

	if (!job->host)
		return;
	(void)host_restore(job->host, &warnings);
	job->host = NULL;
	if (warnings.len)
		json_array_append_new(job->result.warnings, field_text_new(str_text(&warnings)));
	str_free(&warnings);
}

/* What happened before the oldest running scenario is of no use any more. */
static void forget_trace(struct supervisor *super)
{
	uint64_t oldest = clock_ns();

	for (size_t i = 0; i < super->options->jobs; i++)
		if (super->jobs[i].item && super->jobs[i].row.began_ns < oldest)
			oldest = super->jobs[i].row.began_ns;
	trace_forget(super->trace, oldest);
}

static void job_gone(struct supervisor *super)
{
	super->running--;
	if (super->running > 0 || !super->shares)
		return;
	journal_unlock_host(super->journal);
	super->shares = false;
}

void job_end(struct job *job)
{
	struct supervisor *super = job->super;
	int status = 0;

	loop_remove(job->source);
	fd_close_var(&job->fd);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!job->has_result)
		worker_died(super, job, status);
	set_text(&job->result.name, job->item->name);
	trace_attach(super->trace, super->no_trace, &job->result);
	restore_host(job);
	swap_json(&job->result.events, &job->events);
	swap_json(&job->result.samples, &job->samples);
	str_free(&job->line);
	job->item = NULL;
	forget_trace(super);
	job_gone(super);
	supervise_add(super, &job->result);
}

static void on_worker(void *data, int fd, uint32_t events)
{
	struct job *job = data;
	char bytes[16384];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n > 0)
		take_bytes(job, bytes, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		job_end(job);
}

/* ---- the start of a worker ----------------------------------------------------------------- */

static void __attribute__((noreturn))
worker_main(struct supervisor *super, struct job *job, int out_fd, pid_t parent)
{
	MEM_AUTO char *group = mem_printf("s%zu", job->index);
	struct runner_options options = {.cg_host = super->options->cg_host,
					 .above = super->top,
					 .group = group,
					 .hog = super->options->hog,
					 .seed = super->options->seed,
					 .hog_stays = super->hog.locked,
					 .host = job->host,
					 .facts = super->options->facts,
					 .out_fd = out_fd};
	int lock = journal_fd(super->journal), guardian = super->guardian.fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "oomlab-worker");
	(void)setpgid(0, 0);
	/* Neither the run's lock nor the guardian's pipe may live on in here. */
	fd_close_var(&lock);
	fd_close_var(&guardian);
	_exit(runner_run(job->item->plan, &options) < 0 ? 1 : 0);
}

static int job_fork(struct job *job, struct err *err)
{
	struct supervisor *super = job->super;
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	job->pid = fork();
	if (job->pid == 0)
		worker_main(super, job, ends[1], parent);
	int errnum = errno;
	(void)close(ends[1]);
	job->fd = ends[0];
	if (job->pid < 0)
		return err_errno(err, errnum, "cannot fork a worker");
	return loop_add(super->loop, job->fd, EPOLLIN, on_worker, job, &job->source, err);
}

static bool touches_host(const struct plan *plan)
{
	return plan->host.swap != PLAN_SWAP_ANY || plan->host.n_sysctls || plan->host.thp;
}

static int job_prepare(struct job *job, struct err *err)
{
	struct supervisor *super = job->super;
	const struct plan *plan = job->item->plan;

	if (touches_host(plan)) {
		if (host_apply(&plan->host, super->journal, super->options->cg_host, &job->host,
			       err) < 0)
			return -err->code;
	} else if (!super->shares) {
		if (journal_share_host(super->journal, err) < 0)
			return -err->code;
		super->shares = true;
	}
	/* Waiting for another run is not the scenario's time. */
	job->row.began_ns = clock_ns();
	job->deadline_ns = job->row.began_ns + plan->timeout_ns + WORKER_GRACE_NS;
	return job_fork(job, err);
}

static void tell_began(struct supervisor *super, const struct supervise_item *item)
{
	struct result blank;

	if (!super->options->began)
		return;
	supervise_blank(&blank, item, VERDICT_BROKEN, "the machine ended before its verdict");
	set_text(&blank.name, item->name);
	super->options->began(super->options->data, item, &blank);
	result_clear(&blank);
}

void job_start(struct supervisor *super, struct job *job, size_t index)
{
	const struct supervise_item *item = &super->items[index];
	struct result result;
	struct err err = ERR_INIT;

	*job = (struct job){
		.super = super,
		.item = item,
		.index = index,
		.fd = -1,
		.events = json_array(),
		.samples = json_array(),
		.row = {.name = item->name, .began_ns = clock_ns(), .limit_bytes = UINT64_MAX}};
	job->deadline_ns = UINT64_MAX;
	super->running++;
	super->used = true;
	super->spent = super->spent || item->plan->vm;
	tell_began(super, item);
	if (job_prepare(job, &err) >= 0)
		return;
	super->stop = super->stop || err.code == EINTR;
	supervise_blank(&result, item, err.code == EOPNOTSUPP ? VERDICT_SKIP : VERDICT_BROKEN,
			err.text);
	job->result = result;
	restore_host(job);
	fd_close_var(&job->fd);
	json_decref(job->events);
	json_decref(job->samples);
	job->item = NULL;
	job_gone(super);
	supervise_add(super, &job->result);
}
