/*
 * harness/plan: scenarios on a made-up machine into concrete plans. What is refused is in
 * test_plan_errors.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "tests/lib/scenario_rig.h"

Suite *plan_suite(void);

#define MIB (1ULL << 20)

static const char pause_and_resume[] =
	"name: oom-control-pause-and-resume\n"
	"title: a task pauses\n"
	"needs: {memory: v1, swap: none}\n"
	"groups:\n"
	"  oom_test: {memory.max: 80M}\n"
	"tasks:\n"
	"  alloc_1: {run: step, group: oom_test}\n"
	"  alloc_2: {run: step, group: oom_test}\n"
	"  counter: {run: heartbeat, group: oom_test}\n"
	"steps:\n"
	"  - set: {oom_test: {memory.oom_control: disabled}}\n"
	"  - step: {task: alloc_2, size: 50M}\n"
	"  - step: {task: alloc_1, size: 10M, times: 10, until: blocked}\n"
	"  - expect:\n"
	"      blocked: [alloc_1]                # state D in mem_cgroup_oom_synchronize\n"
	"      alive: [alloc_1, alloc_2, counter]\n"
	"      counters: {oom_test: {under_oom: 1, oom_kill: +0}}\n"
	"  - set: {oom_test: {memory.oom_control: enabled}}\n"
	"  - expect:\n"
	"      killed: [alloc_2]\n"
	"      resumed: [alloc_1]\n"
	"      counters: {oom_test: {under_oom: 0, oom_kill: +1}}\n"
	"      within: 1s\n";

START_TEST(classic_experiment)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, pause_and_resume);
	const struct plan *plan = rig.plan;
	ck_assert_msg(plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_str_eq(plan->name, "oom-control-pause-and-resume");
	ck_assert_str_eq(plan->title, "a task pauses");
	ck_assert_ptr_null(plan->skip);
	ck_assert(!plan->dangerous && !plan->exclusive);
	ck_assert_uint_eq(plan->n_groups, 1);
	ck_assert_uint_eq(plan->groups[0].limit_bytes, 80 * MIB);
	ck_assert_uint_eq(plan->limits_total_bytes, 80 * MIB);
	ck_assert_uint_eq(plan->n_tasks, 3);
	ck_assert_str_eq(plan->tasks[1].name, "alloc_2");
	ck_assert_int_eq(plan->tasks[1].start, PLAN_START_LOCKSTEP);
	ck_assert_int_eq(plan->tasks[2].start, PLAN_START_READY);
	ck_assert(plan->tasks[0].confine);
	ck_assert_uint_eq(plan->n_steps, 6);
	ck_assert_int_eq(plan->steps[0].kind, PLAN_SET);
	ck_assert_str_eq(plan->steps[0].targets[0].knobs[0].knob, "memory.oom_control");
	ck_assert_str_eq(plan->steps[0].targets[0].knobs[0].value, "disabled");
	const struct plan_step *step = &plan->steps[2];
	ck_assert_int_eq(step->kind, PLAN_ALLOC);
	ck_assert_int_eq(step->task, 0);
	ck_assert_uint_eq(step->bytes, 10 * MIB);
	ck_assert_uint_eq(step->times, 10);
	ck_assert_int_eq(step->until, PLAN_UNTIL_BLOCKED);
	ck_assert_int_eq(step->at->line, 13);
	ck_assert_ptr_nonnull(plan->steps[3].expect);
	ck_assert_uint_eq(plan->n_counters, 2);
	ck_assert_str_eq(plan->counters[0].name, "under_oom");
	ck_assert_uint_eq(judge_within_ns(plan->steps[5].expect), 1000000000ULL);
	scenario_rig_free(&rig);
}
END_TEST

/* ---- every part of the format -------------------------------------------------------------- */

static struct rig everything;

static void load_everything(void)
{
	scenario_rig_init(&everything);
	scenario_rig_plan_file(&everything, "tests/fixtures/scenario/everything.yaml");
}

