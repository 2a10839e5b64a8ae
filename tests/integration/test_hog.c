/*
 * oomhog on the kernel at hand: every workload, in a real cgroup v1 group, through the lockstep
 * protocol; exactness to the page, kills, children, confinement. Needs root and the v1 memory
 * controller; what is missing is printed as a skip.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "tests/integration/hog_escape.h"
#include "tests/integration/hog_rig.h"
#include "tests/lib/skip.h"
#include "workloads/hog_run.h"
#include "workloads/layout.h"
#include "workloads/workload.h"

Suite *hog_suite(void);

#define MIB	  ((uint64_t)1 << 20)
#define PAGE	  ((uint64_t)4096)
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct rig rig;
static struct hog_receipt receipt;

/* ---- rig ----------------------------------------------------------------------------------- */

static void start_in(uint64_t limit_bytes, unsigned pids_max, const char *const *args)
{
	ck_assert_int_eq(hog_rig_open(&rig, limit_bytes, pids_max), 0);
	ck_assert_int_eq(hog_rig_spawn(&rig, args), 0);
	ck_assert_int_eq(hog_rig_receipt(&rig, &receipt), 0);
	ck_assert_msg(receipt.error == 0, "setup: %s", rig.status->message);
	ck_assert_uint_eq(receipt.seq, 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_READY);
}

static void start(uint64_t limit_bytes, const char *const *args)
{
	start_in(limit_bytes, 0, args);
}

static void ask(uint32_t op, uint64_t bytes)
{
	int r = hog_rig_ask(&rig, op, bytes, &receipt);

	ck_assert_msg(r == 0, "no receipt (%s), state %u, violation %d, message '%s'", strerror(-r),
		      rig.status->state, rig.status->violation, rig.status->message);
	ck_assert_uint_eq(receipt.seq, rig.seq);
	ck_assert_uint_ge(receipt.ended_ns, receipt.began_ns);
}

static void expect_killed(void)
{
	ck_assert_int_eq(hog_rig_wait_end(&rig), 0);
	ck_assert_msg(WIFSIGNALED(rig.wait_status) && WTERMSIG(rig.wait_status) == SIGKILL,
		      "expected SIGKILL, got wait status %#x, message '%s'", rig.wait_status,
		      rig.status->message);
}

static void expect_exit(int code)
{
	ck_assert_int_eq(hog_rig_wait_end(&rig), 0);
	ck_assert_msg(WIFEXITED(rig.wait_status) && WEXITSTATUS(rig.wait_status) == code,
		      "expected exit %d, got wait status %#x", code, rig.wait_status);
}

static uint64_t kills(void)
{
	return hog_rig_read_field(&rig, "memory.oom_control", "oom_kill");
}

static void stop(void)
{
	hog_rig_close(&rig);
}

/* ---- life ---------------------------------------------------------------------------------- */

START_TEST(idle_hog_is_below_one_mib)
{
	start(8 * MIB, ARGS("step"));
	ck_assert_uint_lt(hog_rig_proc_kb(rig.pid, "VmRSS"), 1024);
}
END_TEST

START_TEST(status_page_describes_the_hog)
{
	start(8 * MIB, ARGS("step"));
	ck_assert_uint_eq(rig.status->magic, HOG_MAGIC);
	ck_assert_uint_eq(rig.status->size, sizeof(struct hog_status));
	ck_assert_int_eq(rig.status->pid, rig.pid);
	ck_assert_uint_eq(rig.status->state, HOG_STATE_READY);
}
END_TEST

START_TEST(ping_beats_and_changes_nothing)
{
	start(8 * MIB, ARGS("heartbeat"));
	ask(HOG_PING, 0);
	ask(HOG_PING, 0);
	ck_assert_uint_eq(rig.status->beats, 2);
	ck_assert_uint_eq(receipt.touched_pages, 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_READY);
}
END_TEST

