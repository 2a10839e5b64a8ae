/*
 * Figures: Mem-Info of several generations, the block of a memory cgroup, what is derived from
 * them; and task tables, whose columns are what their header says.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/oomlog_rig.h"

#define HEAD "x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n"

static struct oomlog_rig *rig;

static const struct oom_report *one(const char *text)
{
	rig = oomlog_rig_text(text);
	ck_assert_msg(rig->n == 1, "%zu reports in: %s", rig->n, text);
	ck_assert_msg(rig->reports[0].n_unknown == 0, "unknown: %s",
		      rig->reports[0].n_unknown ? rig->reports[0].unknown[0].text : "");
	return &rig->reports[0];
}

static void done(void)
{
	oomlog_rig_free(rig);
	rig = NULL;
}

static void says(const struct oom_report *r, const char *where, const char *name, uint64_t raw,
		 enum oom_unit unit, uint64_t line)
{
	const struct oom_figure *figure = oom_figure(r, where, name);

	ck_assert_msg(figure != NULL, "no '%s' of '%s'", name, where);
	ck_assert_msg(figure->value.raw == raw && figure->value.unit == unit &&
			      figure->value.line == line && figure->value.have == OOM_SAID,
		      "'%s' of '%s': %lu %s at %lu", name, where, (unsigned long)figure->value.raw,
		      oom_unit_name(figure->value.unit), (unsigned long)figure->value.line);
}

START_TEST(mem_info_of_today)
{
	const struct oom_report *r =
		one(HEAD
		    "Mem-Info:\n"
		    "active_anon:10 inactive_anon:200 isolated_anon:0\n active_file:3 free:4\n"
		    "Node 0 active_anon:40kB shmem_thp: 0kB all_unreclaimable? yes\n"
		    "Node 0 DMA32 free:4kB boost:0kB min:5kB reserved_highatomic:6KB present:70kB\n"
		    "lowmem_reserve[]: 0 12 13\n"
		    "Node 0 DMA32: 3*4kB (UM) 0*8kB 1*16kB (E) = 28kB\n"
		    "Node 0 hugepages_total=1 hugepages_free=2 hugepages_surp=0 "
		    "hugepages_size=2048kB\n"
		    "17 total pagecache pages\n18 pages in swap cache\n"
		    "Swap cache stats: add 5, delete 6, find 7/8\nFree swap  = 19kB\n"
		    "Total swap = 20kB\n21 pages RAM\n0 pages HighMem/MovableOnly\n"
		    "22 pages reserved\n23 pages cma reserved\n0 pages hwpoisoned\n");

	says(r, "", "inactive_anon", 200, OOM_PAGES, 3);
	says(r, "", "free", 4, OOM_PAGES, 4);
	says(r, "Node 0", "active_anon", 40, OOM_KB, 5);
	says(r, "Node 0", "shmem_thp", 0, OOM_KB, 5);
	says(r, "Node 0", "all_unreclaimable", 1, OOM_COUNT, 5);
	says(r, "Node 0 DMA32", "reserved_highatomic", 6, OOM_KB, 6);
	says(r, "Node 0 DMA32", "lowmem_reserve[1]", 12, OOM_PAGES, 7);
	says(r, "Node 0 DMA32", "4kB", 3, OOM_COUNT, 8);
	says(r, "Node 0 DMA32", "free lists", 28, OOM_KB, 8);
	says(r, "Node 0", "hugepages_size", 2048, OOM_KB, 9);
	says(r, "Node 0", "hugepages_total", 1, OOM_COUNT, 9);
	says(r, "", "total pagecache pages", 17, OOM_PAGES, 10);
	says(r, "", "Free swap", 19, OOM_KB, 13);
	says(r, "", "Total swap", 20, OOM_KB, 14);
	says(r, "", "pages RAM", 21, OOM_PAGES, 15);
	says(r, "", "pages cma reserved", 23, OOM_PAGES, 18);
	ck_assert_uint_eq(r->page_size, 4096);
	ck_assert_str_eq(r->page_size_from, "buddy lists");
	ck_assert_int_eq(r->scope, OOM_GLOBAL);
	done();
}
END_TEST

START_TEST(mem_info_of_2_6)
{
	const struct oom_report *r =
		one("oom-killer: gfp_mask=0xd0\nMem-info:\nDMA per-cpu:\n"
		    "cpu 0 hot: low 2, high 6, batch 1\ncpu 0 cold: low 0, high 2, batch 1\n"
		    "HighMem per-cpu: empty\nNode 0 DMA per-cpu:\n"
		    "CPU    0: hi:  186, btch:  31 usd:   9\n"
		    "Free pages:        9196kB (1856kB HighMem)\n"
		    "Active:12382 inactive:280459 dirty:214 free:2299 slab:220221\n"
		    "DMA free:3588kB min:68kB pages_scanned:5706 all_unreclaimable? no\n"
		    "protections[]: 0 468 724\nDMA: 1*4kB 0*8kB = 4kB\n"
		    "Swap cache: add 2582, delete 2011, find 276/524, race 0+0\n");

	says(r, "", "Free pages", 9196, OOM_KB, 9);
	says(r, "", "Free pages HighMem", 1856, OOM_KB, 9);
	says(r, "", "slab", 220221, OOM_PAGES, 10);
	says(r, "DMA", "free", 3588, OOM_KB, 11);
	says(r, "DMA", "pages_scanned", 5706, OOM_PAGES, 11);
	says(r, "DMA", "protections[2]", 724, OOM_PAGES, 12);
	says(r, "", "Swap cache stats add", 2582, OOM_COUNT, 14);
	done();
}
END_TEST

START_TEST(lists_behind_mem_info)
{
	const struct oom_report *r =
		one(HEAD "Mem-Info:\nactive_anon:10 inactive_anon:200 isolated_anon:0\n"
			 "Memory allocations (profiling is currently turned on):\n"
			 "    38.4 MiB     5505 mm/slub.c:3075 func:alloc_slab_page\n"
			 "   3176243200   247900 fs/a.c:82 [xfs] func:b\n"
			 "Unreclaimable slab info:\nName                      Used          Total\n"
			 "kmalloc-512           107357KB     135296KB\n"
			 "Memory cgroup min protection 1kB -- low protection 2kBTasks state "
			 "(memory values in pages):\n");

	says(r, "Unreclaimable slab", "kmalloc-512 used", 107357, OOM_KB, 9);
	says(r, "Unreclaimable slab", "kmalloc-512 total", 135296, OOM_KB, 9);
	says(r, "", "low protection", 2, OOM_KB, 10);
	done();
}
END_TEST

START_TEST(memcg_of_v1)
{
	const struct oom_report *r =
		one(HEAD "Task in /a/b killed as a result of limit of /a\n"
			 "memory: usage 980kB, limit 990kB, failcnt 41\n"
			 "memory+swap: usage 1kB, limit 18014398509481983kB, failcnt 0\n"
			 "kmem: usage 2kB, limit 9007199254740988kB, failcnt 3\n"
			 "Memory cgroup stats for /a: cache:0KB rss:980KB mapped_file:4KB\n"
			 "Memory cgroup stats for /a/b: cache:7KB rss:8KB\n");

	ck_assert_int_eq(r->scope, OOM_MEMCG);
	ck_assert_str_eq(r->oom_memcg, "/a");
	ck_assert_str_eq(r->task_memcg, "/a/b");
	ck_assert_uint_eq(r->constraint_line, 2);
	says(r, "/a", "usage", 980, OOM_KB, 3);
	says(r, "/a", "failcnt", 41, OOM_COUNT, 3);
	says(r, "/a", "memory+swap limit", 18014398509481983, OOM_KB, 4);
	says(r, "/a", "kmem usage", 2, OOM_KB, 5);
	says(r, "/a", "rss", 980, OOM_KB, 6);
	says(r, "/a/b", "cache", 7, OOM_KB, 7);
	done();
}
END_TEST

START_TEST(memcg_of_v2)
{
	const struct oom_report *r =
		one("[    1.000001] " HEAD "[    1.000002] memory: usage 80kB, limit 81kB, failcnt "
		    "5\n[    1.000003] swap: usage 0kB, limit 3kB, failcnt 6\n"
		    "[    1.000004] Memory cgroup stats for /a:\n[    1.000005] anon 4096\n"
		    "file 8192\npgfault 12\n"
		    "[    1.000006] Memory cgroup min protection 1kB -- low protection 2kB\n"
		    "[    1.000007] Tasks state (memory values in pages):\n");

	says(r, "/a", "limit", 81, OOM_KB, 2);
	says(r, "/a", "swap limit", 3, OOM_KB, 3);
	says(r, "/a", "anon", 4096, OOM_BYTES, 5);
	says(r, "/a", "file", 8192, OOM_BYTES, 6);
	says(r, "/a", "pgfault", 12, OOM_COUNT, 7);
	says(r, "/a", "min protection", 1, OOM_KB, 8);
	done();
}
END_TEST

START_TEST(numbers_that_do_not_fit)
{
	const struct oom_report *r =
		one(HEAD "active_anon:99999999999999999999999 inactive_anon:7 isolated_anon:0\n"
			 "Node 0 DMA free:18446744073709533486kB min:1kB\n");

	ck_assert_ptr_null(oom_figure(r, "", "active_anon"));
	says(r, "", "inactive_anon", 7, OOM_PAGES, 2);
	const struct oom_figure *free_kb = oom_figure(r, "Node 0 DMA", "free");
	uint64_t bytes;
	ck_assert_ptr_nonnull(free_kb);
	ck_assert(!oom_bytes(r, &free_kb->value, &bytes));
	done();
}
END_TEST

/* ---- tables --------------------------------------------------------------------------------- */

