/*
 * A workload's own options, given as keys of a task: checked by the table that oomhog itself uses,
 * and written back as the command line it will read.
 */
#include <string.h>

#include "base/parse.h"
#include "harness/plan/build.h"

static const struct opt *find_option(const struct wl *wl, const char *name)
{
	for (const struct opt *opt = wl->opts; opt && opt->name; opt++)
		if (str_eq(opt->name, name))
			return opt;
	return NULL;
}

static void append(struct build *b, struct plan_task *task, const char *word)
{
	size_t n = 0;

	while (task->argv && task->argv[n])
		n++;
	char **argv = arena_zero(b->arena, n + 2, sizeof(*argv));
	if (n)
		memcpy(argv, task->argv, n * sizeof(*argv));
	argv[n] = arena_dup(b->arena, word);
	task->argv = argv;
}

/* Sizes become bytes: the hog does not know its group's limit. */
static bool resolve_size(struct build *b, const struct plan_task *task, const struct node *value,
			 const char *what, char *buf)
{
	uint64_t whole = memory_of(b, task->group), bytes;

	MEM_AUTO char *owner = mem_printf("the group of task '%s'", task->name);
	if (!read_part(b, value, what, whole, owner, &bytes))
		return false;
	format_size(bytes, buf);
	return true;
}

static void one_value(struct build *b, struct plan_task *task, const struct opt *opt,
		      const struct node *value)
{
	MEM_AUTO char *values = mem_new(task->wl->values_size);
	struct err err = ERR_INIT;
	char size[PARSE_TEXT_MAX];
	const char *text;
	int flag;

	if (!read_scalar(b, value, opt->name, opt->arg ? opt->arg : "yes or no", &text))
		return;
	if (opt->kind == OPT_SIZE) {
		if (!resolve_size(b, task, value, opt->name, size))
			return;
		text = size;
	}
	memcpy(values, task->wl->defaults, task->wl->values_size);
	if (opt_set(task->wl->opts, opt->name, text, values, &err) < 0) {
		diag_add(b->diags, b->file, value, "%s", err.text);
		return;
	}
	MEM_AUTO char *word = NULL;
	if (opt->kind == OPT_FLAG)
		word = mem_printf("--%s%s", parse_bool(text, &flag, &err) >= 0 && flag ? "" : "no-",
				  opt->name);
	else
		word = mem_printf("--%s=%s", opt->name, text);
	append(b, task, word);
}

void build_option(struct build *b, struct plan_task *task, const struct node *key,
		  const struct node *value)
{
	const struct opt *opt = find_option(task->wl, key->text);

	if (!opt)
		return; /* told when the task's keys were checked */
	if (opt->kind == OPT_LIST && value->kind == NODE_LIST) {
		for (size_t i = 0; i < value->n; i++)
			one_value(b, task, opt, &value->items[i]);
		return;
	}
	one_value(b, task, opt, value);
}
