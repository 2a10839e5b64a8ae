/*
 * kill -9 of a run that changes the host, and what is put back after it: toggles at random moments,
 * groups with tasks in them. Needs root; each round compares the machine before and after.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/host_rig.h"
#include "tests/lib/skip.h"

Suite *host_kill_suite(void);

enum { SMALL_SWAP_BYTES = 1 << 20, KILL_ROUNDS = 120, ZRAM_KILL_ROUNDS = 40 };

static struct err err;

/* ---- kill -9 ------------------------------------------------------------------------------- */

static void toggle_for_ever(bool zram, int ready)
{
	struct plan_sysctl sysctls[] = {
		{"vm.swappiness", host_rig_other("vm.swappiness", "41", "42"), NULL},
		{"vm.overcommit_ratio", "71", NULL},
	};
	const struct plan_host plan = {.n_sysctls = 2,
				       .sysctls = sysctls,
				       .thp = "never",
				       .swap = zram ? PLAN_SWAP_ZRAM : PLAN_SWAP_FILE,
				       .swap_bytes = SMALL_SWAP_BYTES};
	struct journal *journal = host_rig_journal();

	if (write(ready, "", 1) != 1)
		_exit(2);
	for (;;) {
		struct host *host;
		if (host_apply(&plan, journal, NULL, &host, &err) < 0)
			_exit(1);
		if (host_restore(host, NULL) < 0)
			_exit(3);
	}
}

static void kill_rounds(bool zram, int rounds)
{
	unsigned int seed = 815;
	int ready[2];
	char byte;

	for (int round = 0; round < rounds; round++) {
		STR_AUTO warnings = STR_INIT;

		ck_assert_int_eq(pipe(ready), 0);
		pid_t pid = fork();
		if (pid == 0)
			toggle_for_ever(zram, ready[1]);
		close(ready[1]);
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		state_kill_after(pid, (unsigned int)rand_r(&seed) % 20000);
		journal_recover(NULL, false, NULL, &warnings);
		ck_assert_str_eq(str_text(&warnings), "");
		host_rig_compare();
	}
}

START_TEST(kill_at_any_moment_with_a_swap_file)
{
	kill_rounds(false, KILL_ROUNDS);
}
END_TEST

START_TEST(kill_at_any_moment_with_zram)
{
	kill_rounds(true, ZRAM_KILL_ROUNDS); /* a device costs 40 ms */
}
END_TEST

/* ---- groups -------------------------------------------------------------------------------- */

/* A child makes a group with a task inside and is killed; the task lives on, and has the other
 * end of task_pipe. Returns the group's name, which begins with the dead child's pid. */
static char *leave_a_group(struct cg_host *groups, bool journaled, int task_pipe[2])
{
	int status;

	ck_assert_int_eq(pipe(task_pipe), 0);
	pid_t pid = fork();
	if (pid == 0) {
		MEM_AUTO char *name = mem_printf("oomlab-%d-test", (int)getpid());
		struct cg *group;
		if (journaled &&
		    journal_note(host_rig_journal(), JOURNAL_GROUP, name, NULL, &err) < 0)
			_exit(1);
		if (cg_create(groups, NULL, name, &group, &err) < 0)
			_exit(2);
		pid_t task = fork();
		if (task == 0) {
			/* The journal's lock must go with the run. */
			for (int fd = 3; fd < 64; fd++) {
				if (fd != task_pipe[1])
					(void)close(fd);
			}
			for (;;)
				pause();
		}
		if (cg_attach(group, task, &err) < 0)
			_exit(3);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "exit %d", WEXITSTATUS(status));
	close(task_pipe[1]);
	return mem_printf("oomlab-%d-test", (int)pid);
}

static void check_group_is_removed(bool journaled)
{
	struct cg_host *groups = host_rig_groups();
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;
	int task_pipe[2];
	char byte;
	MEM_AUTO char *name = leave_a_group(groups, journaled, task_pipe);
	MEM_AUTO char *dir = mem_printf("%s/%s", cg_host_parent(groups, "memory", NULL), name);

	ck_assert_int_eq(access(dir, F_OK), 0);
	ck_assert_int_ge(journal_recover(groups, true, &done, NULL), 1);
	ck_assert_ptr_nonnull(strstr(str_text(&done), dir));
	ck_assert_int_eq(access(dir, F_OK), 0);
	ck_assert_int_ge(journal_recover(groups, false, NULL, &warnings), 1);
	ck_assert_str_eq(str_text(&warnings), "");
	ck_assert_int_lt(access(dir, F_OK), 0);
	/* End of file: the task, which held the other end, is dead. */
	ck_assert_int_eq(read(task_pipe[0], &byte, 1), 0);
	close(task_pipe[0]);
	cg_host_free(groups);
}

START_TEST(journaled_group_is_killed_and_removed)
{
	check_group_is_removed(true);
}
END_TEST

START_TEST(orphan_group_is_killed_and_removed)
{
	check_group_is_removed(false);
}
END_TEST

START_TEST(group_of_a_living_process_is_left)
{
	struct cg_host *groups = host_rig_groups();
	MEM_AUTO char *name = mem_printf("oomlab-%d-test", (int)getpid());
	STR_AUTO done = STR_INIT;
	struct cg *group;

	ck_assert_msg(cg_create(groups, NULL, name, &group, &err) == 0, "%s", err.text);
	journal_recover(groups, true, &done, NULL);
	ck_assert_ptr_null(strstr(str_text(&done), name));
	ck_assert_int_eq(cg_destroy(group, 5000000000ULL, &err), 0);
	cg_host_free(groups);
}
END_TEST

static TCase *tcase(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, host_rig_setup, host_rig_teardown);
	tcase_set_timeout(tc, HOST_RIG_TIMEOUT_S);
	return tc;
}

static TCase *group_tests(void)
{
	TCase *tc = tcase("groups");

	tcase_add_test(tc, journaled_group_is_killed_and_removed);
	tcase_add_test(tc, orphan_group_is_killed_and_removed);
	tcase_add_test(tc, group_of_a_living_process_is_left);
	return tc;
}

Suite *host_kill_suite(void)
{
	Suite *suite = suite_create("host_kill");
	struct facts facts;
	struct err why = ERR_INIT;
	bool ready = facts_gather(NULL, &facts, &why) == 0;
	const char *no_swap = ready ? facts.no_swap : why.text;
	const char *no_zram = ready ? facts.no_zram : why.text;
	TCase *file = tcase("swap file"), *zram = tcase("zram");

	tcase_add_test(file, kill_at_any_moment_with_a_swap_file);
	tcase_add_test(zram, kill_at_any_moment_with_zram);
	suite_add_if(suite, group_tests(), "groups", geteuid() == 0, "needs root");
	suite_add_if(suite, file, "swap file", !*no_swap, no_swap);
	suite_add_if(suite, zram, "zram", !*no_zram, no_zram);
	return suite;
}
