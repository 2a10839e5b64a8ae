/*
 * report/explain_*: the sentences. Each test changes one thing of a report made by hand and expects
 * the words for it; what the log does not say must not be said.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/explain_rig.h"

Suite *explain_words_suite(void);

static void assert_says(const struct explain_rig *rig, enum explain_topic topic, const char *words)
{
	char *text = explain_rig_topic(rig, topic);

	ck_assert_msg(strstr(text, words), "expected '%s' in: %s", words, text);
	free(text);
}

static void assert_silent(const struct explain_rig *rig, enum explain_topic topic,
			  const char *words)
{
	char *text = explain_rig_topic(rig, topic);

	ck_assert_msg(!strstr(text, words), "'%s' must not be in: %s", words, text);
	free(text);
}

/* ---- what and who --------------------------------------------------------------------------- */

START_TEST(a_group_at_its_limit)
{
	struct explain_rig *rig = explain_rig_group();

	assert_says(rig, EXPLAIN_WHAT, "The group '/shop/db' reached its memory limit of 100M.\n");
	assert_says(rig, EXPLAIN_LEFT, "The group may not use swap (its limit is 0).");
	assert_says(rig, EXPLAIN_ADVICE, "Give '/shop/db' more than 100M");
	assert_silent(rig, EXPLAIN_WHAT, "ancestor");
	free(rig);
}
END_TEST

START_TEST(the_limit_of_an_ancestor)
{
	struct explain_rig *rig = explain_rig_group();

	strcpy(rig->report.task_memcg, "/shop/db/worker");
	assert_says(rig, EXPLAIN_WHAT, "the victim ran in '/shop/db/worker'");
	free(rig);
}
END_TEST

START_TEST(memory_and_swap_of_v1)
{
	struct explain_rig *rig = explain_rig_group();

	explain_rig_figure(rig, "/shop/db", "memory+swap usage", 204800, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "memory+swap limit", 204800, OOM_KB);
	assert_says(rig, EXPLAIN_WHAT, "reached its memory+swap limit of 200M.");
	assert_says(rig, EXPLAIN_ADVICE,
		    "more than 200M of memory and swap (memory.memsw.limit_in_bytes), or");
	rig->figures[rig->report.n_figures - 1].value.raw = 102400;
	rig->figures[rig->report.n_figures - 2].value.raw = 102400;
	assert_says(rig, EXPLAIN_ADVICE,
		    "(memory.memsw.limit_in_bytes and memory.limit_in_bytes), or");
	free(rig);
}
END_TEST

START_TEST(a_whole_machine)
{
	struct explain_rig *rig = explain_rig_machine();

	assert_says(rig, EXPLAIN_WHAT,
		    "The whole machine ran out of memory: 19.5M of 977M RAM free, no swap.\n");
	assert_says(rig, EXPLAIN_WHO,
		    "'php-fpm' (pid 77) asked for one page (4.00K, order 0): a user's page");
	assert_says(rig, EXPLAIN_WHO, "GFP_HIGHUSER_MOVABLE|__GFP_ZERO");
	assert_says(rig, EXPLAIN_LEFT, "Next to no page cache was left (3.91M).");
	assert_says(rig, EXPLAIN_ADVICE, "There is no swap");
	free(rig);
}
END_TEST

START_TEST(a_page_fault_is_no_shortage)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->report.cause = OOM_PAGEFAULT;
	assert_says(rig, EXPLAIN_WHAT, "A page fault failed for want of memory");
	assert_silent(rig, EXPLAIN_WHAT, "ran out");
	rig->report.cause = OOM_ALLOCATION;
	rig->figures[6].value.raw = 200000;
	assert_says(rig, EXPLAIN_WHAT, "although the machine had memory: 781M of 977M RAM free");
	free(rig);
}
END_TEST

START_TEST(sysrq_is_no_shortage)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->report.cause = OOM_SYSRQ;
	assert_says(rig, EXPLAIN_WHAT, "Somebody asked for this kill (SysRq f)");
	assert_silent(rig, EXPLAIN_WHAT, "ran out");
	assert_silent(rig, EXPLAIN_ADVICE, "There is no swap");
	free(rig);
}
END_TEST

START_TEST(nodes_of_a_policy_and_a_cpuset)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->report.scope = OOM_MEMPOLICY;
	strcpy(rig->report.nodemask, "1");
	assert_says(rig, EXPLAIN_WHAT, "memory policy allows ran out (nodes 1)");
	rig->report.scope = OOM_CPUSET;
	strcpy(rig->report.cpuset, "batch");
	strcpy(rig->report.mems_allowed, "0");
	assert_says(rig, EXPLAIN_WHAT, "(cpuset 'batch', nodes 0)");
	free(rig);
}
END_TEST

