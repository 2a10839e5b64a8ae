/*
 * After a kill: the lines that the kernel wrote about it are read as 'oomlab explain' reads them,
 * and its choice is recomputed. A report that the kernel left out (it prints ten in five seconds)
 * says nothing; a choice that the formula does not explain fails the scenario.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "harness/exec/runner_internal.h"
#include "harness/oomlog/report.h"
#include "harness/record/field.h"

/* One for the lines of one report. */
struct auditing {
	struct runner *run;
	struct world_kill *kill;
};

/* Earlier victims: while they exit the kernel still prints their rows, and passes them over. */
static size_t earlier_victims(const struct runner *run, const struct world_kill *kill,
			      int64_t *ret_pids)
{
	size_t n = 0;

	for (size_t i = 0; i < run->world.n_kills; i++)
		if (&run->world.kills[i] != kill && run->world.kills[i].by_line)
			ret_pids[n++] = run->world.kills[i].pid;
	return n;
}

static void tell(struct runner *run, const struct world_kill *kill, const struct audit *audit)
{
	json_t *json =
		json_pack("{s:i, s:s, s:o}", "pid", (int)kill->pid, "verdict",
			  audit_verdict_name(audit->verdict), "why", field_text_new(audit->why));

	if (audit->rank > 0) {
		json_object_set_new(json, "rank", json_integer((json_int_t)audit->rank));
		json_object_set_new(json, "eligible", json_integer((json_int_t)audit->n_eligible));
		json_object_set_new(json, "points", json_integer(audit->points));
	}
	if (audit->best_pid >= 0)
		json_object_set_new(json, "margin", json_integer(audit->margin));
	emit(run, "audit", json);
}

static int on_report(void *data, const struct oom_report *report)
{
	const struct auditing *auditing = data;
	struct runner *run = auditing->run;
	struct world_audit *ret = &auditing->kill->audit;
	int64_t *victims MEM_AUTO = mem_zero(run->world.n_kills + 1, sizeof(*victims));
	struct audit_options options = {.total_swap_pages = UINT64_MAX,
					.cpus = run->options->facts->cpus,
					.killed = victims,
					.n_killed = earlier_victims(run, auditing->kill, victims)};
	struct sysinfo info;
	struct audit audit;

	/* Without a header it is not the report but a line by itself. */
	if (ret->done || report->killer != OOM_KERNEL || report->header_line == 0)
		return 0;
	if (sysinfo(&info) >= 0)
		options.total_swap_pages =
			(uint64_t)info.totalswap * info.mem_unit / run->world.page_size;
	audit_report(report, &options, &audit);
	ret->done = true;
	ret->verdict = audit.verdict;
	snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, audit.why);
	tell(run, auditing->kill, &audit);
	audit_clear(&audit);
	return 0;
}

void audit_kill(struct runner *run, struct world_kill *kill)
{
	const struct oomlog_options options = {0};
	struct auditing auditing = {run, kill};
	json_t *line;
	size_t i;

	if (!kill->has_report)
		return;
	struct oomlog *log = oomlog_new(&options, on_report, &auditing);
	json_array_foreach (run->report, i, line) {
		const char *text = json_string_value(line);
		(void)oomlog_feed(log, text, strlen(text));
		(void)oomlog_feed(log, "\n", 1);
	}
	(void)oomlog_end(log);
	oomlog_free(log);
}
