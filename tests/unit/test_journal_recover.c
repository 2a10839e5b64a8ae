/*
 * Dead runs: who may undo their journals, in which order, and kill -9 at random moments, of the run
 * and of those who clean up after it. Without privilege, as test_journal.c; the kernel's own
 * toggles are tests/integration/test_host*.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/journal_file.h"
#include "tests/lib/state.h"

Suite *journal_recover_suite(void);

enum { KILL_ROUNDS = 150, RECOVERER_ROUNDS = 30 };

static struct err err;

static void setup(void)
{
	state_make("/tmp");
	err = ERR_INIT;
}

static void teardown(void)
{
	static const char *const kept[] = {"value", NULL};

	state_remove(kept);
}

static void leave_a_file(void)
{
	struct journal *journal = state_journal("1-1");

	state_put("left", "");
	journal_note(journal, JOURNAL_FILE, state_path("left"), NULL, &err);
}

START_TEST(dead_run_is_recovered_and_said)
{
	STR_AUTO done = STR_INIT;
	STR_AUTO expected = STR_INIT;

	state_die_after(leave_a_file);
	str_addf(&expected, "would remove %s\n", state_path("left"));
	ck_assert_int_eq(journal_recover(NULL, true, &done, NULL), 1);
	ck_assert_str_eq(str_text(&done), str_text(&expected));
	ck_assert(state_has("left") && state_has("1-1.journal"));
	str_free(&done);
	str_free(&expected);
	str_addf(&expected, "removed %s\n", state_path("left"));
	ck_assert_int_eq(journal_recover(NULL, false, &done, NULL), 1);
	ck_assert_str_eq(str_text(&done), str_text(&expected));
	ck_assert(!state_has("left") && !state_has("1-1.journal"));
	ck_assert_int_eq(journal_recover(NULL, false, &done, NULL), 0);
}
END_TEST

START_TEST(living_run_is_left_alone)
{
	struct journal *journal = state_journal("1-1");

	state_put("mine", "");
	ck_assert_int_eq(journal_note(journal, JOURNAL_FILE, state_path("mine"), NULL, &err), 0);
	ck_assert_int_eq(journal_recover(NULL, false, NULL, NULL), 0);
	ck_assert(state_has("mine"));
	ck_assert_int_eq(journal_undo(journal, NULL, NULL), 0);
	journal_close(journal);
}
END_TEST

/* A guardian is a fork that outlives the run: it undoes what was noted after the fork, and whoever
 * recovers meanwhile waits for it, so that nothing is left when they return. */
START_TEST(guardian_is_waited_for)
{
	int start[2], status;
	char byte;

	ck_assert_int_eq(pipe(start), 0);
	pid_t run = fork();
	if (run == 0) {
		struct journal *journal = state_journal("1-1");
		if (fork() == 0) {
			close(start[1]);
			(void)!read(start[0], &byte, 1);
			state_spin(20000);
			journal_undo(journal, NULL, NULL);
			journal_close(journal);
			_exit(0);
		}
		state_put("late", "");
		journal_note(journal, JOURNAL_FILE, state_path("late"), NULL, &err);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(run, &status, 0), run);
	ck_assert(state_has("late"));
	close(start[0]);
	close(start[1]);
	ck_assert_int_eq(journal_recover(NULL, false, NULL, NULL), 0);
	ck_assert(!state_has("late"));
	ck_assert(!state_has("1-1.journal"));
}
END_TEST

/* As if the machine had been rebooted since the journal was written. */
static void age_journal(void)
{
	MEM_AUTO char *text = mem_dup(state_get("1-1.journal"));
	char *boot = strstr(text, "boot=");

	ck_assert_ptr_nonnull(boot);
	memset(boot + strlen("boot="), '0', 8);
	state_put("1-1.journal", text);
}

static void leave_a_file_and_a_value(void)
{
	struct journal *journal = state_journal("1-1");

	state_put("left", "");
	state_put("value", "20\n");
	journal_note(journal, JOURNAL_FILE, state_path("left"), NULL, &err);
	journal_note(journal, JOURNAL_GROUP, "oomlab-1-1", NULL, &err);
	journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "10", "20", &err);
}

