/*
 * harness/exec/candidates on this kernel: our badness is the kernel's for every process there is,
 * pages are exact, and who cannot be chosen is known. Kills nobody.
 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/exec/candidates.h"
#include "tests/lib/skip.h"

Suite *candidates_suite(void);

enum {
	PROCESSES_MIN = 10, /* that must have been compared; a bare container has few */
	LOOKS = 20,	    /* at one process until it holds still */
	PAGES = 1234,
	STACK = 65536,
};

static struct candidates *c;
static const struct badness_rules *rules;
static struct err err;
static int said[2]; /* a child's word */

static void setup(void)
{
	struct utsname name;
	enum badness_generation generation;

	ck_assert_int_eq(uname(&name), 0);
	ck_assert_msg(badness_generation(name.release, &generation, &err) >= 0, "%s", err.text);
	rules = badness_rules(generation);
	ck_assert_msg(candidates_open(-1, NULL, &c, &err) >= 0, "%s", err.text);
	ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
}

static void teardown(void)
{
	candidates_free(c);
	close(said[0]);
	close(said[1]);
}

static size_t read_one(pid_t pid)
{
	ck_assert_msg(candidates_read(c, &pid, 1, &err) >= 0, "%s", err.text);
	ck_assert_uint_eq(c->n, 1);
	ck_assert_int_eq(c->tasks[0].pid, pid);
	return 0;
}

