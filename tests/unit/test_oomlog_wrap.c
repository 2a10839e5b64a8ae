/*
 * Logs that were wrapped, reflowed, glued or escaped on their way: messages must come out whole,
 * each figure with the line on which it stands.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/oomlog_rig.h"

#define HEAD  "x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n"
#define TABLE "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"

static struct oomlog_rig *rig;

static const struct oom_report *one(const char *text)
{
	rig = oomlog_rig_text(text);
	ck_assert_msg(rig->n == 1, "%zu reports in: %s", rig->n, text);
	return &rig->reports[0];
}

static void done(void)
{
	oomlog_rig_free(rig);
	rig = NULL;
}

static void says(const struct oom_report *r, const char *where, const char *name, uint64_t raw,
		 uint64_t line)
{
	const struct oom_figure *figure = oom_figure(r, where, name);

	ck_assert_msg(figure != NULL, "no '%s' of '%s'", name, where);
	ck_assert_msg(figure->value.raw == raw && figure->value.line == line,
		      "'%s' of '%s': %lu at %lu", name, where, (unsigned long)figure->value.raw,
		      (unsigned long)figure->value.line);
}

START_TEST(header_over_three_lines)
{
	static const char *const texts[] = {
		"[    1.000001] mkfs.ext4 invoked\noom-killer: gfp_mask=0x1cc0(A|B), order=0,\n"
		"oom_score_adj=5\n[    1.000002] Out of memory: Killed process 9 (c)\n",
		"[    1.000001] mkfs.ext4 invoked oom-killer: \ngfp_mask=0x1cc0(A|B), order=0, \n"
		"oom_score_adj=5\n[    1.000002] Out of memory: Killed\nprocess 9 (c)\n",
		"some tool: [    1.000001] mkfs.ext4 invoked\noom-killer: gfp_mask=0x1cc0(A|B), "
		"order=0,\noom_score_adj=5\n[    1.000002] Out of memory: Killed process 9\n(c)\n",
		NULL};

	for (int i = 0; texts[i]; i++) {
		const struct oom_report *r = one(texts[i]);
		ck_assert_str_eq(r->comm, "mkfs.ext4");
		ck_assert_str_eq(r->gfp_flags, "A|B");
		ck_assert_int_eq(r->order, 0);
		ck_assert_int_eq(r->oom_score_adj, 5);
		ck_assert_uint_eq(r->first_line, 1);
		ck_assert_int_eq(oom_victim(r)->pid, 9);
		ck_assert_str_eq(oom_victim(r)->comm, "c");
		done();
	}
}
END_TEST

START_TEST(lines_of_a_mailer)
{
	const struct oom_report *r = one(
		"<4>[    1.000001] " HEAD "<4>[    1.000002] Mem-Info:\n"
		"<4>[    1.000003] Node 0 DMA free:4kB min:5kB\nlow:6kB\npagetables:7kB\n"
		"<4>[    1.000004] Node 0 DMA: 1*4kB (U) 2*8kB\n(UM) 0*16kB = 20kB\n"
		"<4>[    1.000005] Node 0 hugepages_total=1\nhugepages_free=2 hugepages_surp=0\n"
		"hugepages_size=2048kB\n<4>[    1.000006] 0 pages\nHighMem/MovableOnly\n"
		"<6>[    1.000007] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes\n"
		"swapents oom_score_adj name\n<6>[    1.000008] [      9]     0     9       10\n"
		"11     4096        0             0 (sd-pam)\n"
		"<6>[    1.000009]\noom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),\n"
		"cpuset=/,mems_allowed=\n0,global_oom,task_memcg=/a,task=c,pid=9,uid=3\n"
		"<3>[    1.000010] Out of memory: Killed process 9 (c)\ntotal-vm:40kB, "
		"anon-rss:20kB,\nshmem-rss:1kB, UID:3\npgtables:4kB "
		"oom_score_adj:-7\n\nThanks,\nme\n");

	says(r, "Node 0 DMA", "low", 6, 4);
	says(r, "Node 0 DMA", "pagetables", 7, 5);
	says(r, "Node 0 DMA", "free lists", 20, 7);
	says(r, "Node 0", "hugepages_free", 2, 9);
	says(r, "", "pages HighMem/MovableOnly", 0, 11);
	ck_assert_uint_eq(r->n_tasks, 1);
	ck_assert_str_eq(r->tasks[0].name, "(sd-pam)");
	ck_assert(r->table_complete);
	ck_assert_str_eq(r->mems_allowed, "0");
	ck_assert_int_eq(r->summary_pid, 9);
	const struct oom_kill *kill = oom_victim(r);
	ck_assert_uint_eq(kill->anon_rss.raw, 20);
	ck_assert_uint_eq(kill->anon_rss.line, 22);
	ck_assert_uint_eq(kill->pgtables.raw, 4);
	ck_assert_uint_eq(kill->pgtables.line, 24);
	ck_assert_int_eq(kill->oom_score_adj, -7);
	ck_assert_uint_eq(r->n_unknown, 0);
	ck_assert_uint_eq(r->last_line, 24);
	done();
}
END_TEST

/* A terminal of 80 columns breaks within words. */
START_TEST(lines_of_a_terminal)
{
	const struct oom_report *r = one(
		"x invoked oom-killer: gfp_mask=0xd0, order=1, oom_adj=0\nMem-Info:\n"
		"Node 0 DMA free:4036kB min:60kB low:72kB high:88kB active_anon:3228kB inactive_a\n"
		"non:256kB present:15356kB pages_scanned:0 all_unreclaimable? no\n"
		"lowmem_reserve[]: 0 994\n"
		"Node 0 DMA: 1*4kB 2*8kB 1*16kB 0*32kB 1*64kB 2*128kB 0*256kB 1*512kB 1*1024kB 1*\n"
		"2048kB 0*4096kB = 3940kB\n437 total pagecache pages\nKilled process 9 (c)\n");

	says(r, "Node 0 DMA", "inactive_anon", 256, 3);
	says(r, "Node 0 DMA", "present", 15356, 4);
	says(r, "Node 0 DMA", "2048kB", 1, 6);
	says(r, "", "total pagecache pages", 437, 8);
	ck_assert_uint_eq(r->n_unknown, 0);
	done();
}
END_TEST

