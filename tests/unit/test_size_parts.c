/*
 * harness/size, the parts that only compute: failed system calls, memory.stat, equal results,
 * advice, who sizes itself.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "harness/size/advice.h"
#include "harness/size/follow.h"
#include "harness/size/look.h"
#include "harness/size/output.h"
#include "harness/size/retry.h"
#include "harness/size/run.h"

Suite *size_parts_suite(void);

enum { MIB = 1 << 20 };

/* ---- system calls --------------------------------------------------------------------------- */

#ifdef __x86_64__
START_TEST(calls_that_failed_for_memory_are_made_again)
{
	ck_assert_int_eq(retry_decide(SYS_mmap, -ENOMEM, 0), RETRY_AGAIN);
	ck_assert_int_eq(retry_decide(SYS_read, -EFAULT, 10), RETRY_AGAIN);
	ck_assert_int_eq(retry_decide(SYS_execve, -E2BIG, 0), RETRY_AGAIN);
	ck_assert_int_eq(retry_decide(SYS_sendto, -ENOBUFS, 10), RETRY_AGAIN);
	ck_assert_int_eq(retry_decide(SYS_mlock, -EAGAIN, 0), RETRY_AGAIN);
	ck_assert_int_eq(retry_decide(SYS_clone3, -EAGAIN, 0), RETRY_AGAIN);
	/* EAGAIN of what does not block is no want of memory */
	ck_assert_int_eq(retry_decide(SYS_read, -EAGAIN, 10), RETRY_NO);
	ck_assert_int_eq(retry_decide(SYS_openat, -ENOENT, 0), RETRY_NO);
	ck_assert_int_eq(retry_decide(SYS_read, -EINTR, 10), RETRY_NO);
}
END_TEST

START_TEST(short_transfers_go_on)
{
	int arg = 0;

	ck_assert_int_eq(retry_decide(SYS_read, 5, 10), RETRY_REST);
	ck_assert_int_eq(retry_decide(SYS_pwrite64, 5, 10), RETRY_REST);
	ck_assert_int_eq(retry_decide(SYS_read, 10, 10), RETRY_NO);
	ck_assert_int_eq(retry_decide(SYS_read, 0, 10), RETRY_NO); /* the end */
	ck_assert_int_eq(retry_decide(SYS_getdents64, 5, 10), RETRY_NO);
	ck_assert(retry_is_transfer(SYS_pread64, &arg));
	ck_assert_int_eq(arg, 3);
	ck_assert(retry_is_transfer(SYS_write, &arg));
	ck_assert_int_eq(arg, -1);
	ck_assert(!retry_is_transfer(SYS_readv, &arg));
}
END_TEST

START_TEST(they_go_on_where_nobody_is_waited_for)
{
	ck_assert(retry_rest_fits(SYS_read, S_IFREG, 0));
	ck_assert(retry_rest_fits(SYS_read, S_IFCHR, makedev(1, 5)));
	ck_assert(!retry_rest_fits(SYS_read, S_IFCHR, makedev(5, 0)));
	ck_assert(!retry_rest_fits(SYS_read, S_IFIFO, 0));
	ck_assert(retry_rest_fits(SYS_write, S_IFIFO, 0));
	ck_assert(!retry_rest_fits(SYS_read, S_IFSOCK, 0));
	ck_assert(!retry_rest_fits(SYS_readv, S_IFREG, 0));
}
END_TEST
#endif

/* ---- what it is made of --------------------------------------------------------------------- */

START_TEST(kinds_of_v1)
{
	struct look look = {0};

	look_parse_stat("cache 50331648\nrss 83886080\nrss_huge 0\nshmem 20971520\nmapped_file 5\n"
			"swap 4096\ntotal_cache 1\ntotal_rss 2\n",
			true, &look);
	ck_assert_uint_eq(look.anon_bytes, 80 * MIB);
	ck_assert_uint_eq(look.file_bytes, 28 * MIB);
	ck_assert_uint_eq(look.shmem_bytes, 20 * MIB);
	ck_assert_uint_eq(look.swap_bytes, 4096);
	ck_assert_uint_eq(look_unreclaimable(&look), 100 * MIB);
}
END_TEST

