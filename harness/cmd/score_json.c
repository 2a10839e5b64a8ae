/*
 * See score_json.h. Memory in bytes, points in pages as the kernel has them.
 */
#include "harness/cmd/score_json.h"

#include <string.h>

#include "harness/record/field.h"

enum { SCHEMA = 1 };

static const char *const sure_names[] = {
	[BADNESS_CERTAIN] = "certain",
	[BADNESS_TIED] = "tied",
	[BADNESS_WITHIN_ERROR] = "within-error",
	[BADNESS_NOBODY] = "nobody",
};
static const char *const counter_names[] = {
	[COUNTERS_AGREE] = "agree", [COUNTERS_APPROX] = "approximate", [COUNTERS_EXACT] = "exact"};

static json_t *bytes_json(const struct score_scope *scope, uint64_t pages)
{
	return field_u64_new(pages * scope->c->page_bytes);
}

static json_t *limit_json(uint64_t bytes)
{
	return bytes == UINT64_MAX ? json_null() : field_u64_new(bytes);
}

static json_t *text_json(const char *text)
{
	return text ? field_text_new(text) : json_null();
}

static json_t *row_json(const struct score_scope *scope, const struct score_row *row)
{
	const struct badness_task *task = &scope->c->tasks[row->at];
	const struct candidate *more = &scope->c->more[row->at];
	bool never = row->points == BADNESS_NEVER;
	bool read = row->match != SCORE_UNREAD && row->match != SCORE_HIDDEN;

	return json_pack(
		"{s:o, s:I, s:I, s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o}",
		"rank", never ? json_null() : json_integer((json_int_t)row->rank), "pid",
		(json_int_t)task->pid, "ppid", (json_int_t)task->ppid, "uid", (json_int_t)more->uid,
		"comm", field_text_new(more->comm), "never",
		text_json(!never      ? NULL
			  : more->bar ? candidate_bar_name((enum candidate_bar)more->bar)
				      : "oom_score_adj"),
		"oom_score_adj", task->oom_score_adj, "rss_bytes",
		bytes_json(scope, task->rss_pages), "rss_anon_bytes",
		bytes_json(scope, more->anon_pages), "rss_file_bytes",
		bytes_json(scope, more->file_pages), "rss_shmem_bytes",
		bytes_json(scope, more->shmem_pages), "swap_bytes",
		bytes_json(scope, task->swap_pages), "pgtables_bytes",
		bytes_json(scope, task->table_pages), "points",
		never ? json_null() : json_integer(row->points), "error_points",
		field_u64_new(task->error_pages), "oom_score",
		read ? json_integer(row->kernel_score) : json_null(), "computed_score",
		row->match == SCORE_UNREAD ? json_null() : json_integer(row->own_score), "match",
		text_json(score_match_names[row->match]), "threads",
		json_integer((json_int_t)more->threads));
}

static json_t *task_json(const struct score_scope *scope, size_t at)
{
	return at == SIZE_MAX ? json_null()
			      : json_pack("{s:I, s:o}", "pid", (json_int_t)scope->c->tasks[at].pid,
					  "comm", field_text_new(scope->c->more[at].comm));
}

static json_t *choice_json(const struct score_scope *scope)
{
	const struct badness_choice *choice = &scope->choice;
	bool two = choice->runner_up != SIZE_MAX;

	return json_pack(
		"{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "victim",
		task_json(scope, choice->victim), "runner_up", task_json(scope, choice->runner_up),
		"child", task_json(scope, choice->child), "sure", sure_names[choice->sure],
		"points", choice->victim == SIZE_MAX ? json_null() : json_integer(choice->points),
		"margin", two ? json_integer(choice->margin) : json_null(), "error",
		field_u64_new(choice->error), "ties", json_integer((json_int_t)choice->n_ties),
		"within_error", json_integer((json_int_t)choice->n_within), "victim_safe_at_adj",
		scope->has_victim_adj ? json_integer(scope->victim_adj) : json_null(),
		"runner_up_dies_at_adj",
		scope->has_next_adj ? json_integer(scope->next_adj) : json_null());
}

static json_t *group_json(const struct score_scope *scope)
{
	const struct cg_limits *limits = &scope->limits;

	if (!scope->dir)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "path", field_text_new(scope->path),
			 "dir", field_text_new(scope->dir), "limit_bytes",
			 limit_json(limits->max_bytes), "memsw_limit_bytes",
			 limit_json(limits->memsw_bytes), "swap_limit_bytes",
			 limit_json(limits->swap_max_bytes), "usage_bytes",
			 field_u64_new(limits->usage_bytes));
}

static json_t *lines_json(const char *lines)
{
	json_t *array = json_array();

	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
		MEM_AUTO char *line = mem_printf("%.*s", (int)(end - lines), lines);
		json_array_append_new(array, field_text_new(line));
	}
	return array;
}

static json_t *rows_json(const struct score *score, const struct score_scope *scope,
			 const int64_t *pids, size_t n)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < scope->n_rows; i++) {
		bool show = n == 0 && score_is_shown(score, scope, i);
		for (size_t k = 0; k < n && !show; k++)
			show = scope->c->tasks[scope->rows[i].at].pid == pids[k];
		if (show)
			json_array_append_new(rows, row_json(scope, &scope->rows[i]));
	}
	return rows;
}

json_t *score_json(const struct score *score, const struct score_scope *scope, const int64_t *pids,
		   size_t n)
{
	const struct candidates *c = scope->c;
	STR_AUTO summary = STR_INIT;

	score_tell(score, scope, &summary);
	score_tell_differences(score, scope, &summary);
	return json_pack(
		"{s:i, s:o, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
		"schema", SCHEMA, "kernel", field_text_new(score->release), "rules",
		score->rules->name, "kernel_rules", score->kernel_rules->name, "counters",
		counter_names[c->counters], "group", group_json(scope), "total_bytes",
		bytes_json(scope, scope->total_pages), "page_bytes", (json_int_t)c->page_bytes,
		"processes", (json_int_t)scope->n_rows, "eligible", (json_int_t)scope->n_eligible,
		"kernel_threads", (json_int_t)scope->n_kthreads, "hidden", (json_int_t)c->hidden,
		"gone", (json_int_t)c->gone, "choice", choice_json(scope), "rows",
		rows_json(score, scope, pids, n), "summary", lines_json(str_text(&summary)));
}

json_t *score_place_json(const struct score_scope *scope, const struct score_row *row)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "pid",
			 json_integer(scope->c->tasks[row->at].pid), "group", group_json(scope),
			 "rank", row->rank ? json_integer((json_int_t)row->rank) : json_null(),
			 "of", (json_int_t)scope->n_eligible, "points",
			 row->rank ? json_integer(row->points) : json_null(), "victim",
			 task_json(scope, scope->choice.victim));
}
