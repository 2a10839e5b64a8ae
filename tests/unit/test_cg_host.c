/*
 * cgroups/: from mountinfo and /proc/self/cgroup to "which controller lives where" and "where may
 * groups be made", over fake hosts in tests/fixtures/cgroup.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/cg_tree.h"
#include "tests/lib/skip.h"

Suite *cg_host_suite(void);

static struct cg_tree tree;
static struct cg_host *host;

static void teardown(void)
{
	cg_host_free(host);
	host = NULL;
	cg_tree_remove_all(&tree);
}

static void load(const char *fixture, const char *parent)
{
	cg_tree_make(&tree, fixture);
	host = cg_tree_host(&tree, parent);
}

/* ---- text ---------------------------------------------------------------------------------- */

START_TEST(mount_lines_are_taken_apart)
{
	struct cg_mounts mounts;

	cg_mounts_parse(
		"40 31 0:37 / /a\\040b\\011\\134 rw,x shared:1 master:2 - cgroup c rw,memory\n"
		"41 31 0:38 /r /c ro - cgroup2 cgroup2 rw\n"
		"42 31 0:38 /r /c rw - cgroup2 cgroup2\n"
		"43 31 0:39 / /d rw - tmpfs tmpfs rw,memory\n"
		"44\n\n",
		&mounts);
	ck_assert_uint_eq(mounts.n, 2);
	ck_assert_str_eq(mounts.list[0].point, "/a b\t\\");
	ck_assert_str_eq(mounts.list[0].options, ",rw,memory,");
	ck_assert_int_eq(mounts.list[0].version, CG_V1);
	ck_assert(!mounts.list[0].read_only);
	ck_assert_str_eq(mounts.list[1].root, "/r");
	ck_assert_int_eq(mounts.list[1].version, CG_V2);
	ck_assert(mounts.list[1].read_only);
	cg_mounts_free(&mounts);
}
END_TEST

START_TEST(self_lines_are_taken_apart)
{
	struct cg_self self;

	cg_self_parse("9:name=systemd:/x\n4:cpu,cpuacct:/a:b\n0::/c\nnonsense\n7:pids\n", &self);
	ck_assert_uint_eq(self.n, 2);
	ck_assert_str_eq(self.list[0].controllers, ",cpu,cpuacct,");
	ck_assert_str_eq(self.list[0].path, "/a:b");
	ck_assert_int_eq(self.list[1].version, CG_V2);
	ck_assert_str_eq(self.list[1].path, "/c");
	cg_self_free(&self);
}
END_TEST

START_TEST(a_mount_shows_a_hierarchy_when_all_controllers_match)
{
	struct cg_mount mount = {.version = CG_V1, .options = (char[]){",rw,cpuacct,cpu,"}};
	struct cg_self_line both = {.version = CG_V1, .controllers = (char[]){",cpu,cpuacct,"}};
	struct cg_self_line set = {.version = CG_V1, .controllers = (char[]){",cpuset,"}};
	struct cg_self_line v2 = {.version = CG_V2, .controllers = (char[]){","}};

	ck_assert(cg_mount_shows(&mount, &both));
	ck_assert(!cg_mount_shows(&mount, &set)); /* "cpu" is not "cpuset" */
	ck_assert(!cg_mount_shows(&mount, &v2));
}
END_TEST

static const struct {
	const char *root, *path, *expected;
} below[] = {
	{"/", "/", "/"},       {"/", "/a/b", "/a/b"},
	{"/a", "/a", "/"},     {"/a", "/a/b", "/b"},
	{"/a", "/ab", NULL},   {"/a", "/", NULL},
	{"/..", "/", NULL},    {"/", "/../x", NULL},
	{"/", "/..x", "/..x"}, {"/docker/c0", "/docker/c1", NULL},
};

START_TEST(own_path_below_a_mount)
{
	MEM_AUTO char *got = cg_path_below(below[_i].root, below[_i].path);

	ck_assert_msg(str_eq(got, below[_i].expected), "'%s' below '%s': got '%s', expected '%s'",
		      below[_i].path, below[_i].root, got ? got : "(nothing)",
		      below[_i].expected ? below[_i].expected : "(nothing)");
}
END_TEST

/* ---- layouts ------------------------------------------------------------------------------- */