static void free_everything(void)
{
	scenario_rig_free(&everything);
}

static const struct plan_task *task_named(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_tasks; i++)
		if (str_eq(plan->tasks[i].name, name))
			return &plan->tasks[i];
	ck_abort_msg("no task '%s'", name);
}

static const struct plan_group *group_named(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_groups; i++)
		if (str_eq(plan->groups[i].name, name))
			return &plan->groups[i];
	ck_abort_msg("no group '%s'", name);
}

START_TEST(top_level)
{
	const struct plan *plan = everything.plan;

	ck_assert_uint_eq(everything.n_instances, 2);
	ck_assert_str_eq(plan->name, "everything[block=1M]");
	ck_assert_uint_eq(plan->n_tags, 2);
	ck_assert_str_eq(plan->tags[1], "format");
	ck_assert_uint_eq(plan->repeat, 2);
	ck_assert_uint_eq(plan->timeout_ns, 20ULL * 1000000000);
	ck_assert_uint_eq(plan->within_ns, 2ULL * 1000000000);
	ck_assert(plan->exclusive);
	ck_assert_int_eq(plan->host.swap, PLAN_SWAP_FILE);
	ck_assert_uint_eq(plan->host.swap_bytes, 64 * MIB);
	ck_assert_uint_eq(plan->host.n_sysctls, 2);
	ck_assert_str_eq(plan->host.sysctls[1].name, "vm.overcommit_memory");
	ck_assert_str_eq(plan->host.sysctls[1].value, "1");
	ck_assert_str_eq(plan->host.thp, "never");
	ck_assert_ptr_null(plan->skip);
}
END_TEST

START_TEST(groups_nest)
{
	const struct plan *plan = everything.plan;
	const struct plan_group *inner = group_named(plan, "outer/inner");
	const struct plan_group *leaf = group_named(plan, "bare/leaf");

	ck_assert_str_eq(inner->leaf, "inner");
	ck_assert_str_eq(plan->groups[inner->parent].name, "outer");
	ck_assert_uint_eq(inner->limit_bytes, 32 * MIB);
	ck_assert_str_eq(inner->knobs[0].value, "32M");
	ck_assert_str_eq(inner->knobs[1].knob, "memory.swap.max");
	ck_assert_str_eq(inner->knobs[1].value, "8M");
	ck_assert_str_eq(plan->groups[leaf->parent].name, "bare");
	ck_assert_uint_eq(leaf->effective_bytes, UINT64_MAX);
	/* memory.limit_in_bytes: 4096pages */
	ck_assert_str_eq(group_named(plan, "other")->knobs[0].knob, "memory.max");
	ck_assert_uint_eq(group_named(plan, "other")->limit_bytes,
			  4096ULL * everything.facts.page_size);
	/* memory.high is for v2 here, memory.swappiness for v1. */
	ck_assert_uint_eq(group_named(plan, "outer")->n_knobs, 3);
	ck_assert_str_eq(group_named(plan, "outer")->knobs[1].value, "10");
}
END_TEST

