/*
 * harness/judge: whether the sources of a kill agree, and what is left at a scenario's end.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/lib/judge_rig.h"

Suite *judge_agreement_suite(void);

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

/* ---- agreement ------------------------------------------------------------------------------ */

static const struct {
	int sources;
	bool has_log;
	enum judge_state state;
	const char *text;
} agreements[] = {
	{BY_ALL, true, JUDGE_HOLDS,
	 "wait: SIGKILL, log: 'Killed process 102' seen, counter: oom_kill +1"},
	{BY_WAIT | BY_LINE, true, JUDGE_WAIT,
	 "wait: SIGKILL, log: 'Killed process 102' seen, counter: oom_kill +0"},
	{BY_WAIT | BY_COUNTER, true, JUDGE_WAIT,
	 "wait: SIGKILL, log: no 'Killed process 102' line, counter: oom_kill +1"},
	{BY_WAIT | BY_COUNTER, false, JUDGE_HOLDS,
	 "wait: SIGKILL, log: not readable here, counter: oom_kill +1"},
	{BY_LINE | BY_COUNTER, true, JUDGE_WAIT,
	 "wait: not dead yet, log: 'Killed process 102' seen, counter: oom_kill +1"},
	{BY_WAIT, true, JUDGE_WAIT,
	 "wait: SIGKILL, log: no 'Killed process 102' line, counter: oom_kill +0"},
	{BY_WAIT, false, JUDGE_WAIT, "wait: SIGKILL, log: not readable here, counter: oom_kill +0"},
};

START_TEST(sources_that_are_there_must_agree)
{
	char text[200];
	const struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, agreements[_i].sources);

	rig->world.has_log = agreements[_i].has_log;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, text, sizeof(text)),
			 agreements[_i].state);
	ck_assert_str_eq(text, agreements[_i].text);
	ck_assert_int_eq(judge_agreement(&rig->world, kill, NULL, 0), agreements[_i].state);
}
END_TEST

START_TEST(other_end_contradicts_the_kernels_claim_alone)
{
	char text[200];
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_COUNTER);

	rig_exit(rig, ALLOC_2, 0);
	ck_assert_int_eq(judge_agreement(&rig->world, kill, text, sizeof(text)), JUDGE_WAIT);
	ck_assert_str_eq(text, "wait: exited 0, log: no 'Killed process 102' line, counter: "
			       "oom_kill +1");
	kill->by_line = true;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, text, sizeof(text)), JUDGE_FAILS);
}
END_TEST

START_TEST(group_of_a_kill_is_its_tasks_when_not_known)
{
	char text[200];
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	kill->group = -1;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, text, sizeof(text)), JUDGE_HOLDS);
	ck_assert_uint_eq(judge_counted_max(&rig->world, OOM_TEST), 1);
}
END_TEST

START_TEST(kernel_without_the_counter_is_not_asked_for_it)
{
	char text[200];
	const struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_WAIT | BY_LINE);

	rig->groups[OOM_TEST].oom_kill = UINT64_MAX;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, text, sizeof(text)), JUDGE_HOLDS);
	ck_assert_str_eq(text, "wait: SIGKILL, log: 'Killed process 102' seen, counter: none for "
			       "its group");
}
END_TEST

START_TEST(something_must_prove_it)
{
	const struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_WAIT);

	rig->world.has_log = false;
	rig->groups[OOM_TEST].oom_kill = UINT64_MAX;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, NULL, 0), JUDGE_WAIT);
}
END_TEST

/* A child's parent reaps it; with a readable log its line stands for that. */
START_TEST(child_without_a_line_must_be_seen_dead)
{
	struct world_kill *kill = rig_kill(rig, BOMB, 1, BY_COUNTER);

	rig->world.has_log = false;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, NULL, 0), JUDGE_WAIT);
	kill->by_wait = true;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, NULL, 0), JUDGE_HOLDS);
	kill->by_wait = false;
	kill->by_line = rig->world.has_log = true;
	ck_assert_int_eq(judge_agreement(&rig->world, kill, NULL, 0), JUDGE_HOLDS);
}
END_TEST

START_TEST(counter_without_a_mark_counts_from_the_start)
{
	char text[200];
	const struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	rig->groups[OOM_TEST].oom_kill_mark = UINT64_MAX;
	judge_agreement(&rig->world, kill, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "counter: oom_kill +1"));
}
END_TEST

START_TEST(long_text_is_cut_visibly)
{
	char text[20];
	const struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	judge_agreement(&rig->world, kill, text, sizeof(text));
	ck_assert_str_eq(text, "wait: SIGKILL, l...");
}
END_TEST

/* ---- the end -------------------------------------------------------------------------------- */

START_TEST(quiet_end_holds)
{
	rig_kill(rig, ALLOC_2, -1, BY_ALL)->claimed = true;
	rig_kill(rig, ALLOC_1, -1, BY_WAIT); /* the SIGKILL of a step */
	rig->tasks[ALLOC_1].signalled = SIGKILL;
	rig_kill_stranger(rig, -1, BY_LINE);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_HOLDS);
	ck_assert_uint_eq(rig->findings.n, 0);
}
END_TEST

static void ends_with(enum judge_state state, const char *what, const char *got)
{
	findings_free(&rig->findings);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), state);
	if (what)
		ck_assert_str_eq(rig_finding(rig, what)->got, got);
}

START_TEST(end_by_a_signal_must_be_named)
{
	rig_kill(rig, ALLOC_1, -1, BY_WAIT);
	ends_with(JUDGE_WAIT, "exited", "alloc_1 killed by SIGKILL, but not by the OOM killer");
	rig_signal(rig, STRESS, SIGSEGV);
	ends_with(JUDGE_FAILS, "exited", "alloc_1 killed by SIGKILL, but not by the OOM killer");
	rig_says(rig, "exited: {alloc_1: SIGKILL, stress: SIGSEGV}", JUDGE_HOLDS);
	ends_with(JUDGE_HOLDS, NULL, NULL);
}
END_TEST

