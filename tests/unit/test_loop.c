/*
 * base/loop: callbacks, deadlines, and sources that remove one another while events are handled;
 * all of it as well as on a kernel without epoll_pwait2(2), before 5.11.
 */
#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"

Suite *loop_suite(void);

static const uint64_t at_once = 0;

struct counter {
	int calls;
	uint32_t events;
	struct loop_source *also_remove;
};

static void count(void *data, int fd, uint32_t events)
{
	struct counter *counter = data;
	uint64_t value;

	ck_assert_int_eq(read(fd, &value, sizeof(value)), sizeof(value));
	counter->calls++;
	counter->events |= events;
	loop_remove(counter->also_remove);
	counter->also_remove = NULL;
}

static int ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct loop *new_loop(void)
{
	struct err err = ERR_INIT;
	struct loop *loop = NULL;

	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	return loop;
}

static struct loop_source *add(struct loop *loop, int fd, struct counter *counter)
{
	struct err err = ERR_INIT;
	struct loop_source *source = NULL;

	ck_assert_msg(loop_add(loop, fd, EPOLLIN, count, counter, &source, &err) == 0, "%s",
		      err.text);
	return source;
}

START_TEST(readable_descriptor_calls_back)
{
	struct err err = ERR_INIT;
	struct counter counter = {0};
	FD_AUTO fd = ready_fd();
	struct loop *loop = new_loop();

	add(loop, fd, &counter);
	ck_assert_int_eq(loop_wait(loop, UINT64_MAX, &err), 1);
	ck_assert_int_eq(counter.calls, 1);
	ck_assert_uint_eq(counter.events, EPOLLIN);
	ck_assert_int_eq(loop_wait(loop, at_once, &err), 0);
	ck_assert_int_eq(counter.calls, 1);
	loop_free(loop);
}
END_TEST

START_TEST(deadline_passes_when_nothing_happens)
{
	enum { WAIT_NS = 20000000 };
	struct err err = ERR_INIT;
	struct loop *loop = new_loop();
	uint64_t began = clock_ns();

	ck_assert_int_eq(loop_wait(loop, began + WAIT_NS, &err), 0);
	ck_assert_uint_ge(clock_ns() - began, WAIT_NS);
	loop_free(loop);
}
END_TEST

/* A deadline that an event came before is none for the next wait, with another or with none. */
START_TEST(old_deadline_ends_no_later_wait)
{
	enum { SOON_NS = 1000000, LATER_NS = 30000000 };
	const struct itimerspec later = {.it_value.tv_nsec = LATER_NS};
	struct err err = ERR_INIT;
	struct counter counter = {0};
	FD_AUTO fd = ready_fd();
	FD_AUTO timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct loop *loop = new_loop();

	add(loop, fd, &counter);
	add(loop, timer, &counter);
	ck_assert_int_eq(loop_wait(loop, clock_ns() + SOON_NS, &err), 1);
	ck_assert_int_eq(timerfd_settime(timer, 0, &later, NULL), 0);
	ck_assert_int_eq(loop_wait(loop, UINT64_MAX, &err), 1);
	ck_assert_int_eq(counter.calls, 2);
	uint64_t began = clock_ns();
	ck_assert_int_eq(loop_wait(loop, began + LATER_NS, &err), 0);
	ck_assert_uint_ge(clock_ns() - began, LATER_NS);
	ck_assert_int_eq(loop_wait(loop, at_once, &err), 0);
	loop_free(loop);
}
END_TEST

START_TEST(removed_source_is_silent)
{
	struct err err = ERR_INIT;
	struct counter counter = {0};
	FD_AUTO fd = ready_fd();
	struct loop *loop = new_loop();
	struct loop_source *source = add(loop, fd, &counter);

	loop_remove(source);
	ck_assert_int_eq(loop_wait(loop, at_once, &err), 0);
	ck_assert_int_eq(counter.calls, 0);
	loop_remove(NULL);
	loop_free(loop);
}
END_TEST

/* Both are ready in one round; whoever comes first removes the other, which must not be called. */
START_TEST(callback_may_remove_another_with_an_event_pending)
{
	struct err err = ERR_INIT;
	struct counter a = {0}, b = {0};
	FD_AUTO fd_a = ready_fd();
	FD_AUTO fd_b = ready_fd();
	struct loop *loop = new_loop();

	struct loop_source *source_a = add(loop, fd_a, &a);
	a.also_remove = add(loop, fd_b, &b);
	b.also_remove = source_a;
	ck_assert_int_ge(loop_wait(loop, UINT64_MAX, &err), 1);
	ck_assert_int_eq(loop_wait(loop, at_once, &err), 0);
	ck_assert_int_eq(a.calls + b.calls, 1);
	loop_free(loop);
}
END_TEST

