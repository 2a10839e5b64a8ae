/*
 * input/: logs that grow, are renamed and made anew, truncated, removed; pipes that end. The loop
 * waits for events; the deadline only ends a test that fails.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "harness/input/input.h"

Suite *input_follow_suite(void);

#define PATIENCE_NS 5000000000ULL

struct rig {
	char dir[64];
	char *path;
	struct loop *loop;
	struct follow *follow;
	struct str seen;
	bool ended;
};

static void on_bytes(void *data, const char *bytes, size_t n)
{
	struct rig *rig = data;

	str_addn(&rig->seen, bytes, n);
	rig->ended = rig->ended || n == 0;
}

static void put(const char *path, int flags, const char *text)
{
	FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	ck_assert(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0);
}

static struct rig *rig_new(const char *text)
{
	struct rig *rig = mem_zero(1, sizeof(*rig));
	struct err err = ERR_INIT;

	strcpy(rig->dir, "/tmp/oomlab-follow-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	rig->path = mem_printf("%s/log", rig->dir);
	put(rig->path, 0, text);
	ck_assert_int_eq(loop_new(&rig->loop, &err), 0);
	ck_assert_msg(follow_new(rig->loop, rig->path, on_bytes, rig, &rig->follow, &err) == 0,
		      "%s", err.text);
	return rig;
}

static void rig_free(struct rig *rig)
{
	MEM_AUTO char *old = mem_printf("%s.1", rig->path);

	follow_free(rig->follow);
	loop_free(rig->loop);
	(void)unlink(rig->path);
	(void)unlink(old);
	ck_assert_int_eq(rmdir(rig->dir), 0);
	str_free(&rig->seen);
	free(rig->path);
	free(rig);
}

static void expect(struct rig *rig, const char *text)
{
	uint64_t deadline = clock_ns() + PATIENCE_NS;
	struct err err = ERR_INIT;

	while (!str_eq(str_text(&rig->seen), text) && clock_ns() < deadline)
		ck_assert_msg(loop_wait(rig->loop, deadline, &err) >= 0, "%s", err.text);
	ck_assert_str_eq(str_text(&rig->seen), text);
}

START_TEST(what_is_there_comes_first_then_what_is_added)
{
	struct rig *rig = rig_new("one\n");

	ck_assert_str_eq(str_text(&rig->seen), "one\n");
	put(rig->path, O_APPEND, "two\n");
	expect(rig, "one\ntwo\n");
	put(rig->path, O_APPEND, "thr");
	expect(rig, "one\ntwo\nthr");
	put(rig->path, O_APPEND, "ee\n");
	expect(rig, "one\ntwo\nthree\n");
	rig_free(rig);
}
END_TEST

START_TEST(a_rotation_by_name_is_followed)
{
	struct rig *rig = rig_new("one\n");
	MEM_AUTO char *old = mem_printf("%s.1", rig->path);

	ck_assert_int_eq(rename(rig->path, old), 0);
	/* syslogd may write into the old one until it is told. */
	put(old, O_APPEND, "two\n");
	expect(rig, "one\ntwo\n");
	put(rig->path, O_EXCL, "three\n");
	expect(rig, "one\ntwo\nthree\n");
	put(rig->path, O_APPEND, "four\n");
	expect(rig, "one\ntwo\nthree\nfour\n");
	rig_free(rig);
}
END_TEST

START_TEST(what_was_written_just_before_a_rotation_is_not_lost)
{
	struct rig *rig = rig_new("one\n");
	MEM_AUTO char *old = mem_printf("%s.1", rig->path);

	put(rig->path, O_APPEND, "two\n");
	ck_assert_int_eq(rename(rig->path, old), 0);
	put(rig->path, O_EXCL, "three\n");
	expect(rig, "one\ntwo\nthree\n");
	rig_free(rig);
}
END_TEST

START_TEST(a_rotation_by_truncation_is_followed)
{
	struct rig *rig = rig_new("one one one\n");

	put(rig->path, O_TRUNC, "two\n");
	expect(rig, "one one one\ntwo\n");
	put(rig->path, O_APPEND, "three\n");
	expect(rig, "one one one\ntwo\nthree\n");
	rig_free(rig);
}
END_TEST

