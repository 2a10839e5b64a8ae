/*
 * See explain_rig.h.
 */
#include "tests/lib/explain_rig.h"

#include <stdlib.h>
#include <string.h>

void explain_rig_figure(struct explain_rig *rig, const char *where, const char *name, uint64_t raw,
			enum oom_unit unit)
{
	struct oom_figure *figure = &rig->figures[rig->report.n_figures++];

	strncpy(figure->where, where, sizeof(figure->where) - 1);
	strncpy(figure->name, name, sizeof(figure->name) - 1);
	figure->value = (struct oom_value){raw, 20, (uint8_t)unit, OOM_SAID};
}

void explain_rig_task(struct explain_rig *rig, int64_t pid, const char *name, int64_t rss, int adj)
{
	size_t i = rig->report.n_tasks++;

	rig->tasks[i] = (struct oom_task){
		.pid = pid,
		.tgid = pid,
		.uid = 0,
		.total_vm = rss * 2,
		.rss = rss,
		.rss_anon = -1,
		.rss_file = -1,
		.rss_shmem = -1,
		.nr_ptes = -1,
		.nr_pmds = -1,
		.nr_puds = -1,
		.pgtables_bytes = 8192,
		.swapents = 0,
		.cpu = -1,
		.oom_adj = INT16_MIN,
		.oom_score_adj = (int16_t)adj,
		.line = 30 + i,
	};
	strncpy(rig->tasks[i].name, name, sizeof(rig->tasks[i].name) - 1);
	rig->points[i] = adj == -1000 ? BADNESS_NEVER : rss + 2 + adj * 25;
	rig->audit.n = rig->report.n_tasks;
}

static struct oom_value kb(uint64_t raw)
{
	return (struct oom_value){raw, 40, OOM_KB, OOM_SAID};
}

static void set_header(struct oom_report *report)
{
	report->number = 1;
	report->cause = OOM_ALLOCATION;
	report->first_line = 10;
	report->last_line = 41;
	report->first_time = (struct oom_time){true, true, 12500000, 1795168800250000, ""};
	report->last_time = report->first_time;
	report->header_line = 10;
	strcpy(report->comm, "php-fpm");
	report->invoker_pid = 77;
	report->invoker_uid = -1;
	report->cpu = 1;
	strcpy(report->gfp_mask, "0xcc0");
	strcpy(report->gfp_flags, "GFP_KERNEL");
	report->order = 0;
	report->oom_adj = INT32_MIN;
	report->oom_score_adj = 0;
	strcpy(report->kernel, "6.1.0-18-amd64");
	report->summary_pid = 42;
	report->summary_uid = 27;
	report->constraint_line = 39;
	report->page_size = 4096;
	report->page_size_from = "kill line and table";
	report->table_line = 29;
	report->table_complete = true;
	report->columns = 1U << OOM_COL_PID | 1U << OOM_COL_RSS | 1U << OOM_COL_NAME;
}

static void set_kill(struct explain_rig *rig)
{
	rig->kills[0] = (struct oom_kill){
		.deed = OOM_KILLED,
		.pid = 42,
		.uid = 27,
		.score = INT64_MIN,
		.oom_score_adj = 0,
		.total_vm = kb(160000),
		.anon_rss = kb(79000),
		.file_rss = kb(1000),
		.shmem_rss = kb(0),
		.pgtables = kb(8),
		.line = 40,
	};
	strcpy(rig->kills[0].comm, "mysqld");
	rig->report.n_kills = 1;
}

static void set_audit(struct explain_rig *rig)
{
	rig->audit = (struct audit){
		.verdict = AUDIT_HIGHEST,
		.has_rules = true,
		.generation = BADNESS_5_9,
		.total_pages = 25600,
		.total_from = "limit",
		.chosen_pid = 42,
		.victim_pid = 42,
		.points = 20002,
		.printed_score = INT64_MIN,
		.computed_score = INT64_MIN,
		.best_pid = 77,
		.best_points = 3002,
		.margin = 17000,
		.rank = 1,
		.n_ties = 1,
		.n_eligible = 2,
		.row_points = rig->points,
	};
}

static struct explain_rig *new_rig(void)
{
	struct explain_rig *rig = calloc(1, sizeof(*rig));

	if (!rig)
		abort();
	rig->report.kills = rig->kills;
	rig->report.figures = rig->figures;
	rig->report.tasks = rig->tasks;
	rig->report.unknown = rig->unknown;
	set_header(&rig->report);
	set_kill(rig);
	set_audit(rig);
	explain_rig_task(rig, 42, "mysqld", 20000, 0);
	explain_rig_task(rig, 77, "php-fpm", 3000, 0);
	explain_rig_task(rig, 99, "sshd", 400, -1000);
	rig->item = (struct explain_item){&rig->report, &rig->audit, 3, "kern.log"};
	return rig;
}

struct explain_rig *explain_rig_group(void)
{
	struct explain_rig *rig = new_rig();
	struct oom_report *report = &rig->report;

	report->scope = OOM_MEMCG;
	strcpy(report->constraint, "CONSTRAINT_MEMCG");
	strcpy(report->oom_memcg, "/shop/db");
	strcpy(report->task_memcg, "/shop/db");
	strcpy(report->summary_comm, "mysqld");
	explain_rig_figure(rig, "/shop/db", "usage", 102400, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "limit", 102400, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "failcnt", 5, OOM_COUNT);
	explain_rig_figure(rig, "/shop/db", "swap usage", 0, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "swap limit", 0, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "anon", 94371840, OOM_BYTES);
	explain_rig_figure(rig, "/shop/db", "file", 1048576, OOM_BYTES);
	explain_rig_figure(rig, "/shop/db", "shmem", 0, OOM_BYTES);
	return rig;
}

struct explain_rig *explain_rig_machine(void)
{
	struct explain_rig *rig = new_rig();

	rig->report.scope = OOM_GLOBAL;
	strcpy(rig->report.constraint, "CONSTRAINT_NONE");
	strcpy(rig->report.gfp_flags, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO");
	explain_rig_figure(rig, "", "active_anon", 60000, OOM_PAGES);
	explain_rig_figure(rig, "", "inactive_anon", 140000, OOM_PAGES);
	explain_rig_figure(rig, "", "active_file", 500, OOM_PAGES);
	explain_rig_figure(rig, "", "inactive_file", 500, OOM_PAGES);
	explain_rig_figure(rig, "", "slab_unreclaimable", 5000, OOM_PAGES);
	explain_rig_figure(rig, "", "shmem", 100, OOM_PAGES);
	explain_rig_figure(rig, "", "free", 5000, OOM_PAGES);
	explain_rig_figure(rig, "", "pages RAM", 262144, OOM_PAGES);
	explain_rig_figure(rig, "", "pages reserved", 12144, OOM_PAGES);
	explain_rig_figure(rig, "", "Free swap", 0, OOM_KB);
	explain_rig_figure(rig, "", "Total swap", 0, OOM_KB);
	return rig;
}

char *explain_rig_topic(const struct explain_rig *rig, enum explain_topic topic)
{
	struct explain_answer answer;

	explain_answer(&rig->item, &answer);
	char *text = str_take(&answer.topic[topic]);
	explain_answer_clear(&answer);
	return text;
}
