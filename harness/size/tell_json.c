/*
 * See tell.h: the JSON. Sizes are bytes, times seconds; what is not known is left out.
 */
#include "base/parse.h"
#include "harness/record/field.h"
#include "harness/size/advice.h"
#include "harness/size/success.h"
#include "harness/size/tell.h"

static const char *const trouble_words[] = {
	[SIZE_FINE] = "none",
	[SIZE_NO_START] = "no_start",
	[SIZE_FAILS] = "fails",
	[SIZE_TOO_LARGE] = "too_large",
	[SIZE_TOO_LONG] = "too_long",
	[SIZE_ESCAPES] = "leaves_group",
	[SIZE_LEAVES] = "leaves_processes",
	[SIZE_KILLED] = "killed",
	[SIZE_UNSTABLE] = "unstable",
	[SIZE_INTERRUPTED] = "interrupted",
};

const char *tell_trouble_word(enum size_trouble trouble)
{
	return trouble_words[trouble];
}

static json_t *look_json(const struct look *look)
{
	json_t *procs = json_array();

	for (size_t i = 0; i < look->n_procs; i++) {
		const struct look_proc *proc = &look->procs[i];
		json_array_append_new(procs,
				      json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "pid", proc->pid,
						"name", field_text_new(proc->name), "anon",
						field_u64_new(proc->anon_bytes), "file",
						field_u64_new(proc->file_bytes), "shmem",
						field_u64_new(proc->shmem_bytes), "page_tables",
						field_u64_new(proc->tables_bytes)));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "usage",
			 field_u64_new(look->usage_bytes), "anon", field_u64_new(look->anon_bytes),
			 "file", field_u64_new(look->file_bytes), "shmem",
			 field_u64_new(look->shmem_bytes), "kernel",
			 field_u64_new(look->kernel_bytes), "page_tables",
			 field_u64_new(look->tables_bytes), "sockets",
			 field_u64_new(look->socket_bytes), "processes", procs);
}

static json_t *trials_json(const struct size_report *report, const struct size_options *options)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->n_trials; i++) {
		const struct size_trial *trial = &report->trials[i];
		json_t *row = json_pack(
			"{s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:b}", "limit",
			field_u64_new(trial->limit_bytes), "peak", field_u64_new(trial->need_bytes),
			"passed", trial->passed, "end", run_end_word(trial->end), "seconds",
			field_seconds_new(trial->wall_ns), "refaults",
			field_u64_new(trial->refaults), "major_faults",
			field_u64_new(trial->major_faults), "wrong_output", trial->wrong_output);
		if (trial->half)
			json_object_set_new(row, "half_of_cpus", json_true());
		if (trial->psi_some_us != UINT64_MAX)
			json_object_set_new(row, "stalled_seconds",
					    field_seconds_new(trial->psi_some_us * 1000));
		if (trial->psi_full_us != UINT64_MAX)
			json_object_set_new(row, "all_stalled_seconds",
					    field_seconds_new(trial->psi_full_us * 1000));
		if (options->swap)
			json_object_set_new(row, "swap", field_u64_new(trial->swap_bytes));
		if (trial->end == RUN_EXITED || trial->end == RUN_SIGNALED)
			json_object_set_new(row, "status", json_integer(trial->status));
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *samples_json(const struct size_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->n_samples; i++) {
		const struct size_sample *sample = &report->samples[i];
		json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:i, s:b}", "limit",
						      field_u64_new(sample->limit_bytes), "seconds",
						      field_seconds_new(sample->wall_ns), "steps",
						      (int)sample->steps, "calls_again",
						      (int)sample->retries, "probe",
						      (int)sample->probed));
	}
	return list;
}

static void add_slow(const struct size_slow *slow, const struct size_options *options, json_t *root)
{
	json_t *object = json_pack(
		"{s:o, s:o, s:o, s:o}", "seconds", field_seconds_new(slow->wall_ns),
		"seconds_without_limit", field_seconds_new(slow->base_ns), "refaults",
		field_u64_new(slow->refaults), "major_faults", field_u64_new(slow->major_faults));

	if (slow->psi_some_us != UINT64_MAX)
		json_object_set_new(object, "stalled_seconds",
				    field_seconds_new(slow->psi_some_us * 1000));
	if (options->swap)
		json_object_set_new(object, "swap", field_u64_new(slow->swap_bytes));
	json_object_set_new(root, "limit_without_slow_down", field_u64_new(slow->limit_bytes));
	json_object_set_new(root, "without_slow_down", object);
}

