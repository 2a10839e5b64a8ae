/*
 * The host's toggles on the real kernel: swap files, zram, sysctls, THP, each put back by the run
 * itself. Needs root; each test compares the machine before and after. kill -9: test_host_kill.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/journal_file.h"
#include "harness/exec/swap.h"
#include "tests/integration/host_rig.h"
#include "tests/lib/skip.h"

Suite *host_suite(void);

enum { SWAP_BYTES = 16 << 20, SMALL_SWAP_BYTES = 1 << 20 };

static struct err err;

/* ---- swap ---------------------------------------------------------------------------------- */

static bool find_swap(const char *path, int *ret_priority)
{
	struct swap_list list;
	bool found = false;

	ck_assert_int_eq(swap_list_read(&list, &err), 0);
	for (size_t i = 0; i < list.n; i++) {
		if (str_eq(list.areas[i].path, path)) {
			found = true;
			*ret_priority = list.areas[i].priority;
		}
	}
	swap_list_free(&list);
	return found;
}

START_TEST(swap_file_comes_and_goes)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_FILE, .swap_bytes = SWAP_BYTES};
	struct facts with, without;
	struct journal *journal = host_rig_journal();
	MEM_AUTO char *path = mem_printf("%s/%s.swap", state_dir(), journal_id(journal));
	int priority = 0;

	ck_assert_int_eq(facts_gather(NULL, &without, &err), 0);
	struct host *host = host_rig_apply(journal, &plan);
	ck_assert_int_eq(facts_gather(NULL, &with, &err), 0);
	ck_assert(find_swap(path, &priority));
	ck_assert_int_eq(priority, SWAP_PRIORITY_MAX);
	ck_assert_uint_eq(with.swap_total_bytes - without.swap_total_bytes,
			  SWAP_BYTES - with.page_size);
	host_rig_restore(host, journal);
	ck_assert(!find_swap(path, &priority));
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

static int wait_pidfd(int pidfd)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
	close(pidfd);
	ck_assert_int_eq(info.si_code, CLD_EXITED);
	return info.si_status;
}

START_TEST(own_swap_goes_off_and_on_in_a_child)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_FILE, .swap_bytes = SWAP_BYTES};
	struct journal *journal = host_rig_journal();
	MEM_AUTO char *path = mem_printf("%s/%s.swap", state_dir(), journal_id(journal));
	struct host *host = host_rig_apply(journal, &plan);
	int pidfd, priority = 0;

	ck_assert_int_eq(host_swap_begin(host, false, &pidfd, &err), 0);
	ck_assert_int_eq(wait_pidfd(pidfd), 0);
	ck_assert(!find_swap(path, &priority));
	ck_assert_int_eq(host_swap_begin(host, false, &pidfd, &err), 0);
	ck_assert_int_eq(wait_pidfd(pidfd), EINVAL);
	ck_assert_int_eq(host_swap_begin(host, true, &pidfd, &err), 0);
	ck_assert_int_eq(wait_pidfd(pidfd), 0);
	ck_assert(find_swap(path, &priority));
	ck_assert_int_eq(priority, SWAP_PRIORITY_MAX);
	/* Restored while off, too. */
	ck_assert_int_eq(host_swap_begin(host, false, &pidfd, &err), 0);
	ck_assert_int_eq(wait_pidfd(pidfd), 0);
	host_rig_restore(host, journal);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(no_own_swap_is_said)
{
	int pidfd;

	ck_assert_int_eq(host_swap_begin(NULL, false, &pidfd, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the scenario has no swap of its own to turn off");
}
END_TEST

START_TEST(swap_file_on_tmpfs_is_refused_with_the_remedy)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_FILE, .swap_bytes = SWAP_BYTES};
	char shm[] = "/dev/shm/oomlab-host-XXXXXX";
	struct host *host;

	ck_assert_ptr_nonnull(mkdtemp(shm));
	setenv("OOMLAB_STATE", shm, 1);
	struct journal *journal = host_rig_journal();
	ck_assert_int_eq(host_apply(&plan, journal, NULL, &host, &err), -EOPNOTSUPP);
	ck_assert_ptr_null(host);
	ck_assert_ptr_nonnull(strstr(err.text, "tmpfs, which cannot hold a swap file: set "
					       "OOMLAB_STATE"));
	journal_close(journal);
	MEM_AUTO char *lock = mem_printf("%s/" JOURNAL_HOST_LOCK, shm);
	unlink(lock);
	ck_assert_int_eq(rmdir(shm), 0);
}
END_TEST

START_TEST(swap_file_larger_than_the_disk_is_refused)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_FILE, .swap_bytes = 1ULL << 50};
	struct journal *journal = host_rig_journal();
	struct host *host;

	ck_assert_int_eq(host_apply(&plan, journal, NULL, &host, &err), -ENOSPC);
	ck_assert_msg(str_starts(err.text, "a swap file of 1P does not fit in '"), "%s", err.text);
	journal_close(journal);
}
END_TEST