START_TEST(paragraphs_of_records)
{
	const struct oom_report *r =
		one("Jan 25 14:59:30 ash kernel: a tuned invoked oom-killer:\n"
		    "gfp_mask=0xcc0(A), order=0, oom_score_adj=0 Jan 25 14:59:30 ash.\n"
		    "Jan 25 14:59:30 ash kernel: Call Trace: Jan 25 14:59:30 ash-\n"
		    "b.example kernel:  dump_stack+0x5c/0x80 Jan 25\n"
		    "14:59:30 ash kernel:  dump_header+0x51/0x308 Jan 25 14:59:30 ash\n"
		    "kernel: Mem-Info: Jan 25 14:59:30 ash kernel: 91830\npages reserved Jan 25\n"
		    "14:59:31 ash kernel: Out of memory: Killed process 9 (c)\n"
		    "total-vm:40kB, anon-rss:20kB, file-rss:0kB, shmem-rss:0kB,\n"
		    "UID:0 Jan 25 14:59:34 ash systemd[1]: c.service: Main\nprocess exited\n");

	ck_assert_str_eq(r->comm, "a tuned");
	ck_assert_int_eq(r->oom_score_adj, 0);
	says(r, "", "pages reserved", 91830, 6);
	const struct oom_kill *kill = oom_victim(r);
	ck_assert_int_eq(kill->pid, 9);
	ck_assert_int_eq(kill->uid, 0);
	ck_assert_uint_eq(kill->line, 8);
	ck_assert_str_eq(kill->time.text, "Jan 25 14:59:31");
	done();
}
END_TEST

START_TEST(glued_messages)
{
	rig = oomlog_rig_text("Killed process 7 (a)Out of memory: kill process 8 (b) score 9 or a "
			      "childKilled process 8 (b)Killed process 8 (b)\n");
	ck_assert_uint_eq(rig->n, 2);
	ck_assert_str_eq(rig->reports[0].kills[0].comm, "a");
	ck_assert_uint_eq(rig->reports[0].n_kills, 1);
	ck_assert_int_eq(oom_selected(&rig->reports[1])->score, 9);
	ck_assert_uint_eq(rig->reports[1].n_kills, 3);
	done();
	const struct oom_report *r = one("[    1.000001] " HEAD "[    1.000002] Mem-Info:[    "
					 "1.000003] 21 pages RAM[    1.000004] Out of memory: "
					 "Killed process 9 (c)[    1.000005] oom_reaper: reaped "
					 "process 9 (c), now anon-rss:0kB\n");
	says(r, "", "pages RAM", 21, 2);
	ck_assert_uint_eq(r->n_kills, 2);
	ck_assert_uint_eq(r->kills[1].time.mono_us, 1000005);
	done();
}
END_TEST

