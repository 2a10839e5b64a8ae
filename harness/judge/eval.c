/*
 * Judging: a whole expectation against the world, and what must hold at a scenario's end whatever
 * was expected.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/judge/row.h"

void findings_free(struct findings *findings)
{
	free(findings->items);
	*findings = (struct findings){0};
}

/* An expectation has a fixed number of items: after its first judgement nothing is allocated. */
static void resize(struct findings *findings, size_t n)
{
	if (findings->n != n)
		findings->items = mem_grow(findings->items, n, sizeof(*findings->items));
	findings->n = n;
}

enum judge_state judge_items(const struct expect *expect, const struct world *world,
			     struct findings *ret)
{
	enum judge_state worst = JUDGE_HOLDS;

	resize(ret, expect->n);
	for (size_t i = 0; i < expect->n; i++) {
		const struct item *item = &expect->items[i];
		struct finding *finding = &ret->items[i];
		finding->at = item->at;
		finding->what = item->row->key;
		finding->of = NULL;
		finding->expected[0] = finding->got[0] = finding->seen[0] = '\0';
		finding->unlogged = finding->undecided = false;
		finding->state = item->row->eval(item, world, finding);
		worst = judge_worse(worst, finding->state);
	}
	return worst;
}

void judge_claim(const struct expect *expect, struct world *world)
{
	for (size_t i = 0; i < expect->n; i++)
		if (expect->items[i].row->claim)
			expect->items[i].row->claim(&expect->items[i], world);
}

enum judge_state judge_eval(const struct expect *expect, struct world *world, struct findings *ret)
{
	enum judge_state state = judge_items(expect, world, ret);

	if (state == JUDGE_HOLDS)
		judge_claim(expect, world);
	return state;
}

/* ---- the end -------------------------------------------------------------------------------- */

static struct finding *add_finding(struct findings *findings, const char *what,
				   enum judge_state state)
{
	resize(findings, findings->n + 1);
	struct finding *finding = &findings->items[findings->n - 1];
	*finding = (struct finding){.what = what, .state = state};
	return finding;
}

static void final_kill(const struct world *world, const struct world_kill *kill,
		       struct findings *ret)
{
	char sources[160];
	enum judge_state agreed = judge_agreement(world, kill, sources, sizeof(sources));

	if (kill->claimed && agreed == JUDGE_HOLDS)
		return;
	/* Claimed or not: as long as sources are missing they may come. */
	struct finding *finding =
		add_finding(ret, "killed", agreed == JUDGE_WAIT ? JUDGE_WAIT : JUDGE_FAILS);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));
	struct tell seen = tell_into(finding->seen, sizeof(finding->seen));
	tell_add(&expected,
		 kill->claimed ? "sources that agree" : "no kill that no expectation names");
	tell_process(&got, world, kill);
	if (kill->has_report)
		tell_add(&seen, "%s, oom_memcg=%s", kill->constraint, kill->oom_memcg);
	if (agreed == JUDGE_HOLDS) {
		tell_add(&got, ", sources: ");
		tell_sources(&got, world, kill);
	} else {
		tell_add(&got, ", but the sources do not agree: %s", sources);
	}
}

static void final_prediction(const struct world *world, const struct world_kill *kill,
			     struct findings *ret)
{
	if (kill->forecast.outcome == PREDICT_WRONG && !kill->any_victim)
		judge_prediction(world, kill, add_finding(ret, "victim", JUDGE_FAILS));
}

static void final_audit(const struct world *world, const struct world_kill *kill,
			struct findings *ret)
{
	if (!kill->audit.done || kill->audit.verdict != AUDIT_UNEXPLAINED || kill->any_victim)
		return;
	struct finding *finding = add_finding(ret, "victim", JUDGE_FAILS);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));
	tell_add(&expected, "a choice that the kernel's own table explains");
	tell_process(&got, world, kill);
	tell_add(&got, ", not explained by the formula: %s", kill->audit.why);
}

