/*
 * The badness rules: which generation a kernel is, and its points and scores, against numbers of
 * real reports worked out by hand and against the arithmetic of the kernel's source.
 */
#include <check.h>
#include <errno.h>

#include "harness/oomlog/badness.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int64_t points(enum badness_generation generation, struct badness_task task, uint64_t total)
{
	return badness_points(badness_rules(generation), &task, total);
}

static int64_t score(enum badness_generation generation, struct badness_task task, uint64_t total)
{
	return badness_printed_score(badness_rules(generation), points(generation, task, total),
				     total);
}

/* ---- generations ---------------------------------------------------------------------------- */

START_TEST(versions_have_generations)
{
	static const struct {
		const char *version;
		enum badness_generation generation;
	} cases[] = {
		{"2.4.5", BADNESS_2_6_9},
		{"2.6.8.1", BADNESS_2_6_9},
		{"2.6.10", BADNESS_2_6_9},
		{"2.6.17", BADNESS_2_6_11},
		{"2.6.18-274.7.1.el5", BADNESS_2_6_18},
		{"2.6.21", BADNESS_2_6_20},
		{"2.6.31-rc1", BADNESS_2_6_22},
		{"2.6.32-5-amd64", BADNESS_2_6_22},
		{"2.6.32-431.11.2.el6.x86_64", BADNESS_2_6_36},
		{"2.6.38", BADNESS_2_6_36},
		{"2.6.39.4", BADNESS_2_6_39},
		{"3.1.3", BADNESS_2_6_39},
		{"3.4.113", BADNESS_3_2},
		{"3.7", BADNESS_3_5},
		{"3.10.32", BADNESS_3_8},
		{"3.10.33", BADNESS_3_14},
		{"3.10.0-1062.el7.x86_64", BADNESS_3_14},
		{"3.10.0", BADNESS_3_8},
		{"3.13.0-57-generic", BADNESS_3_8},
		{"3.13.10", BADNESS_3_14},
		{"3.19.8", BADNESS_3_14},
		{"4.6.2", BADNESS_4_0},
		{"4.8.0-gentoo", BADNESS_4_7},
		{"4.14.177", BADNESS_4_9},
		{"4.16.13", BADNESS_4_15},
		{"4.18.0-553.el8", BADNESS_4_17},
		{"5.0", BADNESS_4_17},
		{"5.1-rc2", BADNESS_5_1},
		{"5.8.0-rc4-next-20200710", BADNESS_5_3},
		{"5.9.0-rc6", BADNESS_5_9},
		{"5.10.0-10-amd64", BADNESS_5_9},
		{"6.18.44", BADNESS_5_9},
		{"7.3-rc7", BADNESS_5_9},
	};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum badness_generation generation = BADNESS_GENERATIONS;

		ck_assert_int_eq(badness_generation(cases[i].version, &generation, &err), 0);
		ck_assert_msg(generation == cases[i].generation, "%s is '%s'", cases[i].version,
			      badness_rules(generation)->name);
	}
}
END_TEST

START_TEST(no_version_is_an_error)
{
	static const char *const bad[] = {"", "5", "linux", "5.", ".5", "99999999999999.1"};
	enum badness_generation generation;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err err = ERR_INIT;

		ck_assert_int_eq(badness_generation(bad[i], &generation, &err), -EINVAL);
		ck_assert_int_eq(badness_generation_parse(bad[i], &generation, &err), -EINVAL);
		ck_assert_str_ne(err.text, "");
	}
}
END_TEST

