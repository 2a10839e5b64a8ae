/* The signals that end a program, and those that its parent wants it to ignore. */
#include "base/signals.h"

#include <check.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

START_TEST(ignored_stays_ignored)
{
	struct err err;
	sigset_t before, set;

	ck_assert(signal(SIGINT, SIG_IGN) != SIG_ERR);
	signals_ending(&set);
	ck_assert_int_eq(sigismember(&set, SIGINT), 0);
	ck_assert_int_eq(sigismember(&set, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&set, SIGHUP), 1);

	int fd = signals_open(SIGCHLD, &before, &err);
	ck_assert_int_ge(fd, 0);
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(raise(SIGINT), 0);
	ck_assert_int_eq(poll(&polled, 1, 0), 0);
	ck_assert_int_eq(raise(SIGTERM), 0);
	ck_assert_int_eq(poll(&polled, 1, 0), 1);
	struct signalfd_siginfo info;
	ck_assert_int_eq(read(fd, &info, sizeof(info)), sizeof(info));
	ck_assert_uint_eq(info.ssi_signo, SIGTERM);
	ck_assert_int_eq(read(fd, &info, sizeof(info)), -1); /* it does not block */
	ck_assert_int_eq(sigismember(&before, SIGTERM), 0);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

Suite *signals_suite(void);
Suite *signals_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *tests = tcase_create("signals");

	tcase_add_test(tests, ignored_stays_ignored);
	suite_add_tcase(suite, tests);
	return suite;
}
