/*
 * The steps that make a hog allocate or free: what fits to the page, the command, and what the
 * step waits for. Called through the table of steps.c.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/parse.h"
#include "harness/exec/runner_internal.h"
#include "workloads/layout.h"

enum { READINGS = 3, READINGS_ALONE = 2, READINGS_MAX = 32 };

/* Waits until what this CPU has put off until after a grace period of RCU is done: page tables that
 * exec and exit give back are charged until then. The last reference to an aio context is dropped
 * by such a callback (fs/aio.c, percpu_ref_kill), callbacks of one CPU run in their order, and
 * io_destroy(2) returns after its own. Where there is no aio, membarrier(2) waits for the grace
 * period at least, but on a machine with one CPU it returns at once. */
static void wait_deferred(void)
{
	aio_context_t context = 0;

	if (syscall(SYS_io_setup, 1, &context) == 0)
		(void)syscall(SYS_io_destroy, context);
	else
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static int drained_usage(struct cg *cg, uint64_t *ret_bytes, struct err *err)
{
	struct cg_vitals vitals = {0};

	wait_deferred();
	int r = cg_drain(cg, err);
	if (r >= 0)
		r = cg_vitals(cg, &vitals, err);
	if (r >= 0)
		*ret_bytes = vitals.usage_bytes;
	return r;
}

/* The exact usage: charges are taken in batches of 64 pages a CPU. Draining is synchronous only for
 * the CPU we run on, so go to the hog's for the moment (drain_all_stock, mm/memcontrol.c), and
 * does nothing while somebody else is draining: read until some readings in a row agree. */
int alloc_exact_usage(struct runner *run, int group, int cpu, uint64_t *ret_bytes, struct err *err)
{
	cpu_set_t before, only;
	uint64_t usage = 0, last = UINT64_MAX;
	int r = 0, agree = 0;

	CPU_ZERO(&only);
	CPU_SET((size_t)(cpu >= 0 ? cpu : FIRST_CPU), &only);
	if (sched_getaffinity(0, sizeof(before), &before) < 0 ||
	    sched_setaffinity(0, sizeof(only), &only) < 0)
		return err_errno(err, errno, "cannot run on CPU %d", cpu);
	/* Nobody else drains at the same time where there is one CPU, or hardly ever; and v1's
	 * drain takes up to 1.6 s where it finds nothing to reclaim (5.10, mem_cgroup_force_empty).
	 * v2's first writes give back stock alone and reclaim nothing; what the next one takes from
	 * inodes and dentries goes to the stock, and is seen by the third (6.1: 1840 bytes that
	 * make one page). */
	bool v1 = cg_host_version(run->options->cg_host, "memory") == CG_V1;
	int wanted = v1 && sysconf(_SC_NPROCESSORS_ONLN) == 1 ? READINGS_ALONE : READINGS;
	for (int i = 0; i < READINGS_MAX && agree < wanted && r >= 0; i++) {
		r = drained_usage(run->groups[group], &usage, err);
		agree = usage == last ? agree + 1 : 1;
		last = usage;
	}
	(void)sched_setaffinity(0, sizeof(before), &before);
	if (r >= 0 && agree < wanted)
		return err_set(err, EBUSY, "its usage does not come to rest");
	*ret_bytes = usage;
	return r;
}

/* How many more pages the hog can touch until its group is full, computed beforehand. */
static int fitting(struct runner *run, int index, uint64_t *ret_pages, struct err *err)
{
	const struct world_task *task = &run->world.tasks[index];
	uint64_t page = run->world.page_size, fits = UINT64_MAX;
	int cpu = run->plan->tasks[index].cpu;

	for (int group = task->group; group >= 0; group = run->plan->groups[group].parent) {
		uint64_t limit = run->world.groups[group].limit_bytes, usage = 0;
		if (limit == UINT64_MAX)
			continue;
		int r = alloc_exact_usage(run, group, cpu, &usage, err);
		if (r < 0)
			return r;
		uint64_t room = limit > usage ? (limit - usage) / page : 0;
		uint64_t more = hog_fit_pages(room, run->tasks[index].status->touched_pages, page);
		fits = more < fits ? more : fits;
	}
	if (fits == UINT64_MAX)
		return err_set(err, EINVAL, "no limit above the task");
	*ret_pages = fits;
	return 0;
}

/* How many pages the hog will hold when its group is full: what 'touched: exact' compares with. */
static int predict(struct runner *run, int index, struct err *err)
{
	struct world_task *task = &run->world.tasks[index];
	uint64_t fits = 0;

	if (fitting(run, index, &fits, err) < 0)
		return -err->code;
	task->predicted_pages = run->tasks[index].status->touched_pages + fits;
	emit(run, "predict",
	     json_pack("{s:s, s:I}", "task", task->name, "pages",
		       (json_int_t)task->predicted_pages));
	return 0;
}

/* The kernel sends SIGKILL before it prints, and a slow console gives the victim time to die. */
#define KILL_LINE_NS   2000000000ULL
#define KILLED_POLL_NS 50000000ULL /* for the end of that time alone */

struct alloc_wait {
	int task;
	enum plan_until until;
	size_t kills;		   /* when the step began */
	uint64_t bytes;		   /* of one command */
	uint64_t line_deadline_ns; /* the task was killed: wait for the kernel's word until then */
};

/* Of our processes: the kernel's log tells of everybody's. Where it can be read, a SIGKILL without
 * its line is none. */
size_t alloc_kills(const struct runner *run)
{
	const struct world *world = &run->world;
	size_t n = 0;

	for (size_t i = 0; i < world->n_kills; i++) {
		const struct world_kill *kill = &world->kills[i];
		n += (kill->task >= 0 || kill->group >= 0) && (kill->by_line || !world->has_log);
	}
	return n;
}

/* Killed by a SIGKILL of which the kernel's log may still tell. */
static bool line_may_come(struct runner *run, struct alloc_wait *wait)
{
	const struct world_task *task = &run->world.tasks[wait->task];

	if (wait->until != PLAN_UNTIL_KILLED || alloc_kills(run) > wait->kills ||
	    task->life != WORLD_KILLED || task->status != SIGKILL)
		return false;
	if (!wait->line_deadline_ns)
		wait->line_deadline_ns = clock_ns() + KILL_LINE_NS;
	return clock_ns() < wait->line_deadline_ns;
}

static bool alloc_done(struct runner *run, void *data)
{
	struct alloc_wait *wait = data;
	const struct world_task *task = &run->world.tasks[wait->task];

	if (line_may_come(run, wait))
		return false;
	if (task->life != WORLD_RUNNING || run->tasks[wait->task].alloc_seq == 0)
		return true;
	if (wait->until == PLAN_UNTIL_KILLED && alloc_kills(run) > wait->kills)
		return true;
	if (wait->until != PLAN_UNTIL_BLOCKED)
		return false;
	observe_blocked(run, wait->task);
	return task->blocked;
}

/* Whether the step has what it waits for and asks for no more. */
static bool alloc_reached(struct runner *run, const struct plan_step *step,
			  const struct alloc_wait *wait)
{
	const struct world_task *task = &run->world.tasks[step->task];

	switch (step->until) {
	case PLAN_UNTIL_BLOCKED:
		return task->blocked;
	case PLAN_UNTIL_KILLED:
		return alloc_kills(run) > wait->kills;
	case PLAN_UNTIL_DEAD:
		return task->life != WORLD_RUNNING;
	case PLAN_UNTIL_ERROR:
		return task->last_errno != 0 && task->life == WORLD_RUNNING;
	case PLAN_UNTIL_DONE:
	case PLAN_UNTIL_SENT:
		return task->life != WORLD_RUNNING || task->last_errno != 0;
	}
	return true;
}

static const char *const until_words[] = {
	[PLAN_UNTIL_DONE] = "done",	[PLAN_UNTIL_BLOCKED] = "blocked",
	[PLAN_UNTIL_KILLED] = "killed", [PLAN_UNTIL_DEAD] = "dead",
	[PLAN_UNTIL_ERROR] = "error",	[PLAN_UNTIL_SENT] = "sent",
};

static void not_reached(struct runner *run, const struct plan_step *step,
			const struct alloc_wait *wait, uint64_t asked)
{
	char size[PARSE_TEXT_MAX];
	struct str state = STR_INIT;

	observe_describe_task(run, step->task, &state);
	step_fail(run, step, "step: expected '%s' to be %s, got %llu x %s done (%s)",
		  step_task(run, step->task), until_words[step->until], (unsigned long long)asked,
		  format_size(wait->bytes, size), str_text(&state));
	str_free(&state);
}

bool alloc_send(struct runner *run, const struct plan_step *step, enum hog_op op, uint64_t bytes)
{
	struct task *task = &run->tasks[step->task];
	struct world_task *world = &run->world.tasks[step->task];

	if (task->alloc_seq) {
		step_fail(run, step, "step: '%s' still has a command under way (%s)", world->name,
			  world->blocked ? "it is asleep in the OOM wait" : "no receipt yet");
		return false;
	}
	world->last_errno = 0;
	runner_asks(run, step->task, true);
	int r = task_command(task, op, bytes, 0, &task->alloc_seq);
	world->pending = world->stepping = r == 0;
	emit(run, "step",
	     json_pack("{s:s, s:s, s:I, s:I}", "task", world->name, "op",
		       op == HOG_FREE ? "free" : "alloc", "bytes", (json_int_t)bytes, "seq",
		       (json_int_t)task->alloc_seq));
	if (r < 0 && world->life == WORLD_RUNNING)
		events_reap(run);
	if (r < 0 && world->life == WORLD_RUNNING)
		runner_verdict(run, VERDICT_BROKEN, "task '%s': cannot send a command: %s",
			       world->name, strerror(-r));
	return r == 0;
}

static bool takes_rest(const struct plan_step *step)
{
	return step->kind == PLAN_ALLOC && step->bytes == UINT64_MAX;
}

/* How much the next command is about; 'size: rest' is known only now. */
static bool alloc_bytes(struct runner *run, const struct plan_step *step, bool first,
			uint64_t *ret_bytes)
{
	struct err err = ERR_INIT;
	uint64_t pages = 0;
	int r = 0;

	*ret_bytes = step->bytes;
	if (step->exact && first)
		r = predict(run, step->task, &err);
	if (r >= 0 && takes_rest(step)) {
		r = fitting(run, step->task, &pages, &err);
		*ret_bytes = r < 0 ? 0 : pages * run->world.page_size;
	}
	if (r < 0)
		runner_verdict(run, VERDICT_BROKEN, "task '%s': cannot tell what fits: %s",
			       step_task(run, step->task), err.text);
	return r >= 0;
}

void step_alloc(struct runner *run, const struct plan_step *step)
{
	enum hog_op op = step->kind == PLAN_FREE ? HOG_FREE : HOG_ALLOC;
	struct alloc_wait wait = {step->task, step->until, alloc_kills(run), 0, 0};
	uint64_t poll_ns = step->until == PLAN_UNTIL_BLOCKED  ? BLOCKED_POLL_NS
			   : step->until == PLAN_UNTIL_KILLED ? KILLED_POLL_NS
							      : 0;
	/* The second round takes what the kernel has given back meanwhile, mostly nothing. */
	uint64_t asked = 0, times = takes_rest(step) ? 2 : step->times;

	while (asked < times && !run->stop) {
		if (!alloc_bytes(run, step, asked == 0, &wait.bytes) || wait.bytes == 0 ||
		    !alloc_send(run, step, op, wait.bytes))
			break;
		asked++;
		if (step->until == PLAN_UNTIL_SENT)
			return;
		if (runner_wait(run, alloc_done, &wait, UINT64_MAX, poll_ns) < 0)
			return;
		if (alloc_reached(run, step, &wait) ||
		    run->world.tasks[step->task].life != WORLD_RUNNING)
			break;
	}
	if (step->until == PLAN_UNTIL_ERROR)
		run->world.tasks[step->task].errno_unclaimed = 0;
	if (step->until != PLAN_UNTIL_DONE && !run->stop && !alloc_reached(run, step, &wait))
		not_reached(run, step, &wait, asked);
}
