/*
 * See score.h: one reading, ranked, and held against what the kernel says itself. A process that
 * changes between two looks is looked at again; only what stays is called a difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/score.h"

enum { LOOKS = 8 };

const char *const score_match_names[] = {
	[SCORE_UNREAD] = NULL,
	[SCORE_SAME] = "same",
	[SCORE_WITHIN_ERROR] = "within-error",
	[SCORE_MOVING] = "moving",
	[SCORE_DIFFERS] = "differs",
	[SCORE_HIDDEN] = "hidden",
};

/* ---- ranks ---------------------------------------------------------------------------------- */

struct ranking {
	const struct score_scope *scope;
	bool last; /* of equals the last one is taken */
};

/* Preferred first; who can never be chosen last, the largest first. */
static int by_preference(const void *a, const void *b, void *data)
{
	const struct ranking *ranking = data;
	const struct score_row *x = a, *y = b;
	const struct badness_task *s = &ranking->scope->c->tasks[x->at];
	const struct badness_task *t = &ranking->scope->c->tasks[y->at];

	if (x->points != y->points)
		return x->points > y->points ? -1 : 1;
	if (x->points == BADNESS_NEVER && s->rss_pages != t->rss_pages)
		return s->rss_pages > t->rss_pages ? -1 : 1;
	return (s->order > t->order) == ranking->last ? -1 : 1;
}

static void rank(const struct score *score, struct score_scope *scope)
{
	struct ranking ranking = {scope, (scope->dir ? score->rules->tie_memcg
						     : score->rules->tie_global) == BADNESS_LAST};

	for (size_t i = 0; i < scope->n_rows; i++)
		scope->rows[i].points = badness_points(
			score->rules, &scope->c->tasks[scope->rows[i].at], scope->total_pages);
	if (scope->n_rows)
		qsort_r(scope->rows, scope->n_rows, sizeof(*scope->rows), by_preference, &ranking);
	scope->n_eligible = 0;
	for (size_t i = 0; i < scope->n_rows; i++) {
		bool never = scope->rows[i].points == BADNESS_NEVER;
		scope->rows[i].rank = never ? 0 : ++scope->n_eligible;
	}
}

