/*
 * cgroups/ on the kernel at hand: every knob, every counter, and OOM kills in groups of 8 MiB.
 * Needs root (or a writable parent group); what this host lacks is printed as a skip.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/integration/cg_rig.h"
#include "tests/lib/skip.h"

Suite *cg_real_suite(void);

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

/* ---- knobs --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *value, *expected;
} values[] = {
	{"memory.max", "8M", "8M"},
	{"memory.max", "4097", "4K"}, /* whole pages */
	{"memory.max", "max", "max"},
	{"memory.high", "8M", "8M"},
	{"memory.low", "1M", "1M"},
	{"memory.min", "1M", "1M"},
	{"memory.swap.high", "1M", "1M"},
	{"memory.zswap.max", "1M", "1M"},
	{"memory.oom.group", "1", "1"},
	{"memory.oom_control", "disabled", "disabled"},
	{"memory.oom_control", "enabled", "enabled"},
	{"memory.swappiness", "10", "10"},
	{"memory.soft_limit", "4M", "4M"},
	{"pids.max", "17", "17"},
	{"pids.max", "max", "max"},
	{"cpuset.cpus", "0", "0"},
	{"cpuset.mems", "0", "0"},
	{"raw:cgroup.procs", NULL, ""},
	{"raw:memory.nonsense", NULL, NULL},
};

START_TEST(knobs_read_back_what_was_set)
{
	struct err err = ERR_INIT;
	char got[CG_VALUE_MAX];
	const char *name = values[_i].name, *value = values[_i].value;

	if (cg_knob_supported(host, name, &err) < 0 || !values[_i].expected) {
		ck_assert_int_eq(cg_get(group, name, got, sizeof(got), &err), -EOPNOTSUPP);
		if (value)
			ck_assert_int_eq(cg_set(group, name, value, &err), -EOPNOTSUPP);
		return;
	}
	if (value)
		rig_set(group, name, value);
	rig_get(group, name, got);
	ck_assert_str_eq(got, values[_i].expected);
}
END_TEST

static void assert_pair(const char *memory, const char *swap)
{
	char got[CG_VALUE_MAX];

	rig_get(group, "memory.max", got);
	ck_assert_str_eq(got, memory);
	rig_get(group, "memory.swap.max", got);
	ck_assert_str_eq(got, swap);
}

START_TEST(the_swap_limit_stays_while_the_memory_limit_moves)
{
	rig_set(group, "memory.swap.max", "0");
	rig_set(group, "memory.max", "80M");
	assert_pair("80M", "0");
	rig_set(group, "memory.swap.max", "16M");
	assert_pair("80M", "16M");
	rig_set(group, "memory.max", "160M");
	assert_pair("160M", "16M");
	rig_set(group, "memory.max", "40M");
	assert_pair("40M", "16M");
	rig_set(group, "memory.max", "max");
	rig_set(group, "memory.max", "20M");
	assert_pair("20M", "16M");
	rig_set(group, "memory.swap.max", "max");
	rig_set(group, "memory.max", "40M");
	assert_pair("40M", "max");
}
END_TEST

START_TEST(v1_memsw_is_the_sum)
{
	char got[CG_VALUE_MAX];

	rig_set(group, "memory.max", "80M");
	rig_set(group, "memory.swap.max", "16M");
	rig_get(group, "raw:memory.memsw.limit_in_bytes", got);
	ck_assert_str_eq(got, "100663296");
}
END_TEST

START_TEST(v1_refuses_a_limit_below_usage)
{
	struct err err = ERR_INIT;
	pid_t pid = rig_spawn(group, 4 * MIB);

	ck_assert_int_eq(cg_set(group, "memory.max", "1M", &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "memory.max: cannot write"));
	ck_assert_ptr_nonnull(strstr(err.text, "usage is"));
	rig_kill(group);
	rig_assert_killed(pid);
}
END_TEST

static void fork_once(size_t unused)
{
	(void)unused;
	pid_t child = fork();
	_exit(child < 0 && errno == EAGAIN ? 42 : 2);
}

/* On v2 an inner group takes no processes, so both go into the group below there. */
START_TEST(a_pids_limit_binds_who_was_inside_before)
{
	bool v1 = cg_host_version(host, "pids") == CG_V1;
	struct cg *inner = rig_group(host, group, "inner"), *outer = v1 ? group : inner;
	pid_t outer_pid = rig_spawn(outer, 0), inner_pid = rig_spawn(inner, 0);

	rig_set(group, "pids.max", "2");
	ck_assert_uint_eq(rig_count(group, "pids"), 2);
	ck_assert_uint_eq(rig_count(inner, "pids"), v1 ? 1 : 2);
	/* One more process may be moved in, but not born inside. */
	int status = rig_reap(rig_fork_into_group(outer, fork_once, 0));
	ck_assert_int_eq(WEXITSTATUS(status), 42);
	rig_destroy(inner);
	rig_assert_killed(inner_pid);
	rig_kill(group);
	rig_assert_killed(outer_pid);
}
END_TEST

