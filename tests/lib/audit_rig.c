/*
 * Reports built by hand for the tests of the audit.
 */
#include "tests/lib/audit_rig.h"

#include <stdlib.h>
#include <string.h>

struct audit_rig *audit_rig_new(const char *kernel, enum oom_scope scope, uint32_t columns)
{
	struct audit_rig *rig = calloc(1, sizeof(*rig));

	ck_assert_ptr_nonnull(rig);
	rig->report = (struct oom_report){.scope = scope,
					  .cpu = 0,
					  .invoker_pid = -1,
					  .summary_pid = -1,
					  .columns = columns,
					  .table_line = 10,
					  .table_complete = true,
					  .page_size = 4096,
					  .tasks = rig->rows,
					  .figures = rig->figures,
					  .kills = rig->kills};
	strcpy(rig->report.kernel, kernel);
	return rig;
}

struct oom_task *audit_rig_row(struct audit_rig *rig, int64_t pid, int64_t uid, int64_t rss,
			       int64_t tables, int64_t swap, int adj, const char *name)
{
	struct oom_report *report = &rig->report;
	struct oom_task *task = &rig->rows[report->n_tasks++];
	bool bytes = report->columns & COL(PGTABLES_BYTES), ptes = report->columns & COL(NR_PTES);

	ck_assert_uint_le(report->n_tasks, ROWS_MAX);
	*task = (struct oom_task){.pid = pid,
				  .tgid = pid,
				  .uid = uid,
				  .total_vm = 2 * rss + swap + 1,
				  .rss = rss,
				  .rss_anon = -1,
				  .rss_file = -1,
				  .rss_shmem = -1,
				  .nr_ptes = ptes ? tables : -1,
				  .nr_pmds = -1,
				  .nr_puds = -1,
				  .pgtables_bytes = bytes ? tables : -1,
				  .swapents = report->columns & COL(SWAPENTS) ? swap : -1,
				  .cpu = -1,
				  .oom_adj = INT16_MIN,
				  .oom_score_adj = (int16_t)adj,
				  .line = 10 + report->n_tasks};
	strcpy(task->name, name);
	return task;
}

void audit_rig_figure(struct audit_rig *rig, const char *where, const char *name, uint64_t raw,
		      enum oom_unit unit)
{
	struct oom_figure *one = &rig->figures[rig->report.n_figures++];

	ck_assert_uint_le(rig->report.n_figures, FIGURES_MAX);
	strcpy(one->where, where);
	strcpy(one->name, name);
	one->value = (struct oom_value){.raw = raw, .unit = (uint8_t)unit, .have = OOM_SAID};
}

void audit_rig_machine(struct audit_rig *rig, uint64_t ram, uint64_t reserved, uint64_t swap_kb)
{
	audit_rig_figure(rig, "", "pages RAM", ram, OOM_PAGES);
	audit_rig_figure(rig, "", "pages reserved", reserved, OOM_PAGES);
	audit_rig_figure(rig, "", "Total swap", swap_kb, OOM_KB);
}

struct oom_kill *audit_rig_deed(struct audit_rig *rig, enum oom_deed what, int64_t pid,
				int64_t score)
{
	struct oom_kill *kill = &rig->kills[rig->report.n_kills++];

	*kill = (struct oom_kill){
		.deed = what, .pid = pid, .uid = -1, .score = score, .other_pid = -1, .line = 50};
	return kill;
}

void audit_rig_killed(struct audit_rig *rig, int64_t pid, int64_t score)
{
	if (score == INT64_MIN)
		rig->report.summary_pid = pid;
	else
		audit_rig_deed(rig, OOM_SELECTED, pid, score);
	audit_rig_deed(rig, OOM_KILLED, pid, INT64_MIN);
}

struct audit audit_rig_run(const struct audit_rig *rig, const struct audit_options *options)
{
	struct audit audit;

	audit_report(&rig->report, options, &audit);
	ck_assert_str_ne(audit.why, "");
	return audit;
}

void audit_rig_done(struct audit_rig *rig, struct audit *audit)
{
	audit_clear(audit);
	free(rig);
}
