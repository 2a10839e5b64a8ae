/*
 * harness/judge: expectations about groups and the kernel's report, and the classic experiment as
 * a whole.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_groups_suite(void);

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

static void got(const char *what, const char *text)
{
	ck_assert_str_eq(rig_finding(rig, what)->got, text);
}

/* ---- counters ------------------------------------------------------------------------------- */

START_TEST(counter_rises_since_its_mark)
{
	rig_expect(rig, "counters: {oom_test: {failcnt: +1}}");
	struct world_counter *counter = rig_counter(rig, OOM_TEST, "failcnt");
	counter->now = counter->mark = 6;
	rig_judge(rig, JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "counters")->expected, "failcnt of 'oom_test' +1");
	got("counters", "+0 (6 in all)");
	counter->now = 7;
	rig_judge(rig, JUDGE_HOLDS);
	/* It only rises: one too many is for good. */
	counter->now = 8;
	rig_judge(rig, JUDGE_FAILS);
	got("counters", "+2 (8 in all)");
}
END_TEST

START_TEST(counter_that_falls_again_waits)
{
	rig_expect(rig, "counters: {oom_test: {under_oom: 0, usage: '<=80M', stat.anon: 0}}");
	rig_judge(rig, JUDGE_HOLDS);
	rig_counter(rig, OOM_TEST, "under_oom")->now = 1;
	rig_counter(rig, OOM_TEST, "usage")->now = 81 << 20;
	rig_counter(rig, OOM_TEST, "stat.anon")->now = 4096;
	rig_judge(rig, JUDGE_WAIT);
	ck_assert_str_eq(rig->findings.items[2].got, "81M");
	ck_assert_str_eq(rig->findings.items[3].got, "4096");
	ck_assert_str_eq(rig->findings.items[1].seen, "oom_test: oom_kill +0 under_oom 0");
}
END_TEST

START_TEST(peak_above_its_bound_is_for_good)
{
	rig_expect(rig, "counters: {oom_test: {peak: <=100%}}");
	rig_counter(rig, OOM_TEST, "peak")->now = 80 << 20;
	rig_judge(rig, JUDGE_HOLDS);
	rig_counter(rig, OOM_TEST, "peak")->now = (80 << 20) + 4096;
	rig_judge(rig, JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "counters")->expected, "peak of 'oom_test' <=80M");
	got("counters", "81924K");
}
END_TEST

START_TEST(counter_that_cannot_be_read_never_holds)
{
	rig_expect(rig, "counters: {oom_test: {failcnt: 0}}");
	rig_counter(rig, OOM_TEST, "failcnt")->error = "this kernel has no such counter";
	rig_judge(rig, JUDGE_WAIT);
	got("counters", "cannot be read: this kernel has no such counter");
}
END_TEST

START_TEST(patterns_ask_each_group)
{
	rig_says(rig, "counters: {'outer*': {oom_kill: 0}}", JUDGE_HOLDS);
	ck_assert_uint_eq(rig->findings.n, 3); /* two groups, and nobody killed */
	rig_counter(rig, OUTER_INNER, "oom_kill")->now = 1;
	rig_judge(rig, JUDGE_FAILS);
	ck_assert_str_eq(rig->findings.items[2].expected, "oom_kill of 'outer/inner' 0");
}
END_TEST

/* ---- usage, notified, group_empty, swap_used ------------------------------------------------ */

