/*
 * Streams: where reports begin and end, what joins them late, what is said to be cut, lines that
 * count right however the bytes come, other killers, and the bounds.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/oomlog_rig.h"

#define HEAD	  "x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n"
#define KILL(pid) "Out of memory: Killed process " #pid " (c) total-vm:40kB, anon-rss:20kB\n"
#define REAP(pid) "oom_reaper: reaped process " #pid " (c), now anon-rss:0kB\n"
#define TABLE                                                                                  \
	"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n" \
	"[      9]     0     9       10       11     4096        0             0 c\n"

#define TABLE2 TABLE "[      8]     0     8       10       11     4096        0             0 c\n"

static struct oomlog_rig *rig;

static void read_text(const char *text, size_t reports)
{
	rig = oomlog_rig_text(text);
	ck_assert_msg(rig->n == reports, "%zu reports in: %.200s", rig->n, text);
}

static void done(void)
{
	oomlog_rig_free(rig);
	rig = NULL;
}

/* 'n' lines of others. */
static char *with_filler(const char *before, int n, const char *after)
{
	static const char line[] =
		"Jan 25 14:59:30 ash cron[12]: a session was opened for nobody\n";
	char *text = malloc(strlen(before) + (size_t)n * strlen(line) + strlen(after) + 1);
	char *at = stpcpy(text, before);

	for (int i = 0; i < n; i++)
		at = stpcpy(at, line);
	strcpy(at, after);
	return text;
}

START_TEST(several_reports)
{
	read_text(HEAD KILL(1) REAP(1) HEAD TABLE KILL(2) "Memory cgroup out of memory: Killed "
							  "process 3 (c) total-vm:4kB\n",
		  3);
	ck_assert_uint_eq(rig->reports[0].last_line, 3);
	ck_assert_uint_eq(rig->reports[1].n_tasks, 1);
	ck_assert(!rig->reports[1].cut_head && !rig->reports[1].cut_tail);
	ck_assert(rig->reports[2].cut_head);
	ck_assert_int_eq(rig->reports[2].scope, OOM_MEMCG);
	ck_assert_uint_eq(rig->reports[2].number, 3);
	done();
}
END_TEST

START_TEST(a_group_is_one_report)
{
	read_text(HEAD "Memory cgroup out of memory: Killed process 1 (a) total-vm:4kB\n"
		       "Tasks in /g h are going to be killed due to memory.oom.group set\n"
		       "Memory cgroup out of memory: Killed process 2 (b) total-vm:4kB\n" REAP(
			       1) "Memory cgroup out of memory: Killed process 3 (c) "
				  "total-vm:4kB\n" REAP(3),
		  1);
	ck_assert_str_eq(rig->reports[0].oom_group, "/g h");
	ck_assert_uint_eq(rig->reports[0].n_kills, 5);
	done();
}
END_TEST

START_TEST(reaper_comes_late)
{
	char *text = with_filler("[    1.000001] " HEAD "[    1.000002] " KILL(1), 9000,
				 "[   12.000002] " REAP(1));
	read_text(text, 1);
	ck_assert_uint_eq(rig->reports[0].n_kills, 2);
	ck_assert_uint_eq(rig->reports[0].last_line, 9003);
	ck_assert_uint_eq(rig->reports[0].last_time.mono_us, 12000002);
	done();
	free(text);
	/* beyond the window it is known as one of a report that was told, and no new one */
	text = with_filler(HEAD KILL(1), 12000, REAP(1));
	read_text(text, 1);
	ck_assert_uint_eq(rig->reports[0].n_kills, 1);
	done();
	free(text);
}
END_TEST

START_TEST(reaper_behind_the_next_head)
{
	read_text(HEAD KILL(1) HEAD REAP(1) KILL(2) REAP(2), 2);
	ck_assert_uint_eq(rig->reports[0].n_kills, 2);
	ck_assert_uint_eq(rig->reports[1].n_kills, 2);
	ck_assert_int_eq(rig->reports[1].kills[0].pid, 2);
	done();
}
END_TEST

/* Debian 10 writes kernel errors to another file: the reaper alone names the victim. */
START_TEST(kill_line_in_another_log)
{
	read_text(HEAD TABLE REAP(9) HEAD TABLE HEAD TABLE2 REAP(8) HEAD, 4);
	ck_assert_int_eq(oom_victim(&rig->reports[0])->pid, 9);
	ck_assert(!rig->reports[0].cut_tail && rig->reports[1].cut_tail);
	ck_assert_ptr_null(oom_victim(&rig->reports[1]));
	ck_assert_int_eq(oom_victim(&rig->reports[2])->pid, 8);
	done();
}
END_TEST