START_TEST(escaped_newlines)
{
	static const char *const texts[] = {
		"Jan 25 14:59:30 ash kernel: " HEAD
		"Jan 25 14:59:30 ash kernel: active_anon:1 inactive_anon:2#012 active_file:3 "
		"inactive_file:4#012 free:5\nJan 25 14:59:30 ash kernel: Out of memory: Killed "
		"process 9 (c)\n",
		"4,1,1000,-;" HEAD "4,2,1001,-;active_anon:1 inactive_anon:2\\x0a active_file:3 "
		"inactive_file:4\\x0a free:5\n3,3,1002,-;Out of memory: Killed process 9 (c)\n",
		"{\"MESSAGE\":\"x invoked oom-killer: gfp_mask=0xcc0(A), order=0, "
		"oom_score_adj=0\"}\n{\"MESSAGE\":\"active_anon:1 inactive_anon:2\\n "
		"active_file:3 inactive_file:4\\n free:5\"}\n{\"MESSAGE\":\"Out of memory: Killed "
		"process 9 (c)\"}\n",
		NULL};

	for (int i = 0; texts[i]; i++) {
		const struct oom_report *r = one(texts[i]);
		says(r, "", "inactive_anon", 2, 2);
		says(r, "", "inactive_file", 4, 2);
		says(r, "", "free", 5, 2);
		ck_assert_int_eq(oom_victim(r)->pid, 9);
		ck_assert_uint_eq(r->n_unknown, 0);
		done();
	}
}
END_TEST

START_TEST(parts_of_a_container_runtime)
{
	static const char *const texts[] = {
		"2025-02-03T04:05:06Z stderr P [    1.000001] Out of memory: Killed process 9 (c)\n"
		"2025-02-03T04:05:06Z stderr P  total-vm:40kB, anon-\n"
		"2025-02-03T04:05:06Z stderr F rss:20kB\n",
		"{\"log\":\"Out of memory: Killed process 9 (c) total-vm:40kB, an\"}\n"
		"{\"log\":\"on-rss:20kB\\n\"}\n",
		NULL};

	for (int i = 0; texts[i]; i++) {
		const struct oom_report *r = one(texts[i]);
		ck_assert_uint_eq(oom_victim(r)->total_vm.raw, 40);
		ck_assert_uint_eq(oom_victim(r)->anon_rss.raw, 20);
		done();
	}
}
END_TEST

START_TEST(unknown_lines_are_kept)
{
	const struct oom_report *r = one(
		"[    1.000001] " HEAD "[    1.000002] Call Trace:\n[    1.000003]  "
		"dump_stack+0x1/0x2\n[    1.000004] RAX: 0000000000000000 RBX: 00000000008706c0\n"
		"[    1.000005] Code: 12 34 <56>\n[    1.000006] Modules linked in: a b\n"
		"[    1.000007] eth0: link down\n[    1.000008] app[12]: hello\n"
		"[    1.000009] Out of memory: Killed process 9 (c)\n[    1.000010] behind it\n");

	ck_assert_uint_eq(r->n_unknown, 2);
	ck_assert_uint_eq(r->unknown[0].line, 7);
	ck_assert_str_eq(r->unknown[0].text, "eth0: link down");
	ck_assert_str_eq(r->unknown[1].text, "app[12]: hello");
	ck_assert_uint_eq(r->last_line, 9);
	done();
}
END_TEST

Suite *oomlog_wrap_suite(void);

Suite *oomlog_wrap_suite(void)
{
	Suite *suite = suite_create("oomlog_wrap");
	TCase *tests = tcase_create("wrap");

	tcase_add_test(tests, header_over_three_lines);
	tcase_add_test(tests, lines_of_a_mailer);
	tcase_add_test(tests, lines_of_a_terminal);
	tcase_add_test(tests, paragraphs_of_records);
	tcase_add_test(tests, glued_messages);
	tcase_add_test(tests, escaped_newlines);
	tcase_add_test(tests, parts_of_a_container_runtime);
	tcase_add_test(tests, unknown_lines_are_kept);
	suite_add_tcase(suite, tests);
	return suite;
}
