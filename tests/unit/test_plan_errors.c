/*
 * harness/plan: what is wrong with a scenario is told with its place, before anything is done; and
 * steps that can never happen are found without running them.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "tests/lib/scenario_rig.h"

Suite *plan_errors_suite(void);

/* All mistakes of a file at once, sorted by place. */
START_TEST(all_mistakes_of_a_file)
{
	STR_AUTO text = STR_INIT;
	STR_AUTO expected = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_ge(
		fd_read_all(AT_FDCWD, "tests/fixtures/scenario/mistakes.yaml", &text, &err), 0);
	ck_assert_int_ge(
		fd_read_all(AT_FDCWD, "tests/fixtures/scenario/mistakes.txt", &expected, &err), 0);
	MEM_AUTO char *lines = scenario_rig_mistakes(str_text(&text));
	ck_assert_str_eq(lines, str_text(&expected));
}
END_TEST

/* ---- single mistakes ----------------------------------------------------------------------- */

#define GROUP "groups: {g: {memory.max: 64M}, h: {memory.max: 32M}, g/sub: {}}\n"
#define TASKS                                                                  \
	GROUP "tasks: {a: {run: step, group: g}, b: {run: blocks, group: g}, " \
	      "c: {exec: [cat], group: g}, l: {run: step, group: g/sub, spawn: later}}\n"
#define END "steps: [{expect: {within: 1s}}]\n"

