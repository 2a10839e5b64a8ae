/*
 * Single kernel lines: kill lines and summaries of several generations, and names that try to
 * look like fields.
 */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "harness/oomlog/line.h"

START_TEST(kill_line_of_6_18)
{
	struct oomlog_line line;

	ck_assert_int_eq(oomlog_parse("Memory cgroup out of memory: Killed process 19619 (oom03) "
				      "total-vm:2101048kB, anon-rss:1046400kB, file-rss:1596kB, "
				      "shmem-rss:0kB, UID:0 pgtables:2096kB oom_score_adj:-17",
				      &line),
			 OOMLOG_KILLED);
	ck_assert_int_eq(line.pid, 19619);
	ck_assert_str_eq(line.comm, "oom03");
	ck_assert(line.memcg && !line.global);
	ck_assert_uint_eq(line.total_vm_bytes, 2101048ULL * 1024);
	ck_assert_uint_eq(line.anon_rss_bytes, 1046400ULL * 1024);
	ck_assert_uint_eq(line.shmem_rss_bytes, 0);
	ck_assert_int_eq(line.oom_score_adj, -17);
}
END_TEST

START_TEST(kill_line_of_the_whole_machine)
{
	struct oomlog_line line;

	ck_assert_int_eq(oomlog_parse("Out of memory: Killed process 517 (clamd) total-vm:1kB, "
				      "anon-rss:1kB, file-rss:0kB, shmem-rss:0kB",
				      &line),
			 OOMLOG_KILLED);
	ck_assert(line.global && !line.memcg);
}
END_TEST

START_TEST(kill_line_of_old_kernels)
{
	struct oomlog_line line;

	ck_assert_int_eq(oomlog_parse("Killed process 1381 (gunpowder-memho) total-vm:2121528kB, "
				      "anon-rss:18624kB, file-rss:2140kB",
				      &line),
			 OOMLOG_KILLED);
	ck_assert_int_eq(line.pid, 1381);
	ck_assert_str_eq(line.comm, "gunpowder-memho");
	ck_assert(!line.memcg && !line.global);
	ck_assert_uint_eq(line.shmem_rss_bytes, UINT64_MAX);
	ck_assert_int_eq(line.oom_score_adj, INT32_MIN);
}
END_TEST

START_TEST(names_with_separators)
{
	struct oomlog_line line;

	ck_assert_int_eq(oomlog_parse("Out of memory: Killed process 7 (a) b, (c)) total-vm:4kB, "
				      "anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
				      &line),
			 OOMLOG_KILLED);
	ck_assert_str_eq(line.comm, "a) b, (c)");
	ck_assert_int_eq(oomlog_parse("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),"
				      "cpuset=/,mems_allowed=0,oom_memcg=/a,b,task_memcg=/a,b/c,"
				      "task=x,pid=1,y,pid=42,uid=0",
				      &line),
			 OOMLOG_SUMMARY);
	ck_assert_int_eq(line.pid, 42);
	ck_assert_str_eq(line.oom_memcg, "/a,b");
	ck_assert_str_eq(line.task_memcg, "/a,b/c");
	ck_assert_str_eq(line.comm, "x,pid=1,y");
	ck_assert_str_eq(line.constraint, "CONSTRAINT_MEMCG");
}
END_TEST

START_TEST(global_summary_has_no_memcg)
{
	struct oomlog_line line;

	oomlog_parse("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
		     "global_oom,task_memcg=/system.slice/clamav-daemon.service,task=clamd,pid=517,"
		     "uid=111",
		     &line);
	ck_assert_str_eq(line.oom_memcg, "");
	ck_assert_str_eq(line.task_memcg, "/system.slice/clamav-daemon.service");
	ck_assert_str_eq(line.comm, "clamd");
}
END_TEST

START_TEST(other_lines_are_not_kills)
{
	static const char *const texts[] = {"",
					    "Killed process",
					    "Killed process x (y)",
					    "Killed process 12",
					    "oom-kill:",
					    "oom-kill:constraint=CONSTRAINT_NONE",
					    "oom_reaper: reaped process ",
					    "audit: process 12 (x) total-vm:4kB",
					    NULL};
	struct oomlog_line line;

	for (int i = 0; texts[i]; i++)
		ck_assert_msg(oomlog_parse(texts[i], &line) == OOMLOG_OTHER, "'%s'", texts[i]);
}
END_TEST

START_TEST(marks_of_a_report)
{
	struct oomlog_line line;

	ck_assert_int_eq(oomlog_parse("a b invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL)", &line),
			 OOMLOG_INVOKED);
	ck_assert_int_eq(
		oomlog_parse("oom_reaper: reaped process 517 (clamd), now anon-rss:0kB", &line),
		OOMLOG_REAPED);
	ck_assert_int_eq(line.pid, 517);
	ck_assert_int_eq(oomlog_parse("Tasks in /g are going to be killed due to memory.oom.group "
				      "set",
				      &line),
			 OOMLOG_GROUP_KILL);
	ck_assert_int_eq(oomlog_parse("Out of memory and no killable processes...", &line),
			 OOMLOG_NO_VICTIM);
}
END_TEST

START_TEST(kmsg_records)
{
	char good[] = "3,4321,527113381,-,caller=T12;Memory cgroup out of memory: x\n KEY=v\n";
	char bad[] = "no record";
	char cut[] = "3,;x";
	char forged[] = "11,4321,527113381,-;Out of memory: Killed process 1 (init) total-vm:4kB";
	uint64_t sequence, us;

	ck_assert_str_eq(oomlog_kmsg(good, &sequence, &us), "Memory cgroup out of memory: x");
	ck_assert_uint_eq(sequence, 4321);
	ck_assert_uint_eq(us, 527113381);
	ck_assert_ptr_null(oomlog_kmsg(bad, &sequence, &us));
	ck_assert_ptr_null(oomlog_kmsg(cut, &sequence, &us));
	ck_assert_ptr_null(oomlog_kmsg(forged, &sequence, &us));
}
END_TEST

Suite *oomlog_line_suite(void);

Suite *oomlog_line_suite(void)
{
	Suite *suite = suite_create("oomlog_line");
	TCase *tests = tcase_create("lines");

	tcase_add_test(tests, kill_line_of_6_18);
	tcase_add_test(tests, kill_line_of_the_whole_machine);
	tcase_add_test(tests, kill_line_of_old_kernels);
	tcase_add_test(tests, names_with_separators);
	tcase_add_test(tests, global_summary_has_no_memcg);
	tcase_add_test(tests, other_lines_are_not_kills);
	tcase_add_test(tests, marks_of_a_report);
	tcase_add_test(tests, kmsg_records);
	suite_add_tcase(suite, tests);
	return suite;
}