START_TEST(after_a_reboot_only_files_are_removed)
{
	STR_AUTO warnings = STR_INIT;

	state_die_after(leave_a_file_and_a_value);
	age_journal();
	ck_assert_int_eq(journal_recover(NULL, false, NULL, &warnings), 1);
	ck_assert_str_eq(str_text(&warnings), "");
	ck_assert_str_eq(state_get("value"), "20\n");
	ck_assert(!state_has("left") && !state_has("1-1.journal"));
}
END_TEST

START_TEST(broken_journal_is_named_and_kept)
{
	STR_AUTO warnings = STR_INIT;

	state_put("1-1.journal", "something else\n");
	ck_assert_int_eq(journal_recover(NULL, false, NULL, &warnings), 0);
	ck_assert(state_has("1-1.journal"));
	ck_assert_ptr_nonnull(strstr(str_text(&warnings), "/1-1.journal' is left: line 1:"));
	ck_assert_int_eq(unlink(state_path("1-1.journal")), 0);
}
END_TEST

START_TEST(half_made_journal_goes)
{
	state_put("2147483646-5.new", "");
	ck_assert_int_eq(journal_recover(NULL, false, NULL, NULL), 0);
	ck_assert(!state_has("2147483646-5.new"));
}
END_TEST

/* A run that has the host's lock until 'end' is closed; returns when it has it. */
static pid_t start_lock_owner(int end[2])
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(end), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct journal *journal = state_journal("2-2");
		close(end[1]);
		if (journal_lock_host(journal, NULL, NULL, &err) < 0)
			_exit(1);
		close(ready[1]);
		(void)!read(end[0], &byte, 1);
		raise(SIGKILL);
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	close(end[0]);
	return pid;
}

START_TEST(host_entries_need_the_hosts_lock)
{
	STR_AUTO warnings = STR_INIT;
	int end[2];
	pid_t owner = start_lock_owner(end);
	struct journal *journal = state_journal("1-1");

	/* As after a run that could not put everything back and is still there. */
	state_put("value", "20\n");
	ck_assert_int_eq(
		journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "10", "20", &err),
		0);
	journal_close(journal);
	ck_assert_int_eq(journal_recover(NULL, false, NULL, &warnings), 0);
	ck_assert_str_eq(state_get("value"), "20\n");
	ck_assert_str_eq(str_text(&warnings), "");
	/* The lock goes with its owner. */
	close(end[1]);
	ck_assert_int_eq(waitpid(owner, NULL, 0), owner);
	ck_assert_int_eq(journal_recover(NULL, false, NULL, &warnings), 1);
	ck_assert_str_eq(state_get("value"), "10\n");
	ck_assert_str_eq(str_text(&warnings), "");
}
END_TEST

/* Who gets the lock recovers before it reads what is "before". */
START_TEST(locking_the_host_recovers)
{
	struct journal *journal = state_journal("3-3");

	state_die_after(leave_a_file_and_a_value);
	ck_assert_int_eq(journal_lock_host(journal, NULL, NULL, &err), 0);
	ck_assert_str_eq(state_get("value"), "10\n");
	ck_assert(!state_has("left"));
	journal_unlock_host(journal);
	journal_close(journal);
	/* Its group cannot be undone without control groups. */
	ck_assert_int_eq(unlink(state_path("1-1.journal")), 0);
}
END_TEST

/* A dead run's things are being put back by somebody who has the lock: wait for that. */
START_TEST(other_recoverer_is_waited_for)
{
	STR_AUTO warnings = STR_INIT;
	int end[2];

	pid_t owner = start_lock_owner(end);
	state_die_after(leave_a_file_and_a_value);
	pid_t closer = fork();
	if (closer == 0) {
		state_spin(20000);
		_exit(0); /* its copy of 'end' is the last one */
	}
	close(end[1]);
	journal_recover(NULL, false, NULL, &warnings);
	ck_assert_int_eq(waitpid(owner, NULL, 0), owner);
	ck_assert_int_eq(waitpid(closer, NULL, 0), closer);
	ck_assert_ptr_null(strstr(str_text(&warnings), "is left for now"));
	ck_assert_str_eq(state_get("value"), "10\n");
	ck_assert_int_eq(unlink(state_path("1-1.journal")), 0);
}
END_TEST