START_TEST(two_cpus_at_a_time)
{
	read_text("[    1.000001][   T1] a invoked oom-killer: gfp_mask=0x1(A), order=0, "
		  "oom_score_adj=0\n[    1.000002][   T2] b invoked oom-killer: gfp_mask=0x2(B), "
		  "order=0, oom_score_adj=0\n[    1.000003][   T1] 11 pages RAM\n"
		  "[    1.000004][   T2] 22 pages RAM\n[    1.000005][   T3] 33 pages RAM\n"
		  "[    1.000006][   T2] " KILL(2) "[    1.000007][   T1] " KILL(1),
		  2);
	ck_assert_str_eq(rig->reports[0].comm, "b");
	ck_assert_int_eq(oom_victim(&rig->reports[0])->pid, 2);
	ck_assert_uint_eq(oom_figure(&rig->reports[0], "", "pages RAM")->value.raw, 22);
	ck_assert_str_eq(rig->reports[1].comm, "a");
	ck_assert_int_eq(oom_victim(&rig->reports[1])->pid, 1);
	ck_assert_uint_eq(rig->reports[1].n_figures, 1);
	done();
}
END_TEST

START_TEST(head_lost_within_a_stream)
{
	char *text =
		with_filler("", 500,
			    "[    1.000001] ** 70 printk messages dropped **\n"
			    "[    1.000002] Node 0 DMA free:4kB min:5kB\n[    1.000003] 21 pages "
			    "RAM\n[    1.000004] [  pid  ]   uid  tgid total_vm      rss "
			    "pgtables_bytes swapents oom_score_adj name\n[    1.000005] [     "
			    " 9]     0     9       10       11     4096        0             "
			    "0 c\n[    1.000006] " KILL(9));
	read_text(text, 1);
	const struct oom_report *r = &rig->reports[0];
	ck_assert(r->cut_head && r->table_complete);
	ck_assert_ptr_nonnull(oom_figure(r, "Node 0 DMA", "min"));
	ck_assert_uint_eq(r->first_line, 502);
	done();
	free(text);
}
END_TEST

START_TEST(memory_of_a_failed_allocation_is_none)
{
	char *text = with_filler("a: page allocation failure: order:5, mode:0x1\nMem-Info:\n"
				 "active_anon:1 inactive_anon:2 isolated_anon:0\n21 pages RAM\n",
				 300, "\n" HEAD "22 pages RAM\n" KILL(1));
	read_text(text, 1);
	ck_assert_uint_eq(rig->reports[0].n_figures, 1);
	ck_assert_uint_eq(rig->reports[0].first_line, 306);
	done();
	free(text);
}
END_TEST

START_TEST(losses_are_counted)
{
	read_text("Jan 25 14:59:30 ash kernel: " HEAD
		  "Jan 25 14:59:30 ash last message repeated 3 times\n"
		  "Jan 25 14:59:30 ash kernel: ** 4 printk messages dropped **\n"
		  "Jan 25 14:59:30 ash systemd-journald[2]: Missed 5 kernel messages\n"
		  "Jan 25 14:59:30 ash kernel: " KILL(1),
		  1);
	ck_assert_uint_eq(rig->reports[0].repeated, 3);
	ck_assert_uint_eq(rig->reports[0].dropped, 9);
	ck_assert_uint_eq(rig->reports[0].n_unknown, 0);
	done();
}
END_TEST

/* ---- other killers -------------------------------------------------------------------------- */

struct daemon_case {
	const char *text, *comm, *cgroup;
	enum oom_killer killer;
	int pid, uid, adj, score;
};

