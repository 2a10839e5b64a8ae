/*
 * Line forms of all generations, alone: what the head, the choice and the kill say in 2.4 to 7.x,
 * in vendors' kernels, and with names that try to look like fields.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/oomlog_rig.h"

static struct oomlog_rig *rig;

static const struct oom_report *one(const char *text)
{
	rig = oomlog_rig_text(text);
	ck_assert_msg(rig->n == 1, "%zu reports in: %s", rig->n, text);
	return &rig->reports[0];
}

static void done(void)
{
	oomlog_rig_free(rig);
	rig = NULL;
}

/* ---- heads ---------------------------------------------------------------------------------- */

struct head_case {
	const char *line, *comm, *mask, *flags, *nodemask;
	int order, adj, score_adj;
};

#define NO INT32_MIN
static const struct head_case heads[] = {
	{"oom-killer: gfp_mask=0xd0", "", "0xd0", "", "", NO, NO, NO},
	{"oom-killer: gfp_mask=0x1d2, order=0", "", "0x1d2", "", "", 0, NO, NO},
	{"a b invoked oom-killer: gfp_mask=0xd0, order=1, oomkilladj=-17", "a b", "0xd0", "", "", 1,
	 -17, NO},
	{"x invoked oom-killer: gfp_mask=0xd0, order=1, oom_adj=3", "x", "0xd0", "", "", 1, 3, NO},
	{"x invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=3, oom_score_adj=176", "x", "0xd0",
	 "", "", 0, 3, 176},
	{"x invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=-1000", "x", "0xd0", "", "",
	 0, NO, -1000},
	{"x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL|__GFP_X), order=2, oom_score_adj=0", "x",
	 "0xcc0", "GFP_KERNEL|__GFP_X", "", 2, NO, 0},
	{"x invoked oom-killer: gfp_mask=0xcc0(A), nodemask=0,2-3, order=0, oom_score_adj=0", "x",
	 "0xcc0", "A", "0,2-3", 0, NO, 0},
	{"x invoked oom-killer: gfp_mask=0xcc0(A), nodemask=(null),  order=0, oom_score_adj=0", "x",
	 "0xcc0", "A", "(null)", 0, NO, 0},
	{"(x), y invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0", "(x), y",
	 "0xcc0", "A", "", 0, NO, 0},
};

START_TEST(head_of_each_generation)
{
	const struct head_case *c = &heads[_i];
	const struct oom_report *r = one(c->line);

	ck_assert_str_eq(r->comm, c->comm);
	ck_assert_str_eq(r->gfp_mask, c->mask);
	ck_assert_str_eq(r->gfp_flags, c->flags);
	ck_assert_str_eq(r->nodemask, c->nodemask);
	ck_assert_int_eq(r->order, c->order);
	ck_assert_int_eq(r->oom_adj, c->adj);
	ck_assert_int_eq(r->oom_score_adj, c->score_adj);
	ck_assert_uint_eq(r->header_line, 1);
	ck_assert_int_eq(r->cause, OOM_ALLOCATION);
	ck_assert(!r->cut_head && r->cut_tail);
	done();
}
END_TEST

struct cpu_case {
	const char *line, *kernel;
	int pid, uid, cpu;
};

static const struct cpu_case cpus[] = {
	{"CPU: 3 PID: 77 Comm: x Not tainted 5.10.0-10-amd64 #1 Debian 5.10", "5.10.0-10-amd64", 77,
	 -1, 3},
	{"CPU: 3 UID: 1000 PID: 77 Comm: x Tainted: G        W          6.12.0-rc1+ #9",
	 "6.12.0-rc1+", 77, 1000, 3},
	{"CPU: 3 PID: 77 Comm: x Kdump: loaded Tainted: P           OE    4.18.0-240.el8 #1",
	 "4.18.0-240.el8", 77, -1, 3},
	{"Pid: 77, comm: x Not tainted 2.6.32-431.el6.x86_64 #1", "2.6.32-431.el6.x86_64", 77, -1,
	 -1},
	{"Pid: 77, comm: x Tainted: P           (2.6.26 #1)", "2.6.26", 77, -1, -1},
};

START_TEST(cpu_line_tells_the_release)
{
	char text[512] = "x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n";
	const struct cpu_case *c = &cpus[_i];
	const struct oom_report *r = one(strcat(text, c->line));

	ck_assert_str_eq(r->kernel, c->kernel);
	ck_assert_int_eq(r->invoker_pid, c->pid);
	ck_assert_int_eq(r->invoker_uid, c->uid);
	ck_assert_int_eq(r->cpu, c->cpu);
	done();
}
END_TEST