static void final_accounts(const struct world *world, struct findings *ret)
{
	char text[300];
	struct tell out = tell_into(text, sizeof(text));

	if (!world_unaccounted(world, &out))
		return;
	struct finding *finding = add_finding(ret, "killed", JUDGE_WAIT);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));
	tell_add(&expected, "each counted kill to be known by its process");
	tell_add(&got, "%s", text);
}

static void final_violation(const struct world_task *task, struct findings *ret)
{
	struct finding *finding = add_finding(ret, "violation", JUDGE_FAILS);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));

	tell_add(&expected, "%s to stay within its confinement", task->name);
	tell_add(&got, "%s stopped at ", task->name);
	tell_violation(&got, task);
}

/* An OOM kill is judged as a kill. What is left: an ordinary kill -9, a crash, a hog that gave up.
 */
static bool ended_unnamed(const struct world *world, size_t index)
{
	const struct world_task *task = &world->tasks[index];

	if (task->end_claimed || task->violation)
		return false;
	if (task->life == WORLD_EXITED)
		return task->is_hog && task->status != 0;
	if (task->life != WORLD_KILLED || task->status == task->signalled)
		return false;
	for (size_t i = 0; i < world->n_kills; i++)
		if (world->kills[i].task == (int)index && world->kills[i].child < 0 &&
		    world_kill_by_oom(&world->kills[i]))
			return false;
	return true;
}

static void final_end(const struct world_task *task, struct findings *ret)
{
	/* The kernel's line about a SIGKILL may still come. */
	bool may_be_oom = task->life == WORLD_KILLED && task->status == SIGKILL;
	struct finding *finding = add_finding(ret, "exited", may_be_oom ? JUDGE_WAIT : JUDGE_FAILS);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));

	tell_add(&expected, "no end of '%s' that no step and no expectation names", task->name);
	tell_task(&got, task);
	if (may_be_oom)
		tell_add(&got, ", but not by the OOM killer");
}

static void final_errno(const struct world_task *task, struct findings *ret)
{
	struct finding *finding = add_finding(ret, "errno", JUDGE_FAILS);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));

	tell_add(&expected, "no error of '%s' that no expectation names", task->name);
	tell_add(&got, "a command that ended with %s", tell_errno(task->errno_unclaimed));
}

/* It may still kill somebody. */
static void final_step(const struct world_task *task, struct findings *ret)
{
	struct finding *finding = add_finding(ret, "step", JUDGE_WAIT);
	struct tell expected = tell_into(finding->expected, sizeof(finding->expected));
	struct tell got = tell_into(finding->got, sizeof(finding->got));

	tell_add(&expected, "the last command of '%s' to be done, or blocked, at the end",
		 task->name);
	tell_task(&got, task);
	tell_add(&got, " with a command under way");
}

static void final_task(const struct world *world, size_t index, struct findings *ret)
{
	const struct world_task *task = &world->tasks[index];

	if (task->violation && !task->violation_claimed)
		final_violation(task, ret);
	if (ended_unnamed(world, index))
		final_end(task, ret);
	if (task->errno_unclaimed)
		final_errno(task, ret);
	if (task->life == WORLD_RUNNING && task->stepping && !task->blocked)
		final_step(task, ret);
}

enum judge_state judge_final(struct world *world, struct findings *ret)
{
	size_t before = ret->n;
	enum judge_state worst = JUDGE_HOLDS;

	for (size_t i = 0; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		if (!world_kill_by_oom(kill) || !world_kill_ours(kill) ||
		    world_kill_repeated(world, kill))
			continue;
		final_kill(world, kill, ret);
		final_prediction(world, kill, ret);
		final_audit(world, kill, ret);
	}
	final_accounts(world, ret);
	for (size_t i = 0; i < world->n_tasks; i++)
		final_task(world, i, ret);
	for (size_t i = before; i < ret->n; i++)
		worst = judge_worse(worst, ret->items[i].state);
	return worst;
}
