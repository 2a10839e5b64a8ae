/*
 * cgroups/knob*.c: names, forms of values, what each version has, and what arrives in the files
 * of a v2 group. The v1 pair limit/memsw needs a kernel: tests/integration/test_cg_real.c.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/cg_tree.h"

Suite *cg_knob_suite(void);

/* ---- names --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *canonical;
	enum cg_unit unit;
} names[] = {
	{"memory.max", "memory.max", CG_BYTES},
	{"memory.limit_in_bytes", "memory.max", CG_BYTES},
	{"memory.soft_limit_in_bytes", "memory.soft_limit", CG_BYTES},
	{"memory.oom_control", "memory.oom_control", CG_SWITCH},
	{"pids.max", "pids.max", CG_COUNT},
	{"cpuset.mems", "cpuset.mems", CG_RANGE_LIST},
	{"raw:memory.numa_stat", "raw:memory.numa_stat", CG_RAW},
};

START_TEST(a_name_is_found)
{
	struct err err = ERR_INIT;
	const char *canonical = NULL;
	enum cg_unit unit = CG_RAW;

	ck_assert_msg(cg_knob_find(names[_i].name, &canonical, &unit, &err) >= 0, "%s", err.text);
	ck_assert_str_eq(canonical, names[_i].canonical);
	ck_assert_int_eq(unit, names[_i].unit);
}
END_TEST

static const struct {
	const char *name;
	int code;
	const char *says;
} wrong_names[] = {
	{"memory.maxx", ENOENT, "did you mean 'memory.max'"},
	{"memory.oom_contrl", ENOENT, "did you mean 'memory.oom_control'"},
	{"zzzzzzzzzzzzzz", ENOENT, "unknown knob 'zzzzzzzzzzzzzz';"},
	{"memory.memsw.limit_in_bytes", ENOENT, "say memory.swap.max (swap alone)"},
	{"raw:", EINVAL, "the name of a file"},
	{"raw:../x", EINVAL, "the name of a file"},
	{"raw:..", EINVAL, "the name of a file"},
};

START_TEST(a_wrong_name_is_explained)
{
	struct err err = ERR_INIT;
	const char *canonical;
	enum cg_unit unit;

	ck_assert_int_eq(cg_knob_find(wrong_names[_i].name, &canonical, &unit, &err),
			 -wrong_names[_i].code);
	ck_assert_msg(strstr(err.text, wrong_names[_i].says), "%s", err.text);
}
END_TEST

START_TEST(every_listed_name_has_a_row_and_a_file)
{
	int n = 0;

	for (const char *const *name = cg_knob_names(); *name; name++, n++) {
		const struct cg_knob *knob = cg_knob_row(*name);
		ck_assert_msg(knob && str_eq(knob->name, *name), "%s", *name);
		ck_assert_msg(knob->v1_file || knob->v2_file, "%s: no file", *name);
	}
	ck_assert_int_ge(n, 13);
}
END_TEST

/* ---- values -------------------------------------------------------------------------------- */

static const struct {
	const char *name, *value, *v1, *v2; /* NULL: refused */
} values[] = {
	{"memory.max", "80M", "83886080", "83886080"},
	{"memory.max", "max", "-1", "max"},
	{"memory.max", "0", "0", "0"},
	{"memory.max", "80MB?", NULL, NULL},
	{"memory.max", "-1", NULL, NULL},
	{"memory.max", "", NULL, NULL},
	{"memory.oom_control", "disabled", "1", "1"},
	{"memory.oom_control", "enabled", "0", "0"},
	{"memory.oom_control", "1", NULL, NULL}, /* the kernel's 1 is not our "on" */
	{"memory.oom_control", "Enabled", NULL, NULL},
	{"memory.oom.group", "1", "1", "1"},
	{"memory.oom.group", "no", "0", "0"},
	{"memory.oom.group", "2", NULL, NULL},
	{"memory.swappiness", "60", "60", "60"},
	{"memory.swappiness", "max", NULL, NULL},
	{"memory.swappiness", "6 0", NULL, NULL},
	{"pids.max", "max", "max", "max"},
	{"pids.max", "012", "12", "12"},
	{"pids.max", "1K", NULL, NULL},
	{"cpuset.cpus", "0-3,5,7-8", "0-3,5,7-8", "0-3,5,7-8"},
	{"cpuset.cpus", "0", "0", "0"},
	{"cpuset.cpus", "", NULL, NULL},
	{"cpuset.cpus", "0-", NULL, NULL},
	{"cpuset.cpus", ",0", NULL, NULL},
	{"cpuset.cpus", "0,", NULL, NULL},
	{"cpuset.cpus", "0 1", NULL, NULL},
};

