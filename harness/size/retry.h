/*
 * What to do with a system call that came back while the group was at its limit: nothing, make it
 * again, or let it go on where a short transfer stopped. Pure; follow.c acts on it.
 */
#ifndef OOMLAB_SIZE_RETRY_H
#define OOMLAB_SIZE_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum retry {
	RETRY_NO,    /* its result is its own */
	RETRY_AGAIN, /* it failed for want of memory: the same again */
	RETRY_REST,  /* it moved less than was asked for: the rest */
};

/* A result of x86-64's call 'nr' that may come from a charge that failed. For RETRY_REST
 * 'asked' is the size of the transfer; whether going on is right depends on the file as well
 * (retry_rest_fits). */
enum retry retry_decide(uint64_t nr, int64_t result, uint64_t asked);
/* Whether a short transfer of this call on a file of this mode and device would have gone on by
 * itself had there been memory: where reading more waits for nobody. */
bool retry_rest_fits(uint64_t nr, mode_t mode, dev_t device);
/* A call whose transfer can go on, and which of its arguments moves along, -1: none. */
bool retry_is_transfer(uint64_t nr, int *ret_offset_arg);

#endif
