/*
 * The limit that moves. cgroup v1: the OOM killer is off (memory.oom_control), so who faults beyond
 * the limit sleeps until it is raised, and the kernel announces it; system calls fail instead and
 * are made again (follow.h). cgroup v2: memory.high is the stop, which holds a task up and never
 * fails anything; memory.max stays at the ceiling.
 *
 * One event, one step: after a raise the sleepers need a moment to wake, and looking at under_oom
 * meanwhile would raise again and again (6.18: a program of 203 MB "needed" 175 steps more).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/size/run_internal.h"

enum {
	LOOK_AGAIN = 4, /* times, before room that is no use is not counted on */
	ROOM_BYTES = 65536,
	MARGIN_LEAST = 2 << 20,
	MARGIN_MOST = 32 << 20,
	STUCK_TICKS = 2,      /* of silence, then a sleeper that nobody announced is believed */
	STOCK_PAGES = 64,     /* what a CPU charges in advance (MEMCG_CHARGE_BATCH) */
	NEAR_BYTES = 1 << 20, /* the largest charge that fails a call: a folio, a few page tables */
};

#define TICK_ARMED_NS 20000000ULL

static uint64_t stock_bytes(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return (uint64_t)(cpus > 0 ? cpus : 1) * STOCK_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int set_limit(struct run *run, uint64_t bytes, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	return cg_set(run->group, run->lab->version == CG_V1 ? "memory.max" : "memory.high", text,
		      err);
}

/* One step more. False: the run is over. */
static bool raise_limit(struct run *run)
{
	struct err err;

	if (run->ending)
		return false;
	run_keep_look(run);
	if (run->limit_bytes >= run->spec->ceiling_bytes) {
		run_end_now(run, RUN_CEILING);
		return false;
	}
	run->limit_bytes += run->spec->step_bytes;
	run->ret->steps++;
	run->raised = true;
	run->looked_again = 0;
	if (set_limit(run, run->limit_bytes, &err) >= 0)
		return true;
	snprintf(run->ret->why, sizeof(run->ret->why), "%.190s", err.text);
	run_end_now(run, RUN_UNFOLLOWED);
	return false;
}

/* ---- system calls -------------------------------------------------------------------------- */

static uint64_t calls_failcnt(void *data)
{
	const struct run *run = data;

	return look_count(run->group, "failcnt", 0);
}

/* Whether the same again may do: there is room now (the OOM killer looks once more as well before
 * it kills, mem_cgroup_out_of_memory), or page cache that could not be freed just then, since
 * somebody was reading into it. */
static bool may_fit(const struct run *run, uint64_t usage)
{
	struct look look = {0};

	if (usage + ROOM_BYTES <= run->limit_bytes)
		return true;
	look_take(run->group, run->lab->version == CG_V1, &look);
	return look.file_bytes >= ROOM_BYTES;
}

static bool calls_raise(void *data)
{
	struct run *run = data;
	uint64_t usage = look_count(run->group, "usage", 0);

	/* The count moves also where reclaim helped: a call that fails far below the limit failed
	 * for a reason of its own. */
	if (usage + NEAR_BYTES + stock_bytes() < run->limit_bytes)
		return false;
	if (run->looked_again < LOOK_AGAIN && may_fit(run, usage)) {
		run->looked_again++;
		return !run->ending;
	}
	return raise_limit(run);
}

const struct follow_calls ratchet_calls = {.failcnt = calls_failcnt, .raise = calls_raise};

/* ---- full speed, until near the limit ------------------------------------------------------ */

/* What may be charged before every thread has been stopped: some milliseconds' worth. */
uint64_t ratchet_margin(uint64_t limit_bytes)
{
	uint64_t part = limit_bytes / 16;

	return part < MARGIN_LEAST ? MARGIN_LEAST : part > MARGIN_MOST ? MARGIN_MOST : part;
}

/* True: nothing else is to be done now. */
static bool is_far(struct run *run)
{
	if (run->follow.style != FOLLOW_LATE || run->follow.armed)
		return false;
	if (look_count(run->group, "usage", 0) + ratchet_margin(run->limit_bytes) >=
	    run->limit_bytes) {
		follow_arm(&run->follow);
		run->tick_ns = TICK_ARMED_NS;
	}
	return true;
}

/* ---- v1 ------------------------------------------------------------------------------------ */

/* Of two that sleep at once the kernel announces one, and when that one goes on and waits for the
 * other, nobody speaks. */
static void look_for_sleepers(struct run *run)
{
	uint64_t failcnt = look_count(run->group, "failcnt", 0);
	bool still = look_count(run->group, "under_oom", 0) && !run->raised &&
		     failcnt == run->stuck_failcnt;

	run->stuck = still ? run->stuck + 1 : 0;
	run->stuck_failcnt = failcnt;
	run->raised = false;
	if (run->stuck >= STUCK_TICKS) {
		run->stuck = 0;
		(void)raise_limit(run);
	}
}

/* ---- v2 ------------------------------------------------------------------------------------ */

/* memory.high is soft: with page cache to reclaim usage goes back to it, without it goes beyond.
 * What a hard limit would squeeze out before it kills is no reason to raise it. */
static void look_at_high(struct run *run)
{
	struct look look = {0};
	uint64_t high = look_count(run->group, "high", 0);

	if (high == run->raised_high)
		return;
	look_take(run->group, false, &look);
	bool beyond = look.usage_bytes > run->limit_bytes + run->spec->step_bytes;
	bool full = look.usage_bytes + stock_bytes() >= run->limit_bytes &&
		    look.file_bytes <= run->spec->step_bytes;
	if (!beyond && !full)
		return;
	run->raised_high = high;
	(void)raise_limit(run);
}

/* ---- both ---------------------------------------------------------------------------------- */

void ratchet_event(struct run *run)
{
	struct err err;
	uint64_t times = 0;

	if (cg_notify_ack(run->group, &times, &err) < 0 || run->ending)
		return;
	if (is_far(run) && times > 0)
		run_end_now(run, RUN_MISSED); /* it was faster */
	else if (run->lab->version == CG_V2)
		look_at_high(run);
	else if (times > 0 && look_count(run->group, "under_oom", 0))
		(void)raise_limit(run); /* else what was freed meanwhile has woken it */
}

void ratchet_tick(struct run *run)
{
	if (is_far(run))
		return;
	if (run->lab->version == CG_V2)
		look_at_high(run);
	else
		look_for_sleepers(run);
}

int ratchet_begin(struct run *run, struct err *err)
{
	char ceiling[32];
	int r = 0;

	run->limit_bytes = run->spec->limit_bytes;
	if (run->lab->version == CG_V1) {
		r = cg_set(run->group, "memory.oom_control", "disabled", err);
	} else {
		snprintf(ceiling, sizeof(ceiling), "%" PRIu64, run->spec->ceiling_bytes);
		r = cg_set(run->group, "memory.max", ceiling, err);
	}
	return r < 0 ? r : set_limit(run, run->limit_bytes, err);
}
