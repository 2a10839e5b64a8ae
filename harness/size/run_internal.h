/*
 * A run under way; between run.c (processes, time, output), run_end.c (what came out) and
 * ratchet.c (the limit that moves).
 * Private to harness/size.
 */
#ifndef OOMLAB_SIZE_RUN_INTERNAL_H
#define OOMLAB_SIZE_RUN_INTERNAL_H

#include <poll.h>

#include "harness/size/follow.h"
#include "harness/size/lab.h"
#include "harness/size/probe.h"
#include "harness/size/run.h"
#include "harness/size/spawn.h"

struct run {
	struct size_lab *lab;
	const struct run_spec *spec;
	struct run_result *ret;
	struct cg *group;
	struct spawned child;
	struct follow follow;
	struct probe probe;
	bool follows;
	bool ending; /* everything was killed; ret->end says why */
	bool main_gone;
	int main_status;
	uint64_t began_ns, ended_ns, left_ns; /* left: since when others are left alone */
	uint64_t deadline_ns, tick_ns, next_tick_ns;
	/* ratchet.c */
	uint64_t limit_bytes, stuck_failcnt, raised_high;
	unsigned int stuck, looked_again;
	bool raised; /* since the last look for sleepers that nobody announced */
};

/* Ends the run early, for this reason; the first reason stays. */
void run_end_now(struct run *run, enum run_end why);
/* Keeps the look with the most that cannot be reclaimed. */
void run_keep_look(struct run *run);

/* run_begin.c */
int run_make_group(struct run *run, struct err *err);
void run_make_cold(const struct size_command *command);

/* run_end.c: the result, while the group is still there; its output, when it is not. */
void run_judge(struct run *run);
void run_sum_results(struct run *run);

/* Sets the group up: where the limit starts, and what happens there. */
int ratchet_begin(struct run *run, struct err *err);
/* How far from the limit full speed ends. */
uint64_t ratchet_margin(uint64_t limit_bytes);
/* How the group hits its limit: an event, and each tick. */
void ratchet_event(struct run *run);
void ratchet_tick(struct run *run);
extern const struct follow_calls ratchet_calls;

#endif
