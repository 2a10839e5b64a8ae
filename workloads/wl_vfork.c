/*
 * The workload 'vfork': a child of vfork that stays. Its parent is suspended in the kernel
 * while the child, in the same mm, takes the commands and touches the memory.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/hog_run.h"

enum { STACK_BYTES = 128 * 1024 };

struct values {
	struct hog_pace pace;
	/* state */
	pid_t parent;
	char *stack;
};

static const struct opt opts[] = {HOG_PACE_OPTS(struct values), OPT_END};

static int live_as_child(void *data)
{
	struct hog *hog = data;
	const struct values *values = hog->values;

	/* Who dies with the parent is what there is to see, so no death signal where somebody else
	 * ends it: the control socket's end and the group's. */
	if (!hog->lockstep)
		hog_die_with(values->parent);
	hog_live(hog);
}

/* vfork(2) itself would leave both on one stack; this is the same call with one for the child.
 * Returns nowhere: when the child ends, the hog ends as it did. */
static void enter(struct hog *hog)
{
	const struct values *values = hog->values;
	struct hog_child *slot = &hog->status->child[0];
	int status = 0;

	hog->status->n_children = 1;
	hog->status->forks = 1;
	slot->state = HOG_STATE_BUSY;
	pid_t pid = clone(live_as_child, values->stack + STACK_BYTES,
			  CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD, hog, &slot->pid);
	if (pid < 0)
		hog_enter_failed(hog, errno, "cannot vfork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	slot->state = HOG_STATE_EXITED;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = hog_region_open(hog, HOG_THP_NEVER, err);

	if (r < 0)
		return r;
	values->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (values->stack == MAP_FAILED)
		return err_errno(err, errno, "cannot map a stack");
	values->parent = getpid();
	hog->enter = enter;
	return hog_pace_check(&values->pace, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	int r = hog_region_touch(hog, bytes);

	(void)data;
	hog->status->child[0].touched_pages = hog->status->touched_pages;
	return r;
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

const struct wl wl_vfork = {
	.name = "vfork",
	.summary = "a vfork child that stays and touches memory in its parent's mm",
	.description =
		"The hog makes a child as vfork does and stays suspended; the child does all the "
		"work. The kernel never chooses such a child itself, but its parent, and then "
		"both die.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS},
	.needs = WL_MEMORY | WL_FORK,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
