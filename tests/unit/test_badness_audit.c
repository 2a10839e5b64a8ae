/*
 * The audit against reports built by hand after real logs (the kernel is named), with their numbers
 * worked out on paper: fits, ties, children, T.
 */
#include <check.h>
#include <string.h>

#include "tests/lib/audit_rig.h"

/* ---- real reports --------------------------------------------------------------------------- */

/* 3.13.0-57 (Ubuntu): the number says 3.8's root bonus, 482; the score only fits 3.14's, 496. */
START_TEST(trusty_has_the_bonus_of_3_14)
{
	struct audit_rig *rig = audit_rig_new("3.13.0-57-generic", OOM_GLOBAL, COLS_PTES);
	struct audit audit;

	audit_rig_machine(rig, 130972, 5503, 0);
	audit_rig_row(rig, 1, 0, 90000, 10, 0, 0, "init");
	audit_rig_row(rig, 900, 0, 99999, 5, 0, -1000, "sshd");
	audit_rig_row(rig, 1001, 33, 20000, 50, 0, 0, "apache2");
	audit_rig_row(rig, 2512, 0, 63979, 270, 0, 0, "python");
	audit_rig_killed(rig, 2512, 496);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	ck_assert_int_eq(audit.generation, BADNESS_3_14);
	ck_assert(audit.fitted);
	ck_assert(audit.root_bonus);
	ck_assert_uint_eq(audit.total_pages, 125469);
	ck_assert_int_eq(audit.points, 62322);
	ck_assert_int_eq(audit.computed_score, 496);
	ck_assert_int_eq(audit.best_pid, 1001);
	ck_assert_int_eq(audit.margin, 62322 - 20050);
	ck_assert_uint_eq(audit.n_eligible, 2);
	ck_assert_int_eq(audit.row_points[0], BADNESS_NEVER);
	ck_assert_int_eq(audit.row_points[1], BADNESS_NEVER);
	ck_assert_ptr_nonnull(strstr(audit.why, "496 comes out exactly"));
	audit_rig_done(rig, &audit);
}
END_TEST

/* 6.12 in a group: who runs swapoff is taken before badness is looked at. */
START_TEST(swapoff_is_not_weighed)
{
	struct audit_rig *rig = audit_rig_new("6.12.118+deb13-cloud-amd64", OOM_MEMCG, COLS_BYTES);
	struct audit audit;

	audit_rig_row(rig, 125, 0, 50000, 11400, 0, 0, "locker");
	audit_rig_row(rig, 126, 0, 700, 500, 0, 0, "swapoff");
	audit_rig_killed(rig, 126, -1);
	rig->report.swapoff = true;
	rig->report.invoker_pid = 126;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "runs swapoff"));
	audit_rig_done(rig, &audit);
}
END_TEST

/* 4.8.0 in docker: uid 0 without the bonus, T is the memory+swap limit, the score above 1000. */
START_TEST(docker_root_has_no_bonus)
{
	struct audit_rig *rig = audit_rig_new("4.8.0-gentoo", OOM_MEMCG, COLS_PMDS);
	struct audit audit;

	audit_rig_figure(rig, "/docker/a", "limit", 20480, OOM_KB);
	audit_rig_figure(rig, "/docker/a", "memory+swap limit", 40960, OOM_KB);
	audit_rig_row(rig, 1381, 0, 5191, 34, 5489, 0, "gunpowder-memho")->nr_pmds = 4;
	audit_rig_killed(rig, 1381, 1046);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	ck_assert_int_eq(audit.generation, BADNESS_4_7);
	ck_assert(!audit.root_bonus);
	ck_assert_int_eq(audit.points, 10718);
	audit_rig_done(rig, &audit);
}
END_TEST

/* 4.19.0-16: npm was chosen with 130, its child git died. */
START_TEST(a_child_died_for_npm)
{
	struct audit_rig *rig = audit_rig_new("4.19.0-16-amd64", OOM_GLOBAL, COLS_BYTES);
	struct audit audit;

	audit_rig_machine(rig, 262010, 9286, 0);
	audit_rig_row(rig, 5996, 0, 32050, 4108288, 0, 0, "npm install moc");
	audit_rig_row(rig, 6111, 0, 56, 61440, 0, 0, "git");
	audit_rig_row(rig, 700, 0, 25000, 600000, 0, 0, "beam.smp");
	audit_rig_deed(rig, OOM_SELECTED, 5996, 130);
	audit_rig_deed(rig, OOM_KILLED, 6111, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_CHILD);
	ck_assert_int_eq(audit.chosen_pid, 5996);
	ck_assert_int_eq(audit.victim_pid, 6111);
	ck_assert_int_eq(audit.computed_score, 130);
	ck_assert_int_eq(audit.points, 33053);
	audit_rig_done(rig, &audit);
}
END_TEST