START_TEST(kinds_of_v2)
{
	struct look look = {0};

	look_parse_stat("anon 83886080\nfile 20971520\nkernel 2097152\nkernel_stack 16384\n"
			"pagetables 1048576\nsock 8192\nshmem 20971520\nfile_mapped 1\n"
			"inactive_anon 7\n",
			false, &look);
	ck_assert_uint_eq(look.anon_bytes, 80 * MIB);
	ck_assert_uint_eq(look.file_bytes, 0);
	ck_assert_uint_eq(look.kernel_bytes, 2 * MIB);
	ck_assert_uint_eq(look.tables_bytes, MIB);
	ck_assert_uint_eq(look.socket_bytes, 8192);
	ck_assert_uint_eq(look_unreclaimable(&look), 101 * MIB);
}
END_TEST

START_TEST(text_that_is_none_has_nothing_in_it)
{
	struct look look = {0};

	look_parse_stat("", true, &look);
	look_parse_stat("rss", true, &look);
	look_parse_stat("rss \n\n\ncache x", true, &look);
	ck_assert_uint_eq(look_unreclaimable(&look), 0);
	ck_assert_uint_eq(look.file_bytes, 0);
}
END_TEST

/* ---- equal results --------------------------------------------------------------------------- */

START_TEST(only_the_same_end_with_the_same_output_passes)
{
	const struct run_result free = {.end = RUN_EXITED, .output_sum = 7, .output_bytes = 3};
	struct run_result run = free;

	ck_assert(run_same(&free, &run));
	run.wall_ns = 5;
	ck_assert(run_same(&free, &run));
	run.output_sum = 8;
	ck_assert(!run_same(&free, &run));
	run = free;
	run.output_bytes = 2;
	ck_assert(!run_same(&free, &run));
	run = free;
	run.status = 1;
	ck_assert(!run_same(&free, &run));
	run = free;
	run.check_failed = true;
	ck_assert(!run_same(&free, &run));
	/* a child was killed, and its parent shrugged it off */
	run = free;
	run.oom_kills = 1;
	ck_assert(!run_same(&free, &run));
	run = free;
	run.end = RUN_TIMEOUT;
	ck_assert(!run_same(&free, &run));
}
END_TEST

START_TEST(ends_have_words)
{
	struct run_result run = {.end = RUN_SIGNALED, .status = SIGSEGV};
	char buf[64];

	ck_assert_str_eq(run_end_text(&run, buf, sizeof(buf)), "killed by SIGSEGV");
	run = (struct run_result){.end = RUN_EXITED, .status = 2};
	ck_assert_str_eq(run_end_text(&run, buf, sizeof(buf)), "exit status 2");
	run = (struct run_result){.end = RUN_NO_START, .status = ENOMEM};
	ck_assert_str_eq(run_end_text(&run, buf, sizeof(buf)),
			 "not started: Cannot allocate memory");
}
END_TEST

START_TEST(the_sum_tells_what_was_cut_off)
{
	uint64_t whole = output_sum(OUTPUT_SUM_INIT, "hello", 5);

	/* FNV-1a of "hello", from its authors' test suite */
	ck_assert_uint_eq(whole, 0xa430d84680aabd0bULL);
	ck_assert_uint_eq(output_sum(output_sum(OUTPUT_SUM_INIT, "he", 2), "llo", 3), whole);
	ck_assert_uint_ne(output_sum(OUTPUT_SUM_INIT, "hell", 4), whole);
}
END_TEST

/* ---- advice ---------------------------------------------------------------------------------- */