START_TEST(hog_that_gave_up_must_be_named)
{
	rig_exit(rig, STRESS, 1); /* a command may end as it likes */
	ends_with(JUDGE_HOLDS, NULL, NULL);
	rig_exit(rig, ALLOC_3, 1);
	ends_with(JUDGE_FAILS, "exited", "alloc_3 exited 1");
	rig_says(rig, "exited: {alloc_3: 1}", JUDGE_HOLDS);
	ends_with(JUDGE_HOLDS, NULL, NULL);
}
END_TEST

START_TEST(error_of_a_command_must_be_named)
{
	rig->tasks[ALLOC_1].last_errno = rig->tasks[ALLOC_1].errno_unclaimed = ENOMEM;
	ends_with(JUDGE_FAILS, "errno", "a command that ended with ENOMEM");
	rig_says(rig, "errno: {alloc_1: EAGAIN}", JUDGE_FAILS);
	ends_with(JUDGE_FAILS, "errno", "a command that ended with ENOMEM");
	rig_says(rig, "errno: {alloc_1: ENOMEM}", JUDGE_HOLDS);
	ends_with(JUDGE_HOLDS, NULL, NULL);
}
END_TEST

START_TEST(command_under_way_may_still_kill)
{
	rig->tasks[ALLOC_1].pending = rig->tasks[ALLOC_1].stepping = true;
	ends_with(JUDGE_WAIT, "step", "alloc_1 running (state S) with a command under way");
	rig->tasks[ALLOC_1].blocked = true;
	ends_with(JUDGE_HOLDS, NULL, NULL);
	rig->tasks[COUNTER].pending = true; /* its own pattern, for ever */
	ends_with(JUDGE_HOLDS, NULL, NULL);
}
END_TEST

START_TEST(kill_that_nobody_named_fails_at_the_end)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	kill->has_report = true;
	strcpy(kill->constraint, "CONSTRAINT_MEMCG");
	strcpy(kill->oom_memcg, "/oomlab-1/oom_test");
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "killed")->seen,
			 "CONSTRAINT_MEMCG, oom_memcg=/oomlab-1/oom_test");
	ck_assert_str_eq(rig_finding(rig, "killed")->expected, "no kill that no expectation names");
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "alloc_2 (pid 102), sources: wait yes, log yes, counter yes");
}
END_TEST

START_TEST(late_kill_waits_for_its_sources_at_the_end)
{
	rig_kill(rig, ALLOC_2, -1, BY_LINE);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_WAIT);
	ck_assert_ptr_nonnull(strstr(rig_finding(rig, "killed")->got, "the sources do not agree"));
}
END_TEST

START_TEST(claimed_kill_must_still_agree_at_the_end)
{
	struct world_kill *kill = rig_kill(rig, ALLOC_2, -1, BY_ALL);

	kill->claimed = true;
	kill->by_counter = false;
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "killed")->expected, "sources that agree");
}
END_TEST

START_TEST(counter_with_unknown_kills_is_told_at_the_end)
{
	rig->groups[OUTER].oom_kill = 2;
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_WAIT);
	ck_assert_str_eq(rig_finding(rig, "killed")->got,
			 "oom_kill of 'outer' says 2 kills, only 0 are known");
}
END_TEST

START_TEST(violation_must_be_named)
{
	rig->tasks[BOMB].violation = 62;
	rig->tasks[BOMB].violation_name = "kill";
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_FAILS);
	ck_assert_str_eq(rig_finding(rig, "violation")->got,
			 "bomb stopped at system call 'kill' (62)");
	rig_says(rig, "violation: {bomb: kill}", JUDGE_HOLDS);
	findings_free(&rig->findings);
	ck_assert_int_eq(judge_final(&rig->world, &rig->findings), JUDGE_HOLDS);
}
END_TEST

Suite *judge_agreement_suite(void)
{
	Suite *suite = suite_create("judge_agreement");
	TCase *tcase = tcase_create("agreement");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, sources_that_are_there_must_agree, 0,
			    sizeof(agreements) / sizeof(*agreements));
	tcase_add_test(tcase, other_end_contradicts_the_kernels_claim_alone);
	tcase_add_test(tcase, group_of_a_kill_is_its_tasks_when_not_known);
	tcase_add_test(tcase, kernel_without_the_counter_is_not_asked_for_it);
	tcase_add_test(tcase, something_must_prove_it);
	tcase_add_test(tcase, child_without_a_line_must_be_seen_dead);
	tcase_add_test(tcase, counter_without_a_mark_counts_from_the_start);
	tcase_add_test(tcase, long_text_is_cut_visibly);
	tcase_add_test(tcase, quiet_end_holds);
	tcase_add_test(tcase, end_by_a_signal_must_be_named);
	tcase_add_test(tcase, hog_that_gave_up_must_be_named);
	tcase_add_test(tcase, error_of_a_command_must_be_named);
	tcase_add_test(tcase, command_under_way_may_still_kill);
	tcase_add_test(tcase, kill_that_nobody_named_fails_at_the_end);
	tcase_add_test(tcase, late_kill_waits_for_its_sources_at_the_end);
	tcase_add_test(tcase, claimed_kill_must_still_agree_at_the_end);
	tcase_add_test(tcase, counter_with_unknown_kills_is_told_at_the_end);
	tcase_add_test(tcase, violation_must_be_named);
	suite_add_tcase(suite, tcase);
	return suite;
}
