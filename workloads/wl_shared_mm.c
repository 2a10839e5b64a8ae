/*
 * The workload 'shared-mm': processes that share one mm without being threads (CLONE_VM without
 * CLONE_THREAD). When one of them is chosen, all die.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/brood.h"
#include "workloads/hog_run.h"
#include "workloads/team.h"

struct values {
	struct hog_pace pace;
	uint64_t processes;
	/* state */
	pid_t parent;
	char *stacks;
	struct brood brood;
	struct team team;
};

static const struct opt opts[] = {
	{.name = "processes",
	 .letter = 'c',
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, processes),
	 .arg = "N",
	 .help = "processes that touch, besides the hog itself, all in its mm (default 2)"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

static int work(void *data)
{
	struct worker *worker = data;
	const struct values *values = worker->team->hog->values;

	hog_die_with(values->parent);
	team_work(worker);
}

/* The kernel writes each pid into its slot before the process runs. */
static void enter(struct hog *hog)
{
	struct values *values = hog->values;
	struct team *team = &values->team;

	for (uint32_t i = 0; i < team->n; i++) {
		struct hog_child *slot = &hog->status->child[i];
		char *top = values->stacks + (size_t)(i + 1) * TEAM_STACK_BYTES;

		team->worker[i] = (struct worker){.team = team, .number = i, .slot = slot};
		slot->state = HOG_STATE_READY;
		if (clone(work, top, CLONE_VM | CLONE_PARENT_SETTID | SIGCHLD, &team->worker[i],
			  &slot->pid) < 0)
			hog_enter_failed(hog, errno, "cannot start a process");
		hog->status->n_children = i + 1;
		hog->status->forks = i + 1;
	}
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r;

	if (values->processes == 0 || values->processes > TEAM_MAX)
		return err_set(err, EINVAL, "--processes expects 1 to %d, got %llu", TEAM_MAX,
			       (unsigned long long)values->processes);
	r = hog_region_open(hog, HOG_THP_NEVER, err);
	if (r >= 0)
		r = brood_setup(&values->brood, err);
	if (r < 0)
		return r;
	values->stacks = mmap(NULL, values->processes * TEAM_STACK_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (values->stacks == MAP_FAILED)
		return err_errno(err, errno, "cannot map stacks");
	values->parent = getpid();
	values->team.hog = hog;
	values->team.n = (uint32_t)values->processes;
	hog->enter = enter;
	hog->watch = brood_watch;
	return hog_pace_check(&values->pace, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);
	char *block;
	int r = hog_region_next(hog, pages, &block);

	if (r < 0)
		return r;
	team_touch(&values->team, block, pages);
	hog_region_claim(hog, pages);
	return 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_drop(hog, bytes);
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_shared_mm = {
	.name = "shared-mm",
	.summary = "processes that share one mm without being threads",
	.description = "Each of --processes processes touches its share of every block. All have "
		       "the same memory, so the kernel kills them together.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS, .processes = 2},
	.needs = WL_MEMORY | WL_FORK,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
