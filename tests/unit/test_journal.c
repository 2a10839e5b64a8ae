/*
 * The journal: what it writes, what it reads back, and what it undoes. Without privilege: files and
 * one-value files in a temporary directory stand for the host. Dead runs: test_journal_recover.c.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/journal_file.h"
#include "tests/lib/state.h"

Suite *journal_suite(void);

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

START_TEST(processes_are_told_apart)
{
	uint64_t self, parent;
	bool ending = true;

	ck_assert_int_eq(journal_process(getpid(), &self, &ending, &err), 0);
	ck_assert(!ending);
	ck_assert_int_eq(journal_process(getppid(), &parent, &ending, &err), 0);
	ck_assert_uint_ge(self, parent);
	ck_assert_uint_gt(parent, 0);
	ck_assert_int_eq(journal_process(0x7ffffffe, &self, &ending, &err), -ESRCH);
}
END_TEST

START_TEST(zombie_is_on_its_way_out)
{
	uint64_t start;
	bool ending = false;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(journal_process(pid, &start, &ending, &err), 0);
	ck_assert(ending);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(state_directory_is_made_with_its_parents)
{
	struct journal *journal;
	char deep[128];

	snprintf(deep, sizeof(deep), "%s/a/b", state_dir());
	setenv("OOMLAB_STATE", deep, 1);
	journal = state_journal("1-1");
	ck_assert_str_eq(journal_dir(journal), deep);
	ck_assert(state_has("a/b/1-1.journal"));
	journal_close(journal);
	ck_assert(!state_has("a/b/1-1.journal"));
	rmdir(state_path("a/b"));
	rmdir(state_path("a"));
}
END_TEST

START_TEST(relative_state_directory_is_refused)
{
	struct journal *journal;

	setenv("OOMLAB_STATE", "here", 1);
	ck_assert_int_eq(journal_open("1-1", &journal, &err), -EINVAL);
	ck_assert_str_eq(err.text, "journal: OOMLAB_STATE is 'here', expected an absolute path");
}
END_TEST

START_TEST(same_id_twice_is_refused_and_first_survives)
{
	struct journal *journal = state_journal("1-1"), *second;

	ck_assert_int_eq(journal_open("1-1", &second, &err), -EEXIST);
	ck_assert(state_has("1-1.journal"));
	ck_assert(!state_has("1-1.new"));
	journal_close(journal);
}
END_TEST

START_TEST(entries_survive_any_text)
{
	static const char *const texts[] = {"plain",   "with space", "-",	 "100%",
					    "a\tb\nc", "%2D",	     "\xc3\xa4", NULL};
	struct journal *journal = state_journal("1-1");
	struct journal_text text;

	for (size_t i = 0; texts[i]; i++)
		ck_assert_int_eq(
			journal_note_change(journal, JOURNAL_FILE, texts[i], NULL, texts[i], &err),
			0);
	ck_assert_int_eq(journal_load(journal_fd(journal), &text, &err), 0);
	for (size_t i = 0; i < text.n; i++) {
		ck_assert_str_eq(text.entries[i].a, texts[i]);
		ck_assert_str_eq(text.entries[i].before, "");
		ck_assert_str_eq(text.entries[i].set, texts[i]);
		ck_assert(text.entries[i].live);
	}
	ck_assert_uint_eq(text.n, 7);
	journal_text_free(&text);
	ck_assert_int_eq(ftruncate(journal_fd(journal), 0), 0);
	ck_assert_int_eq(unlink(state_path("1-1.journal")), 0);
	journal_close(journal);
}
END_TEST

static const struct {
	const char *text, *error;
} bad_journals[] = {
	{"", "the first line is not complete"},
	{"oomlab-journal 1 boot=x pid=1 start=1", "the first line is not complete"},
	{"oomlab-journal 2 boot=x pid=1 start=1\n", "line 1: 'oomlab-journal 2"},
	{"oomlab-journal 1 boot=x pid=1 start=1 more\n", "line 1:"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n* file a - -\n",
	 "line 2: '* file a - -' is not an entry"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n+ file a -\n",
	 "line 2: '+ file a -' is not an entry"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n+ file a - - -\n",
	 "line 2: '+ file a - - -' has more than four fields"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n+ disk a - -\n",
	 "line 2: '+ disk a - -' is of no kind that this version knows"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n+ file %zz - -\n", "line 2:"},
	{"oomlab-journal 1 boot=x pid=1 start=1\n+ file %00 - -\n", "line 2:"},
};

START_TEST(bad_journal_is_refused)
{
	struct journal_text text;

	ck_assert_int_eq(journal_parse(bad_journals[_i].text, &text, &err), -EPROTO);
	ck_assert_msg(str_starts(err.text, bad_journals[_i].error), "expected '%s', got '%s'",
		      bad_journals[_i].error, err.text);
}
END_TEST

START_TEST(unfinished_last_line_is_ignored)
{
	struct journal_text text;

	ck_assert_int_eq(journal_parse("oomlab-journal 1 boot=x pid=7 start=1\n- file a - -\n"
				       "+ file b - -\n+ file c",
				       &text, &err),
			 0);
	ck_assert_uint_eq(text.n, 2);
	ck_assert_int_eq(text.pid, 7);
	ck_assert(!text.entries[0].live);
	ck_assert(text.entries[1].live);
	journal_text_free(&text);
}
END_TEST

START_TEST(undo_goes_from_last_to_first)
{
	struct journal *journal = state_journal("1-1");
	STR_AUTO warnings = STR_INIT;

	state_put("value", "10\n");
	ck_assert_int_eq(
		journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "10", "20", &err),
		0);
	state_put("value", "20\n");
	ck_assert_int_eq(
		journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "20", "30", &err),
		0);
	state_put("value", "30\n");
	ck_assert_int_eq(journal_undo(journal, NULL, &warnings), 0);
	ck_assert_str_eq(state_get("value"), "10\n");
	ck_assert_str_eq(str_text(&warnings), "");
	state_put("value", "20\n");
	ck_assert_int_eq(journal_undo(journal, NULL, &warnings), 0);
	ck_assert_str_eq(state_get("value"), "20\n");
	journal_close(journal);
	ck_assert(!state_has("1-1.journal"));
}
END_TEST

START_TEST(undo_since_leaves_the_earlier)
{
	struct journal *journal = state_journal("1-1");

	state_put("one", "");
	state_put("two", "");
	ck_assert_int_eq(journal_note(journal, JOURNAL_FILE, state_path("one"), NULL, &err), 0);
	long mark = journal_mark(journal);
	ck_assert_int_eq(journal_note(journal, JOURNAL_FILE, state_path("two"), NULL, &err), 0);
	ck_assert_int_eq(journal_undo_since(journal, mark, NULL, NULL), 0);
	ck_assert(state_has("one") && !state_has("two"));
	ck_assert_int_eq(journal_undo(journal, NULL, NULL), 0);
	ck_assert(!state_has("one"));
	journal_close(journal);
}
END_TEST

START_TEST(value_of_somebody_else_is_left)
{
	struct journal *journal = state_journal("1-1");
	STR_AUTO warnings = STR_INIT;

	state_put("value", "99\n");
	ck_assert_int_eq(
		journal_note_change(journal, JOURNAL_WRITE, state_path("value"), "10", "20", &err),
		0);
	ck_assert_int_eq(journal_undo(journal, NULL, &warnings), 0);
	ck_assert_str_eq(state_get("value"), "99\n");
	ck_assert_ptr_nonnull(strstr(str_text(&warnings), "is left at '99': it was '10', the run "
							  "set '20'"));
	journal_close(journal);
	ck_assert(!state_has("1-1.journal"));
}
END_TEST

START_TEST(what_cannot_be_undone_stays)
{
	struct journal *journal = state_journal("1-1");
	STR_AUTO warnings = STR_INIT;

	/* A directory cannot be unlinked, by root neither. */
	ck_assert_int_eq(mkdir(state_path("dir"), 0700), 0);
	state_put("file", "");
	ck_assert_int_eq(journal_note(journal, JOURNAL_FILE, state_path("file"), NULL, &err), 0);
	ck_assert_int_eq(journal_note(journal, JOURNAL_FILE, state_path("dir"), NULL, &err), 0);
	ck_assert_int_eq(journal_undo(journal, NULL, &warnings), -EBUSY);
	ck_assert(!state_has("file"));
	ck_assert_ptr_nonnull(strstr(str_text(&warnings), "/dir': Is a directory"));
	journal_close(journal);
	ck_assert(state_has("1-1.journal"));
	rmdir(state_path("dir"));
	ck_assert_int_eq(journal_recover(NULL, false, NULL, NULL), 0);
	ck_assert(!state_has("1-1.journal"));
}
END_TEST

Suite *journal_suite(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, processes_are_told_apart);
	tcase_add_test(tc, zombie_is_on_its_way_out);
	tcase_add_test(tc, state_directory_is_made_with_its_parents);
	tcase_add_test(tc, relative_state_directory_is_refused);
	tcase_add_test(tc, same_id_twice_is_refused_and_first_survives);
	tcase_add_test(tc, entries_survive_any_text);
	tcase_add_loop_test(tc, bad_journal_is_refused, 0,
			    sizeof(bad_journals) / sizeof(bad_journals[0]));
	tcase_add_test(tc, unfinished_last_line_is_ignored);
	tcase_add_test(tc, undo_goes_from_last_to_first);
	tcase_add_test(tc, undo_since_leaves_the_earlier);
	tcase_add_test(tc, value_of_somebody_else_is_left);
	tcase_add_test(tc, what_cannot_be_undone_stays);
	suite_add_tcase(suite, tc);
	return suite;
}
