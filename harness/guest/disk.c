/*
 * See disk.h. The layout is the oldest there is (revision 0): a group of blocks begins with the
 * superblock, all groups' descriptors, its two bitmaps and its inodes; in the first the root
 * follows. Source: Documentation/filesystems/ext4.
 */
#include "harness/guest/disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define ZRAM_CONTROL "/sys/class/zram-control/hot_add"

/* A head, in blocks */
enum { SUPER, GROUPS, BLOCK_MAP, INODE_MAP, INODES, ROOT = DISK_HEAD - 1 };
enum { INODE_BYTES = 128, RESERVED_INODES = 10, ROOT_INODE = 2 };
enum { GROUP_INODES = (ROOT - INODES) * DISK_BLOCK / INODE_BYTES, GROUP_BYTES = 32 };
enum { BLOCKS = DISK_GROUP_BLOCKS * DISK_GROUPS, FREE_BLOCKS = BLOCKS - ROOT * DISK_GROUPS - 1 };
enum { SUPER_OFFSET = 1024, SECTORS_A_BLOCK = DISK_BLOCK / 512 };

struct field {
	unsigned offset, bytes; /* 2 or 4 */
	uint32_t value;
};

static const struct field super_fields[] = {
	{0, 4, GROUP_INODES *DISK_GROUPS},
	{4, 4, BLOCKS},
	{12, 4, FREE_BLOCKS},
	{16, 4, GROUP_INODES *DISK_GROUPS - RESERVED_INODES},
	{24, 4, 2}, /* 1024 << 2 bytes a block */
	{28, 4, 2},
	{32, 4, DISK_GROUP_BLOCKS},
	{36, 4, DISK_GROUP_BLOCKS},
	{40, 4, GROUP_INODES},
	{54, 2, 0xffff}, /* never checked by number of mounts */
	{56, 2, 0xef53},
	{58, 2, 1}, /* clean */
	{60, 2, 1}, /* errors: go on */
};

static const struct field root_fields[] = {
	{0, 2, S_IFDIR | 0755},	  {4, 4, DISK_BLOCK}, {26, 2, 2}, /* links */
	{28, 4, SECTORS_A_BLOCK}, {40, 4, ROOT},
};

/* "." and ".." */
static const struct field names[] = {
	{0, 4, ROOT_INODE},  {4, 2, 12},
	{6, 2, 1},	     {8, 2, '.'},
	{12, 4, ROOT_INODE}, {16, 2, DISK_BLOCK - 12},
	{18, 2, 2},	     {20, 2, '.' | '.' << 8},
};

#define FILL(at, fields) fill((at), (fields), sizeof(fields) / sizeof((fields)[0]))
static void fill(unsigned char *at, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t value = htole32(fields[i].value);
		memcpy(at + fields[i].offset, &value, fields[i].bytes);
	}
}

static void mark(unsigned char *map, unsigned from, unsigned to)
{
	for (unsigned bit = from; bit < to; bit++)
		map[bit / 8] = (unsigned char)(map[bit / 8] | 1U << bit % 8);
}

/* Blocks: only the first group has a root. */
static unsigned used_by(unsigned group)
{
	return group ? ROOT : DISK_HEAD;
}

static void describe(unsigned char *at, unsigned group)
{
	unsigned first = group * DISK_GROUP_BLOCKS, reserved = group ? 0 : RESERVED_INODES;
	const struct field fields[] = {
		{0, 4, first + BLOCK_MAP},	  {4, 4, first + INODE_MAP},
		{8, 4, first + INODES},		  {12, 2, DISK_GROUP_BLOCKS - used_by(group)},
		{14, 2, GROUP_INODES - reserved}, {16, 2, group ? 0 : 1}, /* directories */
	};

	FILL(at, fields);
}

void disk_format(unsigned group, unsigned char *head)
{
	memset(head, 0, (size_t)DISK_BLOCK * DISK_HEAD);
	FILL(head + SUPER * DISK_BLOCK + SUPER_OFFSET, super_fields);
	for (unsigned i = 0; i < DISK_GROUPS; i++)
		describe(head + GROUPS * DISK_BLOCK + (size_t)i * GROUP_BYTES, i);
	mark(head + BLOCK_MAP * DISK_BLOCK, 0, used_by(group));
	mark(head + INODE_MAP * DISK_BLOCK, GROUP_INODES, DISK_BLOCK * 8); /* there are no such */
	if (group)
		return;
	mark(head + INODE_MAP * DISK_BLOCK, 0, RESERVED_INODES);
	FILL(head + INODES * DISK_BLOCK + (ROOT_INODE - 1) * INODE_BYTES, root_fields);
	FILL(head + ROOT * DISK_BLOCK, names);
}

/* Reading makes the device and gives its number, so exactly one read(2). */
static int add_zram(char *name, size_t size, struct err *err)
{
	char number[16];
	FD_AUTO fd = open(ZRAM_CONTROL, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, number, sizeof(number) - 1);

	if (n < 1)
		return err_set(err, ENODEV, "no zram");
	number[n] = '\0';
	number[strcspn(number, "\n")] = '\0';
	(void)snprintf(name, size, "zram%s", number);
	return 0;
}

static int write_heads(const char *device, struct err *err)
{
	size_t size = (size_t)DISK_BLOCK * DISK_HEAD;
	MEM_AUTO unsigned char *head = mem_zero(1, size);
	FD_AUTO fd = fd_open_at(AT_FDCWD, device, O_WRONLY, 0, err);

	for (unsigned group = 0; fd >= 0 && group < DISK_GROUPS; group++) {
		off_t at = (off_t)group * DISK_GROUP_BLOCKS * DISK_BLOCK;
		disk_format(group, head);
		if (pwrite(fd, head, size, at) != (ssize_t)size)
			return err_errno(err, errno, "'%s'", device);
	}
	return fd < 0 ? fd : 0;
}

int disk_mount(const char *dir, struct err *err)
{
	static const char *const types[] = {"ext2", "ext4", NULL};
	char name[32];

	if (add_zram(name, sizeof(name), err) < 0)
		return -err->code;
	MEM_AUTO char *size_file = mem_printf("/sys/block/%s/disksize", name);
	MEM_AUTO char *device = mem_printf("/dev/%s", name);
	MEM_AUTO char *size = mem_printf("%llu", (unsigned long long)DISK_BLOCK * BLOCKS);
	if (fd_write_text(AT_FDCWD, size_file, size, err) < 0 || write_heads(device, err) < 0)
		return -err->code;
	for (size_t i = 0; types[i]; i++)
		if (mount(device, dir, types[i], MS_NOSUID | MS_NODEV | MS_NOATIME, NULL) == 0)
			return 0;
	return err_errno(err, errno, "'%s' on '%s'", device, dir);
}