static void add_found(const struct size_report *report, const struct size_options *options,
		      json_t *root)
{
	const struct size_slow *slow = &report->slow;
	struct advice advice =
		advice_of(report->limit_bytes, slow->known ? slow->limit_bytes : 0, report->varies);

	advice.swap_bytes = options->swap ? options->swap_bytes : 0;
	json_object_set_new(root, "limit", field_u64_new(report->limit_bytes));
	json_object_set_new(root, "limit_is_one_step", json_boolean(report->at_floor));
	json_object_set_new(root, "shown_at", field_u64_new(report->shown_bytes));
	if (report->in_a_row)
		json_object_set_new(root, "passes_in_a_row", field_u64_new(report->in_a_row));
	if (report->met_bytes)
		json_object_set_new(root, "if_peaks_meet", field_u64_new(report->met_bytes));
	if (slow->known)
		add_slow(slow, options, root);
	json_object_set_new(root, "advice",
			    json_pack("{s:o, s:o, s:s}", "max", field_u64_new(advice.max_bytes),
				      "high", field_u64_new(advice.high_bytes), "rule",
				      advice_rule(report->varies)));
	if (options->swap && options->swap_bytes != UINT64_MAX)
		json_object_set_new(json_object_get(root, "advice"), "swap",
				    field_u64_new(options->swap_bytes));
	if (options->samples > 1) {
		json_object_set_new(root, "quantile", json_real(report->quantile));
		json_object_set_new(root, "confidence", json_real(report->confidence));
	}
}

json_t *tell_json(const struct size_report *report, const struct size_options *options,
		  const struct size_facts *facts)
{
	json_t *argv = json_array();
	json_t *root = json_object();

	for (size_t i = 0; options->command.argv[i]; i++)
		json_array_append_new(argv, field_text_new(options->command.argv[i]));
	json_object_set_new(root, "command", argv);
	json_object_set_new(root, "trouble", json_string(trouble_words[report->trouble]));
	if (report->trouble != SIZE_FINE)
		json_object_set_new(root, "why", field_text_new(report->why));
	if (report->found)
		add_found(report, options, root);
	json_object_set_new(root, "engine", json_string(report->engine));
	json_object_set_new(root, "engine_why", field_text_new(report->engine_why));
	json_object_set_new(root, "step", field_u64_new(options->step_bytes));
	json_object_set_new(root, "varies", json_boolean(report->varies));
	json_object_set_new(root, "output_varies", json_boolean(report->output_varies));
	json_object_set_new(root, "not_monotone", json_boolean(report->not_monotone));
	json_object_set_new(root, "jobs", json_integer((json_int_t)options->jobs));
	json_object_set_new(root, "jobs_doubted", json_boolean(report->jobs_doubted));
	json_object_set_new(root, "runs", json_integer((json_int_t)report->runs));
	json_object_set_new(root, "known_runs", json_integer((json_int_t)report->known_runs));
	json_object_set_new(root, "seconds", field_seconds_new(report->measure_ns));
	json_object_set_new(root, "without_limit",
			    json_pack("{s:o, s:o, s:o}", "peak",
				      field_u64_new(report->free.peak_bytes), "seconds",
				      field_seconds_new(report->free.wall_ns), "cpu_seconds",
				      field_seconds_new(report->free.cpu_ns)));
	json_object_set_new(root, "made_of", look_json(&report->peak));
	json_object_set_new(root, "samples", samples_json(report));
	json_object_set_new(root, "curve", success_json(report, options->step_bytes));
	json_object_set_new(root, "trials", trials_json(report, options));
	json_object_set_new(root, "host",
			    json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "kernel", facts->kernel,
				      "groups", facts->groups, "thp", facts->thp, "has_swap",
				      facts->has_swap, "swap", facts->swap, "cold", facts->cold));
	if (options->swap && options->swap_bytes != UINT64_MAX)
		json_object_set_new(json_object_get(root, "host"), "swap_limit",
				    field_u64_new(options->swap_bytes));
	return root;
}