static void assert_encoded(enum cg_version version, const char *name, const char *value,
			   const char *expected)
{
	struct err err = ERR_INIT;
	char got[CG_VALUE_MAX] = "";
	int rc = cg_encode(cg_knob_row(name), version, value, got, sizeof(got), &err);

	if (!expected) {
		ck_assert_msg(rc < 0, "%s '%s' became '%s'", name, value, got);
		return;
	}
	ck_assert_msg(rc >= 0, "%s", err.text);
	ck_assert_str_eq(got, expected);
}

START_TEST(values_are_encoded_for_each_version)
{
	struct err err = ERR_INIT;

	assert_encoded(CG_V1, values[_i].name, values[_i].value, values[_i].v1);
	assert_encoded(CG_V2, values[_i].name, values[_i].value, values[_i].v2);
	int rc = cg_knob_check(values[_i].name, values[_i].value, &err);
	ck_assert_msg((rc >= 0) == (values[_i].v2 != NULL), "%s", err.text);
	if (rc < 0)
		ck_assert_msg(str_starts(err.text, values[_i].name), "%s", err.text);
}
END_TEST

static const struct {
	const char *name, *text, *expected; /* NULL: refused */
} texts[] = {
	{"memory.max", "max", "max"},
	{"memory.max", "9223372036854771712", "max"}, /* 4 KiB pages */
	{"memory.max", "9223372036854710272", "max"}, /* 64 KiB pages */
	{"memory.max", "9223372036854775807", "max"}, /* before 4.x */
	{"memory.max", "8388608", "8M"},
	{"memory.max", "garbage", NULL},
	{"memory.oom_control", "oom_kill_disable 1", "disabled"},
	{"memory.oom_control", "oom_kill_disable 0", "enabled"},
	{"memory.oom_control", "", NULL},
	{"memory.oom.group", "1", "1"},
	{"pids.max", "max", "max"},
	{"cpuset.cpus", "", ""},
};

START_TEST(the_kernels_text_is_decoded)
{
	struct err err = ERR_INIT;
	char got[CG_VALUE_MAX] = "";
	int rc = cg_decode(cg_knob_row(texts[_i].name), texts[_i].text, got, sizeof(got), &err);

	ck_assert_msg((rc >= 0) == (texts[_i].expected != NULL), "'%s': %s", got, err.text);
	if (rc >= 0)
		ck_assert_str_eq(got, texts[_i].expected);
}
END_TEST

/* ---- what a host has ----------------------------------------------------------------------- */

static struct cg_tree tree;
static struct cg_host *host;
static struct cg *group;

static void load(const char *fixture)
{
	cg_tree_make(&tree, fixture);
	host = cg_tree_host(&tree, NULL);
}

static void teardown(void)
{
	cg_close(group);
	cg_host_free(host);
	group = NULL;
	host = NULL;
	cg_tree_remove_all(&tree);
}

static const struct {
	const char *fixture, *name, *says; /* NULL: supported */
} support[] = {
	{"hybrid", "memory.max", NULL},
	{"hybrid", "memory.swap.max", NULL},
	{"hybrid", "memory.oom_control", NULL},
	{"hybrid", "pids.max", NULL},
	{"hybrid", "cpuset.cpus", NULL},
	{"hybrid", "raw:hugetlb.2MB.max", NULL},
	{"hybrid", "memory.high", "exists on cgroup v2 alone, and the controller is on v1 here"},
	{"hybrid", "memory.min", "cgroup v2 alone"},
	{"hybrid", "memory.oom.group", "cgroup v2 alone"},
	{"hybrid", "raw:rdma.max", "controller 'rdma': this kernel offers no such"},
	{"v1", "memory.max", NULL},
	{"v1", "memory.swap.max", "swapaccount=1"},
	{"v1", "raw:memory.nonsense", "no such file"},
	{"v2", "memory.max", NULL},
	{"v2", "memory.swap.max", NULL},
	{"v2", "memory.oom.group", "have no file 'memory.oom.group' (since 4.19)"},
	{"v2", "memory.oom_control", "exists on cgroup v1 alone, and the controller is on v2"},
	{"v2", "memory.swappiness", "vm.swappiness"},
	{"v2", "memory.soft_limit", "memory.low"},
	{"container-v2", "cpuset.cpus", "this kernel offers no such controller"},
	{"bare", "memory.max", "not mounted here"},
};