START_TEST(zram_comes_and_goes)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_ZRAM, .swap_bytes = SWAP_BYTES};
	struct journal *journal = host_rig_journal();
	struct swap_list list;
	struct host *host = host_rig_apply(journal, &plan);
	bool on = false;

	ck_assert_int_eq(swap_list_read(&list, &err), 0);
	for (size_t i = 0; i < list.n; i++)
		on = on || str_starts(list.areas[i].path, "/dev/zram");
	swap_list_free(&list);
	ck_assert(on);
	host_rig_restore(host, journal);
}
END_TEST

/* As where there is no zram-control: an unused device of the machine's is reset, not removed. */
START_TEST(zram_without_control_is_reset)
{
	struct journal *journal = host_rig_journal();
	STR_AUTO did = STR_INIT;

	ck_assert_int_eq(journal_note(journal, JOURNAL_ZRAM, "/dev/zram0", NULL, &err), 0);
	ck_assert_int_eq(fd_write_text(AT_FDCWD, "/sys/block/zram0/disksize", "1048576", &err), 0);
	ck_assert_int_eq(zram_undo_device("/dev/zram0", false, true, &did, &err), 0);
	ck_assert_str_eq(str_text(&did), "/dev/zram0");
	ck_assert_int_eq(journal_undo(journal, NULL, NULL), 0);
	journal_close(journal);
}
END_TEST

static char *make_swap(const char *name, int priority)
{
	char *path = mem_printf("%s/%s", state_dir(), name);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, SMALL_SWAP_BYTES), 0);
	ck_assert_int_eq(swap_write_header(fd, SMALL_SWAP_BYTES, &err), 0);
	ck_assert_int_eq(fsync(fd), 0);
	close(fd);
	ck_assert_msg(swap_on(path, priority, &err) == 0, "%s", err.text);
	return path;
}

static void drop_swap(char *path)
{
	ck_assert_msg(swap_off(path, &err) == 0, "%s", err.text);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static char *swaps_text(void)
{
	struct str text = STR_INIT;

	ck_assert_int_eq(fd_read_all(AT_FDCWD, "/proc/swaps", &text, &err), 0);
	return str_take(&text);
}

START_TEST(machines_swap_goes_off_and_comes_back_in_order)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_NONE};
	char *preferred = make_swap("preferred", 5);
	char *first = make_swap("first", -1), *second = make_swap("second", -1);
	struct journal *journal = host_rig_journal();
	struct swap_list list;

	ck_assert_int_eq(swap_list_read(&list, &err), 0);
	ck_assert_uint_eq(list.n, 3);
	struct host *host = host_rig_apply(journal, &plan);
	MEM_AUTO char *off = swaps_text();
	ck_assert_msg(!strchr(off, '\n') || strchr(off, '\n')[1] == '\0', "still on: %s", off);
	host_rig_restore(host, journal);
	for (size_t i = 0; i < list.n; i++) {
		int priority = 0;
		ck_assert(find_swap(list.areas[i].path, &priority));
		if (list.areas[i].priority >= 0)
			ck_assert_int_eq(priority, list.areas[i].priority);
	}
	int one = 0, two = 0;
	ck_assert(find_swap(first, &one) && find_swap(second, &two));
	ck_assert_int_gt(one, two);
	swap_list_free(&list);
	drop_swap(second);
	drop_swap(first);
	drop_swap(preferred);
}
END_TEST

/* ---- values -------------------------------------------------------------------------------- */

START_TEST(sysctls_and_thp_are_put_back)
{
	const char *value = host_rig_other("vm.swappiness", "41", "42");
	struct plan_sysctl sysctls[] = {
		{"vm.swappiness", value, NULL},
		{"vm.overcommit_memory", host_rig_sysctl("vm.overcommit_memory"), NULL}};
	struct plan_host plan = {.n_sysctls = 2, .sysctls = sysctls, .thp = "never"};
	struct journal *journal = host_rig_journal();
	MEM_AUTO char *same = mem_dup(host_rig_sysctl("vm.overcommit_memory"));
	struct journal_text text;

	sysctls[1].value = same;
	struct host *host = host_rig_apply(journal, &plan);
	ck_assert_str_eq(host_rig_sysctl("vm.swappiness"), value);
	/* What has the value already is neither written nor noted. */
	ck_assert_int_eq(journal_load(journal_fd(journal), &text, &err), 0);
	for (size_t i = 0; i < text.n; i++)
		ck_assert_str_ne(text.entries[i].a, "vm.overcommit_memory");
	journal_text_free(&text);
	host_rig_restore(host, journal);
}
END_TEST