START_TEST(generations_by_name)
{
	static const struct {
		const char *text;
		enum badness_generation generation; /* BADNESS_GENERATIONS: an error */
	} cases[] = {
		{"5.9", BADNESS_5_9},
		{"5.9+", BADNESS_5_9},
		{"6.1", BADNESS_5_9},
		{"4.17-5.0", BADNESS_4_17},
		{"3.5-3.13", BADNESS_3_5},
		{"3.10", BADNESS_3_8},
		{"2.6.36-3.4", BADNESS_2_6_36},
		{"5.0-4.17", BADNESS_GENERATIONS},
		{"5.9 off", BADNESS_GENERATIONS},
		{"4.17-", BADNESS_GENERATIONS},
		{"4.17-x", BADNESS_GENERATIONS},
	};
	const char *const *names = badness_generation_names();

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum badness_generation generation = BADNESS_GENERATIONS;
		struct err err = ERR_INIT;
		int r = badness_generation_parse(cases[i].text, &generation, &err);

		ck_assert_msg(generation == cases[i].generation, "'%s'", cases[i].text);
		ck_assert_int_eq(r, generation == BADNESS_GENERATIONS ? -EINVAL : 0);
	}
	for (size_t i = 0; i < BADNESS_GENERATIONS; i++) {
		enum badness_generation generation = BADNESS_GENERATIONS;
		struct err err = ERR_INIT;

		ck_assert_str_eq(names[i], badness_rules((enum badness_generation)i)->name);
		ck_assert_uint_eq(badness_rules((enum badness_generation)i)->generation, i);
		ck_assert_int_eq(badness_generation_parse(names[i], &generation, &err), 0);
		ck_assert_uint_eq(generation, i);
	}
	ck_assert_ptr_null(names[BADNESS_GENERATIONS]);
}
END_TEST

START_TEST(counter_errors_by_version)
{
	ck_assert_int_eq(badness_counters("2.6.33"), BADNESS_EXACT);
	ck_assert_int_eq(badness_counters("2.6.34"), BADNESS_PER_THREAD);
	ck_assert_int_eq(badness_counters("6.1.176"), BADNESS_PER_THREAD);
	ck_assert_int_eq(badness_counters("6.2"), BADNESS_PER_CPU);
	ck_assert_int_eq(badness_counters("6.19.1"), BADNESS_PER_CPU);
	ck_assert_int_eq(badness_counters("7.0"), BADNESS_EXACT);
	ck_assert_int_eq(badness_counters("?"), BADNESS_PER_THREAD);
	/* 2 CPUs: 64 pages a counter; 256: 131072 */
	ck_assert_uint_eq(badness_counter_error(BADNESS_PER_CPU, 2, 1), 4 * 64);
	ck_assert_uint_eq(badness_counter_error(BADNESS_PER_CPU, 256, 1), 4 * 131072);
	ck_assert_uint_eq(badness_counter_error(BADNESS_PER_CPU, 0, 0), 4 * 128 * 64);
	ck_assert_uint_eq(badness_counter_error(BADNESS_PER_THREAD, 2, 3), 192);
	ck_assert_uint_eq(badness_counter_error(BADNESS_EXACT, 2, 3), 0);
}
END_TEST

/* ---- up to 2.6.35 --------------------------------------------------------------------------- */

START_TEST(raw_points_of_2_6_9)
{
	struct badness_task task = {.total_vm_pages = 90000};

	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 90000);
	task.cpu_units = 120; /* isqrt: 10 */
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 9000);
	task.run_units = 1000; /* isqrt 31, isqrt 5 */
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 1800);
	task.nice = 5;
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 3600);
	task.nice = -5; /* nothing */
	task.privileged = 1;
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 450);
	task.rawio = true;
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 112);
	task.oom_adj = -17; /* there is no such file yet */
	task.children_vm_pages[0] = 5000;
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 112);
	task.total_vm_pages = 40; /* 40/10/5/4/4: 0 points are never chosen */
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), BADNESS_NEVER);
	ck_assert_int_eq(points(BADNESS_2_6_11, task, 0), BADNESS_NEVER);
	task.oom_adj = 0;
	task.children_vm_pages[0] = 0;
	ck_assert_int_eq(points(BADNESS_2_6_11, task, 0), 0);
}
END_TEST

START_TEST(raw_points_of_children_and_oom_adj)
{
	struct badness_task task = {.total_vm_pages = 1000, .children_vm_pages = {600, 302}};

	ck_assert_int_eq(points(BADNESS_2_6_11, task, 0), 1600);
	ck_assert_int_eq(points(BADNESS_2_6_18, task, 0), 1302);
	task.oom_adj = 3;
	ck_assert_int_eq(points(BADNESS_2_6_22, task, 0), 10416);
	task.oom_adj = -4;
	ck_assert_int_eq(points(BADNESS_2_6_22, task, 0), 81);
	task.oom_adj = -17;
	ck_assert_int_eq(points(BADNESS_2_6_22, task, 0), BADNESS_NEVER);
	task = (struct badness_task){.oom_adj = 15};
	ck_assert_int_eq(points(BADNESS_2_6_20, task, 0), 0);
	ck_assert_int_eq(points(BADNESS_2_6_22, task, 0), 32768);
}
END_TEST