START_TEST(usage_against_sizes_and_the_limit)
{
	rig->groups[OOM_TEST].usage_bytes = 60 << 20;
	rig_says(rig, "usage: {oom_test: <=50%}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "usage")->expected, "usage of 'oom_test' <=40M");
	got("usage", "60M (limit 80M)");
	rig_says(rig, "usage: {oom_test: 50M..64M}", JUDGE_HOLDS);
	rig->groups[OOM_TEST].usage_bytes = UINT64_MAX;
	rig_says(rig, "usage: {oom_test: '>=1M'}", JUDGE_WAIT);
	got("usage", "it was not read");
}
END_TEST

START_TEST(notifications_since_the_mark)
{
	rig->groups[OOM_TEST].notifications = rig->groups[OOM_TEST].notifications_mark = 2;
	rig_says(rig, "notified: {oom_test: +1}", JUDGE_WAIT);
	rig->groups[OOM_TEST].notifications = 3;
	rig_judge(rig, JUDGE_HOLDS);
	rig->groups[OOM_TEST].notifications = 4;
	rig_judge(rig, JUDGE_FAILS);
	got("notified", "+2 (4 in all)");
}
END_TEST

START_TEST(stalls_told_since_the_mark)
{
	rig->groups[OOM_TEST].pressures = rig->groups[OOM_TEST].pressures_mark = 1;
	rig_says(rig, "pressure: {oom_test: '+>=1'}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "pressure")->expected, "stalls told of 'oom_test' +>=1");
	rig->groups[OOM_TEST].pressures = 2;
	rig_judge(rig, JUDGE_HOLDS);
	rig_says(rig, "pressure: {oom_test: 0}", JUDGE_FAILS);
}
END_TEST

START_TEST(group_is_empty_or_gone)
{
	rig->tasks[ALLOC_1].group = OUTER;
	rig_says(rig, "group_empty: [outer, outer/inner]", JUDGE_WAIT);
	got("group_empty", "live processes inside or below");
	ck_assert_str_eq(rig_finding(rig, "group_empty")->seen, "alloc_1 running (state S)");
	rig->groups[OUTER].populated = false;
	rig->groups[OUTER_INNER].exists = false;
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert_str_eq(rig->findings.items[2].got, "nobody, the group is removed");
}
END_TEST

START_TEST(swap_of_the_machine_and_of_tasks)
{
	rig->world.swap_used_bytes = 12 << 20;
	rig_says(rig, "swap_used: {machine: '>=10M', alloc_1: '>=8M'}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "swap_used")->expected, "swap used by the machine >=10M");
	got("swap_used", "12M");
	ck_assert_str_eq(rig->findings.items[2].got,
			 "alloc_1 running (state S), its swap was not read");
	rig->tasks[ALLOC_1].vm_swap_bytes = 9 << 20;
	rig_judge(rig, JUDGE_HOLDS);
	rig->tasks[ALLOC_1].vm_swap_bytes = UINT64_MAX;
	rig_exit(rig, ALLOC_1, 0);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

/* ---- log ------------------------------------------------------------------------------------ */

static struct world_kill *report(int task, int child)
{
	struct world_kill *kill = rig_kill(rig, task, child, BY_ALL);

	kill->has_report = true;
	strcpy(kill->constraint, "CONSTRAINT_MEMCG");
	strcpy(kill->oom_memcg, "/oomlab-1/outer");
	strcpy(kill->task_memcg, "/oomlab-1/outer/inner");
	return kill;
}

static const char log_yaml[] = "{killed: alloc_2, log: {victim: alloc_2, constraint: "
			       "CONSTRAINT_MEMCG, group: outer, victim_group: outer/inner}}";

START_TEST(report_names_victim_constraint_and_groups)
{
	report(ALLOC_2, -1);
	rig_says(rig, log_yaml, JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "log")->expected,
			 "victim alloc_2, CONSTRAINT_MEMCG, oom_memcg=/oomlab-1/outer, "
			 "task_memcg=/oomlab-1/outer/inner");
	strcpy(rig->kills[0].oom_memcg, "/oomlab-1/oom_test");
	rig_judge(rig, JUDGE_FAILS);
	got("log", "victim alloc_2 (pid 102), CONSTRAINT_MEMCG, oom_memcg=/oomlab-1/oom_test, "
		   "task_memcg=/oomlab-1/outer/inner");
}
END_TEST

START_TEST(missing_report_is_no_missing_kill)
{
	rig_says(rig, log_yaml, JUDGE_WAIT);
	got("log", "no report: nobody of these was killed");
	ck_assert(!rig_finding(rig, "log")->unlogged);
	rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig_judge(rig, JUDGE_WAIT);
	got("log", "victim alloc_2 (pid 102): its 'Killed process' line, but no long report: not "
		   "seen, the kernel prints at most 10 reports in 5 s");
	ck_assert(rig_finding(rig, "log")->unlogged);
}
END_TEST

START_TEST(one_report_of_many_will_do)
{
	struct world_kill *first = report(BOMB, 0);

	strcpy(first->oom_memcg, "/elsewhere");
	rig_says(rig, "{killed: {bomb.*: '>=1'}, log: {victim: bomb.*, group: outer}}", JUDGE_WAIT);
	report(BOMB, 1);
	rig_judge(rig, JUDGE_HOLDS);
	got("log", "victim child 1 of bomb (pid 104001), CONSTRAINT_MEMCG, "
		   "oom_memcg=/oomlab-1/outer, task_memcg=/oomlab-1/outer/inner");
}
END_TEST

START_TEST(report_of_one_child)
{
	rig_says(rig, "{killed: bomb.2, log: {victim: bomb.2}}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "log")->expected, "victim child 2 of bomb");
	rig_kill(rig, BOMB, 2, BY_COUNTER);
	rig_judge(rig, JUDGE_WAIT);
	got("log", "victim child 2 of bomb (pid 104002): no line of the kernel about it");
	rig->world.n_kills = 0;
	rig->world.has_log = false;
	rig_judge(rig, JUDGE_WAIT);
	got("log", "the kernel's log is not readable here");
}
END_TEST

START_TEST(reports_about_other_people_do_not_count)
{
	struct world_kill *kill = rig_kill_stranger(rig, -1, BY_LINE);

	kill->has_report = true;
	strcpy(kill->constraint, "CONSTRAINT_NONE");
	rig_says(rig, "log: {constraint: CONSTRAINT_NONE}", JUDGE_WAIT);
}
END_TEST

/* ---- the whole ------------------------------------------------------------------------------ */

static const char paused[] = "blocked: [alloc_1]\n"
			     "alive: [alloc_1, alloc_2, counter]\n"
			     "counters: {oom_test: {under_oom: 1, oom_kill: +0}}\n";
static const char gone_on[] = "killed: [alloc_2]\n"
			      "resumed: [alloc_1]\n"
			      "counters: {oom_test: {under_oom: 0, oom_kill: +1}}\n"
			      "within: 1s\n";

START_TEST(classic_pause_and_resume)
{
	rig_expect(rig, paused);
	rig_judge(rig, JUDGE_WAIT);
	rig->tasks[ALLOC_1].blocked = rig->tasks[ALLOC_1].was_blocked = true;
	rig->tasks[ALLOC_2].proved = rig->tasks[COUNTER].proved = true;
	rig_counter(rig, OOM_TEST, "under_oom")->now = rig->groups[OOM_TEST].under_oom = 1;
	rig_judge(rig, JUDGE_HOLDS);

	rig_expect(rig, gone_on);
	rig_judge(rig, JUDGE_WAIT);
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);
	rig_counter(rig, OOM_TEST, "oom_kill")->now = 1;
	rig_counter(rig, OOM_TEST, "under_oom")->now = rig->groups[OOM_TEST].under_oom = 0;
	rig_judge(rig, JUDGE_WAIT);
	ck_assert(!kill->claimed); /* not before all of it holds */
	rig->tasks[ALLOC_1].blocked = false;
	rig->tasks[ALLOC_1].resumed = true;
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert(kill->claimed);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_HOLDS);
}
END_TEST

Suite *judge_groups_suite(void)
{
	Suite *suite = suite_create("judge_groups");
	TCase *tcase = tcase_create("groups");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, counter_rises_since_its_mark);
	tcase_add_test(tcase, counter_that_falls_again_waits);
	tcase_add_test(tcase, peak_above_its_bound_is_for_good);
	tcase_add_test(tcase, counter_that_cannot_be_read_never_holds);
	tcase_add_test(tcase, patterns_ask_each_group);
	tcase_add_test(tcase, usage_against_sizes_and_the_limit);
	tcase_add_test(tcase, notifications_since_the_mark);
	tcase_add_test(tcase, stalls_told_since_the_mark);
	tcase_add_test(tcase, group_is_empty_or_gone);
	tcase_add_test(tcase, swap_of_the_machine_and_of_tasks);
	tcase_add_test(tcase, report_names_victim_constraint_and_groups);
	tcase_add_test(tcase, missing_report_is_no_missing_kill);
	tcase_add_test(tcase, one_report_of_many_will_do);
	tcase_add_test(tcase, report_of_one_child);
	tcase_add_test(tcase, reports_about_other_people_do_not_count);
	tcase_add_test(tcase, classic_pause_and_resume);
	suite_add_tcase(suite, tcase);
	return suite;
}
