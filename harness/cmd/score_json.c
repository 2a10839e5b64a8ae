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

struct pair {
	const char *key;
	json_t *value; /* given away */
};

static json_t *object_json(const struct pair *pairs, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, pairs[i].key, pairs[i].value);
	return object;
}
#define OBJECT(pairs) object_json(pairs, sizeof(pairs) / sizeof((pairs)[0]))

/* null instead of a number that says nothing */
static json_t *number_json(bool said, int64_t value)
{
	return said ? json_integer(value) : json_null();
}

static json_t *text_json(const char *text)
{
	return text ? field_text_new(text) : json_null();
}

static const char *never_name(const struct score_scope *scope, const struct score_row *row)
{
	enum candidate_bar bar = (enum candidate_bar)scope->c->more[row->at].bar;

	if (row->rank)
		return NULL;
	return bar == CANDIDATE_FREE ? "oom_score_adj" : candidate_bar_name(bar);
}

static json_t *row_json(const struct score_scope *scope, const struct score_row *row)
{
	const struct badness_task *task = &scope->c->tasks[row->at];
	const struct candidate *more = &scope->c->more[row->at];
	bool compared = row->match != SCORE_UNREAD;
	const struct pair pairs[] = {
		{"rank", number_json(row->rank, (int64_t)row->rank)},
		{"pid", json_integer(task->pid)},
		{"ppid", json_integer(task->ppid)},
		{"uid", json_integer(more->uid)},
		{"comm", field_text_new(more->comm)},
		{"threads", json_integer(more->threads)},
		{"never", text_json(never_name(scope, row))},
		{"oom_score_adj", json_integer(task->oom_score_adj)},
		{"rss_bytes", bytes_json(scope, task->rss_pages)},
		{"rss_anon_bytes", bytes_json(scope, more->anon_pages)},
		{"rss_file_bytes", bytes_json(scope, more->file_pages)},
		{"rss_shmem_bytes", bytes_json(scope, more->shmem_pages)},
		{"swap_bytes", bytes_json(scope, task->swap_pages)},
		{"pgtables_bytes", bytes_json(scope, task->table_pages)},
		{"points", number_json(row->rank, row->points)},
		{"error_points", field_u64_new(task->error_pages)},
		{"oom_score",
		 number_json(compared && row->match != SCORE_HIDDEN, row->kernel_score)},
		{"computed_score", number_json(compared, row->own_score)},
		{"match", text_json(score_match_names[row->match])},
	};

	return OBJECT(pairs);
}

static json_t *task_json(const struct score_scope *scope, size_t at)
{
	if (at == SIZE_MAX)
		return json_null();
	const struct pair pairs[] = {{"pid", json_integer(scope->c->tasks[at].pid)},
				     {"comm", field_text_new(scope->c->more[at].comm)}};
	return OBJECT(pairs);
}

static json_t *choice_json(const struct score_scope *scope)
{
	const struct badness_choice *choice = &scope->choice;
	const struct pair pairs[] = {
		{"victim", task_json(scope, choice->victim)},
		{"runner_up", task_json(scope, choice->runner_up)},
		{"child", task_json(scope, choice->child)},
		{"sure", json_string(sure_names[choice->sure])},
		{"points", number_json(choice->victim != SIZE_MAX, choice->points)},
		{"margin", number_json(choice->runner_up != SIZE_MAX, choice->margin)},
		{"error", field_u64_new(choice->error)},
		{"ties", field_u64_new(choice->n_ties)},
		{"within_error", field_u64_new(choice->n_within)},
		{"victim_safe_at_adj", number_json(scope->has_victim_adj, scope->victim_adj)},
		{"runner_up_dies_at_adj", number_json(scope->has_next_adj, scope->next_adj)},
	};

	return OBJECT(pairs);
}

static json_t *group_json(const struct score_scope *scope)
{
	const struct cg_limits *limits = &scope->limits;

	if (!scope->dir)
		return json_null();
	const struct pair pairs[] = {
		{"path", field_text_new(scope->path)},
		{"dir", field_text_new(scope->dir)},
		{"limit_bytes", limit_json(limits->max_bytes)},
		{"memsw_limit_bytes", limit_json(limits->memsw_bytes)},
		{"swap_limit_bytes", limit_json(limits->swap_max_bytes)},
		{"usage_bytes", field_u64_new(limits->usage_bytes)},
	};
	return OBJECT(pairs);
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
	const struct pair pairs[] = {
		{"schema", json_integer(SCHEMA)},
		{"kernel", field_text_new(score->release)},
		{"rules", json_string(score->rules->name)},
		{"kernel_rules", json_string(score->kernel_rules->name)},
		{"counters", json_string(counter_names[c->counters])},
		{"group", group_json(scope)},
		{"total_bytes", bytes_json(scope, scope->total_pages)},
		{"page_bytes", field_u64_new(c->page_bytes)},
		{"processes", field_u64_new(scope->n_rows)},
		{"eligible", field_u64_new(scope->n_eligible)},
		{"kernel_threads", field_u64_new(scope->n_kthreads)},
		{"hidden", field_u64_new(c->hidden)},
		{"gone", field_u64_new(c->gone)},
		{"choice", choice_json(scope)},
		{"rows", rows_json(score, scope, pids, n)},
		{"summary", lines_json(str_text(&summary))},
	};

	return OBJECT(pairs);
}

json_t *score_place_json(const struct score_scope *scope, const struct score_row *row)
{
	const struct pair pairs[] = {
		{"pid", json_integer(scope->c->tasks[row->at].pid)},
		{"group", group_json(scope)},
		{"rank", number_json(row->rank, (int64_t)row->rank)},
		{"of", field_u64_new(scope->n_eligible)},
		{"points", number_json(row->rank, row->points)},
		{"victim", task_json(scope, scope->choice.victim)},
	};

	return OBJECT(pairs);
}