START_TEST(tasks_are_complete)
{
	const struct plan *plan = everything.plan;
	const struct plan_task *alloc = task_named(plan, "alloc");
	const struct plan_task *pool = task_named(plan, "pool-3");
	const struct plan_task *churn = task_named(plan, "churn");

	ck_assert_uint_eq(plan->n_tasks, 7);
	ck_assert(alloc->has_adj && alloc->has_nice);
	ck_assert_int_eq(alloc->oom_score_adj, 300);
	ck_assert_int_eq(alloc->nice, 5);
	ck_assert_int_eq(alloc->cpu, 0);
	ck_assert_int_eq(alloc->start, PLAN_START_LOCKSTEP);
	ck_assert_str_eq(alloc->argv[0], "--thp=never");
	ck_assert_ptr_null(alloc->argv[1]);
	ck_assert_int_eq(pool->start, PLAN_START_LATER);
	ck_assert_str_eq(pool->argv[0], "--block=1M");
	ck_assert_str_eq(pool->argv[1], "--total=8M");
	ck_assert(task_named(plan, "late")->spawn_later);
	ck_assert_ptr_null(churn->wl);
	ck_assert_str_eq(churn->program, "stress-ng");
	ck_assert_str_eq(churn->argv[1], "--cache-level"); /* may be overridden by what follows */
	ck_assert_str_eq(churn->argv[3], "--vm");
	ck_assert_str_eq(churn->argv[6], "16M");
	ck_assert_ptr_null(churn->argv[7]);
	ck_assert_str_eq(churn->env[0], "LANG=C");
	ck_assert_str_eq(churn->env[1], "EMPTY=");
	ck_assert_uint_eq(churn->n_limits, 3);
	ck_assert_int_eq(churn->limits[1].resource, RLIMIT_NOFILE);
	ck_assert_uint_eq(churn->limits[1].value.rlim_cur, 64);
	ck_assert_uint_eq(churn->limits[2].value.rlim_max, RLIM_INFINITY);
	ck_assert(churn->has_user);
	ck_assert_uint_eq(churn->uid, 65534);
	ck_assert_str_eq(task_named(plan, "shell")->argv[2], "echo ${HOME}");
	ck_assert(!task_named(plan, "shell")->confine);
}
END_TEST

START_TEST(steps_are_complete)
{
	static const enum plan_step_kind kinds[] = {
		PLAN_SET,    PLAN_START,  PLAN_ALLOC, PLAN_ALLOC,  PLAN_SPAWN,	PLAN_SIGNAL,
		PLAN_ADJ,    PLAN_NICE,	  PLAN_MOVE,  PLAN_FREE,   PLAN_SWAP,	PLAN_SWAP,
		PLAN_REPEAT, PLAN_EXPECT, PLAN_QUIT,  PLAN_REMOVE, PLAN_EXPECT,
	};
	const struct plan *plan = everything.plan;
	const struct plan_step *steps = plan->steps;

	ck_assert_uint_eq(plan->n_steps, sizeof(kinds) / sizeof(kinds[0]));
	for (size_t i = 0; i < plan->n_steps; i++)
		ck_assert_msg(steps[i].kind == kinds[i], "step %zu on line %d", i,
			      steps[i].at->line);
	ck_assert_uint_eq(steps[0].n_targets, 3);
	ck_assert_int_eq(steps[0].targets[0].error, 0);
	ck_assert_int_eq(steps[0].targets[1].error, EBUSY);
	ck_assert_uint_eq(steps[1].n_targets, 3);
	/* 25 % of outer/inner, which is limited to 32 MiB */
	ck_assert_uint_eq(steps[2].bytes, 8 * MIB);
	ck_assert(steps[2].exact);
	ck_assert_int_eq(steps[2].until, PLAN_UNTIL_SENT);
	ck_assert_int_eq(steps[5].targets[0].value, SIGTERM);
	ck_assert_int_eq(steps[5].targets[1].value, SIGINT);
	ck_assert_uint_eq(steps[6].n_targets, 4);
	ck_assert_str_eq(plan->groups[steps[8].targets[0].group].name, "outer");
	ck_assert_uint_eq(steps[9].bytes, UINT64_MAX);
	ck_assert(!steps[10].swap_on && steps[11].swap_on);
	ck_assert_uint_eq(steps[12].times, 3);
	ck_assert_uint_eq(steps[12].steps[1].times, 2);
	ck_assert_int_eq(steps[12].steps[1].steps[0].kind, PLAN_FREE);
	ck_assert_int_eq(steps[14].targets[0].value, 3);
	/* What 'when' leaves out asks for no counters. */
	ck_assert_uint_eq(plan->n_counters, 2);
}
END_TEST