static const struct {
	const char *text, *line;
} single[] = {
	{"name: x\n", "1:1: key 'steps' is missing"},
	{"name: [x]\n" END, "1:7: name, expected a name such as limit-kills-largest, got a list"},
	{"repeat: 0\n" END, "1:9: repeat, expected at least 1, got '0'"},
	{"timeout: 5\n" END,
	 "1:10: timeout: '5' is not a duration, expected a number and a unit such as 100ms, 2s or "
	 "5m"},
	{"within: 0\n" END, "1:9: within, expected a duration above 0, got '0'"},
	{"needs: [v1]\n" END,
	 "1:8: needs, expected a map such as {memory: v1, swap: none}, got a list"},
	{"needs: {cap: net_admin}\n" END,
	 "1:14: cap, expected one of: sys_resource, sys_admin, got 'net_admin'"},
	{"host: {swap: {disk: 1G}}\n" END,
	 "1:15: unknown key 'disk' of 'swap', expected one of: file, zram"},
	{"host: {sysctl: {kernel.panic: 1}}\n" END,
	 "1:17: unknown sysctl 'kernel.panic', expected one of: vm.oom_kill_allocating_task, "
	 "vm.panic_on_oom, vm.oom_dump_tasks, vm.overcommit_memory, vm.overcommit_ratio, "
	 "vm.overcommit_kbytes, vm.swappiness, vm.min_free_kbytes, kernel.sysrq, "
	 "vm.nr_hugepages"},
	{"groups: {a//b: {}}\n" END, "1:10: group '', expected a letter or digit, then letters, "
				     "digits, '_', '-' and '.', 64 in "
				     "all at most"},
	{"groups: {../a: {}}\n" END,
	 "1:10: group '..', expected a letter or digit, then letters, digits, '_', '-' and '.', 64 "
	 "in all at most"},
	{"groups: {memory.max: 80M}\n" END,
	 "1:10: group 'memory.max', expected another name: the kernel's own files are called so"},
	{"groups: {a: {memory.max: [1M]}}\n" END, "1:26: memory.max, expected a value, got a list"},
	{"groups: {a: {memory.max: {value: 1M, errno: EBUSY}}}\n" END,
	 "1:26: errno of 'memory.max', expected only in 'set' steps"},
	{"groups: {a: {memory.max: {errno: EBUSX}}}\n" END,
	 "1:26: key 'value' of 'memory.max' is missing\n"
	 "t.yaml:1:34: errno, expected a name such as EBUSY or EINVAL, or 'any', got 'EBUSX'"},
	{"tasks: {t: {run: step, args: [x]}}\n" END,
	 "1:30: args, expected only with 'exec' or 'run: stress-ng': a workload's options are keys "
	 "of the task"},
	{"tasks: {t: {exec: cat}}\n" END,
	 "1:19: exec, expected a list such as [cat, /dev/zero], got 'cat'"},
	{"tasks: {t: {run: step, via: tuch}}\n" END,
	 "1:29: option 'via': 'tuch' is none of touch, read, populate, map-populate, mlock, "
	 "tmpfs-write; did you mean 'touch'?"},
	{"tasks: {t: {run: blocks, total: 50%}}\n" END,
	 "1:33: total: '50%' is a part of the group of task 't', which has no memory.max; expected "
	 "a size such as 80M"},
	{"tasks: {t: {run: step, start: ready}}\n" END,
	 "1:9: start of task 't', expected lockstep, got 'ready': 'step' has no pattern of its "
	 "own"},
	{"tasks: {t: {exec: [cat], start: later}}\n" END,
	 "1:9: start of task 't', expected only for workloads: a command begins when it is spawned "
	 "('spawn: later' and a 'spawn' step)"},
	{"tasks: {t: {run: step, copies: 2}, t-1: {run: step}}\n" END,
	 "1:36: task 't-1' is there twice, once as a copy"},
	{"tasks: {t: {run: step, rlimits: {memory: 1M}}}\n" END,
	 "1:34: unknown resource limit 'memory', expected one of: as, core, cpu, data, fsize, "
	 "memlock, "
	 "nofile, nproc, stack"},
	{"tasks: {t: {run: step, user: 4294967295}}\n" END,
	 "1:30: user: 4294967295 is more than 4294967294"},
	{TASKS "steps: [step]\n",
	 "3:9: step, expected a map with one key such as 'set' or 'expect', got 'step'"},
	{TASKS "steps: [{when: {memory: v1}}]\n",
	 "3:9: step, expected a map with one key such as 'set' or 'expect', got a map"},
	{TASKS "steps: [{step: {task: a, size: 0}}]\n",
	 "3:32: size, expected something between one page and all, got '0'"},
	{"tasks: {t: {run: step}}\nsteps: [{step: {task: t, size: rest}}]\n",
	 "2:32: size 'rest': the group of task 't' has no memory.max to compute from"},
	{TASKS "steps: [{step: {task: c, size: 1M}}]\n",
	 "3:23: step: task 'c' is a command, expected a workload that can be told"},
	{TASKS "steps: [{step: {task: a, size: 1M, times: 2, until: sent}}]\n",
	 "3:16: times, expected 1 with 'until: sent': a task takes one command at a time"},
	{TASKS "steps: [{free: {task: a, until: killed}}]\n",
	 "3:16: until, expected done or sent: giving memory back cannot end otherwise"},
	{TASKS "steps: [{start: [a]}]\n", "3:18: start: task 'a' has no pattern to start"},
	{TASKS "steps: [{quit: c}]\n",
	 "3:16: quit: task 'c' is a command, expected a workload; commands end by 'signal'"},
	{TASKS "steps: [{quit: {a: 256}}]\n", "3:20: exit status: 256 is not within 0 to 255"},
	{TASKS "steps: [{signal: {a: TREM}}]\n",
	 "3:22: signal, expected a name such as TERM, KILL, INT or a number, got 'TREM'"},
	{TASKS "steps: [{signal: [a]}]\n",
	 "3:18: signal, expected a map such as {alloc_1: TERM}, got a list"},
	{TASKS "steps: [{move: {a: x}}]\n",
	 "3:20: unknown group 'x', expected one of: g, h, g/sub"},
	{TASKS "steps: [{nice: {'x*': 3}}]\n", "3:17: nice: no task is called 'x*'"},
	{TASKS "steps: [{swap: off}]\n",
	 "3:16: swap: the scenario has no swap of its own, expected 'host: {swap: SIZE}'"},
	{TASKS "steps: [{watch: {g: {some: 50ms, in: 100ms}}}]\n",
	 "3:21: watch, expected a map such as {some: 50ms, in: 1s}, in 500ms to 10s, got a map"},
	{TASKS "steps: [{reset_peak: x}]\n",
	 "3:22: unknown group 'x', expected one of: g, h, g/sub"},
	{TASKS "steps: [{trace: y}]\n", "3:17: unknown task 'y', expected one of: a, b, c, l"},
	{TASKS "steps: [{trace: {a: exti}}]\n",
	 "3:21: trace, expected one of: now, exit, got 'exti'"},
	{TASKS "steps: [{trace: {}}]\n",
	 "3:17: trace, expected a map such as {alloc_1: exit}, got an empty map"},
	{TASKS "needs: {swap: own}\nsteps: [{expect: {}}]\n",
	 "3:15: swap: the scenario has no swap of its own, expected 'host: {swap: SIZE}'"},
	{TASKS "needs: {counters: [ooms]}\nsteps: [{expect: {}}]\n",
	 "3:19: counters: unknown counter 'ooms', did you mean 'oom'; fields of memory.stat and "
	 "memory.events are 'stat.NAME' and 'events.NAME'"},
	{TASKS "steps: [{set: {g: {memory.max: {value: 1M, nonblock: 3}}}}]\n",
	 "3:54: nonblock: '3' is neither yes nor no"},
	{TASKS "steps: [{watch: {x: {some: 50ms, in: 1s}}}]\n",
	 "3:18: unknown group 'x', expected one of: g, h, g/sub"},
	{TASKS "steps: [{expect: [a]}]\n",
	 "3:18: expect, expected a map such as {killed: [alloc_1], alive: [alloc_2]}, got a list"},
	{TASKS "steps: [{repeat: {times: 2}}]\n", "3:18: key 'steps' of 'repeat' is missing"},
	{TASKS "steps: [{set: {g: {}}}]\n",
	 "3:19: set, expected a map of knobs such as {memory.max: 80M}, got an empty map"},
};