#define KILLED                                                                                \
	"Out of memory: Killed process 9 (c d) total-vm:640kB, anon-rss:20kB, file-rss:4kB, " \
	"shmem-rss:0kB\n"

START_TEST(columns_by_name)
{
	static const struct {
		const char *head, *row;
	} rows[] = {
		{"[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
		 "[    9]     1     8       10       11   2     -17 c d"},
		{"[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
		 "[    9]     1     8       10       11   2     -17         -1000 c d"},
		{"[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
		 "[    9]     1     8       10       11      12        13         -1000 c d"},
		{"[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj "
		 "name",
		 "[    9]     1     8       10       11      12       14        13         -1000 c "
		 "d"},
		{"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj "
		 "name",
		 "[      9]     1     8       10       11     4096        13         -1000 c d"},
		{"[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem "
		 "pgtables_bytes swapents oom_score_adj name",
		 "[      9]     1     8       10       11     5     4     2     4096        13   "
		 "      -1000 c d"},
		{"[  pid  ] rss (01)nrss tgid uid ppid total_vm name",
		 "[      9] 11 x1 8 1 7 10 c d"},
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s%s\n%s\n%s", HEAD, rows[i].head, rows[i].row,
			 KILLED);
		const struct oom_report *r = one(text);
		ck_assert_uint_eq(r->n_tasks, 1);
		ck_assert_uint_eq(r->table_line, 2);
		ck_assert(r->table_complete && !r->cut_table);
		const struct oom_task *task = oom_task(r, 9);
		ck_assert_ptr_nonnull(task);
		ck_assert_int_eq(task->uid, 1);
		ck_assert_int_eq(task->tgid, 8);
		ck_assert_int_eq(task->total_vm, 10);
		ck_assert_int_eq(task->rss, 11);
		ck_assert_str_eq(task->name, "c d");
		bool adj = r->columns & 1U << OOM_COL_OOM_SCORE_ADJ;
		ck_assert_int_eq(task->oom_score_adj, adj ? -1000 : INT16_MIN);
		bool swap = r->columns & 1U << OOM_COL_SWAPENTS;
		ck_assert_int_eq(task->swapents, swap ? 13 : -1);
		bool tables = r->columns & 1U << OOM_COL_PGTABLES_BYTES;
		ck_assert_int_eq(task->pgtables_bytes, tables ? 4096 : -1);
		bool other = r->columns & 1U << OOM_COL_OTHER;
		ck_assert_str_eq(r->other_columns, other ? "(01)nrss ppid" : "");
		/* 640 kB of the kill line are 10 pages */
		ck_assert_uint_eq(r->page_size, 65536);
		ck_assert_str_eq(r->page_size_from, "kill line and table");
		done();
	}
}
END_TEST

