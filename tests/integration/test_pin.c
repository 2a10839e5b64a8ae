/*
 * harness/exec/pin: a file's pages are locked while it is pinned, and no longer.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/pin.h"

Suite *pin_suite(void);

enum { PAGES = 16 };

static char path[] = "/var/tmp/oomlab-pin-XXXXXX";

static void make_file(size_t bytes)
{
	char text[4096];
	int fd;

	strcpy(strstr(path, "pin-") + 4, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	memset(text, 'x', sizeof(text));
	for (size_t done = 0; done < bytes; done += sizeof(text))
		ck_assert_int_eq(write(fd, text, sizeof(text)), sizeof(text));
	ck_assert_int_eq(fsync(fd), 0);
	(void)close(fd);
}

/* What the kernel has locked for us. */
static uint64_t locked_kb(void)
{
	char text[4096];
	struct err err;

	ck_assert_int_gt(fd_read_text(-1, "/proc/self/status", text, sizeof(text), &err), 0);
	const char *at = strstr(text, "VmLck:");
	ck_assert_ptr_nonnull(at);
	return strtoull(at + 6, NULL, 10);
}

START_TEST(pinned_pages_are_locked_until_released)
{
	size_t bytes = PAGES * (size_t)sysconf(_SC_PAGESIZE);
	uint64_t before = locked_kb();
	struct pin pin;

	make_file(bytes);
	pin_file(path, &pin);
	uint64_t during = locked_kb();
	bool locked = pin.locked;
	size_t pinned = pin.bytes;
	pin_release(&pin);
	(void)unlink(path);
	ck_assert_uint_eq(pinned, bytes);
	/* A limit of memory to lock may be in the way; then it says so. */
	ck_assert_uint_eq(during, locked ? before + bytes / 1024 : before);
	ck_assert_uint_eq(locked_kb(), before);
	ck_assert(!pin.locked);
}
END_TEST

START_TEST(what_cannot_be_read_is_left_out)
{
	struct pin pin;

	pin_file("/nonexistent", &pin);
	ck_assert_ptr_null(pin.map);
	ck_assert(!pin.locked);
	pin_release(&pin);
	pin_file("/var/tmp", &pin);
	ck_assert(!pin.locked);
	pin_release(&pin);
}
END_TEST

Suite *pin_suite(void)
{
	Suite *suite = suite_create("pin");
	TCase *tcase = tcase_create("pin");

	tcase_add_test(tcase, pinned_pages_are_locked_until_released);
	tcase_add_test(tcase, what_cannot_be_read_is_left_out);
	suite_add_tcase(suite, tcase);
	return suite;
}