START_TEST(one_mistake)
{
	MEM_AUTO char *lines = scenario_rig_mistakes(single[_i].text);
	MEM_AUTO char *others = NULL;

	/* 'l' waits for a 'spawn' step that is not what these are about. */
	const char *spawn = strstr(lines, ": task 'l' is never there");
	if (spawn)
		others = mem_dup(strchr(spawn, '\n') + 1);
	MEM_AUTO char *expected = mem_printf("t.yaml:%s\n", single[_i].line);
	ck_assert_str_eq(others ? others : lines, expected);
}
END_TEST

/* ---- steps that can never happen ------------------------------------------------------------ */

#define ON                                                                                        \
	"groups: {g: {memory.max: 64M}, g/sub: {}, h: {}}\n"                                      \
	"tasks: {a: {run: step, group: g}, b: {run: step, group: g}, q: {run: heartbeat, group: " \
	"h}, "                                                                                    \
	"r: {run: blocks, group: g}}\n"                                                           \
	"steps:\n"
#define OFF_KILLER "- set: {g: {memory.oom_control: disabled}}\n"
#define PAUSE	   "- step: {task: a, size: 80M, until: blocked}\n"

static const struct {
	const char *steps, *line; /* "": fine */
} never[] = {
	{"- quit: a\n- step: {task: a, size: 1M}\n",
	 "5:3: step can never happen: task 'a' was told to quit on line 4"},
	{"- signal: {a: KILL}\n- free: {task: a}\n",
	 "5:3: free can never happen: task 'a' got SIGKILL on line 4"},
	{"- signal: {a: STOP}\n- free: {task: a}\n", ""},
	{"- expect: {killed: [a]}\n- nice: {a: 3}\n",
	 "5:3: nice can never happen: task 'a' was to be killed on line 4"},
	{"- expect: {killed: {a.*: 2}}\n- nice: {a: 3}\n", ""},
	{"- expect: {exited: {a: 0}}\n- move: {a: h}\n",
	 "5:3: move can never happen: task 'a' was to exit on line 4"},
	{"- expect: {killed: [a]}\n- expect: {alive: [b, a]}\n",
	 "5:23: alive can never happen: task 'a' was to be killed on line 4"},
	{"- step: {task: a, size: 80M, until: dead}\n- expect: {killed: [a]}\n", ""},
	{"- step: {task: a, size: 80M, until: dead}\n- expect: {alive: [a]}\n",
	 "5:20: alive can never happen: task 'a' was to die ('until: dead') on line 4"},
	{"- expect: {killed: [q]}\n",
	 "4:21: killed can never happen: no group of task 'q' has a limit (memory.max)"},
	{"- move: {q: g}\n- expect: {killed: [q]}\n", ""},
	{"- set: {h: {memory.max: 8M}}\n- expect: {killed: [q]}\n", ""},
	{PAUSE, "4:3: until: blocked can never happen: no group of task 'a' has its OOM killer "
		"disabled here (memory.oom_control: disabled)"},
	{OFF_KILLER PAUSE, ""},
	{OFF_KILLER "- move: {a: h}\n- set: {h: {memory.max: 1M}}\n" PAUSE,
	 "7:3: until: blocked can never happen: no group of task 'a' has its OOM killer disabled "
	 "here (memory.oom_control: disabled)"},
	{"- set: {g: {memory.oom_control: {value: disabled, when: {memory: v1}}}}\n" PAUSE, ""},
	{"- set: {g: {memory.oom_control: {value: disabled, errno: EPERM}}}\n" PAUSE,
	 "5:3: until: blocked can never happen: no group of task 'a' has its OOM killer disabled "
	 "here (memory.oom_control: disabled)"},
	{OFF_KILLER PAUSE "- step: {task: a, size: 1M}\n",
	 "6:3: step can never happen: task 'a' is paused since line 5 and no step between lets it "
	 "go on"},
	{OFF_KILLER PAUSE "- expect: {blocked: [a]}\n- quit: a\n",
	 "7:3: quit can never happen: task 'a' is paused since line 5 and no step between lets it "
	 "go on"},
	{OFF_KILLER PAUSE "- free: {task: b}\n- step: {task: a, size: 1M}\n", ""},
	{OFF_KILLER PAUSE "- signal: {a: TERM}\n- expect: {exited: {a: SIGTERM}}\n", ""},
	{"- expect: {resumed: [a]}\n",
	 "4:22: resumed can never happen: task 'a' never pauses, no group of it has its OOM killer "
	 "disabled before (memory.oom_control: disabled)"},
	{"- expect: {blocked: [r]}\n",
	 "4:22: blocked can never happen: task 'r' never pauses, no group of it has its OOM killer "
	 "disabled before (memory.oom_control: disabled)"},
	{"- remove: g/sub\n- set: {g/sub: {memory.max: 1M}}\n",
	 "5:3: set can never happen: group 'g/sub' was removed on line 4"},
	{"- remove: g\n- expect: {usage: {g/sub: <=1M}}\n",
	 "5:20: expectation can never happen: group 'g/sub' was removed on line 4"},
	{"- remove: g\n- step: {task: a, size: 1M}\n",
	 "5:3: step can never happen: task 'a' ended with its group on line 4"},
	{"- move: {a: h, b: h, r: h}\n- remove: g\n- remove: g\n",
	 "6:3: remove can never happen: group 'g' was removed on line 5"},
	{"- spawn: a\n",
	 "4:3: spawn: task 'a' is there from the start, expected 'spawn: later' in it"},
	{"- repeat: {times: 2, steps: [quit: a]}\n",
	 "4:34: quit can never happen: task 'a' was told to quit on line 4"},
	{"- repeat: {times: 1, steps: [quit: a]}\n", ""},
	{"- repeat: {times: 9, steps: [set: {g: {memory.oom_control: disabled}}, set: {g: "
	 "{memory.oom_control: enabled}}]}\n",
	 ""},
};