/* 5.8.0-rc4-next-20200710: adj -900 with a page was killed, 26.5 million pages were spared. */
START_TEST(the_bug_of_5_8_next_is_found)
{
	struct audit_rig *rig = audit_rig_new("5.8.0-rc4-next-20200710", OOM_GLOBAL, COLS_BYTES);
	struct audit audit;

	audit_rig_machine(rig, 31426000, 600000, 0);
	audit_rig_row(rig, 4000, 81, 1, 4096, 0, -900, "dbus-daemon");
	audit_rig_row(rig, 5000, 0, 26500000, 212000000, 0, 0, "hog");
	audit_rig_row(rig, 4001, 0, 900, 90000, 0, 0, "agetty");
	audit_rig_killed(rig, 4000, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	ck_assert_int_eq(audit.best_pid, 5000);
	ck_assert_uint_eq(audit.rank, 3);
	ck_assert_int_lt(audit.margin, -26000000);
	ck_assert_ptr_nonnull(strstr(audit.why, "NOT explained"));
	ck_assert_ptr_nonnull(strstr(audit.why, "hog"));
	/* nor with part of the table, or by the next generation */
	rig->report.table_complete = false;
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_rig_done(rig, &audit);
}
END_TEST

/* Kubernetes before 5.9: all of a Guaranteed pod are at -998, clamped to 1; the first one dies. */
START_TEST(a_pod_at_minus_998_is_a_tie)
{
	struct audit_rig *rig = audit_rig_new("4.15.0", OOM_MEMCG, COLS_BYTES);
	struct audit audit;

	audit_rig_figure(rig, "/kubepods/pod1", "limit", 204800, OOM_KB);
	audit_rig_row(rig, 100, 0, 1, 4096, 0, -998, "pause");
	audit_rig_row(rig, 101, 0, 40000, 400000, 0, -998, "java");
	audit_rig_row(rig, 102, 0, 3000, 90000, 0, -998, "sh");
	audit_rig_killed(rig, 100, 0);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_TIE);
	ck_assert_uint_eq(audit.n_ties, 3);
	ck_assert_int_eq(audit.points, 1);
	audit_rig_done(rig, &audit);
}
END_TEST

/* 2.6.32-642.el6: 54549 of 8731104 pages, score 6, and rows of the same per mille. */
START_TEST(el6_is_per_mille)
{
	struct audit_rig *rig = audit_rig_new("2.6.32-642.11.1.el6.x86_64", OOM_GLOBAL, COLS_EL6);
	struct audit audit;

	audit_rig_machine(rig, 8388607, 181790, 2097148);
	audit_rig_row(rig, 13929, 1002, 54549, 0, 0, 0, "php-fpm")->oom_adj = 0;
	audit_rig_row(rig, 13930, 1002, 60000, 0, 0, 0, "php-fpm")->oom_adj = 0;
	audit_rig_row(rig, 13931, 1002, 40000, 0, 0, 0, "php-fpm")->oom_adj = 0;
	audit_rig_killed(rig, 13929, 6);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_TIE);
	ck_assert_int_eq(audit.generation, BADNESS_2_6_36);
	ck_assert_int_eq(audit.computed_score, 6);
	ck_assert_uint_eq(audit.n_ties, 2);
	ck_assert_uint_eq(audit.total_pages, 8731104);
	/* whoever of them is the first */
	audit_clear(&audit);
	rig->kills[0].pid = rig->kills[1].pid = 13930;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_TIE);
	ck_assert_ptr_nonnull(strstr(audit.why, "13929"));
	rig->kills[0].pid = rig->kills[1].pid = 13929;
	/* 5 to 6 while 961 rows took 20 s: drift, not a mistake */
	audit_clear(&audit);
	rig->rows[0].rss = 52000;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	ck_assert_int_eq(audit.computed_score, 5);
	/* and a victim that is in swap, for which el6 has no column */
	audit_clear(&audit);
	rig->rows[0].rss = 3000;
	rig->rows[0].total_vm = 200000;
	rig->kills[0].score = 16;
	audit_rig_figure(rig, "", "Free swap", 0, OOM_KB);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	ck_assert_ptr_nonnull(strstr(audit.why, "swap"));
	audit_rig_done(rig, &audit);
}
END_TEST

