/*
 * Whether a plan could take the machine down: memory without a bound, more of it than is free, a
 * panic on OOM. Such a plan only runs on a machine that may go down.
 */

#include "base/parse.h"
#include "harness/plan/build.h"

static void danger(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void danger(struct build *b, const char *fmt, ...)
{
	STR_AUTO why = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&why, fmt, ap);
	va_end(ap);
	b->plan->dangerous = true;
	if (!b->facts->disposable)
		skip(b, "refused: %s; only --this-machine-is-disposable allows that",
		     str_text(&why));
}

/* Workloads whose own pattern touches next to nothing; what they are told to allocate counts. */
static const char *const quiet[] = {"heartbeat", "reserve", NULL};

static bool can_grow(const struct plan_task *task, bool stepped)
{
	if (!task->wl || stepped)
		return true;
	if (task->start == PLAN_START_LOCKSTEP)
		return false;
	for (size_t i = 0; quiet[i]; i++)
		if (str_eq(task->wl->name, quiet[i]))
			return false;
	return true;
}

/* Address space bounds what a single process can touch. */
static uint64_t own_bound(const struct plan_task *task)
{
	uint64_t least = UINT64_MAX;
	bool one_process = task->wl && !(task->wl->needs & (WL_FORK | WL_SHM | WL_FILES));

	for (size_t i = 0; one_process && i < task->n_limits; i++)
		if (task->limits[i].resource == RLIMIT_AS && task->limits[i].value.rlim_cur < least)
			least = task->limits[i].value.rlim_cur;
	return least;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The most that a group can ever hold; without a limit of its own, what those below can. */
static uint64_t group_bound(const struct build *b, int group)
{
	uint64_t all = 0;

	if (b->limit_worst[group] != UINT64_MAX)
		return b->limit_worst[group];
	for (size_t i = 0; i < b->plan->n_groups; i++)
		if (b->plan->groups[i].parent == group)
			all = sum(all, group_bound(b, (int)i));
	return all;
}

static void check_task(struct build *b, const bool *stepped, size_t index, int group)
{
	const struct plan_task *task = &b->plan->tasks[index];
	uint64_t limit = effective_limit(b, b->limit_worst, group);

	if (!can_grow(task, stepped[index]) || limit != UINT64_MAX || own_bound(task) != UINT64_MAX)
		return;
	if (group < 0)
		danger(b, "task '%s' is in no group with a limit (memory.max)", task->name);
	else
		danger(b, "group '%s' of task '%s' can be without a limit (memory.max)",
		       b->plan->groups[group].name, task->name);
}

static void check_moves(struct build *b, const bool *stepped, const struct plan_step *steps,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t t = 0; steps[i].kind == PLAN_MOVE && t < steps[i].n_targets; t++)
			check_task(b, stepped, (size_t)steps[i].targets[t].task,
				   steps[i].targets[t].group);
		check_moves(b, stepped, steps[i].steps, steps[i].n_steps);
	}
}

static void check_panic(struct build *b)
{
	const struct plan_host *host = &b->plan->host;

	for (size_t i = 0; i < host->n_sysctls; i++)
		if (str_eq(host->sysctls[i].name, "vm.panic_on_oom") &&
		    !str_eq(host->sysctls[i].value, "0"))
			danger(b, "vm.panic_on_oom %s lets an OOM kill take the machine down",
			       host->sysctls[i].value);
}

static void check_total(struct build *b)
{
	char want[PARSE_TEXT_MAX], have[PARSE_TEXT_MAX];
	uint64_t total = 0, available = b->facts->mem_available_bytes;

	for (size_t i = 0; i < b->plan->n_groups; i++)
		if (b->plan->groups[i].parent < 0)
			total = sum(total, group_bound(b, (int)i));
	for (size_t i = 0; i < b->plan->n_tasks; i++)
		if (b->plan->tasks[i].group < 0 && own_bound(&b->plan->tasks[i]) != UINT64_MAX)
			total = sum(total, own_bound(&b->plan->tasks[i]));
	b->plan->limits_total_bytes = total;
	if (b->facts->group_room_bytes && total > b->facts->group_room_bytes && total != UINT64_MAX)
		skip(b,
		     "needs %s of memory; the limits of the groups around leave %s (raise them, or "
		     "name another group with --cgroup-parent)",
		     format_size_short(total, want),
		     format_size_short(b->facts->group_room_bytes, have));
	if (available && total > available)
		danger(b, "its limits of %s in all are more than the %s that are free",
		       format_size_short(total, want), format_size_short(available, have));
}

void build_danger(struct build *b)
{
	bool *stepped = arena_zero(b->arena, b->plan->n_tasks + 1, sizeof(*stepped));

	find_stepped(b, stepped);
	check_panic(b);
	for (size_t i = 0; i < b->plan->n_tasks; i++)
		check_task(b, stepped, i, b->plan->tasks[i].group);
	check_moves(b, stepped, b->plan->steps, b->plan->n_steps);
	check_total(b);
}