START_TEST(steps_that_can_never_happen)
{
	MEM_AUTO char *text = mem_printf(ON "%s", never[_i].steps);
	MEM_AUTO char *lines = scenario_rig_mistakes(text);
	MEM_AUTO char *expected =
		never[_i].line[0] ? mem_printf("t.yaml:%s\n", never[_i].line) : mem_dup("");

	ck_assert_str_eq(lines, expected);
}
END_TEST

#define LATE                               \
	"groups: {g: {memory.max: 64M}}\n" \
	"tasks: {l: {run: blocks, group: g, spawn: later, start: later}}\nsteps:\n"

static const struct {
	const char *steps, *lines;
} late[] = {
	{"- expect: {within: 1s}\n",
	 "t.yaml:2:9: task 'l' is never there, expected a 'spawn' step\n"
	 "t.yaml:2:9: task 'l' never begins, expected a 'start' step\n"},
	{"- start: l\n- spawn: l\n",
	 "t.yaml:4:3: start: task 'l' is not there yet, expected its 'spawn' step before\n"},
	{"- spawn: l\n- spawn: l\n- start: l\n",
	 "t.yaml:5:3: spawn: task 'l' was spawned on line 4 already\n"},
	{"- {when: {memory: v2}, spawn: l}\n- {when: {memory: v2}, start: l}\n", ""},
	{"- spawn: l\n- start: l\n", ""},
};

