/*
 * 'tasks': hogs, stress-ng and any command. A hog's own options are read in options.c, what a
 * process gets besides its program in process.c.
 */
#include "harness/plan/tasks.h"

#include <string.h>

/* ---- what it runs -------------------------------------------------------------------------- */

static void task_run(struct build *b, const struct node *value, void *data)
{
	struct reading *reading = data;
	const char *name;
	size_t n = 0;

	if (!read_scalar(b, value, "run", "the name of a workload or stress-ng", &name))
		return;
	reading->stress_ng = str_eq(name, "stress-ng");
	reading->task.wl = wl_find(name);
	if (reading->stress_ng || reading->task.wl)
		return;
	while (wl_registry[n])
		n++;
	MEM_AUTO const char **names = mem_zero(n + 2, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = wl_registry[i]->name;
	names[n] = "stress-ng";
	bad_name(b, value, "workload", name, names);
}

static void task_exec(struct build *b, const struct node *value, void *data)
{
	struct reading *reading = data;

	(void)b;
	reading->exec = value;
}

static void task_args(struct build *b, const struct node *value, void *data)
{
	struct reading *reading = data;

	(void)b;
	reading->args = value;
}

static size_t append_args(struct build *b, const struct node *list, const char *what, char **argv,
			  size_t at)
{
	const char **texts;

	if (!list)
		return at;
	size_t n = read_texts(b, list, what, &texts);
	for (size_t i = 0; i < n; i++)
		argv[at++] = arena_dup(b->arena, texts[i]);
	return at;
}

/* The first process of stress-ng 0.19 (not yet of 0.15) fills a shared buffer as large as the
 * machine's largest cache, 300 MiB of L3 on some servers, which no small group holds; memory
 * stressors do not use it. The scenario's own options come later and win. */
static const char *const stress_ng_argv[] = {"stress-ng", "--cache-level", "1"};

enum { STRESS_NG_ARGC = sizeof(stress_ng_argv) / sizeof(stress_ng_argv[0]) };

/* The whole command line of what is not a hog. */
static void command_line(struct build *b, struct reading *reading)
{
	struct plan_task *task = &reading->task;
	size_t max = STRESS_NG_ARGC + (reading->exec ? reading->exec->n + 1 : 0) +
		     (reading->args ? reading->args->n + 1 : 0);
	size_t n = 0;

	if (reading->exec && (reading->exec->kind != NODE_LIST || reading->exec->n == 0)) {
		bad(b, reading->exec, "exec", "a list such as [cat, /dev/zero]");
		return;
	}
	task->argv = arena_zero(b->arena, max + 1, sizeof(*task->argv));
	for (; reading->stress_ng && n < STRESS_NG_ARGC; n++)
		task->argv[n] = arena_dup(b->arena, stress_ng_argv[n]);
	n = append_args(b, reading->exec, "exec", task->argv, n);
	append_args(b, reading->args, "args", task->argv, n);
	task->program = task->argv[0];
	if (reading->exec && task->program && !*task->program)
		bad(b, &reading->exec->items[0], "exec", "a program's name first");
	if (reading->stress_ng && !b->facts->stress_ng[0])
		skip(b, "needs stress-ng (apt-get install stress-ng)");
}

static bool what_runs(struct build *b, struct reading *reading)
{
	const struct node *run = node_get(reading->map, "run");

	if (!run == !reading->exec) {
		diag_add(b->diags, b->file, reading->exec ? reading->exec : reading->task.at,
			 "task '%s', expected one of 'run: WORKLOAD' and 'exec: [...]', got %s",
			 reading->task.name, run ? "both" : "neither");
		return false;
	}
	if (run && !reading->stress_ng) {
		if (reading->args)
			diag_add(
				b->diags, b->file, reading->args,
				"args, expected only with 'exec' or 'run: stress-ng': a workload's "
				"options are keys of the task");
		return reading->task.wl != NULL;
	}
	command_line(b, reading);
	return true;
}

/* ---- what the process is ------------------------------------------------------------------- */

static void task_group(struct build *b, const struct node *value, void *data)
{
	struct reading *reading = data;
	const char *name;

	if (read_scalar(b, value, "group", "the name of a group", &name))
		reading->task.group = find_group(b, value, name);
}

static void task_copies(struct build *b, const struct node *value, void *data)
{
	read_u64(b, value, "copies", 1, PLAN_TASKS_MAX / 2, &((struct reading *)data)->copies);
}

static void task_start(struct build *b, const struct node *value, void *data)
{
	static const char *const words[] = {
		[PLAN_START_READY] = "ready",
		[PLAN_START_LATER] = "later",
		[PLAN_START_LOCKSTEP] = "lockstep",
		NULL,
	};

	read_choice(b, value, "start", words, &((struct reading *)data)->start);
}

static void task_spawn(struct build *b, const struct node *value, void *data)
{
	static const char *const words[] = {"first", "later", NULL};
	int word;

	if (read_choice(b, value, "spawn", words, &word))
		((struct reading *)data)->task.spawn_later = word == 1;
}

static void task_confine(struct build *b, const struct node *value, void *data)
{
	read_bool(b, value, "confine", &((struct reading *)data)->task.confine);
}

/* ---- all of them --------------------------------------------------------------------------- */

static const struct key task_keys[] = {
	{"run", task_run, false},	  {"exec", task_exec, false},
	{"args", task_args, false},	  {"group", task_group, false},
	{"copies", task_copies, false},	  {"oom_score_adj", task_adj, false},
	{"nice", task_nice, false},	  {"user", task_user, false},
	{"env", task_env, false},	  {"rlimits", task_rlimits, false},
	{"cpu", task_cpu, false},	  {"node", task_node, false},
	{"start", task_start, false},	  {"spawn", task_spawn, false},
	{"confine", task_confine, false}, {NULL, NULL, false},
};

static bool is_task_key(const char *name)
{
	for (const struct key *key = task_keys; key->name; key++)
		if (str_eq(key->name, name))
			return true;
	return false;
}

/* The names that may stand beside the common keys: the workload's options. While it is not known
 * what runs, any: one mistake is enough. */
static const char **other_keys(struct build *b, const struct node *map)
{
	const struct node *run = node_get(map, "run");
	bool is_hog = run && run->kind == NODE_SCALAR && !str_eq(run->text, "stress-ng");
	const struct wl *wl = is_hog ? wl_find(run->text) : NULL;
	size_t n = 0;

	for (const struct opt *opt = wl ? wl->opts : NULL; opt && opt->name; opt++)
		n++;
	const char **names = arena_zero(b->arena, n + map->n + 1, sizeof(*names));
	for (size_t i = 0; wl && i < n; i++)
		names[i] = wl->opts[i].name;
	for (size_t i = 0; is_hog && !wl && i < map->n; i++)
		names[i] = map->keys[i].text;
	return names;
}

void add_task(struct build *b, const struct reading *reading, const char *name)
{
	struct plan *plan = b->plan;
	size_t n = plan->n_tasks;

	for (size_t i = 0; i < n; i++)
		if (str_eq(plan->tasks[i].name, name)) {
			diag_add(b->diags, b->file, reading->task.at,
				 "task '%s' is there twice, once as a copy", name);
			return;
		}
	plan->tasks = arena_grow(b->arena, plan->tasks, n, sizeof(*plan->tasks));
	b->start_given = arena_grow(b->arena, b->start_given, n, sizeof(*b->start_given));
	plan->tasks[n] = reading->task;
	plan->tasks[n].name = name;
	b->start_given[n] = reading->start;
	plan->n_tasks++;
}

static void add_copies(struct build *b, const struct reading *reading)
{
	if (b->plan->n_tasks + reading->copies >= PLAN_TASKS_MAX) {
		diag_add(b->diags, b->file, reading->task.at, "tasks, expected at most %d",
			 PLAN_TASKS_MAX);
		return;
	}
	if (!reading->copies)
		add_task(b, reading, reading->task.name);
	for (uint64_t i = 1; i <= reading->copies; i++)
		add_task(b, reading,
			 arena_printf(b->arena, "%s-%llu", reading->task.name,
				      (unsigned long long)i));
}

static void read_task(struct build *b, const struct node *key, const struct node *map)
{
	struct reading reading = {
		.task = {.name = key->text,
			 .at = key,
			 .group = -1,
			 .node = -1,
			 .cpu = -1,
			 .confine = true},
		.map = map,
		.start = -1,
	};

	if (!is_name(b, key, "task", key->text) ||
	    !is_map(b, map, key->text, "a map such as {run: step, group: victims}"))
		return;
	MEM_AUTO char *what = mem_printf("task '%s'", key->text);
	read_keys(b, map, what, task_keys, other_keys(b, map), &reading);
	if (what_runs(b, &reading) && reading.task.wl)
		for (size_t i = 0; i < map->n; i++)
			if (!is_task_key(map->keys[i].text))
				build_option(b, &reading.task, &map->keys[i], &map->items[i]);
	add_copies(b, &reading);
}

static void make_tables(struct build *b)
{
	size_t n = b->plan->n_tasks;

	b->task_names = arena_zero(b->arena, n + 1, sizeof(*b->task_names));
	b->group_now = arena_zero(b->arena, n + 1, sizeof(*b->group_now));
	b->spawn_named = arena_zero(b->arena, n + 1, sizeof(*b->spawn_named));
	b->start_named = arena_zero(b->arena, n + 1, sizeof(*b->start_named));
	for (size_t i = 0; i < n; i++) {
		b->task_names[i] = b->plan->tasks[i].name;
		b->group_now[i] = b->plan->tasks[i].group;
	}
}

void build_tasks(struct build *b, const struct node *map)
{
	bool fine = map && is_map(b, map, "tasks",
				  "a map of tasks such as {alloc_1: {run: step, group: victims}}");

	for (size_t i = 0; fine && i < map->n; i++)
		read_task(b, &map->keys[i], &map->items[i]);
	add_crowd(b);
	make_tables(b);
}

/* How each begins: told by the file, else by what the steps do with it. */
void build_starts(struct build *b)
{
	static const char *const words[] = {"ready", "later", "lockstep"};
	bool *stepped = arena_zero(b->arena, b->plan->n_tasks + 1, sizeof(*stepped));

	find_stepped(b, stepped);
	for (size_t i = 0; i < b->plan->n_tasks; i++) {
		struct plan_task *task = &b->plan->tasks[i];
		int given = b->start_given[i];
		bool runs = task->wl && task->wl->free_running;
		if (given >= 0 && !task->wl)
			diag_add(
				b->diags, b->file, task->at,
				"start of task '%s', expected only for workloads: a command begins "
				"when it is spawned ('spawn: later' and a 'spawn' step)",
				task->name);
		else if (given >= 0 && given != PLAN_START_LOCKSTEP && !runs)
			diag_add(b->diags, b->file, task->at,
				 "start of task '%s', expected lockstep, got '%s': '%s' has no "
				 "pattern of its own",
				 task->name, words[given], task->wl->name);
		if (given >= 0)
			task->start = (enum plan_start)given;
		else if (!task->wl)
			task->start = PLAN_START_READY;
		else if (b->start_named[i])
			task->start = PLAN_START_LATER;
		else
			task->start = stepped[i] || !runs ? PLAN_START_LOCKSTEP : PLAN_START_READY;
	}
}
