/*
 * Expectations: observe, judge, wait for the next event, until all of it holds or its time is
 * over; and the same for what must hold at the end whatever was expected.
 */
#include <stdio.h>
#include <string.h>

#include "harness/exec/runner_internal.h"
#include "harness/record/field.h"

/* Counters such as usage move without any event (an uncharge after an exit is batched): while an
 * expectation is not met yet, everything is read again this often besides at every event. */
#define EXPECT_POLL_NS 1000000ULL

struct expect_wait {
	const struct expect *expect;	/* NULL: sides, or the final judgement */
	const struct plan_step *decide; /* NULL, or whose sides these are */
	unsigned wants;
	enum judge_state state;
	int side;	   /* of decide: the one that came true */
	bool last;	   /* its time is over */
	uint64_t since_ns; /* it has held since then, and of decide this side of it; 0: it does not
			    */
	int since_side;
};

/* A command whose build lacks an option of the scenario says so itself and exits: that is a
 * prerequisite that is missing, not a verdict about the kernel. */
static bool lacks_option(struct runner *run)
{
	static const char *const words[] = {"unrecognized option", "invalid option",
					    "unknown option", "Unknown option", NULL};

	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		struct task *task = &run->tasks[i];
		const struct world_task *world = &run->world.tasks[i];
		if (world->is_hog || world->life != WORLD_EXITED || world->status == 0)
			continue;
		if (task->output >= 0)
			(void)task_read_output(task);
		for (int w = 0; words[w]; w++) {
			char *at = strstr(task->tail, words[w]);
			if (!at)
				continue;
			runner_verdict(run, VERDICT_SKIP, "'%s' of this machine: %.*s",
				       task->plan->program, (int)strcspn(at, "\n"), at);
			return true;
		}
	}
	return false;
}

static enum judge_state judge(struct runner *run, struct expect_wait *wait)
{
	findings_free(&run->findings);
	if (wait->decide)
		return judge_decide((const struct expect *const *)wait->decide->sides, &run->world,
				    wait->last, &run->findings, &wait->side);
	return wait->expect ? judge_eval(wait->expect, &run->world, &run->findings)
			    : judge_final(&run->world, &run->findings);
}

/* What holds must do so for a while where the scenario says so; until then it may still. */
static enum judge_state lasting(struct expect_wait *wait, enum judge_state state)
{
	const struct expect *expect = wait->decide ? wait->decide->sides[wait->side] : wait->expect;
	uint64_t lasts_ns = expect && state == JUDGE_HOLDS ? judge_lasts_ns(expect) : 0;

	if (state != JUDGE_HOLDS || wait->side != wait->since_side)
		wait->since_ns = 0;
	if (lasts_ns == 0)
		return state;
	uint64_t now_ns = clock_ns();
	if (wait->since_ns == 0)
		wait->since_ns = now_ns;
	wait->since_side = wait->side;
	return now_ns - wait->since_ns >= lasts_ns ? JUDGE_HOLDS : JUDGE_WAIT;
}

static bool expect_done(struct runner *run, void *data)
{
	struct expect_wait *wait = data;

	observe(run, wait->wants);
	wait->state = lasting(wait, judge(run, wait));
	/* What a command that refused its options was to do will not come any more. */
	return wait->state != JUDGE_WAIT || lacks_option(run);
}

/* A blocked task is asked as well: it answers once it has resumed, should the expectation wait
 * for that. */
static void ask_for_proof(struct runner *run, const struct expect *const *expects, int n)
{
	for (size_t i = 0; i < run->plan->n_tasks; i++) {
		struct world_task *world = &run->world.tasks[i];
		bool wanted = false;
		world->proved = false;
		for (int k = 0; k < n; k++)
			wanted = wanted || judge_wants_proof_of(expects[k], (int)i);
		if (world->life != WORLD_RUNNING || !world->is_hog || !wanted)
			continue;
		(void)task_command(&run->tasks[i], HOG_PING, 0, 0, &run->tasks[i].ping_seq);
	}
}

static void position(const struct runner *run, const struct plan_step *step,
		     const struct finding *finding, char *buf, size_t size)
{
	const struct node *at = finding->at ? finding->at : step ? step->at : NULL;

	if (at)
		snprintf(buf, size, "%s:%d:%d", run->plan->file, at->line, at->column);
	else
		snprintf(buf, size, "%s", run->plan->file);
}

static void keep_finding(struct runner *run, const struct plan_step *step,
			 const struct finding *finding)
{
	char at[512], what[64];

	position(run, step, finding, at, sizeof(at));
	snprintf(what, sizeof(what), "%s%s%s", finding->of ? finding->of : "",
		 finding->of ? ": " : "", finding->what);
	json_array_append_new(run->result.findings,
			      json_pack("{s:o, s:s, s:o, s:o, s:o, s:b}", "at", field_text_new(at),
					"what", what, "expected", field_text_new(finding->expected),
					"got", field_text_new(finding->got), "seen",
					field_text_new(finding->seen), "ok",
					finding->state == JUDGE_HOLDS && !finding->undecided));
	if (finding->state != JUDGE_HOLDS)
		runner_verdict(run, VERDICT_FAIL, "%s: %s: expected %s, got %s", at, what,
			       finding->expected, finding->got);
}

static void keep_findings(struct runner *run, const struct plan_step *step)
{
	bool failed = false;

	for (size_t i = 0; i < run->findings.n; i++)
		failed = failed || (run->findings.items[i].state == JUDGE_FAILS &&
				    !run->findings.items[i].of);
	for (size_t i = 0; i < run->findings.n; i++) {
		const struct finding *finding = &run->findings.items[i];
		/* Beside what can never hold, what was merely undecided is noise. */
		if (!failed || finding->state != JUDGE_WAIT)
			keep_finding(run, step, finding);
	}
	findings_free(&run->findings);
}

