/*
 * Swap areas: reading /proc/swaps, making a swap file or a zram device, turning them on and off.
 * Private to harness/exec; whoever calls notes the change in the journal first, except where a
 * function takes the journal and says so.
 */
#ifndef OOMLAB_EXEC_SWAP_H
#define OOMLAB_EXEC_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/exec/journal.h"

struct swap_area {
	char *path;   /* as swapon(2) takes it */
	int priority; /* negative: given by the kernel */
};

struct swap_list {
	size_t n;
	struct swap_area *areas; /* in the kernel's order of use */
};

/* Parses the text of /proc/swaps. */
int swap_list_parse(const char *text, struct swap_list *ret, struct err *err);
int swap_list_read(struct swap_list *ret, struct err *err);
bool swap_list_has(const struct swap_list *list, const char *path);
int swap_is_on(const char *path, bool *ret, struct err *err);
void swap_list_free(struct swap_list *list);

/* swapon(2) with this priority (negative: let the kernel give one). -EOPNOTSUPP when this user or
 * this file system cannot. */
int swap_on(const char *path, int priority, struct err *err);
/* swapoff(2) of an area that is on; one that is not is fine. Waits (10 s) for another process that
 * is just turning it off. */
int swap_off(const char *path, struct err *err);

/* Makes <state>/<id>.swap of this many bytes, noted as JOURNAL_FILE, and turns it on with the
 * highest priority, noted as JOURNAL_SWAP. */
int swap_make_file(struct journal *journal, uint64_t bytes, char **ret_path, struct err *err);
/* The same with a zram device, noted as JOURNAL_ZRAM[_NEW]. */
int swap_make_zram(struct journal *journal, uint64_t bytes, char **ret_path, struct err *err);
/* Notes and turns on what has been prepared. */
int swap_start(struct journal *journal, const char *path, struct err *err);
/* Writes the swap header of an area of this many bytes into an open file or device. */
int swap_write_header(int fd, uint64_t bytes, struct err *err);

/* Why zram cannot be used here, static text; NULL when it can. */
const char *zram_missing(void);
/* Resets a device that was unused before, or removes one that was added (JOURNAL_ZRAM); removes
 * the unused one that is not in 'before' (JOURNAL_ZRAM_NEW). *ret_done gets the device's path when
 * there was something to do; with dry_run it is not done. */
int zram_undo_device(const char *device, bool added, bool dry_run, struct str *ret_done,
		     struct err *err);
int zram_undo_added(const char *before, bool dry_run, struct str *ret_done, struct err *err);

enum { SWAP_PRIORITY_MAX = 32767 };

#endif
