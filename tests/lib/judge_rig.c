/*
 * See judge_rig.h.
 */
#include "tests/lib/judge_rig.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const task_names[RIG_TASKS] = {"alloc_1", "alloc_2", "counter",
						  "bomb",    "stress",	"alloc_3"};
static const char *const group_names[RIG_GROUPS] = {"oom_test", "outer", "outer/inner"};
static const char *const paths[RIG_GROUPS] = {"/oomlab-1/oom_test", "/oomlab-1/outer",
					      "/oomlab-1/outer/inner"};
static const uint64_t limits[RIG_GROUPS] = {80 << 20, 64 << 20, UINT64_MAX};

/* As the planner does it: pairs are shared, and one name is unknown to it. */
static int register_counter(void *data, int group, const char *name)
{
	struct rig *rig = data;

	if (strcmp(name, "oom_kil") == 0)
		return -1;
	for (size_t i = 0; i < rig->world.n_counters; i++)
		if (rig->counters[i].group == group && strcmp(rig->counters[i].name, name) == 0)
			return (int)i;
	ck_assert_uint_lt(rig->world.n_counters, RIG_COUNTERS);
	rig->counters[rig->world.n_counters] =
		(struct world_counter){.group = group, .name = mem_dup(name)};
	return (int)rig->world.n_counters++;
}

static void fill_tasks(struct rig *rig)
{
	for (int i = 0; i < RIG_TASKS; i++)
		rig->tasks[i] = (struct world_task){
			.name = task_names[i],
			.group = OOM_TEST,
			.pid = 101 + i,
			.life = WORLD_RUNNING,
			.is_hog = i != STRESS,
			.answered = i != STRESS,
			.predicted_pages = UINT64_MAX,
			.proc_state = 'S',
			.vm_swap_bytes = UINT64_MAX,
			.oom_score = -1,
		};
}

struct rig *rig_new(void)
{
	struct rig *rig = mem_zero(1, sizeof(*rig));

	fill_tasks(rig);
	for (int i = 0; i < RIG_GROUPS; i++)
		rig->groups[i] = (struct world_group){
			.name = group_names[i],
			.kernel_path = paths[i],
			.limit_bytes = limits[i],
			.populated = true,
			.exists = true,
		};
	rig->world = (struct world){
		.page_size = 4096,
		.has_log = true,
		.n_tasks = RIG_TASKS,
		.n_groups = RIG_GROUPS,
		.tasks = rig->tasks,
		.groups = rig->groups,
		.kills = rig->kills,
		.counters = rig->counters,
	};
	rig->scope = (struct judge_scope){
		.file = "test.yaml",
		.n_tasks = RIG_TASKS,
		.n_groups = RIG_GROUPS,
		.tasks = task_names,
		.groups = group_names,
		.group_limits = limits,
		.counter = register_counter,
		.data = rig,
	};
	return rig;
}

static void forget(struct rig *rig)
{
	judge_free(rig->expect);
	rig->expect = NULL;
	scenario_free(rig->scenario);
	rig->scenario = NULL;
	diags_free(&rig->diags);
	findings_free(&rig->findings);
}

void rig_free(struct rig *rig)
{
	forget(rig);
	/* The names are the rig's own copies, const for the judge. */
	for (size_t i = 0; i < rig->world.n_counters; i++)
		free((void *)(uintptr_t)rig->counters[i].name);
	free(rig);
}

static int parse(struct rig *rig, const char *yaml)
{
	struct err err;

	forget(rig);
	int r = scenario_parse("test.yaml", yaml, strlen(yaml), &rig->scenario, &rig->diags, &err);
	ck_assert_msg(r == 0, "not YAML: %s", str_text(&rig->diags.text));
	return judge_parse(&rig->scenario->root, &rig->scope, &rig->expect, &rig->diags);
}

