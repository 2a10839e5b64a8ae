/*
 * The cache folder of kernels. What is in it came there by rename(2) when it was complete, so that
 * whoever reads needs no lock, and a process killed in between leaves only work/, which the next
 * one to hold the lock empties.
 *
 *   lock
 *   index                 the kernels of all suites, from apt's indexes (debian.h)
 *   pins/6.1.json         what "debian:6.1" means (pin.h)
 *   kernels/RELEASE_VERSION/{vmlinux,modules/,kernel.json}; config of those built here; summed
 *                         (summed.h)
 *   build/VERSION/        what is being built (tiny_build.c), for the next one to go on with
 *   build.lock            who builds or removes that; the other lock is for moments
 *   apt/                  apt's own lists
 *   work/                 what is being fetched
 *
 * It is $OOMLAB_CACHE, root's is /var/cache/oomlab, others' $XDG_CACHE_HOME/oomlab or
 * ~/.cache/oomlab.
 */
#ifndef OOMLAB_VM_STORE_H
#define OOMLAB_VM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/vm/fetch.h"
#include "harness/vm/pin.h"

struct store {
	char *path; /* absolute, without links */
	int dir;
	int lock; /* -1: not held */
};

/* Makes the folder when it is not there. */
int store_open(struct store *ret, struct err *err);
void store_close(struct store *store);
/* Waits for other processes (-EINTR: a signal is pending), and empties work/. */
int store_lock(struct store *store, const struct fetch_watch *watch, struct err *err);
void store_unlock(struct store *store);
/* For build/, taken before the other one. Returns a descriptor, which is the lock. With 'wait'
 * false -EBUSY: somebody builds. */
int store_lock_build(const struct store *store, bool wait, const struct fetch_watch *watch,
		     struct err *err);

/* The pin of "debian:WISH". Returns 1, or 0: there is none. A damaged one is none. */
int store_read_pin(const struct store *store, const char *wish, struct pin *ret, struct err *err);
int store_write_pin(const struct store *store, const char *wish, const struct pin *pin,
		    struct err *err);
int store_remove_pin(const struct store *store, const char *wish, struct err *err);

/* The cached kernel in a folder of that name; 1, or 0: none. */
int store_read_kernel(const struct store *store, const char *folder, struct pin *ret,
		      struct err *err);
/* -EBUSY: a machine runs it. */
int store_remove_kernel(const struct store *store, const char *folder, struct err *err);

struct store_pins {
	size_t n;
	struct pin *all;
};
/* All of them, sorted. */
int store_list_pins(const struct store *store, struct store_pins *ret, struct err *err);
int store_list_kernels(const struct store *store, struct store_pins *ret, struct err *err);
void store_pins_free(struct store_pins *pins);

/* -ENOSPC: the disk has not so much room left; found out before somebody fills it. */
int store_check_room(const struct store *store, uint64_t bytes, struct err *err);

/* Writes a file as a whole. */
int store_put(const struct store *store, const char *name, const char *text, size_t len,
	      struct err *err);
/* Below the cache, on this machine: "%s/kernels/...". */
char *store_path(const struct store *store, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Removes a file or folder with all that is in it. */
int store_remove_tree(const char *path, struct err *err);

#endif
