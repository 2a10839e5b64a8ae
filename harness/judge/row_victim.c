/*
 * 'victim': whether the kernel chose whom the harness had predicted. Without it a wrong prediction
 * fails the scenario all the same, at its end; what a prediction leaves open is no failure there.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "harness/judge/row.h"

void row_parse_victim(struct parse *parse, const struct node *value)
{
	const char *text = row_text(parse, value, "'predicted' or 'any'");

	if (!text)
		return;
	struct item *item = row_item(parse, value);
	item->text = str_eq(text, "any") ? "any" : "predicted";
	if (str_eq(text, "predicted"))
		parse->expect->wants |= JUDGE_WANTS_LOG;
	else if (!str_eq(text, "any"))
		row_mistake(parse, value, "expected 'predicted' or 'any', got '%s'", text);
}

static void tell_predicted(struct tell *out, const struct world *world,
			   const struct world_forecast *forecast)
{
	if (forecast->task < 0 && forecast->pid < 0) {
		tell_add(out, "nobody");
		return;
	}
	if (forecast->task < 0)
		tell_add(out, "process %d", (int)forecast->pid);
	else if (forecast->child >= 0)
		tell_add(out, "child %d of %s", forecast->child, world->tasks[forecast->task].name);
	else
		tell_add(out, "%s", world->tasks[forecast->task].name);
	tell_add(out, " (points %" PRId64, forecast->points);
	if (forecast->margin != INT64_MAX)
		tell_add(out, ", margin %" PRId64 ", error %" PRIu64, forecast->margin,
			 forecast->error);
	tell_add(out, ")");
}

/* A kill that was chosen, by the kernel's own word; one that was killed beside it is told once. */
static bool was_chosen(const struct world *world, const struct world_kill *kill)
{
	return world_kill_by_oom(kill) && world_kill_ours(kill) && !kill->forecast.member &&
	       !world_kill_repeated(world, kill);
}

static enum judge_state judge_one(const struct world *world, const struct world_kill *kill,
				  struct finding *ret, struct tell *expected, struct tell *got)
{
	const struct world_forecast *forecast = &kill->forecast;

	tell_next(expected, "; ");
	tell_next(got, "; ");
	if (forecast->outcome == PREDICT_NONE)
		tell_add(expected, "a prediction");
	else
		tell_predicted(expected, world, forecast);
	tell_process(got, world, kill);
	tell_add(got, ": %s", predict_outcome_name(forecast->outcome));
	if (forecast->outcome == PREDICT_UNDECIDED)
		tell_add(got, " (%s)", predict_doubt_name(forecast->doubt));
	if (forecast->outcome == PREDICT_WRONG) {
		tell_add(got, " prediction");
		return JUDGE_FAILS;
	}
	ret->undecided = ret->undecided || forecast->outcome != PREDICT_RIGHT;
	return JUDGE_HOLDS;
}

enum judge_state row_eval_victim(const struct item *item, const struct world *world,
				 struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	enum judge_state state = JUDGE_HOLDS;
	bool any = str_eq(item->text, "any");

	for (size_t i = world->kills_mark; i < world->n_kills && !any; i++)
		if (was_chosen(world, &world->kills[i]))
			state = judge_worse(
				state, judge_one(world, &world->kills[i], ret, &expected, &got));
	if (expected.len == 0)
		tell_add(&expected, "%s", item->text);
	if (got.len == 0)
		tell_add(&got, "%s", any ? "not looked at" : "no kill");
	return state;
}

void row_claim_victim(const struct item *item, struct world *world)
{
	for (size_t i = world->kills_mark; i < world->n_kills; i++)
		world->kills[i].any_victim |= str_eq(item->text, "any");
}

void judge_prediction(const struct world *world, const struct world_kill *kill, struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));

	ret->state = judge_one(world, kill, ret, &expected, &got);
}
