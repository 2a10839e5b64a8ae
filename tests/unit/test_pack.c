/*
 * harness/size, what 'oomlab pack' computes: which number of copies is tried next, played against
 * programs whose number is known; the line through what they hold; the command of a copy; what
 * processes share, from the kernel's text.
 */
#include <check.h>
#include <string.h>

#include "harness/size/pack.h"
#include "harness/size/pack_clash.h"
#include "harness/size/pack_command.h"
#include "harness/size/pack_search.h"
#include "harness/size/pack_share.h"

Suite *pack_suite(void);

enum { MIB = 1 << 20, MOST = 1000, RUNS_MAX = 40 };

/* ---- the search ----------------------------------------------------------------------------- */

/* Plays until it is done; up to 'fit' copies pass. */
static int play(struct pack_search *search, uint64_t fit)
{
	uint64_t copies;
	int runs = 0;

	while ((copies = pack_search_next(search)) != 0) {
		ck_assert_uint_ge(copies, 1);
		ck_assert_uint_le(copies, search->most);
		ck_assert_int_lt(++runs, RUNS_MAX);
		pack_search_tell(search, copies, copies <= fit);
	}
	return runs;
}

static const uint64_t fits[] = {0, 1, 2, 3, 10, 63, 64, 65, 500, 998, 999, 1000, 5000};

enum { FITS = sizeof(fits) / sizeof(fits[0]) };

START_TEST(every_number_is_found_from_every_guess)
{
	uint64_t fit = fits[_i], answer = fit < MOST ? fit : MOST;

	for (uint64_t guess = 0; guess <= MOST + 100; guess += 11) {
		struct pack_search search;
		pack_search_begin(&search, MOST, guess);
		int runs = play(&search, fit);
		ck_assert_uint_eq(search.pass, answer);
		ck_assert_int_le(runs, 22);
	}
}
END_TEST

START_TEST(a_right_guess_takes_two_runs)
{
	for (uint64_t fit = 1; fit < MOST; fit += 7) {
		struct pack_search search;
		pack_search_begin(&search, MOST, fit);
		ck_assert_int_eq(play(&search, fit), 2);
		/* one too many as well: what fails is followed by one less */
		pack_search_begin(&search, MOST, fit + 1);
		ck_assert_int_eq(play(&search, fit), 2);
	}
}
END_TEST

START_TEST(a_better_guess_on_the_way_is_taken)
{
	struct pack_search search;

	pack_search_begin(&search, MOST, 300);
	ck_assert_uint_eq(pack_search_next(&search), 300);
	pack_search_tell(&search, 300, true);
	search.guess = 381;
	ck_assert_uint_eq(pack_search_next(&search), 381);
	pack_search_tell(&search, 381, false);
	ck_assert_uint_eq(pack_search_next(&search), 380);
	pack_search_tell(&search, 380, true);
	ck_assert_uint_eq(pack_search_next(&search), 0);
	ck_assert_uint_eq(search.pass, 380);
}
END_TEST

START_TEST(a_guess_that_says_nothing_new_is_dropped)
{
	struct pack_search search;

	pack_search_begin(&search, MOST, 10);
	ck_assert_uint_eq(pack_search_next(&search), 10);
	pack_search_tell(&search, 10, true);
	search.guess = 9;
	ck_assert_uint_eq(pack_search_next(&search), 11);
	pack_search_tell(&search, 11, false);
	search.guess = 12;
	ck_assert_uint_eq(pack_search_next(&search), 0);
}
END_TEST

START_TEST(what_passed_by_luck_is_taken_back)
{
	struct pack_search search;

	pack_search_begin(&search, MOST, 10);
	pack_search_tell(&search, pack_search_next(&search), true);  /* 10 */
	pack_search_tell(&search, pack_search_next(&search), false); /* 11 */
	ck_assert_uint_eq(pack_search_next(&search), 0);
	pack_search_tell(&search, 10, false); /* again, and it does not */
	ck_assert_uint_eq(pack_search_next(&search), 9);
	pack_search_tell(&search, 9, true);
	ck_assert_uint_eq(pack_search_next(&search), 0);
	ck_assert_uint_eq(search.pass, 9);
}
END_TEST

/* ---- the line ------------------------------------------------------------------------------- */

START_TEST(shared_memory_is_counted_once)
{
	struct pack_line line = pack_line_of(45 * MIB, 2, 50 * MIB, 1);

	ck_assert_uint_eq(line.copy_bytes, 5 * MIB);
	ck_assert_uint_eq(line.fixed_bytes, 40 * MIB);
	ck_assert_uint_eq(pack_line_fit(&line, 100 * MIB, MOST), 12);
	ck_assert_uint_eq(pack_line_fit(&line, 99 * MIB, MOST), 11);
	ck_assert_uint_eq(pack_line_fit(&line, 100 * MIB, 7), 7);
	/* one is always worth a try */
	ck_assert_uint_eq(pack_line_fit(&line, 30 * MIB, MOST), 1);
}
END_TEST

