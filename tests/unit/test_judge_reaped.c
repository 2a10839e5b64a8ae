/*
 * harness/judge: 'reaped', and a task that is held at its exit.
 */
#include <check.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/judge_rig.h"

Suite *judge_reaped_suite(void);

#define SECONDS 1000000000ULL

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

static struct world_kill *reap(struct world_kill *kill, uint64_t after_ns)
{
	kill->reap = ++rig->world.n_reaps;
	kill->reaped_after_ns = after_ns;
	return kill;
}

START_TEST(waits_for_the_line)
{
	rig_says(rig, "reaped: alloc_1", JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "reaped")->expected, "alloc_1");
	ck_assert_str_eq(rig_finding(rig, "reaped")->got, "no line of the OOM reaper's about ours");
	struct world_kill *kill = rig_kill(rig, ALLOC_1, -1, BY_ALL);
	rig_says(rig, "killed: alloc_1\nreaped: alloc_1", JUDGE_WAIT);
	reap(kill, 0);
	rig_judge(rig, JUDGE_HOLDS);
}
END_TEST

static const struct {
	const char *text;
	enum judge_state state;
} delays[] = {
	{"reaped: alloc_1", JUDGE_HOLDS},
	{"reaped: [alloc_1]", JUDGE_HOLDS},
	{"reaped: {alloc_1: '>=2s'}", JUDGE_HOLDS},
	{"reaped: {alloc_1: 2s..3s}", JUDGE_HOLDS},
	{"reaped: {alloc_1: '>2500ms'}", JUDGE_FAILS},
	{"reaped: {alloc_1: <=100ms}", JUDGE_FAILS},
	{"reaped: none", JUDGE_FAILS},
	{"reaped: alloc_2", JUDGE_FAILS},
	{"reaped: [alloc_1, alloc_2]", JUDGE_WAIT},
	{"reaped: 'alloc_*'", JUDGE_WAIT},
};

START_TEST(delay_is_compared)
{
	reap(rig_kill(rig, ALLOC_1, -1, BY_ALL), 5 * SECONDS / 2);
	MEM_AUTO char *text = mem_printf("killed: alloc_1\n%s", delays[_i].text);
	rig_says(rig, text, delays[_i].state);
}
END_TEST

START_TEST(it_says_who_and_when)
{
	reap(rig_kill(rig, ALLOC_1, -1, BY_ALL), 5 * SECONDS / 2);
	rig_says(rig, "killed: alloc_1\nreaped: {alloc_1: '<1s'}", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "reaped")->expected, "alloc_1 <1.00s after the kill");
	ck_assert_str_eq(rig_finding(rig, "reaped")->got, "alloc_1 (pid 101) 2.50s after the kill");
}
END_TEST

START_TEST(children_and_strangers)
{
	reap(rig_kill(rig, BOMB, 3, BY_LINE | BY_COUNTER), SECONDS);
	rig_says(rig, "killed: bomb.3\nreaped: bomb.3", JUDGE_HOLDS);
	rig_says(rig, "killed: bomb.3\nreaped: bomb.*", JUDGE_HOLDS);
	rig_says(rig, "killed: bomb.3\nreaped: bomb.4", JUDGE_FAILS);
	/* Of another run: no matter. */
	reap(rig_kill_stranger(rig, -1, BY_LINE), SECONDS);
	rig_says(rig, "killed: bomb.3\nreaped: bomb.3", JUDGE_HOLDS);
}
END_TEST

START_TEST(those_of_earlier_expectations_do_not_count)
{
	reap(rig_kill(rig, ALLOC_1, -1, BY_ALL), 2 * SECONDS);
	rig->world.kills_mark = rig->world.n_kills;
	rig->world.reaps_mark = rig->world.n_reaps;
	rig->groups[OOM_TEST].oom_kill_mark = rig->groups[OOM_TEST].oom_kill;
	rig_says(rig, "reaped: none", JUDGE_HOLDS);
	rig_says(rig, "reaped: alloc_1", JUDGE_WAIT);
}
END_TEST

static const struct {
	const char *text, *mistake;
} mistakes[] = {
	{"reaped: {alloc_1: 2}", "test.yaml:1:19: reaped: '2'"},
	{"reaped: {alloc_1: [1]}",
	 "reaped: expected a time such as 500ms, >=2s or 1s..3s, got a list"},
	{"reaped: aloc_1", "reaped: unknown task 'aloc_1'"},
	{"reaped: ''", "reaped: expected a task's name, a list of them"},
	{"reaped: {alloc_1: '3s..1s'}", "it ends before it begins"},
};

START_TEST(mistakes_are_told)
{
	const char *told = rig_mistakes(rig, mistakes[_i].text);

	ck_assert_msg(strstr(told, mistakes[_i].mistake) != NULL, "%s: %s", mistakes[_i].text,
		      told);
}
END_TEST

/* The tracer tells that it will have ended by SIGKILL: as good as wait()'s word. */
START_TEST(held_at_its_exit_is_killed_and_not_alive)
{
	struct world_task *task = &rig->tasks[ALLOC_1];
	struct world_kill *kill = rig_kill(rig, ALLOC_1, -1, BY_LINE | BY_COUNTER);

	task->proved = true;
	rig_says(rig, "killed: alloc_1", JUDGE_WAIT);
	task->at_exit = true;
	task->proc_state = 't';
	kill->by_wait = true;
	rig_judge(rig, JUDGE_HOLDS);
	rig_says(rig, "killed: alloc_1\nstopped: alloc_1", JUDGE_HOLDS);
	rig_says(rig, "killed: alloc_1\nalive: alloc_1", JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "alive")->got, "alloc_1 held at its exit (state t)");
}
END_TEST

Suite *judge_reaped_suite(void)
{
	Suite *suite = suite_create("judge_reaped");
	TCase *tcase = tcase_create("judge_reaped");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, waits_for_the_line);
	tcase_add_loop_test(tcase, delay_is_compared, 0, (int)(sizeof(delays) / sizeof(delays[0])));
	tcase_add_test(tcase, it_says_who_and_when);
	tcase_add_test(tcase, children_and_strangers);
	tcase_add_test(tcase, those_of_earlier_expectations_do_not_count);
	tcase_add_loop_test(tcase, mistakes_are_told, 0,
			    (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_test(tcase, held_at_its_exit_is_killed_and_not_alive);
	suite_add_tcase(suite, tcase);
	return suite;
}
