/*
 * What a task's process gets before its program begins: score, priority, user, environment, CPU,
 * resource limits. See tasks.h.
 */
#include "harness/plan/tasks.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

void task_adj(struct build *b, const struct node *value, void *data)
{
	struct plan_task *task = &((struct reading *)data)->task;
	int64_t adj;

	if (!read_i64(b, value, "oom_score_adj", -1000, 1000, &adj))
		return;
	task->has_adj = true;
	task->oom_score_adj = (int)adj;
	need_to_lower(b, adj);
}

void task_nice(struct build *b, const struct node *value, void *data)
{
	struct plan_task *task = &((struct reading *)data)->task;
	int64_t nice;

	if (!read_i64(b, value, "nice", -20, 19, &nice))
		return;
	task->has_nice = true;
	task->nice = (int)nice;
}

/* The password file alone, no name service: what a plan says must not depend on a network. */
static bool find_user(const char *name, uid_t uid, bool by_uid, struct plan_task *ret)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry;
	bool found = false;

	while (file && !found && (entry = fgetpwent(file))) {
		found = by_uid ? entry->pw_uid == uid : str_eq(entry->pw_name, name);
		if (found) {
			ret->uid = entry->pw_uid;
			ret->gid = entry->pw_gid;
		}
	}
	if (file)
		(void)fclose(file);
	return found;
}

void task_user(struct build *b, const struct node *value, void *data)
{
	struct plan_task *task = &((struct reading *)data)->task;
	const char *text;
	uint64_t uid = 0;

	if (!read_scalar(b, value, "user", "a name or a number", &text))
		return;
	bool by_uid = isdigit((unsigned char)text[0]);
	if (by_uid && !read_u64(b, value, "user", 0, UINT32_MAX - 1, &uid))
		return;
	task->has_user = true;
	task->uid = (uid_t)uid;
	task->gid = (gid_t)uid;
	if (!find_user(text, (uid_t)uid, by_uid, task) && !by_uid)
		skip(b, "needs a user '%s' in /etc/passwd", text);
	if (b->facts->uid != 0 && b->facts->uid != task->uid)
		skip(b, "needs root to run a task as user '%s'", text);
}

void task_env(struct build *b, const struct node *value, void *data)
{
	struct plan_task *task = &((struct reading *)data)->task;

	if (!is_map(b, value, "env", "a map such as {LANG: C}"))
		return;
	task->env = arena_zero(b->arena, value->n + 1, sizeof(*task->env));
	for (size_t i = 0, n = 0; i < value->n; i++) {
		const char *name = value->keys[i].text;
		if (isdigit((unsigned char)name[0]) || strchr(name, '='))
			diag_add(b->diags, b->file, &value->keys[i],
				 "env '%s', expected the name of a variable", name);
		else if (value->items[i].kind != NODE_SCALAR)
			bad(b, &value->items[i], name, "a plain text");
		else
			task->env[n++] =
				arena_printf(b->arena, "%s=%s", name, value->items[i].text);
	}
}

void task_cpu(struct build *b, const struct node *value, void *data)
{
	enum { CPUS_MAX = 1024 }; /* CPU_SETSIZE: what sched_setaffinity's fixed set holds */
	uint64_t cpu;

	if (!read_u64(b, value, "cpu", 0, CPUS_MAX - 1, &cpu))
		return;
	((struct reading *)data)->task.cpu = (int)cpu;
	if (b->facts->cpus && cpu >= b->facts->cpus)
		skip(b, "needs CPU %llu; here are %llu CPUs", (unsigned long long)cpu,
		     (unsigned long long)b->facts->cpus);
}

void task_node(struct build *b, const struct node *value, void *data)
{
	enum { NODES_MAX = 64 }; /* of one word of a node mask */
	uint64_t node;

	if (!read_u64(b, value, "node", 0, NODES_MAX - 1, &node))
		return;
	((struct reading *)data)->task.node = (int)node;
	if (node >= b->facts->nodes)
		skip(b, "needs NUMA node %llu; here are %llu nodes", (unsigned long long)node,
		     (unsigned long long)b->facts->nodes);
}

/* ---- resource limits ----------------------------------------------------------------------- */

enum limit_unit { LIMIT_BYTES, LIMIT_COUNT };

static const struct limit_row {
	const char *name;
	int resource;
	enum limit_unit unit;
} limit_rows[] = {
	{"as", RLIMIT_AS, LIMIT_BYTES},		{"core", RLIMIT_CORE, LIMIT_BYTES},
	{"cpu", RLIMIT_CPU, LIMIT_COUNT},	{"data", RLIMIT_DATA, LIMIT_BYTES},
	{"fsize", RLIMIT_FSIZE, LIMIT_BYTES},	{"memlock", RLIMIT_MEMLOCK, LIMIT_BYTES},
	{"nofile", RLIMIT_NOFILE, LIMIT_COUNT}, {"nproc", RLIMIT_NPROC, LIMIT_COUNT},
	{"stack", RLIMIT_STACK, LIMIT_BYTES},
};

enum { N_LIMIT_ROWS = sizeof(limit_rows) / sizeof(limit_rows[0]) };

static void add_limit(struct build *b, struct plan_task *task, const struct node *key,
		      const struct node *value)
{
	const char *names[N_LIMIT_ROWS + 1] = {0};
	const struct limit_row *row = NULL;
	uint64_t number = RLIM_INFINITY;

	for (size_t i = 0; i < N_LIMIT_ROWS; i++) {
		names[i] = limit_rows[i].name;
		if (str_eq(names[i], key->text))
			row = &limit_rows[i];
	}
	if (!row) {
		bad_name(b, key, "resource limit", key->text, names);
		return;
	}
	bool unlimited = value->kind == NODE_SCALAR &&
			 (str_eq(value->text, "unlimited") || str_eq(value->text, "max"));
	if (!unlimited && row->unit == LIMIT_BYTES && !read_size(b, value, key->text, &number))
		return;
	if (!unlimited && row->unit == LIMIT_COUNT &&
	    !read_u64(b, value, key->text, 0, INT64_MAX, &number))
		return;
	task->limits[task->n_limits++] =
		(struct plan_limit){row->resource, {.rlim_cur = number, .rlim_max = number}};
}

void task_rlimits(struct build *b, const struct node *value, void *data)
{
	struct plan_task *task = &((struct reading *)data)->task;

	if (!is_map(b, value, "rlimits", "a map such as {as: 1G, nofile: 64}"))
		return;
	task->limits = arena_zero(b->arena, value->n + 1, sizeof(*task->limits));
	for (size_t i = 0; i < value->n; i++)
		add_limit(b, task, &value->keys[i], &value->items[i]);
}
