/*
 * cgroups/stat.c: counter names, and reading them from v1 and v2 groups of plain files. What the
 * figures mean is the kernel's affair: tests/integration/test_cg_real.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/cg_tree.h"

Suite *cg_stat_suite(void);

static struct cg_tree tree;
static struct cg_host *host;
static struct cg *group;

static void load(const char *fixture, const char *name)
{
	cg_tree_make(&tree, fixture);
	host = cg_tree_host(&tree, NULL);
	group = name ? cg_tree_group(host, name) : NULL;
}

static void teardown(void)
{
	cg_close(group);
	cg_host_free(host);
	group = NULL;
	host = NULL;
	cg_tree_remove_all(&tree);
}

START_TEST(fields_are_whole_words_at_line_starts)
{
	static const char text[] =
		"oom_kill_disable 1\nxoom_kill 2\noom_kill 3\nmax22 7\nmax 18446744073709551615";
	uint64_t value = 0;

	ck_assert(cg_text_field(text, "oom_kill", &value));
	ck_assert_uint_eq(value, 3);
	ck_assert(cg_text_field(text, "oom_kill_disable", &value));
	ck_assert_uint_eq(value, 1);
	ck_assert(cg_text_field(text, "max", &value));
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert(!cg_text_field(text, "oom", &value));
	ck_assert(!cg_text_field(text, "kill", &value));
	ck_assert(!cg_text_field("", "oom", &value));
}
END_TEST

static const struct {
	const char *fixture, *group, *name;
	uint64_t expected;
} counts[] = {
	{"hybrid", "g", "usage", 40960},
	{"hybrid", "g", "peak", 81920},
	{"hybrid", "g", "failcnt", 3},
	{"hybrid", "g", "swap_usage", 8192}, /* memsw minus memory */
	{"hybrid", "g", "kmem", 4096},
	{"hybrid", "g", "under_oom", 1},
	{"hybrid", "g", "oom_kill", 5},
	{"hybrid", "g", "oom_kill_local", 5},
	{"hybrid", "g", "oom_kill_disable", 1},
	{"hybrid", "g", "oom_control.under_oom", 1},
	{"hybrid", "g", "stat.rss", 36864},
	{"hybrid", "g", "pressure_some_us", 1234}, /* from the v2 directory */
	{"hybrid", "g", "pressure_full_us", 567},
	{"v2-group", "g", "usage", 40960},
	{"v2-group", "g", "peak", 81920},
	{"v2-group", "g", "peak_since_reset", 81920}, /* nothing was reset: all of it */
	{"v2-group", "g", "swap_usage", 8192},
	{"v2-group", "g", "swap_events.max", 9},
	{"v2-group", "g", "frozen", 1},
	{"v2-group", "g", "kmem", 4096},
	{"v2-group", "g", "low", 1},
	{"v2-group", "g", "high", 2},
	{"v2-group", "g", "max", 3},
	{"v2-group", "g", "oom", 4},
	{"v2-group", "g", "oom_kill", 5},
	{"v2-group", "g", "oom_kill_local", 2},
	{"v2-group", "g", "oom_group_kill", 6},
	{"v2-group", "g", "events.sock_throttled", 7}, /* a field this program does not know */
	{"v2-group", "g", "events_local.oom", 1},
	{"v2-group", "g", "stat.pgfault", 11},
	{"v2-group", "g", "pressure_some_us", 77},
	{"v2-group", "g", "pressure_full_us", 66},
	{"v2-group", "g", "pids", 3},
};