START_TEST(quit_answers_and_exits_with_the_status)
{
	start(8 * MIB, ARGS("step"));
	ck_assert_int_eq(hog_rig_send(&rig, HOG_QUIT, 0, 42), 0);
	ck_assert_int_eq(hog_rig_receipt(&rig, &receipt), 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_EXITED);
	expect_exit(42);
}
END_TEST

START_TEST(closed_socket_ends_the_hog)
{
	start(8 * MIB, ARGS("step"));
	close(rig.control);
	rig.control = -1;
	expect_exit(HOG_EXIT_FAILED);
	ck_assert_uint_eq(rig.status->state, HOG_STATE_EXITED);
}
END_TEST

START_TEST(unknown_command_is_refused)
{
	start(8 * MIB, ARGS("step"));
	ask(77, 0);
	ck_assert_int_eq(receipt.error, EINVAL);
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, ENOTSUP);
}
END_TEST

START_TEST(failed_setup_says_why)
{
	ck_assert_int_eq(hog_rig_open(&rig, 8 * MIB, 0), 0);
	ck_assert_int_eq(hog_rig_spawn(&rig, ARGS("file", "--dir", "/nonexistent")), 0);
	ck_assert_int_eq(hog_rig_receipt(&rig, &receipt), 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_FAILED);
	ck_assert_int_eq(receipt.error, ENOENT);
	ck_assert_uint_eq(rig.status->state, HOG_STATE_FAILED);
	ck_assert_ptr_nonnull(strstr(rig.status->message, "/nonexistent"));
	expect_exit(HOG_EXIT_FAILED);
}
END_TEST

START_TEST(wrong_option_is_usage)
{
	ck_assert_int_eq(hog_rig_open(&rig, 8 * MIB, 0), 0);
	ck_assert_int_eq(hog_rig_spawn(&rig, ARGS("step", "--no-such-option")), 0);
	expect_exit(HOG_EXIT_USAGE);
}
END_TEST

/* SIGTERM must end a hog that the kernel has paused, so its action stays the default. */
START_TEST(sigterm_ends_a_paused_hog)
{
	start(8 * MIB, ARGS("step"));
	ck_assert_int_eq(hog_rig_write(&rig, "memory.oom_control", "1"), 0);
	ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, 16 * MIB, 0), 0);
	while (hog_rig_read_field(&rig, "memory.oom_control", "under_oom") != 1)
		poll(NULL, 0, 1); /* v1 tells it by an eventfd; the rig has none */
	kill(rig.pid, SIGTERM);
	ck_assert_int_eq(hog_rig_wait_end(&rig), 0);
	ck_assert_int_eq(WTERMSIG(rig.wait_status), SIGTERM);
	ck_assert_uint_eq(kills(), 0);
}
END_TEST

/* ---- exactness ----------------------------------------------------------------------------- */

static const uint64_t exact_limits[] = {8 * MIB, 16 * MIB, 80 * MIB};
enum { EXACT_LIMITS = 3, EXACT_RUNS = 50 };

START_TEST(killed_exactly_at_the_predicted_page)
{
	uint64_t limit = exact_limits[_i], first = 0;

	for (int run = 0; run < EXACT_RUNS; run++) {
		start(limit, ARGS("step"));
		uint64_t free_pages = limit / PAGE - hog_rig_exact_usage(&rig);
		uint64_t predicted = hog_fit_pages(free_pages, 0, PAGE);

		ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, 2 * limit, 0), 0);
		expect_killed();
		ck_assert_msg(rig.status->touched_pages == predicted,
			      "run %d: expected %" PRIu64 " pages, got %" PRIu64, run, predicted,
			      rig.status->touched_pages);
		first = run ? first : predicted;
		ck_assert_uint_eq(predicted, first);
		ck_assert_uint_eq(kills(), 1);
		stop();
	}
	rig = (struct rig){.control = -1, .receipts = -1, .status_fd = -1};
}
END_TEST

