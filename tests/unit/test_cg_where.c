/*
 * cgroups/where.c: groups that others made, in fake trees of each kind of host.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "tests/lib/cg_tree.h"

Suite *cg_where_suite(void);

static struct cg_tree tree;
static struct cg_host *host;
static struct err err;
static char dir[4096];

static void load(const char *fixture)
{
	cg_tree_make(&tree, fixture);
	host = cg_tree_host(&tree, NULL);
}

static void teardown(void)
{
	cg_host_free(host);
	host = NULL;
	cg_tree_remove_all(&tree);
}

static const struct {
	const char *fixture, *lines, *memory, *v2; /* NULL: -ENOENT */
} places[] = {
	{"hybrid", "8:pids:/p\n4:memory:/jobs/one\n0::/twin\n", "/sys/fs/cgroup/memory/jobs/one",
	 "/sys/fs/cgroup/unified/twin"},
	{"hybrid", "4:memory:/\n0::/\n", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"},
	{"hybrid", "4:cpu,memory:/a:b\n0::/x\n", "/sys/fs/cgroup/memory/a:b",
	 "/sys/fs/cgroup/unified/x"},
	{"hybrid", "4:xmemory:/a\n1:name=memory:/c\n0::/x\n", NULL, "/sys/fs/cgroup/unified/x"},
	{"hybrid", "4:memory:/../out\n0::/..\n", NULL, NULL},
	{"hybrid", "", NULL, NULL},
	{"v2", "0::/system.slice\n", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/system.slice"},
	{"container-v1", "4:memory:/docker/c0ffee/in\n", "/sys/fs/cgroup/memory/in", NULL},
	{"container-v1", "4:memory:/docker/c0ffee\n", "/sys/fs/cgroup/memory", NULL},
	{"container-v1", "4:memory:/docker/c0ffee2\n", NULL, NULL},
};

START_TEST(the_group_of_a_process)
{
	load(places[_i].fixture);
	cg_tree_put(&tree, "proc/77/cgroup", places[_i].lines);
	int rc = cg_memory_dir_of(host, 77, dir, sizeof(dir), &err);
	ck_assert_int_eq(rc, places[_i].memory ? 0 : -ENOENT);
	if (places[_i].memory)
		ck_assert_str_eq(dir, places[_i].memory);
	rc = cg_v2_dir_of(host, 77, dir, sizeof(dir), &err);
	ck_assert_int_eq(rc >= 0, places[_i].v2 != NULL);
	if (places[_i].v2)
		ck_assert_str_eq(dir, places[_i].v2);
	ck_assert_int_eq(cg_memory_dir_of(host, 78, dir, sizeof(dir), &err), -ENOENT);
}
END_TEST

static const char *const meanings[] = {
	"/g",
	"g",
	"g/",
	"/sys/fs/cgroup/memory/g",
	"/sys/fs/cgroup/memory/g//",
	"/sys/fs/cgroup/unified/g",
	"/sys/fs/cgroup/pids/g",
};

START_TEST(a_path_means_a_memory_group)
{
	load("hybrid");
	ck_assert_msg(cg_memory_dir_find(host, meanings[_i], dir, sizeof(dir), &err) >= 0, "%s",
		      err.text);
	ck_assert_str_eq(dir, "/sys/fs/cgroup/memory/g");
	ck_assert_str_eq(cg_memory_path(host, dir), "/g");
}
END_TEST

START_TEST(a_root_is_a_group_and_a_file_is_none)
{
	load("hybrid");
	ck_assert_int_eq(cg_memory_dir_find(host, "/", dir, sizeof(dir), &err), 0);
	ck_assert_str_eq(dir, "/sys/fs/cgroup/memory");
	ck_assert_str_eq(cg_memory_path(host, dir), "/");
	ck_assert_int_eq(cg_memory_dir_find(host, "/nope", dir, sizeof(dir), &err), -ENOENT);
	ck_assert(strstr(err.text, "no memory cgroup '/sys/fs/cgroup/memory/nope'"));
	ck_assert_int_eq(
		cg_memory_dir_find(host, "/g/memory.usage_in_bytes", dir, sizeof(dir), &err),
		-ENOTDIR);
}
END_TEST

START_TEST(limits_of_v1)
{
	struct cg_limits limits;

	load("hybrid");
	cg_tree_put(&tree, "sys/fs/cgroup/memory/g/memory.limit_in_bytes", "8388608\n");
	cg_tree_put(&tree, "sys/fs/cgroup/memory/g/memory.memsw.limit_in_bytes", "9437184\n");
	cg_tree_put(&tree, "sys/fs/cgroup/memory/g/memory.swappiness", "0\n");
	ck_assert_int_eq(cg_limits_of(host, "/sys/fs/cgroup/memory/g", &limits, &err), 0);
	ck_assert_uint_eq(limits.max_bytes, 8388608);
	ck_assert_uint_eq(limits.memsw_bytes, 9437184);
	ck_assert_uint_eq(limits.swap_max_bytes, UINT64_MAX);
	ck_assert_uint_eq(limits.usage_bytes, 40960);
	ck_assert(!limits.swaps);
	ck_assert_int_eq(cg_limits_of(host, "/sys/fs/cgroup/memory", &limits, &err), 0);
	ck_assert_uint_eq(limits.max_bytes, UINT64_MAX);
	ck_assert_uint_eq(limits.memsw_bytes, UINT64_MAX);
	ck_assert_int_eq(cg_limits_of(host, "/sys/fs/cgroup/memory/x", &limits, &err), -ENOENT);
}
END_TEST

START_TEST(limits_of_v2)
{
	struct cg_limits limits;

	load("v2");
	cg_tree_put(&tree, "proc/sys/vm/swappiness", "60\n");
	cg_tree_put(&tree, "sys/fs/cgroup/system.slice/memory.max", "1048576\n");
	cg_tree_put(&tree, "sys/fs/cgroup/system.slice/memory.swap.max", "0\n");
	ck_assert_int_eq(cg_limits_of(host, "/sys/fs/cgroup/system.slice", &limits, &err), 0);
	ck_assert_uint_eq(limits.max_bytes, 1048576);
	ck_assert_uint_eq(limits.memsw_bytes, UINT64_MAX);
	ck_assert_uint_eq(limits.swap_max_bytes, 0);
	ck_assert_uint_eq(limits.usage_bytes, 1);
	ck_assert(limits.swaps);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *cg_where_suite(void)
{
	Suite *suite = suite_create("cg_where");
	TCase *tc = tcase_create("where");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, the_group_of_a_process, 0, COUNT(places));
	tcase_add_loop_test(tc, a_path_means_a_memory_group, 0, COUNT(meanings));
	tcase_add_test(tc, a_root_is_a_group_and_a_file_is_none);
	tcase_add_test(tc, limits_of_v1);
	tcase_add_test(tc, limits_of_v2);
	suite_add_tcase(suite, tc);
	return suite;
}
