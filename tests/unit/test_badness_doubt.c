/*
 * The audit in doubt: when it must not accuse, when there is nothing to check, and damaged reports.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/audit_rig.h"

/* ---- not to accuse, and to accuse ----------------------------------------------------------- */

/* 6.2 to 6.19 with 2 CPUs: 4 counters of 64 pages a process, and T / 1000 of drift. */
START_TEST(counter_error_is_allowed_for)
{
	static const struct audit_options two = {.total_swap_pages = 0, .cpus = 2};
	struct audit_rig *rig = audit_rig_new("6.12.1", OOM_MEMCG, COLS_BYTES);
	const int64_t slack = 256 + 16384 / 1000;
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 65536, OOM_KB);
	audit_rig_row(rig, 100, 0, 8000 + 2 * slack, 40960, 0, 0, "higher");
	audit_rig_row(rig, 101, 0, 8000, 40960, 0, 0, "chosen");
	audit_rig_killed(rig, 101, INT64_MIN);
	audit = audit_rig_run(rig, &two);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	ck_assert_int_eq(audit.margin, -2 * slack);
	ck_assert_uint_eq(audit.error, (uint64_t)(2 * slack));
	audit_clear(&audit);
	rig->rows[0].rss++;
	audit = audit_rig_run(rig, &two);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	/* an unknown number of CPUs: 16 are assumed */
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	ck_assert_ptr_nonnull(strstr(audit.why, "assumed"));
	/* 7.0 on reads exact sums */
	audit_clear(&audit);
	strcpy(rig->report.kernel, "7.2.13");
	rig->rows[0].rss = 8000 + 2 * (16384 / 1000) + 1;
	audit = audit_rig_run(rig, &two);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_rig_done(rig, &audit);
}
END_TEST

START_TEST(victims_of_before_are_passed_over)
{
	static const int64_t before[] = {500, 100};
	const struct audit_options options = {
		.total_swap_pages = 0, .cpus = 2, .killed = before, .n_killed = 2};
	struct audit_rig *rig = audit_rig_new("6.1.0", OOM_MEMCG, COLS_BYTES);
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 655360, OOM_KB);
	audit_rig_row(rig, 100, 0, 90000, 40960, 0, 0, "dying");
	audit_rig_row(rig, 101, 0, 8000, 40960, 0, 0, "chosen");
	audit_rig_killed(rig, 101, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_clear(&audit);
	audit = audit_rig_run(rig, &options);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	ck_assert_uint_eq(audit.n_eligible, 1);
	audit_rig_done(rig, &audit);
}
END_TEST

START_TEST(victims_are_remembered_for_a_while)
{
	struct audit_rig *rig = audit_rig_new("6.1.0", OOM_MEMCG, COLS_BYTES);
	struct audit_victims victims = {.n = 0};
	struct audit_options options = {.total_swap_pages = UINT64_MAX};
	struct oom_report *report = &rig->report;

	report->number = 1;
	audit_rig_killed(rig, 100, 0);
	rig->kills[1].time = (struct oom_time){.has_mono = true, .mono_us = 5000000};
	audit_victims_add(&victims, report);
	report->number = 2;
	report->last_time = (struct oom_time){.has_mono = true, .mono_us = 7000000};
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.n_killed, 1); /* who was killed, not who was selected */
	ck_assert_int_eq(options.killed[0], 100);
	report->last_time.mono_us = 306000000; /* later */
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.n_killed, 0);
	report->last_time.mono_us = 4000000; /* after a reboot */
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.n_killed, 0);
	report->last_time.has_mono = false; /* without clocks: the next report only */
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.n_killed, 1);
	report->number = 3;
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.n_killed, 0);
	for (size_t i = 0; i < 3 * AUDIT_VICTIMS_MAX; i++)
		audit_victims_add(&victims, report);
	report->number = 4;
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_le(options.n_killed, AUDIT_VICTIMS_MAX);
	free(rig);
}
END_TEST