START_TEST(a_truncated_file_may_be_longer_when_we_look)
{
	struct rig *rig = rig_new("one\n");

	put(rig->path, O_APPEND, "two\n");
	expect(rig, "one\ntwo\n");
	put(rig->path, O_TRUNC, "three three three\n");
	expect(rig, "one\ntwo\nthree three three\n");
	rig_free(rig);
}
END_TEST

START_TEST(the_end_that_is_remembered_is_of_many_reads)
{
	struct rig *rig = rig_new("");
	STR_AUTO all = STR_INIT;

	for (int i = 0; i < 300; i++) {
		char line[16];
		snprintf(line, sizeof(line), "%.*d\n", i % 11 + 1, i);
		put(rig->path, O_APPEND, line);
		str_add(&all, line);
		expect(rig, str_text(&all));
	}
	rig_free(rig);
}
END_TEST

START_TEST(a_removed_file_may_come_back)
{
	struct rig *rig = rig_new("one\n");

	ck_assert_int_eq(unlink(rig->path), 0);
	put(rig->path, O_EXCL, "two\n");
	expect(rig, "one\ntwo\n");
	put(rig->path, O_APPEND, "three\n");
	expect(rig, "one\ntwo\nthree\n");
	rig_free(rig);
}
END_TEST

START_TEST(a_file_moved_over_it_is_followed)
{
	struct rig *rig = rig_new("one\n");
	MEM_AUTO char *other = mem_printf("%s.1", rig->path);

	put(other, O_EXCL, "two\n");
	ck_assert_int_eq(rename(other, rig->path), 0);
	expect(rig, "one\ntwo\n");
	rig_free(rig);
}
END_TEST

START_TEST(a_pipe_ends)
{
	struct rig rig = {0};
	struct err err = ERR_INIT;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	MEM_AUTO char *path = mem_printf("/proc/self/fd/%d", ends[0]);
	ck_assert_int_eq(loop_new(&rig.loop, &err), 0);
	ck_assert_msg(follow_new(rig.loop, path, on_bytes, &rig, &rig.follow, &err) == 0, "%s",
		      err.text);
	ck_assert(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
	ck_assert_int_eq(fd_write_full(ends[1], "one\n", 4), 0);
	expect(&rig, "one\n");
	ck_assert(!rig.ended);
	close(ends[1]);
	while (!rig.ended)
		ck_assert_int_gt(loop_wait(rig.loop, clock_ns() + PATIENCE_NS, &err), 0);
	ck_assert_str_eq(str_text(&rig.seen), "one\n");
	follow_free(rig.follow);
	loop_free(rig.loop);
	close(ends[0]);
	str_free(&rig.seen);
}
END_TEST

START_TEST(what_does_not_grow_is_refused)
{
	struct rig *rig = rig_new("one\n");
	MEM_AUTO char *packed = mem_printf("%s.1", rig->path);
	struct follow *follow = NULL;
	struct err err = ERR_INIT;

	put(packed, O_EXCL, "\x1f\x8b packed");
	ck_assert_int_eq(follow_new(rig->loop, packed, on_bytes, rig, &follow, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "gzip"));
	ck_assert_int_eq(follow_new(rig->loop, rig->dir, on_bytes, rig, &follow, &err), -EISDIR);
	ck_assert_int_eq(follow_new(rig->loop, "/nonexistent", on_bytes, rig, &follow, &err),
			 -ENOENT);
	rig_free(rig);
}
END_TEST

Suite *input_follow_suite(void)
{
	Suite *suite = suite_create("input_follow");
	TCase *tcase = tcase_create("follow");

	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, what_is_there_comes_first_then_what_is_added);
	tcase_add_test(tcase, a_rotation_by_name_is_followed);
	tcase_add_test(tcase, what_was_written_just_before_a_rotation_is_not_lost);
	tcase_add_test(tcase, a_rotation_by_truncation_is_followed);
	tcase_add_test(tcase, a_truncated_file_may_be_longer_when_we_look);
	tcase_add_test(tcase, the_end_that_is_remembered_is_of_many_reads);
	tcase_add_test(tcase, a_removed_file_may_come_back);
	tcase_add_test(tcase, a_file_moved_over_it_is_followed);
	tcase_add_test(tcase, a_pipe_ends);
	tcase_add_test(tcase, what_does_not_grow_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