START_TEST(plan_in_words)
{
	static const char *const lines[] = {
		"everything[block=1M]: every part of the format\n",
		"  host    a swap file of 64M\n",
		"  group   outer/inner      memory.max=32M memory.swap.max=8M\n",
		"  task    late             oomhog heartbeat --interval=5ms (in outer, ",
		"   67   step alloc 8M, without waiting for it, pages computed before\n",
		"   91   expect {exited: {alloc: 3}}\n",
	};
	STR_AUTO text = STR_INIT;

	plan_print(everything.plan, &text);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(str_text(&text), lines[i]) != NULL, "no '%s' in\n%s", lines[i],
			      str_text(&text));
}
END_TEST

/* ---- the shipped catalogue ----------------------------------------------------------------- */

static void plan_all(const char *file, const struct facts *facts)
{
	struct scenario *scenario = NULL;
	struct instance *instances = NULL;
	struct diags diags = {0};
	struct err err = ERR_INIT;
	unsigned long long used = 0;
	size_t n = 0;

	int r = scenario_load(file, &scenario, &diags, &err);
	ck_assert_msg(r >= 0, "%s\n%s", err.text, str_text(&diags.text));
	MEM_AUTO char *path = mem_printf("scenarios/%s/%s.yaml", scenario->suite, scenario->name);
	ck_assert_str_eq(path, file);
	ck_assert_ptr_nonnull(node_get(&scenario->root, "title"));
	(void)scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags);
	for (size_t i = 0; i < n; i++) {
		struct plan *plan = NULL;
		if (plan_build(&instances[i], facts, NULL, &plan, &diags) >= 0)
			plan_free(plan);
	}
	ck_assert_msg(diags.n == 0, "%s", str_text(&diags.text));
	instances_free(instances, n);
	scenario_free(scenario);
}

