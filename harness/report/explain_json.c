/*
 * An OOM report as one JSON object a line: docs/explain-json.md says what each key means, and a
 * test holds the two together. Keys are never left out; null is "the text does not say".
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/record/field.h"
#include "harness/report/explain.h"

enum { SCHEMA = 1 };

/* ---- values --------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	set(object, key, text && *text ? field_text_new(text) : json_null());
}

/* 'none' is the value that stands for "not said". */
static void set_int(json_t *object, const char *key, int64_t value, int64_t none)
{
	set(object, key, value == none ? json_null() : json_integer(value));
}

static void set_u64(json_t *object, const char *key, uint64_t value, uint64_t none)
{
	set(object, key, value == none ? json_null() : field_u64_new(value));
}

static void set_bool(json_t *object, const char *key, bool value)
{
	set(object, key, json_boolean(value));
}

static void set_value(json_t *object, const char *key, const struct oom_report *report,
		      const struct oom_value *value)
{
	uint64_t bytes;

	set(object, key, oom_bytes(report, value, &bytes) ? field_u64_new(bytes) : json_null());
}

static json_t *time_json(const struct oom_time *time)
{
	json_t *object = json_object();

	set(object, "monotonic_s",
	    time->has_mono ? json_real((double)time->mono_us / 1e6) : json_null());
	set(object, "unix_s",
	    time->has_unix ? json_real((double)time->unix_us / 1e6) : json_null());
	set_text(object, "text", time->text);
	return object;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static json_t *invoker_json(const struct oom_report *report)
{
	json_t *object;

	if (report->header_line == 0)
		return json_null();
	object = json_object();
	set_text(object, "comm", report->comm);
	set_int(object, "pid", report->invoker_pid, -1);
	set_int(object, "uid", report->invoker_uid, -1);
	set_int(object, "cpu", report->cpu, -1);
	set_text(object, "gfp_mask", report->gfp_mask);
	set_text(object, "gfp_flags", report->gfp_flags);
	set_int(object, "order", report->order, INT32_MIN);
	set_int(object, "oom_adj", report->oom_adj, INT32_MIN);
	set_int(object, "oom_score_adj", report->oom_score_adj, INT32_MIN);
	set_text(object, "nodemask", report->nodemask);
	set_text(object, "cpuset", report->cpuset);
	set_text(object, "mems_allowed", report->mems_allowed);
	set_u64(object, "line", report->header_line, 0);
	return object;
}

static json_t *constraint_json(const struct oom_report *report)
{
	json_t *object;

	if (report->constraint_line == 0 && !*report->constraint && !*report->oom_memcg)
		return json_null();
	object = json_object();
	set_text(object, "name", report->constraint);
	set_text(object, "oom_memcg", report->oom_memcg);
	set_text(object, "task_memcg", report->task_memcg);
	set_text(object, "comm", report->summary_comm);
	set_int(object, "pid", report->summary_pid, -1);
	set_int(object, "uid", report->summary_uid, -1);
	set_text(object, "policy", report->oom_policy);
	set_u64(object, "line", report->constraint_line, 0);
	return object;
}

static json_t *process_json(const struct oom_kill *kill)
{
	json_t *object = kill ? json_object() : json_null();

	if (!kill)
		return object;
	set_int(object, "pid", kill->pid, -1);
	set_text(object, "comm", kill->comm);
	return object;
}

static json_t *chosen_json(const struct oom_report *report)
{
	const struct oom_kill *kill = oom_selected(report);
	json_t *object = process_json(kill);

	if (kill)
		set_int(object, "score", kill->score, INT64_MIN);
	return object;
}

static json_t *kill_json(const struct explain_item *item, size_t i)
{
	const struct oom_report *report = item->report;
	const struct oom_kill *kill = &report->kills[i];
	json_t *object = json_object();

	set_text(object, "deed", oom_deed_name(kill->deed));
	set_int(object, "pid", kill->pid, -1);
	set_text(object, "comm", kill->comm);
	set_int(object, "uid", kill->uid, -1);
	set_int(object, "score", kill->score, INT64_MIN);
	set_text(object, "cgroup", kill->cgroup);
	set_value(object, "total_vm_bytes", report, &kill->total_vm);
	set_value(object, "anon_rss_bytes", report, &kill->anon_rss);
	set_value(object, "file_rss_bytes", report, &kill->file_rss);
	set_value(object, "shmem_rss_bytes", report, &kill->shmem_rss);
	set_value(object, "pgtables_bytes", report, &kill->pgtables);
	set_int(object, "oom_score_adj", kill->oom_score_adj, INT32_MIN);
	set_int(object, "other_pid", kill->deed == OOM_PINNED ? kill->other_pid : -1, -1);
	set_text(object, "other_comm", kill->other_comm);
	set(object, "time", time_json(&kill->time));
	set_u64(object, "line", kill->line, 0);
	return object;
}

static json_t *figure_json(const struct explain_item *item, size_t i)
{
	const struct oom_figure *figure = &item->report->figures[i];
	json_t *object = json_object();

	set(object, "where", field_text_new(figure->where));
	set_text(object, "name", figure->name);
	set(object, "value",
	    figure->value.have == OOM_SAID ? field_u64_new(figure->value.raw) : json_null());
	set_text(object, "unit", oom_unit_name(figure->value.unit));
	set_value(object, "bytes", item->report, &figure->value);
	set_u64(object, "line", figure->value.line, 0);
	return object;
}

/* ---- the task table ------------------------------------------------------------------------- */

static void set_pages(json_t *object, const char *key, const struct oom_report *report,
		      int64_t pages)
{
	set(object, key, pages < 0 ? json_null() : field_u64_new(explain_pages(report, pages)));
}

static json_t *row_json(const struct explain_item *item, size_t i)
{
	const struct oom_report *report = item->report;
	const struct oom_task *task = &report->tasks[i];
	const struct audit *audit = item->audit;
	json_t *object = json_object();

	set_int(object, "pid", task->pid, -1);
	set_int(object, "tgid", task->tgid, -1);
	set_int(object, "uid", task->uid, -1);
	set_text(object, "comm", task->name);
	set_pages(object, "total_vm_bytes", report, task->total_vm);
	set_pages(object, "rss_bytes", report, task->rss);
	set_pages(object, "rss_anon_bytes", report, task->rss_anon);
	set_pages(object, "rss_file_bytes", report, task->rss_file);
	set_pages(object, "rss_shmem_bytes", report, task->rss_shmem);
	set_int(object, "pgtables_bytes", explain_pgtables(report, task), -1);
	set_pages(object, "swap_bytes", report, task->swapents);
	set_int(object, "oom_adj", task->oom_adj, INT16_MIN);
	set_int(object, "oom_score_adj", task->oom_score_adj, INT16_MIN);
	set_int(object, "points",
		audit->row_points && i < audit->n ? audit->row_points[i] : BADNESS_NEVER,
		BADNESS_NEVER);
	set_u64(object, "line", task->line, 0);
	return object;
}

static json_t *columns_json(const struct oom_report *report)
{
	json_t *array = json_array();

	for (int i = 0; i < OOM_COLUMNS; i++)
		if (report->columns & 1U << i)
			json_array_append_new(array,
					      field_text_new(oom_column_name((enum oom_column)i)));
	return array;
}

/* Without its rows. */
static json_t *tasks_json(const struct oom_report *report)
{
	json_t *object;

	if (report->table_line == 0 && report->n_tasks == 0)
		return json_null();
	object = json_object();
	set_bool(object, "complete", report->table_complete);
	set_u64(object, "line", report->table_line, 0);
	set(object, "columns", columns_json(report));
	set_text(object, "other_columns", report->other_columns);
	return object;
}

/* ---- the audit ------------------------------------------------------------------------------ */

static json_t *audit_json(const struct audit *audit)
{
	json_t *object = json_object();

	set_text(object, "verdict", audit_verdict_name(audit->verdict));
	set_text(object, "generation",
		 audit->has_rules ? badness_rules(audit->generation)->name : NULL);
	set_bool(object, "fitted", audit->fitted);
	set_u64(object, "total_pages", audit->total_pages, 0);
	set_text(object, "total_from", audit->total_from);
	set_bool(object, "total_least", audit->total_least);
	set_int(object, "points", audit->rank ? audit->points : BADNESS_NEVER, BADNESS_NEVER);
	set_int(object, "printed_score", audit->printed_score, INT64_MIN);
	set_int(object, "computed_score", audit->computed_score, INT64_MIN);
	set_int(object, "best_pid", audit->best_pid, -1);
	set_int(object, "best_points", audit->best_pid < 0 ? BADNESS_NEVER : audit->best_points,
		BADNESS_NEVER);
	set(object, "margin",
	    audit->rank && audit->best_pid >= 0 ? json_integer(audit->margin) : json_null());
	set_u64(object, "error", audit->error, UINT64_MAX);
	set_u64(object, "rank", audit->rank, 0);
	set_u64(object, "ties", audit->n_ties, 0);
	set_u64(object, "eligible", audit->n_eligible, UINT64_MAX);
	set_text(object, "why", audit->why);
	return object;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static json_t *cut_json(const struct oom_report *report)
{
	json_t *object = json_object();

	set_bool(object, "head", report->cut_head);
	set_bool(object, "tail", report->cut_tail);
	set_bool(object, "table", report->cut_table);
	set_u64(object, "dropped", report->dropped, UINT64_MAX);
	set_u64(object, "repeated", report->repeated, UINT64_MAX);
	return object;
}

static json_t *unknown_json(const struct oom_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->n_unknown; i++) {
		json_t *object = json_object();
		set_u64(object, "line", report->unknown[i].line, 0);
		set(object, "text", field_text_new(report->unknown[i].text));
		json_array_append_new(array, object);
	}
	return array;
}

static void add_sentences(json_t *array, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		MEM_AUTO char *line = mem_printf("%.*s", (int)len, lines);
		json_array_append_new(array, field_text_new(line));
		lines += len + (lines[len] == '\n');
	}
}