START_TEST(a_counter_is_read)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	load(counts[_i].fixture, counts[_i].group);
	ck_assert_msg(cg_counter(group, counts[_i].name, &value, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(value, counts[_i].expected);
}
END_TEST

static const struct {
	const char *fixture, *group, *name;
	int code;
	const char *says;
} refusals[] = {
	{"hybrid", "g", "max", EOPNOTSUPP, "exists on cgroup v2 alone"},
	{"hybrid", "g", "events.oom", EOPNOTSUPP, "exists on cgroup v2 alone"},
	{"hybrid", "g", "frozen", EOPNOTSUPP, "exists on cgroup v2 alone"},
	{"hybrid", "g", "swap_events.max", EOPNOTSUPP, "exists on cgroup v2 alone"},
	{"hybrid", "g", "stat.nonsense", EOPNOTSUPP, "no such field"},
	{"hybrid", "g", "pids", EOPNOTSUPP, "until pids.max is set"},
	{"hybrid", "old", "oom_kill", EOPNOTSUPP, "no such field"}, /* before 4.13 */
	{"hybrid", "old", "failcnt", EOPNOTSUPP, "no file 'memory.failcnt'"},
	{"hybrid", "old", "pressure_some_us", EOPNOTSUPP, "psi=1"},
	{"hybrid", "g", "usages", ENOENT, "did you mean 'usage'"},
	{"hybrid", "g", "stat.", ENOENT, "unknown counter"},
	{"hybrid", "g", "stat.a b", ENOENT, "cannot be the name"},
	{"v2-group", "g", "under_oom", EOPNOTSUPP, "exists on cgroup v1 alone"},
	{"v2-group", "g", "failcnt", EOPNOTSUPP, "exists on cgroup v1 alone"},
	{"v2-group", "g", "events_local.oom_group_kill", EOPNOTSUPP, "no such field"},
};

START_TEST(a_counter_that_is_not_there_is_explained)
{
	struct err err = ERR_INIT;
	uint64_t value = 4711;

	load(refusals[_i].fixture, refusals[_i].group);
	int rc = cg_counter_check(refusals[_i].name, &err);
	if (rc >= 0)
		rc = cg_counter(group, refusals[_i].name, &value, &err);
	ck_assert_int_eq(rc, -refusals[_i].code);
	ck_assert_msg(strstr(err.text, refusals[_i].says), "%s", err.text);
	ck_assert_uint_eq(value, 4711);
}
END_TEST

static const struct {
	const char *fixture, *name;
	int code;
} support[] = {
	{"hybrid", "usage", 0},
	{"hybrid", "oom_kill", 0},
	{"hybrid", "stat.pgfault", 0},
	{"hybrid", "stat.nonsense", EOPNOTSUPP},
	{"hybrid", "pressure_some_us", 0},
	{"hybrid", "pids", 0},
	{"hybrid", "max", EOPNOTSUPP},
	{"v1", "pressure_some_us", EOPNOTSUPP}, /* no v2 hierarchy */
	{"v1", "swap_usage", EOPNOTSUPP},	/* swap is not accounted */
	{"v2", "oom_kill", 0},
	{"v2", "peak", EOPNOTSUPP}, /* system.slice of the fixture has none: before 5.19 */
	{"v2", "oom_group_kill", EOPNOTSUPP}, /* before 5.17 */
	{"v2", "events.sock_throttled", EOPNOTSUPP},
	{"v2", "stat.kernel", 0},
	{"v2", "stat.nonsense", EOPNOTSUPP},
	{"v2", "under_oom", EOPNOTSUPP},
	{"bare", "usage", EOPNOTSUPP},
	{"hybrid", "nonsense", ENOENT},
};

START_TEST(support_is_decided_beforehand)
{
	struct err err = ERR_INIT;

	load(support[_i].fixture, NULL);
	int rc = cg_counter_supported(host, support[_i].name, &err);
	ck_assert_msg(rc == -support[_i].code, "%s: %d: %s", support[_i].name, rc, err.text);
}
END_TEST

START_TEST(vitals_come_from_the_group_alone)
{
	struct err err = ERR_INIT;
	struct cg_vitals vitals;

	load("v2-group", "g");
	ck_assert_msg(cg_vitals(group, &vitals, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(vitals.usage_bytes, 40960);
	ck_assert_uint_eq(vitals.oom_kill, 2); /* memory.events.local, not memory.events */
	ck_assert_uint_eq(vitals.under_oom, UINT64_MAX);
}
END_TEST

START_TEST(vitals_of_an_old_kernel_lack_oom_kill)
{
	struct err err = ERR_INIT;
	struct cg_vitals vitals;

	load("hybrid", "old");
	ck_assert_msg(cg_vitals(group, &vitals, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(vitals.usage_bytes, 4096);
	ck_assert_uint_eq(vitals.under_oom, 0);
	ck_assert_uint_eq(vitals.oom_kill, UINT64_MAX);
}
END_TEST

START_TEST(counters_are_read_anew_each_time)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	load("v2-group", "g");
	ck_assert_int_ge(cg_counter(group, "usage", &value, &err), 0);
	cg_tree_put(&tree, "sys/fs/cgroup/g/memory.current", "12288\n");
	ck_assert_int_ge(cg_counter(group, "usage", &value, &err), 0);
	ck_assert_uint_eq(value, 12288);
}
END_TEST

START_TEST(the_dump_keeps_every_line_with_its_origin)
{
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	load("v2-group", "g");
	ck_assert_msg(cg_dump(group, &out, &err) >= 0, "%s", err.text);
	ck_assert_str_eq(out.s,
			 "stat.anon 36864\nstat.file 0\nstat.kernel 4096\nstat.pgfault 11\n"
			 "events.low 1\nevents.high 2\nevents.max 3\nevents.oom 4\n"
			 "events.oom_kill 5\nevents.oom_group_kill 6\nevents.sock_throttled 7\n"
			 "events_local.low 0\nevents_local.high 0\nevents_local.max 0\n"
			 "events_local.oom 1\nevents_local.oom_kill 2\n");
}
END_TEST

START_TEST(processes_are_listed_over_chunk_borders)
{
	enum { N = 3000 };
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;
	static pid_t pids[N];

	load("v2-group", "g");
	for (int i = 0; i < N; i++)
		str_addf(&text, "%d\n", 100000 + i * 7);
	cg_tree_put(&tree, "sys/fs/cgroup/g/cgroup.procs", text.s);
	ck_assert_int_eq(cg_procs(group, pids, N, &err), N);
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(pids[i], 100000 + i * 7);
	ck_assert_int_eq(cg_procs(group, pids, 2, &err), N);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *cg_stat_suite(void)
{
	Suite *suite = suite_create("cg_stat");
	TCase *pure = tcase_create("pure");
	TCase *trees = tcase_create("trees");

	tcase_add_test(pure, fields_are_whole_words_at_line_starts);
	suite_add_tcase(suite, pure);
	tcase_add_checked_fixture(trees, NULL, teardown);
	tcase_add_loop_test(trees, a_counter_is_read, 0, COUNT(counts));
	tcase_add_loop_test(trees, a_counter_that_is_not_there_is_explained, 0, COUNT(refusals));
	tcase_add_loop_test(trees, support_is_decided_beforehand, 0, COUNT(support));
	tcase_add_test(trees, vitals_come_from_the_group_alone);
	tcase_add_test(trees, vitals_of_an_old_kernel_lack_oom_kill);
	tcase_add_test(trees, counters_are_read_anew_each_time);
	tcase_add_test(trees, the_dump_keeps_every_line_with_its_origin);
	tcase_add_test(trees, processes_are_listed_over_chunk_borders);
	suite_add_tcase(suite, trees);
	return suite;
}
