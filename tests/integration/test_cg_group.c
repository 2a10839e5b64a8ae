/*
 * cgroups/ on the kernel at hand: making, joining, killing, removing and delegating real groups.
 * Needs root (or a writable parent group); what this host lacks is printed as a skip.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/integration/cg_rig.h"
#include "tests/lib/skip.h"

Suite *cg_group_suite(void);

static struct cg_host *host;
static struct cg *group;

static void setup(void)
{
	rig_sweep(); /* of a test that failed before */
	host = rig_host(NULL);
	group = rig_group(host, NULL, "g");
}

static void teardown(void)
{
	rig_destroy(group);
	cg_host_free(host);
}

static TCase *rigged(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_unchecked_fixture(tcase, NULL, rig_sweep);
	tcase_add_checked_fixture(tcase, setup, teardown);
	return tcase;
}

/* ---- groups -------------------------------------------------------------------------------- */

START_TEST(groups_nest_and_go_with_the_outer_one)
{
	struct cg *inner = rig_group(host, group, "inner");
	struct cg *innermost = rig_group(host, inner, "innermost");
	MEM_AUTO char *dir = mem_dup(cg_dir(innermost));
	MEM_AUTO char *outer = mem_dup(cg_dir(group));

	ck_assert(str_starts(dir, outer));
	ck_assert(str_ends(dir, "/inner/innermost"));
	ck_assert(str_ends(dir, cg_kernel_path(innermost)));
	ck_assert(rig_is_there(dir));
	pid_t pid = rig_spawn(innermost, 0);
	struct cg *other = group;
	group = rig_group(host, NULL, "next");
	rig_destroy(other);
	rig_assert_killed(pid);
	ck_assert(!rig_is_there(outer));
	cg_close(innermost);
	cg_close(inner);
}
END_TEST

START_TEST(a_taken_name_is_refused)
{
	struct err err = ERR_INIT;
	struct cg *second = NULL;

	ck_assert_int_eq(cg_create(host, NULL, cg_name(group), &second, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, cg_dir(group)));
	ck_assert(rig_is_there(cg_dir(group)));
}
END_TEST

START_TEST(an_attached_process_is_in_every_hierarchy)
{
	struct err err = ERR_INIT;
	char path[64], text[8192];
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	ck_assert_msg(cg_attach(group, pid, &err) >= 0, "%s", err.text);
	ck_assert(rig_is_inside(group, pid));
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	ck_assert_int_gt(fd_read_text(AT_FDCWD, path, text, sizeof(text), &err), 0);
	int seen = 0;
	for (const char *at = text; (at = strstr(at, cg_kernel_path(group))); at++)
		seen++;
	int fds[CG_HIERS_MAX];
	ck_assert_int_eq(seen, (int)cg_join_fds(group, fds, CG_HIERS_MAX));
	rig_kill(group);
	rig_assert_killed(pid);
}
END_TEST

START_TEST(attaching_nobody_says_so)
{
	struct err err = ERR_INIT;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	rig_reap(pid);
	ck_assert_int_eq(cg_attach(group, pid, &err), -ESRCH);
	ck_assert_ptr_nonnull(strstr(err.text, "No such process"));
}
END_TEST

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

