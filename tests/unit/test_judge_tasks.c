/*
 * harness/judge: expectations about tasks: alive, blocked, resumed, exited, and what hogs report.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_tasks_suite(void);

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

static void block(int task)
{
	rig->tasks[task].blocked = rig->tasks[task].was_blocked = rig->tasks[task].pending = true;
	rig->tasks[task].proc_state = 'D';
	strcpy(rig->tasks[task].wchan, "mem_cgroup_oom_synchronize");
}

/* ---- alive, blocked, resumed ---------------------------------------------------------------- */

START_TEST(alive_wants_an_answer)
{
	rig_says(rig, "alive: [alloc_1, stress]", JUDGE_WAIT);
	got("alive",
	    "alloc_1 running (state S), no answer to a ping yet; stress running (state S), "
	    "not proved alive yet");
	rig->tasks[ALLOC_1].proved = rig->tasks[STRESS].proved = true;
	rig_judge(rig, JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "alive")->expected, "alloc_1, stress");
	got("alive", "alloc_1 running (state S); stress running (state S)");
}
END_TEST

START_TEST(blocked_task_is_alive)
{
	block(ALLOC_1);
	rig_says(rig, "{alive: alloc_1, blocked: alloc_1}", JUDGE_HOLDS);
	got("blocked", "alloc_1 blocked in mem_cgroup_oom_synchronize (state D)");
}
END_TEST

START_TEST(zombie_is_not_alive)
{
	rig->tasks[ALLOC_1].proved = true;
	rig->tasks[ALLOC_1].proc_state = 'Z';
	rig_says(rig, "alive: alloc_1", JUDGE_WAIT);
	got("alive", "alloc_1 a zombie");
}
END_TEST

START_TEST(dead_fail_for_good)
{
	rig->tasks[ALLOC_2].proved = true;
	rig_exit(rig, ALLOC_1, 3);
	rig_says(rig, "alive: [alloc_1, alloc_2]", JUDGE_FAILS);
	got("alive", "alloc_1 exited 3");
	ck_assert_str_eq(rig_finding(rig, "alive")->seen, "alloc_2 running (state S)");
	rig_says(rig, "blocked: alloc_1", JUDGE_FAILS);
	rig_says(rig, "resumed: alloc_1", JUDGE_FAILS);
	got("resumed", "alloc_1 exited 3, was never blocked");
}
END_TEST

