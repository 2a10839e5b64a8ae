/*
 * See vm_unbooted.h. What the kernel would have had is not known; what the machine was to have is
 * enough to name the scenarios.
 */
#include "harness/cmd/vm_unbooted.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "harness/cmd/vm_chosen.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/exec/supervise_job.h"

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
	const struct vm_wish wish = vm_run_wish(run);
	struct catalogue catalogue;
	struct facts facts;
	int r = vm_chosen(&wish, &catalogue, err);

	vm_chosen_facts(&wish, &facts);
	run->unbooted = r >= 0;
	if (r >= 0)
		tell(run, &catalogue, &facts, why);
	catalogue_free(&catalogue);
	return r;
}
