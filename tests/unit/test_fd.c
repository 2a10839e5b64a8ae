/*
 * base/fd: reads and writes below a directory descriptor, and what the messages name.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

Suite *fd_suite(void);

struct fixture {
	char path[32];
	int dirfd;
};

static struct fixture fixture;

static void make_folder(void)
{
	strcpy(fixture.path, "/tmp/oomlab-fd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture.path));
	fixture.dirfd = open(fixture.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fixture.dirfd, 0);
}

static void remove_folder(void)
{
	(void)unlinkat(fixture.dirfd, "file", 0);
	fd_close_var(&fixture.dirfd);
	(void)rmdir(fixture.path);
}

static void put(const char *text)
{
	FD_AUTO fd = openat(fixture.dirfd, "file", O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
}

START_TEST(text_is_read_whole)
{
	struct err err = ERR_INIT;
	char buf[16];

	put("max\n");
	ck_assert_int_eq(fd_read_text(fixture.dirfd, "file", buf, sizeof(buf), &err), 4);
	ck_assert_str_eq(buf, "max\n");
}
END_TEST

START_TEST(text_that_does_not_fit_is_refused)
{
	struct err err = ERR_INIT;
	char buf[4];

	put("1234");
	ck_assert_int_eq(fd_read_text(fixture.dirfd, "file", buf, sizeof(buf), &err), -ENOBUFS);
	ck_assert_str_eq(err.text, "'file' is longer than 3 bytes");
}
END_TEST

START_TEST(reread_starts_from_the_beginning)
{
	struct err err = ERR_INIT;
	char buf[16];

	put("one");
	FD_AUTO fd = fd_open_at(fixture.dirfd, "file", O_RDONLY, 0, &err);
	ck_assert_int_eq(fd_reread_text(fd, buf, sizeof(buf), &err), 3);
	put("three");
	ck_assert_int_eq(fd_reread_text(fd, buf, sizeof(buf), &err), 5);
	ck_assert_str_eq(buf, "three");
}
END_TEST

START_TEST(large_file_is_read_whole)
{
	enum { LINES = 20000 };
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;
	STR_AUTO back = STR_INIT;

	for (int i = 0; i < LINES; i++)
		str_addf(&text, "%d\n", i);
	put(str_text(&text));
	str_add(&back, "> ");
	ck_assert_int_eq(fd_read_all(fixture.dirfd, "file", &back, &err), 0);
	ck_assert_uint_eq(back.len, text.len + 2);
	ck_assert_str_eq(str_text(&back) + 2, str_text(&text));
}
END_TEST

START_TEST(write_changes_an_existing_file_alone)
{
	struct err err = ERR_INIT;
	char buf[16];

	ck_assert_int_eq(fd_write_text(fixture.dirfd, "file", "80M", &err), -ENOENT);
	ck_assert_str_eq(err.text, "cannot open 'file': No such file or directory");
	put("xxxxx");
	ck_assert_int_eq(fd_write_text(fixture.dirfd, "file", "80M", &err), 0);
	ck_assert_int_eq(fd_read_text(fixture.dirfd, "file", buf, sizeof(buf), &err), 5);
	ck_assert_str_eq(buf, "80Mxx");
}
END_TEST

START_TEST(failed_write_names_value_and_file)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(fd_write_text(AT_FDCWD, "/dev/full", "80M", &err), -ENOSPC);
	ck_assert_str_eq(err.text, "cannot write '80M' to '/dev/full': No space left on device");
}
END_TEST

START_TEST(descriptors_close_on_exec)
{
	struct err err = ERR_INIT;

	put("");
	FD_AUTO fd = fd_open_at(fixture.dirfd, "file", O_RDONLY, 0, &err);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(close_forgets_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	errno = ENOTTY;
	fd_close_var(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
	fd_close_var(&fd);
}
END_TEST

START_TEST(take_leaves_nothing_to_close)
{
	int fd = 5;

	ck_assert_int_eq(fd_take(&fd), 5);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(pidfd_signals_its_process)
{
	siginfo_t info = {0};
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	FD_AUTO pidfd = fd_pidfd_open(pid);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(fd_pidfd_signal(pidfd, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
	ck_assert_int_eq(info.si_status, SIGKILL);
	ck_assert_int_eq(fd_pidfd_signal(pidfd, SIGKILL), -ESRCH);
}
END_TEST

START_TEST(file_is_read_up_to_a_bound)
{
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;

	put("1234");
	ck_assert_int_eq(fd_read_at_most(fixture.dirfd, "file", 4, &text, &err), 0);
	ck_assert_str_eq(str_text(&text), "1234");
	ck_assert_int_eq(fd_read_at_most(fixture.dirfd, "file", 3, &text, &err), -EFBIG);
	ck_assert_str_eq(err.text, "'file' is longer than 3 bytes");
	/* No size, no end. */
	ck_assert_int_eq(fd_read_at_most(AT_FDCWD, "/dev/zero", 100000, &text, &err), -EFBIG);
}
END_TEST

/* Opening a FIFO that nobody writes to would wait for ever. */
START_TEST(bounded_read_does_not_wait)
{
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;

	ck_assert_int_eq(mkfifoat(fixture.dirfd, "file", 0600), 0);
	ck_assert_int_eq(fd_read_at_most(fixture.dirfd, "file", 100, &text, &err), 0);
	ck_assert_str_eq(str_text(&text), "");
}
END_TEST

START_TEST(gone_reader_is_seen)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(!fd_reader_gone(ends[1]));
	close(ends[0]);
	ck_assert(fd_reader_gone(ends[1]));
	close(ends[1]);
	FD_AUTO full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert(!fd_reader_gone(full));
}
END_TEST

Suite *fd_suite(void)
{
	Suite *suite = suite_create("fd");
	TCase *tcase = tcase_create("fd");

	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	tcase_add_test(tcase, text_is_read_whole);
	tcase_add_test(tcase, text_that_does_not_fit_is_refused);
	tcase_add_test(tcase, reread_starts_from_the_beginning);
	tcase_add_test(tcase, large_file_is_read_whole);
	tcase_add_test(tcase, write_changes_an_existing_file_alone);
	tcase_add_test(tcase, failed_write_names_value_and_file);
	tcase_add_test(tcase, descriptors_close_on_exec);
	tcase_add_test(tcase, close_forgets_and_keeps_errno);
	tcase_add_test(tcase, take_leaves_nothing_to_close);
	tcase_add_test(tcase, pidfd_signals_its_process);
	tcase_add_test(tcase, file_is_read_up_to_a_bound);
	tcase_add_test(tcase, bounded_read_does_not_wait);
	tcase_add_test(tcase, gone_reader_is_seen);
	suite_add_tcase(suite, tcase);
	return suite;
}
