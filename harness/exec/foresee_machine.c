/*
 * Who dies when the machine itself is out of memory: all of its processes are candidates, those in
 * groups as well, and how much there is left for whoever grows is known between bounds. It is read
 * anew before each step during which nobody is at work yet, and never carried on: a second kill in
 * the same step has no prediction. See foresee.h.
 */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "harness/exec/foresee.h"
#include "harness/exec/meminfo.h"

enum {
	/* Of all memory, a part that may be missing: reserves for atomic requests (a hundredth of
	 * a zone), boosted watermarks, what kernel and harness take meanwhile. */
	LESS = 16,
	/* ... and a part that reclaim may find besides what counters call reclaimable. */
	MORE = 64,
};
/* More than any machine has, so that a machine is a group like others. */
#define LIMIT_PAGES (UINT64_C(1) << 44)

/* What reclaim can free, and what swap has room for. */
static uint64_t reclaimable(const struct runner *run)
{
	static const char *const keys[] = {
		"Active(file):", "Inactive(file):", "KReclaimable:", "SwapFree:", "SwapCached:"};
	char text[8192];
	uint64_t bytes = 0;
	struct err err;

	if (fd_read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text), &err) < 0)
		return UINT64_MAX / 2;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		bytes += meminfo_bytes(text, keys[i]);
	return bytes / run->world.page_size;
}

static bool read_machine(const struct runner *run, const struct plan_step *step,
			 struct predict_group *group)
{
	const struct candidates *c = run->foresight->candidates;
	STR_AUTO text = STR_INIT;
	struct zoneinfo zones;
	struct err err;

	*group = (struct predict_group){.parent = -1,
					.limit_pages = LIMIT_PAGES,
					.total_pages = c->ram_pages + c->swap_pages};
	if (step && step->kind == PLAN_SYSRQ) {
		/* As if it were full: nobody gets anything before. */
		group->usage_least = LIMIT_PAGES;
		group->usage_most = LIMIT_PAGES + 1;
		return true;
	}
	if (fd_read_all(AT_FDCWD, "/proc/zoneinfo", &text, &err) < 0 || !text.len)
		return false;
	zoneinfo_read(str_text(&text), &zones);
	uint64_t less = c->ram_pages / LESS, more = c->ram_pages / MORE;
	uint64_t most = zones.free_pages + zones.cpu_pages + more;
	uint64_t above = zones.above_pages > less ? zones.above_pages - less : 0;
	group->usage_most = LIMIT_PAGES - above;
	group->usage_least = LIMIT_PAGES - most - reclaimable(run);
	return true;
}

/* Of a machine with swap a program's own pages, which lie in the initramfs, may be swapped out, and
 * are then counted for nobody. */
static void see(struct runner *run, struct view *view, size_t i, const struct plan_step *step)
{
	const struct candidates *c = run->foresight->candidates;

	outlook_see(run, view, i, 0, step);
	struct predict_task *task = &view->world.tasks[view->world.n_tasks - 1];
	task->task.order = c->tasks[i].order;
	task->order_known = false;
	task->given_back += c->more[i].file_pages + (c->swap_pages ? c->more[i].shmem_pages : 0);
}

static void add_spawned(struct runner *run, struct view *view, const struct plan_step *step)
{
	for (size_t i = 0; step && step->kind == PLAN_SPAWN && i < step->n_targets; i++) {
		outlook_add_starting(run, view, step->targets[i].task, step);
		view->world.tasks[view->world.n_tasks - 1].group = 0;
	}
}

/* Near an OOM reading can cost a process its life (foresee.h). */
static bool at_work(const struct runner *run)
{
	for (size_t t = 0; t < run->plan->n_tasks; t++)
		if (growth_under_way(run, (int)t) || owner_command_awake(run, (int)t))
			return true;
	return false;
}

static bool read_all(struct runner *run, struct view *view, const struct plan_step *step)
{
	struct candidates *c = run->foresight->candidates;
	struct err err;

	if (at_work(run) || candidates_all(c, true, &err) < 0 ||
	    !read_machine(run, step, &view->world.groups[0]))
		return false;
	view->world.rules = run->foresight->rules;
	view->world.n_tasks = 0;
	for (size_t i = 0; i < c->n; i++)
		if (badness_points(view->world.rules, &c->tasks[i], 1) != BADNESS_NEVER)
			see(run, view, i, step);
	add_spawned(run, view, step);
	return true;
}

void machine_look(struct runner *run, const struct plan_step *step)
{
	struct view *view = &run->foresight->machine;

	/* With several nodes one of them alone may be full. */
	if (!run->plan->vm || run->options->facts->nodes > 1)
		return;
	run->foresight->machine_killed = false;
	view->valid_from = view->valid_to = UINT64_MAX;
	view->have = read_all(run, view, step);
	if (!view->have)
		return;
	predict_oom(&view->world, 0, &view->by_group[0]);
	if (view->by_group[0].possible)
		foresee_tell(run, view, 0, "the machine");
}

void machine_changes(struct runner *run)
{
	run->foresight->machine.have = false;
}

/* The order of the request, by the report's first line: larger ones fail while much is free. -2:
 * there is no report. */
static long order_of(const struct runner *run)
{
	const json_t *line;
	size_t i;

	json_array_foreach (run->report, i, line) {
		const char *text = json_string_value(line);
		const char *at =
			text && strstr(text, "invoked oom-killer") ? strstr(text, "order=") : NULL;
		if (at)
			return strtol(at + strlen("order="), NULL, 10);
	}
	return -2;
}

static bool asker_dies(const struct world_kill *kill)
{
	char text[16];
	struct err err;

	return fd_read_text(AT_FDCWD, "/proc/sys/vm/oom_kill_allocating_task", text, sizeof(text),
			    &err) >= 0 &&
	       text[0] != '0' && kill->pid > 0;
}

/* What makes a kill another one than that which was predicted. */
static enum predict_doubt doubt_of(const struct runner *run, const struct world_kill *kill)
{
	long order = order_of(run);

	if (run->foresight->machine_killed)
		return PREDICT_LEAVING;
	if (order != -1 && asker_dies(kill))
		return PREDICT_ASKER;
	if (order > 0 || order < -1 || !str_eq(kill->constraint, "CONSTRAINT_NONE"))
		return PREDICT_ROOM;
	return PREDICT_SURE;
}

void machine_killed(struct runner *run, struct world_kill *kill)
{
	struct foresight *foresight = run->foresight;
	struct view *view = &foresight->machine;
	enum predict_doubt doubt = doubt_of(run, kill);

	if (doubt != PREDICT_SURE) {
		kill->forecast.outcome = PREDICT_UNDECIDED;
		kill->forecast.doubt = doubt;
	} else if (view->have && view->valid_from != UINT64_MAX &&
		   kill->chosen_at >= view->valid_from) {
		foresee_judge(run, view, &view->by_group[0], kill);
	} else if (view->have) {
		kill->forecast.outcome = PREDICT_VOID;
	}
	foresight->machine_killed = true;
	view->have = false;
}