static void choose(const struct score *score, struct score_scope *scope)
{
	const struct candidates *c = scope->c;
	struct badness_choice *choice = &scope->choice;

	candidates_choose(c, score->rules, scope->total_pages, choice);
	scope->has_victim_adj = scope->has_next_adj = false;
	if (choice->victim != SIZE_MAX && choice->runner_up != SIZE_MAX)
		scope->has_victim_adj =
			badness_turning_adj(score->rules, c->tasks, c->n, scope->total_pages,
					    c->memcg, choice->victim, &scope->victim_adj);
	if (choice->runner_up != SIZE_MAX)
		scope->has_next_adj =
			badness_turning_adj(score->rules, c->tasks, c->n, scope->total_pages,
					    c->memcg, choice->runner_up, &scope->next_adj);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int read_limits(const struct score *score, struct score_scope *scope, struct err *err)
{
	const struct candidates *c = scope->c;
	const struct cg_limits *limits = &scope->limits;
	uint64_t page = c->page_bytes;

	int rc = cg_limits_of(score->groups, scope->dir, &scope->limits, err);
	if (rc < 0)
		return rc;
	scope->limited = limits->max_bytes != UINT64_MAX || limits->memsw_bytes != UINT64_MAX;
	scope->total_pages = badness_total_memcg(
		limits->max_bytes == UINT64_MAX ? UINT64_MAX : limits->max_bytes / page,
		limits->memsw_bytes == UINT64_MAX ? UINT64_MAX : limits->memsw_bytes / page,
		limits->swap_max_bytes == UINT64_MAX ? UINT64_MAX : limits->swap_max_bytes / page,
		c->swap_pages, c->ram_pages, limits->swaps);
	return 0;
}

static void make_rows(struct score_scope *scope)
{
	const struct candidates *c = scope->c;

	if (c->n > scope->cap_rows) {
		scope->rows = mem_grow(scope->rows, c->n, sizeof(*scope->rows));
		scope->cap_rows = c->n;
	}
	scope->n_rows = c->n;
	scope->n_kthreads = 0;
	for (size_t i = 0; i < c->n; i++) {
		scope->rows[i] = (struct score_row){.at = i};
		scope->n_kthreads += c->more[i].bar == CANDIDATE_KTHREAD;
	}
}

int score_scope_read(const struct score *score, struct score_scope *scope, struct err *err)
{
	struct candidates *c = scope->c;
	bool full = score->top == 0 || score->places;
	int rc = scope->dir ? candidates_of_tree(c, scope->dir, err) : candidates_all(c, full, err);

	scope->total_pages = c->ram_pages + c->swap_pages;
	if (rc >= 0 && scope->dir)
		rc = read_limits(score, scope, err);
	if (rc < 0)
		return rc;
	if (!scope->dir && !full)
		candidates_settle(c, score->rules, scope->total_pages, score->top);
	make_rows(scope);
	rank(score, scope);
	choose(score, scope);
	return 0;
}

const struct score_row *score_find(const struct score_scope *scope, int64_t pid)
{
	for (size_t i = 0; i < scope->n_rows; i++)
		if (scope->c->tasks[scope->rows[i].at].pid == pid)
			return &scope->rows[i];
	return NULL;
}

bool score_is_shown(const struct score *score, const struct score_scope *scope, size_t row)
{
	if (score->top == 0)
		return true;
	return row < score->top && scope->c->more[scope->rows[row].at].bar != CANDIDATE_KTHREAD;
}

/* ---- beside oom_score ----------------------------------------------------------------------- */

static int64_t own_score(const struct score *score, const struct candidates *c, size_t at,
			 int64_t error)
{
	struct badness_task task = c->tasks[at];
	uint64_t total = c->ram_pages + c->swap_pages;

	task.swap_pages = error < 0 && (uint64_t)-error > task.swap_pages
				  ? 0
				  : task.swap_pages + (uint64_t)error;
	return badness_proc_score(score->kernel_rules,
				  badness_points(score->kernel_rules, &task, total), total);
}

static enum score_match compare(const struct score *score, const struct candidates *c, size_t at,
				int64_t kernel)
{
	int64_t error = (int64_t)c->tasks[at].error_pages;

	if (own_score(score, c, at, 0) == kernel)
		return SCORE_SAME;
	return own_score(score, c, at, -error) <= kernel && kernel <= own_score(score, c, at, error)
		       ? SCORE_WITHIN_ERROR
		       : SCORE_DIFFERS;
}

/* The process again, between two looks at oom_score that agree: what it says then is settled. */
static void look_again(const struct score *score, struct candidates *c, struct score_row *row)
{
	struct badness_task *task = &c->tasks[row->at];
	pid_t pid = (pid_t)task->pid;
	struct err err = ERR_INIT;

	for (int look = 0; look < LOOKS; look++) {
		int64_t before, after;
		row->match = SCORE_MOVING;
		if (candidates_oom_score(c, pid, &before) < 0 ||
		    candidates_read(score->one, &pid, 1, &err) < 0 || score->one->n == 0 ||
		    candidates_oom_score(c, pid, &after) < 0)
			return; /* it is gone */
		const struct badness_task *now = score->one->tasks;
		row->kernel_score = after;
		row->own_score = own_score(score, score->one, 0, 0);
		if (before != after)
			continue;
		row->match = (uint8_t)compare(score, score->one, 0, after);
		if (row->match == SCORE_DIFFERS)
			continue; /* it may have changed between two equal values */
		uint64_t order = task->order;
		*task = *now;
		task->comm = c->more[row->at].comm;
		task->order = order;
		return;
	}
}

static bool wanted(const int64_t *pids, size_t n, int64_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

void score_check(const struct score *score, struct score_scope *scope, const int64_t *pids,
		 size_t n)
{
	struct candidates *c = scope->c;

	for (size_t i = 0; i < scope->n_rows; i++) {
		struct score_row *row = &scope->rows[i];
		if (n ? !wanted(pids, n, c->tasks[row->at].pid) : !score_is_shown(score, scope, i))
			continue;
		candidates_refine(c, row->at);
		int rc = candidates_oom_score(c, c->tasks[row->at].pid, &row->kernel_score);
		row->own_score = own_score(score, c, row->at, 0);
		if (rc == -EACCES || rc == -EPERM)
			row->match = SCORE_HIDDEN;
		else if (rc < 0)
			row->match = SCORE_MOVING;
		else if (row->own_score == row->kernel_score)
			row->match = SCORE_SAME;
		else
			look_again(score, c, row);
	}
	rank(score, scope);
	choose(score, scope);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool sysctl_is_set(const char *path)
{
	char text[16];
	struct err err = ERR_INIT;

	return fd_read_text(AT_FDCWD, path, text, sizeof(text), &err) > 0 && atoi(text) > 0;
}

int score_scope_open(struct score *score, const char *dir, struct score_scope *ret, struct err *err)
{
	*ret = (struct score_scope){.dir = dir ? mem_dup(dir) : NULL};
	if (dir)
		ret->path = cg_memory_path(score->groups, ret->dir);
	int rc = candidates_open(-1, score->groups, &ret->c, err);
	if (rc < 0)
		score_scope_close(ret);
	return rc;
}

void score_scope_close(struct score_scope *scope)
{
	candidates_free(scope->c);
	mem_free_var(&scope->rows);
	mem_free_var(&scope->dir);
	*scope = (struct score_scope){0};
}

int score_open(struct score *score, const char *dir, struct err *err)
{
	int rc = score_scope_open(score, dir, &score->main, err);

	if (rc >= 0)
		rc = candidates_open(-1, NULL, &score->one, err);
	score->allocating = sysctl_is_set("/proc/sys/vm/oom_kill_allocating_task");
	score->panics = sysctl_is_set("/proc/sys/vm/panic_on_oom");
	score->invisible = access("/proc/1", F_OK) < 0;
	return rc;
}

void score_close(struct score *score)
{
	score_scope_close(&score->main);
	candidates_free(score->one);
	score->one = NULL;
}