static pid_t hear(void)
{
	pid_t pid = 0;

	ck_assert_int_eq(read(said[0], &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

static void say(pid_t pid)
{
	if (write(said[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(3);
}

/* A child that says its pid and waits; it dies with us. */
static pid_t spawn(void (*fn)(void))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn();
	say(getpid());
	for (;;)
		pause();
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* ---- beside the kernel ---------------------------------------------------------------------- */

static int64_t our_score(size_t i)
{
	uint64_t total = c->ram_pages + c->swap_pages;

	return badness_proc_score(rules, badness_points(rules, &c->tasks[i], total), total);
}

/* 1: as the kernel says, 0: it went away or never held still, -1: it held still and differs. */
static int compare(pid_t pid)
{
	int verdict = 0;

	for (int look = 0; look < LOOKS && verdict <= 0; look++) {
		int64_t before, after;
		if (candidates_oom_score(c, pid, &before) < 0 ||
		    candidates_read(c, &pid, 1, &err) < 0 || c->n == 0 ||
		    candidates_oom_score(c, pid, &after) < 0)
			return 0;
		if (before == after)
			verdict = our_score(0) == after ? 1 : -1;
	}
	return verdict;
}

START_TEST(oom_score_is_our_calculation_for_everybody)
{
	size_t same = 0;

	ck_assert_msg(candidates_all(c, true, &err) >= 0, "%s", err.text);
	size_t n = c->n;
	MEM_AUTO pid_t *pids = mem_zero(n, sizeof(*pids));
	for (size_t i = 0; i < n; i++)
		pids[i] = (pid_t)c->tasks[i].pid;
	for (size_t i = 0; i < n; i++) {
		int verdict = compare(pids[i]);
		ck_assert_msg(verdict >= 0, "pid %d", (int)pids[i]);
		same += verdict == 1;
	}
	ck_assert_uint_ge(same, PROCESSES_MIN);
}
END_TEST

static void say_nothing(void)
{
}

/* With an adj the score moves by whole thousandths of T, so rounding is seen. */
START_TEST(oom_score_follows_every_adj)
{
	static const char *const values[] = {"0", "1", "17", "333", "500", "999", "1000"};
	pid_t pid = spawn(say_nothing);

	(void)hear();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		MEM_AUTO char *path = mem_printf("/proc/%d/oom_score_adj", (int)pid);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		ck_assert_int_gt(write(fd, values[i], strlen(values[i])), 0);
		close(fd);
		ck_assert_int_eq(compare(pid), 1);
		ck_assert_int_eq(c->tasks[0].oom_score_adj, atoi(values[i]));
	}
	end(pid);
}
END_TEST

/* ---- pages ---------------------------------------------------------------------------------- */

static char *memory;

static void touch(void)
{
	say(getpid());
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || raise(SIGSTOP) != 0)
		_exit(4);
	for (size_t i = 0; i < PAGES; i++)
		((volatile char *)memory)[i * c->page_bytes] = 1;
}

/* The exact sums move by exactly what is touched; the kernel's own view by no more than its batches
 * hide: batch - 1 pages of each CPU and counter, before and after. */
START_TEST(pages_of_a_process_are_exact)
{
	memory = mmap(NULL, PAGES * c->page_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	(void)madvise(memory, PAGES * c->page_bytes, MADV_NOHUGEPAGE);
	pid_t pid = spawn(touch);
	(void)hear();
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	read_one(pid);
	struct badness_task task = c->tasks[0];
	struct candidate more = c->more[0];
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	(void)hear();
	read_one(pid);
	ck_assert_uint_eq(c->more[0].anon_pages - more.anon_pages, PAGES);
	ck_assert_uint_eq(c->more[0].shmem_pages, more.shmem_pages);
	uint64_t moved = c->tasks[0].rss_pages - task.rss_pages;
	uint64_t file = c->more[0].file_pages - more.file_pages; /* code that it came to */
	uint64_t batch = c->cpus * 2 < 32 ? 32 : c->cpus * 2;
	uint64_t hidden = c->counters == COUNTERS_APPROX ? 2 * 3 * (batch - 1) * c->cpus : 0;
	ck_assert_uint_ge(moved + hidden, PAGES + file);
	ck_assert_uint_le(moved, PAGES + file + hidden);
	uint64_t tables = PAGES * c->page_bytes / (512 * c->page_bytes);
	ck_assert_uint_ge(c->tasks[0].table_pages, task.table_pages + tables);
	end(pid);
	munmap(memory, PAGES * c->page_bytes);
}
END_TEST

/* ---- who cannot be chosen ------------------------------------------------------------------- */

static void check_bar(pid_t pid, enum candidate_bar bar)
{
	int64_t score = -1;
	size_t i = read_one(pid);

	ck_assert_int_eq(c->more[i].bar, bar);
	ck_assert_int_eq(c->tasks[i].unkillable, bar != CANDIDATE_FREE);
	ck_assert_int_eq(candidates_oom_score(c, pid, &score), 0);
	ck_assert_int_eq(score == 0, bar != CANDIDATE_FREE);
}

START_TEST(a_zombie_has_no_memory)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	check_bar(pid, CANDIDATE_NO_MM);
	ck_assert_int_eq(c->more[0].state, 'Z');
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_kernel_thread_is_known)
{
	check_bar(2, CANDIDATE_KTHREAD); /* kthreadd */
	ck_assert_str_eq(c->tasks[0].comm, "kthreadd");
}
END_TEST

START_TEST(init_is_known)
{
	check_bar(1, CANDIDATE_INIT);
}
END_TEST

static int say_and_wait(void *unused)
{
	(void)unused;
	say((pid_t)syscall(SYS_getpid));
	for (;;)
		pause();
	return 0;
}

static char stack[STACK];
static int clone_flags;

static void clone_child(void)
{
	(void)clone(say_and_wait, stack + sizeof(stack), clone_flags | SIGCHLD, NULL);
}

START_TEST(a_vfork_child_is_not_eligible_but_its_parent_is)
{
	clone_flags = CLONE_VM | CLONE_VFORK;
	pid_t parent = spawn(clone_child);
	pid_t child = hear();
	check_bar(child, CANDIDATE_VFORK);
	check_bar(parent, CANDIDATE_FREE);
	/* both in one reading as well */
	pid_t both[] = {parent, child};
	ck_assert_int_eq(candidates_read(c, both, 2, &err), 0);
	ck_assert_int_eq(c->more[candidates_find(c, child)].bar, CANDIDATE_VFORK);
	kill(child, SIGKILL);
	end(parent);
}
END_TEST

START_TEST(who_only_shares_memory_is_eligible)
{
	clone_flags = CLONE_VM;
	pid_t parent = spawn(clone_child);
	pid_t first = hear(), second = hear();
	pid_t child = first == parent ? second : first;
	check_bar(child, CANDIDATE_FREE);
	ck_assert_int_eq(compare(child), 1);
	kill(child, SIGKILL);
	end(parent);
}
END_TEST

static void *live_on(void *unused)
{
	(void)unused;
	say(getpid());
	for (;;)
		pause();
	return NULL;
}

static void leave_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, live_on, NULL) == 0)
		pthread_exit(NULL);
}

/* The leader is dead, and the memory that the kernel counts is that of the thread. */
START_TEST(a_dead_leaders_threads_have_its_memory)
{
	pid_t pid = spawn(leave_a_thread);

	(void)hear();
	do
		read_one(pid);
	while (c->more[0].state != 'Z' && sched_yield() == 0);
	check_bar(pid, CANDIDATE_FREE);
	ck_assert_uint_gt(c->tasks[0].rss_pages, 0);
	ck_assert_uint_gt(c->tasks[0].table_pages, 0);
	ck_assert_int_eq(compare(pid), 1);
	end(pid);
}
END_TEST

/* ---- sets ----------------------------------------------------------------------------------- */

static void rename_nasty(void)
{
	(void)prctl(PR_SET_NAME, "a) R 1 (b\n\\");
}

START_TEST(names_are_what_they_are)
{
	pid_t pid = spawn(rename_nasty);

	(void)hear();
	read_one(pid);
	ck_assert_str_eq(c->tasks[0].comm, "a) R 1 (b\n\\");
	ck_assert_int_eq(c->tasks[0].ppid, getpid());
	end(pid);
}
END_TEST

START_TEST(who_is_not_there_is_counted)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	pid_t pids[] = {pid, getpid()};
	ck_assert_int_eq(candidates_read(c, pids, 2, &err), 0);
	ck_assert_uint_eq(c->n, 1);
	ck_assert_uint_eq(c->gone, 1);
	ck_assert_int_eq(c->tasks[0].pid, getpid());
	ck_assert_uint_eq(candidates_find(c, pid), SIZE_MAX);
}
END_TEST