START_TEST(tasks_of_other_nodes)
{
	struct badness_task task = {.total_vm_pages = 800, .rss_pages = 800, .other_nodes = true};

	ck_assert_int_eq(points(BADNESS_2_6_18, task, 0), BADNESS_NEVER);
	ck_assert_int_eq(points(BADNESS_2_6_20, task, 0), 100);
	ck_assert_int_eq(points(BADNESS_2_6_36, task, 1000), BADNESS_NEVER);
	ck_assert_int_eq(points(BADNESS_5_9, task, 1000), BADNESS_NEVER);
}
END_TEST

/* ---- per mille ------------------------------------------------------------------------------ */

/* 2.6.32-642.el6: php-fpm, 54549 pages of 8388607 - 181790 and 2097148 kB of swap: score 6. */
START_TEST(permille_of_a_real_report)
{
	struct badness_task task = {.rss_pages = 54549, .table_pages = 99999};
	uint64_t total = 8388607 - 181790 + 2097148 / 4;

	ck_assert_int_eq(score(BADNESS_2_6_36, task, total), 6);
	task.privileged = 1; /* 6 - 30 */
	ck_assert_int_eq(score(BADNESS_2_6_36, task, total), 1);
	task.oom_score_adj = 300;
	ck_assert_int_eq(score(BADNESS_2_6_36, task, total), 276);
	task.oom_score_adj = 1000;
	task.privileged = 0;
	ck_assert_int_eq(score(BADNESS_2_6_36, task, total), 1000);
	task.oom_score_adj = -1000;
	ck_assert_int_eq(points(BADNESS_2_6_36, task, total), BADNESS_NEVER);
}
END_TEST

START_TEST(page_tables_count_from_2_6_39)
{
	struct badness_task task = {.rss_pages = 100, .swap_pages = 50, .table_pages = 25};

	ck_assert_int_eq(points(BADNESS_2_6_36, task, 1000), 150);
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 1000), 175);
	ck_assert_int_eq(points(BADNESS_3_2, task, 1000), 175);
	task.privileged = 1;
	ck_assert_int_eq(points(BADNESS_3_2, task, 1000), 145);
}
END_TEST

/* 24303939 pages (92 GiB), the hog for which points became a long: the int product wraps to
 * -1465864776. It is divided as an unsigned long, 18446744072243686840, and the quotient cut to an
 * int: by 2^24 that is 1099511627688, cut -88, and the hog gets 1 point; other totals leave
 * anything, by 3 more than 1000. */
START_TEST(the_product_of_2_6_39_overflows)
{
	struct badness_task task = {.rss_pages = 24303939};

	ck_assert_int_eq(points(BADNESS_3_2, task, 24700000), 983);
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 1 << 24), 1);
	task.oom_score_adj = 100; /* -88 + 100 */
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 1 << 24), 12);
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 3), 1000);
	task.oom_score_adj = 0;
	/* the last that fits, and the first that does not */
	task.rss_pages = 2147483;
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 1 << 22), 511);
	task.rss_pages = 2147484;
	ck_assert_int_eq(points(BADNESS_2_6_39, task, 1 << 22), 1);
	ck_assert_int_eq(points(BADNESS_3_2, task, 1 << 22), 512);
}
END_TEST

/* ---- pages ---------------------------------------------------------------------------------- */

