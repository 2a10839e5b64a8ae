/*
 * The workload 'threads': threads that touch memory together, each its share of every block;
 * optionally the first thread, the leader, has exited before.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/hog_run.h"
#include "workloads/team.h"

struct values {
	struct hog_pace pace;
	uint64_t threads;
	bool leader_exits;
	pthread_t leader;
	struct team team; /* state */
};

static const struct opt opts[] = {
	{.name = "threads",
	 .letter = 'c',
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, threads),
	 .arg = "N",
	 .help = "threads that touch, besides the one that takes commands (default 4)"},
	{.name = "leader-exits",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct values, leader_exits),
	 .help = "the thread group's leader exits before anything is touched; the others go on "
		 "(default no)"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

static void *work(void *worker)
{
	team_work(worker);
}

/* Before READY the leader has given its mm up: the kernel clears its thread id in mm_release(),
 * which is what a join waits for. */
static void *live(void *data)
{
	struct hog *hog = data;
	const struct values *values = hog->values;

	(void)pthread_join(values->leader, NULL);
	/* Belongs to the thread that set it: the leader's has gone with the leader. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	hog_live(hog);
}

/* glibc allocates a stack of our size, and its own data in it, before READY. */
static int start(pthread_attr_t *attr, void *(*fn)(void *), void *data)
{
	pthread_t thread;

	return pthread_create(&thread, attr, fn, data);
}

static void enter(struct hog *hog)
{
	struct values *values = hog->values;
	struct team *team = &values->team;
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, TEAM_STACK_BYTES);
	for (uint32_t i = 0; i < team->n; i++) {
		team->worker[i] = (struct worker){.team = team, .number = i};
		r = start(&attr, work, &team->worker[i]);
		if (r != 0)
			hog_enter_failed(hog, r, "cannot start a thread");
	}
	if (!values->leader_exits)
		return;
	pthread_attr_setstacksize(&attr, (size_t)TEAM_STACK_BYTES * 4);
	values->leader = pthread_self();
	r = start(&attr, live, hog);
	if (r != 0)
		hog_enter_failed(hog, r, "cannot start a thread");
	/* This thread alone; its stack, where 'hog' lies, stays as long as the mm. */
	for (;;)
		syscall(SYS_exit, 0);
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = hog_region_open(hog, HOG_THP_NEVER, err);

	if (r < 0)
		return r;
	if (values->threads == 0 || values->threads > TEAM_MAX)
		return err_set(err, EINVAL, "--threads expects 1 to %d, got %llu", TEAM_MAX,
			       (unsigned long long)values->threads);
	values->team.hog = hog;
	values->team.n = (uint32_t)values->threads;
	hog->enter = enter;
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

const struct wl wl_threads = {
	.name = "threads",
	.summary = "threads that touch memory together",
	.description =
		"Each of --threads threads touches its share of every block. With --leader-exits "
		"the process shows up as a zombie leader whose threads still hold the memory.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS, .threads = 4},
	.needs = WL_MEMORY | WL_THREADS,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