START_TEST(peaks_that_did_not_meet_do_not_make_copies_cheap)
{
	struct pack_line line = pack_line_of(37 * MIB, 2, 39 * MIB, 36 * MIB);

	ck_assert_uint_eq(line.copy_bytes, 36 * MIB);
	ck_assert_uint_eq(line.fixed_bytes, 1 * MIB);
	/* less with two than with one */
	line = pack_line_of(37 * MIB, 2, 30 * MIB, 36 * MIB);
	ck_assert_uint_eq(line.copy_bytes, 36 * MIB);
	line = pack_line_of(37 * MIB, 1, 37 * MIB, 36 * MIB);
	ck_assert_uint_eq(line.copy_bytes, 36 * MIB);
}
END_TEST

START_TEST(the_sure_number_is_by_the_line_and_never_above_what_passed)
{
	struct pack_report report = {.copies = 10,
				     .line = {.fixed_bytes = 20 * MIB, .copy_bytes = 10 * MIB}};
	struct pack_plan plan = {.memory_bytes = 100 * MIB};
	struct pack_result run = {.copies = 10, .top = {.anon_bytes = 90 * MIB}};

	ck_assert_uint_eq(pack_sure(&report, &plan, 0), 8);
	ck_assert_uint_eq(pack_sure(&report, &plan, 10), 7);
	report.copies = 5;
	ck_assert_uint_eq(pack_sure(&report, &plan, 0), 5);
	report.copies = 0;
	ck_assert_uint_eq(pack_sure(&report, &plan, 0), 0);

	ck_assert(!pack_peaks_met(&report, &run)); /* 90 of 120 */
	run.top.anon_bytes = 109 * MIB;
	ck_assert(pack_peaks_met(&report, &run));
}
END_TEST

START_TEST(page_tables_are_part_of_kernel_memory)
{
	struct look look = {.anon_bytes = 10, .shmem_bytes = 20, .file_bytes = 1000};

	look.tables_bytes = 3;
	ck_assert_uint_eq(pack_used(&look), 33);
	look.kernel_bytes = 5;
	ck_assert_uint_eq(pack_used(&look), 35);
	look.socket_bytes = 1;
	ck_assert_uint_eq(pack_used(&look), 36);
}
END_TEST

/* ---- what was run --------------------------------------------------------------------------- */

START_TEST(the_best_run_is_the_largest_that_passed)
{
	struct pack_result runs[] = {
		{.copies = 1, .passed = true},	{.copies = 2, .passed = true},
		{.copies = 9, .passed = true},	{.copies = 10, .passed = false},
		{.copies = 9, .passed = false},
	};
	struct pack_report report = {.runs = runs, .n_runs = 5, .n_free = 2};
	size_t passed;

	ck_assert_ptr_eq(pack_best(&report), &runs[2]);
	ck_assert_uint_eq(pack_count(&report, 9, &passed), 2);
	ck_assert_uint_eq(passed, 1);
	/* without a limit does not count */
	ck_assert_uint_eq(pack_count(&report, 2, &passed), 0);
	ck_assert_uint_eq(passed, 0);
}
END_TEST

START_TEST(how_a_run_failed_names_the_copy)
{
	struct pack_result run = {.end = RUN_EXITED, .bad = 3, .status = 4};
	char buf[160];

	ck_assert_str_eq(pack_end_text(&run, buf, sizeof(buf)), "copy 3: exit status 4");
	run.wrong_output = true;
	ck_assert_str_eq(pack_end_text(&run, buf, sizeof(buf)), "copy 3: another output");
	run = (struct pack_result){.end = RUN_OOM};
	ck_assert_str_eq(pack_end_text(&run, buf, sizeof(buf)), "killed by the OOM killer");
}
END_TEST

/* ---- the command of a copy ------------------------------------------------------------------ */