/* Without mistakes on v1 and on v2, where 'when' takes other parts. */
START_TEST(catalogue_is_sound)
{
	struct rig rig;
	glob_t found;

	scenario_rig_init(&rig);
	ck_assert_int_eq(glob("scenarios/*/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		rig.facts.memory_version = 1;
		plan_all(found.gl_pathv[i], &rig.facts);
		rig.facts.memory_version = 2;
		plan_all(found.gl_pathv[i], &rig.facts);
	}
	globfree(&found);
	scenario_rig_free(&rig);
}
END_TEST

/* The man page describes every expectation and every knob. */
START_TEST(manual_is_complete)
{
	STR_AUTO page = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_ge(fd_read_all(AT_FDCWD, "docs/oomlab-scenario.5", &page, &err), 0);
	for (const char *const *key = judge_keys(); *key; key++)
		ck_assert_msg(strstr(str_text(&page), *key) != NULL, "no '%s'", *key);
	for (const char *const *knob = cg_knob_names(); *knob; knob++)
		ck_assert_msg(strstr(str_text(&page), *knob) != NULL, "no '%s'", *knob);
}
END_TEST

/* ---- what this machine lacks ---------------------------------------------------------------- */

#define STEPS "steps: [{repeat: {times: 1, steps: [{expect: {within: 1s}}]}}]\n"

static const struct {
	const char *text, *skip; /* NULL: it can run */
} needs[] = {
	{"needs: {memory: v1}\n", NULL},
	{"needs: {memory: any, swap: none, memsw: yes, cpus: 2, free: 8G}\n", NULL},
	{"needs: {memory: v2}\n", "needs memory on cgroup v2; here it is on cgroup v1 (boot with "
				  "systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=memory)"},
	{"needs: {swap: any}\n", "needs swap; here none is on ('swapon FILE', or give the scenario "
				 "'host: {swap: SIZE}')"},
	{"needs: {swap: 64M}\n", "needs 64M of swap; here are 0B"},
	{"needs: {swap: 64M}\nhost: {swap: 128M}\n", NULL},
	{"needs: {swap: own}\nhost: {swap: 16M}\n", NULL},
	{"needs: {swap: can, memsw: no}\n",
	 "needs a machine without swap accounting of cgroup v1 (memory.memsw.*)"},
	{"needs: {zram: yes}\n", "needs zram: the kernel has no zram module"},
	{"host: {swap: {zram: 64M}}\n", "needs zram for its swap: the kernel has no zram module"},
	{"needs: {cap: [sys_admin, sys_resource]}\n",
	 "needs CAP_SYS_RESOURCE (run as root in a container or VM that keeps it)"},
	{"needs: {cpus: 3, nodes: 2}\n",
	 "needs 3 CPUs; here are 2; needs 2 NUMA nodes; here are 1"},
	{"needs: {free: 9G}\n", "needs 9G of free memory; here are 8.00G"},
	{"needs: {page_size: 64K}\n", "needs pages of 64K; here they have 4K"},
	{"needs: {disposable: yes}\n", "needs a machine that may go down (on such a machine give "
				       "--this-machine-is-disposable)"},
	{"needs: {localevents: yes}\n",
	 "needs memory.events of groups without those below (mount -o remount,memory_localevents "
	 "/sys/fs/cgroup)"},
	{"needs: {localevents: no}\n", NULL},
	{"needs: {files: [memory.reclaim]}\n", NULL}, /* no groups here to look at */
	{"needs: {kernel: '>=6.1'}\n", NULL},
	{"needs: {kernel: '< 6.1.1'}\n", NULL},
	{"needs: {kernel: '==6.1'}\n", NULL},
	{"needs: {kernel: '>6.1'}\n", "needs kernel >6.1; here is 6.1.0-18-amd64"},
	{"needs: {user: root, stress-ng: [vm], thp: yes, pids: yes}\n", NULL},
	{"needs: {user: ordinary}\n", "needs an ordinary user; here it runs as root"},
	{"tasks: {t: {run: heartbeat, oom_score_adj: -1000}}\n",
	 "needs CAP_SYS_RESOURCE to set an oom_score_adj below 0 (run as root in a container or VM "
	 "that keeps it)"},
	{"tasks: {t: {run: heartbeat, cpu: 2}}\n", "needs CPU 2; here are 2 CPUs"},
	{"tasks: {t: {run: heartbeat, user: no-such-user}}\n",
	 "needs a user 'no-such-user' in /etc/passwd"},
};

START_TEST(needs_become_skips)
{
	STR_AUTO text = STR_INIT;
	struct rig rig;

	scenario_rig_init(&rig);
	str_addf(&text, "%s%s", needs[_i].text, STEPS);
	scenario_rig_plan(&rig, str_text(&text));
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_pstr_eq(rig.plan->skip, needs[_i].skip);
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(swap_that_is_on)
{
	struct rig rig;

	scenario_rig_init(&rig);
	rig.facts.swap_total_bytes = 512 * MIB;
	scenario_rig_plan(&rig, "needs: {swap: none}\n" STEPS);
	ck_assert_pstr_eq(rig.plan->skip, "needs swap off; here 512M are on ('swapoff -a', or give "
					  "the scenario 'host: {swap: none}')");
	scenario_rig_free(&rig);
	scenario_rig_init(&rig);
	rig.facts.swap_total_bytes = 512 * MIB;
	scenario_rig_plan(&rig, "needs: {swap: own}\nhost: {swap: 16M}\n" STEPS);
	ck_assert_pstr_eq(rig.plan->skip,
			  "needs no swap but its own; here 512M of the machine's are on "
			  "('swapoff -a'; 'oomlab vm' without --swap)");
	scenario_rig_free(&rig);
	scenario_rig_init(&rig);
	rig.facts.swap_total_bytes = 512 * MIB;
	scenario_rig_plan(&rig, "needs: {swap: none}\nhost: {swap: none}\n" STEPS);
	ck_assert_ptr_null(rig.plan->skip);
	ck_assert_int_eq(rig.plan->host.swap, PLAN_SWAP_NONE);
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(ordinary_user_changes_no_host)
{
	struct rig rig;

	scenario_rig_init(&rig);
	rig.facts.uid = 1000;
	scenario_rig_plan(&rig, "host: {sysctl: {vm.swappiness: 0}}\n" STEPS);
	ck_assert_pstr_eq(rig.plan->skip, "needs root to change the machine (its 'host' part); "
					  "here it runs as user 1000");
	scenario_rig_free(&rig);
}
END_TEST

/* ---- danger -------------------------------------------------------------------------------- */

static const struct {
	const char *text, *why; /* NULL: harmless */
} dangers[] = {
	{"groups: {g: {memory.max: 1G}}\n"
	 "tasks: {a: {run: blocks, group: g}, b: {run: heartbeat}}\n" STEPS,
	 NULL},
	{"groups: {g: {memory.max: 1G}, g/h: {}}\n"
	 "tasks: {a: {run: blocks, group: g/h}}\n" STEPS,
	 NULL},
	{"tasks: {a: {run: blocks}}\n" STEPS, "task 'a' is in no group with a limit (memory.max)"},
	{"tasks: {a: {run: blocks, rlimits: {as: 1G}}}\n" STEPS, NULL},
	{"tasks: {a: {run: fork, rlimits: {as: 1G}}}\n" STEPS,
	 "task 'a' is in no group with a limit (memory.max)"},
	{"tasks: {a: {exec: [sleep, '1']}}\n" STEPS,
	 "task 'a' is in no group with a limit (memory.max)"},
	{"tasks: {a: {run: step}}\n"
	 "steps: [{step: {task: a, size: 1M}}]\n",
	 "task 'a' is in no group with a limit (memory.max)"},
	{"groups: {g: {memory.max: 1G}}\n"
	 "tasks: {a: {run: blocks, group: g}}\n"
	 "steps: [{set: {g: {memory.max: max}}}]\n",
	 "group 'g' of task 'a' can be without a limit (memory.max)"},
	{"groups: {g: {memory.max: 1G}}\n"
	 "tasks: {a: {run: blocks, group: g}}\n"
	 "steps: [{set: {g: {memory.max: {value: max, errno: EINVAL}}}}]\n",
	 NULL},
	{"groups: {g: {memory.max: 1G}, h: {}}\n"
	 "tasks: {a: {run: blocks, group: g}}\n"
	 "steps: [{move: {a: h}}]\n",
	 "group 'h' of task 'a' can be without a limit (memory.max)"},
	{"groups: {g: {memory.max: 5G}, h/i: {memory.max: 4G}}\n" STEPS,
	 "its limits of 9.00G in all are more than the 8.00G that are free"},
	{"host: {sysctl: {vm.panic_on_oom: 1}}\n" STEPS,
	 "vm.panic_on_oom 1 lets an OOM kill take the machine down"},
	{"host: {sysctl: {vm.panic_on_oom: 0}}\n" STEPS, NULL},
};

START_TEST(danger_is_refused)
{
	STR_AUTO skip = STR_INIT;
	struct rig rig;

	if (dangers[_i].why)
		str_addf(&skip, "refused: %s; only --this-machine-is-disposable allows that",
			 dangers[_i].why);
	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, dangers[_i].text);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_int_eq(rig.plan->dangerous, dangers[_i].why != NULL);
	ck_assert_pstr_eq(rig.plan->skip, dangers[_i].why ? str_text(&skip) : NULL);
	scenario_rig_free(&rig);
	scenario_rig_init(&rig);
	rig.facts.disposable = true;
	scenario_rig_plan(&rig, dangers[_i].text);
	ck_assert_int_eq(rig.plan->dangerous, dangers[_i].why != NULL);
	ck_assert_ptr_null(rig.plan->skip);
	scenario_rig_free(&rig);
}
END_TEST

/* ---- when, percentages over time ----------------------------------------------------------- */

START_TEST(conditions)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig,
			  "groups: {g: {memory.max: 8M}}\n"
			  "tasks: {t: {run: step, group: g}}\n"
			  "steps:\n"
			  "- when: {memory: v2}\n"
			  "  set: {g: {memory.max: 4M}}\n"
			  "- {unless: {memory: v2, cpus: 1}, step: {task: t, size: 50%}}\n"
			  "- {when: {cpus: 2}, unless: {cpus: 2}, step: {task: t, size: 1M}}\n"
			  "- when: {zram: yes}\n"
			  "  repeat: {times: 2, steps: [{expect: {alive: t}}]}\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_ptr_null(rig.plan->skip);
	ck_assert_uint_eq(rig.plan->n_steps, 1);
	ck_assert_int_eq(rig.plan->steps[0].at->line, 6);
	ck_assert_uint_eq(rig.plan->steps[0].bytes, 4 * MIB);
	scenario_rig_free(&rig);
}
END_TEST

START_TEST(percentages_follow_the_steps)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, "groups: {g: {memory.max: 8M}, h: {memory.max: 100M}}\n"
				"tasks: {t: {run: step, group: g}}\n"
				"steps:\n"
				"- step: {task: t, size: 50%}\n"
				"- set: {g: {memory.max: 16M}}\n"
				"- step: {task: t, size: 50%}\n"
				"- move: {t: h}\n"
				"- step: {task: t, size: 0.5%}\n"
				"- step: {task: t, size: rest}\n");
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_uint_eq(rig.plan->steps[0].bytes, 4 * MIB);
	ck_assert_uint_eq(rig.plan->steps[2].bytes, 8 * MIB);
	ck_assert_uint_eq(rig.plan->steps[4].bytes, MIB / 2);
	ck_assert_uint_eq(rig.plan->steps[5].bytes, UINT64_MAX);
	scenario_rig_free(&rig);
}
END_TEST

