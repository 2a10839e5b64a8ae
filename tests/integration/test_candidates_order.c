/*
 * The order of the kernel's scan, by exact ties: processes with equal points in a group at its
 * limit die one after the other, from the last one of the scan to the first. Needs root, as it
 * makes groups and reads the kernel's lines.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/candidates.h"
#include "tests/integration/cg_rig.h"
#include "tests/lib/skip.h"

Suite *candidates_order_suite(void);

enum { TIED = 5, KMSG_LINE = 8192 };

static struct cg_host *host;
static struct candidates *c;
static const struct badness_rules *rules;
static struct err err;
static int kmsg;
static pid_t tied[TIED]; /* by start */

/* All on one CPU, so that the counters' per-CPU parts are equal as well. */
static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void setup(void)
{
	struct utsname name;
	enum badness_generation generation;

	rig_sweep();
	pin();
	host = rig_host(NULL);
	ck_assert_int_eq(uname(&name), 0);
	ck_assert_int_ge(badness_generation(name.release, &generation, &err), 0);
	rules = badness_rules(generation);
	ck_assert_msg(candidates_open(-1, host, &c, &err) >= 0, "%s", err.text);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(kmsg, 0);
	(void)lseek(kmsg, 0, SEEK_END);
}

static void teardown(void)
{
	close(kmsg);
	candidates_free(c);
	cg_host_free(host);
}

static void set_adj(const char *adj)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (write(fd, adj, strlen(adj)) < 0)
		_exit(3);
	close(fd);
}

static pid_t spawn_tied(void)
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_adj("500");
		if (write(ready[1], "", 1) != 1)
			_exit(3);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void spawn_all(void)
{
	for (size_t i = 0; i < TIED; i++)
		tied[i] = spawn_tied();
}

/* Memory that is charged to the group, but to nobody's badness: a file that is not mapped. */
static void fill(size_t pages)
{
	static char page[4096];
	int fd = memfd_create("fill", MFD_CLOEXEC);

	for (size_t i = 0; i < pages; i++)
		if (write(fd, page, sizeof(page)) < 0)
			break;
	for (;;)
		pause();
}

/* The pid of a "Killed process" line; 0: another line. */
static pid_t killed_pid(char *line)
{
	char *at = strstr(line, "Killed process ");

	return at ? (pid_t)atoi(at + strlen("Killed process ")) : 0;
}

static bool is_tied(pid_t pid)
{
	for (size_t i = 0; i < TIED; i++)
		if (tied[i] == pid)
			return true;
	return false;
}

/* The next of ours that the kernel says it killed. */
static pid_t next_kill(void)
{
	char line[KMSG_LINE];

	for (;;) {
		ssize_t n = read(kmsg, line, sizeof(line) - 1);
		if (n < 0) {
			rig_wait_event(kmsg, POLLIN);
			continue;
		}
		line[n] = '\0';
		pid_t pid = killed_pid(line);
		if (is_tied(pid))
			return pid;
	}
}

/* Reads the tree, checks that all are equals in a known order, fills the group until all have been
 * killed, and holds the kernel's order against the reading's. */