START_TEST(prediction_goes_on_from_what_is_held)
{
	start(16 * MIB, ARGS("step"));
	ask(HOG_ALLOC, 5 * MIB + 3 * PAGE);
	uint64_t held = receipt.touched_pages;
	ck_assert_uint_eq(held, 5 * MIB / PAGE + 3);
	uint64_t room = 16 * MIB / PAGE - hog_rig_exact_usage(&rig);
	uint64_t more = hog_fit_pages(room, held, PAGE);
	ask(HOG_ALLOC, more * PAGE);
	ck_assert_uint_eq(receipt.touched_pages, held + more);
	ck_assert_uint_eq(kills(), 0);
	ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, PAGE, 0), 0);
	expect_killed();
	ck_assert_uint_eq(rig.status->touched_pages, held + more);
}
END_TEST

/* malloc's blocks lie where malloc puts them: not predicted, but the same in every run. */
START_TEST(blocks_are_killed_at_the_same_page)
{
	uint64_t first = 0;

	for (int run = 0; run < 10; run++) {
		start(16 * MIB, ARGS("blocks", "--block", "1M", "--total", "max"));
		hog_rig_exact_usage(&rig);
		ck_assert_int_eq(hog_rig_send(&rig, HOG_GO, 0, 0), 0);
		expect_killed();
		first = run ? first : rig.status->touched_pages;
		ck_assert_uint_eq(rig.status->touched_pages, first);
		stop();
	}
	rig = (struct rig){.control = -1, .receipts = -1, .status_fd = -1};
}
END_TEST

/* ---- every workload ------------------------------------------------------------------------ */

/* alloc of 4 MiB: pages that it must report (the rest as it likes), and whether free of all
 * brings it back to none. */
static const struct one {
	const char *args[6];
	uint64_t pages;
	bool frees;
	bool runs;
} ones[] = {
	{{"step"}, 1024, true, false},
	{{"step", "--via", "read"}, 1024, true, false},
	{{"step", "--via", "populate"}, 1024, true, false},
	{{"step", "--via", "map-populate"}, 1024, true, false},
	{{"step", "--via", "mlock"}, 1024, true, false},
	{{"step", "--via", "tmpfs-write"}, 1024, true, false},
	{{"blocks", "--total", "4M"}, 1025, true, true}, /* and the page of malloc's header */
	{{"reserve", "--total", "4M"}, 1, true, true},
	{{"reserve", "--call", "brk", "--total", "4M"}, 0, true, true},
	{{"brk", "--total", "4M"}, 1024, true, true},
	{{"fault", "--size", "8M"}, 1024, true, true},
	{{"fault", "--size", "8M", "--order", "random"}, 1024, true, true},
	{{"fault", "--size", "8M", "--order", "stride"}, 1024, true, true},
	{{"fault", "--size", "8M", "--access", "read"}, 1024, true, true},
	{{"fault", "--size", "8M", "--populate", "madvise"}, 1024, true, true},
	{{"fault", "--size", "8M", "--populate", "mmap"}, 1024, true, true},
	{{"file", "--total", "4M"}, 1024, true, true},
	{{"file", "--mode", "write", "--total", "4M"}, 1024, true, true},
	{{"file", "--mode", "mapped", "--total", "4M"}, 1024, true, true},
	{{"shmem", "--kind", "tmpfs", "--total", "4M"}, 1024, true, true},
	{{"shmem", "--kind", "memfd", "--total", "4M"}, 1024, true, true},
	{{"shmem", "--kind", "anon", "--total", "4M"}, 1024, true, true},
	{{"shmem", "--kind", "sysv", "--total", "4M"}, 1024, true, true},
	{{"mlock", "--total", "4M"}, 1024, true, true},
	{{"mlock", "--on-fault", "--total", "4M"}, 1024, true, true},
	{{"threads", "--total", "4M"}, 1024, true, true},
	{{"threads", "--leader-exits", "--total", "4M"}, 1024, true, true},
	{{"shared-mm", "--total", "4M"}, 1024, true, true},
	{{"vfork", "--total", "4M"}, 1024, true, true},
	{{"mix", "--recipe", "5M anon + 1M file + 1M shmem"}, 1024, true, true},
	{{"mix", "--recipe", "1M anon + 7M tables"}, 1024, true, true},
	{{"mix", "--recipe", "3M swapped + 5M anon"}, 1024, true, true},
	{{"free", "--size", "4M"}, 1024, true, true},
	{{"heartbeat", "--count", "3", "--interval", "1ms"}, 1024, true, true},
	{{"curve", "--speed", "86400000"}, 1024, true, true},
	{{"fork", "--size", "1M"}, 0, true, true},	  /* the pages are the child's */
	{{"hugetlb", "--total", "4M"}, 1024, true, true}, /* where there are some */
};
enum { N_ONES = sizeof(ones) / sizeof(ones[0]) };

