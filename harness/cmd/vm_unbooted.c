/*
 * See vm_unbooted.h. What the kernel would have had is not known; what the machine was to have is
 * enough to name the scenarios.
 */
#include "harness/cmd/vm_unbooted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/version.h"
#include "harness/cmd/catalogue.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/supervise_job.h"

static void set_facts(const struct vm_run *run, struct facts *facts)
{
	const char *slash = strrchr(run->kernel->name, '/');

	*facts = (struct facts){.page_size = 4096,
				.cpus = run->values->cpus,
				.nodes = run->values->nodes,
				.mem_total_bytes = run->values->memory_bytes,
				.mem_available_bytes = run->values->memory_bytes,
				.memory_version = str_eq(run->cgroup, "v1") ? 1 : 2,
				.pids_version = str_eq(run->cgroup, "v2") ? 2 : 1,
				.cap_sys_resource = true,
				.cap_sys_admin = true,
				.init_pid_ns = true,
				.disposable = true,
				.vm = true};
	snprintf(facts->kernel, sizeof(facts->kernel), "%s", slash ? slash + 1 : run->kernel->name);
	snprintf(facts->machine, sizeof(facts->machine), "x86_64");
	snprintf(facts->host, sizeof(facts->host), "vm");
	snprintf(facts->oomlab, sizeof(facts->oomlab), "%s", oomlab_version);
	snprintf(facts->cgroups, sizeof(facts->cgroups), "%s", run->cgroup);
}

static void add(struct vm_run *run, const struct plan *plan, char *name, const char *why)
{
	struct record *record = run->stream.record;
	const struct supervise_item item = {plan, name};
	struct result result;

	supervise_blank(&result, &item, VERDICT_BROKEN, why);
	result.began_ns = result.ended_ns = record->began_ns;
	free(name);
	const struct result *kept = record_add(record, &result);
	if (run->stream.on_result)
		run->stream.on_result(run->stream.data, record, kept);
}

static void tell(struct vm_run *run, const struct catalogue *catalogue, const struct facts *facts,
		 const char *why)
{
	struct record *record = run->stream.record = record_new();
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	record->facts = *facts;
	for (size_t i = 0; i < catalogue->n_plans; i++)
		record->planned += (size_t)(run->values->repeat * catalogue->plans[i]->repeat);
	record->began_unix_ns = (int64_t)now.tv_sec * 1000000000LL + now.tv_nsec;
	record->ended_unix_ns = record->began_unix_ns;
	record->began_ns = clock_ns();
	if (run->values->seed != UINT64_MAX)
		record->seed = run->values->seed;
	if (run->stream.on_record)
		run->stream.on_record(run->stream.data, record);
	for (size_t i = 0; i < catalogue->n_plans; i++) {
		const struct plan *plan = catalogue->plans[i];
		uint64_t times = run->values->repeat * plan->repeat;
		for (uint64_t k = 1; k <= times; k++)
			add(run, plan,
			    times > 1 ? mem_printf("%s#%llu", plan->name, (unsigned long long)k)
				      : mem_dup(plan->name),
			    why);
	}
}

int vm_unbooted(struct vm_run *run, const char *why, struct err *err)
{
	MEM_AUTO char *root = NULL;
	struct catalogue catalogue = {0};
	struct diags diags = {0};
	struct facts facts;
	int r = cmd_find_scenarios(&root, err);
	const struct catalogue_query query = {run->scenarios, run->n_scenarios,
					      &run->values->params, &run->values->filters, root};

	set_facts(run, &facts);
	if (r >= 0)
		r = catalogue_load(&query, &facts, NULL, &catalogue, &diags, err);
	diags_free(&diags);
	if (r < 0)
		return r;
	if (catalogue.n_plans)
		tell(run, &catalogue, &facts, why);
	catalogue_free(&catalogue);
	return run->stream.record ? 0 : err_set(err, ENOENT, "no scenario is chosen");
}
