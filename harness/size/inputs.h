/*
 * The files that a command's words name, to tell whether they are those of an earlier call: by
 * size and time of their last change.
 */
#ifndef OOMLAB_SIZE_INPUTS_H
#define OOMLAB_SIZE_INPUTS_H

#include <jansson.h>

/* [{"path": PATH, "size": N, "changed_ns": N}, ...] of the words that are regular files. */
json_t *inputs_look(const char *const *words);
/* Those that are in both alike: what a run has changed is no input of it. */
json_t *inputs_same(const json_t *before, const json_t *after);
/* The path of the first that is no more as it was, into 'buf'; "": all are. */
const char *inputs_changed(const json_t *before, char *buf, size_t size);

#endif
