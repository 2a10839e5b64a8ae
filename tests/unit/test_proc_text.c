/*
 * harness/exec/proc_text: the text of /proc/PID/stat and status, nasty names included.
 */
#include <check.h>
#include <string.h>

#include "base/str.h"
#include "harness/exec/proc_text.h"

Suite *proc_text_suite(void);

/* After the name: fields 3 to 26 of a real line of 6.18. */
#define REST                                                                      \
	" S 17 17 17 0 -1 4194560 93 0 1 0 5 6 7 8 20 -3 4 0 123456 8192000 467 " \
	"18446744073709551615 1\n"

static const struct {
	const char *text, *comm;
} names[] = {
	{"42 (cat)" REST, "cat"},
	{"42 ()" REST, ""},
	{"42 (a) R 1 (b)" REST, "a) R 1 (b"},
	{"42 (a) S 1 2 3)" REST, "a) S 1 2 3"},
	{"42 ()))" REST, "))"},
	{"42 (((()" REST, "((("},
	{"42 (a b)" REST, "a b"},
	{"42 (a\\nb\\\\n)" REST, "a\nb\\n"},
	{"42 (\\x)" REST, "\\x"},
	{"42 (\xff\x1b[31m)" REST, "\xff\x1b[31m"},
	{"42 (kworker/u8:2-events_unbound_a_name_longer_than_the_table_has_room_for)" REST,
	 "kworker/u8:2-events_unbound_a_name_longer_than_the_table_has_ro"},
};

START_TEST(stat_has_any_name)
{
	struct proc_stat stat;
	const char *text = names[_i].text;

	ck_assert(proc_parse_stat(text, strlen(text), &stat));
	ck_assert_str_eq(stat.comm, names[_i].comm);
	ck_assert_int_eq(stat.pid, 42);
	ck_assert_int_eq(stat.state, 'S');
	ck_assert_int_eq(stat.ppid, 17);
	ck_assert_uint_eq(stat.flags, 4194560);
	ck_assert_uint_eq(stat.threads, 4);
	ck_assert_uint_eq(stat.start_ticks, 123456);
	ck_assert_uint_eq(stat.vsize_bytes, 8192000);
	ck_assert_uint_eq(stat.rss_pages, 467);
}
END_TEST

static const char *const broken[] = {
	"",
	"42",
	"42 (cat",
	"42 cat) S 1",
	")(",
	"42 (cat)",
	"42 (cat) S",
	"42 (cat) S 17 17 17 0 -1 4194560 93 0 1 0 5 6 7 8 20 -3 4 0 123456 8192000 467",
	"42 (cat) S 17 17 x 0 -1 4194560 93 0 1 0 5 6 7 8 20 -3 4 0 123456 8192000 467 1",
};

START_TEST(stat_that_is_cut_or_wrong_is_refused)
{
	struct proc_stat stat;

	ck_assert(!proc_parse_stat(broken[_i], strlen(broken[_i]), &stat));
}
END_TEST

/* Reads nothing behind the end, wherever that is: the sanitizers watch. */
START_TEST(stat_may_end_anywhere)
{
	struct proc_stat stat;
	const char *text = names[2].text;

	for (size_t n = 0; n < strlen(text); n++) {
		MEM_AUTO char *cut = mem_new(n + 1);
		memcpy(cut, text, n);
		(void)proc_parse_stat(cut, n, &stat);
		struct proc_status status;
		proc_parse_status(cut, n, &status);
	}
}
END_TEST

/* 6.18, and what 4.14 had beside it: VmPMD. */
static const char status_text[] =
	"Name:\ta\\nVmRSS:\t7 kB\nUmask:\t0022\nState:\tS "
	"(sleeping)\nTgid:\t71\nNgid:\t0\nPid:\t71\n"
	"PPid:\t1\nTracerPid:\t0\nUid:\t1000\t1001\t1002\t1003\nGid:\t0\t0\t0\t0\nFDSize:\t64\n"
	"VmPeak:\t  9000 kB\nVmSize:\t    8000 kB\nVmLck:\t       0 kB\nVmHWM:\t    2000 kB\n"
	"VmRSS:\t    1868 kB\nRssAnon:\t     868 kB\nRssFile:\t     900 kB\nRssShmem:\t     100 "
	"kB\n"
	"VmData:\t    1 kB\nVmPTE:\t      48 kB\nVmPMD:\t      12 kB\nVmSwap:\t      16 kB\n"
	"Threads:\t3\nSigQ:\t0/1\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\n"
	"CapEff:\t0000000000200000\nCapBnd:\t000001ffffffffff\n";

START_TEST(status_is_read)
{
	struct proc_status status;

	proc_parse_status(status_text, strlen(status_text), &status);
	ck_assert(status.has_mm && status.has_cap_eff);
	ck_assert_str_eq(status.comm, "a\nVmRSS:\t7 kB");
	ck_assert_int_eq(status.state, 'S');
	ck_assert_int_eq(status.tgid, 71);
	ck_assert_int_eq(status.ppid, 1);
	ck_assert_uint_eq(status.uid, 1000);
	ck_assert_uint_eq(status.vm_size, 8000);
	ck_assert_uint_eq(status.vm_rss, 1868);
	ck_assert_uint_eq(status.rss_anon, 868);
	ck_assert_uint_eq(status.rss_file, 900);
	ck_assert_uint_eq(status.rss_shmem, 100);
	ck_assert_uint_eq(status.vm_pte, 48);
	ck_assert_uint_eq(status.vm_pmd, 12);
	ck_assert_uint_eq(status.vm_swap, 16);
	ck_assert_uint_eq(status.threads, 3);
	ck_assert_uint_eq(status.cap_eff, 1ULL << 21);
}
END_TEST

START_TEST(status_of_a_zombie_has_no_memory)
{
	struct proc_status status;
	static const char text[] =
		"Name:\tx\nState:\tZ (zombie)\nTgid:\t5\nPPid:\t4\nUid:\t0\t0\t0\t0\n"
		"Threads:\t1\nCapEff:\tffffffffffffffff\n";

	proc_parse_status(text, strlen(text), &status);
	ck_assert(!status.has_mm);
	ck_assert_uint_eq(status.vm_rss, 0);
	ck_assert_uint_eq(status.cap_eff, UINT64_MAX);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	int64_t value;
} numbers[] = {
	{"0\n", true, 0},
	{"-1000\n", true, -1000},
	{"666", true, 666},
	{"", false, 0},
	{"\n", false, 0},
	{"-", false, 0},
	{"12x", false, 0},
	{" 1", false, 0},
	{"9223372036854775807", true, INT64_MAX},
	{"9223372036854775808", false, 0},
	{"99999999999999999999999", false, 0},
};

START_TEST(numbers_are_whole)
{
	int64_t value = 7;
	const char *text = numbers[_i].text;

	ck_assert_int_eq(proc_parse_number(text, strlen(text), &value), numbers[_i].good);
	ck_assert_int_eq(value, numbers[_i].good ? numbers[_i].value : 7);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *proc_text_suite(void)
{
	Suite *suite = suite_create("proc_text");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, stat_has_any_name, 0, COUNT(names));
	tcase_add_loop_test(tc, stat_that_is_cut_or_wrong_is_refused, 0, COUNT(broken));
	tcase_add_test(tc, stat_may_end_anywhere);
	tcase_add_test(tc, status_is_read);
	tcase_add_test(tc, status_of_a_zombie_has_no_memory);
	tcase_add_loop_test(tc, numbers_are_whole, 0, COUNT(numbers));
	suite_add_tcase(suite, tc);
	return suite;
}
