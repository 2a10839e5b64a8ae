/*
 * Which of two expectations came true: the answer to a question that the scenario does not know.
 * Each side is judged by itself as in eval.c; here is only when that is an answer.
 */
#include <stdlib.h>

#include "base/str.h"
#include "harness/judge/row.h"

static const char *const side_names[] = {[DECIDE_FALSE] = "false", [DECIDE_TRUE] = "true"};

const char *judge_side_name(int side)
{
	return side_names[side];
}

/* A command that has no receipt yet may still kill somebody, a ping without an answer may get one;
 * who is blocked waits for a step. */
static bool under_way(const struct expect *const sides[DECIDE_SIDES], const struct world *world)
{
	for (size_t i = 0; i < world->n_tasks; i++) {
		const struct world_task *task = &world->tasks[i];
		bool asked = judge_wants_proof_of(sides[DECIDE_FALSE], (int)i) ||
			     judge_wants_proof_of(sides[DECIDE_TRUE], (int)i);
		if (task->life == WORLD_RUNNING && !task->blocked &&
		    (task->stepping || (asked && !task->proved)))
			return true;
	}
	return false;
}

/* Moves the findings of one side that do not hold to the end of ret. */
static void keep_open(struct findings *from, int side, struct findings *ret)
{
	for (size_t i = 0; i < from->n; i++) {
		if (from->items[i].state == JUDGE_HOLDS)
			continue;
		ret->items = mem_grow(ret->items, ret->n + 1, sizeof(*ret->items));
		ret->items[ret->n] = from->items[i];
		ret->items[ret->n++].of = judge_side_name(side);
	}
	findings_free(from);
}

static void add_both_hold(struct findings *ret)
{
	ret->items = mem_grow(ret->items, ret->n + 1, sizeof(*ret->items));
	struct finding *finding = &ret->items[ret->n++];
	*finding = (struct finding){.what = "decide", .state = JUDGE_WAIT};
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));
	tell_add(&expected, "one side to hold");
	tell_add(&got, "both: they do not exclude each other");
}

/* The side that is the answer, or -1. */
static int answer(const enum judge_state state[DECIDE_SIDES], bool settled)
{
	for (int side = 0; side < DECIDE_SIDES; side++) {
		enum judge_state other = state[!side];
		if (state[side] == JUDGE_HOLDS && other != JUDGE_HOLDS &&
		    (other == JUDGE_FAILS || settled))
			return side;
	}
	return -1;
}

enum judge_state judge_decide(const struct expect *const sides[DECIDE_SIDES], struct world *world,
			      bool last, struct findings *ret, int *ret_side)
{
	struct findings found[DECIDE_SIDES] = {0};
	enum judge_state state[DECIDE_SIDES];

	findings_free(ret);
	for (int side = 0; side < DECIDE_SIDES; side++)
		state[side] = judge_items(sides[side], world, &found[side]);
	int side = answer(state, last || !under_way(sides, world));
	if (side >= 0) {
		judge_claim(sides[side], world);
		findings_free(&found[!side]);
		*ret = found[side];
		*ret_side = side;
		return JUDGE_HOLDS;
	}
	if (state[DECIDE_FALSE] == JUDGE_HOLDS && state[DECIDE_TRUE] == JUDGE_HOLDS)
		add_both_hold(ret);
	for (int i = 0; i < DECIDE_SIDES; i++)
		keep_open(&found[i], i, ret);
	return state[DECIDE_FALSE] == JUDGE_FAILS && state[DECIDE_TRUE] == JUDGE_FAILS ? JUDGE_FAILS
										       : JUDGE_WAIT;
}