START_TEST(callback_may_remove_itself)
{
	struct err err = ERR_INIT;
	struct counter counter = {0};
	FD_AUTO fd = eventfd(5, EFD_CLOEXEC | EFD_SEMAPHORE);
	struct loop *loop = new_loop();

	counter.also_remove = add(loop, fd, &counter);
	ck_assert_int_eq(loop_wait(loop, UINT64_MAX, &err), 1);
	ck_assert_int_eq(loop_wait(loop, at_once, &err), 0);
	ck_assert_int_eq(counter.calls, 1);
	loop_free(loop);
}
END_TEST

START_TEST(descriptor_can_be_added_again_after_removal)
{
	struct err err = ERR_INIT;
	struct counter counter = {0};
	FD_AUTO fd = ready_fd();
	struct loop *loop = new_loop();

	loop_remove(add(loop, fd, &counter));
	add(loop, fd, &counter);
	ck_assert_int_eq(loop_wait(loop, UINT64_MAX, &err), 1);
	ck_assert_int_eq(counter.calls, 1);
	loop_free(loop);
}
END_TEST

START_TEST(bad_descriptor_is_named)
{
	struct err err = ERR_INIT;
	struct counter counter = {0};
	struct loop_source *source = NULL;
	struct loop *loop = new_loop();

	ck_assert_int_eq(loop_add(loop, -1, EPOLLIN, count, &counter, &source, &err), -EBADF);
	ck_assert_str_eq(err.text, "cannot watch descriptor -1: Bad file descriptor");
	ck_assert_ptr_null(source);
	loop_free(loop);
}
END_TEST

START_TEST(more_ready_descriptors_than_one_round_takes)
{
	enum { MANY = 40 };
	struct err err = ERR_INIT;
	struct counter counter = {0};
	int fds[MANY];
	struct loop *loop = new_loop();

	for (int i = 0; i < MANY; i++) {
		fds[i] = ready_fd();
		add(loop, fds[i], &counter);
	}
	while (loop_wait(loop, at_once, &err) > 0)
		continue;
	ck_assert_int_eq(counter.calls, MANY);
	loop_free(loop);
	for (int i = 0; i < MANY; i++)
		fd_close_var(&fds[i]);
}
END_TEST

static void ignore_signal(int signal)
{
	(void)signal;
}

START_TEST(signal_interrupts_the_wait)
{
	struct err err = ERR_INIT;
	struct sigaction action = {.sa_handler = ignore_signal};
	/* Repeats, so that one delivered before the wait has begun does not hang the test. */
	struct itimerval timer = {.it_interval.tv_usec = 10000, .it_value.tv_usec = 10000};
	struct loop *loop = new_loop();

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ck_assert_int_eq(loop_wait(loop, UINT64_MAX, &err), -EINTR);
	timer = (struct itimerval){0};
	setitimer(ITIMER_REAL, &timer, NULL);
	loop_free(loop);
}
END_TEST

START_TEST(freeing_nothing_is_fine)
{
	loop_free(NULL);
}
END_TEST

/* As a kernel before 5.11 answers; for the rest of this process, which is the test's own. */
static void without_pwait2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	ck_assert_int_eq(syscall(SYS_epoll_pwait2, -1, NULL, 0, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, ENOSYS);
}

static void add_tests(Suite *suite, const char *name, void (*setup)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, readable_descriptor_calls_back);
	tcase_add_test(tcase, deadline_passes_when_nothing_happens);
	tcase_add_test(tcase, old_deadline_ends_no_later_wait);
	tcase_add_test(tcase, removed_source_is_silent);
	tcase_add_test(tcase, callback_may_remove_another_with_an_event_pending);
	tcase_add_test(tcase, callback_may_remove_itself);
	tcase_add_test(tcase, descriptor_can_be_added_again_after_removal);
	tcase_add_test(tcase, bad_descriptor_is_named);
	tcase_add_test(tcase, more_ready_descriptors_than_one_round_takes);
	tcase_add_test(tcase, signal_interrupts_the_wait);
	tcase_add_test(tcase, freeing_nothing_is_fine);
	suite_add_tcase(suite, tcase);
}

Suite *loop_suite(void)
{
	Suite *suite = suite_create("loop");

	add_tests(suite, "loop", NULL);
	if (!getenv("CK_FORK") || strcmp(getenv("CK_FORK"), "no") != 0)
		add_tests(suite, "loop before 5.11", without_pwait2);
	return suite;
}
