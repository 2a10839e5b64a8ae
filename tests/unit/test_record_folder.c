/*
 * record/folder: results are there as they come, so that of a run that was killed all that it had
 * found becomes a record, once it is dead.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/record/folder.h"
#include "harness/vm/store.h"

Suite *record_folder_suite(void);

static struct {
	char base[40];
	char *run; /* the folder that a child makes */
} rig;

static void make_rig(void)
{
	strcpy(rig.base, "/tmp/oomlab-folder-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.base));
	rig.run = mem_printf("%s/latest", rig.base);
}

static void remove_rig(void)
{
	struct err err = ERR_INIT;

	ck_assert_msg(store_remove_tree(rig.base, &err) == 0, "%s", err.text);
	free(rig.run);
}

static char *in_run(const char *name)
{
	return mem_printf("%s/%s", rig.run, name);
}

static bool there(const char *name)
{
	MEM_AUTO char *path = in_run(name);

	return access(path, F_OK) == 0;
}

static struct result make_result(const char *name)
{
	return (struct result){.name = mem_dup(name),
			       .verdict = VERDICT_PASS,
			       .tags = json_array(),
			       .params = json_object(),
			       .claim = json_object(),
			       .events = json_array(),
			       .findings = json_array(),
			       .kills = json_array(),
			       .samples = json_array(),
			       .log = json_array(),
			       .warnings = json_array()};
}

static void add(struct record *record, struct record_folder *folder, const char *name)
{
	struct result result = make_result(name);

	record_folder_add(folder, record_add(record, &result));
}

/* Three are planned, two come. */
static struct record_folder *begin_run(struct record *record)
{
	struct record_folder *folder = NULL;
	struct err err = ERR_INIT;

	record->planned = 3;
	ck_assert_msg(record_folder_new(rig.base, record, true, &folder, &err) == 0, "%s",
		      err.text);
	add(record, folder, "second");
	add(record, folder, "first");
	return folder;
}

/* Says that it is there, and lives until it is killed. */
static pid_t start_run(void)
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct record *record = record_new();
		(void)begin_run(record);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void end_run(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void kill_a_run(void)
{
	end_run(start_run());
}

static size_t recover(void)
{
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;
	size_t lines = 0;

	record_recover(rig.base, &done, &warnings);
	ck_assert_str_eq(str_text(&warnings), "");
	for (const char *at = str_text(&done); *at; at++)
		lines += *at == '\n';
	return lines;
}

static struct record *load(void)
{
	struct record *record = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(record_load(rig.run, &record, &err) == 0, "%s", err.text);
	return record;
}

static void assert_holds(size_t n)
{
	static const char *const names[] = {"second", "first"};
	struct record *record = load();

	ck_assert_uint_eq(record->planned, 3);
	ck_assert(record->interrupted);
	ck_assert_uint_eq(record->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(record->results[i]->name, names[i]);
	record_free(record);
}

START_TEST(a_killed_run_becomes_a_record)
{
	kill_a_run();
	assert_holds(2); /* also before */
	ck_assert_uint_eq(recover(), 1);
	ck_assert(there("record.json"));
	ck_assert(!there("record.jsonl"));
	assert_holds(2);
	ck_assert_uint_eq(recover(), 0);
}
END_TEST

START_TEST(a_run_that_lives_is_left_alone)
{
	pid_t pid = start_run();

	ck_assert_uint_eq(recover(), 0);
	ck_assert(!there("record.json"));
	assert_holds(2);
	end_run(pid);
}
END_TEST

START_TEST(a_line_that_is_not_whole_is_left_out)
{
	MEM_AUTO char *path = in_run("record.jsonl");
	struct stat info;

	kill_a_run();
	ck_assert_int_eq(stat(path, &info), 0);
	ck_assert_int_eq(truncate(path, info.st_size - 5), 0);
	ck_assert_uint_eq(recover(), 1);
	assert_holds(1);
}
END_TEST

START_TEST(a_run_that_was_killed_as_it_began_leaves_nothing)
{
	MEM_AUTO char *path = in_run("record.jsonl");
	struct record *record = NULL;
	struct err err = ERR_INIT;

	kill_a_run();
	ck_assert_int_eq(truncate(path, 5), 0);
	ck_assert_int_eq(record_load(rig.run, &record, &err), -ENODATA);
	(void)recover();
	ck_assert(!there("record.json"));
	ck_assert(!there("record.jsonl"));
}
END_TEST

START_TEST(a_run_that_ended_has_its_record_alone)
{
	struct record *record = record_new();
	struct record_folder *folder = begin_run(record);
	struct err err = ERR_INIT;

	ck_assert(there("record.jsonl"));
	ck_assert_msg(record_folder_save(folder, record, &err) == 0, "%s", err.text);
	record_folder_free(folder);
	record_free(record);
	ck_assert(!there("record.jsonl"));
	record = load();
	ck_assert(!record->interrupted);
	ck_assert_uint_eq(record->n, 2);
	record_free(record);
}
END_TEST

/* Killed between the two, or the disk was full for what comes behind record.json. */
START_TEST(a_record_that_is_there_stays)
{
	struct record *record = record_new();
	struct record_folder *folder = begin_run(record);
	struct err err = ERR_INIT;

	ck_assert_int_eq(record_save(record, record_folder_fd(folder), &err), 0);
	record_folder_free(folder);
	record_free(record);
	ck_assert_uint_eq(recover(), 0);
	ck_assert(!there("record.jsonl"));
	record = load();
	ck_assert(!record->interrupted);
	record_free(record);
}
END_TEST

static void limit_files(rlim_t bytes)
{
	const struct rlimit limit = {bytes, RLIM_INFINITY};

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk: what had room is kept. */
START_TEST(what_cannot_be_written_costs_nothing_before_it)
{
	struct record *record = record_new();
	struct record_folder *folder = begin_run(record);
	struct err err = ERR_INIT;
	MEM_AUTO char *path = in_run("record.jsonl");
	struct stat info;

	ck_assert_int_eq(stat(path, &info), 0);
	limit_files((rlim_t)info.st_size + 20);
	add(record, folder, "third");
	limit_files((rlim_t)info.st_size + 10000);
	add(record, folder, "fourth");
	limit_files(20);
	ck_assert_int_eq(record_folder_save(folder, record, &err), -EFBIG);
	limit_files(RLIM_INFINITY);
	record_folder_free(folder);
	record_free(record);
	ck_assert(!there("record.json"));
	assert_holds(2);
	ck_assert_uint_eq(recover(), 1);
	assert_holds(2);
}
END_TEST

Suite *record_folder_suite(void)
{
	Suite *suite = suite_create("record_folder");
	TCase *tcase = tcase_create("folder");

	tcase_add_checked_fixture(tcase, make_rig, remove_rig);
	tcase_add_test(tcase, a_killed_run_becomes_a_record);
	tcase_add_test(tcase, a_run_that_lives_is_left_alone);
	tcase_add_test(tcase, a_line_that_is_not_whole_is_left_out);
	tcase_add_test(tcase, a_run_that_was_killed_as_it_began_leaves_nothing);
	tcase_add_test(tcase, a_run_that_ended_has_its_record_alone);
	tcase_add_test(tcase, a_record_that_is_there_stays);
	tcase_add_test(tcase, what_cannot_be_written_costs_nothing_before_it);
	suite_add_tcase(suite, tcase);
	return suite;
}