START_TEST(cpu_line_of_another_task)
{
	const struct oom_report *r =
		one("x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n"
		    "CPU: 1 PID: 5 Comm: y Not tainted 4.0.0 #1\n");

	ck_assert_int_eq(r->invoker_pid, -1);
	ck_assert_str_eq(r->kernel, "");
	ck_assert_uint_eq(r->last_line, 1);
	done();
}
END_TEST

START_TEST(causes)
{
	const struct oom_report *r =
		one("kworker/0:0 invoked oom-killer: gfp_mask=0xcc0(A), order=-1, oom_score_adj=0");

	ck_assert_int_eq(r->cause, OOM_SYSRQ);
	done();
	r = one("x invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0");
	ck_assert_int_eq(r->cause, OOM_PAGEFAULT);
	done();
	r = one("SysRq : Manual OOM execution\n"
		"events/0 invoked oom-killer: gfp_mask=0xd0, order=0, oomkilladj=0\n");
	ck_assert_int_eq(r->cause, OOM_SYSRQ);
	done();
	r = one("kworker/1:1 invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
		"Workqueue: events moom_callback\n");
	ck_assert_int_eq(r->cause, OOM_SYSRQ);
	done();
}
END_TEST

/* ---- kills ---------------------------------------------------------------------------------- */

struct kill_case {
	const char *line, *comm;
	enum oom_deed deed;
	int pid, uid, score;
	int anon_kb, shmem_kb; /* -1: not said */
	enum oom_scope scope;
};

#define V4 " total-vm:40kB, anon-rss:20kB, file-rss:4kB"
static const struct kill_case kills[] = {
	{"Out of Memory: Killed process 92 (portmap).", "portmap", OOM_KILLED, 92, -1, -1, -1, -1,
	 OOM_GLOBAL},
	{"Out of Memory: Kill process 92 (a) score 711 and children.", "a", OOM_SELECTED, 92, -1,
	 711, -1, -1, OOM_GLOBAL},
	{"No available memory (MPOL_BIND): Killed process 5 (a).", "a", OOM_KILLED, 5, -1, -1, -1,
	 -1, OOM_MEMPOLICY},
	{"No available memory in cpuset: Killed process 5 (a).", "a", OOM_KILLED, 5, -1, -1, -1, -1,
	 OOM_CPUSET},
	{"Out of memory: Killed process 5, UID 51, (a).", "a", OOM_KILLED, 5, 51, -1, -1, -1,
	 OOM_GLOBAL},
	{"Out of memory: kill process 5 (a) score 9 or a child", "a", OOM_SELECTED, 5, -1, 9, -1,
	 -1, OOM_GLOBAL},
	{"Killed process 5 (a) vsz:40kB, anon-rss:20kB, file-rss:4kB", "a", OOM_KILLED, 5, -1, -1,
	 20, -1, OOM_SCOPE_UNKNOWN},
	{"Out of memory: Kill process 5 (a) score 1046 or sacrifice child", "a", OOM_SELECTED, 5,
	 -1, 1046, -1, -1, OOM_GLOBAL},
	{"Memory cgroup out of memory: Kill process 5 (a) score 0 or sacrifice child", "a",
	 OOM_SELECTED, 5, -1, 0, -1, -1, OOM_MEMCG},
	{"Killed process 5, UID 500, (a)" V4, "a", OOM_KILLED, 5, 500, -1, 20, -1,
	 OOM_SCOPE_UNKNOWN},
	{"Killed process 5 (a), UID 500," V4 ", shmem-rss:1kB", "a", OOM_KILLED, 5, 500, -1, 20, 1,
	 OOM_SCOPE_UNKNOWN},
	{"Killed process 5 (a)" V4 ", shmem-rss:0lB", "a", OOM_KILLED, 5, -1, -1, 20, 0,
	 OOM_SCOPE_UNKNOWN},
	{"Out of memory: Killed process 5 (a)" V4 ", shmem-rss:1kB, UID:3", "a", OOM_KILLED, 5, 3,
	 -1, 20, 1, OOM_GLOBAL},
	{"Memory cgroup out of memory: Killed process 5 ((sd-pam))" V4, "(sd-pam)", OOM_KILLED, 5,
	 -1, -1, 20, -1, OOM_MEMCG},
	{"Out of memory: Killed process 5 (a) b, (c))" V4, "a) b, (c)", OOM_KILLED, 5, -1, -1, 20,
	 -1, OOM_GLOBAL},
	{"Out of memory: Killed process 5 (tmux: server)" V4, "tmux: server", OOM_KILLED, 5, -1, -1,
	 20, -1, OOM_GLOBAL},
	{"Out of memory: Kill process 5 (x) score 9 y) score 12 or sacrifice child", "x) score 9 y",
	 OOM_SELECTED, 5, -1, 12, -1, -1, OOM_GLOBAL},
	{"Out of memory: Killed process 5 (531)" V4, "531", OOM_KILLED, 5, -1, -1, 20, -1,
	 OOM_GLOBAL},
	{"Kill process 5 (a) sharing same memory", "a", OOM_SHARING, 5, -1, -1, -1, -1,
	 OOM_SCOPE_UNKNOWN},
	{"Out of memory: OOM victim 5 (a) is already exiting. Skip killing the task", "a",
	 OOM_EXITING, 5, -1, -1, -1, -1, OOM_GLOBAL},
	{"oom_reaper: reaped process 5 (a), now anon-rss:20kB, file-rss:0kB, shmem-rss:1kB", "a",
	 OOM_REAPED, 5, -1, -1, 20, 1, OOM_SCOPE_UNKNOWN},
	{"oom_reaper: unable to reap pid:5 (a)", "a", OOM_UNREAPED, 5, -1, -1, -1, -1,
	 OOM_SCOPE_UNKNOWN},
};