START_TEST(printed_scores_of_real_reports)
{
	static const struct {
		const char *what;
		enum badness_generation generation;
		int privileged;
		uint64_t rss, swap, tables, total;
		int64_t points, score;
	} cases[] = {
		{"3.13.0-27 badsysprogram, uid 1020", BADNESS_3_8, 0, 398810, 0, 788,
		 445340 - 10614, 399598, 919},
		{"3.13.0-57 python of root", BADNESS_3_14, 1, 63979, 0, 270, 130972 - 5503, 62322,
		 496},
		{"the same with 3 % of all memory", BADNESS_3_8, 1, 63979, 0, 270, 130972 - 5503,
		 60499, 482},
		{"3.10.0-514.el7 yum-cron of root", BADNESS_3_14, 1, 37344, 0, 206, 261021 - 8300,
		 36424, 144},
		{"4.8 in docker, memory+swap 40960kB", BADNESS_4_7, 0, 5191, 5489, 34 + 4,
		 40960 / 4, 10718, 1046},
		{"the same with the bonus", BADNESS_4_7, 1, 5191, 5489, 34 + 4, 40960 / 4, 10397,
		 1015},
		{"4.19.0-16 npm of root", BADNESS_4_17, 1, 32050, 0, 4108288 / 4096, 262010 - 9286,
		 33053, 130},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct badness_task task = {.rss_pages = cases[i].rss,
					    .swap_pages = cases[i].swap,
					    .table_pages = cases[i].tables,
					    .privileged = cases[i].privileged};
		int64_t got = points(cases[i].generation, task, cases[i].total);

		ck_assert_msg(got == cases[i].points, "%s: %lld points", cases[i].what,
			      (long long)got);
		ck_assert_int_eq(score(cases[i].generation, task, cases[i].total), cases[i].score);
	}
}
END_TEST

START_TEST(adj_weighs_thousandths_of_total)
{
	struct badness_task task = {.rss_pages = 1000, .oom_score_adj = -500};

	/* 5999 / 1000 is 5 */
	ck_assert_int_eq(points(BADNESS_5_9, task, 5999), -1500);
	ck_assert_int_eq(points(BADNESS_5_3, task, 5999), 1);
	ck_assert_int_eq(points(BADNESS_3_5, task, 5999), 1);
	task.oom_score_adj = 500;
	ck_assert_int_eq(points(BADNESS_5_9, task, 5999), 3500);
	/* below 1000 pages adj has no weight but for -1000 */
	ck_assert_int_eq(points(BADNESS_5_9, task, 999), 1000);
	task.oom_score_adj = -999;
	ck_assert_int_eq(points(BADNESS_5_9, task, 999), 1000);
	task.oom_score_adj = -1000;
	ck_assert_int_eq(points(BADNESS_5_9, task, 999), BADNESS_NEVER);
	/* 3 % of all memory is 30 thousandths */
	task = (struct badness_task){.rss_pages = 1000, .privileged = 1};
	ck_assert_int_eq(points(BADNESS_3_5, task, 5999), 850);
	ck_assert_int_eq(points(BADNESS_3_14, task, 5999), 970);
	ck_assert_int_eq(points(BADNESS_4_17, task, 5999), 1000);
	task.rss_pages = 0; /* nobody is at 0 before 5.9 */
	ck_assert_int_eq(points(BADNESS_5_3, task, 5999), 1);
	ck_assert_int_eq(points(BADNESS_5_9, task, 5999), 0);
}
END_TEST

START_TEST(scores_of_proc)
{
	const struct badness_rules *signed_rules = badness_rules(BADNESS_5_9);
	const struct badness_rules *old = badness_rules(BADNESS_5_3);

	ck_assert_int_eq(badness_proc_score(signed_rules, 0, 4000000), 666);
	ck_assert_int_eq(badness_proc_score(signed_rules, 4000000, 4000000), 1333);
	ck_assert_int_eq(badness_proc_score(signed_rules, -3996000, 4000000), 0);
	ck_assert_int_eq(badness_proc_score(signed_rules, 8000000, 4000000), 2000);
	/* -1999 pages are -0.49 thousandths, truncated towards 0 */
	ck_assert_int_eq(badness_proc_score(signed_rules, -1999, 4000000), 666);
	ck_assert_int_eq(badness_proc_score(signed_rules, BADNESS_NEVER, 4000000), 0);
	ck_assert_int_eq(badness_proc_score(old, 2000000, 4000000), 500);
	ck_assert_int_eq(badness_proc_score(old, 1, 4000000), 0);
	ck_assert_int_eq(badness_proc_score(old, BADNESS_NEVER, 4000000), 0);
	ck_assert_int_eq(badness_proc_score(badness_rules(BADNESS_3_2), 512, 4000000), 512);
	ck_assert_int_eq(badness_proc_score(badness_rules(BADNESS_2_6_22), 494723, 4000000),
			 494723);
}
END_TEST