START_TEST(the_mark_becomes_the_number)
{
	static const struct {
		const char *text, *mark, *filled;
	} rows[] = {
		{"out.{}", "{}", "out.12"}, {"{}{}", "{}", "1212"},
		{"{ }", "{}", "{ }"},	    {"", "{}", ""},
		{"a%b", "%", "a12b"},	    {"{}", "%", "{}"},
		{"nothing", "", "nothing"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MEM_AUTO char *filled = pack_fill(rows[i].text, rows[i].mark, 12);
		ck_assert_str_eq(filled, rows[i].filled);
	}
}
END_TEST

START_TEST(a_copy_has_its_own_words_and_files)
{
	char program[] = "sh", word[] = ">out.{}";
	char *argv[] = {program, word, NULL};
	const char *outputs[] = {"out.{}", "log"};
	struct size_command common = {.argv = argv,
				      .program = "/bin/sh",
				      .stdin_path = "in.{}",
				      .outputs = outputs,
				      .n_outputs = 2,
				      .check = "test -s out.{}",
				      .for_ns = 5};
	struct pack_command copy;

	pack_command_make(&copy, &common, PACK_MARK, 7);
	ck_assert_str_eq(copy.command.argv[0], "sh");
	ck_assert_str_eq(copy.command.argv[1], ">out.7");
	ck_assert_ptr_null(copy.command.argv[2]);
	ck_assert_str_eq(copy.command.program, "/bin/sh");
	ck_assert_str_eq(copy.command.stdin_path, "in.7");
	ck_assert_str_eq(copy.command.outputs[0], "out.7");
	ck_assert_str_eq(copy.command.outputs[1], "log");
	ck_assert_str_eq(copy.command.check, "test -s out.7");
	ck_assert_uint_eq(copy.command.for_ns, 5);
	pack_command_clear(&copy);
}
END_TEST

/* ---- smaps_rollup --------------------------------------------------------------------------- */

/* Of a process on 6.18, the lines that matter and their neighbours. */
static const char rollup[] = "55d0c0a6e000-7ffd7c5f1000 ---p 00000000 00:00 0    [rollup]\n"
			     "Rss:                4000 kB\n"
			     "Pss:                1500 kB\n"
			     "Pss_Dirty:          1000 kB\n"
			     "Pss_Anon:            900 kB\n"
			     "Shared_Clean:       2900 kB\n"
			     "Shared_Dirty:          0 kB\n"
			     "Private_Clean:       100 kB\n"
			     "Private_Dirty:      1000 kB\n"
			     "Referenced:         4000 kB\n";

START_TEST(what_is_shared_counts_once)
{
	struct pack_share share = {0};

	pack_share_add(&share, rollup);
	pack_share_add(&share, rollup);
	ck_assert_uint_eq(share.procs, 2);
	ck_assert_uint_eq(share.rss_bytes, 8000 * 1024);
	ck_assert_uint_eq(share.pss_bytes, 3000 * 1024);
	ck_assert_uint_eq(share.private_bytes, 2200 * 1024);
	ck_assert_uint_eq(pack_share_shared(&share), 800 * 1024);
	/* a process that is going has no lines */
	pack_share_add(&share, "");
	ck_assert_uint_eq(share.rss_bytes, 8000 * 1024);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

START_TEST(a_file_of_two_sessions_is_a_clash)
{
	struct pack_clash clash = {0};

	ck_assert(!pack_clash_add(&clash, &(struct pack_open){1, 10, 100}));
	ck_assert(!pack_clash_add(&clash, &(struct pack_open){1, 10, 100})); /* its own child */
	ck_assert(!pack_clash_add(&clash, &(struct pack_open){1, 11, 200}));
	ck_assert(!pack_clash_add(&clash, &(struct pack_open){2, 10, 200}));
	ck_assert(pack_clash_add(&clash, &(struct pack_open){1, 10, 200}));
}
END_TEST

START_TEST(only_who_writes_counts)
{
	ck_assert(!pack_clash_writes("pos:\t0\nflags:\t0100000\nmnt_id:\t29\n"));
	ck_assert(pack_clash_writes("pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"));
	ck_assert(pack_clash_writes("pos:\t0\nflags:\t02102\nmnt_id:\t29\n"));
	ck_assert(!pack_clash_writes(""));
}
END_TEST

Suite *pack_suite(void)
{
	Suite *suite = suite_create("pack");
	TCase *tcase = tcase_create("search");

	tcase_add_loop_test(tcase, every_number_is_found_from_every_guess, 0, FITS);
	tcase_add_test(tcase, a_right_guess_takes_two_runs);
	tcase_add_test(tcase, a_better_guess_on_the_way_is_taken);
	tcase_add_test(tcase, a_guess_that_says_nothing_new_is_dropped);
	tcase_add_test(tcase, what_passed_by_luck_is_taken_back);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("cost");
	tcase_add_test(tcase, shared_memory_is_counted_once);
	tcase_add_test(tcase, peaks_that_did_not_meet_do_not_make_copies_cheap);
	tcase_add_test(tcase, the_sure_number_is_by_the_line_and_never_above_what_passed);
	tcase_add_test(tcase, page_tables_are_part_of_kernel_memory);
	tcase_add_test(tcase, the_best_run_is_the_largest_that_passed);
	tcase_add_test(tcase, how_a_run_failed_names_the_copy);
	tcase_add_test(tcase, what_is_shared_counts_once);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("command");
	tcase_add_test(tcase, the_mark_becomes_the_number);
	tcase_add_test(tcase, a_copy_has_its_own_words_and_files);
	tcase_add_test(tcase, a_file_of_two_sessions_is_a_clash);
	tcase_add_test(tcase, only_who_writes_counts);
	suite_add_tcase(suite, tcase);
	return suite;
}
