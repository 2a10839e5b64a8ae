/*
 * harness/size: what each process needed at its own peak, and what those need together that met.
 */
#include <check.h>
#include <unistd.h>

#include "harness/size/peaks.h"

Suite *size_peaks_suite(void);

#define KIB 1024ULL
#define MIB (1024 * KIB)

static const char smaps[] =
	"55d000-55d100 r--p 00000000 08:01 11                 /usr/bin/prog\n"
	"Size:                100 kB\nRss:                 100 kB\nAnonymous:             0 kB\n"
	"55d100-55d200 r-xp 00001000 08:01 11                 /usr/bin/prog\n"
	"Rss:                 200 kB\nAnonymous:             0 kB\n"
	"55d200-55d300 rw-p 00002000 08:01 11                 /usr/bin/prog\n"
	"Rss:                  50 kB\nAnonymous:            40 kB\n"
	"561000-562000 rw-p 00000000 00:00 0                  [heap]\n"
	"Rss:                5000 kB\nPss:                4000 kB\nShared_Clean:          0 kB\n"
	"Shared_Dirty:       2000 kB\nPrivate_Clean:         0 kB\nPrivate_Dirty:      3000 kB\n"
	"Anonymous:          5000 kB\n"
	"7f0000-7f1000 r--p 00000000 08:01 12                 /usr/share/a long name\n"
	"Rss:                3000 kB\nShared_Clean:       3000 kB\nAnonymous:             0 kB\n"
	"7f2000-7f3000 rwxp 00000000 00:00 0 \n"
	"Rss:                 700 kB\nAnonymous:           700 kB\n"
	"7f4000-7f5000 r-xp 00000000 08:01 13                 /usr/lib/libc.so.6\n"
	"Rss:                  30 kB\nAnonymous:             0 kB\n";

START_TEST(the_page_cache_of_programs_and_what_a_fork_left)
{
	ck_assert_uint_eq(peaks_others(smaps).program_bytes, (100 + 200 + 10 + 30) * KIB);
	ck_assert_uint_eq(peaks_others(smaps).shared_bytes, 2000 * KIB);
	ck_assert_uint_eq(peaks_others("").program_bytes, 0);
	ck_assert_uint_eq(peaks_others("nonsense\nRss: x kB\n").program_bytes, 0);
}
END_TEST

START_TEST(the_high_water_mark_less_programs)
{
	static const char status[] =
		"Name:\tprog\nTgid:\t7\nVmHWM:\t    9000 kB\n"
		"VmRSS:\t    8000 kB\nRssAnon:\t    4000 kB\n"
		"RssFile:\t    3340 kB\nRssShmem:\t     600 kB\nVmPTE:\t      60 kB\n";

	struct peaks_others others = {.program_bytes = 340 * KIB};

	ck_assert_uint_eq(peaks_need_bytes(status, &others), (9000 - 340 - 600 + 60) * KIB);
	others.shared_bytes = 2000 * KIB;
	ck_assert_uint_eq(peaks_need_bytes(status, &others), (9000 - 340 - 2000 - 600 + 60) * KIB);
	/* what was mapped twice is one page */
	others = (struct peaks_others){.program_bytes = 4000 * KIB};
	ck_assert_uint_eq(peaks_need_bytes(status, &others), (9000 - 3340 - 600 + 60) * KIB);
	ck_assert_uint_eq(peaks_need_bytes("Name:\tkthread\n", &others), 0);
}
END_TEST

static void put(struct peaks *peaks, pid_t pid, uint64_t mib, uint64_t born, uint64_t died)
{
	struct peak peak = {.pid = pid, .bytes = mib * MIB, .born = born, .died = died};

	peaks_put(peaks, &peak);
}

START_TEST(those_that_lived_at_the_same_time)
{
	struct peaks peaks = {0};

	put(&peaks, 1, 1, 1, 20); /* a shell */
	put(&peaks, 2, 40, 2, 9); /* and what it runs: two at once, then one */
	put(&peaks, 3, 50, 3, 8);
	put(&peaks, 4, 60, 10, 15);
	ck_assert_uint_eq(peaks_met(&peaks), (1 + 40 + 50) * MIB);
	ck_assert_uint_eq(peaks_largest(&peaks, 3), (60 + 50 + 40) * MIB);
	ck_assert_uint_eq(peaks_largest(&peaks, 9), (60 + 50 + 40 + 1) * MIB);
	peaks_clear(&peaks);
	ck_assert_uint_eq(peaks_met(&peaks), 0);
}
END_TEST

START_TEST(a_process_is_one_whatever_it_becomes)
{
	struct peaks peaks = {0};

	put(&peaks, 2, 40, 2, 3); /* then exec */
	put(&peaks, 3, 10, 4, 6);
	put(&peaks, 2, 30, 2, 9);
	ck_assert_uint_eq(peaks.n, 2);
	ck_assert_uint_eq(peaks_met(&peaks), 50 * MIB);
	ck_assert(peaks_known(&peaks, MIB));
	ck_assert(!peaks_known(&peaks, 11 * MIB)); /* one has all */
	peaks.unknown = true;
	ck_assert(!peaks_known(&peaks, MIB));
	peaks_clear(&peaks);
}
END_TEST

START_TEST(this_process_is_seen)
{
	struct peaks peaks = {0};

	peaks_take(&peaks, getpid(), 1, 2);
	ck_assert_uint_eq(peaks.n, 1);
	ck_assert_int_eq(peaks.list[0].pid, getpid());
	ck_assert_uint_gt(peaks.list[0].bytes, 0);
	ck_assert(!peaks.unknown);
	peaks_take(&peaks, -1, 1, 2);
	ck_assert(peaks.unknown);
	peaks_clear(&peaks);
}
END_TEST

Suite *size_peaks_suite(void)
{
	Suite *suite = suite_create("size_peaks");
	TCase *tcase = tcase_create("peaks");

	tcase_add_test(tcase, the_page_cache_of_programs_and_what_a_fork_left);
	tcase_add_test(tcase, the_high_water_mark_less_programs);
	tcase_add_test(tcase, those_that_lived_at_the_same_time);
	tcase_add_test(tcase, a_process_is_one_whatever_it_becomes);
	tcase_add_test(tcase, this_process_is_seen);
	suite_add_tcase(suite, tcase);
	return suite;
}