/* A fork, be it guardian or worker, must not keep the host locked when the run is dead. */
START_TEST(host_lock_is_not_inherited)
{
	int status;
	struct journal *journal = state_journal("1-1");

	ck_assert_int_eq(journal_lock_host(journal, NULL, NULL, &err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		FD_AUTO fd = open(state_path(JOURNAL_HOST_LOCK), O_RDWR);
		pid_t holder = 0;
		int rc = journal_try_host_lock(fd, &holder);
		_exit(rc == -EAGAIN && holder == getppid() ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	journal_close(journal);
}
END_TEST

/* 0 or -errno of trying a lock in another process. */
static int try_elsewhere(int (*try_lock)(int fd, pid_t *ret_owner))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		FD_AUTO fd = open(state_path(JOURNAL_HOST_LOCK), O_RDWR);
		_exit(-try_lock(fd, NULL));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Scenarios that count on the host as it is run beside each other, but not beside a change. */
START_TEST(host_is_shared_or_changed)
{
	struct journal *journal = state_journal("1-1");

	ck_assert_int_eq(journal_share_host(journal, &err), 0);
	ck_assert_int_eq(try_elsewhere(journal_try_host_share), 0);
	ck_assert_int_eq(try_elsewhere(journal_try_host_lock), -EAGAIN);
	journal_unlock_host(journal);
	ck_assert_int_eq(journal_lock_host(journal, NULL, NULL, &err), 0);
	ck_assert_int_eq(try_elsewhere(journal_try_host_share), -EAGAIN);
	ck_assert_int_eq(try_elsewhere(journal_try_host_lock), -EAGAIN);
	journal_unlock_host(journal);
	ck_assert_int_eq(try_elsewhere(journal_try_host_lock), 0);
	journal_close(journal);
}
END_TEST

/* A run of many scenarios must let a change in: nobody begins to share while one waits. */
START_TEST(who_waits_to_change_goes_first)
{
	struct journal *journal = state_journal("1-1");
	int ready[2], end[2];
	char byte;

	ck_assert_int_eq(journal_share_host(journal, &err), 0);
	ck_assert(!journal_host_wanted(journal));
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(end), 0);
	pid_t pid = fork();
	if (pid == 0) {
		FD_AUTO fd = open(state_path(JOURNAL_HOST_LOCK), O_RDWR);
		int rc = journal_try_host_lock(fd, NULL); /* and stays in line */
		close(end[1]);
		close(ready[1]);
		(void)!read(end[0], &byte, 1);
		_exit(rc == -EAGAIN && journal_try_host_lock(fd, NULL) == 0 ? 0 : 1);
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	ck_assert(journal_host_wanted(journal));
	ck_assert_int_eq(try_elsewhere(journal_try_host_share), -EAGAIN);
	journal_unlock_host(journal);
	close(end[1]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ready[0]);
	close(end[0]);
	journal_close(journal);
}
END_TEST

/* With its signals blocked, as in a run, a wait for the lock still ends when one comes. */
START_TEST(waiting_for_the_host_ends_with_a_signal)
{
	int end[2], status;
	pid_t owner = start_lock_owner(end);
	pid_t pid = fork();

	if (pid == 0) {
		struct journal *journal = state_journal("1-1");
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTERM);
		int rc = journal_share_host(journal, &err);
		journal_close(journal);
		_exit(-rc);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), EINTR);
	close(end[1]);
	ck_assert_int_eq(waitpid(owner, NULL, 0), owner);
	(void)journal_recover(NULL, false, NULL, NULL); /* the owner's journal */
}
END_TEST

/* What a run does, over and over, until it is killed: files and values, some undone by itself. */
static void toggle_for_ever(int ready)
{
	struct journal *journal = state_journal("1-1");

	for (unsigned int round = 0;; round++) {
		long mark = journal_mark(journal);

		if (journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "10", "20",
					&err) < 0)
			_exit(1);
		state_put("value", "20\n");
		if (journal_note(journal, JOURNAL_FILE, state_path("swap"), NULL, &err) < 0)
			_exit(2);
		state_put("swap", "x");
		if (round == 0 && write(ready, "", 1) != 1)
			_exit(3);
		if (journal_undo_since(journal, mark, NULL, NULL) < 0)
			_exit(4);
	}
}