START_TEST(a_cpuset_takes_processes_at_once)
{
	rig_set(group, "cpuset.cpus", "0");
	pid_t pid = rig_spawn(group, 0);
	cpu_set_t cpus;

	ck_assert_int_eq(sched_getaffinity(pid, sizeof(cpus), &cpus), 0);
	ck_assert_int_eq(CPU_COUNT(&cpus), 1);
	rig_kill(group);
	rig_assert_killed(pid);
}
END_TEST

/* ---- counters ------------------------------------------------------------------------------ */

START_TEST(counters_agree_with_what_was_done)
{
	struct err err = ERR_INIT;
	struct cg_vitals vitals;
	pid_t pid = rig_spawn(group, 4 * MIB);

	ck_assert_uint_ge(rig_count(group, "usage"), 4 * MIB);
	ck_assert_uint_lt(rig_count(group, "usage"), 8 * MIB);
	ck_assert_uint_eq(rig_count(group, "oom_kill"), 0);
	ck_assert_msg(cg_vitals(group, &vitals, &err) >= 0, "%s", err.text);
	ck_assert_uint_ge(vitals.usage_bytes, 4 * MIB);
	ck_assert_uint_eq(vitals.oom_kill, 0);
	rig_kill(group);
	rig_assert_killed(pid);
	if (cg_counter_supported(host, "peak", &err) >= 0) /* v2: since 5.19 */
		ck_assert_uint_ge(rig_count(group, "peak"), 4 * MIB);
}
END_TEST

static const char *const counter_names[] = {
	"usage",
	"peak",
	"failcnt",
	"swap_usage",
	"kmem",
	"under_oom",
	"oom_kill",
	"oom_kill_disable",
	"oom_kill_local",
	"oom",
	"max",
	"high",
	"low",
	"oom_group_kill",
	"events.max",
	"stat.pgfault",
	"stat.nonsense",
	"pressure_some_us",
	"pressure_full_us",
	"events_local.oom",
};

/* What cg_counter_supported() says beforehand is what reading then does. */
START_TEST(supported_counters_are_readable_and_others_are_not)
{
	struct err err = ERR_INIT;
	uint64_t value;
	int said = cg_counter_supported(host, counter_names[_i], &err);
	int did = cg_counter(group, counter_names[_i], &value, &err);

	ck_assert_msg(said == did, "%s: said %d, did %d: %s", counter_names[_i], said, did,
		      err.text);
	ck_assert_msg(did == 0 || did == -EOPNOTSUPP, "%s: %s", counter_names[_i], err.text);
}
END_TEST

START_TEST(the_dump_has_prefixed_lines)
{
	struct err err = ERR_INIT;
	STR_AUTO out = STR_INIT;

	ck_assert_msg(cg_dump(group, &out, &err) >= 0, "%s", err.text);
	ck_assert(str_starts(str_text(&out), "stat."));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "\nstat.pgfault "));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "oom_kill 0\n"));
	ck_assert(str_ends(str_text(&out), "\n"));
}
END_TEST

START_TEST(a_removed_group_says_so)
{
	struct err err = ERR_INIT;
	struct cg *cg = rig_group(host, NULL, "gone");
	uint64_t value;

	ck_assert_int_eq(rmdir(cg_dir(cg)), 0);
	ck_assert_int_eq(cg_counter(cg, "usage", &value, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.text, "was removed"));
	rig_destroy(cg);
}
END_TEST

START_TEST(a_drained_group_holds_nothing_of_its_dead)
{
	struct err err = ERR_INIT;
	pid_t pid = rig_spawn(group, 1 * MIB);

	rig_kill(group);
	rig_assert_killed(pid);
	ck_assert_msg(cg_drain(group, &err) >= 0, "%s", err.text);
	ck_assert_uint_lt(rig_count(group, "usage"), 1 * MIB);
}
END_TEST

/* ---- OOM ----------------------------------------------------------------------------------- */