START_TEST(a_lost_head_is_not_guessed)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->report.scope = OOM_SCOPE_UNKNOWN;
	rig->report.header_line = 0;
	rig->report.cut_head = true;
	rig->report.n_figures = 0;
	assert_says(rig, EXPLAIN_WHAT, "does not say what ran out: the beginning");
	assert_says(rig, EXPLAIN_DIED, "'mysqld' (pid 42)");
	char *who = explain_rig_topic(rig, EXPLAIN_WHO);
	ck_assert_str_eq(who, "");
	free(who);
	free(rig);
}
END_TEST

START_TEST(other_killers_are_called_so)
{
	struct explain_rig *rig = explain_rig_group();

	rig->report.killer = OOM_SYSTEMD_OOMD;
	assert_says(rig, EXPLAIN_WHAT, "systemd-oomd");
	char *advice = explain_rig_topic(rig, EXPLAIN_ADVICE);
	ck_assert_str_eq(advice, "");
	free(advice);
	free(rig);
}
END_TEST

/* ---- who died and why ----------------------------------------------------------------------- */

START_TEST(the_victim_and_its_size)
{
	struct explain_rig *rig = explain_rig_group();

	assert_says(rig, EXPLAIN_DIED,
		    "'mysqld' (pid 42) of the group '/shop/db'. It held 78.1M (anonymous 77.1M, "
		    "files 0.98M): 78% of the limit.\n");
	assert_says(rig, EXPLAIN_WHY,
		    "It had the highest badness of 2 processes: 78.1M.\nNext was 'php-fpm' (pid "
		    "77) with 11.7M.\n");
	assert_says(rig, EXPLAIN_PROTECTED,
		    "1 process has an adjustment that forbids to choose "
		    "it: 'sshd' (pid 99) with 1.56M.");
	free(rig);
}
END_TEST

START_TEST(the_share_of_an_adjustment)
{
	struct explain_rig *rig = explain_rig_group();

	rig->tasks[0].oom_score_adj = 500;
	assert_says(rig, EXPLAIN_WHY, "of which its oom_score_adj of 500 makes 48.8M");
	rig->tasks[0].oom_score_adj = -500;
	assert_says(rig, EXPLAIN_WHY, "although its oom_score_adj of -500 takes 48.8M off");
	assert_silent(rig, EXPLAIN_WHY, "limit alone");
	rig->audit.total_least = true;
	assert_says(rig, EXPLAIN_WHY, "weighed with the limit alone: the log does not tell");
	rig->tasks[0].oom_score_adj = 0;
	assert_silent(rig, EXPLAIN_WHY, "limit alone");
	free(rig);
}
END_TEST

START_TEST(a_larger_one_that_was_spared)
{
	struct explain_rig *rig = explain_rig_group();

	explain_rig_task(rig, 50, "postgres", 22000, -900);
	assert_says(rig, EXPLAIN_WHY,
		    "'postgres' (pid 50) held more (85.9M), but its oom_score_adj is -900 and that "
		    "of the chosen one 0.");
	free(rig);
}
END_TEST

static const struct {
	enum audit_verdict verdict;
	const char *words;
} whys[] = {
	{AUDIT_TIE, "3 processes had the same, highest badness; among equals this kernel takes the "
		    "last one it meets."},
	{AUDIT_WITHIN_ERROR, "3 processes had the same badness, 78.1M, when the table was printed"},
	{AUDIT_CHILD, "kills a child in its parent's place"},
	{AUDIT_ALLOCATING, "vm.oom_kill_allocating_task is set"},
	{AUDIT_UNEXPLAINED, "does not explain it: 'php-fpm' (pid 77) had the higher badness, 11.7M "
			    "against 78.1M"},
};

START_TEST(every_verdict_has_its_why)
{
	struct explain_rig *rig = explain_rig_group();

	rig->audit.verdict = whys[_i].verdict;
	rig->audit.n_ties = 3;
	assert_says(rig, EXPLAIN_WHY, whys[_i].words);
	free(rig);
}
END_TEST

