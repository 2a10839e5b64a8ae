/*
 * The task table. Columns are what its header says, in any order; those of patched kernels are read
 * over. A row whose header was lost is not guessed. See forms.h.
 */
#include <stdlib.h>

#include "harness/oomlog/forms.h"

/* Rows that are compared with those before a row without sense: a bound on the work. */
enum { AFTER_BAD_MAX = 64, COMPARED_MAX = 256 };

static const struct span nothing;

static const char *const names[OOM_COLUMNS] = {
	[OOM_COL_PID] = "pid",		 [OOM_COL_UID] = "uid",
	[OOM_COL_TGID] = "tgid",	 [OOM_COL_TOTAL_VM] = "total_vm",
	[OOM_COL_RSS] = "rss",		 [OOM_COL_RSS_ANON] = "rss_anon",
	[OOM_COL_RSS_FILE] = "rss_file", [OOM_COL_RSS_SHMEM] = "rss_shmem",
	[OOM_COL_NR_PTES] = "nr_ptes",	 [OOM_COL_NR_PMDS] = "nr_pmds",
	[OOM_COL_NR_PUDS] = "nr_puds",	 [OOM_COL_PGTABLES_BYTES] = "pgtables_bytes",
	[OOM_COL_SWAPENTS] = "swapents", [OOM_COL_CPU] = "cpu",
	[OOM_COL_OOM_ADJ] = "oom_adj",	 [OOM_COL_OOM_SCORE_ADJ] = "oom_score_adj",
	[OOM_COL_NAME] = "name",	 [OOM_COL_OTHER] = "other",
};

const char *oom_column_name(enum oom_column column)
{
	return (unsigned int)column < OOM_COLUMNS ? names[column] : "";
}

/* ---- header --------------------------------------------------------------------------------- */

struct span read_tasks_state(struct builder *b, const struct msg *msg)
{
	(void)msg;
	if (b->section < SECTION_TABLE)
		b->section = SECTION_TABLE;
	return nothing;
}

bool is_table_head(struct span text)
{
	struct span rest = text;

	if (!span_skip(&rest, "["))
		return false;
	span_skip_blanks(&rest);
	if (!span_skip(&rest, "pid"))
		return false;
	span_skip_blanks(&rest);
	return span_skip(&rest, "]");
}

bool table_head_open(struct span text)
{
	return !span_ends(span_trim(text), " name");
}

static enum oom_column column_of(struct span word)
{
	for (int i = 0; i < OOM_COL_OTHER; i++)
		if (span_is(word, names[i]))
			return (enum oom_column)i;
	return OOM_COL_OTHER;
}

static void note_other(struct oom_report *r, struct span word)
{
	size_t n = strlen(r->other_columns);

	if (n + word.n + 2 > sizeof(r->other_columns))
		return;
	if (n)
		r->other_columns[n++] = ' ';
	span_copy(r->other_columns + n, sizeof(r->other_columns) - n, word);
}

