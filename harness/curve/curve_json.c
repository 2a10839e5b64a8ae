/*
 * See curve_tell.h: the JSON. Sizes are bytes, times seconds, those of the curves in their own
 * time; what is not known is left out.
 */
#include "harness/curve/curve_tell.h"
#include "harness/record/field.h"

static json_t *forecast_json(const struct curve_report *report)
{
	const struct forecast *forecast = report->forecast;
	json_t *root = json_pack("{s:b, s:o, s:o}", "dies", forecast->dies, "most",
				 field_u64_new(forecast->most_bytes), "most_at",
				 field_seconds_new(forecast->most_at_ns));

	if (forecast->dies) {
		json_object_set_new(root, "at", field_seconds_new(forecast->at_ns));
		json_object_set_new(root, "role",
				    json_string(report->set->roles[forecast->who].name));
		json_object_set_new(root, "close", json_boolean(forecast->close));
	}
	return root;
}

static json_t *roles_json(const struct curve_load_set *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->n; i++) {
		const struct curve_role *role = &set->roles[i];
		json_t *one = json_pack("{s:s, s:s?, s:i, s:o, s:i}", "role", role->name, "file",
					role->path, "column", (int)role->column, "period",
					field_seconds_new(role->curve.period_ns), "oom_score_adj",
					role->adj);
		if (role->leak.bytes) {
			json_object_set_new(one, "leak", field_u64_new(role->leak.bytes));
			json_object_set_new(one, "leak_time", field_seconds_new(role->leak.per_ns));
		}
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *death_json(const struct curve_report *report, const struct play_death *death)
{
	json_t *held = json_object();
	json_t *one = json_pack("{s:s, s:i, s:o, s:b, s:b, s:o}", "role",
				report->set->roles[death->role].name, "pid", (int)death->pid, "at",
				field_seconds_new(death->at_ns), "by_log", death->by_log,
				"by_counter", death->by_count, "held", held);

	for (size_t i = 0; i < report->set->n; i++)
		json_object_set_new(held, report->set->roles[i].name,
				    field_u64_new(death->held_bytes[i]));
	if (death->usage_bytes != UINT64_MAX)
		json_object_set_new(one, "usage", field_u64_new(death->usage_bytes));
	if (death->anon_rss_bytes != UINT64_MAX)
		json_object_set_new(one, "anon_rss", field_u64_new(death->anon_rss_bytes));
	return one;
}

static void add_play(const struct curve_report *report, json_t *root)
{
	const struct play_result *play = report->play;
	json_t *deaths = json_array(), *samples = json_array();

	for (size_t i = 0; i < play->n_deaths; i++)
		json_array_append_new(deaths, death_json(report, &play->deaths[i]));
	for (size_t i = 0; i < play->n_samples; i++)
		json_array_append_new(samples,
				      json_pack("{s:o, s:o}", "at",
						field_seconds_new(play->samples[i].t_ns), "usage",
						field_u64_new(play->samples[i].usage_bytes)));
	json_object_set_new(root, "deaths", deaths);
	json_object_set_new(root, "until", field_seconds_new(play->until_ns));
	json_object_set_new(root, "base", field_u64_new(play->base_bytes));
	json_object_set_new(root, "late", field_seconds_new(play->late_ns));
	json_object_set_new(root, "interrupted", json_boolean(play->interrupted));
	if (play->trouble[0])
		json_object_set_new(root, "trouble", json_string(play->trouble));
	json_object_set_new(root, "samples", samples);
	json_object_set_new(root, "kernel", json_string(report->kernel));
	json_object_set_new(root, "groups", json_string(report->groups));
}

json_t *play_json(const struct curve_report *report)
{
	json_t *root = json_object();

	json_object_set_new(root, "limit", field_u64_new(report->set->limit_bytes));
	json_object_set_new(root, "speed", field_u64_new(report->options->speed));
	json_object_set_new(root, "tick", field_seconds_new(report->options->tick_ns));
	json_object_set_new(root, "horizon", field_seconds_new(report->options->horizon_ns));
	json_object_set_new(root, "roles", roles_json(report->set));
	json_object_set_new(root, "forecast", forecast_json(report));
	if (report->play)
		add_play(report, root);
	return root;
}
