/*
 * base/random: the published numbers of splitmix64, and streams that have nothing to do with each
 * other.
 */
#include <check.h>

#include "base/random.h"

Suite *random_suite(void);

enum { DRAWS = 64, SEEDS = 200 };

/* The reference's own numbers for seed 1234567. */
START_TEST(generator_is_splitmix64)
{
	static const uint64_t expected[] = {6457827717110365317ULL, 3203168211198807973ULL,
					    9817491932198370423ULL, 4593380528125082431ULL,
					    16408922859458223821ULL};
	uint64_t state = 1234567;

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		ck_assert_uint_eq(random_next(&state), expected[i]);
}
END_TEST

/* What a seed means must not change: these are ours. */
START_TEST(streams_stay_what_they_are)
{
	ck_assert_uint_eq(random_stream(42, "big_mm-1"), random_stream(42, "big_mm-1"));
	ck_assert_uint_ne(random_stream(42, "big_mm-1"), random_stream(42, "big_mm-2"));
	ck_assert_uint_ne(random_stream(42, "big_mm-1"), random_stream(43, "big_mm-1"));
	ck_assert_uint_eq(random_stream(42, "big_mm-1"), 9268397586230946816ULL);
}
END_TEST

/* No number of one stream is among the first of another, of neighbouring seeds and names least. */
START_TEST(streams_do_not_overlap)
{
	static const char *const names[] = {"a-1", "a-2", "b-1"};
	uint64_t first[3 * SEEDS], same = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++)
		for (size_t k = 0; k < 3; k++) {
			uint64_t state = random_stream(seed, names[k]);
			first[seed * 3 + k] = random_next(&state);
		}
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		uint64_t state = random_stream(seed, names[0]);
		(void)random_next(&state);
		for (int i = 0; i < DRAWS; i++) {
			uint64_t number = random_next(&state);
			for (size_t k = 0; k < 3 * SEEDS; k++)
				same += number == first[k];
		}
	}
	ck_assert_uint_eq(same, 0); /* libcheck writes a record for each assertion, of 400,000 */
}
END_TEST

START_TEST(below_is_below)
{
	uint64_t state = 1, seen = 0;

	ck_assert_uint_eq(random_below(&state, 0), 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t number = random_below(&state, 10);
		ck_assert_uint_lt(number, 10);
		seen |= 1ULL << number;
	}
	ck_assert_uint_eq(seen, 0x3ff);
}
END_TEST

Suite *random_suite(void)
{
	Suite *suite = suite_create("random");
	TCase *tests = tcase_create("random");

	tcase_add_test(tests, generator_is_splitmix64);
	tcase_add_test(tests, streams_stay_what_they_are);
	tcase_add_test(tests, streams_do_not_overlap);
	tcase_add_test(tests, below_is_below);
	suite_add_tcase(suite, tests);
	return suite;
}
