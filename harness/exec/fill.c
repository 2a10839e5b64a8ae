/*
 * The step 'fill': a hog takes what is free in its group, again and again, until enough processes
 * were killed. Before each kill the group is at rest and the candidates are read anew, so that each
 * has a prediction of its own. Called through the table of steps.c.
 */
#include <signal.h>

#include "harness/exec/foresee.h"

/* Asked for when nothing is free by the group's counter: what CPUs have charged in advance (64
 * pages each) comes back only when the limit is met. */
enum { LEAST_PAGES = 16 };

/* Deaths come as events; that an orphan has been reaped by somebody else does not. */
#define POLL_NS 1000000ULL

struct filling {
	const struct plan_step *step;
	size_t kills;	     /* in the world before the step */
	size_t kills_before; /* ours of these */
};

/* ---- at rest ------------------------------------------------------------------------------- */

/* The children of a hog die with it (PR_SET_PDEATHSIG), each in its own time. */
static bool has_orphans(const struct runner *run, int task)
{
	const struct hog_status *status = run->tasks[task].status;
	uint32_t n =
		status && run->world.tasks[task].life != WORLD_RUNNING ? status->n_children : 0;

	for (uint32_t i = 0; i < n && i < HOG_CHILDREN_MAX; i++)
		if (status->child[i].pid > 0 && kill(status->child[i].pid, 0) == 0)
			return true;
	return false;
}

/* No pattern is under way, and whoever was killed is gone. */
static bool at_rest(struct runner *run, void *data)
{
	const struct filling *filling = data;

	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (has_orphans(run, (int)t) || growth_under_way(run, (int)t))
			return false;
	for (size_t i = filling->kills; i < run->world.n_kills; i++) {
		const struct world_kill *kill = &run->world.kills[i];
		if (!kill->by_wait && (kill->task >= 0 || kill->group >= 0))
			return false;
	}
	return true;
}

/* ---- one command --------------------------------------------------------------------------- */

/* What is free in the tightest group above the task. */
static uint64_t free_pages(const struct runner *run, int task)
{
	uint64_t least = UINT64_MAX;

	for (int g = run->world.tasks[task].group; g >= 0; g = run->plan->groups[g].parent) {
		uint64_t limit = run->world.groups[g].limit_bytes;
		struct cg_vitals vitals;
		struct err err;
		if (!run->groups[g] || limit == UINT64_MAX ||
		    cg_vitals(run->groups[g], &vitals, &err) < 0)
			continue;
		uint64_t room = limit > vitals.usage_bytes ? limit - vitals.usage_bytes : 0;
		least = room < least ? room : least;
	}
	return least == UINT64_MAX ? 0 : least / run->world.page_size;
}

static bool command_done(struct runner *run, void *data)
{
	const struct filling *filling = data;
	int task = filling->step->task;

	return run->world.tasks[task].life != WORLD_RUNNING || !run->tasks[task].alloc_seq;
}

/* Whether the task can go on. */
static bool take(struct runner *run, struct filling *filling)
{
	int task = filling->step->task;
	uint64_t pages = free_pages(run, task);

	pages = pages > LEAST_PAGES ? pages : LEAST_PAGES;
	if (!alloc_send(run, filling->step, HOG_ALLOC, pages * run->world.page_size) ||
	    runner_wait(run, command_done, filling, UINT64_MAX, 0) < 0)
		return false;
	events_read_log(run);
	return run->world.tasks[task].life == WORLD_RUNNING && !run->world.tasks[task].last_errno;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Enough were killed, or few enough are left. */
static bool enough(struct runner *run, const struct filling *filling)
{
	struct cg *cg = run->groups[run->world.tasks[filling->step->task].group];
	struct err err;

	if (alloc_kills(run) - filling->kills_before >= filling->step->times)
		return true;
	int n = cg_procs_tree(cg, NULL, 0, &err);
	if (n < 0)
		runner_verdict(run, VERDICT_BROKEN, "fill: %s", err.text);
	return n <= (int)filling->step->left;
}

void step_fill(struct runner *run, const struct plan_step *step)
{
	/* To predictions each round is a step of its own: the task may take all there is. */
	struct plan_step round = *step;
	struct filling filling = {
		.step = &round, .kills = run->world.n_kills, .kills_before = alloc_kills(run)};
	bool goes_on = true;

	round.kind = PLAN_ALLOC;
	round.times = 1;
	round.until = PLAN_UNTIL_DONE;
	round.bytes = run->world.groups[run->world.tasks[step->task].group].limit_bytes;
	filling.step = step;
	while (goes_on && !run->stop) {
		if (runner_wait(run, at_rest, &filling, UINT64_MAX, POLL_NS) < 0 ||
		    enough(run, &filling))
			break;
		size_t kills = alloc_kills(run);
		run->step = &round;
		foresee_begin(run, &round);
		while (goes_on && !run->stop && alloc_kills(run) == kills)
			goes_on = take(run, &filling);
	}
	run->step = step;
}