START_TEST(count_of_the_living_is_no_glimpse)
{
	/* While two are not proved yet, "1 alive" is not settled. */
	rig->tasks[ALLOC_1].proved = true;
	rig_says(rig, "alive: {'alloc_*': 1}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "alive")->expected, "1 of alloc_*");
	rig_exit(rig, ALLOC_2, 0);
	rig_judge(rig, JUDGE_WAIT);
	rig_exit(rig, ALLOC_3, 0);
	rig_judge(rig, JUDGE_HOLDS);
	rig_exit(rig, ALLOC_1, 0);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(blocked_waits_for_the_pause)
{
	rig_says(rig, "blocked: [alloc_1]", JUDGE_WAIT);
	got("blocked", "alloc_1 running (state S), no command under way");
	ck_assert_str_eq(rig_finding(rig, "blocked")->seen,
			 "oom_test: oom_kill +0 under_oom 0, outer: oom_kill +0 under_oom 0, "
			 "outer/inner: oom_kill +0 under_oom 0");
	rig->tasks[ALLOC_1].pending = true;
	strcpy(rig->tasks[ALLOC_1].wchan, "balance_dirty_pages");
	rig_judge(rig, JUDGE_WAIT);
	got("blocked", "alloc_1 running (state S) in balance_dirty_pages");
	block(ALLOC_1);
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(resumed_needs_a_pause_and_progress)
{
	rig_says(rig, "resumed: alloc_1", JUDGE_WAIT);
	got("resumed", "alloc_1 running (state S), was never blocked");
	rig->tasks[ALLOC_1].resumed = true; /* progress without a pause is none */
	rig_judge(rig, JUDGE_WAIT);
	rig->tasks[ALLOC_1].resumed = false;
	block(ALLOC_1);
	rig_judge(rig, JUDGE_WAIT);
	got("resumed", "alloc_1 blocked in mem_cgroup_oom_synchronize (state D), has not gone on");
	rig->tasks[ALLOC_1].blocked = false;
	rig->tasks[ALLOC_1].resumed = true;
	rig_judge(rig, JUDGE_HOLDS);
	/* It did go on, whatever came after. */
	rig_exit(rig, ALLOC_1, 0);
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(one_resumed_too_many_is_for_good)
{
	for (int i = ALLOC_1; i <= ALLOC_2; i++)
		rig->tasks[i].was_blocked = rig->tasks[i].resumed = true;
	rig_says(rig, "resumed: {'alloc_*': 1}", JUDGE_FAILS);
	rig_says(rig, "resumed: {'alloc_*': 2}", JUDGE_HOLDS);
	rig_says(rig, "resumed: {'alloc_*': 3}", JUDGE_WAIT);
}
END_TEST

/* ---- exited --------------------------------------------------------------------------------- */

START_TEST(stopped_by_a_signal_or_a_tracer)
{
	rig_expect(rig, "stopped: [alloc_1, alloc_2]");
	rig->tasks[ALLOC_1].proc_state = 'T';
	rig->tasks[ALLOC_2].proc_state = 'S';
	rig_judge(rig, JUDGE_WAIT);
	got("stopped", "alloc_2 running (state S), not stopped");
	rig->tasks[ALLOC_2].proc_state = 't';
	rig_judge(rig, JUDGE_HOLDS);
	rig->tasks[ALLOC_1].life = WORLD_KILLED;
	rig->tasks[ALLOC_1].status = SIGKILL;
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(exited_by_code_or_signal)
{
	rig_says(rig, "exited: {alloc_1: 0}", JUDGE_WAIT);
	rig_exit(rig, ALLOC_1, 0);
	rig_judge(rig, JUDGE_HOLDS);
	got("exited", "alloc_1 exited 0");
	rig_says(rig, "exited: {alloc_1: {code: '>=1'}}", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "exited")->expected, "alloc_1 exited >=1");
	rig_says(rig, "exited: {alloc_1: SIGTERM}", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "exited")->expected, "alloc_1 killed by SIGTERM");
	rig_signal(rig, ALLOC_1, SIGTERM);
	rig_judge(rig, JUDGE_HOLDS);
	rig_says(rig, "exited: {alloc_1: 15}", JUDGE_FAILS);
	got("exited", "alloc_1 killed by SIGTERM");
	rig_signal(rig, ALLOC_1, 40);
	rig_judge(rig, JUDGE_FAILS);
	got("exited", "alloc_1 killed by signal 40");
}
END_TEST

/* ---- what hogs report ----------------------------------------------------------------------- */

START_TEST(errno_of_the_last_receipt)
{
	rig->tasks[ALLOC_1].pending = true;
	rig_says(rig, "errno: {alloc_1: none}", JUDGE_WAIT);
	got("errno",
	    "alloc_1: no answer to its command, running (state S) with a command under way");
	rig->tasks[ALLOC_1].pending = false;
	rig_judge(rig, JUDGE_HOLDS);
	rig->tasks[ALLOC_1].last_errno = EAGAIN;
	rig_judge(rig, JUDGE_FAILS);
	rig_says(rig, "errno: {alloc_1: [ENOMEM, EAGAIN]}", JUDGE_HOLDS);
	ck_assert_str_eq(rig_finding(rig, "errno")->expected, "alloc_1: ENOMEM or EAGAIN");
	rig_says(rig, "errno: {alloc_1: ENOMEM}", JUDGE_FAILS);
	got("errno", "alloc_1: EAGAIN");
}
END_TEST

START_TEST(task_without_a_command_has_no_errno)
{
	rig->tasks[ALLOC_1].answered = false;
	rig_says(rig, "errno: {alloc_1: none}", JUDGE_FAILS);
	got("errno", "alloc_1: it was never given a command");
}
END_TEST

START_TEST(command_that_killed_its_task_has_no_errno)
{
	rig->tasks[ALLOC_1].pending = true;
	rig_signal(rig, ALLOC_1, SIGKILL);
	rig_says(rig, "errno: {alloc_1: none}", JUDGE_FAILS);
}
END_TEST

START_TEST(commands_report_nothing)
{
	rig_says(rig, "errno: {stress: none}", JUDGE_FAILS);
	got("errno", "stress is a command, only hogs report this");
	rig_says(rig, "touched: {stress: 1M}", JUDGE_FAILS);
	rig_says(rig, "beats: {stress: 1}", JUDGE_FAILS);
	rig->tasks[ALLOC_1].life = WORLD_UNBORN;
	rig->tasks[ALLOC_1].is_hog = false;
	rig_says(rig, "touched: {alloc_1: 1M}", JUDGE_WAIT);
	got("touched", "alloc_1 not started");
}
END_TEST

START_TEST(touched_exactly_what_was_predicted)
{
	struct world_task *task = &rig->tasks[ALLOC_2];

	rig->groups[OOM_TEST].usage_bytes = 80 << 20;
	task->touched_pages = 4086;
	rig_says(rig, "touched: {alloc_2: exact}", JUDGE_WAIT);
	got("touched", "alloc_2: 4086 pages (16344K); how many fit was not computed, no step of it "
		       "was exact");
	task->predicted_pages = 4087;
	task->pending = true;
	rig_judge(rig, JUDGE_WAIT);
	rig_signal(rig, ALLOC_2, SIGKILL);
	rig_judge(rig, JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "touched")->expected, "alloc_2: 4087 pages (16348K)");
	ck_assert_str_eq(rig_finding(rig, "touched")->seen, "oom_test: usage 80M, limit 80M");
	task->touched_pages = 4087;
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(touched_is_judged_when_the_command_is_done)
{
	rig->tasks[ALLOC_1].touched_pages = 256;
	rig->tasks[ALLOC_1].pending = rig->tasks[ALLOC_1].stepping = true;
	rig_says(rig, "touched: {alloc_1: 1M}", JUDGE_WAIT);
	rig->tasks[ALLOC_1].blocked = true;
	rig_judge(rig, JUDGE_HOLDS);
	rig->tasks[ALLOC_1].blocked = rig->tasks[ALLOC_1].stepping = false;
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

START_TEST(touched_sizes_are_compared_in_bytes)
{
	rig->tasks[ALLOC_1].touched_pages = 4096;
	rig_says(rig, "touched: {alloc_1: 16M}", JUDGE_HOLDS);
	rig_says(rig, "touched: {alloc_1: 4096pages}", JUDGE_HOLDS);
	rig_says(rig, "touched: {alloc_1: 8M..16M}", JUDGE_HOLDS);
	rig_says(rig, "touched: {alloc_1: '<16M'}", JUDGE_FAILS);
	got("touched", "alloc_1: 4096 pages (16M)");
}
END_TEST

START_TEST(beats_and_forks_only_rise)
{
	rig->tasks[COUNTER].beats = 2;
	rig_says(rig, "beats: {counter: '>=3'}", JUDGE_WAIT);
	got("beats", "counter: 2, running (state S)");
	rig_says(rig, "beats: {counter: 1}", JUDGE_FAILS);
	rig->tasks[COUNTER].beats = 3;
	rig_says(rig, "beats: {counter: '>=3'}", JUDGE_HOLDS);
	rig->tasks[BOMB].forks = 9;
	rig_says(rig, "forks: {bomb: '>=10'}", JUDGE_WAIT);
	rig_exit(rig, BOMB, 0);
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(violation_by_name_number_or_any)
{
	rig_says(rig, "violation: {bomb: kill}", JUDGE_WAIT);
	rig->tasks[BOMB].violation = 62;
	rig_says(rig, "violation: {bomb: '62'}", JUDGE_HOLDS);
	rig_says(rig, "violation: {bomb: any}", JUDGE_HOLDS);
	rig_says(rig, "violation: {bomb: kill}", JUDGE_FAILS);
	got("violation", "bomb stopped at system call 62");
	rig->tasks[BOMB].violation_name = "kill";
	rig_judge(rig, JUDGE_HOLDS);
	rig_exit(rig, ALLOC_1, 0);
	rig_says(rig, "violation: {alloc_1: mount}", JUDGE_FAILS);
	got("violation", "no violation, alloc_1 exited 0");
}
END_TEST

/* ---- oom_score ------------------------------------------------------------------------------ */

START_TEST(scores_descend)
{
	rig->tasks[ALLOC_1].oom_score = 700;
	rig->tasks[ALLOC_2].oom_score = 680;
	rig_says(rig, "oom_score: [alloc_1, alloc_2, counter]", JUDGE_WAIT);
	got("oom_score", "alloc_1 700, alloc_2 680");
	ck_assert_str_eq(rig->findings.items[2].got,
			 "alloc_2 680, counter running (state S), its score was not read");
	rig->tasks[COUNTER].oom_score = 680;
	rig_judge(rig, JUDGE_WAIT);
	rig->tasks[COUNTER].oom_score = 666;
	rig_judge(rig, JUDGE_HOLDS);
	rig_exit(rig, COUNTER, 0);
	rig->tasks[COUNTER].oom_score = -1;
	rig_judge(rig, JUDGE_FAILS);
}
END_TEST

START_TEST(scores_compare_with_tasks_and_numbers)
{
	rig->tasks[ALLOC_1].oom_score = 700;
	rig->tasks[ALLOC_2].oom_score = 700;
	rig_says(rig, "oom_score: {alloc_1: '=alloc_2'}", JUDGE_HOLDS);
	rig_says(rig, "oom_score: {alloc_1: '>alloc_2'}", JUDGE_WAIT);
	rig_says(rig, "oom_score: {alloc_1: '>=alloc_2'}", JUDGE_HOLDS);
	rig_says(rig, "oom_score: {alloc_1: '<alloc_2'}", JUDGE_WAIT);
	rig_says(rig, "oom_score: {alloc_1: '!=alloc_2'}", JUDGE_WAIT);
	rig_says(rig, "oom_score: {alloc_1: '<=alloc_2'}", JUDGE_HOLDS);
	rig_says(rig, "oom_score: {alloc_1: '>=600'}", JUDGE_HOLDS);
	rig_says(rig, "oom_score: {alloc_1: 0}", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "oom_score")->expected, "alloc_1: 0");
}
END_TEST

Suite *judge_tasks_suite(void)
{
	Suite *suite = suite_create("judge_tasks");
	TCase *tcase = tcase_create("tasks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, alive_wants_an_answer);
	tcase_add_test(tcase, blocked_task_is_alive);
	tcase_add_test(tcase, zombie_is_not_alive);
	tcase_add_test(tcase, dead_fail_for_good);
	tcase_add_test(tcase, count_of_the_living_is_no_glimpse);
	tcase_add_test(tcase, blocked_waits_for_the_pause);
	tcase_add_test(tcase, resumed_needs_a_pause_and_progress);
	tcase_add_test(tcase, one_resumed_too_many_is_for_good);
	tcase_add_test(tcase, stopped_by_a_signal_or_a_tracer);
	tcase_add_test(tcase, exited_by_code_or_signal);
	tcase_add_test(tcase, errno_of_the_last_receipt);
	tcase_add_test(tcase, task_without_a_command_has_no_errno);
	tcase_add_test(tcase, command_that_killed_its_task_has_no_errno);
	tcase_add_test(tcase, commands_report_nothing);
	tcase_add_test(tcase, touched_exactly_what_was_predicted);
	tcase_add_test(tcase, touched_is_judged_when_the_command_is_done);
	tcase_add_test(tcase, touched_sizes_are_compared_in_bytes);
	tcase_add_test(tcase, beats_and_forks_only_rise);
	tcase_add_test(tcase, violation_by_name_number_or_any);
	tcase_add_test(tcase, scores_descend);
	tcase_add_test(tcase, scores_compare_with_tasks_and_numbers);
	suite_add_tcase(suite, tcase);
	return suite;
}