START_TEST(workload_allocates_frees_and_runs)
{
	const struct one *one = &ones[_i];

	start(64 * MIB, one->args);
	ask(HOG_ALLOC, 4 * MIB);
	/* As a rule the kernel's pool is empty, and mmap says so. */
	if (strcmp(one->args[0], "hugetlb") == 0 && receipt.error) {
		ck_assert_int_eq(receipt.error, ENOMEM);
		ck_assert_uint_eq(receipt.done_pages, 0);
		return;
	}
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(receipt.done_pages, one->pages);
	ck_assert_uint_eq(receipt.touched_pages, one->pages);
	ck_assert_uint_eq(rig.status->touched_pages, one->pages);
	ck_assert_uint_eq(receipt.asked_bytes, 4 * MIB);
	if (one->frees) {
		ask(HOG_FREE, UINT64_MAX);
		ck_assert_int_eq(receipt.error, 0);
		ck_assert_uint_eq(receipt.done_pages, one->pages);
		ck_assert_uint_eq(receipt.touched_pages, 0);
	}
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, one->runs ? 0 : ENOTSUP);
	ck_assert_uint_eq(receipt.state, HOG_STATE_DONE);
	ask(HOG_PING, 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_DONE);
	ck_assert_int_eq(hog_rig_send(&rig, HOG_QUIT, 0, 7), 0);
	expect_exit(7);
}
END_TEST

START_TEST(every_workload_of_the_table_is_tested)
{
	for (const struct wl *const *wl = wl_registry; *wl; wl++) {
		bool found = false;

		for (size_t i = 0; i < N_ONES; i++)
			found = found || strcmp(ones[i].args[0], (*wl)->name) == 0;
		ck_assert_msg(found, "workload '%s' has no test", (*wl)->name);
	}
}
END_TEST

START_TEST(usage_follows_what_is_touched_and_freed)
{
	start(64 * MIB, ARGS("free", "--order", "first"));
	uint64_t before = hog_rig_exact_usage(&rig);
	ask(HOG_ALLOC, 16 * MIB);
	uint64_t held = hog_rig_exact_usage(&rig);
	ck_assert_uint_eq(held - before, 4096 + hog_table_pages(4096, PAGE));
	/* Less than a table's 2 MiB: from 6.14 on, larger ones give empty tables back as well. */
	ask(HOG_FREE, MIB);
	ck_assert_uint_eq(receipt.done_pages, 256);
	ck_assert_uint_eq(hog_rig_exact_usage(&rig), held - 256);
}
END_TEST

START_TEST(zero_page_costs_page_tables_alone)
{
	start(64 * MIB, ARGS("fault", "--size", "32M", "--access", "read"));
	uint64_t before = hog_rig_exact_usage(&rig);
	ask(HOG_ALLOC, 32 * MIB);
	ck_assert_uint_eq(receipt.done_pages, 8192);
	ck_assert_uint_eq(hog_rig_exact_usage(&rig) - before, hog_table_pages(8192, PAGE));
}
END_TEST

START_TEST(pattern_answers_while_it_runs)
{
	start(64 * MIB, ARGS("heartbeat", "--interval", "1ms"));
	ck_assert_int_eq(hog_rig_send(&rig, HOG_GO, 0, 0), 0);
	ask(HOG_PING, 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_BUSY);
	ask(HOG_ALLOC, MIB);
	ck_assert_int_eq(receipt.error, EBUSY);
}
END_TEST