struct span read_table_head(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct span rest = span_after(msg->text, memchr(msg->text.p, ']', msg->text.n)), word;

	rest = span_from(rest, 1);
	r->table_line = msg->line;
	r->columns = 1U << OOM_COL_PID;
	r->other_columns[0] = '\0';
	b->n_columns = 0;
	b->section = SECTION_TABLE;
	b->table_open = true;
	while ((word = span_word(&rest)).n && b->n_columns < OOMLOG_COLUMNS_MAX) {
		enum oom_column column = column_of(word);
		b->columns[b->n_columns++] = (uint8_t)column;
		r->columns |= 1U << column;
		if (column == OOM_COL_OTHER)
			note_other(r, word);
		if (column == OOM_COL_NAME)
			return nothing;
	}
	b->table_bad = true; /* cut: no name column */
	return nothing;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Cuts "[  333]" off. */
static bool row_pid(struct span *text, int64_t *ret)
{
	struct span rest = *text;

	if (!span_skip(&rest, "["))
		return false;
	span_skip_blanks(&rest);
	if (!span_i64(&rest, ret) || *ret < 0)
		return false;
	span_skip_blanks(&rest);
	if (!span_skip(&rest, "]"))
		return false;
	*text = rest;
	return true;
}

bool is_row(struct span text)
{
	int64_t pid;

	if (!row_pid(&text, &pid))
		return false;
	span_skip_blanks(&text);
	return !text.n || is_digit(*text.p) || *text.p == '-';
}

/* Whether all columns are there; where no header tells, whether it ends with a name. */
bool row_complete(const struct builder *b, struct span text)
{
	unsigned int words = 0, numbers = 0;
	struct span word;
	int64_t pid;

	if (!row_pid(&text, &pid))
		return true;
	while ((word = span_word(&text)).n) {
		words++;
		if (words == numbers + 1 && (is_digit(*word.p) || *word.p == '-'))
			numbers++;
	}
	return b->n_columns ? words >= b->n_columns : words > numbers && numbers >= 5;
}

/* Puts a number where its column belongs. */
static void set_column(struct oom_task *task, enum oom_column column, int64_t value)
{
	const struct {
		int column;
		int64_t *to;
	} wide[] = {
		{OOM_COL_UID, &task->uid},
		{OOM_COL_TGID, &task->tgid},
		{OOM_COL_TOTAL_VM, &task->total_vm},
		{OOM_COL_RSS, &task->rss},
		{OOM_COL_RSS_ANON, &task->rss_anon},
		{OOM_COL_RSS_FILE, &task->rss_file},
		{OOM_COL_RSS_SHMEM, &task->rss_shmem},
		{OOM_COL_NR_PTES, &task->nr_ptes},
		{OOM_COL_NR_PMDS, &task->nr_pmds},
		{OOM_COL_NR_PUDS, &task->nr_puds},
		{OOM_COL_PGTABLES_BYTES, &task->pgtables_bytes},
		{OOM_COL_SWAPENTS, &task->swapents},
	};

	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (wide[i].column == (int)column)
			*wide[i].to = value;
	if (column == OOM_COL_CPU && value <= INT32_MAX && value >= INT32_MIN)
		task->cpu = (int32_t)value;
	if (value > INT16_MAX || value <= INT16_MIN)
		return;
	if (column == OOM_COL_OOM_ADJ)
		task->oom_adj = (int16_t)value;
	if (column == OOM_COL_OOM_SCORE_ADJ)
		task->oom_score_adj = (int16_t)value;
}

/* false: a column is missing or no number. */
static bool fill(const struct builder *b, struct span rest, struct oom_task *task)
{
	for (unsigned int i = 0; i < b->n_columns; i++) {
		enum oom_column column = b->columns[i];
		span_skip_blanks(&rest);
		if (column == OOM_COL_NAME) {
			span_copy(task->name, sizeof(task->name), span_trim(rest));
			return true;
		}
		struct span word = span_word(&rest);
		int64_t value;
		if (!word.n)
			return false;
		if (column == OOM_COL_OTHER)
			continue;
		if (!span_i64(&word, &value) || word.n)
			return false;
		set_column(task, column, value);
	}
	return true;
}

/* A wrapped row whose halves of a number were taken for two: "... 0 clamd" for a name. */
static bool shifted(const struct msg *msg, const struct oom_task *task)
{
	size_t digits = strspn(task->name, "-0123456789");

	return msg->n_breaks && digits && task->name[digits] == ' ';
}

static bool in_table(const struct builder *b, int64_t pid)
{
	for (size_t i = 0; i < b->bad_at; i++)
		if (b->report.tasks[i].pid == pid)
			return true;
	return false;
}

struct span read_row(struct builder *b, const struct msg *msg)
{
	struct oom_task task = {.uid = -1,
				.tgid = -1,
				.total_vm = -1,
				.rss = -1,
				.rss_anon = -1,
				.rss_file = -1,
				.rss_shmem = -1,
				.nr_ptes = -1,
				.nr_pmds = -1,
				.nr_puds = -1,
				.pgtables_bytes = -1,
				.swapents = -1,
				.cpu = -1,
				.oom_adj = INT16_MIN,
				.oom_score_adj = INT16_MIN,
				.line = msg->line};
	struct span rest = msg->text;

	b->section = SECTION_TABLE;
	if (!b->n_columns || !b->table_open) {
		b->table_rows_lost = true;
		return nothing;
	}
	if (!row_pid(&rest, &task.pid) || !fill(b, rest, &task) || shifted(msg, &task)) {
		b->table_bad = true;
		b->bad_at = b->report.n_tasks;
		b->bad_line = msg->line;
		stamp_time(&b->bad_time, msg);
		b->after_bad = AFTER_BAD_MAX;
		return nothing;
	}
	if (b->after_bad && b->compared_rows < COMPARED_MAX) {
		b->after_bad--;
		b->compared_rows++;
		b->restarted = in_table(b, task.pid);
	}
	struct oom_task *to = builder_task(b);
	if (to)
		*to = task;
	else
		b->table_bad = true;
	return nothing;
}
