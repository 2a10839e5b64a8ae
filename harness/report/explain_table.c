/*
 * The tables of an explanation: processes by badness, memory by kind, each row with its bar.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/record/text.h"
#include "harness/report/explain_layout.h"

/* ---- processes ------------------------------------------------------------------------------ */

struct row {
	const struct oom_task *task;
	int64_t points; /* BADNESS_NEVER: none */
};

enum { NAME_COLUMNS = 16, ROW_COLUMNS = 2 + 7 + 1 + NAME_COLUMNS + 8 + 8 + 8 + 6 + 9 + 1 };

static int by_badness(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->points != y->points)
		return x->points < y->points ? 1 : -1;
	if (x->task->rss != y->task->rss)
		return x->task->rss < y->task->rss ? 1 : -1;
	return (x->task > y->task) - (x->task < y->task);
}

static struct row *sorted_rows(const struct explain_facts *facts)
{
	const struct oom_report *report = facts->report;
	const struct audit *audit = facts->audit;
	struct row *rows = mem_zero(report->n_tasks, sizeof(*rows));

	for (size_t i = 0; i < report->n_tasks; i++)
		rows[i] = (struct row){&report->tasks[i], audit->row_points && i < audit->n
								  ? audit->row_points[i]
								  : BADNESS_NEVER};
	qsort(rows, report->n_tasks, sizeof(*rows), by_badness);
	return rows;
}

static void add_size_cell(struct str *out, uint64_t bytes)
{
	str_addf(out, "%8s", bytes == EXPLAIN_NONE ? "-" : SIZE_TEXT(bytes));
}

static bool was_killed(const struct oom_report *report, int64_t pid)
{
	for (size_t i = 0; i < report->n_kills; i++)
		if (report->kills[i].pid == pid && report->kills[i].deed != OOM_SELECTED &&
		    report->kills[i].deed != OOM_EXITING)
			return true;
	return false;
}

static void add_task(struct str *out, const struct explain_facts *facts,
		     const struct explain_view *view, const struct row *row, int64_t most)
{
	const struct oom_report *report = facts->report;
	const struct oom_task *task = row->task;
	bool killed = was_killed(report, task->pid);
	bool chosen = facts->chosen && facts->chosen->pid == task->pid;
	enum layout_style style = killed || chosen ? LAYOUT_VICTIM : LAYOUT_PLAIN;
	int64_t tables = explain_pgtables(report, task);
	int adj = task->oom_score_adj != INT16_MIN ? task->oom_score_adj : task->oom_adj;
	STR_AUTO points = STR_INIT;

	layout_on(out, view, style);
	str_addf(out, "%c %7" PRId64 " ", killed ? '>' : chosen ? '*' : ' ', task->pid);
	layout_cell(out, task->name, NAME_COLUMNS);
	add_size_cell(out, explain_rss(report, task));
	add_size_cell(out, explain_pages(report, task->swapents));
	add_size_cell(out, tables < 0 ? EXPLAIN_NONE : (uint64_t)tables);
	if (adj == INT16_MIN)
		str_addf(out, "%6s", "-");
	else
		str_addf(out, "%6d", adj);
	if (row->points == BADNESS_NEVER)
		str_add(&points, explain_unkillable(task) ? "never" : "-");
	else
		explain_points(facts, row->points, &points);
	str_addf(out, "%9s", str_text(&points));
	if (row->points > 0 && most > 0)
		layout_bar(out, view, (uint64_t)row->points, (uint64_t)most,
			   layout_bar_cells(view, ROW_COLUMNS));
	layout_off(out, view, style);
	str_add(out, "\n");
}

/* The chosen and the killed are shown even where the top does not reach them. */
static bool is_shown(const struct explain_facts *facts, const struct row *row, size_t i, size_t top)
{
	return i < top || was_killed(facts->report, row->task->pid) ||
	       (facts->chosen && facts->chosen->pid == row->task->pid);
}

void layout_tasks(struct str *out, const struct explain_facts *facts,
		  const struct explain_view *view)
{
	size_t n = facts->report->n_tasks, shown = 0;
	size_t top = view->top == 0 || view->top > n ? n : (size_t)view->top;
	MEM_AUTO struct row *rows = sorted_rows(facts);

	if (n == 0)
		return;
	str_add(out, "\n");
	layout_on(out, view, LAYOUT_HEAD);
	str_addf(out, "  %7s %-*s%8s%8s%8s%6s%9s", "pid", NAME_COLUMNS, "name", "resident", "swap",
		 "tables", "adj", "badness");
	layout_off(out, view, LAYOUT_HEAD);
	str_add(out, "\n");
	for (size_t i = 0; i < n; i++) {
		if (!is_shown(facts, &rows[i], i, top))
			continue;
		add_task(out, facts, view, &rows[i], rows[0].points);
		shown++;
	}
	if (shown < n)
		str_addf(out, "  and %zu more (--top 0 shows all)\n", n - shown);
}

/* ---- memory --------------------------------------------------------------------------------- */

void layout_kinds(struct str *out, const struct explain_facts *facts,
		  const struct explain_view *view)
{
	enum { INDENT = 6, LABEL = 28, COLUMNS = 2 + LABEL + 8 + 6 + 1 };
	uint64_t whole = facts->group ? facts->usage : facts->ram;

	if (facts->n_kinds == 0)
		return;
	str_add(out, "\n");
	layout_on(out, view, LAYOUT_HEAD);
	const char *head = facts->group ? "memory of the group" : "memory of the machine";
	if (whole == EXPLAIN_NONE)
		str_addf(out, "  %s", head);
	else
		str_addf(out, "  %-*s%8s", LABEL, head, SIZE_TEXT(whole));
	layout_off(out, view, LAYOUT_HEAD);
	str_add(out, "\n");
	for (size_t i = 0; i < facts->n_kinds; i++) {
		const struct explain_kind *kind = &facts->kinds[i];
		layout_on(out, view, kind->within ? LAYOUT_DIM : LAYOUT_PLAIN);
		str_addf(out, "  %-*s%-*s%8s", kind->within ? INDENT : 0,
			 kind->within ? "of it " : "", LABEL - (kind->within ? INDENT : 0),
			 kind->label, SIZE_TEXT(kind->bytes));
		if (whole != EXPLAIN_NONE) {
			str_addf(out, "%5u%%", explain_percent(kind->bytes, whole));
			layout_bar(out, view, kind->bytes, whole, layout_bar_cells(view, COLUMNS));
		}
		layout_off(out, view, kind->within ? LAYOUT_DIM : LAYOUT_PLAIN);
		str_add(out, "\n");
	}
}
