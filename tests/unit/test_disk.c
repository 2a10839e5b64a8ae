/*
 * The empty file system of a guest, by its bytes and, where e2fsck is there, by its word.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/guest/disk.h"

Suite *disk_suite(void);

static unsigned word(const unsigned char *at, unsigned offset)
{
	return (unsigned)(at[offset] | at[offset + 1] << 8);
}

START_TEST(super_block)
{
	unsigned char *head = mem_zero(DISK_HEAD, DISK_BLOCK);

	disk_format(0, head);
	ck_assert_uint_eq(word(head + 1024, 56), 0xef53);
	ck_assert_uint_eq(word(head + 1024, 58), 1);
	/* The root is a directory with two names. */
	ck_assert_uint_eq(word(head + 4 * DISK_BLOCK + 128, 0), 040755);
	ck_assert_uint_eq(word(head + 4 * DISK_BLOCK + 128, 26), 2);
	ck_assert_mem_eq(head + 20 * DISK_BLOCK + 20, "..", 2);
	free(head);
}
END_TEST

/* Only the first group has a root and reserved inodes. */
START_TEST(second_group)
{
	unsigned char *head = mem_zero(DISK_HEAD, DISK_BLOCK);

	disk_format(1, head);
	ck_assert_uint_eq(word(head + 1024, 56), 0xef53);
	ck_assert_uint_eq(head[3 * DISK_BLOCK], 0);
	ck_assert_uint_eq(word(head + 4 * DISK_BLOCK + 128, 0), 0);
	free(head);
}
END_TEST

START_TEST(e2fsck_agrees)
{
	static const char *const programs[] = {"/sbin/e2fsck", "/usr/sbin/e2fsck"};
	unsigned char *head = mem_zero(DISK_HEAD, DISK_BLOCK);
	int fd = memfd_create("disk", 0), status = -1;
	char path[32];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)DISK_GROUPS * DISK_GROUP_BLOCKS * DISK_BLOCK), 0);
	for (unsigned group = 0; group < DISK_GROUPS; group++) {
		disk_format(group, head);
		ck_assert_int_eq(pwrite(fd, head, (size_t)DISK_HEAD * DISK_BLOCK,
					(off_t)group * DISK_GROUP_BLOCKS * DISK_BLOCK),
				 DISK_HEAD * DISK_BLOCK);
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
			(void)execl(programs[i], "e2fsck", "-f", "-n", path, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != 127)
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	close(fd);
	free(head);
}
END_TEST

Suite *disk_suite(void)
{
	Suite *suite = suite_create("disk");
	TCase *tcase = tcase_create("disk");

	tcase_add_test(tcase, super_block);
	tcase_add_test(tcase, second_group);
	tcase_add_test(tcase, e2fsck_agrees);
	suite_add_tcase(suite, tcase);
	return suite;
}