START_TEST(overcommit_pair_is_put_back_whole)
{
	MEM_AUTO char *ratio = mem_dup(host_rig_sysctl("vm.overcommit_ratio"));
	MEM_AUTO char *kbytes = mem_dup(host_rig_sysctl("vm.overcommit_kbytes"));
	struct plan_sysctl by_ratio = {"vm.overcommit_ratio", "70", NULL};
	struct plan_sysctl by_kbytes = {"vm.overcommit_kbytes", "123456", NULL};
	const struct plan_host outer = {.n_sysctls = 1, .sysctls = &by_kbytes};
	const struct plan_host inner = {.n_sysctls = 1, .sysctls = &by_ratio};
	struct journal *journal = host_rig_journal();

	struct host *host = host_rig_apply(journal, &outer);
	ck_assert_str_eq(host_rig_sysctl("vm.overcommit_kbytes"), "123456");
	struct host *nested = host_rig_apply(journal, &inner);
	ck_assert_str_eq(host_rig_sysctl("vm.overcommit_kbytes"), "0");
	ck_assert_int_eq(host_restore(nested, NULL), 0);
	ck_assert_str_eq(host_rig_sysctl("vm.overcommit_kbytes"), "123456");
	host_rig_restore(host, journal);
	ck_assert_str_eq(host_rig_sysctl("vm.overcommit_kbytes"), kbytes);
	ck_assert_str_eq(host_rig_sysctl("vm.overcommit_ratio"), ratio);
}
END_TEST

START_TEST(failure_puts_back_what_was_done)
{
	const char *value = host_rig_other("vm.swappiness", "41", "42");
	struct plan_sysctl sysctls[] = {{"vm.swappiness", value, NULL},
					{"vm.no_such_thing", "1", NULL}};
	const struct plan_host plan = {.n_sysctls = 2, .sysctls = sysctls};
	struct journal *journal = host_rig_journal();
	struct host *host;

	ck_assert_int_eq(host_apply(&plan, journal, NULL, &host, &err), -EOPNOTSUPP);
	ck_assert_str_eq(err.text, "this kernel has no 'vm.no_such_thing'");
	ck_assert_ptr_null(host);
	ck_assert_str_ne(host_rig_sysctl("vm.swappiness"), value);
	sysctls[1] = (struct plan_sysctl){"vm.overcommit_memory", "77", NULL};
	ck_assert_int_eq(host_apply(&plan, journal, NULL, &host, &err), -EINVAL);
	ck_assert_msg(str_starts(err.text, "'vm.overcommit_memory': cannot write '77'"), "%s",
		      err.text);
	ck_assert_str_ne(host_rig_sysctl("vm.swappiness"), value);
	journal_close(journal);
}
END_TEST

START_TEST(nothing_to_do_is_nothing)
{
	const struct plan_host plan = {.swap = PLAN_SWAP_ANY};
	struct journal *journal = host_rig_journal();

	ck_assert_ptr_null(host_rig_apply(journal, &plan));
	host_rig_restore(NULL, journal);
}
END_TEST

/* ---- the suite ----------------------------------------------------------------------------- */

static TCase *tcase(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, host_rig_setup, host_rig_teardown);
	tcase_set_timeout(tc, HOST_RIG_TIMEOUT_S);
	return tc;
}

static TCase *swap_tests(void)
{
	TCase *tc = tcase("swap");

	tcase_add_test(tc, swap_file_comes_and_goes);
	tcase_add_test(tc, own_swap_goes_off_and_on_in_a_child);
	tcase_add_test(tc, no_own_swap_is_said);
	tcase_add_test(tc, swap_file_on_tmpfs_is_refused_with_the_remedy);
	tcase_add_test(tc, swap_file_larger_than_the_disk_is_refused);
	return tc;
}

static TCase *value_tests(void)
{
	TCase *tc = tcase("values");

	tcase_add_test(tc, sysctls_and_thp_are_put_back);
	tcase_add_test(tc, overcommit_pair_is_put_back_whole);
	tcase_add_test(tc, failure_puts_back_what_was_done);
	tcase_add_test(tc, nothing_to_do_is_nothing);
	return tc;
}

Suite *host_suite(void)
{
	Suite *suite = suite_create("host");
	struct facts facts;
	struct err why = ERR_INIT;
	struct swap_list swaps = {.n = 0};
	bool ready = facts_gather(NULL, &facts, &why) == 0;
	const char *no_swap = ready ? facts.no_swap : why.text;
	const char *no_zram = ready ? facts.no_zram : why.text;
	TCase *zram = tcase("zram"), *reset = tcase("zram reset"), *none = tcase("machine's swap");
	char size[32] = "";

	if (!*no_swap && swap_list_read(&swaps, &why) < 0)
		no_swap = why.text;
	(void)fd_read_text(AT_FDCWD, "/sys/block/zram0/disksize", size, sizeof(size), &why);
	tcase_add_test(zram, zram_comes_and_goes);
	tcase_add_test(reset, zram_without_control_is_reset);
	tcase_add_test(none, machines_swap_goes_off_and_comes_back_in_order);
	suite_add_if(suite, value_tests(), "values", geteuid() == 0, "needs root");
	suite_add_if(suite, swap_tests(), "swap", !*no_swap, no_swap);
	suite_add_if(suite, zram, "zram", !*no_zram, no_zram);
	suite_add_if(suite, reset, "zram reset", !*no_zram && str_eq(size, "0\n"),
		     "needs an unused /dev/zram0");
	suite_add_if(suite, none, "machine's swap", !*no_swap && swaps.n == 0,
		     "the machine has swap on, which the test would turn off");
	swap_list_free(&swaps);
	return suite;
}