#define NO INT32_MIN
static const struct daemon_case daemons[] = {
	{"Jan 25 14:59:30 ash systemd-oomd[7]: Killed /u.slice/a b.scope due to memory pressure "
	 "for "
	 "/u.slice being 60.13% > 50.00% for > 20s with reclaim activity",
	 "", "/u.slice/a b.scope", OOM_SYSTEMD_OOMD, -1, -1, NO, NO},
	{"Jan 25 14:59:30 ash systemd-oomd[7]: Killed /a due to memory used (1) / total (2) and "
	 "swap "
	 "used (3) / total (4) being more than 90.00%",
	 "", "/a", OOM_SYSTEMD_OOMD, -1, -1, NO, NO},
	{"Jan 25 14:59:30 ash earlyoom[7]: sending SIGTERM to process 12 uid 1000 \"a \"b\": "
	 "badness "
	 "733, VmRSS 3 MiB",
	 "a \"b", "", OOM_EARLYOOM, 12, 1000, NO, 733},
	{"sending SIGKILL to process 12 uid 5 \"a\": oom_score 1300, oom_score_adj 300, VmRSS 3 "
	 "MiB, "
	 "cmdline \"x\": y\"",
	 "a", "", OOM_EARLYOOM, 12, 5, 300, 1300},
	{"[   12.345678] oomd kill: 81.28 80.05 42.78 system.slice/a 1000 ruleset:[r] x", "",
	 "system.slice/a", OOM_OOMD, -1, -1, NO, NO},
	{"Jan 25 14:59:30 ash nohang[7]: Sending SIGTERM to the victim", "", "", OOM_NOHANG, -1, -1,
	 NO, NO},
	{"<6>lowmemorykiller: Killing 'a.b' (12), adj 1000,\n<6>   to free 7kB on behalf of "
	 "'kswapd0' (42) because\n<6>   cache 8kB is below limit 9kB for oom_score_adj 1000\n"
	 "<6>   Free memory is 5kB above reserved",
	 "a.b", "", OOM_LOWMEMORYKILLER, 12, -1, 1000, NO},
	{"[    1.000001] lowmemorykiller: send sigkill to 12 (a b), adj 15, size 77", "a b", "",
	 OOM_LOWMEMORYKILLER, 12, -1, 15, NO},
	{"09-07 01:55:44.794   479   481 I lowmemorykiller: Kill 'com.x' (12), uid 10144, "
	 "oom_score_adj 100 to free 7kB rss, 0kB swap; reason: low",
	 "com.x", "", OOM_LOWMEMORYKILLER, 12, 10144, 100, NO},
	{"I/lowmemorykiller(  479): Killing 'com.x' (12), uid 10144, adj 900", "com.x", "",
	 OOM_LOWMEMORYKILLER, 12, 10144, 900, NO},
};

START_TEST(killers_in_user_space)
{
	const struct daemon_case *c = &daemons[_i];
	char *text = with_filler("", 100, c->text); /* found by its trigger, too */
	read_text(text, 1);
	const struct oom_report *r = &rig->reports[0];

	ck_assert_str_eq(oom_killer_name(r->killer), oom_killer_name(c->killer));
	ck_assert_uint_eq(r->n_kills, 1);
	ck_assert_str_eq(r->kills[0].comm, c->comm);
	ck_assert_str_eq(r->kills[0].cgroup, c->cgroup);
	ck_assert_int_eq(r->kills[0].pid, c->pid);
	ck_assert_int_eq(r->kills[0].uid, c->uid);
	ck_assert_int_eq(r->kills[0].oom_score_adj, c->adj);
	ck_assert_int_eq(r->kills[0].score, c->score == NO ? INT64_MIN : c->score);
	ck_assert_uint_eq(r->first_line, 101);
	ck_assert(!r->cut_head && !r->cut_tail);
	done();
	free(text);
}
END_TEST

START_TEST(daemon_within_a_kernel_report)
{
	read_text(HEAD
		  "Jan 25 14:59:30 ash earlyoom[7]: sending SIGTERM to process 12 uid 5 \"a\": "
		  "badness 7, VmRSS 3 MiB\n" KILL(1),
		  2);
	ck_assert_int_eq(rig->reports[0].killer, OOM_EARLYOOM);
	ck_assert_int_eq(rig->reports[1].killer, OOM_KERNEL);
	ck_assert_uint_eq(rig->reports[1].first_line, 1);
	uint64_t bytes;
	ck_assert(oom_bytes(&rig->reports[0], &rig->reports[0].figures[0].value, &bytes));
	ck_assert_uint_eq(bytes, 3 << 20);
	done();
}
END_TEST

/* ---- bytes ---------------------------------------------------------------------------------- */

static char *sample(size_t *ret_n)
{
	char *text = with_filler("[    1.000001] " HEAD TABLE KILL(9), 3000,
				 "[    2.000001] mkfs invoked\noom-killer: gfp_mask=0x1cc0(A|B), "
				 "order=0,\noom_score_adj=5\n[    2.000002] " KILL(8) "?\xff\n");
	*ret_n = strlen(text);
	text[*ret_n - 3] = '\0';
	return text;
}

START_TEST(any_cut_gives_the_same)
{
	static const size_t pieces[] = {1, 2, 3, 7, 64, 1000, 4096, 65536, 70000};
	size_t n;
	char *text = sample(&n);
	rig = oomlog_rig_read(text, n, 0, NULL);
	char *whole = oomlog_rig_print(rig);
	ck_assert_uint_eq(rig->n, 2);
	done();

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		rig = oomlog_rig_read(text, n, pieces[i], NULL);
		char *print = oomlog_rig_print(rig);
		ck_assert_msg(strcmp(print, whole) == 0, "differs in pieces of %zu", pieces[i]);
		free(print);
		done();
	}
	free(whole);
	free(text);
}
END_TEST

