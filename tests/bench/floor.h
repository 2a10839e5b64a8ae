/*
 * What the kernel alone needs: bare C loops that do as little as can be done, for bench.c to hold
 * the harness against. Uses nothing of the harness but the folder to make groups in.
 */
#ifndef OOMLAB_BENCH_FLOOR_H
#define OOMLAB_BENCH_FLOOR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct floor {
	char parent[PATH_MAX]; /* where groups with the memory controller are made */
	bool v2;
};

int floor_open(struct floor *ret, struct err *err);

/* One kill: make a group with this limit, fork a child that joins it and faults pages in until it
 * is killed, wait for it, remove the group. */
int floor_kill(const struct floor *floor, uint64_t limit_bytes, uint64_t *ret_ns, struct err *err);

/* Make and remove n empty groups, one after the other. */
int floor_groups(const struct floor *floor, unsigned n, uint64_t *ret_ns, struct err *err);

/* A child that maps this much, stores into every page and exits. */
int floor_fill(uint64_t bytes, uint64_t *ret_ns, struct err *err);

/* Runs a command with its output thrown away: the time until it has ended, and the largest
 * resident set that it and its children had. Its exit status must be 0. */
int floor_command(const char *const *argv, uint64_t *ret_ns, uint64_t *ret_rss_bytes,
		  struct err *err);

#endif