START_TEST(rows_may_have_taken_what_came_back_late)
{
	struct audit_options options = {.total_swap_pages = 0, .cpus = 1};
	struct audit_rig *rig = audit_rig_new("7.3.4", OOM_MEMCG, COLS_BYTES);
	struct audit audit;

	audit_rig_figure(rig, "/g", "limit", 12288, OOM_KB);
	audit_rig_row(rig, 100, 0, 431, 77824, 0, 0, "chosen");
	audit_rig_row(rig, 101, 0, 908, 81920, 0, 0, "grown");
	audit_rig_killed(rig, 100, INT64_MIN);
	audit = audit_rig_run(rig, &options);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_clear(&audit);
	options.late_pages = 1380; /* enough for the other one to have grown by */
	audit = audit_rig_run(rig, &options);
	ck_assert_verdict(audit, AUDIT_WITHIN_ERROR);
	audit_clear(&audit);
	options.late_pages = 400; /* too little */
	audit = audit_rig_run(rig, &options);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_rig_done(rig, &audit);
}
END_TEST

START_TEST(memory_comes_back_late_for_a_second)
{
	struct audit_rig *rig = audit_rig_new("7.3.4", OOM_MEMCG, COLS_BYTES);
	struct audit_victims victims = {.n = 0};
	struct audit_options options = {.total_swap_pages = UINT64_MAX};
	struct oom_report *report = &rig->report;

	audit_rig_killed(rig, 100, INT64_MIN);
	for (size_t i = 0; i < report->n_kills; i++) {
		rig->kills[i].time = (struct oom_time){.has_mono = true, .mono_us = 5000000};
		rig->kills[i].anon_rss =
			(struct oom_value){.raw = 1136, .unit = OOM_KB, .have = OOM_SAID};
		rig->kills[i].shmem_rss =
			(struct oom_value){.raw = 4384, .unit = OOM_KB, .have = OOM_SAID};
	}
	audit_victims_add(&victims, report);
	report->last_time = (struct oom_time){.has_mono = true, .mono_us = 5040000};
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.late_pages, (1136 + 4384) / 4);
	report->last_time.mono_us = 6000000;
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.late_pages, 0);
	report->last_time.has_mono = false;
	audit_victims_near(&victims, report, &options);
	ck_assert_uint_eq(options.late_pages, 0);
	free(rig);
}
END_TEST

START_TEST(other_reasons_for_a_higher_row)
{
	struct audit_rig *rig = audit_rig_new("5.19.0", OOM_MEMPOLICY, COLS_BYTES);
	struct audit audit;

	audit_rig_machine(rig, 4000000, 0, 0);
	audit_rig_row(rig, 100, 0, 900000, 40960, 0, 0, "elsewhere");
	audit_rig_row(rig, 101, 0, 8000, 40960, 0, 0, "chosen");
	audit_rig_killed(rig, 101, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "nodes"));
	audit_clear(&audit);
	strcpy(rig->report.other_columns, "(01)nrss");
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "(01)nrss"));
	audit_clear(&audit);
	rig->report.scope = OOM_GLOBAL;
	rig->report.other_columns[0] = '\0';
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_rig_done(rig, &audit);
}
END_TEST

/* Without the "Kill process" line of 4.19 the victim may be a child. */
START_TEST(a_victim_may_be_a_child)
{
	struct audit_rig *rig = audit_rig_new("4.19.0", OOM_GLOBAL, COLS_BYTES);
	struct audit audit;

	audit_rig_machine(rig, 400000, 0, 0);
	audit_rig_row(rig, 100, 0, 90000, 40960, 0, 0, "parent");
	audit_rig_row(rig, 101, 0, 80, 40960, 0, 0, "child");
	audit_rig_deed(rig, OOM_KILLED, 101, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "child"));
	audit_clear(&audit);
	rig->kills[0].pid = 100;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_HIGHEST);
	audit_rig_done(rig, &audit);
}
END_TEST

/* ---- nothing to check ----------------------------------------------------------------------- */

