/*
 * 'claim', what people say about the kernel, and the 'decide' step that puts it to the test: two
 * expectations, one of which comes true. What comes true is not in the file, only what should.
 */
#include "harness/plan/steps.h"

#include <stdlib.h>

/* As in YAML 1.2, and as they are keys of 'decide': -1 for anything else. */
static int side_of(const struct node *at)
{
	for (int side = 0; at->kind == NODE_SCALAR && side < DECIDE_SIDES; side++)
		if (str_eq(at->text, judge_side_name(side)))
			return side;
	return -1;
}

/* ---- claim --------------------------------------------------------------------------------- */

static void claim_says(struct build *b, const struct node *value, void *data)
{
	read_scalar(b, value, "says", "one line of text: what is claimed",
		    &((struct plan_claim *)data)->says);
}

static void claim_truth(struct build *b, const struct node *value, void *data)
{
	read_scalar(b, value, "truth", "one line of text such as 'false since 2.6.36'",
		    &((struct plan_claim *)data)->truth);
}

/* 'false', or where it is false and elsewhere not: '{false: {kernel: ">=5.1"}}'. */
static void claim_here(struct build *b, const struct node *value, void *data)
{
	struct plan_claim *claim = data;
	bool map = value->kind == NODE_MAP && value->n == 1;
	int side = side_of(map ? &value->keys[0] : value);

	if (side < 0) {
		bad(b, value, "here", "true, false, or a map such as {true: {kernel: '<5.1'}}");
		return;
	}
	claim->here = (side == DECIDE_TRUE) == (!map || build_has(b, &value->items[0], "here"));
}

void build_claim(struct build *b, const struct node *map)
{
	static const struct key keys[] = {{"says", claim_says, true},
					  {"truth", claim_truth, true},
					  {"here", claim_here, true},
					  {NULL, NULL, false}};
	struct plan_claim *claim = arena_zero(b->arena, 1, sizeof(*claim));

	b->plan->claim = claim;
	if (map->kind != NODE_MAP)
		bad(b, map, "claim", "a map with says, truth and here");
	else
		read_keys(b, map, "'claim'", keys, NULL, claim);
}

/* ---- decide -------------------------------------------------------------------------------- */

static void decide_false(struct build *b, const struct node *value, void *data)
{
	((struct plan_step *)data)->sides[DECIDE_FALSE] = read_expectations(b, value, "false");
}

static void decide_true(struct build *b, const struct node *value, void *data)
{
	((struct plan_step *)data)->sides[DECIDE_TRUE] = read_expectations(b, value, "true");
}

static void decide_within(struct build *b, const struct node *value, void *data)
{
	uint64_t *within_ns = &((struct plan_step *)data)->within_ns;

	if (read_duration(b, value, "within", within_ns) && *within_ns == 0)
		bad(b, value, "within", "a duration above 0");
}

/* One time for both: a side with a time of its own would be over while the other is open. */
static void refuse_within(struct build *b, const struct node *value)
{
	for (size_t i = 0; i < value->n; i++) {
		const struct node *within = value->items[i].kind == NODE_MAP
						    ? node_get(&value->items[i], "within")
						    : NULL;
		if (within)
			diag_add(b->diags, b->file, within,
				 "within of one side, expected it beside 'true' and 'false'");
	}
}

void read_decide(struct build *b, const struct node *value, struct plan_step *step)
{
	static const struct key keys[] = {{"true", decide_true, true},
					  {"false", decide_false, true},
					  {"within", decide_within, false},
					  {NULL, NULL, false}};

	b->decides++;
	step->within_ns = UINT64_MAX;
	if (value->kind != NODE_MAP) {
		bad(b, value, "decide",
		    "a map such as {true: {killed: [a]}, false: {killed: [b]}}");
		return;
	}
	read_keys(b, value, "'decide'", keys, NULL, step);
	refuse_within(b, value);
}

/* ---- both ---------------------------------------------------------------------------------- */

static void check_decides(struct build *b, const struct plan_step *steps, size_t n, bool repeated,
			  size_t *found)
{
	for (size_t i = 0; i < n; i++) {
		check_decides(b, steps[i].steps, steps[i].n_steps, true, found);
		if (steps[i].kind != PLAN_DECIDE)
			continue;
		if (repeated)
			diag_add(b->diags, b->file, steps[i].at,
				 "decide inside of 'repeat', expected it once: one claim, one "
				 "answer");
		else if ((*found)++ > 0)
			diag_add(b->diags, b->file, steps[i].at,
				 "a second 'decide', expected one: one claim, one answer");
		if (!b->plan->claim)
			diag_add(b->diags, b->file, steps[i].at,
				 "decide without a claim, expected a top-level 'claim'");
	}
}

void check_claim(struct build *b)
{
	const struct node *claim = node_get(&b->instance->root, "claim");
	size_t found = 0;

	check_decides(b, b->plan->steps, b->plan->n_steps, false, &found);
	if (claim && b->decides == 0)
		diag_add(b->diags, b->file, claim,
			 "a claim that nothing decides, expected a 'decide' step");
	else if (claim && found == 0)
		skip(b, "no 'decide' step applies to this machine");
}