START_TEST(totals_of_memcgs)
{
	const uint64_t none = UINT64_MAX;

	ck_assert_uint_eq(badness_total_memcg(1000, none, none, 0, 9999, true), 1000);
	ck_assert_uint_eq(badness_total_memcg(1000, none, none, 500, 9999, true), 1500);
	ck_assert_uint_eq(badness_total_memcg(1000, 1200, none, 500, 9999, true), 1200);
	ck_assert_uint_eq(badness_total_memcg(1000, 1700, none, 500, 9999, true), 1500);
	ck_assert_uint_eq(badness_total_memcg(1000, none, 300, 500, 9999, true), 1300);
	ck_assert_uint_eq(badness_total_memcg(1000, none, 300, 500, 9999, false), 1000);
	ck_assert_uint_eq(badness_total_memcg(0, 0, none, 500, 9999, true), 1);
	ck_assert_uint_eq(badness_total_memcg(none, none, none, 500, 9999, true), 10499);
	ck_assert_uint_eq(badness_total_memcg(none - 1, none, none, 500, none, true), none);
}
END_TEST

START_TEST(absurd_numbers_are_defined)
{
	struct badness_task task = {.total_vm_pages = UINT64_MAX,
				    .rss_pages = UINT64_MAX,
				    .swap_pages = UINT64_MAX,
				    .table_pages = UINT64_MAX,
				    .children_vm_pages = {UINT64_MAX, UINT64_MAX},
				    .cpu_units = UINT64_MAX,
				    .run_units = UINT64_MAX,
				    .nice = 19,
				    .privileged = 1,
				    .oom_score_adj = INT16_MAX,
				    .oom_adj = INT16_MAX};
	static const uint64_t totals[] = {0, 1, 999, UINT64_MAX};

	for (size_t i = 0; i < BADNESS_GENERATIONS; i++)
		for (size_t j = 0; j < COUNT(totals); j++) {
			enum badness_generation generation = (enum badness_generation)i;
			int64_t p = points(generation, task, totals[j]);

			ck_assert_int_gt(p, 0);
			badness_printed_score(badness_rules(generation), p, totals[j]);
			badness_proc_score(badness_rules(generation), p, totals[j]);
		}
	/* isqrt(2^64 - 1) is 2^32 - 1, isqrt of that 65535: nothing is lost at the upper end */
	task = (struct badness_task){.total_vm_pages = UINT64_C(4294967295) * 65535 * 7,
				     .cpu_units = UINT64_MAX,
				     .run_units = UINT64_MAX};
	ck_assert_int_eq(points(BADNESS_2_6_9, task, 0), 7);
}
END_TEST

Suite *badness_suite(void);

Suite *badness_suite(void)
{
	Suite *suite = suite_create("badness");
	TCase *tests = tcase_create("badness");

	tcase_add_test(tests, versions_have_generations);
	tcase_add_test(tests, no_version_is_an_error);
	tcase_add_test(tests, generations_by_name);
	tcase_add_test(tests, counter_errors_by_version);
	tcase_add_test(tests, raw_points_of_2_6_9);
	tcase_add_test(tests, raw_points_of_children_and_oom_adj);
	tcase_add_test(tests, tasks_of_other_nodes);
	tcase_add_test(tests, permille_of_a_real_report);
	tcase_add_test(tests, page_tables_count_from_2_6_39);
	tcase_add_test(tests, the_product_of_2_6_39_overflows);
	tcase_add_test(tests, printed_scores_of_real_reports);
	tcase_add_test(tests, adj_weighs_thousandths_of_total);
	tcase_add_test(tests, scores_of_proc);
	tcase_add_test(tests, totals_of_memcgs);
	tcase_add_test(tests, absurd_numbers_are_defined);
	suite_add_tcase(suite, tests);
	return suite;
}