static void check_order(struct cg *group)
{
	pid_t expected[TIED];
	struct badness_choice choice;

	ck_assert_msg(candidates_of_tree(c, cg_dir(group), &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(c->n, TIED);
	ck_assert(c->order_known);
	uint64_t total = (16 * MIB) / c->page_bytes;
	candidates_choose(c, rules, total, &choice);
	ck_assert_uint_eq(choice.n_ties, TIED);
	for (size_t i = 0; i < TIED; i++)
		expected[c->tasks[i].order] = (pid_t)c->tasks[i].pid;
	ck_assert_int_eq(c->tasks[choice.victim].pid, expected[TIED - 1]);
	pid_t filler = rig_fork_into_group(group, fill, (32 * MIB) / c->page_bytes);
	for (size_t i = TIED; i-- > 0;)
		ck_assert_int_eq(next_kill(), expected[i]);
	for (size_t i = 0; i < TIED; i++)
		rig_assert_killed(tied[i]);
	kill(filler, SIGKILL);
	(void)rig_reap(filler);
}

static const size_t arrivals[][TIED] = {
	{0, 1, 2, 3, 4},
	{4, 3, 2, 1, 0},
	{2, 0, 4, 1, 3},
};

/* By arrival, whatever the pids are. */
START_TEST(equals_die_from_the_last_arrived_on)
{
	struct cg *group = rig_group(host, NULL, "order");

	rig_set(group, "memory.max", "16M");
	spawn_all();
	for (size_t i = 0; i < TIED; i++)
		ck_assert_msg(cg_attach(group, tied[arrivals[_i][i]], &err) >= 0, "%s", err.text);
	check_order(group);
	rig_destroy(group);
}
END_TEST

/* By creation of the groups, whatever their names are; one of them below another. */
START_TEST(equals_die_from_the_last_made_group_on)
{
	static const char *const names[][TIED] = {
		{"a", "b", "c", "d", "e"}, {"e", "d", "c", "b", "a"}, {"m", "z", "a", "q", "f"}};
	struct cg *group = rig_group(host, NULL, "tree"), *inner[TIED];

	rig_set(group, "memory.max", "16M");
	for (size_t i = 0; i < TIED; i++)
		inner[i] = rig_group(host, i == TIED - 1 ? inner[1] : group, names[_i][i]);
	spawn_all();
	for (size_t i = 0; i < TIED; i++)
		ck_assert_msg(cg_attach(inner[i], tied[TIED - 1 - i], &err) >= 0, "%s", err.text);
	check_order(group);
	for (size_t i = TIED; i-- > 0;)
		rig_destroy(inner[i]);
	rig_destroy(group);
}
END_TEST

/* ---- what the choice reads ------------------------------------------------------------------ */

enum { SPREAD = 24, STEP = 3 };

static void move_to(size_t cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		_exit(3);
}

static int ready_fd;

/* Pages of two CPUs' counters: which of them the approximate sum leaves out differs by process. */
static void touch_on_two(size_t i)
{
	size_t parts[] = {i * STEP, i % 2 ? 0 : SPREAD};
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)madvise(at, 1 << 20, MADV_NOHUGEPAGE);
	for (size_t cpu = 0; cpu < 2; cpu++) {
		move_to(cpu);
		for (size_t page = 0; page < parts[cpu]; page++, at += 4096)
			*(volatile char *)at = 1;
	}
	if (write(ready_fd, "", 1) != 1)
		_exit(3);
	for (;;)
		pause();
}

static void raise_adj(pid_t pid)
{
	MEM_AUTO char *path = mem_printf("/proc/%d/oom_score_adj", (int)pid);
	FD_AUTO fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_gt(write(fd, "900", 3), 0);
}

/* Two that stat and status rank differently, the larger one by stat first. */
static bool find_contrary(pid_t ret[2])
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t j = 0; j < c->n; j++)
			if (c->tasks[i].rss_pages > c->tasks[j].rss_pages &&
			    c->more[i].status_rss_pages < c->more[j].status_rss_pages &&
			    c->tasks[i].table_pages == c->tasks[j].table_pages) {
				ret[0] = (pid_t)c->tasks[i].pid;
				ret[1] = (pid_t)c->tasks[j].pid;
				return true;
			}
	return false;
}

START_TEST(the_kernel_chooses_by_stat_where_status_says_otherwise)
{
	struct cg *group = rig_group(host, NULL, "stat");
	pid_t pids[SPREAD];
	int ready[2];
	char byte;

	rig_set(group, "memory.max", "16M");
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ready_fd = ready[1];
	for (size_t i = 0; i < SPREAD; i++) {
		pids[i] = rig_fork_into_group(group, touch_on_two, i);
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	}
	ck_assert_int_eq(candidates_of_tree(c, cg_dir(group), &err), 0);
	ck_assert(find_contrary(tied));
	raise_adj(tied[0]);
	raise_adj(tied[1]);
	pid_t filler = rig_fork_into_group(group, fill, (32 * MIB) / c->page_bytes);
	ck_assert_int_eq(next_kill(), tied[0]);
	ck_assert_int_eq(next_kill(), tied[1]);
	for (size_t i = 0; i < SPREAD; i++) {
		kill(pids[i], SIGKILL);
		(void)rig_reap(pids[i]);
	}
	kill(filler, SIGKILL);
	(void)rig_reap(filler);
	close(ready[0]);
	close(ready[1]);
	rig_destroy(group);
}
END_TEST