static void check_value(const struct oom_value *value, int kb, const char *line)
{
	ck_assert_msg((value->have == OOM_SAID) == (kb >= 0), "%s", line);
	if (kb < 0)
		return;
	ck_assert_uint_eq(value->raw, (uint64_t)kb);
	ck_assert_int_eq(value->unit, OOM_KB);
	ck_assert_uint_eq(value->line, 1);
}

START_TEST(kill_of_each_generation)
{
	const struct kill_case *c = &kills[_i];
	const struct oom_report *r = one(c->line);

	ck_assert_uint_eq(r->n_kills, 1);
	const struct oom_kill *kill = &r->kills[0];
	ck_assert_int_eq(kill->deed, c->deed);
	ck_assert_str_eq(kill->comm, c->comm);
	ck_assert_int_eq(kill->pid, c->pid);
	ck_assert_int_eq(kill->uid, c->uid);
	ck_assert_int_eq(kill->score, c->score < 0 ? INT64_MIN : c->score);
	check_value(&kill->anon_rss, c->anon_kb, c->line);
	check_value(&kill->shmem_rss, c->shmem_kb, c->line);
	ck_assert_int_eq(r->scope, c->scope);
	ck_assert(r->cut_head);
	done();
}
END_TEST

START_TEST(pinned_by_another)
{
	const struct oom_report *r = one("Out of memory: Killed process 5 (a)" V4 "\n"
					 "oom killer 5 (a) has mm pinned by 1 (b (c))\n");

	ck_assert_uint_eq(r->n_kills, 2);
	ck_assert_int_eq(r->kills[1].deed, OOM_PINNED);
	ck_assert_int_eq(r->kills[1].pid, 5);
	ck_assert_int_eq(r->kills[1].other_pid, 1);
	ck_assert_str_eq(r->kills[1].other_comm, "b (c)");
	done();
}
END_TEST

START_TEST(child_in_its_parents_place)
{
	const struct oom_report *r =
		one("Out of memory: Kill process 5 (a) score 9 or sacrifice child\n"
		    "Killed process 6 (b)" V4 "\n");

	ck_assert_int_eq(oom_selected(r)->pid, 5);
	ck_assert_int_eq(oom_victim(r)->pid, 6);
	ck_assert(!r->cut_tail);
	done();
}
END_TEST

START_TEST(cut_kill_line_has_lost_its_figures)
{
	const struct oom_report *r = one("Out of memory: Killed process 5 (a) total-vm:40kB,");

	ck_assert_int_eq(r->kills[0].total_vm.have, OOM_SAID);
	ck_assert_int_eq(r->kills[0].anon_rss.have, OOM_LOST);
	ck_assert_int_eq(r->kills[0].shmem_rss.have, OOM_LOST);
	done();
	r = one("Killed process 5 (a)" V4);
	ck_assert_int_eq(r->kills[0].shmem_rss.have, OOM_UNSAID);
	done();
	r = one("oom_reaper: reaped process 5 (a), now");
	ck_assert_int_eq(r->kills[0].anon_rss.have, OOM_LOST);
	done();
}
END_TEST

START_TEST(summary_line)
{
	const struct oom_report *r =
		one("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=0,2,cpuset=c,mems_allowed=0,3,"
		    "oom_memcg=/a,b,task_memcg=/a,b/c,task=x,pid=1,y,pid=42,uid=7");

	ck_assert_str_eq(r->constraint, "CONSTRAINT_MEMCG");
	ck_assert_str_eq(r->nodemask, "0,2");
	ck_assert_str_eq(r->cpuset, "c");
	ck_assert_str_eq(r->mems_allowed, "0,3");
	ck_assert_str_eq(r->oom_memcg, "/a,b");
	ck_assert_str_eq(r->task_memcg, "/a,b/c");
	ck_assert_str_eq(r->summary_comm, "x,pid=1,y");
	ck_assert_int_eq(r->summary_pid, 42);
	ck_assert_int_eq(r->summary_uid, 7);
	ck_assert_int_eq(r->scope, OOM_MEMCG);
	done();
}
END_TEST