static void set_answer(json_t *object, const struct explain_item *item)
{
	struct explain_answer answer;
	json_t *summary = json_array(), *advice = json_array();

	explain_answer(item, &answer);
	for (int topic = 0; topic < EXPLAIN_TOPICS; topic++)
		add_sentences(topic == EXPLAIN_ADVICE ? advice : summary,
			      str_text(&answer.topic[topic]));
	explain_answer_clear(&answer);
	set(object, "summary", summary);
	set(object, "advice", advice);
}

static void set_head(json_t *object, const struct explain_item *item)
{
	const struct oom_report *report = item->report;
	json_t *lines = json_array(), *time = json_object();

	set(object, "schema", json_integer(SCHEMA));
	set_u64(object, "number", item->number, UINT64_MAX);
	set_text(object, "file", item->file);
	set_text(object, "killer", oom_killer_name(report->killer));
	set_text(object, "scope", oom_scope_name(report->scope));
	set_text(object, "cause", oom_cause_name(report->cause));
	set_text(object, "kernel", report->kernel);
	json_array_append_new(lines, field_u64_new(report->first_line));
	json_array_append_new(lines, field_u64_new(report->last_line));
	set(object, "lines", lines);
	set(time, "first", time_json(&report->first_time));
	set(time, "last", time_json(&report->last_time));
	set(object, "time", time);
	set(object, "cut", cut_json(report));
}