static const struct {
	const char *task, *steps;
	enum plan_start start;
} starts[] = {
	{"run: blocks", "expect: {alive: t}", PLAN_START_READY},
	{"run: blocks", "start: t", PLAN_START_LATER},
	{"run: blocks", "step: {task: t, size: 1M}", PLAN_START_LOCKSTEP},
	{"run: blocks", "repeat: {times: 2, steps: [{free: {task: t}}]}", PLAN_START_LOCKSTEP},
	{"run: blocks, start: ready", "free: {task: t}", PLAN_START_READY},
	{"run: step", "expect: {alive: t}", PLAN_START_LOCKSTEP},
	{"exec: ['true']", "expect: {alive: t}", PLAN_START_READY},
};

START_TEST(how_tasks_begin)
{
	STR_AUTO text = STR_INIT;
	struct rig rig;

	str_addf(&text,
		 "groups: {g: {memory.max: 8M}}\ntasks: {t: {group: g, %s}}\nsteps: [{%s}]\n",
		 starts[_i].task, starts[_i].steps);
	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, str_text(&text));
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_int_eq(rig.plan->tasks[0].start, starts[_i].start);
	scenario_rig_free(&rig);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *plan_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan"), *whole = tcase_create("everything");

	tcase_add_test(tcase, classic_experiment);
	tcase_add_test(tcase, manual_is_complete);
	tcase_add_test(tcase, catalogue_is_sound);
	tcase_add_loop_test(tcase, needs_become_skips, 0, ROWS(needs));
	tcase_add_test(tcase, swap_that_is_on);
	tcase_add_test(tcase, ordinary_user_changes_no_host);
	tcase_add_loop_test(tcase, danger_is_refused, 0, ROWS(dangers));
	tcase_add_test(tcase, conditions);
	tcase_add_test(tcase, percentages_follow_the_steps);
	tcase_add_loop_test(tcase, how_tasks_begin, 0, ROWS(starts));
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(whole, load_everything, free_everything);
	tcase_add_test(whole, top_level);
	tcase_add_test(whole, groups_nest);
	tcase_add_test(whole, tasks_are_complete);
	tcase_add_test(whole, steps_are_complete);
	tcase_add_test(whole, plan_in_words);
	suite_add_tcase(suite, whole);
	return suite;
}
