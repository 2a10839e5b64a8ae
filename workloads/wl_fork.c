/*
 * The workload 'fork': a parent with children that each hold memory, as a tree or as a bounded
 * fork bomb whose killed children are replaced. The parent answers commands all the while.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "workloads/brood.h"
#include "workloads/hog_run.h"

struct values {
	uint64_t children;
	uint64_t size_bytes;
	uint64_t parent_bytes;
	uint64_t shared_bytes;
	uint64_t depth;
	uint64_t total;
	uint64_t interval_ns;
	bool bomb;
	bool hold;
	/* state */
	struct brood brood;
	char *shared;
};

static const struct opt opts[] = {
	{.name = "children",
	 .letter = 'c',
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, children),
	 .arg = "N",
	 .help = "children of each parent; of a bomb: at most N alive (default 4)"},
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, size_bytes),
	 .arg = "SIZE",
	 .help = "memory that each child touches (default 4M)"},
	{.name = "parent-size",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, parent_bytes),
	 .arg = "SIZE",
	 .help = "memory that the parent touches first, not shared with its children (default 0)"},
	{.name = "shared",
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, shared_bytes),
	 .arg = "SIZE",
	 .help = "memory that the parent and every child map and touch together, besides their own "
		 "(default 0)"},
	{.name = "depth",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, depth),
	 .arg = "N",
	 .help = "levels of children below the parent (default 1)"},
	{.name = "hold",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct values, hold),
	 .help = "children stay until they are killed (default); --no-hold: exit when done"},
	{.name = "bomb",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct values, bomb),
	 .help = "replace children that die, until --total forks, and go on until pids.max, "
		 "--children or --total is reached and no child dies any more"},
	{.name = "total",
	 .letter = 't',
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, total),
	 .arg = "N",
	 .help = "forks of a bomb in all, at most 2048 (default 256)"},
	{.name = "interval",
	 .letter = 'i',
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, interval_ns),
	 .arg = "TIME",
	 .help = "pause this long between two forks (default 0)"},
	OPT_END,
};

/* ---- setup --------------------------------------------------------------------------------- */

static int check_tree(const struct values *values, struct err *err)
{
	uint64_t level = 1, sum = 0;

	if (values->children == 0 || values->depth == 0)
		return err_set(err, EINVAL, "--children and --depth expect at least 1");
	for (uint64_t i = 0; i < values->depth && sum <= HOG_CHILDREN_MAX; i++) {
		if (values->children > HOG_CHILDREN_MAX)
			level = HOG_CHILDREN_MAX + 1;
		else
			level *= values->children;
		sum += level;
	}
	if (sum > HOG_CHILDREN_MAX)
		return err_set(err, EINVAL,
			       "%llu children on %llu levels are more than %d "
			       "processes, the most that a hog keeps account of",
			       (unsigned long long)values->children,
			       (unsigned long long)values->depth, HOG_CHILDREN_MAX);
	return 0;
}