START_TEST(within_the_error)
{
	struct explain_rig *rig = explain_rig_group();

	rig->audit.verdict = AUDIT_WITHIN_ERROR;
	assert_says(rig, EXPLAIN_WHY,
		    "Its badness, 78.1M, and that of 'php-fpm' (pid 77), 11.7M, "
		    "differ by less");
	rig->audit.verdict = AUDIT_NOT_CHECKED;
	strcpy(rig->audit.why, "no task table");
	char *why = explain_rig_topic(rig, EXPLAIN_WHY);
	ck_assert_str_eq(why, "");
	free(why);
	free(rig);
}
END_TEST

START_TEST(nobody_died)
{
	struct explain_rig *rig = explain_rig_group();

	rig->report.n_kills = 0;
	rig->audit.verdict = AUDIT_NO_CHOICE;
	rig->report.no_killable = true;
	assert_says(rig, EXPLAIN_DIED, "Nobody: no process was left that may be killed.");
	rig->report.no_killable = false;
	rig->report.cut_tail = true;
	assert_says(rig, EXPLAIN_DIED, "The log does not say who: the report is cut");
	strcpy(rig->report.panic, "Out of memory: system-wide panic_on_oom is enabled");
	assert_says(rig, EXPLAIN_DIED, "The kernel panicked: Out of memory: system-wide");
	assert_says(rig, EXPLAIN_ADVICE, "vm.panic_on_oom is set");
	free(rig);
}
END_TEST

START_TEST(a_group_dies_together)
{
	struct explain_rig *rig = explain_rig_group();

	rig->kills[1] = rig->kills[0];
	rig->kills[1].pid = 77;
	rig->report.n_kills = 2;
	assert_says(rig, EXPLAIN_DIED, "1 more process was killed.");
	strcpy(rig->report.oom_group, "/shop");
	assert_says(rig, EXPLAIN_DIED,
		    "All of the group '/shop' was to die together "
		    "(memory.oom.group): 2 processes were killed.");
	free(rig);
}
END_TEST

/* ---- what was left and what to do ----------------------------------------------------------- */

START_TEST(fragmentation)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->report.order = 3;
	explain_rig_figure(rig, "Node 0 Normal", "free", 19000, OOM_KB);
	explain_rig_figure(rig, "Node 0 Normal", "min", 3000, OOM_KB);
	explain_rig_figure(rig, "Node 0 Normal", "4kB", 4700, OOM_COUNT);
	explain_rig_figure(rig, "Node 0 Normal", "32kB", 0, OOM_COUNT);
	explain_rig_figure(rig, "Node 0 Normal", "64kB", 0, OOM_COUNT);
	assert_says(rig, EXPLAIN_LEFT,
		    "Zone 'Node 0 Normal' had 18.6M free, but no block of order "
		    "3 or more");
	assert_says(rig, EXPLAIN_WHO, "8 contiguous pages (32.0K, order 3)");
	rig->figures[rig->report.n_figures - 1].value.raw = 1;
	assert_silent(rig, EXPLAIN_LEFT, "fragmented");
	free(rig);
}
END_TEST

START_TEST(a_zone_below_its_minimum)
{
	struct explain_rig *rig = explain_rig_machine();

	explain_rig_figure(rig, "Normal", "free", 2000, OOM_KB);
	explain_rig_figure(rig, "Normal", "min", 3000, OOM_KB);
	assert_says(rig, EXPLAIN_LEFT,
		    "Below the minimum of its zone: 'Normal' (2000K free, min 3000K).\n");
	free(rig);
}
END_TEST

START_TEST(many_zones_are_one_sentence)
{
	struct explain_rig *rig = explain_rig_machine();
	static const char *const zones[] = {"Node 0 Normal", "Node 1 Normal", "Node 2 Normal",
					    "Node 3 Normal", "Node 4 Normal", "Node 5 Normal"};

	for (size_t i = 0; i < 6; i++) {
		explain_rig_figure(rig, zones[i], "free", 2000, OOM_KB);
		explain_rig_figure(rig, zones[i], "min", 3000, OOM_KB);
	}
	assert_says(rig, EXPLAIN_LEFT,
		    "'Node 3 Normal' (2000K free, min 3000K), and 2 more zones.\n");
	assert_silent(rig, EXPLAIN_LEFT, "Node 4");
	free(rig);
}
END_TEST

START_TEST(free_swap_helps_no_kernel_memory)
{
	struct explain_rig *rig = explain_rig_machine();

	rig->figures[9].value.raw = 900;
	rig->figures[10].value.raw = 1000;
	assert_says(rig, EXPLAIN_ADVICE, "Most of the swap was free");
	rig->report.cause = OOM_SYSRQ;
	assert_silent(rig, EXPLAIN_ADVICE, "swap");
	free(rig);
}
END_TEST