/* ---- charges within system calls ----------------------------------------------------------- */

static const struct via {
	const char *via;
	int errors[2]; /* one of them; 0: none, but pages missing */
} vias[] = {
	{"read", {EFAULT, EFAULT}},  {"populate", {EFAULT, ENOMEM}},	{"map-populate", {0, 0}},
	{"mlock", {EAGAIN, ENOMEM}}, {"tmpfs-write", {ENOMEM, ENOMEM}},
};
enum { N_VIAS = sizeof(vias) / sizeof(vias[0]) };

START_TEST(charge_in_a_system_call_fails_when_killing_is_off)
{
	const struct via *via = &vias[_i];

	start(8 * MIB, ARGS("step", "--via", via->via));
	ck_assert_int_eq(hog_rig_write(&rig, "memory.oom_control", "1"), 0);
	ask(HOG_ALLOC, 16 * MIB);
	ck_assert_msg(receipt.error == via->errors[0] || receipt.error == via->errors[1],
		      "expected %s, got %s", strerror(via->errors[0]), strerror(receipt.error));
	ck_assert_uint_gt(receipt.done_pages, 1000);
	ck_assert_uint_lt(receipt.done_pages, 2048);
	ck_assert_uint_eq(rig.status->failures, receipt.error != 0);
	ck_assert_int_eq(rig.status->error, receipt.error);
	ck_assert_uint_eq(kills(), 0);
}
END_TEST

/* ---- children ------------------------------------------------------------------------------ */

static unsigned children_in(uint32_t state)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rig.status->n_children; i++)
		n += rig.status->child[i].pid && rig.status->child[i].state == state;
	return n;
}

START_TEST(children_are_listed_with_their_pages)
{
	start(64 * MIB, ARGS("fork", "--children", "3", "--size", "2M", "--parent-size", "4M"));
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(receipt.touched_pages, 1024);
	ck_assert_uint_eq(rig.status->n_children, 3);
	ck_assert_uint_eq(rig.status->forks, 3);
	ck_assert_uint_eq(children_in(HOG_STATE_DONE), 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(rig.status->child[i].touched_pages, 512);
		/* The parent's pages are not the children's. */
		ck_assert_uint_lt(hog_rig_proc_kb(rig.status->child[i].pid, "RssAnon"), 2048 + 256);
	}
	ck_assert_uint_eq(hog_rig_procs(&rig), 4);
}
END_TEST

START_TEST(a_family_maps_the_same_memory)
{
	start(64 * MIB, ARGS("fork", "--children", "3", "--size", "1M", "--shared", "8M"));
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(receipt.touched_pages, 2048);
	/* Counters that lag show less (6.2 to 6.15), the status page is shared as well. */
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ge(hog_rig_proc_kb(rig.status->child[i].pid, "RssShmem"),
				  8192 - 4 * 64);
	/* Charged once. */
	ck_assert_uint_lt(hog_rig_exact_usage(&rig), 16 * MIB);
}
END_TEST

START_TEST(page_tables_alone_are_next_to_no_memory)
{
	start(64 * MIB, ARGS("mix", "--recipe", "8M tables"));
	uint64_t before = hog_rig_proc_kb(rig.status->pid, "VmRSS");
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_ge(hog_rig_proc_kb(rig.status->pid, "VmPTE"), 8192);
	ck_assert_uint_lt(hog_rig_proc_kb(rig.status->pid, "VmRSS"), before + 512);
}
END_TEST

START_TEST(tree_has_every_level)
{
	start(64 * MIB, ARGS("fork", "--children", "2", "--depth", "3", "--size", "256K"));
	ask(HOG_GO, 0);
	ck_assert_uint_eq(rig.status->n_children, 14);
	ck_assert_uint_eq(children_in(HOG_STATE_DONE), 14);
	ck_assert_uint_eq(hog_rig_procs(&rig), 15);
}
END_TEST