START_TEST(reports_without_a_choice)
{
	struct audit_rig *rig = audit_rig_new("5.10.0", OOM_GLOBAL, COLS_BYTES);
	struct oom_report *report = &rig->report;
	struct audit audit;

	audit_rig_machine(rig, 400000, 0, 0);
	audit_rig_row(rig, 100, 0, 90000, 40960, 0, 0, "reaped");
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	report->no_killable = true;
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NO_CHOICE);
	ck_assert_int_eq(audit.row_points[0], 90010);
	report->no_killable = false;
	strcpy(report->panic, "Out of memory: system-wide panic_on_oom is enabled");
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NO_CHOICE);
	audit_rig_killed(rig, 100, INT64_MIN);
	report->allocating_task = true;
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_ALLOCATING);
	report->allocating_task = false;
	report->killer = OOM_EARLYOOM;
	audit_clear(&audit);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	audit_rig_done(rig, &audit);
}
END_TEST

START_TEST(tables_that_do_not_suffice)
{
	struct audit_rig *rig =
		audit_rig_new("2.6.26", OOM_GLOBAL, COL(PID) | COL(RSS) | COL(CPU) | COL(OOM_ADJ));
	struct audit audit;

	audit_rig_row(rig, 100, 0, 90000, 0, 0, INT16_MIN, "a")->oom_adj = 0;
	audit_rig_killed(rig, 100, 12345);
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "CPU time"));
	audit_clear(&audit);
	strcpy(rig->report.kernel, "5.10.0");
	rig->report.columns = COLS_BYTES;
	rig->rows[0].pid = rig->rows[0].tgid = 99;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "not in the table"));
	audit_clear(&audit);
	rig->report.n_tasks = 0;
	rig->report.table_line = 0;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "no task table"));
	audit_rig_done(rig, &audit);
}
END_TEST

/* Rules come from the version, or the columns; from nothing come none. */
START_TEST(rules_need_a_hint)
{
	struct audit_rig *rig = audit_rig_new("", OOM_GLOBAL, 0);
	struct audit audit;

	rig->report.table_line = 0;
	audit_rig_killed(rig, 100, INT64_MIN);
	audit = audit_rig_run(rig, NULL);
	ck_assert(!audit.has_rules);
	audit_clear(&audit);
	strcpy(rig->report.kernel, "2.6.31-rc1");
	audit = audit_rig_run(rig, NULL);
	ck_assert(audit.has_rules && !audit.fitted);
	ck_assert_int_eq(audit.generation, BADNESS_2_6_22);
	audit_clear(&audit);
	rig->report.kernel[0] = '\0';
	rig->report.columns = COLS_EL6; /* much more often RHEL 6 than 3.5 */
	audit = audit_rig_run(rig, NULL);
	ck_assert(audit.has_rules && audit.fitted);
	ck_assert_int_eq(audit.generation, BADNESS_2_6_36);
	audit_clear(&audit);
	strcpy(rig->report.kernel, "6.12");
	rig->report.columns = COLS_BYTES;
	audit_clear(&audit);
	audit = audit_rig_run(rig, &(struct audit_options){.force = true,
							   .generation = BADNESS_4_9,
							   .total_swap_pages = UINT64_MAX});
	ck_assert_int_eq(audit.generation, BADNESS_4_9);
	audit_rig_done(rig, &audit);
}
END_TEST

/* A report that lost its kill line, chosen by who asked; and one that does not tell its page size.
 */
START_TEST(other_doubts)
{
	struct audit_rig *rig = audit_rig_new("5.10.0", OOM_GLOBAL, COLS_BYTES);
	struct audit audit;

	audit_rig_machine(rig, 4000000, 0, 0);
	audit_rig_row(rig, 100, 0, 900000, 40960, 0, 0, "large");
	audit_rig_row(rig, 101, 0, 8000, 40960, 0, 0, "chosen");
	rig->report.summary_pid = 101;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_UNEXPLAINED);
	audit_clear(&audit);
	rig->report.invoker_pid = 101;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "oom_kill_allocating_task"));
	audit_clear(&audit);
	audit_rig_killed(rig, 101, INT64_MIN);
	rig->report.page_size = 0;
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	ck_assert_ptr_nonnull(strstr(audit.why, "page size"));
	audit_clear(&audit);
	rig->report.page_size = 4096;
	rig->rows[1].oom_score_adj = -1000; /* swapoff */
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	audit_clear(&audit);
	rig->rows[1].oom_score_adj = 0;
	strcpy(rig->report.oom_policy, "psi");
	audit = audit_rig_run(rig, NULL);
	ck_assert_verdict(audit, AUDIT_NOT_CHECKED);
	audit_rig_done(rig, &audit);
}
END_TEST

