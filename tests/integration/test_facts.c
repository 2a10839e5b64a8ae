/*
 * What facts_gather() says of this machine, held against what the kernel does. Needs root.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "tests/integration/host_rig.h"
#include "tests/lib/skip.h"

Suite *facts_suite(void);

/* Every run gathers facts, so they must be cheap; the best of some is what the code costs. */
enum { FACTS_MAX_NS = 2000000, FACTS_ROUNDS = 20 };

static struct err err;

START_TEST(facts_are_gathered_fast)
{
	struct cg_host *groups = host_rig_groups();
	struct facts facts;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < FACTS_ROUNDS; i++) {
		uint64_t began = clock_ns();
		ck_assert_int_eq(facts_gather(groups, &facts, &err), 0);
		uint64_t took = clock_ns() - began;
		best = took < best ? took : best;
	}
	ck_assert_uint_lt(best, FACTS_MAX_NS);
	ck_assert_uint_eq(facts.uid, 0);
	ck_assert_uint_gt(facts.cpus, 0);
	ck_assert_uint_gt(facts.nodes, 0);
	ck_assert_uint_gt(facts.mem_total_bytes, facts.mem_available_bytes);
	ck_assert_str_ne(facts.kernel, "");
	ck_assert_str_ne(facts.oomlab, "");
	ck_assert_str_eq(facts.cgroups, cg_host_describe(groups));
	ck_assert_str_eq(facts.no_swap, "");
	ck_assert_str_eq(facts.stress_ng, "");
	cg_host_free(groups);
}
END_TEST

/* The capability as the kernel sees it: lowering oom_score_adj works or does not. */
START_TEST(cap_sys_resource_is_what_the_kernel_does)
{
	struct facts facts;

	ck_assert_int_eq(facts_gather(NULL, &facts, &err), 0);
	ck_assert_int_eq(fd_write_text(AT_FDCWD, "/proc/self/oom_score_adj", "500", &err), 0);
	int rc = fd_write_text(AT_FDCWD, "/proc/self/oom_score_adj", "-1", &err);
	ck_assert_int_eq(rc == 0, facts.cap_sys_resource);
}
END_TEST

START_TEST(stress_ng_is_asked_for_its_version)
{
	struct facts facts = {.stress_ng = "old"};

	setenv("PATH", "/nonexistent", 1);
	facts_add_stress_ng(&facts);
	ck_assert_str_eq(facts.stress_ng, "");
	MEM_AUTO char *script = mem_printf("%s/stress-ng", state_dir());
	static const char text[] = "#!/bin/sh\necho 'stress-ng, version 9.8.7 (gcc)'\n";
	FD_AUTO fd = open(script, O_WRONLY | O_CREAT, 0700);
	ck_assert_int_eq(fd_write_full(fd, text, sizeof(text) - 1), 0);
	fd_close_var(&fd);
	setenv("PATH", state_dir(), 1);
	facts_add_stress_ng(&facts);
	unlink(script);
	ck_assert_str_eq(facts.stress_ng, "9.8.7");
}
END_TEST

static TCase *tcase(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, host_rig_setup, host_rig_teardown);
	tcase_set_timeout(tc, HOST_RIG_TIMEOUT_S);
	return tc;
}

static TCase *facts_tests(void)
{
	TCase *tc = tcase("facts");

	tcase_add_test(tc, facts_are_gathered_fast);
	tcase_add_test(tc, cap_sys_resource_is_what_the_kernel_does);
	tcase_add_test(tc, stress_ng_is_asked_for_its_version);
	return tc;
}

Suite *facts_suite(void)
{
	Suite *suite = suite_create("facts");

	suite_add_if(suite, facts_tests(), "facts", geteuid() == 0, "needs root");
	return suite;
}