START_TEST(lines_are_counted)
{
	char *text = with_filler("", 5000, "[    1.000001] " KILL(1) "a\n\n\nlast");

	read_text(text, 1);
	ck_assert_uint_eq(rig->reports[0].first_line, 5001);
	ck_assert_uint_eq(rig->lines, 5005);
	done();
	free(text);
}
END_TEST

START_TEST(overlong_lines)
{
	enum { LONG = 200000 };
	char *text = malloc(2 * LONG + 1024), *at = text;
	size_t pieces[] = {0, 1000};

	at = stpcpy(at, KILL(1));
	memset(at, 'x', LONG);
	at += LONG;
	at = stpcpy(at, KILL(2)); /* too far behind on its line */
	at = stpcpy(at, KILL(3));
	for (size_t i = 0; i < 2; i++) {
		rig = oomlog_rig_read(text, (size_t)(at - text), pieces[i], NULL);
		ck_assert_uint_eq(rig->n, 2);
		ck_assert_uint_eq(rig->reports[1].kills[0].line, 3);
		ck_assert_uint_eq(rig->lines, 3);
		done();
	}
	free(text);
}
END_TEST

START_TEST(unknown_lines_are_bounded)
{
	enum { MANY = 1500 };
	char *text = malloc(100 + MANY * 16 + 200), *at = stpcpy(text, HEAD);

	for (int i = 0; i < MANY; i++) {
		at += sprintf(at, "zzz %d y\n", i);
		if (i % 500 == 0)
			at = stpcpy(at, "21 pages RAM\n");
	}
	strcpy(at, KILL(1));
	read_text(text, 1);
	ck_assert_uint_eq(rig->reports[0].n_unknown, OOM_UNKNOWN_MAX);
	ck_assert_uint_eq(rig->reports[0].unknown_more, MANY - OOM_UNKNOWN_MAX);
	done();
	free(text);
}
END_TEST

static int refuse(void *data, const struct oom_report *report)
{
	(*(int *)data)++;
	return report->number == 2 ? 42 : 0;
}

START_TEST(caller_may_stop)
{
	int calls = 0;
	struct oomlog *log = oomlog_new(NULL, refuse, &calls);
	static const char text[] = HEAD KILL(1) HEAD KILL(2) HEAD KILL(3) HEAD KILL(4);
	int result = oomlog_feed(log, text, strlen(text));

	ck_assert_int_eq(result, 42);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(oomlog_feed(log, text, strlen(text)), 42);
	ck_assert_int_eq(oomlog_end(log), 42);
	ck_assert_int_eq(calls, 2);
	oomlog_free(log);
}
END_TEST

START_TEST(flush_tells_what_is_complete)
{
	int calls = 0;
	struct oomlog *log = oomlog_new(NULL, refuse, &calls);

	oomlog_feed(log, HEAD, strlen(HEAD));
	ck_assert_int_eq(oomlog_flush(log), 0);
	ck_assert_int_eq(calls, 0); /* it goes on */
	oomlog_feed(log, KILL(1), strlen(KILL(1)));
	ck_assert_int_eq(oomlog_flush(log), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(oomlog_end(log), 0);
	ck_assert_int_eq(calls, 1);
	oomlog_free(log);
	oomlog_free(NULL);
}
END_TEST

Suite *oomlog_stream_suite(void);

Suite *oomlog_stream_suite(void)
{
	Suite *suite = suite_create("oomlog_stream");
	TCase *tests = tcase_create("stream");

	tcase_add_test(tests, several_reports);
	tcase_add_test(tests, a_group_is_one_report);
	tcase_add_test(tests, reaper_comes_late);
	tcase_add_test(tests, reaper_behind_the_next_head);
	tcase_add_test(tests, kill_line_in_another_log);
	tcase_add_test(tests, two_cpus_at_a_time);
	tcase_add_test(tests, head_lost_within_a_stream);
	tcase_add_test(tests, memory_of_a_failed_allocation_is_none);
	tcase_add_test(tests, losses_are_counted);
	tcase_add_loop_test(tests, killers_in_user_space, 0, sizeof(daemons) / sizeof(*daemons));
	tcase_add_test(tests, daemon_within_a_kernel_report);
	tcase_add_test(tests, any_cut_gives_the_same);
	tcase_add_test(tests, lines_are_counted);
	tcase_add_test(tests, overlong_lines);
	tcase_add_test(tests, unknown_lines_are_bounded);
	tcase_add_test(tests, caller_may_stop);
	tcase_add_test(tests, flush_tells_what_is_complete);
	suite_add_tcase(suite, tests);
	return suite;
}
