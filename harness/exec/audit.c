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

/* Earlier victims: while they exit the kernel still prints their rows, and passes them over. Their
 * page tables are a part of what they held that its line does not tell us. */
static void add_earlier(const struct runner *run, const struct world_kill *kill, int64_t *pids,
			struct audit_options *options)
{
	enum { NS_A_US = 1000 };

	options->killed = pids;
	for (size_t i = 0; i < run->world.n_kills; i++) {
		const struct world_kill *other = &run->world.kills[i];
		if (other == kill || !other->by_line)
			continue;
		pids[options->n_killed++] = other->pid;
		if (other->t_ns <= kill->t_ns && kill->t_ns - other->t_ns < AUDIT_LATE_US * NS_A_US)
			options->late_pages += (other->anon_rss_bytes + other->shmem_rss_bytes) /
					       run->world.page_size;
	}
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
					.cpus = run->options->facts->cpus};
	struct sysinfo info;
	struct audit audit;

	/* Without a header it is not the report but a line by itself. */
	if (ret->done || report->killer != OOM_KERNEL || report->header_line == 0)
		return 0;
	if (sysinfo(&info) >= 0)
		options.total_swap_pages =
			(uint64_t)info.totalswap * info.mem_unit / run->world.page_size;
	add_earlier(run, auditing->kill, victims, &options);
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