#define TABLE "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"

START_TEST(names_in_tables)
{
	const struct oom_report *r =
		one(HEAD TABLE "[    1]     0     1  10 11 12 13 0 (sd-pam)\n"
			       "[    2]     0     2  10 11 12 13 0 531\n"
			       "[    3]     0     3  10 11 12 13 0 tmux: server\n"
			       "[    4]     0     4  10 11 12 13 0 \n" KILLED);

	ck_assert_uint_eq(r->n_tasks, 4);
	ck_assert_str_eq(r->tasks[0].name, "(sd-pam)");
	ck_assert_str_eq(r->tasks[1].name, "531");
	ck_assert_str_eq(r->tasks[2].name, "tmux: server");
	ck_assert_str_eq(r->tasks[3].name, "");
	ck_assert_uint_eq(r->tasks[3].line, 6);
	done();
}
END_TEST

START_TEST(tables_with_holes)
{
	/* no end */
	const struct oom_report *r = one(HEAD TABLE "[    1]     0     1  10 11 12 13 0 a\n");
	ck_assert(r->cut_table && !r->table_complete && r->cut_tail);
	done();
	/* half a row */
	r = one(HEAD TABLE "[    1]     0     1  10 11 12 13 0 a\n[    2]     0     2  x\n" KILLED);
	ck_assert(r->cut_table && !r->table_complete && !r->cut_tail);
	ck_assert_uint_eq(r->n_tasks, 1);
	done();
	/* rows without a header are not guessed */
	r = one("[    1.000001] [    1]     0     1  10 11 12 13 0 a\n[    1.000002] " KILLED);
	ck_assert(r->cut_table && r->cut_head);
	ck_assert_uint_eq(r->n_tasks, 0);
	done();
	/* rows that the log says were dropped */
	r = one(HEAD TABLE "[    1]     0     1  10 11 12 13 0 a\n"
			   "** 37 printk messages dropped **\n" KILLED);
	ck_assert(r->cut_table);
	ck_assert_uint_eq(r->dropped, 37);
	done();
}
END_TEST

