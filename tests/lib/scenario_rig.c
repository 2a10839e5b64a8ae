/*
 * See scenario_rig.h.
 */
#include "tests/lib/scenario_rig.h"

#include <check.h>
#include <string.h>

void scenario_rig_init(struct rig *rig)
{
	*rig = (struct rig){
		.facts =
			{
				.kernel = "6.1.0-18-amd64",
				.stress_ng = "0.15.06",
				.thp = "madvise",
				.no_zram = "the kernel has no zram module",
				.page_size = 4096,
				.cpus = 2,
				.nodes = 1,
				.mem_total_bytes = 16ULL << 30,
				.mem_available_bytes = 8ULL << 30,
				.memory_version = 1,
				.pids_version = 1,
				.cpuset_version = 1,
				.memsw = true,
				.twin = true,
				.cap_sys_admin = true,
				.init_pid_ns = true,
			},
	};
}

void scenario_rig_free(struct rig *rig)
{
	plan_free(rig->plan);
	instances_free(rig->instances, rig->n_instances);
	scenario_free(rig->scenario);
	diags_free(&rig->diags);
}

static void plan_first(struct rig *rig)
{
	unsigned long long used = 0;

	if (scenario_expand(rig->scenario, NULL, 0, &used, &rig->instances, &rig->n_instances,
			    &rig->diags) >= 0)
		(void)plan_build(&rig->instances[0], &rig->facts, NULL, &rig->plan, &rig->diags);
}

void scenario_rig_plan(struct rig *rig, const char *text)
{
	if (scenario_parse("t.yaml", text, strlen(text), &rig->scenario, &rig->diags, &rig->err) >=
	    0)
		plan_first(rig);
}

void scenario_rig_plan_file(struct rig *rig, const char *file)
{
	int r = scenario_load(file, &rig->scenario, &rig->diags, &rig->err);

	ck_assert_msg(r >= 0, "%s\n%s", rig->err.text, str_text(&rig->diags.text));
	plan_first(rig);
	ck_assert_msg(rig->plan != NULL, "%s", str_text(&rig->diags.text));
}

char *scenario_rig_mistakes(const char *text)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, text);
	char *lines = mem_dup(str_text(&rig.diags.text));
	ck_assert_msg((rig.plan == NULL) == (lines[0] != '\0'), "plan and mistakes: '%s'", lines);
	scenario_rig_free(&rig);
	return lines;
}