static const struct {
	const char *fixture, *description;
	enum cg_version memory, pids, cpuset;
	bool twin;
	const char *parent; /* of memory; NULL: none */
} layouts[] = {
	{"hybrid", "hybrid: memory, pids, cpuset on v1; v2 at /sys/fs/cgroup/unified", CG_V1, CG_V1,
	 CG_V1, true, "/sys/fs/cgroup/memory"},
	{"v2", "v2: memory, pids, cpuset; at /sys/fs/cgroup", CG_V2, CG_V2, CG_V2, true,
	 "/sys/fs/cgroup"},
	{"v1", "v1: memory, pids, cpuset; no v2 hierarchy", CG_V1, CG_V1, CG_V1, false,
	 "/sys/fs/cgroup/memory"},
	{"container-v1", "v1: memory, pids; no v2 hierarchy", CG_V1, CG_V1, CG_ABSENT, false, NULL},
	{"container-v2", "v2: memory, pids; at /sys/fs/cgroup", CG_V2, CG_V2, CG_ABSENT, true,
	 NULL},
	{"odd",
	 "v2: memory; at /mnt/with space\\x (memory_localevents: events leave out "
	 "children)",
	 CG_V2, CG_ABSENT, CG_ABSENT, true, "/mnt/with space\\x"},
	{"bare", "no cgroup hierarchy with memory, pids or cpuset is mounted", CG_ABSENT, CG_ABSENT,
	 CG_ABSENT, false, NULL},
};

enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };
enum { BELOW = sizeof(below) / sizeof(below[0]) };

START_TEST(each_controller_has_its_own_place)
{
	const char *why = NULL;

	load(layouts[_i].fixture, NULL);
	ck_assert_str_eq(cg_host_describe(host), layouts[_i].description);
	ck_assert_int_eq(cg_host_version(host, "memory"), layouts[_i].memory);
	ck_assert_int_eq(cg_host_version(host, "pids"), layouts[_i].pids);
	ck_assert_int_eq(cg_host_version(host, "cpuset"), layouts[_i].cpuset);
	ck_assert_int_eq(cg_host_has_twin(host), layouts[_i].twin);
	const char *parent = cg_host_parent(host, "memory", &why);
	ck_assert_msg(str_eq(parent, layouts[_i].parent), "got '%s' (%s)", parent ? parent : "none",
		      why ? why : "");
	ck_assert_msg(parent || (why && *why), "no reason given");
}
END_TEST

START_TEST(hugetlb_alone_can_be_on_v2)
{
	load("hybrid", NULL);
	ck_assert_int_eq(cg_host_version(host, "hugetlb"), CG_V2);
	ck_assert_int_eq(cg_host_version(host, "rdma"), CG_ABSENT);
}
END_TEST