START_TEST(table_that_begins_again)
{
	rig = oomlog_rig_text(HEAD TABLE "[    1]     0     1  10 11 12 13 0 a\n"
					 "[    2]     0     2  10 11 12 13 0 b\n"
					 "[    3]     0  fpm\n"
					 "[    2]     0     2  20 21 22 23 0 b\n" KILLED);

	ck_assert_uint_eq(rig->n, 2);
	ck_assert_uint_eq(rig->reports[0].n_tasks, 2);
	ck_assert_uint_eq(rig->reports[0].last_line, 5);
	ck_assert(rig->reports[0].cut_tail && rig->reports[0].cut_table);
	ck_assert_uint_eq(rig->reports[1].first_line, 6);
	ck_assert(rig->reports[1].cut_head && rig->reports[1].cut_table);
	ck_assert_int_eq(oom_victim(&rig->reports[1])->pid, 9);
	done();
}
END_TEST

Suite *oomlog_memory_suite(void);

Suite *oomlog_memory_suite(void)
{
	Suite *suite = suite_create("oomlog_memory");
	TCase *tests = tcase_create("memory");

	tcase_add_test(tests, mem_info_of_today);
	tcase_add_test(tests, mem_info_of_2_6);
	tcase_add_test(tests, lists_behind_mem_info);
	tcase_add_test(tests, memcg_of_v1);
	tcase_add_test(tests, memcg_of_v2);
	tcase_add_test(tests, numbers_that_do_not_fit);
	tcase_add_test(tests, columns_by_name);
	tcase_add_test(tests, names_in_tables);
	tcase_add_test(tests, tables_with_holes);
	tcase_add_test(tests, table_that_begins_again);
	suite_add_tcase(suite, tests);
	return suite;
}