/* All that is missing are reports that the kernel did not print: other kills of the last seconds,
 * anybody's, used its allowance up. That is no verdict about the kernel. */
static bool lacks_reports(struct runner *run, const struct plan_step *step)
{
	const struct finding *missing = NULL;
	char at[512];

	for (size_t i = 0; i < run->findings.n; i++) {
		const struct finding *finding = &run->findings.items[i];
		if (finding->state == JUDGE_HOLDS)
			continue;
		if (finding->state == JUDGE_FAILS || !finding->unlogged)
			return false;
		missing = finding;
	}
	if (!missing)
		return false;
	position(run, step, missing, at, sizeof(at));
	runner_verdict(run, VERDICT_SKIP, "%s: %s: %s; run it again, with less beside it", at,
		       missing->what, missing->got);
	return true;
}

/* 'victim: predicted' asks for a prediction that decides: where it cannot, nothing is said about
 * the kernel. */
static void skip_undecided(struct runner *run, const struct plan_step *step)
{
	char at[512];

	for (size_t i = 0; i < run->findings.n && !run->stop; i++) {
		const struct finding *finding = &run->findings.items[i];
		if (!finding->undecided)
			continue;
		position(run, step, finding, at, sizeof(at));
		runner_verdict(run, VERDICT_SKIP, "%s: %s: expected %s, got %s", at, finding->what,
			       finding->expected, finding->got);
	}
}

static const char *const state_words[] = {
	[JUDGE_HOLDS] = "holds", [JUDGE_WAIT] = "timeout", [JUDGE_FAILS] = "fails"};

static void judge_until(struct runner *run, const struct plan_step *step, struct expect_wait *wait,
			uint64_t within_ns)
{
	/* That nothing happened must not hold only because nobody has looked yet. */
	events_deliver(run);
	int r = runner_wait(run, expect_done, wait, clock_ns() + within_ns, EXPECT_POLL_NS);

	if (r < 0)
		return;
	wait->last = true;
	if (r == 0 && wait->decide)
		wait->state = judge(run, wait);
	if (wait->state != JUDGE_HOLDS && (lacks_option(run) || lacks_reports(run, step)))
		return;
	emit(run,
	     wait->decide ? "decide"
	     : step	  ? "expect"
			  : "final",
	     json_pack("{s:s, s:i}", "result", state_words[wait->state], "line",
		       step ? step->at->line : 0));
	if (wait->state == JUDGE_HOLDS)
		skip_undecided(run, step);
	keep_findings(run, step);
	/* Nothing may be lost when a row forgot to fill a finding in. */
	if (wait->state != JUDGE_HOLDS)
		runner_verdict(run, VERDICT_FAIL, "%s:%d: expectation not met%s", run->plan->file,
			       step ? step->at->line : 1,
			       wait->since_ns ? ", it did not last" : "");
	observe_mark(run);
}

static void want(struct runner *run, struct expect_wait *wait, const struct expect *const *expects,
		 int n)
{
	for (int i = 0; i < n; i++)
		wait->wants |= judge_wants(expects[i]);
	if (!(wait->wants & JUDGE_WANTS_PROOF))
		return;
	observe(run, JUDGE_WANTS_BLOCKED);
	ask_for_proof(run, expects, n);
	wait->wants |= JUDGE_WANTS_BLOCKED;
}

void step_expect(struct runner *run, const struct plan_step *step)
{
	const struct expect *expect = step->expect;
	struct expect_wait wait = {.expect = expect};
	uint64_t within = judge_within_ns(expect);

	want(run, &wait, &expect, 1);
	judge_until(run, step, &wait,
		    (within == UINT64_MAX ? run->plan->within_ns : within) +
			    judge_lasts_ns(expect));
}

/* What came true becomes a finding like any other: expected or not. */
static void answer(struct runner *run, const struct plan_step *step, int side)
{
	const struct plan_claim *claim = run->plan->claim;
	struct finding finding = {.at = step->at,
				  .what = "claim",
				  .state = side == (int)claim->here ? JUDGE_HOLDS : JUDGE_FAILS};

	json_object_set_new(run->result.claim, "observed", json_boolean(side == DECIDE_TRUE));
	snprintf(finding.expected, sizeof(finding.expected), "%s here (%s)",
		 judge_side_name(claim->here), claim->truth);
	snprintf(finding.got, sizeof(finding.got), "%s: '%s'", judge_side_name(side), claim->says);
	keep_finding(run, step, &finding);
}

void step_decide(struct runner *run, const struct plan_step *step)
{
	struct expect_wait wait = {.decide = step};

	want(run, &wait, (const struct expect *const *)step->sides, DECIDE_SIDES);
	judge_until(run, step, &wait,
		    step->within_ns == UINT64_MAX ? run->plan->within_ns : step->within_ns);
	if (!run->stop)
		answer(run, step, wait.side);
}

void step_final(struct runner *run)
{
	struct expect_wait wait = {.wants = JUDGE_WANTS_BLOCKED};

	run->step = NULL;
	judge_until(run, NULL, &wait, run->plan->within_ns);
}

static bool never(struct runner *run, void *data)
{
	(void)run;
	(void)data;
	return false;
}

void step_panic(struct runner *run)
{
	struct finding finding = {.at = run->plan->panic_at, .what = "panic", .state = JUDGE_FAILS};

	run->step = NULL;
	if (runner_wait(run, never, NULL, clock_ns() + run->plan->within_ns, 0) < 0)
		return;
	snprintf(finding.expected, sizeof(finding.expected), "%s", run->plan->panic);
	snprintf(finding.got, sizeof(finding.got), "none, the machine runs on");
	keep_finding(run, NULL, &finding);
}
