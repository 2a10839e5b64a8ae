/*
 * record/: the folder of a run: unique names, the link 'latest', files that are whole or absent
 * when the disk is full.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/record/record.h"
#include "harness/vm/store.h"
#include "tests/lib/skip.h"

Suite *record_store_suite(void);

static const char fixture[] = "tests/fixtures/report/record.json";

static struct {
	char path[40];
	struct record *record;
} rig;

static void make_rig(void)
{
	struct err err = ERR_INIT;

	strcpy(rig.path, "/tmp/oomlab-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.path));
	ck_assert_msg(record_load(fixture, &rig.record, &err) == 0, "%s", err.text);
}

static void remove_rig(void)
{
	struct err err = ERR_INIT;

	record_free(rig.record);
	ck_assert_msg(store_remove_tree(rig.path, &err) == 0, "%s", err.text);
}

/* Names in a folder, without "." and ".."; how many. */
static size_t count_files(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
	closedir(dir);
	return n;
}

static char *read_link(const char *path)
{
	char target[200];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	ck_assert_int_gt(n, 0);
	target[n] = '\0';
	return mem_dup(target);
}

START_TEST(two_runs_in_one_second_have_two_folders)
{
	static const char *const names[] = {"20261122T005500Z-ci7", "20261122T005500Z-ci7-2",
					    "20261122T005500Z-ci7-3"};
	MEM_AUTO char *base = mem_printf("%s/deep/results", rig.path);
	MEM_AUTO char *latest = mem_printf("%s/latest", base);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < 3; i++) {
		MEM_AUTO char *path = NULL;
		FD_AUTO fd = record_dir(base, rig.record, &path, &err);
		ck_assert_msg(fd >= 0, "%s", err.text);
		MEM_AUTO char *target = read_link(latest);
		ck_assert_str_eq(rig.record->id, names[i]);
		ck_assert_str_eq(target, names[i]);
		ck_assert(str_starts(path, base) && str_ends(path, names[i]));
	}
	/* Three folders and the link: no temporary name is left. */
	ck_assert_uint_eq(count_files(base), 4);
}
END_TEST

START_TEST(host_names_cannot_leave_the_folder)
{
	static const char *const hosts[][2] = {{"../../etc", "20261122T005500Z-.._.._etc"},
					       {"", "20261122T005500Z-host"},
					       {"a b\n", "20261122T005500Z-a_b_"}};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < 3; i++) {
		MEM_AUTO char *path = NULL;
		strcpy(rig.record->facts.host, hosts[i][0]);
		FD_AUTO fd = record_dir(rig.path, rig.record, &path, &err);
		ck_assert_msg(fd >= 0, "%s", err.text);
		ck_assert_str_eq(rig.record->id, hosts[i][1]);
	}
}
END_TEST