START_TEST(swap_is_not_advised_where_nothing_could_go_there)
{
	struct explain_rig *rig = explain_rig_machine();

	for (size_t i = 0; i < rig->report.n_figures; i++)
		if (strstr(rig->figures[i].name, "active_anon"))
			rig->figures[i].value.raw = 100;
	assert_silent(rig, EXPLAIN_ADVICE, "swap");
	free(rig);
}
END_TEST

/* 6.7: anon, file and kernel make up the usage; zswap's pages are objects of the kernel's. */
START_TEST(zswap_is_the_kernels)
{
	struct explain_rig *rig = explain_rig_group();
	STR_AUTO text = STR_INIT;

	explain_rig_figure(rig, "/shop/db", "kernel", 4096, OOM_KB);
	explain_rig_figure(rig, "/shop/db", "zswap", 1024, OOM_KB);
	explain_text(&text, &rig->item, &(struct explain_view){.top = 1});
	ck_assert_msg(strstr(str_text(&text), "of it compressed (zswap)"), "%s", str_text(&text));
	free(rig);
}
END_TEST

START_TEST(advice_looks_for_its_signs)
{
	struct explain_rig *rig = explain_rig_machine();

	assert_silent(rig, EXPLAIN_ADVICE, "tmpfs");
	assert_silent(rig, EXPLAIN_ADVICE, "slabtop");
	rig->figures[5].value.raw = 100000;
	assert_says(rig, EXPLAIN_ADVICE, "391M is tmpfs or shared memory");
	rig->figures[4].value.raw = 100000;
	assert_says(rig, EXPLAIN_ADVICE, "391M is unreclaimable slab");
	rig->tasks[2].rss = 200000;
	assert_says(rig, EXPLAIN_ADVICE, "'sshd' (pid 99) holds the most (781M) and is protected");
	rig->report.allocating_task = true;
	assert_says(rig, EXPLAIN_ADVICE, "vm.oom_kill_allocating_task=0");
	free(rig);
}
END_TEST

START_TEST(many_small_ones_together)
{
	struct explain_rig *rig = explain_rig_machine();

	for (int64_t i = 0; i < 5; i++)
		explain_rig_task(rig, 200 + i, "httpd", 19000, 0);
	rig->tasks[0].rss = 19000;
	assert_says(rig, EXPLAIN_ADVICE,
		    "5 processes named 'httpd' hold far more together than the one that died: at "
		    "most 371M");
	free(rig);
}
END_TEST

Suite *explain_words_suite(void)
{
	Suite *suite = suite_create("explain_words");
	TCase *tcase = tcase_create("words");

	tcase_add_test(tcase, a_group_at_its_limit);
	tcase_add_test(tcase, the_limit_of_an_ancestor);
	tcase_add_test(tcase, memory_and_swap_of_v1);
	tcase_add_test(tcase, a_whole_machine);
	tcase_add_test(tcase, sysrq_is_no_shortage);
	tcase_add_test(tcase, nodes_of_a_policy_and_a_cpuset);
	tcase_add_test(tcase, a_lost_head_is_not_guessed);
	tcase_add_test(tcase, other_killers_are_called_so);
	tcase_add_test(tcase, the_victim_and_its_size);
	tcase_add_test(tcase, the_share_of_an_adjustment);
	tcase_add_test(tcase, a_larger_one_that_was_spared);
	tcase_add_loop_test(tcase, every_verdict_has_its_why, 0, sizeof(whys) / sizeof(*whys));
	tcase_add_test(tcase, within_the_error);
	tcase_add_test(tcase, nobody_died);
	tcase_add_test(tcase, a_page_fault_is_no_shortage);
	tcase_add_test(tcase, a_group_dies_together);
	tcase_add_test(tcase, fragmentation);
	tcase_add_test(tcase, a_zone_below_its_minimum);
	tcase_add_test(tcase, many_zones_are_one_sentence);
	tcase_add_test(tcase, free_swap_helps_no_kernel_memory);
	tcase_add_test(tcase, swap_is_not_advised_where_nothing_could_go_there);
	tcase_add_test(tcase, zswap_is_the_kernels);
	tcase_add_test(tcase, advice_looks_for_its_signs);
	tcase_add_test(tcase, many_small_ones_together);
	suite_add_tcase(suite, tcase);
	return suite;
}