/* ---- what is not known ---------------------------------------------------------------------- */

/* A v1 group whose members are in several v2 groups: known is only what the start says. */
START_TEST(an_order_that_cannot_be_seen_is_not_claimed)
{
	struct cg *group = rig_group(host, NULL, "order");
	pid_t here = rig_spawn(group, 4096), there = rig_spawn(group, 4096);
	struct cg *other = rig_group(host, NULL, "other");
	char dir[PATH_MAX];

	ck_assert_int_eq(candidates_of_tree(c, cg_dir(group), &err), 0);
	ck_assert(c->order_known);
	ck_assert_msg(cg_attach(other, there, &err) >= 0, "%s", err.text);
	MEM_AUTO char *procs = mem_printf("%s/cgroup.procs", cg_dir(group));
	FD_AUTO fd = open(procs, O_WRONLY | O_CLOEXEC);
	ck_assert_int_gt(dprintf(fd, "%d", (int)there), 0);
	ck_assert_int_eq(cg_v2_dir_of(host, there, dir, sizeof(dir), &err), 0);
	ck_assert(strstr(dir, "other") != NULL);
	ck_assert_int_eq(candidates_of_tree(c, cg_dir(group), &err), 0);
	ck_assert_uint_eq(c->n, 2);
	ck_assert(!c->order_known);
	ck_assert(!candidates_order_sure(c, 0, 1));
	kill(here, SIGKILL);
	kill(there, SIGKILL);
	(void)rig_reap(here);
	(void)rig_reap(there);
	rig_destroy(group);
	rig_destroy(other);
}
END_TEST

static TCase *rigged(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_unchecked_fixture(tcase, NULL, rig_sweep);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	return tcase;
}

Suite *candidates_order_suite(void)
{
	Suite *suite = suite_create("candidates_order");
	bool root = geteuid() == 0 && access("/dev/kmsg", R_OK) == 0;
	TCase *ties = rigged("ties"), *hybrid = rigged("hybrid"), *counters = rigged("counters");

	rig_begin();
	struct cg_host *probe = NULL;
	FD_AUTO slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!root || cg_host_open(slash, NULL, &probe, &err) < 0)
		probe = NULL;
	bool v1 = probe && cg_host_version(probe, "memory") == CG_V1 && cg_host_has_twin(probe);
	bool seen = probe && (v1 || cg_host_version(probe, "memory") == CG_V2);
	bool approximate = candidates_open(-1, NULL, &c, &err) >= 0 &&
			   c->counters == COUNTERS_APPROX && c->cpus > 1;
	candidates_free(c);
	cg_host_free(probe);
	tcase_add_loop_test(ties, equals_die_from_the_last_arrived_on, 0, 3);
	tcase_add_loop_test(ties, equals_die_from_the_last_made_group_on, 0, 3);
	tcase_add_test(counters, the_kernel_chooses_by_stat_where_status_says_otherwise);
	tcase_add_test(hybrid, an_order_that_cannot_be_seen_is_not_claimed);
	suite_add_if(
		suite, ties, "ties", seen,
		"needs root, the kernel's log and a v2 hierarchy, which alone shows the order");
	suite_add_if(suite, counters, "counters", seen && approximate,
		     "this kernel chooses by what status says, or has one CPU");
	suite_add_if(suite, hybrid, "hybrid", v1, "needs the memory controller on v1 beside v2");
	return suite;
}
