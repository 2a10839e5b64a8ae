/*
 * What scenarios call by name: their own tasks and groups, signals and errors. See build.h.
 */
#include <fnmatch.h>
#include <signal.h>
#include <string.h>

#include "harness/plan/build.h"

static int find(const char *name, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (str_eq(name, names[i]))
			return i;
	return -1;
}

int find_group(struct build *b, const struct node *at, const char *name)
{
	int group = find(name, b->group_names);

	if (group < 0)
		bad_name(b, at, "group", name, b->group_names);
	return group;
}

int find_task(struct build *b, const struct node *at, const char *name)
{
	int task = find(name, b->task_names);

	if (task < 0)
		bad_name(b, at, "task", name, b->task_names);
	return task;
}

static void one_word(struct build *b, const struct node *at, const char *what,
		     void (*fn)(struct build *b, int task, const struct node *at, void *data),
		     void *data)
{
	const char *word;
	bool matched = false;

	if (!read_scalar(b, at, what, "the name of a task", &word))
		return;
	if (!strpbrk(word, "*?[")) {
		int task = find_task(b, at, word);
		if (task >= 0)
			fn(b, task, at, data);
		return;
	}
	for (int i = 0; b->task_names[i]; i++)
		if (fnmatch(word, b->task_names[i], 0) == 0) {
			matched = true;
			fn(b, i, at, data);
		}
	if (!matched)
		diag_add(b->diags, b->file, at, "%s: no task is called '%s'", what, word);
}

void each_task(struct build *b, const struct node *at, const char *what,
	       void (*fn)(struct build *b, int task, const struct node *at, void *data), void *data)
{
	if (at->kind == NODE_LIST && at->n > 0) {
		for (size_t i = 0; i < at->n; i++)
			one_word(b, &at->items[i], what, fn, data);
		return;
	}
	if (at->kind != NODE_SCALAR) {
		bad(b, at, what, "the name of a task or a list of names");
		return;
	}
	one_word(b, at, what, fn, data);
}

bool read_signal(struct build *b, const struct node *at, int64_t *ret)
{
	const char *text;

	if (!read_scalar(b, at, "signal", "a name such as TERM", &text))
		return false;
	if (strspn(text, "0123456789") == strlen(text))
		return read_i64(b, at, "signal", 1, SIGRTMAX, ret);
	const char *name = str_starts(text, "SIG") ? text + 3 : text;
	for (int i = 1; i < SIGRTMIN; i++)
		if (str_eq(sigabbrev_np(i), name)) {
			*ret = i;
			return true;
		}
	bad(b, at, "signal", "a name such as TERM, KILL, INT or a number");
	return false;
}

bool read_errno(struct build *b, const struct node *at, int *ret)
{
	enum { ERRNO_MAX = 133 }; /* the kernel's last one with a name */
	const char *text;

	if (!read_scalar(b, at, "errno", "a name such as EBUSY", &text))
		return false;
	if (str_eq(text, "any")) {
		*ret = -1;
		return true;
	}
	for (int i = 1; i <= ERRNO_MAX; i++)
		if (str_eq(strerrorname_np(i), text)) {
			*ret = i;
			return true;
		}
	bad(b, at, "errno", "a name such as EBUSY or EINVAL, or 'any'");
	return false;
}
