/*
 * See score.h: the table for people. Sizes have three digits, points are exact.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "harness/cmd/score.h"
#include "harness/record/text.h"

enum { NAME_MIN = 8, FIXED = 71 /* columns before the name */ };

static const char style_victim[] = "\033[1m", style_never[] = "\033[2m", style_off[] = "\033[0m";

static void add_pages(struct str *out, const struct score_scope *scope, uint64_t pages, int width)
{
	char size[PARSE_TEXT_MAX];

	if (pages)
		format_size_short(pages * scope->c->page_bytes, size);
	str_addf(out, " %*s", width, pages ? size : "0");
}

static void add_points(struct str *out, const struct score *score, const struct score_scope *scope,
		       int64_t points)
{
	char size[PARSE_TEXT_MAX], text[PARSE_TEXT_MAX + 1];
	uint64_t pages = score_pages(score, scope, points);

	if (points == BADNESS_NEVER) {
		str_addf(out, " %10s %8s", "-", "-");
		return;
	}
	snprintf(text, sizeof(text), "%s%s", points < 0 ? "-" : "",
		 pages ? format_size_short(pages * scope->c->page_bytes, size) : "0");
	str_addf(out, " %10" PRId64 " %8s", points, text);
}

static void add_scores(struct str *out, const struct score_row *row)
{
	static const char marks[] = {
		[SCORE_UNREAD] = ' ', [SCORE_SAME] = ' ',    [SCORE_WITHIN_ERROR] = '~',
		[SCORE_MOVING] = '~', [SCORE_DIFFERS] = '!', [SCORE_HIDDEN] = ' ',
	};

	if (row->match == SCORE_HIDDEN || row->match == SCORE_UNREAD)
		str_addf(out, " %5s %5" PRId64 " ", "?", row->own_score);
	else
		str_addf(out, " %5" PRId64 " %5" PRId64 "%c", row->kernel_score, row->own_score,
			 marks[row->match]);
}

static void add_name(struct str *out, const struct score_scope *scope, const struct score_row *row,
		     size_t width)
{
	const struct candidate *more = &scope->c->more[row->at];
	const char *bar = candidate_bar_name((enum candidate_bar)more->bar);
	STR_AUTO name = STR_INIT;

	text_clean(&name, more->comm);
	if (bar)
		str_addf(&name, " (%s)", bar);
	str_add(out, "  ");
	if (width)
		text_cut(out, str_text(&name), width > FIXED + NAME_MIN ? width - FIXED : NAME_MIN);
	else
		str_add(out, str_text(&name));
}

static void add_row(struct str *out, const struct score *score, const struct score_scope *scope,
		    const struct score_row *row, const struct score_view *view)
{
	const struct badness_task *task = &scope->c->tasks[row->at];
	const char *style = row->rank == 1 ? style_victim : row->rank == 0 ? style_never : NULL;

	if (view->colour && style)
		str_add(out, style);
	if (row->rank)
		str_addf(out, "%5zu", row->rank);
	else
		str_add(out, "never");
	str_addf(out, " %7" PRId64 " %5d", task->pid, task->oom_score_adj);
	add_pages(out, scope, task->rss_pages, 6);
	add_pages(out, scope, task->swap_pages, 6);
	add_pages(out, scope, task->table_pages, 6);
	add_points(out, score, scope, row->points);
	add_scores(out, row);
	add_name(out, scope, row, view->width);
	if (view->colour && style)
		str_add(out, style_off);
	str_add(out, "\n");
}

static bool wanted(const struct score *score, const struct score_scope *scope, size_t row,
		   const int64_t *pids, size_t n)
{
	if (n == 0)
		return score_is_shown(score, scope, row);
	for (size_t i = 0; i < n; i++)
		if (scope->c->tasks[scope->rows[row].at].pid == pids[i])
			return true;
	return false;
}

size_t score_show(const struct score *score, const struct score_scope *scope, const int64_t *pids,
		  size_t n, const struct score_view *view, struct str *out)
{
	size_t shown = 0;

	str_addf(out, "%5s %7s %5s %6s %6s %6s %10s %8s %5s %5s   %s\n", "RANK", "PID", "ADJ",
		 "RSS", "SWAP", "TABLES", "POINTS", "BADNESS", "SCORE", "OURS", "NAME");
	for (size_t i = 0; i < scope->n_rows; i++) {
		if (!wanted(score, scope, i, pids, n) || (view->height && shown == view->height))
			continue;
		add_row(out, score, scope, &scope->rows[i], view);
		shown++;
	}
	return shown;
}