START_TEST(support_is_decided_and_explained)
{
	struct err err = ERR_INIT;

	load(support[_i].fixture);
	int rc = cg_knob_supported(host, support[_i].name, &err);
	if (!support[_i].says) {
		ck_assert_msg(rc >= 0, "%s", err.text);
		return;
	}
	ck_assert_int_eq(rc, -EOPNOTSUPP);
	ck_assert_msg(strstr(err.text, support[_i].says), "%s", err.text);
}
END_TEST

/* ---- a v2 group of plain files ------------------------------------------------------------- */

static const struct {
	const char *name, *value, *file, *text;
} sets[] = {
	{"memory.max", "8M", "memory.max", "8388608"},
	{"memory.limit_in_bytes", "max", "memory.max", "max"},
	{"memory.swap.max", "0", "memory.swap.max", "0"}, /* v2: swap alone, no sum */
	{"memory.oom.group", "yes", "memory.oom.group", "1"},
	{"pids.max", "7", "pids.max", "7"},
	{"cpuset.cpus", "0-1", "cpuset.cpus", "0-1"},
	{"raw:memory.max", "4096", "memory.max", "4096"},
};

START_TEST(v2_files_get_v2_values)
{
	struct err err = ERR_INIT;
	char got[CG_VALUE_MAX];
	MEM_AUTO char *path = mem_printf("sys/fs/cgroup/g/%s", sets[_i].file);

	load("v2-group");
	group = cg_tree_group(host, "g");
	ck_assert_msg(cg_set(group, sets[_i].name, sets[_i].value, &err) >= 0, "%s", err.text);
	ck_assert_str_eq(cg_tree_text(&tree, path), sets[_i].text);
	ck_assert_msg(cg_get(group, sets[_i].name, got, sizeof(got), &err) >= 0, "%s", err.text);
}
END_TEST

START_TEST(errors_name_the_group_and_the_knob)
{
	struct err err = ERR_INIT;

	load("v2-group");
	group = cg_tree_group(host, "g");
	ck_assert_int_eq(cg_set(group, "memory.max", "80MB?", &err), -EINVAL);
	ck_assert_msg(str_starts(err.text, "group 'g': memory.max: '80MB?' is not a size"), "%s",
		      err.text);
	ck_assert_int_eq(cg_set(group, "memory.min", "1M", &err), -EOPNOTSUPP);
	ck_assert_str_eq(err.text, "group 'g': memory.min: groups of this kernel have no file "
				   "'memory.min' (since 4.18)");
	ck_assert_int_eq(cg_set(group, "raw:memory.nonsense", "1", &err), -EOPNOTSUPP);
	ck_assert_int_eq(cg_set(group, "memory.oom_control", "enabled", &err), -EOPNOTSUPP);
	ck_assert_int_eq(cg_set(group, "memory.bogus", "1", &err), -ENOENT);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *cg_knob_suite(void)
{
	Suite *suite = suite_create("cg_knob");
	TCase *pure = tcase_create("pure");
	TCase *trees = tcase_create("trees");

	tcase_add_loop_test(pure, a_name_is_found, 0, COUNT(names));
	tcase_add_loop_test(pure, a_wrong_name_is_explained, 0, COUNT(wrong_names));
	tcase_add_test(pure, every_listed_name_has_a_row_and_a_file);
	tcase_add_loop_test(pure, values_are_encoded_for_each_version, 0, COUNT(values));
	tcase_add_loop_test(pure, the_kernels_text_is_decoded, 0, COUNT(texts));
	suite_add_tcase(suite, pure);

	tcase_add_checked_fixture(trees, NULL, teardown);
	tcase_add_loop_test(trees, support_is_decided_and_explained, 0, COUNT(support));
	tcase_add_loop_test(trees, v2_files_get_v2_values, 0, COUNT(sets));
	tcase_add_test(trees, errors_name_the_group_and_the_knob);
	suite_add_tcase(suite, trees);
	return suite;
}