START_TEST(an_oom_kill_is_notified_and_counted)
{
	struct err err = ERR_INIT;
	uint32_t events;
	uint64_t times = 0;

	rig_set(group, "memory.max", "8M");
	int fd = cg_notify_fd(group, &events, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_msg(cg_notify_ack(group, &times, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(times, 0);
	pid_t pid = rig_spawn(group, 16 * MIB);
	rig_wait_event(fd, events);
	rig_assert_killed(pid);
	ck_assert_msg(cg_notify_ack(group, &times, &err) >= 0, "%s", err.text);
	ck_assert_uint_ge(times, 1);
	ck_assert_uint_eq(rig_count(group, "oom_kill"), 1);
	ck_assert_msg(cg_notify_ack(group, &times, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(times, 0);
}
END_TEST

START_TEST(v1_a_task_pauses_while_the_killer_is_off)
{
	struct err err = ERR_INIT;
	uint32_t events;

	rig_set(group, "memory.max", "8M");
	rig_set(group, "memory.oom_control", "disabled");
	int fd = cg_notify_fd(group, &events, &err);
	pid_t pid = rig_fork_into_group(group, rig_touch, 16 * MIB);
	rig_wait_event(fd, events);
	ck_assert_uint_eq(rig_count(group, "under_oom"), 1);
	ck_assert_uint_eq(rig_count(group, "oom_kill_disable"), 1);
	ck_assert_uint_eq(rig_count(group, "oom_kill"), 0);
	ck_assert_uint_le(rig_count(group, "usage"), 8 * MIB);
	rig_set(group, "memory.oom_control", "enabled");
	rig_assert_killed(pid);
	ck_assert_uint_eq(rig_count(group, "oom_kill"), 1);
	ck_assert_uint_eq(rig_count(group, "under_oom"), 0);
}
END_TEST

START_TEST(v1_a_paused_task_does_not_hold_up_destroy)
{
	struct err err = ERR_INIT;
	uint32_t events;
	struct cg *cg = rig_group(host, NULL, "paused");

	rig_set(cg, "memory.max", "8M");
	rig_set(cg, "memory.oom_control", "disabled");
	int fd = cg_notify_fd(cg, &events, &err);
	pid_t pid = rig_fork_into_group(cg, rig_touch, 16 * MIB);
	rig_wait_event(fd, events);
	rig_destroy(cg);
	rig_assert_killed(pid);
}
END_TEST

/* ---- suite --------------------------------------------------------------------------------- */

enum { VALUES = sizeof(values) / sizeof(values[0]) };
enum { COUNTERS = sizeof(counter_names) / sizeof(counter_names[0]) };

static TCase *general(void)
{
	TCase *tcase = rigged("memory");

	tcase_add_loop_test(tcase, knobs_read_back_what_was_set, 0, VALUES);
	tcase_add_test(tcase, counters_agree_with_what_was_done);
	tcase_add_loop_test(tcase, supported_counters_are_readable_and_others_are_not, 0, COUNTERS);
	tcase_add_test(tcase, the_dump_has_prefixed_lines);
	tcase_add_test(tcase, a_removed_group_says_so);
	tcase_add_test(tcase, a_drained_group_holds_nothing_of_its_dead);
	tcase_add_test(tcase, an_oom_kill_is_notified_and_counted);
	return tcase;
}

static TCase *on_v1(void)
{
	TCase *tcase = rigged("v1");

	tcase_add_test(tcase, v1_refuses_a_limit_below_usage);
	tcase_add_test(tcase, v1_a_task_pauses_while_the_killer_is_off);
	tcase_add_test(tcase, v1_a_paused_task_does_not_hold_up_destroy);
	return tcase;
}

static TCase *one(const char *name, const TTest *test)
{
	TCase *tcase = rigged(name);

	tcase_add_test(tcase, test);
	return tcase;
}

/* Adds a case for a knob that the host may lack. */
static void add_for_knob(Suite *suite, TCase *tcase, const struct cg_host *at, const char *knob)
{
	struct err err = ERR_INIT;
	MEM_AUTO char *name = mem_printf("cg_real: %s", knob);

	bool can = cg_host_usable(at, &err) >= 0 && cg_knob_supported(at, knob, &err) >= 0;
	suite_add_if(suite, tcase, name, can, err.text);
}

Suite *cg_real_suite(void)
{
	Suite *suite = suite_create("cg_real");
	struct err err = ERR_INIT;
	struct cg_host *at = NULL;
	FD_AUTO root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	rig_begin();
	if (cg_host_open(root, NULL, &at, &err) < 0) {
		suite_add_if(suite, general(), "cg_real", false, err.text);
		return suite;
	}
	bool usable = cg_host_usable(at, &err) >= 0, v1 = cg_host_version(at, "memory") == CG_V1;
	suite_add_if(suite, general(), "cg_real: memory", usable, err.text);
	suite_add_if(suite, on_v1(), "cg_real: v1", usable && v1,
		     usable ? "memory is not on cgroup v1 here" : err.text);
	TCase *pair = one("swap limit", the_swap_limit_stays_while_the_memory_limit_moves);
	if (v1)
		tcase_add_test(pair, v1_memsw_is_the_sum);
	add_for_knob(suite, pair, at, "memory.swap.max");
	add_for_knob(suite, one("pids", a_pids_limit_binds_who_was_inside_before), at, "pids.max");
	add_for_knob(suite, one("cpuset", a_cpuset_takes_processes_at_once), at, "cpuset.cpus");
	cg_host_free(at);
	return suite;
}
