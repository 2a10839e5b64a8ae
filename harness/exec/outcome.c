/*
 * The result of one scenario: what it begins with, and what is put into it when everything has
 * been taken down. A failure that somebody else may have caused becomes 'broken' here.
 */
#include <errno.h>

#include "harness/exec/runner_internal.h"
#include "harness/record/field.h"

/* Why it does not decide; NULL: it does. */
static const char *doubt_of(const struct world_forecast *forecast)
{
	return forecast->outcome == PREDICT_UNDECIDED ? predict_doubt_name(forecast->doubt) : NULL;
}

static json_t *forecast_json(const struct runner *run, const struct world_forecast *forecast)
{
	const char *task = forecast->task >= 0 ? run->plan->tasks[forecast->task].name : NULL;
	const char *doubt = doubt_of(forecast);
	json_t *json =
		json_pack("{s:s}", "outcome",
			  forecast->member ? "member" : predict_outcome_name(forecast->outcome));

	if (doubt)
		json_object_set_new(json, "why", json_string(doubt));
	if (forecast->outcome == PREDICT_NONE)
		return json;
	if (forecast->pid >= 0)
		json_object_set_new(json, "pid", json_integer(forecast->pid));
	if (task)
		json_object_set_new(json, "task", json_string(task));
	if (forecast->child >= 0)
		json_object_set_new(json, "child", json_integer(forecast->child));
	json_object_set_new(json, "points", json_integer(forecast->points));
	if (forecast->margin != INT64_MAX)
		json_object_set_new(json, "margin", json_integer(forecast->margin));
	json_object_set_new(json, "error", field_u64_new(forecast->error));
	return json;
}

static json_t *audit_json(const struct world_audit *audit)
{
	if (!audit->done)
		return json_pack("{s:s}", "verdict", "no-table");
	return json_pack("{s:s, s:o}", "verdict", audit_verdict_name(audit->verdict), "why",
			 field_text_new(audit->why));
}

static json_t *kill_json(const struct runner *run, const struct world_kill *kill)
{
	const char *task = kill->task >= 0 ? run->plan->tasks[kill->task].name : NULL;
	const char *group = kill->group >= 0 ? run->plan->groups[kill->group].name : NULL;
	json_t *json = json_pack("{s:i, s:o, s:s?, s:s?, s:I, s:I, s:{s:b, s:b, s:b}}", "pid",
				 (int)kill->pid, "comm", field_text_new(kill->comm), "task", task,
				 "group", group, "t", (json_int_t)kill->t_ns, "kmsg",
				 (json_int_t)kill->order, "sources", "wait", kill->by_wait,
				 "counter", kill->by_counter, "log", kill->by_line);

	if (kill->child >= 0)
		json_object_set_new(json, "child", json_integer(kill->child));
	if (kill->has_report)
		json_object_set_new(json, "report",
				    json_pack("{s:s, s:s, s:s}", "constraint", kill->constraint,
					      "oom_memcg", kill->oom_memcg, "task_memcg",
					      kill->task_memcg));
	if (kill->by_line) {
		json_object_set_new(json, "predicted", forecast_json(run, &kill->forecast));
		json_object_set_new(json, "audit", audit_json(&kill->audit));
	}
	if (kill->by_line && kill->anon_rss_bytes != UINT64_MAX)
		json_object_set_new(json, "anon_rss",
				    json_integer((json_int_t)kill->anon_rss_bytes));
	return json;
}

/* A command's own output belongs to the evidence when something went wrong. */
static void keep_output(struct runner *run)
{
	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		struct task *task = &run->tasks[i];
		if (task->output >= 0)
			while ((errno = 0, task_read_output(task)) && errno != EAGAIN)
				;
		if (task->output_len)
			emit(run, "output",
			     json_pack("{s:s, s:o}", "task", run->plan->tasks[i].name, "text",
				       field_text_new(task->tail)));
	}
}

json_t *outcome_claim(const struct plan *plan)
{
	const struct plan_claim *claim = plan->claim;

	if (!claim)
		return json_object();
	return json_pack("{s:o, s:o, s:b, s:n}", "says", field_text_new(claim->says), "truth",
			 field_text_new(claim->truth), "expected", claim->here, "observed");
}

void outcome_begin(struct runner *run)
{
	const struct plan *plan = run->plan;
	struct result *result = &run->result;

	result->name = mem_dup(plan->name);
	result->suite = mem_dup(plan->suite);
	result->file = mem_dup(plan->file);
	result->title = plan->title ? mem_dup(plan->title) : NULL;
	result->tags = json_array();
	result->params = json_object();
	result->claim = outcome_claim(plan);
	result->findings = json_array();
	result->kills = json_array();
	result->samples = json_array();
	result->events = json_array();
	result->log = json_array();
	result->warnings = json_array();
	for (size_t i = 0; i < plan->n_tags; i++)
		json_array_append_new(result->tags, json_string(plan->tags[i]));
	for (size_t i = 0; i < plan->n_params; i++)
		json_object_set_new(result->params, plan->params[i].name,
				    json_string(plan->params[i].value));
	result->verdict = VERDICT_PASS;
	result->began_ns = clock_ns();
	run->report = json_array();
}

/* What passed has all its sources. What failed under such circumstances may not be the kernel's
 * doing; NULL: there were none. */
static const char *disturbance(const struct runner *run)
{
	if (run->kmsg_lost)
		return "records of the kernel's log were overwritten before they could be read (a "
		       "larger log_buf_len keeps more)";
	if (run->swaps_changed)
		return "somebody else turned swap on or off while this ran";
	return NULL;
}

static void judge_disturbance(struct runner *run)
{
	const char *what = disturbance(run);

	if (!what)
		return;
	runner_warn(run, "%s", what);
	if (run->result.verdict != VERDICT_FAIL)
		return;
	MEM_AUTO char *reason = run->result.reason;
	run->result.verdict = VERDICT_BROKEN;
	run->result.reason = mem_printf("%s; otherwise: %s", what, reason);
}

void outcome_end(struct runner *run)
{
	keep_output(run);
	for (size_t i = 0; i < run->world.n_kills; i++)
		if (run->world.kills[i].task >= 0 || run->world.kills[i].group >= 0)
			json_array_append_new(run->result.kills,
					      kill_json(run, &run->world.kills[i]));
	judge_disturbance(run);
	run->result.ended_ns = clock_ns();
}
