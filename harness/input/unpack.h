/*
 * Packed logs: one row a format, told by its first bytes. Used by input.c alone.
 */
#ifndef OOMLAB_INPUT_UNPACK_H
#define OOMLAB_INPUT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { UNPACK_MAGIC_MAX = 8 };

struct unpack_span {
	char *at;
	size_t n;
};

enum unpack_state {
	UNPACK_MORE = 0, /* within a stream: its end would be missing here */
	UNPACK_BETWEEN,	 /* between two streams of one file, or at the end */
	UNPACK_DONE,	 /* what follows is no part of it */
};

struct unpack {
	const char *name;
	unsigned char magic[UNPACK_MAGIC_MAX];
	size_t n_magic;
	/* NULL in a row of what is recognised only to say what to do instead. */
	void *(*open)(void);
	/* Takes from the front of 'in', puts at the front of 'out'. 'last': nothing comes after
	 * 'in'. Returns an enum unpack_state, or -EBADMSG. */
	int (*step)(void *state, struct unpack_span *in, struct unpack_span *out, bool last,
		    struct err *err);
	void (*close)(void *state);
	const char *instead;
};

/* The row that these first bytes belong to, NULL: plain text. */
const struct unpack *unpack_find(const char *bytes, size_t n);

#endif
