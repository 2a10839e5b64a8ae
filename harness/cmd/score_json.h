/*
 * 'oomlab score --json': docs/score-json.md lists the keys.
 */
#ifndef OOMLAB_CMD_SCORE_JSON_H
#define OOMLAB_CMD_SCORE_JSON_H

#include <jansson.h>

#include "harness/cmd/score.h"

/* The scope with its rows; 'pids' (n): only those of them. The caller owns it. */
json_t *score_json(const struct score *score, const struct score_scope *scope, const int64_t *pids,
		   size_t n);
/* Where a process stands in a scope. */
json_t *score_place_json(const struct score_scope *scope, const struct score_row *row);

#endif