static void expect_empty_group(void)
{
	uint64_t end = clock_ns() + (uint64_t)RIG_WAIT_MS * 1000000;

	while (hog_rig_procs(&rig) > 0 && clock_ns() < end)
		poll(NULL, 0, 1); /* v1 groups do not tell when they are empty */
	ck_assert_uint_eq(hog_rig_procs(&rig), 0);
}

START_TEST(children_die_with_the_hog)
{
	start(64 * MIB, ARGS("fork", "--children", "2", "--depth", "3", "--size", "256K"));
	ask(HOG_GO, 0);
	kill(rig.pid, SIGKILL);
	expect_killed();
	expect_empty_group();
}
END_TEST

/* The parent here is a process between us and the hog. The hog is paused in a page fault, so it
 * cannot see that the socket has closed: only PDEATHSIG ends it. */
START_TEST(paused_hog_dies_with_its_parent)
{
	ck_assert_int_eq(hog_rig_open(&rig, 8 * MIB, 0), 0);
	ck_assert_int_eq(hog_rig_write(&rig, "memory.oom_control", "1"), 0);
	pid_t between = fork();
	if (between == 0) {
		if (hog_rig_spawn(&rig, ARGS("step")) < 0 || hog_rig_receipt(&rig, &receipt) < 0 ||
		    hog_rig_send(&rig, HOG_ALLOC, 16 * MIB, 0) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	while (hog_rig_read_field(&rig, "memory.oom_control", "under_oom") != 1)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(hog_rig_procs(&rig), 1);
	kill(between, SIGKILL);
	waitpid(between, NULL, 0);
	expect_empty_group();
	ck_assert_uint_eq(kills(), 0);
}
END_TEST

START_TEST(bomb_is_bounded_by_pids_max)
{
	start_in(128 * MIB, 12, ARGS("fork", "--bomb", "--children", "2000", "--size", "256K"));
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(rig.status->forks, 11);
	ck_assert_uint_ge(rig.status->fork_failures, 1);
	ck_assert_int_eq(rig.status->fork_errno, EAGAIN);
	ck_assert_uint_eq(children_in(HOG_STATE_DONE), 11);
	ask(HOG_PING, 0);
	ck_assert_uint_eq(receipt.state, HOG_STATE_DONE);
	ck_assert_uint_eq(kills(), 0);
}
END_TEST

/* Room for three children; the kernel kills one for each that comes on top, and the parent, which
 * is small, lives. Kills and deaths agree to the last one. */
START_TEST(bomb_replaces_killed_children)
{
	start_in(16 * MIB, 40,
		 ARGS("fork", "--bomb", "--children", "8", "--size", "4M", "--total", "24"));
	ask(HOG_GO, 0);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(rig.status->forks, 24);
	ck_assert_uint_ge(kills(), 24 - 8);
	ck_assert_uint_eq(children_in(HOG_STATE_EXITED), kills());
	ck_assert_uint_eq(children_in(HOG_STATE_DONE), 24 - kills());
	ask(HOG_PING, 0);
}
END_TEST

START_TEST(alloc_of_fork_is_one_more_child)
{
	start(64 * MIB, ARGS("fork"));
	ask(HOG_ALLOC, 3 * MIB);
	ck_assert_int_eq(receipt.error, 0);
	ck_assert_uint_eq(rig.status->n_children, 1);
	ck_assert_uint_eq(rig.status->child[0].touched_pages, 768);
}
END_TEST

START_TEST(child_killed_at_the_limit_is_reported)
{
	start(8 * MIB, ARGS("fork"));
	ask(HOG_ALLOC, 16 * MIB);
	ck_assert_int_eq(receipt.error, ECHILD);
	ck_assert_uint_eq(children_in(HOG_STATE_EXITED), 1);
	ck_assert_uint_eq(kills(), 1);
	ask(HOG_PING, 0);
}
END_TEST

START_TEST(processes_in_one_mm_die_together)
{
	start(16 * MIB, ARGS("shared-mm", "--processes", "3"));
	ck_assert_uint_eq(hog_rig_procs(&rig), 4);
	ask(HOG_ALLOC, 6 * MIB);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(rig.status->child[i].touched_pages, 512);
	ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, 32 * MIB, 0), 0);
	expect_killed();
	expect_empty_group();
}
END_TEST