START_TEST(scopes_of_summaries)
{
	static const struct {
		const char *constraint, *group;
		enum oom_scope scope;
	} rows[] = {
		{"CONSTRAINT_NONE", "global_oom", OOM_GLOBAL},
		{"CONSTRAINT_NONE", "oom_memcg=/a", OOM_MEMCG}, /* 5.0 and 5.1 */
		{"CONSTRAINT_CPUSET", "global_oom", OOM_CPUSET},
		{"CONSTRAINT_MEMORY_POLICY", "global_oom", OOM_MEMPOLICY},
		{"CONSTRAINT_BPF_PSI_MEM", "oom_memcg=/a", OOM_MEMCG},
	};
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "oom-kill:constraint=%s,nodemask=(null),cpuset=/,mems_allowed=0,%s,"
			 "task_memcg=/,task=a,pid=1,uid=0\noom_policy=strict\n",
			 rows[i].constraint, rows[i].group);
		const struct oom_report *r = one(text);
		ck_assert_int_eq(r->scope, rows[i].scope);
		ck_assert_str_eq(r->constraint, rows[i].constraint);
		ck_assert_str_eq(r->oom_policy, "strict");
		done();
	}
}
END_TEST

START_TEST(ends_without_a_victim)
{
	const struct oom_report *r =
		one("x invoked oom-killer: gfp_mask=0xcc0(A), order=0, oom_score_adj=0\n"
		    "Out of memory and no killable processes...\n"
		    "Kernel panic - not syncing: System is deadlocked on memory\n");

	ck_assert(r->no_killable && !r->cut_tail);
	ck_assert_str_eq(r->panic, "System is deadlocked on memory");
	done();
	r = one("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled");
	ck_assert_str_eq(r->panic, "Out of memory: compulsory panic_on_oom is enabled");
	ck_assert_int_eq(r->scope, OOM_GLOBAL);
	done();
	r = one("Kernel panic - not syncing: Out of memory and no killable processes...");
	ck_assert(r->no_killable);
	done();
	r = one("sysrq: OOM request ignored. No task eligible");
	ck_assert(r->disabled && !r->cut_tail && !r->cut_head);
	ck_assert_int_eq(r->cause, OOM_SYSRQ);
	done();
	r = one("x invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
		"Out of memory (oom_kill_allocating_task): Kill process 5 (a) score 0 or "
		"sacrifice child\nKilled process 5 (a)" V4 "\n");
	ck_assert(r->allocating_task);
	done();
}
END_TEST

START_TEST(not_an_oom)
{
	static const char *const texts[] = {
		"",
		"OOM killer enabled.",
		"Kernel panic - not syncing: Attempted to kill init!",
		"Killed process",
		"Killed process x (y)",
		"Mem-Info:\nactive_anon:1 inactive_anon:2 isolated_anon:0\n1000 pages RAM\n",
		"MCE: Killing a:5 due to hardware memory corruption fault at 7f",
		"audit: killed by oomph",
		NULL};

	for (int i = 0; texts[i]; i++) {
		rig = oomlog_rig_text(texts[i]);
		ck_assert_msg(rig->n == 0, "%s", texts[i]);
		done();
	}
}
END_TEST

Suite *oomlog_forms_suite(void);

Suite *oomlog_forms_suite(void)
{
	Suite *suite = suite_create("oomlog_forms");
	TCase *tests = tcase_create("forms");

	tcase_add_loop_test(tests, head_of_each_generation, 0, sizeof(heads) / sizeof(*heads));
	tcase_add_loop_test(tests, cpu_line_tells_the_release, 0, sizeof(cpus) / sizeof(*cpus));
	tcase_add_test(tests, cpu_line_of_another_task);
	tcase_add_test(tests, causes);
	tcase_add_loop_test(tests, kill_of_each_generation, 0, sizeof(kills) / sizeof(*kills));
	tcase_add_test(tests, pinned_by_another);
	tcase_add_test(tests, child_in_its_parents_place);
	tcase_add_test(tests, cut_kill_line_has_lost_its_figures);
	tcase_add_test(tests, summary_line);
	tcase_add_test(tests, scopes_of_summaries);
	tcase_add_test(tests, ends_without_a_victim);
	tcase_add_test(tests, not_an_oom);
	suite_add_tcase(suite, tests);
	return suite;
}