START_TEST(kill_at_any_moment_leaves_nothing)
{
	unsigned int seed = 4711;
	int ready[2];
	char byte;

	state_put("value", "10\n");
	for (int round = 0; round < KILL_ROUNDS; round++) {
		STR_AUTO warnings = STR_INIT;

		ck_assert_int_eq(pipe(ready), 0);
		pid_t pid = fork();
		if (pid == 0)
			toggle_for_ever(ready[1]);
		close(ready[1]);
		/* Half the rounds die before or while the journal is made. */
		if (round % 2)
			(void)!read(ready[0], &byte, 1);
		close(ready[0]);
		state_kill_after(pid, (unsigned int)rand_r(&seed) % 2000);
		/* state_put() itself is not atomic: an empty value is the test's, not the journal's
		 */
		if (*state_get("value") == '\0')
			state_put("value", "20\n");
		journal_recover(NULL, false, NULL, &warnings);
		ck_assert_str_eq(str_text(&warnings), "");
		ck_assert_str_eq(state_get("value"), "10\n");
		ck_assert(!state_has("swap"));
		ck_assert(!state_has("1-1.journal"));
	}
}
END_TEST

/* A recoverer that is killed, and several at once. */
START_TEST(recovery_survives_being_killed)
{
	unsigned int seed = 1147;

	for (int round = 0; round < RECOVERER_ROUNDS; round++) {
		pid_t pid[3];

		state_die_after(leave_a_file);
		for (size_t i = 0; i < 3; i++) {
			pid[i] = fork();
			if (pid[i] == 0) {
				journal_recover(NULL, false, NULL, NULL);
				_exit(0);
			}
		}
		state_spin((unsigned int)rand_r(&seed) % 1000);
		kill(pid[0], SIGKILL);
		for (size_t i = 0; i < 3; i++)
			ck_assert_int_eq(waitpid(pid[i], NULL, 0), pid[i]);
		journal_recover(NULL, false, NULL, NULL);
		ck_assert(!state_has("left") && !state_has("1-1.journal"));
	}
}
END_TEST

Suite *journal_recover_suite(void)
{
	Suite *suite = suite_create("journal_recover");
	TCase *tc = tcase_create("journal_recover");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, dead_run_is_recovered_and_said);
	tcase_add_test(tc, living_run_is_left_alone);
	tcase_add_test(tc, guardian_is_waited_for);
	tcase_add_test(tc, after_a_reboot_only_files_are_removed);
	tcase_add_test(tc, broken_journal_is_named_and_kept);
	tcase_add_test(tc, half_made_journal_goes);
	tcase_add_test(tc, host_entries_need_the_hosts_lock);
	tcase_add_test(tc, locking_the_host_recovers);
	tcase_add_test(tc, other_recoverer_is_waited_for);
	tcase_add_test(tc, host_lock_is_not_inherited);
	tcase_add_test(tc, host_is_shared_or_changed);
	tcase_add_test(tc, who_waits_to_change_goes_first);
	tcase_add_test(tc, waiting_for_the_host_ends_with_a_signal);
	tcase_add_test(tc, kill_at_any_moment_leaves_nothing);
	tcase_add_test(tc, recovery_survives_being_killed);
	suite_add_tcase(suite, tc);
	return suite;
	ck_assert_int_eq(unlink(state_path("1-1.journal")), 0);
}