/* ---- ties ----------------------------------------------------------------------------------- */

START_TEST(ties_go_by_the_rule)
{
	struct audit_rig *rig = audit_rig_new("6.18.44", OOM_MEMCG, COLS_BYTES);
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 65536, OOM_KB);
	audit_rig_row(rig, 100, 0, 8000, 40960, 0, 0, "first");
	audit_rig_row(rig, 101, 0, 8000, 40960, 0, 0, "last");
	audit_rig_killed(rig, 101, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_TIE);
	ck_assert_uint_eq(audit.total_pages, 0); /* all adj equal: not needed */
	ck_assert_int_eq(audit.margin, 0);
	audit_clear(&audit);
	rig->report.summary_pid = rig->kills[0].pid = 100;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	ck_assert_ptr_nonnull(strstr(audit.why, "pid 101 (last) would be taken"));
	audit_rig_done(rig, &audit);
}
END_TEST

/* ---- T -------------------------------------------------------------------------------------- */

/* 3.13.0 in a memcg: 8340936 points and score 996 leave a T of about 31.9 GiB. */
START_TEST(total_is_solved_from_the_score)
{
	struct audit_rig *rig = audit_rig_new("3.13.0", OOM_MEMCG, COLS_PTES);
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 32000000, OOM_KB);
	audit_rig_row(rig, 100, 1000, 8320000, 20936, 0, 0, "hog");
	audit_rig_row(rig, 101, 1000, 10, 5, 0, 500, "other");
	audit_rig_killed(rig, 100, 996);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	ck_assert_str_eq(audit.total_from, "solved from the score");
	/* the smallest with 996: 8340936000 / 997 = 8366034.1 */
	ck_assert_uint_eq(audit.total_pages, 8366035);
	ck_assert_int_eq(audit.computed_score, 996);
	audit_rig_done(rig, &audit);
}
END_TEST

/* A limit of 25600 pages and unknown swap: T is 25600 or more. */
START_TEST(bounds_of_total_decide_or_not)
{
	struct audit_rig *rig = audit_rig_new("5.10.0", OOM_MEMCG, COLS_BYTES);
	const struct audit_options known = {.total_swap_pages = 0, .cpus = 2};
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 102400, OOM_KB);
	audit_rig_row(rig, 100, 0, 20000, 4096, 0, 0, "large");
	audit_rig_row(rig, 101, 0, 5000, 4096, 0, 900, "weighed");
	audit_rig_killed(rig, 101, INT64_MIN);
	/* 5001 + 900 * 25 = 27501, and more with every T */
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	/* 5001 + 200 * 25 = 10001: higher from T = 75000 on */
	audit_clear(&audit);
	rig->rows[1].oom_score_adj = 200;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "depends on T"));
	/* no swap: 10001 against 20001, and counters of a few threads do not make 10000 pages */
	audit_clear(&audit);
	audit = audit_rig_run(rig, &known);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	ck_assert_str_eq(audit.total_from, "limit");
	ck_assert_uint_eq(audit.total_pages, 25600);
	audit_rig_done(rig, &audit);
}
END_TEST

Suite *badness_audit_suite(void);

Suite *badness_audit_suite(void)
{
	Suite *suite = suite_create("badness_audit");
	TCase *tests = tcase_create("audit");

	tcase_add_test(tests, trusty_has_the_bonus_of_3_14);
	tcase_add_test(tests, swapoff_is_not_weighed);
	tcase_add_test(tests, docker_root_has_no_bonus);
	tcase_add_test(tests, a_child_died_for_npm);
	tcase_add_test(tests, the_bug_of_5_8_next_is_found);
	tcase_add_test(tests, a_pod_at_minus_998_is_a_tie);
	tcase_add_test(tests, el6_is_per_mille);
	tcase_add_test(tests, ties_go_by_the_rule);
	tcase_add_test(tests, total_is_solved_from_the_score);
	tcase_add_test(tests, bounds_of_total_decide_or_not);
	suite_add_tcase(suite, tests);
	return suite;
}
