/* How long a process waited for a CPU: two that want the same one keep each other waiting. */
#include "harness/vm/delay.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void pin_to(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		abort();
}

static pid_t spin(unsigned cpu)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to(cpu);
	for (;;)
		;
}

START_TEST(who_shares_a_cpu_waits)
{
	unsigned cpu = (unsigned)sched_getcpu();
	pid_t one, other;

	if (access("/proc/self/schedstat", R_OK) < 0)
		return; /* the kernel does not count it, and it is always 0 */
	one = spin(cpu);
	other = spin(cpu);
	ck_assert_int_gt(one, 0);
	ck_assert_int_gt(other, 0);
	/* Each has 10 ms without the CPU sooner or later; should none, the test's limit ends it. */
	while (delay_of(one) < 10000000 || delay_of(other) < 10000000)
		(void)sched_yield();
	ck_assert_int_eq(kill(one, SIGKILL), 0);
	ck_assert_int_eq(kill(other, SIGKILL), 0);
	ck_assert_int_eq(waitpid(one, NULL, 0), one);
	ck_assert_int_eq(waitpid(other, NULL, 0), other);
	ck_assert_uint_eq(delay_of(one), 0); /* there is no such process */
}
END_TEST

Suite *delay_suite(void);
Suite *delay_suite(void)
{
	Suite *suite = suite_create("delay");
	TCase *tests = tcase_create("delay");

	tcase_add_test(tests, who_shares_a_cpu_waits);
	suite_add_tcase(suite, tests);
	return suite;
}