START_TEST(head_room_is_a_tenth_and_at_least_four_mib)
{
	struct advice advice = advice_of(200ULL * MIB, 0, false);

	ck_assert_uint_eq(advice.max_bytes, 220ULL * MIB);
	ck_assert_uint_eq(advice.high_bytes, 200ULL * MIB);
	advice = advice_of(MIB, 0, false);
	ck_assert_uint_eq(advice.max_bytes, 5ULL * MIB);
	advice = advice_of(100ULL * MIB, 0, true);
	ck_assert_uint_eq(advice.max_bytes, 120ULL * MIB);
	/* without slow-down it needs more than the head-room */
	advice = advice_of(33ULL * MIB, 90ULL * MIB, false);
	ck_assert_uint_eq(advice.max_bytes, 90ULL * MIB);
	ck_assert_uint_eq(advice.high_bytes, 90ULL * MIB);
}
END_TEST

START_TEST(advice_has_the_swap_that_it_was_found_with)
{
	struct advice advice = advice_of(40ULL * MIB, 0, false);
	STR_AUTO some = STR_INIT;
	STR_AUTO all = STR_INIT;

	advice.swap_bytes = 64ULL * MIB;
	advice_lines(&advice, &some);
	ck_assert_ptr_nonnull(strstr(str_text(&some), "MemoryMax=44M MemorySwapMax=64M\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&some), "--memory=44m --memory-swap=108m\n"));
	advice.swap_bytes = UINT64_MAX;
	advice_lines(&advice, &all);
	ck_assert_ptr_nonnull(strstr(str_text(&all), "MemorySwapMax=infinity\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&all), "--memory-swap=-1\n"));
}
END_TEST

START_TEST(advice_is_what_people_paste)
{
	struct advice advice = advice_of(200ULL * MIB, 210ULL * MIB, false);
	STR_AUTO text = STR_INIT;

	advice_lines(&advice, &text);
	ck_assert_str_eq(str_text(&text),
			 "systemd\tMemoryHigh=210M MemoryMax=220M MemorySwapMax=0\n"
			 "kubernetes\tresources: {requests: {memory: 220Mi}, limits: {memory: "
			 "220Mi}}\n"
			 "docker\t--memory=220m --memory-swap=220m\n");
}
END_TEST

/* ---- who sizes itself ------------------------------------------------------------------------ */

START_TEST(readers_of_limits_are_known)
{
	ck_assert(follow_is_limit_file("/sys/fs/cgroup/a/memory.max"));
	ck_assert(follow_is_limit_file("memory.limit_in_bytes"));
	ck_assert(!follow_is_limit_file("/sys/fs/cgroup/a/memory.max.bak"));
	ck_assert(!follow_is_limit_file("/tmp/memory"));
	ck_assert_str_eq(follow_runtime_of("/usr/lib/jvm/bin/java"), "java");
	ck_assert_str_eq(follow_runtime_of("node"), "node");
	ck_assert_ptr_null(follow_runtime_of("/usr/bin/javac2"));
	ck_assert_ptr_null(follow_runtime_of("/java/bin/sort"));
}
END_TEST

Suite *size_parts_suite(void)
{
	Suite *suite = suite_create("size_parts");
	TCase *tests = tcase_create("parts");

#ifdef __x86_64__
	tcase_add_test(tests, calls_that_failed_for_memory_are_made_again);
	tcase_add_test(tests, short_transfers_go_on);
	tcase_add_test(tests, they_go_on_where_nobody_is_waited_for);
#endif
	tcase_add_test(tests, kinds_of_v1);
	tcase_add_test(tests, kinds_of_v2);
	tcase_add_test(tests, text_that_is_none_has_nothing_in_it);
	tcase_add_test(tests, only_the_same_end_with_the_same_output_passes);
	tcase_add_test(tests, ends_have_words);
	tcase_add_test(tests, the_sum_tells_what_was_cut_off);
	tcase_add_test(tests, head_room_is_a_tenth_and_at_least_four_mib);
	tcase_add_test(tests, advice_is_what_people_paste);
	tcase_add_test(tests, readers_of_limits_are_known);
	tcase_add_test(tests, advice_has_the_swap_that_it_was_found_with);
	suite_add_tcase(suite, tests);
	return suite;
}
