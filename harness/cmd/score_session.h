/*
 * One run of 'oomlab score': what was asked for, and one look as text or JSON. Private to
 * cmd_score.c, which asks, and score_look.c, which answers.
 */
#ifndef OOMLAB_CMD_SCORE_SESSION_H
#define OOMLAB_CMD_SCORE_SESSION_H

#include <sys/utsname.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/score.h"

struct score_values {
	const char *cgroup, *generation;
	int64_t top;
	uint64_t interval_ns;
	int colour;
	bool all, json, watch;
};

struct score_session {
	struct cmd_ctx *ctx;
	const struct score_values *values;
	struct utsname kernel;
	struct score score;
	int64_t *pids;
	size_t n_pids;
	bool lost; /* a given process was not there */
	bool terminal;
	struct score_view view;
	int status;
	bool ended;
};

/* Reads, and appends what is to be printed. Processes asked for that are not there are told to
 * stderr and forgotten; when none is left nothing is appended. */
int score_look(struct score_session *session, struct str *out, struct err *err);

#endif