START_TEST(no_descriptor_is_left_open)
{
	struct err err = ERR_INIT;
	uint32_t events;
	size_t before = open_files();

	struct cg *cg = rig_group(host, NULL, "fds");
	ck_assert_msg(cg_notify_fd(cg, &events, &err) >= 0, "%s", err.text);
	if (cg_host_has_twin(host))
		ck_assert_int_ge(cg_populated_fd(cg, &err), 0);
	rig_set(cg, "pids.max", "10");
	rig_destroy(cg);
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* ---- kill, populated, leftovers ------------------------------------------------------------ */

START_TEST(kill_reaches_a_growing_tree)
{
	struct err err = ERR_INIT;
	bool populated = true;
	int fd = cg_populated_fd(group, &err);

	ck_assert_msg(fd >= 0, "%s", err.text);
	pid_t pid = rig_fork_into_group(group, rig_grow, 6);
	while (!rig_is_inside(group, pid)) {
		rig_wait_event(fd, EPOLLPRI);
		ck_assert_msg(cg_populated(group, &populated, &err) >= 0, "%s", err.text);
	}
	rig_kill(group);
	rig_assert_killed(pid);
	for (;;) {
		ck_assert_msg(cg_populated(group, &populated, &err) >= 0, "%s", err.text);
		if (!populated)
			break;
		rig_wait_event(fd, EPOLLPRI);
	}
	ck_assert_int_eq(cg_procs_tree(group, NULL, 0, &err), 0);
	struct pollfd poll_fd = {.fd = fd, .events = POLLPRI};
	/* The kernel holds events back for 10 ms, so one more may come; but not for ever. */
	int rounds = 0;
	for (; poll(&poll_fd, 1, 0) > 0 && rounds < 1000; rounds++)
		ck_assert_msg(cg_populated(group, &populated, &err) >= 0, "%s", err.text);
	ck_assert_msg(rounds < 1000, "cg_populated() does not clear the event");
}
END_TEST

/* Only in the memory hierarchy, as on a pure v1 host: no cgroup.kill, no cgroup.events. */
START_TEST(a_group_without_cgroup_kill_is_purged)
{
	struct err err = ERR_INIT;
	MEM_AUTO char *dir = mem_printf("%s/alone", cg_dir(group));
	MEM_AUTO char *deep = mem_printf("%s/deep", dir);
	MEM_AUTO char *procs = mem_printf("%s/cgroup.procs", deep);

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(mkdir(deep, 0755), 0);
	int fd = open(procs, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	pid_t pid = rig_fork_into(&fd, 1, rig_grow, 6);
	close(fd);
	struct cg_pids pids = {0};
	FD_AUTO at = open(deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (pids.n < 8) {
		pids.n = 0;
		ck_assert_int_ge(cg_tree_procs(at, &pids, &err), 0);
	}
	cg_pids_free(&pids);
	ck_assert_msg(cg_purge_dir(dir, RIG_PATIENCE_NS, &err) >= 0, "%s", err.text);
	rig_assert_killed(pid);
	ck_assert(!rig_is_there(dir));
}
END_TEST

START_TEST(destroy_finds_who_is_in_one_hierarchy_alone)
{
	struct err err = ERR_INIT;
	struct cg *cg = rig_group(host, NULL, "half");
	const struct cg_place *place = cg_place_of(cg, "memory");
	pid_t pid = rig_fork_into(&place->procs_fd, 1, rig_grow, 0);

	while (cg_procs(cg, NULL, 0, &err) < 1)
		sched_yield();
	rig_destroy(cg);
	rig_assert_killed(pid);
}
END_TEST

static int count_own(void *data, const char *dir)
{
	int *n = data;
	struct err err = ERR_INIT;

	++*n;
	ck_assert_msg(cg_purge_dir(dir, RIG_PATIENCE_NS, &err) >= 0, "%s", err.text);
	return 0;
}

START_TEST(leftovers_are_found_and_purged)
{
	struct err err = ERR_INIT;
	struct cg *cg = rig_group(host, NULL, "left");
	pid_t pid = rig_spawn(cg, 0);
	MEM_AUTO char *prefix = mem_dup(cg_name(cg));
	MEM_AUTO char *dir = mem_dup(cg_dir(cg));
	int fds[CG_HIERS_MAX], seen = 0, expected = (int)cg_join_fds(cg, fds, CG_HIERS_MAX);

	cg_close(cg);
	ck_assert_int_eq(cg_leftovers(host, prefix, count_own, &seen, &err), expected);
	ck_assert_int_eq(seen, expected);
	rig_assert_killed(pid);
	ck_assert(!rig_is_there(dir));
}
END_TEST

START_TEST(purge_refuses_what_is_no_group)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(cg_purge_dir("/tmp", 0, &err), -EINVAL);
	ck_assert_int_eq(cg_purge_dir(cg_host_hier(host, "memory")->mount, 0, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "root of a hierarchy"));
}
END_TEST

/* ---- delegation on v2 ----------------------------------------------------------------------- */

/* hugetlb stands for any v2 controller: the caller sits in the group that must hand it down. */
START_TEST(the_caller_makes_room_in_a_delegated_group)
{
	struct err err = ERR_INIT;
	const struct cg_hier *v2 = cg_host_v2(host);
	char before[512], got[CG_VALUE_MAX];
	MEM_AUTO char *parent = mem_dup(cg_kernel_path(group));
	pid_t pid = fork();

	cg_line_of(v2->mount_fd, "/", "cgroup.subtree_control", before, sizeof(before));
	if (pid == 0) {
		ck_assert_msg(cg_attach(group, getpid(), &err) >= 0, "%s", err.text);
		struct cg_host *delegated = rig_host(parent);
		struct cg *cg = rig_group(delegated, NULL, "below");
		ck_assert_ptr_nonnull(strstr(cg_dir(cg), parent));
		rig_set(cg, "raw:hugetlb.2MB.max", "0");
		rig_get(cg, "raw:hugetlb.2MB.max", got);
		ck_assert_str_eq(got, "0");
		ck_assert_int_gt(
			fd_read_text(AT_FDCWD, "/proc/self/cgroup", got, sizeof(got), &err), 0);
		ck_assert_ptr_nonnull(strstr(got, "/" CG_SELF_LEAF "\n"));
		/* A second run of the harness starts in the leaf and still finds the same place. */
		struct cg_host *again = rig_host(NULL);
		ck_assert_str_eq(cg_host_v2(again)->own, parent);
		cg_host_free(again);
		rig_destroy(cg);
		cg_host_free(delegated);
		_exit(0);
	}
	int status = rig_reap(pid);
	int inner_fd = cg_place_v2(group)->dirfd;
	(void)fd_write_text(inner_fd, "cgroup.subtree_control", "-hugetlb", &err);
	if (!strstr(before, "hugetlb"))
		(void)fd_write_text(v2->mount_fd, "cgroup.subtree_control", "-hugetlb", &err);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- suite --------------------------------------------------------------------------------- */

static TCase *general(void)
{
	TCase *tcase = rigged("groups");

	tcase_add_test(tcase, groups_nest_and_go_with_the_outer_one);
	tcase_add_test(tcase, a_taken_name_is_refused);
	tcase_add_test(tcase, an_attached_process_is_in_every_hierarchy);
	tcase_add_test(tcase, attaching_nobody_says_so);
	tcase_add_test(tcase, no_descriptor_is_left_open);
	tcase_add_test(tcase, leftovers_are_found_and_purged);
	tcase_add_test(tcase, purge_refuses_what_is_no_group);
	return tcase;
}

static TCase *on_v1(void)
{
	TCase *tcase = rigged("v1");

	tcase_add_test(tcase, a_group_without_cgroup_kill_is_purged);
	tcase_add_test(tcase, destroy_finds_who_is_in_one_hierarchy_alone);
	return tcase;
}

static TCase *one(const char *name, const TTest *test)
{
	TCase *tcase = rigged(name);

	tcase_add_test(tcase, test);
	return tcase;
}

Suite *cg_group_suite(void)
{
	Suite *suite = suite_create("cg_group");
	struct err err = ERR_INIT;
	struct cg_host *at = NULL;
	FD_AUTO root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	rig_begin();
	bool usable = cg_host_open(root, NULL, &at, &err) >= 0 && cg_host_usable(at, &err) >= 0;
	suite_add_if(suite, general(), "cg_group: groups", usable, err.text);
	suite_add_if(suite, on_v1(), "cg_group: v1",
		     usable && cg_host_version(at, "memory") == CG_V1,
		     usable ? "memory is not on cgroup v1 here" : err.text);
	suite_add_if(suite, one("populated", kill_reaches_a_growing_tree), "cg_group: populated",
		     usable && cg_host_has_twin(at),
		     usable ? "no v2 hierarchy is mounted" : err.text);
	suite_add_if(suite, one("delegation", the_caller_makes_room_in_a_delegated_group),
		     "cg_group: delegation", usable && cg_host_version(at, "hugetlb") == CG_V2,
		     usable ? "no hugetlb controller on v2" : err.text);
	cg_host_free(at);
	return suite;
}