START_TEST(what_is_saved_is_loaded)
{
	MEM_AUTO char *path = NULL;
	struct record *loaded = NULL;
	struct err err = ERR_INIT;
	FD_AUTO fd = record_dir(rig.path, rig.record, &path, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	/* Twice: a run saves after each result. */
	ck_assert_msg(record_save(rig.record, fd, &err) == 0, "%s", err.text);
	ck_assert_msg(record_save(rig.record, fd, &err) == 0, "%s", err.text);
	ck_assert_msg(record_load(path, &loaded, &err) == 0, "%s", err.text);
	json_t *a = record_to_json(rig.record), *b = record_to_json(loaded);
	ck_assert_int_eq(json_equal(a, b), 1);
	ck_assert_uint_eq(count_files(path), 1);
	json_decref(a);
	json_decref(b);
	record_free(loaded);
}
END_TEST

static void assert_text(int dirfd, const char *name, const char *expected)
{
	STR_AUTO text = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_msg(fd_read_all(dirfd, name, &text, &err) == 0, "%s", err.text);
	ck_assert_str_eq(str_text(&text), expected);
}

START_TEST(log_and_samples_are_saved)
{
	MEM_AUTO char *path = NULL;
	struct err err = ERR_INIT;
	FD_AUTO fd = record_dir(rig.path, rig.record, &path, &err);
	json_t *samples = rig.record->results[0]->samples;

	json_array_append_new(samples, json_pack("{s:i,s:s,s:i,s:s}", "t", 7, "group", "a,\"b\"",
						 "usage", 9, "limit", "18446744073709551615"));
	ck_assert_msg(record_save_extras(rig.record, fd, &err) == 0, "%s", err.text);
	assert_text(fd, "samples.csv",
		    "scenario,t_ns,group,usage_bytes,limit_bytes,pressure_some_us\n"
		    "limits/limit-kills-largest,5002000000,victims,41943040,83886080,0\n"
		    "limits/limit-kills-largest,5012000000,victims,83886080,83886080,412\n"
		    "limits/limit-kills-largest,7,\"a,\"\"b\"\"\",9,,\n");
	assert_text(fd, "kernel.log",
		    "# limits/limit-kills-largest\n"
		    "Memory cgroup out of memory: Killed process 71 (oomhog) total-vm:62000kB, "
		    "anon-rss:51200kB, file-rss:4kB, shmem-rss:0kB, UID:0 pgtables:160kB "
		    "oom_score_adj:0\n"
		    "# oom_control/\\x1b]0;owned\\x07 # SKIP <a&b> \"q\" \\ 日本\\u202e\n"
		    "bad ]]> \\x01 line\n");
	ck_assert_uint_eq(count_files(path), 2);
}
END_TEST

START_TEST(a_base_that_cannot_be_used_gives_one_line)
{
	static const char *const bases[][2] = {
		{"/proc/results", "results cannot be stored: cannot create the folder "
				  "'/proc/results': No such file or directory"},
		{"/dev/null", "results cannot be stored: cannot open '/dev/null': Not a directory"},
		{"/dev/null/a/b", "results cannot be stored: cannot create the folder "
				  "'/dev/null/a': Not a directory"},
		{"", "results cannot be stored: the folder's name is empty"},
	};
	MEM_AUTO char *path = NULL;
	struct err err = ERR_INIT;

	ck_assert_int_lt(record_dir(bases[_i][0], rig.record, &path, &err), 0);
	ck_assert_str_eq(err.text, bases[_i][1]);
	ck_assert_ptr_null(path);
}
END_TEST

START_TEST(a_folder_named_latest_is_not_replaced)
{
	MEM_AUTO char *latest = mem_printf("%s/latest", rig.path);
	MEM_AUTO char *path = NULL;
	struct err err = ERR_INIT;

	ck_assert_int_eq(mkdir(latest, 0755), 0);
	ck_assert_int_eq(record_dir(rig.path, rig.record, &path, &err), -EISDIR);
	ck_assert_msg(strstr(err.text, "/latest' at '20261122T005500Z-ci7': Is a directory"), "%s",
		      err.text);
	ck_assert_uint_eq(count_files(rig.path), 1);
}
END_TEST

START_TEST(a_file_that_is_no_record_is_refused)
{
	struct record *record = NULL;
	struct err err = ERR_INIT;

	ck_assert_int_eq(record_load("tests/fixtures/report/junit-10.xsd", &record, &err), -EINVAL);
	ck_assert_msg(str_starts(err.text, "tests/fixtures/report/junit-10.xsd:1:1: not JSON: "),
		      "%s", err.text);
	ck_assert_int_eq(record_load("/nowhere", &record, &err), -ENOENT);
	ck_assert_str_eq(err.text, "cannot open '/nowhere': No such file or directory");
	ck_assert_int_eq(record_load(rig.path, &record, &err), -ENOENT);
	ck_assert_msg(str_ends(err.text, "/record.json': No such file or directory"), "%s",
		      err.text);
}
END_TEST

/* Saves what was there before and fails after: the old file must be whole. */
static void assert_save_fails_cleanly(const char *path, int dirfd, int code)
{
	struct record *loaded = NULL;
	struct err err = ERR_INIT;

	ck_assert_int_eq(record_save(rig.record, dirfd, &err), -code);
	ck_assert_msg(str_starts(err.text, "cannot write 'record.json': "), "%s", err.text);
	ck_assert_uint_eq(count_files(path), 1);
	ck_assert_msg(record_load(path, &loaded, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(loaded->n, 0);
	record_free(loaded);
}

/* A record that takes more than any of the limits below. */
static void grow_record(void)
{
	struct result big = {.name = mem_dup("big"), .log = json_array()};

	for (int i = 0; i < 4000; i++)
		json_array_append_new(big.log, json_string("a line of some kernel's long report"));
	record_add(rig.record, &big);
}

static int save_small(const char *path)
{
	struct record *small = record_new();
	struct err err = ERR_INIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(record_save(small, fd, &err) == 0, "%s", err.text);
	record_free(small);
	return fd;
}

START_TEST(a_write_that_fails_leaves_the_old_file)
{
	struct rlimit limit = {.rlim_cur = 65536, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	FD_AUTO fd = save_small(rig.path);

	grow_record();
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_save_fails_cleanly(rig.path, fd, EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
}
END_TEST

/* Nothing mounted from now on is seen by others; in a chroot "/" may be no mount point. */
static int leave_mounts(void)
{
	int rc = unshare(CLONE_NEWNS);

	return rc < 0 ? rc : mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL);
}

/* The small disk is seen in this process's mount namespace alone and goes with it. */
static void mount_small_disk(void)
{
	ck_assert_int_eq(leave_mounts(), 0);
	ck_assert_int_eq(mount("oomlab-test", rig.path, "tmpfs", 0, "size=64k"), 0);
}

START_TEST(a_full_disk_leaves_the_old_file)
{
	mount_small_disk();
	int fd = save_small(rig.path);
	grow_record();
	assert_save_fails_cleanly(rig.path, fd, ENOSPC);
	close(fd);
	ck_assert_int_eq(umount(rig.path), 0);
}
END_TEST

static bool can_mount(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(leave_mounts() < 0);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

Suite *record_store_suite(void)
{
	Suite *suite = suite_create("record_store");
	TCase *tcase = tcase_create("store"), *disk = tcase_create("disk");

	tcase_add_checked_fixture(tcase, make_rig, remove_rig);
	tcase_add_test(tcase, two_runs_in_one_second_have_two_folders);
	tcase_add_test(tcase, host_names_cannot_leave_the_folder);
	tcase_add_test(tcase, what_is_saved_is_loaded);
	tcase_add_test(tcase, log_and_samples_are_saved);
	tcase_add_loop_test(tcase, a_base_that_cannot_be_used_gives_one_line, 0, 4);
	tcase_add_test(tcase, a_folder_named_latest_is_not_replaced);
	tcase_add_test(tcase, a_file_that_is_no_record_is_refused);
	tcase_add_test(tcase, a_write_that_fails_leaves_the_old_file);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(disk, make_rig, remove_rig);
	tcase_add_test(disk, a_full_disk_leaves_the_old_file);
	suite_add_if(suite, disk, "record_store: full disk", can_mount(),
		     "needs root and '/' as a mount point, to mount a small tmpfs unseen");
	return suite;
}