START_TEST(tasks_that_come_later)
{
	MEM_AUTO char *text = mem_printf(LATE "%s", late[_i].steps);
	MEM_AUTO char *lines = scenario_rig_mistakes(text);

	ck_assert_str_eq(lines, late[_i].lines);
}
END_TEST

/* A matrix plans the same text many times; each mistake is told once. */
START_TEST(mistakes_of_a_matrix_are_told_once)
{
	static const char text[] = "matrix: {size: [1M, 2M, 3M]}\n"
				   "groups: {g: {memory.max: '${size}', memory.hig: 1M}}\n" END;
	struct scenario *scenario;
	struct instance *instances;
	struct plan *plan;
	struct diags diags = {0};
	struct err err = ERR_INIT;
	struct facts facts = {.page_size = 4096};
	unsigned long long used = 0;
	size_t n;

	ck_assert_int_eq(scenario_parse("t.yaml", text, strlen(text), &scenario, &diags, &err), 0);
	ck_assert_int_eq(scenario_expand(scenario, NULL, 0, &used, &instances, &n, &diags), 0);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_lt(plan_build(&instances[i], &facts, NULL, &plan, &diags), 0);
	ck_assert_uint_eq(diags.n, 1);
	ck_assert_msg(str_starts(str_text(&diags.text),
				 "t.yaml:2:37: unknown knob 'memory.hig', did you mean "
				 "'memory.high'"),
		      "%s", str_text(&diags.text));
	diags_free(&diags);
	instances_free(instances, n);
	scenario_free(scenario);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *plan_errors_suite(void)
{
	Suite *suite = suite_create("plan_errors");
	TCase *tcase = tcase_create("plan_errors");

	tcase_add_test(tcase, all_mistakes_of_a_file);
	tcase_add_loop_test(tcase, one_mistake, 0, ROWS(single));
	tcase_add_loop_test(tcase, steps_that_can_never_happen, 0, ROWS(never));
	tcase_add_loop_test(tcase, tasks_that_come_later, 0, ROWS(late));
	tcase_add_test(tcase, mistakes_of_a_matrix_are_told_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