static int check_bomb(const struct values *values, struct err *err)
{
	if (values->depth != 1 || !values->hold)
		return err_set(err, EINVAL, "--bomb goes with neither --depth nor --no-hold");
	if (values->total == 0 || values->total > HOG_CHILDREN_MAX)
		return err_set(err, EINVAL, "--total expects 1 to %d forks, got %llu",
			       HOG_CHILDREN_MAX, (unsigned long long)values->total);
	return 0;
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = check_tree(values, err);

	if (r >= 0 && values->bomb)
		r = check_bomb(values, err);
	if (r >= 0)
		r = brood_setup(&values->brood, err);
	if (r >= 0)
		r = hog_region_open(hog, HOG_THP_NEVER, err);
	if (r < 0)
		return r;
	hog->watch = brood_watch;
	if (values->shared_bytes) {
		void *got = mmap(NULL, values->shared_bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (got == MAP_FAILED)
			return err_errno(err, errno, "cannot map the shared memory");
		values->shared = got;
	}
	/* The parent's memory is its own: children neither see nor count it. */
	if (madvise(hog->region.base, (hog->region.room_pages + 1) * hog->page_size,
		    MADV_DONTFORK) < 0)
		return err_errno(err, errno, "cannot keep the region from children");
	return 0;
}

/* ---- children ------------------------------------------------------------------------------ */

static int fork_children(struct hog *hog, struct values *values, uint64_t levels);

static _Noreturn void live_as_child(struct hog *hog, struct values *values, uint32_t slot,
				    uint64_t bytes, uint64_t levels)
{
	struct err err = ERR_INIT;

	if (levels > 0)
		(void)fork_children(hog, values, levels);
	hog_touch(hog, values->shared, hog_pages(hog, values->shared_bytes));
	if (bytes > 0 &&
	    (hog_region_open(hog, HOG_THP_NEVER, &err) < 0 || hog_region_touch(hog, bytes) < 0))
		hog_failed(hog, ENOMEM);
	if (!values->hold)
		_exit(0);
	brood_rest(hog, slot);
}

/* Returns 1, or -errno of the fork. */
static int fork_one(struct hog *hog, struct values *values, uint64_t bytes, uint64_t levels,
		    uint32_t *ret_slot)
{
	int r = brood_fork(hog, &values->brood, ret_slot);

	if (r == 0)
		live_as_child(hog, values, *ret_slot, bytes, levels);
	return r;
}

static int fork_children(struct hog *hog, struct values *values, uint64_t levels)
{
	uint32_t slot;

	for (uint64_t i = 0; i < values->children; i++) {
		int r = fork_one(hog, values, values->size_bytes, levels - 1, &slot);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- patterns ------------------------------------------------------------------------------ */

/* Until no child is at work any more: each holds its memory or is dead. A child that has been
 * killed while it held its memory ends a moment later, and nothing tells that it is going to:
 * hence the quiet time. */
static void wait_settled(struct hog *hog)
{
	static const uint64_t quiet_ns = 10 * 1000 * 1000;
	uint32_t dead;

	do {
		while (brood_count(hog).busy > 0)
			hog_wait(hog, UINT64_MAX, true);
		dead = brood_count(hog).dead;
		hog_wait(hog, clock_ns() + quiet_ns, true);
	} while (brood_count(hog).dead != dead || brood_count(hog).busy > 0);
}

static int run_tree(struct hog *hog, struct values *values)
{
	uint32_t slot;
	int r = 0;

	for (uint64_t i = 0; i < values->children && r >= 0; i++) {
		uint64_t pause_ns = hog_pace_pause(hog, values->interval_ns);
		if (pause_ns && (i > 0 || hog->seeded))
			hog_wait(hog, clock_ns() + pause_ns, false);
		r = fork_one(hog, values, values->size_bytes, values->depth - 1, &slot);
	}
	wait_settled(hog);
	return r < 0 ? r : 0;
}

/* Forks until --total, --children alive or pids.max; there it waits for a death, which makes
 * room for the next, or for quiet, which is the end: everybody alive holds its memory. */
static int run_bomb(struct hog *hog, struct values *values)
{
	uint64_t made = 0;
	uint32_t slot;

	while (made < values->total) {
		struct brood_census before = brood_count(hog);
		int r = -EAGAIN;

		uint64_t pause_ns = hog_pace_pause(hog, values->interval_ns);
		hog_wait(hog, pause_ns ? clock_ns() + pause_ns : 0, false);
		if (before.alive < values->children)
			r = fork_one(hog, values, values->size_bytes, 0, &slot);
		if (r >= 0) {
			made++;
			continue;
		}
		if (r != -EAGAIN && r != -ENOMEM)
			return r;
		wait_settled(hog);
		if (brood_count(hog).dead == before.dead)
			break;
	}
	wait_settled(hog);
	return 0;
}

static int run(struct hog *hog, void *data)
{
	struct values *values = data;
	uint64_t began = clock_ns();
	int r = values->parent_bytes ? hog_region_touch(hog, values->parent_bytes) : 0;

	if (r < 0)
		return r;
	hog_touch(hog, values->shared, hog_pages(hog, values->shared_bytes));
	if (values->parent_bytes)
		hog_say_progress(hog, values->parent_bytes, began);
	return values->bomb ? run_bomb(hog, values) : run_tree(hog, values);
}

/* One more child of this size. The receipt comes when it holds its memory, with -ECHILD when it
 * died before. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	const volatile struct hog_child *child;
	uint32_t slot;
	int r = fork_one(hog, values, bytes, 0, &slot);

	if (r < 0)
		return r;
	child = &hog->status->child[slot];
	while (child->state != HOG_STATE_DONE && child->state != HOG_STATE_EXITED)
		hog_wait(hog, UINT64_MAX, true);
	return child->state == HOG_STATE_EXITED ? -ECHILD : 0;
}

/* Gives back the parent's own memory. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_drop(hog, bytes);
}

const struct wl wl_fork = {
	.name = "fork",
	.summary = "children that each hold memory: a tree, or a bounded fork bomb",
	.description =
		"The parent forks --children children, each of which touches --size bytes and "
		"holds them. Every child is listed with its pid, state and pages in the status "
		"page and dies with its parent. On command (alloc) one more child is made.\n\n"
		"A bomb replaces children that the kernel kills. Forks refused by pids.max are "
		"counted; the bomb then waits for a death, and ends when nobody dies any more.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults =
		&(const struct values){
			.children = 4,
			.size_bytes = 4 << 20,
			.depth = 1,
			.total = 256,
			.hold = true,
		},
	.needs = WL_MEMORY | WL_FORK,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
