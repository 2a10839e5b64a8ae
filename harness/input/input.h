/*
 * Where the bytes of a log come from: files, pipes, standard input, the kernel's own log; packed by
 * gzip, xz or zstd, which their first bytes tell. And the same while they grow. Knows nothing of
 * what the bytes mean.
 */
#ifndef OOMLAB_INPUT_H
#define OOMLAB_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"

#define INPUT_STDIN "-"
#define INPUT_KMSG  "/dev/kmsg"

struct input;

/* Opens a log by its path, INPUT_STDIN or INPUT_KMSG. Nothing is read yet. */
int input_open(const char *name, struct input **ret, struct err *err);
void input_free(struct input *input);
/* The next bytes, borrowed until the next call: how many, 0 at the end. On an error, damage to
 * packed data included, all that could be read has come before. */
ssize_t input_read(struct input *input, const char **ret_bytes, struct err *err);
bool input_is_kmsg(const struct input *input);

/* ---- while it grows ------------------------------------------------------------------------- */

/* New bytes; n = 0: a pipe's end, nothing will come any more. */
typedef void (*follow_fn)(void *data, const char *bytes, size_t n);

struct follow;

/* Reads what is there, then goes on whenever there is more, by the loop: /dev/kmsg, a pipe, or a
 * file by its name, as 'tail -F' does: a new file of that name (rotation) and one that was
 * truncated are read from their beginning. Packed files do not grow: -EINVAL. */
int follow_new(struct loop *loop, const char *name, follow_fn fn, void *data, struct follow **ret,
	       struct err *err);
void follow_free(struct follow *follow);
/* What went wrong since, -err->code; 0: nothing. */
int follow_error(const struct follow *follow, struct err *err);

#endif
