/*
 * zram devices as swap: one of our own through zram-control, else an unused one that the machine
 * has. Part of swap.h; called by host.c and, to put things back, by journal_undo.c.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/swap.h"

#define ZRAM_CONTROL "/sys/class/zram-control/"

enum { ZRAM_BUSY_WAIT_MS = 2000, ZRAM_BUSY_POLL_MS = 10 };

/* Calls fn for every zram device ("zram0"), until it returns something but 0. */
typedef int (*zram_fn)(void *data, const char *name);
static int for_each_zram(zram_fn fn, void *data)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int rc = 0;

	while (dir && rc == 0 && (entry = readdir(dir))) {
		if (str_starts(entry->d_name, "zram") && isdigit((unsigned char)entry->d_name[4]))
			rc = fn(data, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return rc;
}

/* disksize is 0 until somebody sets a device up. */
static bool is_unused(const char *name)
{
	char path[300], text[32];
	struct err err = ERR_INIT;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/disksize", name);
	return fd_read_text(AT_FDCWD, path, text, sizeof(text), &err) > 0 && str_eq(text, "0\n");
}

static int add_name(void *data, const char *name)
{
	struct str *names = data;

	str_addf(names, "%s%s", names->len ? " " : "", name);
	return 0;
}

/* For for_each_zram: stops at an unused device whose node is there, its name in data. */
static int take_unused(void *data, const char *name)
{
	char node[300];

	(void)snprintf(node, sizeof(node), "/dev/%s", name);
	if (!is_unused(name) || access(node, W_OK) < 0)
		return 0;
	*(char **)data = mem_dup(name);
	return 1;
}

const char *zram_missing(void)
{
	MEM_AUTO char *name = NULL;

	if (access(ZRAM_CONTROL "hot_add", R_OK) == 0 || for_each_zram(take_unused, &name) == 1)
		return NULL;
	if (access(ZRAM_CONTROL "hot_add", F_OK) == 0)
		return "needs root to add a zram device";
	return "no zram here: run 'modprobe zram', or use a kernel with CONFIG_ZRAM";
}

/* Writes into the device's file, again while it is busy: udev may have it open for a moment, and
 * there is no event for a device being closed. */
static int write_patiently(const char *path, const char *text, struct err *err)
{
	const struct timespec pause = {.tv_nsec = ZRAM_BUSY_POLL_MS * 1000000L};
	uint64_t deadline = clock_ns() + ZRAM_BUSY_WAIT_MS * 1000000ULL;
	int rc;

	while ((rc = fd_write_text(AT_FDCWD, path, text, err)) == -EBUSY && clock_ns() < deadline)
		(void)nanosleep(&pause, NULL);
	return rc;
}

/* Adds a device; the kernel chooses its number, so what is noted first is which there are. */
static int hot_add(struct journal *journal, char **ret_name, struct err *err)
{
	STR_AUTO before = STR_INIT;
	char number[16];
	int rc;

	(void)for_each_zram(add_name, &before);
	rc = journal_note(journal, JOURNAL_ZRAM_NEW, str_text(&before), NULL, err);
	if (rc < 0)
		return rc;
	/* Reading makes the device, so exactly one read(2). */
	FD_AUTO fd = fd_open_at(AT_FDCWD, ZRAM_CONTROL "hot_add", O_RDONLY, 0, err);
	if (fd < 0)
		return fd;
	ssize_t n = read(fd, number, sizeof(number) - 1);
	if (n < 1)
		return err_errno(err, n < 0 ? errno : EIO, "cannot add a zram device");
	number[n] = '\0';
	number[strcspn(number, "\n")] = '\0';
	MEM_AUTO char *device = mem_printf("/dev/zram%s", number);
	if ((rc = journal_note(journal, JOURNAL_ZRAM, device, "added", err)) < 0)
		return rc;
	*ret_name = mem_printf("zram%s", number);
	return 0;
}

static int claim(struct journal *journal, char **ret_name, struct err *err)
{
	MEM_AUTO char *device = NULL;
	MEM_AUTO char *name = NULL;

	if (access(ZRAM_CONTROL "hot_add", R_OK) == 0)
		return hot_add(journal, ret_name, err);
	if (for_each_zram(take_unused, &name) != 1)
		return err_set(err, EOPNOTSUPP, "%s", zram_missing());
	device = mem_printf("/dev/%s", name);
	int rc = journal_note(journal, JOURNAL_ZRAM, device, NULL, err);
	if (rc < 0)
		return rc;
	*ret_name = name;
	name = NULL;
	return 0;
}

int swap_make_zram(struct journal *journal, uint64_t bytes, char **ret_path, struct err *err)
{
	char text[PARSE_TEXT_MAX];
	MEM_AUTO char *name = NULL;
	int rc = claim(journal, &name, err);

	if (rc < 0)
		return rc;
	MEM_AUTO char *device = mem_printf("/dev/%s", name);
	MEM_AUTO char *disksize = mem_printf("/sys/block/%s/disksize", name);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	if ((rc = fd_write_text(AT_FDCWD, disksize, text, err)) < 0)
		return rc;
	{
		FD_AUTO fd = fd_open_at(AT_FDCWD, device, O_RDWR, 0, err);
		if (fd < 0)
			return fd;
		if ((rc = swap_write_header(fd, bytes, err)) < 0)
			return rc;
	}
	if ((rc = swap_start(journal, device, err)) < 0)
		return rc;
	*ret_path = device;
	device = NULL;
	return 0;
}

int zram_undo_device(const char *device, bool added, bool dry_run, struct str *ret_done,
		     struct err *err)
{
	const char *name = strrchr(device, '/') ? strrchr(device, '/') + 1 : device;
	MEM_AUTO char *reset = mem_printf("/sys/block/%s/reset", name);

	if (access(reset, F_OK) < 0 || (!added && is_unused(name)))
		return 0;
	str_add(ret_done, device);
	if (dry_run)
		return 0;
	return added ? write_patiently(ZRAM_CONTROL "hot_remove", name + strlen("zram"), err)
		     : write_patiently(reset, "1", err);
}

struct search {
	const char *before;
	char *found;
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n) {
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* For for_each_zram: stops at an unused device that was not there before. */
static int find_added(void *data, const char *name)
{
	struct search *search = data;

	if (has_word(search->before, name) || !is_unused(name))
		return 0;
	search->found = mem_dup(name);
	return 1;
}

int zram_undo_added(const char *before, bool dry_run, struct str *ret_done, struct err *err)
{
	struct search search = {.before = before};

	/* At most one was added under this entry, and only a run that died before it knew the
	 * number has left it to this. */
	if (for_each_zram(find_added, &search) == 0)
		return 0;
	MEM_AUTO char *device = mem_printf("/dev/%s", search.found);
	free(search.found);
	return zram_undo_device(device, true, dry_run, ret_done, err);
}