void rig_expect(struct rig *rig, const char *yaml)
{
	int r = parse(rig, yaml);

	ck_assert_msg(r == 0, "%s: %s", yaml, str_text(&rig->diags.text));
}

const char *rig_mistakes(struct rig *rig, const char *yaml)
{
	int r = parse(rig, yaml);

	ck_assert_msg(r == -EINVAL, "%s: taken as right", yaml);
	return str_text(&rig->diags.text);
}

static const char *const words[] = {
	[JUDGE_HOLDS] = "holds", [JUDGE_WAIT] = "waits", [JUDGE_FAILS] = "fails"};

void rig_judge(struct rig *rig, enum judge_state state)
{
	STR_AUTO all = STR_INIT;
	enum judge_state is = judge_eval(rig->expect, &rig->world, &rig->findings);

	for (size_t i = 0; i < rig->findings.n; i++) {
		const struct finding *f = &rig->findings.items[i];
		str_addf(&all, "\n  %s %s: expected %s, got %s (%s)", f->what, words[f->state],
			 f->expected, f->got, f->seen);
		ck_assert_msg(f->expected[0] && f->got[0], "%s says nothing", f->what);
	}
	ck_assert_msg(is == state, "it %s, not %s:%s", words[is], words[state], str_text(&all));
}

void rig_says(struct rig *rig, const char *yaml, enum judge_state state)
{
	rig_expect(rig, yaml);
	rig_judge(rig, state);
}

const struct finding *rig_finding(const struct rig *rig, const char *what)
{
	for (size_t i = 0; i < rig->findings.n; i++)
		if (strcmp(rig->findings.items[i].what, what) == 0)
			return &rig->findings.items[i];
	ck_abort_msg("no finding about '%s'", what);
}

static struct world_kill *add_kill(struct rig *rig, int sources)
{
	ck_assert_uint_lt(rig->world.n_kills, RIG_KILLS);
	struct world_kill *kill = &rig->kills[rig->world.n_kills++];
	*kill = (struct world_kill){
		.by_wait = sources & BY_WAIT,
		.by_line = sources & BY_LINE,
		.by_counter = sources & BY_COUNTER,
		.order = sources & BY_LINE ? 1000 + rig->world.n_kills : 0,
		.oom_score_adj = INT32_MIN,
	};
	return kill;
}

struct world_kill *rig_kill(struct rig *rig, int task, int child, int sources)
{
	struct world_kill *kill = add_kill(rig, sources);

	kill->task = task;
	kill->child = child;
	kill->group = rig->tasks[task].group;
	kill->pid = child < 0 ? rig->tasks[task].pid : 1000 * rig->tasks[task].pid + child;
	if (sources & BY_COUNTER)
		rig->groups[kill->group].oom_kill++;
	if ((sources & BY_WAIT) && child < 0)
		rig_signal(rig, task, SIGKILL);
	return kill;
}

struct world_kill *rig_kill_stranger(struct rig *rig, int group, int sources)
{
	struct world_kill *kill = add_kill(rig, sources);

	kill->task = kill->child = -1;
	kill->group = group;
	kill->pid = 7777;
	memcpy(kill->comm, "stranger", sizeof("stranger"));
	if (group >= 0 && (sources & BY_COUNTER))
		rig->groups[group].oom_kill++;
	return kill;
}

void rig_exit(struct rig *rig, int task, int status)
{
	rig->tasks[task].life = WORLD_EXITED;
	rig->tasks[task].status = status;
}

void rig_signal(struct rig *rig, int task, int signal)
{
	rig->tasks[task].life = WORLD_KILLED;
	rig->tasks[task].status = signal;
}

struct world_counter *rig_counter(struct rig *rig, int group, const char *name)
{
	for (size_t i = 0; i < rig->world.n_counters; i++)
		if (rig->counters[i].group == group && strcmp(rig->counters[i].name, name) == 0)
			return &rig->counters[i];
	ck_abort_msg("no counter '%s' was registered", name);
}
