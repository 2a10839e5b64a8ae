/*
 * Any bytes as a JSON string, and back: what a program prints need not be UTF-8. A byte is the
 * character of its value, ASCII stays itself; 0, which readers of JSON refuse, is U+0100.
 */
#ifndef OOMLAB_RECORD_BYTES_H
#define OOMLAB_RECORD_BYTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

json_t *bytes_to_json(const void *bytes, size_t n);
/* Appends them. false: it is no such string; nothing was appended. */
bool bytes_from_json(const json_t *json, struct str *out);

#endif