static json_t *report_json(const struct explain_item *item)
{
	const struct oom_report *report = item->report;
	json_t *object = json_object(), *page = json_object();

	set_head(object, item);
	set(object, "invoked_by", invoker_json(report));
	set(object, "constraint", constraint_json(report));
	set(object, "chosen", chosen_json(report));
	set(object, "victim", process_json(oom_victim(report)));
	set_text(object, "oom_group", report->oom_group);
	set_bool(object, "allocating_task", report->allocating_task);
	set_bool(object, "no_killable", report->no_killable);
	set_bool(object, "disabled", report->disabled);
	set_text(object, "panic", report->panic);
	set_u64(page, "bytes", report->page_size, 0);
	set_text(page, "from", report->page_size ? report->page_size_from : NULL);
	set(object, "page_size", page);
	set(object, "audit", audit_json(item->audit));
	set(object, "unknown", unknown_json(report));
	set_u64(object, "unknown_more", report->unknown_more, UINT64_MAX);
	set_answer(object, item);
	return object;
}

/* ---- as text -------------------------------------------------------------------------------- */

/* open: an object that more keys follow */
static void add_json(struct str *out, json_t *value, bool open)
{
	/* 16 digits: microseconds of a unix time, without the noise of a 17th. */
	const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(16) | JSON_ENCODE_ANY;
	char *text = json_dumps(value, flags);

	str_addn(out, text ? text : "{}", text ? strlen(text) - open : 2U - open);
	str_add(out, open ? "," : "");
	free(text);
	json_decref(value);
}

/* One element at a time: as a tree, the rows of a large table are 20 times the log's size. */
static void add_array(struct str *out, const char *key, const struct explain_item *item, size_t n,
		      json_t *(*element)(const struct explain_item *, size_t))
{
	str_addf(out, "\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		str_add(out, i ? "," : "");
		add_json(out, element(item, i), false);
	}
	str_add(out, "]");
}

void explain_json(struct str *out, const struct explain_item *item)
{
	const struct oom_report *report = item->report;
	json_t *tasks = tasks_json(report);
	bool table = json_is_object(tasks);

	add_json(out, report_json(item), true);
	add_array(out, "kills", item, report->n_kills, kill_json);
	str_add(out, ",");
	add_array(out, "memory", item, report->n_figures, figure_json);
	str_add(out, ",\"tasks\":");
	add_json(out, tasks, table);
	if (table) {
		add_array(out, "rows", item, report->n_tasks, row_json);
		str_add(out, "}");
	}
	str_add(out, "}\n");
}