START_TEST(leader_exits_and_threads_hold_the_memory)
{
	char path[64], text[4096];
	struct err err = ERR_INIT;

	start(16 * MIB, ARGS("threads", "--leader-exits"));
	ask(HOG_ALLOC, 4 * MIB);
	ck_assert_uint_eq(receipt.touched_pages, 1024);
	snprintf(path, sizeof(path), "/proc/%d/status", rig.pid);
	/* READY came when the leader had given up its mm; that it is a zombie comes a moment later
	 * in the same exit, and nobody is told while other threads live. The test's time ends it.
	 */
	do
		ck_assert_int_gt(fd_read_text(AT_FDCWD, path, text, sizeof(text), &err), 0);
	while (!strstr(text, "Z (zombie)") && sched_yield() == 0);
	ck_assert_uint_ge(hog_rig_exact_usage(&rig), 1024);
	ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, 32 * MIB, 0), 0);
	expect_killed();
}
END_TEST

START_TEST(vfork_child_touches_while_its_parent_waits)
{
	char path[64], text[4096];
	struct err err = ERR_INIT;

	start(16 * MIB, ARGS("vfork"));
	ask(HOG_ALLOC, 4 * MIB);
	ck_assert_uint_eq(rig.status->child[0].touched_pages, 1024);
	ck_assert_uint_eq(hog_rig_procs(&rig), 2);
	snprintf(path, sizeof(path), "/proc/%d/status", rig.pid);
	ck_assert_int_gt(fd_read_text(AT_FDCWD, path, text, sizeof(text), &err), 0);
	ck_assert_ptr_nonnull(strstr(text, "D (disk sleep)"));
	ck_assert_int_eq(hog_rig_send(&rig, HOG_ALLOC, 32 * MIB, 0), 0);
	expect_killed();
	expect_empty_group();
}
END_TEST

/* ---- confinement --------------------------------------------------------------------------- */

static const unsigned all_needs = WL_FORK | WL_THREADS | WL_FILES | WL_SHM | WL_LOCK;

