/*
 * The command of one copy: wherever the mark ("{}") stands in the words, the files, the check, it
 * becomes the copy's number, from 1. Pure.
 */
#ifndef OOMLAB_SIZE_PACK_COMMAND_H
#define OOMLAB_SIZE_PACK_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "harness/size/run.h"

#define PACK_MARK "{}"
/* The number, in the environment of each copy and of its check. */
#define PACK_VARIABLE "OOMLAB_COPY"

struct pack_command {
	struct size_command command; /* of what is owned here, and of the common one's rest */
	char **words, **outputs, **cold;
	char *stdin_path, *check;
};

/* To be free()d. An empty mark stands nowhere. */
char *pack_fill(const char *text, const char *mark, uint64_t copy);

void pack_command_make(struct pack_command *ret, const struct size_command *common,
		       const char *mark, uint64_t copy);
void pack_command_clear(struct pack_command *command);

#endif
