/*
 * harness/size: what runs under hard limits say together.
 */
#include <check.h>

#include "harness/size/evidence.h"

Suite *size_evidence_suite(void);

#define MIB (1ULL << 20)
#define KIB (1ULL << 10)
#define PASS(bytes, need)                                                    \
	{                                                                    \
		.limit_bytes = (bytes), .need_bytes = (need), .passed = true \
	}
#define FAIL(bytes)                                           \
	{                                                     \
		.limit_bytes = (bytes), .need_bytes = (bytes) \
	}
#define EVIDENCE(list)                                                                   \
	evidence_of(&(struct size_report){.trials = (list),                              \
					  .n_trials = sizeof(list) / sizeof((list)[0])}, \
		    MIB, 4 * KIB)

START_TEST(the_margin_is_a_batch_or_a_quarter)
{
	struct size_report none = {0};

	ck_assert_uint_eq(evidence_of(&none, MIB, 4 * KIB).margin_bytes, 256 * KIB);
	ck_assert_uint_eq(evidence_of(&none, 4 * MIB, 4 * KIB).margin_bytes, 256 * KIB);
	ck_assert_uint_eq(evidence_of(&none, 256 * KIB, 4 * KIB).margin_bytes, 64 * KIB);
	ck_assert_uint_eq(evidence_of(&none, MIB, 64 * KIB).margin_bytes, 256 * KIB);
}
END_TEST

START_TEST(the_last_run_at_a_limit_counts)
{
	struct size_trial trials[] = {PASS(8 * MIB, 8 * MIB), FAIL(8 * MIB), FAIL(7 * MIB)};
	struct evidence evidence = EVIDENCE(trials);
	bool passed = true;

	ck_assert(evidence_known(&evidence, 8 * MIB, &passed));
	ck_assert(!passed);
	ck_assert(!evidence_known(&evidence, 9 * MIB, &passed));
	ck_assert_uint_eq(evidence_highest_fail(&evidence, UINT64_MAX), 8 * MIB);
	ck_assert_uint_eq(evidence_highest_fail(&evidence, 8 * MIB), 7 * MIB);
	ck_assert_uint_eq(evidence_highest_fail(&evidence, 7 * MIB), 0);
}
END_TEST

START_TEST(above_what_is_mixed_by_as_much_as_that)
{
	/* nothing passed below or where it failed: a step */
	struct size_trial clear[] = {PASS(40 * MIB, 40 * MIB), FAIL(10 * MIB - 256 * KIB)};
	struct evidence evidence = EVIDENCE(clear);
	ck_assert_uint_eq(evidence_above(&evidence, UINT64_MAX), 11 * MIB);

	/* at the same limit: that is a step of its own */
	struct size_trial same[] = {PASS(10 * MIB - 256 * KIB, 9 * MIB),
				    FAIL(10 * MIB - 256 * KIB)};
	evidence = EVIDENCE(same);
	ck_assert_uint_eq(evidence_above(&evidence, UINT64_MAX), 12 * MIB);

	/* three steps above the lowest pass */
	struct size_trial wide[] = {PASS(10 * MIB - 256 * KIB, 9 * MIB),
				    FAIL(13 * MIB - 256 * KIB)};
	evidence = EVIDENCE(wide);
	ck_assert_uint_eq(evidence_above(&evidence, UINT64_MAX), (13 + 1 + 3 + 1) * MIB);
}
END_TEST

START_TEST(above_what_is_mixed_but_not_above_what_can_meet)
{
	struct size_trial wide[] = {PASS(10 * MIB - 256 * KIB, 9 * MIB),
				    FAIL(13 * MIB - 256 * KIB)};
	struct evidence evidence = EVIDENCE(wide);

	/* for a need of 14.75 a run at 15 less the margin is enough */
	ck_assert_uint_eq(evidence_cap(&evidence, 15 * MIB - 256 * KIB), 15 * MIB);
	ck_assert_uint_eq(evidence_cap(&evidence, 15 * MIB), 16 * MIB);
	ck_assert_uint_eq(evidence_cap(&evidence, 0), UINT64_MAX);
	ck_assert_uint_eq(evidence_above(&evidence, 16 * MIB), 16 * MIB);
	ck_assert_uint_eq(evidence_above(&evidence, 20 * MIB), 18 * MIB);
	/* above what failed in any case; and what failed at all of it needs more than that */
	ck_assert_uint_eq(evidence_above(&evidence, 11 * MIB), 14 * MIB);
	ck_assert_uint_eq(evidence_cap(&evidence, 13 * MIB - 256 * KIB), UINT64_MAX);
}
END_TEST

START_TEST(mixed_is_what_contradicts_itself)
{
	struct size_trial clear[] = {FAIL(9 * MIB), PASS(10 * MIB, 9 * MIB),
				     PASS(10 * MIB, 9 * MIB + 400 * KIB)};
	struct size_trial peaks[] = {FAIL(9 * MIB), PASS(12 * MIB, 9 * MIB),
				     PASS(12 * MIB, 11 * MIB)};
	struct size_trial limits[] = {PASS(9 * MIB, 9 * MIB), FAIL(9 * MIB),
				      PASS(12 * MIB, 9 * MIB), PASS(12 * MIB, 9 * MIB)};
	struct evidence evidence = EVIDENCE(clear);

	ck_assert(!evidence_is_mixed(&evidence, 2));
	evidence = EVIDENCE(peaks);
	ck_assert(evidence_is_mixed(&evidence, 2));
	ck_assert(!evidence_is_mixed(&evidence, 1));
	evidence = EVIDENCE(limits);
	ck_assert(evidence_is_mixed(&evidence, 2));
}
END_TEST