START_TEST(a_read_only_mount_says_what_to_do)
{
	struct err err = ERR_INIT;

	load("container-v1", NULL);
	ck_assert_int_eq(cg_host_usable(host, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(err.text, "'/sys/fs/cgroup/memory' is mounted read-only"));
	ck_assert_str_eq(cg_host_parent(host, "pids", NULL), "/sys/fs/cgroup/pids");
	ck_assert_str_eq(cg_host_hier(host, "pids")->own, "/init");
}
END_TEST

START_TEST(an_unmounted_controller_is_told_from_a_missing_one)
{
	struct err err = ERR_INIT;
	const char *why = NULL;

	load("bare", NULL);
	ck_assert_int_eq(cg_host_usable(host, &err), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(err.text, "(memory) but it is not mounted here"));
	ck_assert_ptr_null(cg_host_parent(host, "pids", &why));
	ck_assert_ptr_nonnull(strstr(why, "this kernel offers no such controller"));
}
END_TEST

START_TEST(a_kernel_without_cgroups_is_a_host_without_them)
{
	struct err err = ERR_INIT;

	cg_tree_make(&tree, "bare");
	ck_assert_int_eq(unlinkat(tree.fd, "proc/self/cgroup", 0), 0);
	host = cg_tree_host(&tree, NULL);
	ck_assert_int_eq(cg_host_usable(host, &err), -EOPNOTSUPP);
}
END_TEST

START_TEST(without_proc_the_reason_is_told)
{
	struct err err = ERR_INIT;

	cg_tree_make(&tree, "bare");
	ck_assert_int_eq(unlinkat(tree.fd, "proc/self/mountinfo", 0), 0);
	ck_assert_int_eq(cg_host_open(tree.fd, NULL, &host, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "is /proc mounted"));
}
END_TEST

/* ---- --cgroup-parent ------------------------------------------------------------------------ */

START_TEST(a_wanted_parent_is_used_where_it_exists)
{
	static const char *const forms[] = {"/jobs/one", "/jobs/one/",
					    "/sys/fs/cgroup/memory/jobs/one"};

	load("hybrid", forms[_i]);
	ck_assert_str_eq(cg_host_parent(host, "memory", NULL), "/sys/fs/cgroup/memory/jobs/one");
	ck_assert_str_eq(cg_host_parent(host, "pids", NULL), "/sys/fs/cgroup/pids");
}
END_TEST

START_TEST(a_wanted_parent_must_exist_for_memory)
{
	struct err err = ERR_INIT;

	cg_tree_make(&tree, "hybrid");
	ck_assert_int_eq(cg_host_open(tree.fd, "/jobs/two", &host, &err), -ENOENT);
	ck_assert_str_eq(err.text,
			 "--cgroup-parent: there is no group '/sys/fs/cgroup/memory/jobs/two'");
	ck_assert_int_eq(cg_host_open(tree.fd, "/jobs/../x", &host, &err), -EINVAL);
	ck_assert_int_eq(cg_host_open(tree.fd, "jobs", &host, &err), -EINVAL);
}
END_TEST

/* ---- who may write where --------------------------------------------------------------------- */

static const char scope[] = "/user.slice/user@1000.service/app.slice/run-7.scope";

static void give(const char *path)
{
	MEM_AUTO char *full = mem_printf("%s/sys/fs/cgroup%s", tree.path, path);

	ck_assert_int_eq(chown(full, 65534, 65534), 0);
}

static void give_group(const char *dir)
{
	MEM_AUTO char *procs = mem_printf("%s/cgroup.procs", dir);
	MEM_AUTO char *control = mem_printf("%s/cgroup.subtree_control", dir);

	give(dir);
	give(procs);
	give(control);
}

static void open_as_nobody(void)
{
	ck_assert_int_eq(setegid(65534), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	host = cg_tree_host(&tree, NULL);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
}

START_TEST(an_ordinary_user_gets_the_delegated_group)
{
	cg_tree_make(&tree, "delegated");
	give_group(scope);
	open_as_nobody();
	ck_assert_str_eq(cg_host_v2(host)->parent, scope);
	/* cpuset ends two levels above and this user cannot change that. */
	ck_assert_int_eq(cg_host_version(host, "memory"), CG_V2);
	ck_assert_int_eq(cg_host_version(host, "cpuset"), CG_ABSENT);
}
END_TEST

START_TEST(a_group_full_of_others_is_passed_over_for_one_that_is_ready)
{
	cg_tree_make(&tree, "delegated");
	give_group(scope);
	give_group("/user.slice/user@1000.service/app.slice");
	MEM_AUTO char *procs = mem_printf("sys/fs/cgroup%s/cgroup.procs", scope);
	cg_tree_put(&tree, procs, "1\n2\n");
	open_as_nobody();
	ck_assert_str_eq(cg_host_v2(host)->parent, "/user.slice/user@1000.service/app.slice");
}
END_TEST

START_TEST(nothing_writable_is_explained)
{
	struct err err = ERR_INIT;

	cg_tree_make(&tree, "delegated");
	open_as_nobody();
	ck_assert_int_eq(cg_host_usable(host, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.text, "Delegate=yes"));
	ck_assert_ptr_nonnull(strstr(err.text, "--cgroup-parent"));
}
END_TEST

START_TEST(the_root_is_first_and_a_leaf_counts_as_its_group)
{
	cg_tree_make(&tree, "delegated");
	MEM_AUTO char *line = mem_printf("0::%s/" CG_SELF_LEAF "\n", scope);
	cg_tree_put(&tree, "proc/self/cgroup", line);
	host = cg_tree_host(&tree, NULL);
	ck_assert_str_eq(cg_host_v2(host)->own, scope);
	ck_assert_str_eq(cg_host_v2(host)->parent, "/");
	ck_assert_int_eq(cg_host_version(host, "cpuset"), CG_V2);
}
END_TEST

Suite *cg_host_suite(void)
{
	Suite *suite = suite_create("cg_host");
	TCase *text = tcase_create("text");
	TCase *layout = tcase_create("layouts");
	TCase *users = tcase_create("users");

	tcase_add_test(text, mount_lines_are_taken_apart);
	tcase_add_test(text, self_lines_are_taken_apart);
	tcase_add_test(text, a_mount_shows_a_hierarchy_when_all_controllers_match);
	tcase_add_loop_test(text, own_path_below_a_mount, 0, BELOW);
	suite_add_tcase(suite, text);

	tcase_add_checked_fixture(layout, NULL, teardown);
	tcase_add_loop_test(layout, each_controller_has_its_own_place, 0, LAYOUTS);
	tcase_add_test(layout, hugetlb_alone_can_be_on_v2);
	tcase_add_test(layout, a_read_only_mount_says_what_to_do);
	tcase_add_test(layout, an_unmounted_controller_is_told_from_a_missing_one);
	tcase_add_test(layout, a_kernel_without_cgroups_is_a_host_without_them);
	tcase_add_test(layout, without_proc_the_reason_is_told);
	tcase_add_loop_test(layout, a_wanted_parent_is_used_where_it_exists, 0, 3);
	tcase_add_test(layout, a_wanted_parent_must_exist_for_memory);
	suite_add_tcase(suite, layout);

	tcase_add_checked_fixture(users, NULL, teardown);
	tcase_add_test(users, an_ordinary_user_gets_the_delegated_group);
	tcase_add_test(users, a_group_full_of_others_is_passed_over_for_one_that_is_ready);
	tcase_add_test(users, nothing_writable_is_explained);
	tcase_add_test(users, the_root_is_first_and_a_leaf_counts_as_its_group);
	suite_add_if(suite, users, "users", geteuid() == 0,
		     "root is needed to open the tree as another user");
	return suite;
}