START_TEST(escape_is_stopped_and_named)
{
	const struct escape *escape = &escapes[_i];
	struct hog_status *status = mmap(NULL, sizeof(*status), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int wait_status = 0;

	pid_t pid = fork();
	if (pid == 0)
		escape_run(escape, status, all_needs);
	waitpid(pid, &wait_status, 0);
	ck_assert_msg(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == HOG_EXIT_VIOLATION,
		      "%s (%s): expected exit 159, got wait status %#x", escape->call, escape->what,
		      wait_status);
	ck_assert_uint_eq(status->state, HOG_STATE_VIOLATION);
	ck_assert_str_eq(hog_syscall_name(status->violation), escape->call);
	char quoted[64];
	snprintf(quoted, sizeof(quoted), "'%s'", escape->call);
	ck_assert_ptr_nonnull(strstr(status->message, quoted));
}
END_TEST

/* A fork is allowed to those who need it alone. The bare call: since glibc 2.41 fork() blocks
 * signals first, and would be stopped there. */
START_TEST(filters_follow_the_needs)
{
	struct hog_status *status = mmap(NULL, sizeof(*status), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct err err = ERR_INIT;
	int wait_status = 0;

	pid_t pid = fork();
	if (pid == 0) {
		if (hog_confine(status, WL_MEMORY, false, &err) < 0)
			_exit(100);
		(void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
		_exit(0);
	}
	waitpid(pid, &wait_status, 0);
	ck_assert_int_eq(WEXITSTATUS(wait_status), HOG_EXIT_VIOLATION);
	ck_assert_str_eq(hog_syscall_name(status->violation), "clone");
}
END_TEST

/* ---- the suite ----------------------------------------------------------------------------- */

static TCase *tests_life(void)
{
	TCase *tests = tcase_create("life");

	tcase_add_unchecked_fixture(tests, NULL, hog_rig_sweep);
	tcase_add_checked_fixture(tests, NULL, stop);
	tcase_add_test(tests, idle_hog_is_below_one_mib);
	tcase_add_test(tests, status_page_describes_the_hog);
	tcase_add_test(tests, ping_beats_and_changes_nothing);
	tcase_add_test(tests, quit_answers_and_exits_with_the_status);
	tcase_add_test(tests, closed_socket_ends_the_hog);
	tcase_add_test(tests, unknown_command_is_refused);
	tcase_add_test(tests, failed_setup_says_why);
	tcase_add_test(tests, wrong_option_is_usage);
	tcase_add_test(tests, sigterm_ends_a_paused_hog);
	return tests;
}

static TCase *tests_exact(void)
{
	TCase *tests = tcase_create("exactness");

	tcase_add_unchecked_fixture(tests, NULL, hog_rig_sweep);
	tcase_add_checked_fixture(tests, NULL, stop);
	tcase_add_loop_test(tests, killed_exactly_at_the_predicted_page, 0, EXACT_LIMITS);
	tcase_add_test(tests, prediction_goes_on_from_what_is_held);
	tcase_add_test(tests, blocks_are_killed_at_the_same_page);
	tcase_add_test(tests, usage_follows_what_is_touched_and_freed);
	tcase_add_test(tests, zero_page_costs_page_tables_alone);
	return tests;
}

static TCase *tests_workloads(void)
{
	TCase *tests = tcase_create("workloads");

	tcase_add_unchecked_fixture(tests, NULL, hog_rig_sweep);
	tcase_add_checked_fixture(tests, NULL, stop);
	tcase_add_test(tests, every_workload_of_the_table_is_tested);
	tcase_add_loop_test(tests, workload_allocates_frees_and_runs, 0, N_ONES);
	tcase_add_loop_test(tests, charge_in_a_system_call_fails_when_killing_is_off, 0, N_VIAS);
	tcase_add_test(tests, pattern_answers_while_it_runs);
	return tests;
}

static TCase *tests_children(void)
{
	TCase *tests = tcase_create("children");

	tcase_add_unchecked_fixture(tests, NULL, hog_rig_sweep);
	tcase_add_checked_fixture(tests, NULL, stop);
	tcase_add_test(tests, children_are_listed_with_their_pages);
	tcase_add_test(tests, a_family_maps_the_same_memory);
	tcase_add_test(tests, page_tables_alone_are_next_to_no_memory);
	tcase_add_test(tests, tree_has_every_level);
	tcase_add_test(tests, children_die_with_the_hog);
	tcase_add_test(tests, paused_hog_dies_with_its_parent);
	tcase_add_test(tests, bomb_is_bounded_by_pids_max);
	tcase_add_test(tests, bomb_replaces_killed_children);
	tcase_add_test(tests, alloc_of_fork_is_one_more_child);
	tcase_add_test(tests, child_killed_at_the_limit_is_reported);
	tcase_add_test(tests, processes_in_one_mm_die_together);
	tcase_add_test(tests, leader_exits_and_threads_hold_the_memory);
	tcase_add_test(tests, vfork_child_touches_while_its_parent_waits);
	return tests;
}

static TCase *tests_confinement(void)
{
	TCase *tests = tcase_create("confinement");

	tcase_add_loop_test(tests, escape_is_stopped_and_named, 0, (int)n_escapes);
	tcase_add_test(tests, filters_follow_the_needs);
	return tests;
}

Suite *hog_suite(void)
{
	Suite *suite = suite_create("hog");
	const char *missing = hog_rig_missing();
	bool works = missing == NULL;

	suite_add_if(suite, tests_life(), "life", works, missing);
	suite_add_if(suite, tests_exact(), "exactness", works, missing);
	suite_add_if(suite, tests_workloads(), "workloads", works, missing);
	suite_add_if(suite, tests_children(), "children", works, missing);
	suite_add_tcase(suite, tests_confinement());
	return suite;
}