/* ---- damaged reports ------------------------------------------------------------------------ */

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 11;
}

static int64_t absurd(uint64_t *seed)
{
	static const int64_t numbers[] = {INT64_MIN, INT64_MAX, -1, 0, 1, 4096, 100000, -1000};
	uint64_t i = next(seed) % (sizeof(numbers) / sizeof(*numbers) + 3);

	return i < sizeof(numbers) / sizeof(*numbers) ? numbers[i] : (int64_t)next(seed);
}

START_TEST(absurd_reports_have_a_verdict)
{
	static const char *const kernels[] = {"",    "2.6.32.el6", "3.0",  "3.10.0",
					      "4.8", "5.1",	   "6.18", "99.99"};
	static const uint32_t columns[] = {0, COLS_PTES, COLS_PMDS, COLS_BYTES, COLS_EL6, ~0u};
	uint64_t seed = 7;

	for (size_t round = 0; round < 5000; round++) {
		struct audit_rig *rig =
			audit_rig_new(kernels[next(&seed) % 8], (enum oom_scope)(next(&seed) % 5),
				      columns[next(&seed) % 6]);
		struct audit_options options = {.total_swap_pages = (uint64_t)absurd(&seed),
						.cpus = (uint64_t)absurd(&seed)};
		struct audit audit;

		rig->report.page_size = next(&seed) % 3 ? 4096 : 0;
		rig->report.cpu = absurd(&seed);
		audit_rig_machine(rig, (uint64_t)absurd(&seed), (uint64_t)absurd(&seed),
				  (uint64_t)absurd(&seed));
		audit_rig_figure(rig, "/g", "limit", (uint64_t)absurd(&seed), OOM_KB);
		for (size_t i = next(&seed) % ROWS_MAX; i-- > 0;) {
			struct oom_task *task =
				audit_rig_row(rig, (int64_t)i + 1, absurd(&seed), 1, absurd(&seed),
					      1, (int)(next(&seed) % 32768), "x");

			task->swapents = absurd(&seed);
			task->rss = absurd(&seed);
			task->total_vm = absurd(&seed);
			task->oom_adj = (int16_t)next(&seed);
		}
		audit_rig_killed(rig, (int64_t)(next(&seed) % ROWS_MAX), absurd(&seed));
		rig->kills[0].time.has_mono = rig->report.first_time.has_mono = true;
		rig->kills[0].time.mono_us = next(&seed);
		audit = audit_rig_run(rig, &options);
		ck_assert_uint_le(audit.verdict, AUDIT_NOT_CHECKED);
		audit_rig_done(rig, &audit);
	}
}
END_TEST

Suite *badness_doubt_suite(void);

Suite *badness_doubt_suite(void)
{
	Suite *suite = suite_create("badness_doubt");
	TCase *tests = tcase_create("doubt");

	tcase_add_test(tests, counter_error_is_allowed_for);
	tcase_add_test(tests, victims_of_before_are_passed_over);
	tcase_add_test(tests, victims_are_remembered_for_a_while);
	tcase_add_test(tests, rows_may_have_taken_what_came_back_late);
	tcase_add_test(tests, memory_comes_back_late_for_a_second);
	tcase_add_test(tests, other_reasons_for_a_higher_row);
	tcase_add_test(tests, a_victim_may_be_a_child);
	tcase_add_test(tests, reports_without_a_choice);
	tcase_add_test(tests, tables_that_do_not_suffice);
	tcase_add_test(tests, rules_need_a_hint);
	tcase_add_test(tests, other_doubts);
	tcase_add_test(tests, absurd_reports_have_a_verdict);
	suite_add_tcase(suite, tests);
	return suite;
}
