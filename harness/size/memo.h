/*
 * What runs came to, kept so that each is made once: results in memory, and with a file one JSON
 * line each as they are found, from which a later call goes on where an earlier one stopped. Which
 * runs are asked for is decided as ever; those that are known are not made again.
 */
#ifndef OOMLAB_SIZE_MEMO_H
#define OOMLAB_SIZE_MEMO_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "harness/size/run.h"

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *memo); /* NULL is fine */

/* Joins a file, made where there is none. 'about' (borrowed) is what has to be the same, an object
 * of texts, numbers and lists; 'words' (NULL-terminated, borrowed) may name files: those that a run
 * leaves alone are inputs, and have to be the same too. -EINVAL: it is about something else or
 * damaged; -EBUSY: somebody else writes it. What a killed writer left of its last line is cut off.
 */
int memo_open(struct memo *memo, const char *path, json_t *about, const char *const *words,
	      struct err *err);

/* A result of such a run that was not taken before. */
bool memo_take(struct memo *memo, const struct run_spec *spec, struct run_result *ret);
bool memo_has(const struct memo *memo, const struct run_spec *spec);
/* Whether only those are taken that were made by a run alone: times mean nothing in company. */
void memo_alone(struct memo *memo, bool alone);
/* Keeps a result; with 'ahead' for memo_take(), and made in company, else it has been used. What
 * says nothing about the command (an interrupted run, a kill from outside) is not kept. */
void memo_put(struct memo *memo, const struct run_spec *spec, const struct run_result *result,
	      bool ahead);
/* How many were taken that an earlier call made, and that this one made ahead; how many the earlier
 * one made. */
unsigned int memo_taken(const struct memo *memo);
unsigned int memo_taken_ahead(const struct memo *memo);
size_t memo_loaded(const struct memo *memo);
/* Why the file could not be written to; "" : it could. */
const char *memo_trouble(const struct memo *memo);

/* A result as a line has it, and back. Pure. */
json_t *memo_result_json(const struct run_result *result);
bool memo_result_read(const json_t *json, struct run_result *ret);

#endif
