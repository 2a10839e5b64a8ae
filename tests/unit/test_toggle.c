/*
 * Reading what the kernel says of swaps and of one-value files, and comparing values.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "harness/exec/swap.h"
#include "harness/exec/toggle.h"
#include "tests/lib/state.h"

Suite *toggle_suite(void);

static struct err err;

static void setup(void)
{
	state_make("/tmp");
	err = ERR_INIT;
}

static void teardown(void)
{
	static const char *const kept[] = {"thp", NULL};

	state_remove(kept);
}

START_TEST(swaps_are_parsed)
{
	struct swap_list list;

	ck_assert_int_eq(swap_list_parse("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
					 "/dev/zram0  partition\t1\t0\t100\n"
					 "/a\\040b\\134c  file\t\t16380\t\t12\t\t-2\n",
					 &list, &err),
			 0);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_int_eq(list.areas[0].priority, 100);
	ck_assert_str_eq(list.areas[1].path, "/a b\\c");
	ck_assert_int_eq(list.areas[1].priority, -2);
	ck_assert(swap_list_has(&list, "/dev/zram0"));
	ck_assert(!swap_list_has(&list, "/dev/zram"));
	swap_list_free(&list);
	ck_assert_int_eq(swap_list_parse("Filename\n", &list, &err), 0);
	ck_assert_uint_eq(list.n, 0);
	ck_assert_int_eq(swap_list_parse("Filename\nx y\n", &list, &err), -EPROTO);
}
END_TEST

START_TEST(values_are_compared_as_the_kernel_reads_them)
{
	ck_assert(toggle_same("10", "10"));
	ck_assert(toggle_same("010", "8"));
	ck_assert(toggle_same("0x10", "16 "));
	ck_assert(toggle_same("madvise", "madvise"));
	ck_assert(!toggle_same("never", "always"));
	ck_assert(!toggle_same("1", "10"));
	ck_assert(!toggle_same("", "0"));
}
END_TEST

START_TEST(chosen_word_is_the_value)
{
	char value[TOGGLE_VALUE_MAX];

	state_put("thp", "always [madvise] never\n");
	ck_assert_int_eq(toggle_read(state_path("thp"), value, &err), 0);
	ck_assert_str_eq(value, "madvise");
	state_put("thp", "60\n");
	ck_assert_int_eq(toggle_read(state_path("thp"), value, &err), 0);
	ck_assert_str_eq(value, "60");
}
END_TEST

Suite *toggle_suite(void)
{
	Suite *suite = suite_create("toggle");
	TCase *tc = tcase_create("toggle");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, swaps_are_parsed);
	tcase_add_test(tc, values_are_compared_as_the_kernel_reads_them);
	tcase_add_test(tc, chosen_word_is_the_value);
	suite_add_tcase(suite, tc);
	return suite;
}