START_TEST(an_edge_is_where_passes_had_all_but_reached_it)
{
	uint64_t at = 11 * MIB - 256 * KIB;
	struct size_trial near[] = {FAIL(9 * MIB), PASS(at, at - 100 * KIB), PASS(40 * MIB, at),
				    FAIL(at)};
	struct size_trial far[] = {FAIL(9 * MIB), PASS(at, at - 600 * KIB), FAIL(at)};
	struct size_trial below[] = {PASS(at - MIB, at - MIB), PASS(at, at), FAIL(at)};
	struct size_trial never[] = {FAIL(9 * MIB), FAIL(at)};
	struct evidence evidence = EVIDENCE(near);

	ck_assert(evidence_is_edge(&evidence, 11 * MIB));
	evidence = EVIDENCE(far);
	ck_assert(!evidence_is_edge(&evidence, 11 * MIB));
	evidence = EVIDENCE(below);
	ck_assert(!evidence_is_edge(&evidence, 11 * MIB));
	evidence = EVIDENCE(never);
	ck_assert(!evidence_is_edge(&evidence, 11 * MIB));
}
END_TEST

START_TEST(beyond_the_highest_peak_by_their_spread)
{
	uint64_t at = 70 * MIB - 256 * KIB, most = 1024 * MIB;
	struct size_trial alike[] = {PASS(90 * MIB, 80 * MIB), PASS(at, at),
				     PASS(at, at - 512 * KIB)};
	struct size_trial apart[] = {PASS(at, 66 * MIB), PASS(at, 69 * MIB), FAIL(50 * MIB)};
	struct evidence evidence = EVIDENCE(alike);

	ck_assert_uint_eq(evidence_beyond(&evidence, 70 * MIB, 2, false, most), 70 * MIB);
	/* a sixteenth of 69.75 is 4.36 */
	ck_assert_uint_eq(evidence_beyond(&evidence, 70 * MIB, 2, true, most), 75 * MIB);
	uint64_t top = 0;
	ck_assert_uint_eq(evidence_spread(&evidence, 2, &top), 0);
	ck_assert_uint_eq(top, at);
	/* 3 MiB less the noise of two batches, above 69 */
	evidence = EVIDENCE(apart);
	ck_assert_uint_eq(evidence_beyond(&evidence, 70 * MIB, 2, false, most), 72 * MIB);
	ck_assert_uint_eq(evidence_beyond(&evidence, 70 * MIB, 2, false, 71 * MIB), 71 * MIB);
}
END_TEST

START_TEST(peaks_that_crowd_at_their_end_have_one)
{
	uint64_t at = 86 * MIB - 256 * KIB, most = 1024 * MIB;
	/* two processes of 41 and 49 MiB, that meet or do not */
	struct size_trial meet[] = {PASS(at, 81 * MIB), PASS(at, 50 * MIB),
				    PASS(at, 81 * MIB - 100 * KIB), PASS(at, 62 * MIB),
				    PASS(at, 81 * MIB - 200 * KIB)};
	struct size_trial open[] = {PASS(at, 85 * MIB), PASS(at, 50 * MIB), PASS(at, 82 * MIB),
				    PASS(at, 80 * MIB), PASS(at, 83 * MIB)};
	struct evidence evidence = EVIDENCE(meet);

	ck_assert_uint_eq(evidence_beyond(&evidence, 86 * MIB, 5, false, most), 86 * MIB);
	/* 31 MiB less the noise, above 81: whoever collects garbage may have met with luck */
	ck_assert_uint_eq(evidence_beyond(&evidence, 86 * MIB, 5, true, most), 112 * MIB);
	/* 2 * (85 - 82 - 0.5) */
	evidence = EVIDENCE(open);
	ck_assert_uint_eq(evidence_beyond(&evidence, 86 * MIB, 5, false, most), 90 * MIB);
}
END_TEST

Suite *size_evidence_suite(void)
{
	Suite *suite = suite_create("size_evidence");
	TCase *tcase = tcase_create("evidence");

	tcase_add_test(tcase, the_margin_is_a_batch_or_a_quarter);
	tcase_add_test(tcase, the_last_run_at_a_limit_counts);
	tcase_add_test(tcase, above_what_is_mixed_by_as_much_as_that);
	tcase_add_test(tcase, above_what_is_mixed_but_not_above_what_can_meet);
	tcase_add_test(tcase, mixed_is_what_contradicts_itself);
	tcase_add_test(tcase, an_edge_is_where_passes_had_all_but_reached_it);
	tcase_add_test(tcase, beyond_the_highest_peak_by_their_spread);
	tcase_add_test(tcase, peaks_that_crowd_at_their_end_have_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
