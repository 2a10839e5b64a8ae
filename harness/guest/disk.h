/*
 * A small file system whose pages have to come from somewhere else again. All of a fresh guest is
 * tmpfs, which has no page cache to drop and holds no swap file.
 */
#ifndef OOMLAB_GUEST_DISK_H
#define OOMLAB_GUEST_DISK_H

#include <stddef.h>

#include "base/err.h"

/* Blocks in groups, as many as a bitmap of one block covers; each group begins with a head. */
enum { DISK_BLOCK = 4096, DISK_GROUP_BLOCKS = DISK_BLOCK * 8, DISK_GROUPS = 2, DISK_HEAD = 21 };

/* The head of a group of an empty ext2, DISK_BLOCK * DISK_HEAD bytes; all else is zero: what mke2fs
 * would write, without the time. */
void disk_format(unsigned group, unsigned char *head);
/* Makes one in a zram device of its own, which takes memory for what is written alone, and mounts
 * it. -ENODEV: no zram here. */
int disk_mount(const char *dir, struct err *err);

#endif
