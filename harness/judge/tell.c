/*
 * Words for what was observed: tasks, kills, groups. Texts have fixed sizes and end in "..." when
 * something did not fit; nothing here allocates.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/judge/row.h"

struct tell tell_into(char *buf, size_t size)
{
	struct tell text = {.buf = buf, .size = size};

	if (size)
		buf[0] = '\0';
	return text;
}

void tell_add(struct tell *text, const char *fmt, ...)
{
	va_list ap;
	size_t room = text->size - text->len;

	if (text->size == 0)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text->buf + text->len, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < room) {
		text->len += (size_t)n;
		return;
	}
	text->len = text->size - 1;
	memcpy(text->buf + text->size - 4, "...", 4);
}

void tell_next(struct tell *text, const char *separator)
{
	if (text->len)
		tell_add(text, "%s", separator);
}

void tell_signal(int number, char *buf, size_t size)
{
	const char *name = sigabbrev_np(number);

	if (name)
		snprintf(buf, size, "SIG%s", name);
	else
		snprintf(buf, size, "signal %d", number);
}

static void tell_living(struct tell *text, const struct world_task *task)
{
	if (world_task_zombie(task)) {
		tell_add(text, "a zombie");
	} else if (task->blocked) {
		tell_add(text, "blocked");
		if (task->wchan[0])
			tell_add(text, " in %s", task->wchan);
		tell_add(text, " (state %c)", task->proc_state ? task->proc_state : 'D');
	} else {
		tell_add(text, task->at_exit ? "held at its exit" : "running");
		if (task->proc_state)
			tell_add(text, " (state %c)", task->proc_state);
	}
}

void tell_state(struct tell *text, const struct world_task *task)
{
	char name[24];

	switch (task->life) {
	case WORLD_UNBORN:
		tell_add(text, "not started");
		break;
	case WORLD_RUNNING:
		tell_living(text, task);
		break;
	case WORLD_EXITED:
		tell_add(text, "exited %d", task->status);
		break;
	case WORLD_KILLED:
		tell_signal(task->status, name, sizeof(name));
		tell_add(text, "killed by %s", name);
		break;
	}
}

void tell_task(struct tell *text, const struct world_task *task)
{
	tell_add(text, "%s ", task->name);
	tell_state(text, task);
}

void tell_process(struct tell *text, const struct world *world, const struct world_kill *kill)
{
	int group = world_kill_group(world, kill);

	if (kill->task < 0) {
		tell_add(text, "'%.16s' (pid %d), no task of ours", kill->comm, (int)kill->pid);
		if (group >= 0)
			tell_add(text, ", in '%s'", world->groups[group].name);
		return;
	}
	const char *name = world->tasks[kill->task].name;
	if (kill->child < 0)
		tell_add(text, "%s (pid %d)", name, (int)kill->pid);
	else
		tell_add(text, "child %d of %s (pid %d)", kill->child, name, (int)kill->pid);
}

void tell_sources(struct tell *text, const struct world *world, const struct world_kill *kill)
{
	bool elsewhere = kill->child >= 0 || kill->task < 0;

	tell_add(text, "wait %s, ", kill->by_wait ? "yes" : elsewhere ? "not ours" : "no");
	tell_add(text, "log %s, ", kill->by_line ? "yes" : world->has_log ? "no" : "not readable");
	tell_add(text, "counter %s", kill->by_counter ? "yes" : "no");
}

void tell_group(struct tell *text, const struct world_group *group)
{
	tell_add(text, "%s:", group->name);
	if (group->oom_kill != UINT64_MAX)
		tell_add(text, " oom_kill +%" PRIu64, world_group_delta(group));
	if (group->under_oom != UINT64_MAX)
		tell_add(text, " under_oom %" PRIu64, group->under_oom);
	if (!group->exists)
		tell_add(text, " (removed)");
}

void tell_groups(struct tell *text, const struct world *world)
{
	for (size_t i = 0; i < world->n_groups; i++) {
		tell_next(text, ", ");
		tell_group(text, &world->groups[i]);
	}
}

void tell_violation(struct tell *text, const struct world_task *task)
{
	if (task->violation_name)
		tell_add(text, "system call '%s' (%d)", task->violation_name, task->violation);
	else
		tell_add(text, "system call %d", task->violation);
}
