/*
 * See pack.h: the result as JSON (docs/size.md describes it). Sizes are bytes, times seconds; what
 * is not known is left out.
 */
#include "harness/record/field.h"
#include "harness/size/pack.h"

enum { ROOM_PERCENT = 10 };

static json_t *kinds(const struct look *look)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o}", "usage", field_u64_new(look->usage_bytes), "anon",
		field_u64_new(look->anon_bytes), "file", field_u64_new(look->file_bytes), "shmem",
		field_u64_new(look->shmem_bytes), "kernel", field_u64_new(look->kernel_bytes),
		"sockets", field_u64_new(look->socket_bytes));
}

static json_t *run_json(const struct pack_result *run, bool free)
{
	char end[160];
	json_t *row =
		json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "copies", field_u64_new(run->copies),
			  "passed", run->passed, "seconds", field_seconds_new(run->wall_ns), "held",
			  field_u64_new(pack_used(&run->top)), "peak",
			  field_u64_new(run->peak_bytes), "made_of", kinds(&run->top));

	if (!free)
		json_object_set_new(row, "limit", field_u64_new(run->limit_bytes));
	if (run->clash[0])
		json_object_set_new(row, "written_by_two", field_text_new(run->clash));
	if (!run->passed)
		json_object_set_new(row, "end",
				    field_text_new(pack_end_text(run, end, sizeof(end))));
	if (run->end == RUN_OOM)
		json_object_set_new(row, "oom_kills", field_u64_new(run->oom_kills));
	if (run->psi_some_us != UINT64_MAX)
		json_object_set_new(row, "stalled_seconds",
				    field_seconds_new(run->psi_some_us * 1000));
	if (run->share.procs)
		json_object_set_new(row, "mapped",
				    json_pack("{s:o, s:o, s:o, s:o}", "processes",
					      field_u64_new(run->share.procs), "private",
					      field_u64_new(run->share.private_bytes),
					      "shared_once",
					      field_u64_new(pack_share_shared(&run->share)), "rss",
					      field_u64_new(run->share.rss_bytes)));
	return row;
}

static json_t *runs_json(const struct pack_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->n_runs; i++)
		json_array_append_new(list, run_json(&report->runs[i], i < report->n_free));
	return list;
}

json_t *pack_json(const struct pack_report *report, const struct size_report *size,
		  const struct pack_plan *plan, const struct size_options *options,
		  const struct size_facts *facts)
{
	json_t *argv = json_array();
	json_t *root = json_object();

	for (size_t i = 0; options->command.argv[i]; i++)
		json_array_append_new(argv, field_text_new(options->command.argv[i]));
	json_object_set_new(root, "command", argv);
	json_object_set_new(root, "trouble", json_string(tell_trouble_word(size->trouble)));
	if (size->trouble != SIZE_FINE)
		json_object_set_new(root, "why", field_text_new(size->why));
	json_object_set_new(root, "memory", field_u64_new(plan->memory_bytes));
	json_object_set_new(root, "copies", field_u64_new(report->copies));
	json_object_set_new(root, "found", json_boolean(report->found));
	json_object_set_new(root, "or_more", json_boolean(report->at_most || !report->found));
	json_object_set_new(root, "estimate", json_boolean(plan->estimate));
	json_object_set_new(root, "if_peaks_meet", field_u64_new(pack_sure(report, plan, 0)));
	json_object_set_new(root, "with_room",
			    field_u64_new(pack_sure(report, plan, ROOM_PERCENT)));
	json_object_set_new(root, "copy_costs", field_u64_new(report->line.copy_bytes));
	json_object_set_new(root, "counted_once", field_u64_new(report->line.fixed_bytes));
	json_object_set_new(root, "predicted", field_u64_new(report->predicted));
	json_object_set_new(root, "output_varies", json_boolean(report->any_output));
	json_object_set_new(root, "cpus", json_integer(report->cpus));
	json_object_set_new(root, "one_copy", run_json(&report->one, true));
	json_object_set_new(root, "runs", runs_json(report));
	json_object_set_new(root, "seconds", field_seconds_new(size->measure_ns));
	json_object_set_new(root, "host",
			    json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "kernel", facts->kernel,
				      "groups", facts->groups, "thp", facts->thp, "has_swap",
				      facts->has_swap, "swap", facts->swap, "cold", facts->cold));
	return root;
}