START_TEST(children_come_in_the_order_of_their_start)
{
	pid_t pids[8], backwards[8];

	for (size_t i = 0; i < 8; i++) {
		pids[i] = backwards[7 - i] = spawn(say_nothing);
		(void)hear();
	}
	ck_assert_int_eq(candidates_read(c, backwards, 8, &err), 0);
	for (size_t i = 0; i < 8; i++)
		ck_assert_uint_eq(c->tasks[candidates_find(c, pids[i])].order, i);
	ck_assert(candidates_order_sure(c, 0, 7));
	for (size_t i = 0; i < 8; i++)
		end(pids[i]);
}
END_TEST

START_TEST(the_whole_machine_is_read)
{
	ck_assert_int_eq(candidates_all(c, true, &err), 0);
	size_t self = candidates_find(c, getpid());
	ck_assert_uint_ne(self, SIZE_MAX);
	ck_assert_uint_ne(candidates_find(c, 1), SIZE_MAX);
	ck_assert_int_eq(c->tasks[self].ppid, getppid());
	ck_assert_uint_eq(c->more[self].uid, getuid());
	for (size_t i = 1; i < c->n; i++)
		ck_assert_int_lt(c->tasks[i - 1].pid, c->tasks[i].pid);
}
END_TEST

/* What the coarse reading puts off is found again where it matters. */
START_TEST(a_coarse_reading_settles_to_the_same_choice)
{
	struct badness_choice choice;
	uint64_t total = c->ram_pages + c->swap_pages;
	pid_t pid = spawn(say_nothing);
	size_t left = 0;

	(void)hear();
	MEM_AUTO char *path = mem_printf("/proc/%d/oom_score_adj", (int)pid);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "1000", 4), 4);
	close(fd);
	ck_assert_int_eq(candidates_all(c, false, &err), 0);
	size_t at = candidates_find(c, pid);
	ck_assert(c->more[at].coarse);
	ck_assert_uint_ge(c->tasks[at].error_pages, c->rss_error_pages);
	candidates_settle(c, rules, total, 1);
	ck_assert(!c->more[at].coarse);
	for (size_t i = 0; i < c->n; i++)
		left += c->more[i].coarse;
	ck_assert_uint_gt(left, 0);
	candidates_choose(c, rules, total, &choice);
	ck_assert(!c->more[choice.victim].coarse);
	uint64_t rss = c->tasks[at].rss_pages, start = c->more[at].start_ticks;
	ck_assert_int_eq(candidates_all(c, true, &err), 0);
	at = candidates_find(c, pid);
	ck_assert_uint_eq(c->tasks[at].rss_pages, rss);
	ck_assert_uint_eq(c->more[at].start_ticks, start);
	ck_assert_uint_lt(c->tasks[at].error_pages, c->rss_error_pages + 1);
	end(pid);
}
END_TEST

static bool in_init_pid_ns(void)
{
	char link[64] = "";

	return readlink("/proc/self/ns/pid", link, sizeof(link) - 1) > 0 &&
	       strcmp(link, "pid:[4026531836]") == 0;
}

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, oom_score_is_our_calculation_for_everybody);
	tcase_add_test(tc, oom_score_follows_every_adj);
	tcase_add_test(tc, pages_of_a_process_are_exact);
	tcase_add_test(tc, a_zombie_has_no_memory);
	tcase_add_test(tc, a_vfork_child_is_not_eligible_but_its_parent_is);
	tcase_add_test(tc, who_only_shares_memory_is_eligible);
	tcase_add_test(tc, a_dead_leaders_threads_have_its_memory);
	tcase_add_test(tc, names_are_what_they_are);
	tcase_add_test(tc, who_is_not_there_is_counted);
	tcase_add_test(tc, children_come_in_the_order_of_their_start);
	tcase_add_test(tc, the_whole_machine_is_read);
	tcase_add_test(tc, a_coarse_reading_settles_to_the_same_choice);
}

Suite *candidates_suite(void)
{
	Suite *suite = suite_create("candidates");
	TCase *here = tcase_create("processes"), *machine = tcase_create("machine");

	tcase_add_checked_fixture(here, setup, teardown);
	tcase_add_checked_fixture(machine, setup, teardown);
	add_tests(here);
	tcase_add_test(machine, a_kernel_thread_is_known);
	tcase_add_test(machine, init_is_known);
	suite_add_tcase(suite, here);
	suite_add_if(suite, machine, "machine", in_init_pid_ns(),
		     "init and kernel threads are outside of this pid namespace");
	return suite;
}
