/*
 * A plan in words, for --dry-run: what would be made and done, with every size and name resolved.
 */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "harness/plan/plan.h"

/* ---- nodes, as they could have been written in one line ------------------------------------ */

static void print_node(struct str *out, const struct node *node)
{
	const char *brackets = node->kind == NODE_MAP ? "{}" : "[]";

	if (node->kind == NODE_SCALAR) {
		bool quote = !node->text[0] || strpbrk(node->text, ",:{}[]#\n") != NULL;
		str_addf(out, "%s%s%s", quote ? "'" : "", node->text, quote ? "'" : "");
		return;
	}
	str_addn(out, brackets, 1);
	for (size_t i = 0; i < node->n; i++) {
		str_add(out, i ? ", " : "");
		if (node->kind == NODE_MAP)
			str_addf(out, "%s: ", node->keys[i].text);
		print_node(out, &node->items[i]);
	}
	str_addn(out, brackets + 1, 1);
}

/* ---- host, groups, tasks ------------------------------------------------------------------- */

static void print_host(struct str *out, const struct plan_host *host)
{
	static const char *const swaps[] = {
		[PLAN_SWAP_ANY] = "",
		[PLAN_SWAP_NONE] = "the machine's swap off",
		[PLAN_SWAP_FILE] = "a swap file of ",
		[PLAN_SWAP_ZRAM] = "swap on zram of ",
	};
	char size[PARSE_TEXT_MAX];

	if (host->swap != PLAN_SWAP_ANY)
		str_addf(out, "  host    %s%s\n", swaps[host->swap],
			 host->swap == PLAN_SWAP_NONE ? "" : format_size(host->swap_bytes, size));
	for (size_t i = 0; i < host->n_sysctls; i++)
		str_addf(out, "  host    %s=%s\n", host->sysctls[i].name, host->sysctls[i].value);
	if (host->thp)
		str_addf(out, "  host    transparent huge pages: %s\n", host->thp);
}

static void print_group(struct str *out, const struct plan_group *group)
{
	char size[PARSE_TEXT_MAX];

	str_addf(out, "  group   %-*s", group->n_knobs ? 16 : 0, group->name);
	for (size_t i = 0; i < group->n_knobs; i++)
		str_addf(out, " %s=%s", group->knobs[i].knob, group->knobs[i].value);
	if (group->effective_bytes != group->limit_bytes)
		str_addf(out, " (limited to %s from above)",
			 format_size(group->effective_bytes, size));
	str_add(out, "\n");
}

static void print_command(struct str *out, const struct plan_task *task)
{
	if (task->wl)
		str_addf(out, " oomhog %s", task->wl->name);
	for (size_t i = 0; task->argv && task->argv[i]; i++) {
		bool quote = strpbrk(task->argv[i], " \t\n'\"$*") || !task->argv[i][0];
		str_addf(out, " %s%s%s", quote ? "'" : "", task->argv[i], quote ? "'" : "");
	}
}

static void print_task(struct str *out, const struct plan *plan, const struct plan_task *task)
{
	static const char *const starts[] = {
		[PLAN_START_READY] = "runs at once",
		[PLAN_START_LATER] = "waits for 'start'",
		[PLAN_START_LOCKSTEP] = "in lockstep",
	};

	str_addf(out, "  task    %-16s", task->name);
	print_command(out, task);
	str_addf(out, " (%s%s, %s%s", task->group >= 0 ? "in " : "in no group",
		 task->group >= 0 ? plan->groups[task->group].name : "",
		 task->spawn_later ? "spawned later, " : "", starts[task->start]);
	if (task->has_adj)
		str_addf(out, ", oom_score_adj %d", task->oom_score_adj);
	if (task->has_nice)
		str_addf(out, ", nice %d", task->nice);
	if (task->has_user)
		str_addf(out, ", uid %u", (unsigned)task->uid);
	if (task->node >= 0)
		str_addf(out, ", memory of node %d", task->node);
	if (task->cpu >= 0)
		str_addf(out, ", on CPU %d", task->cpu);
	if (task->n_limits)
		str_addf(out, ", %zu resource limit%s", task->n_limits,
			 task->n_limits > 1 ? "s" : "");
	if (task->wl && !task->confine)
		str_add(out, ", not confined");
	str_add(out, ")\n");
}

/* ---- steps --------------------------------------------------------------------------------- */

static void print_set(struct str *out, const struct plan *plan, const struct plan_step *step)
{
	for (size_t i = 0; i < step->n_targets; i++) {
		const struct plan_target *target = &step->targets[i];
		str_addf(out, " %s:", plan->groups[target->group].name);
		for (size_t k = 0; k < target->n_knobs; k++)
			str_addf(out, " %s=%s%s", target->knobs[k].knob, target->knobs[k].value,
				 target->knobs[k].nonblock ? " without waiting" : "");
		if (target->error)
			str_addf(out, " (%s)",
				 target->error < 0 ? "may fail" : strerrorname_np(target->error));
	}
}

static void print_alloc(struct str *out, const struct plan *plan, const struct plan_step *step)
{
	static const char *const untils[] = {
		[PLAN_UNTIL_DONE] = "",
		[PLAN_UNTIL_BLOCKED] = ", until it is blocked",
		[PLAN_UNTIL_KILLED] = ", until somebody is killed",
		[PLAN_UNTIL_DEAD] = ", until it is dead",
		[PLAN_UNTIL_ERROR] = ", until an allocation fails",
		[PLAN_UNTIL_SENT] = ", without waiting for it",
	};
	char size[PARSE_TEXT_MAX];

	str_addf(out, " %s %s", plan->tasks[step->task].name,
		 step->bytes != UINT64_MAX ? format_size(step->bytes, size)
		 : step->kind == PLAN_FREE ? "all"
					   : "what still fits");
	if (step->times > 1)
		str_addf(out, ", %" PRIu64 " times%s", step->times,
			 step->until == PLAN_UNTIL_DONE ? "" : " at most");
	str_add(out, untils[step->until]);
	if (step->exact)
		str_add(out, ", pages computed before");
}

static void print_fill(struct str *out, const struct plan *plan, const struct plan_step *step)
{
	str_addf(out, " by %s, until ", plan->tasks[step->task].name);
	if (step->times != UINT64_MAX)
		str_addf(out, "%" PRIu64 " were killed or ", step->times);
	str_addf(out, "%" PRIu64 " processes are left", step->left);
}

static void print_target(struct str *out, const struct plan *plan, const struct plan_step *step,
			 const struct plan_target *target)
{
	if (step->kind == PLAN_REMOVE || step->kind == PLAN_WATCH || step->kind == PLAN_RESET)
		str_addf(out, " %s", plan->groups[target->group].name);
	else
		str_addf(out, " %s", plan->tasks[target->task].name);
	if (step->kind == PLAN_WATCH)
		str_addf(out, " for %s us", target->trigger);
	else if (step->kind == PLAN_MOVE)
		str_addf(out, " to %s", plan->groups[target->group].name);
	else if (step->kind == PLAN_SIGNAL)
		str_addf(out, " SIG%s", sigabbrev_np((int)target->value) ?: "?");
	else if (step->kind == PLAN_TRACE)
		str_add(out, target->value == PLAN_TRACE_EXIT ? " at its exit" : "");
	else if (step->kind == PLAN_ADJ || step->kind == PLAN_NICE || target->value)
		str_addf(out, " %" PRId64, target->value);
}

static const char *const step_words[] = {
	[PLAN_SET] = "set",	     [PLAN_ALLOC] = "step",	   [PLAN_FREE] = "free",
	[PLAN_START] = "start",	     [PLAN_SPAWN] = "spawn",	   [PLAN_SIGNAL] = "signal",
	[PLAN_MOVE] = "move",	     [PLAN_ADJ] = "oom_score_adj", [PLAN_NICE] = "nice",
	[PLAN_QUIT] = "quit",	     [PLAN_SWAP] = "swap",	   [PLAN_REMOVE] = "remove",
	[PLAN_SYSRQ] = "sysrq",	     [PLAN_FILL] = "fill",	   [PLAN_EXPECT] = "expect",
	[PLAN_DECIDE] = "decide",    [PLAN_REPEAT] = "repeat",	   [PLAN_WATCH] = "watch",
	[PLAN_RESET] = "reset_peak", [PLAN_TRACE] = "trace",
};

static void print_steps(struct str *out, const struct plan *plan, const struct plan_step *steps,
			size_t n, int indent);

static void print_step(struct str *out, const struct plan *plan, const struct plan_step *step,
		       int indent)
{
	const struct node *expect;

	str_addf(out, "%*s%s", indent, "", step_words[step->kind]);
	if (step->kind == PLAN_SET) {
		print_set(out, plan, step);
	} else if (step->kind == PLAN_ALLOC || step->kind == PLAN_FREE) {
		print_alloc(out, plan, step);
	} else if (step->kind == PLAN_FILL) {
		print_fill(out, plan, step);
	} else if (step->kind == PLAN_SWAP) {
		str_add(out, step->swap_on ? " on" : " off");
	} else if (step->kind == PLAN_SYSRQ) {
		str_addf(out, " %c", step->key);
	} else if ((step->kind == PLAN_EXPECT || step->kind == PLAN_DECIDE) &&
		   (expect = node_get(step->at, step_words[step->kind]))) {
		str_add(out, " ");
		print_node(out, expect);
	} else if (step->kind == PLAN_REPEAT) {
		str_addf(out, " %" PRIu64 " times\n", step->times);
		print_steps(out, plan, step->steps, step->n_steps, indent + 4);
		return;
	}
	for (size_t i = 0; step->kind != PLAN_SET && i < step->n_targets; i++)
		print_target(out, plan, step, &step->targets[i]);
	str_add(out, "\n");
}

static void print_steps(struct str *out, const struct plan *plan, const struct plan_step *steps,
			size_t n, int indent)
{
	for (size_t i = 0; i < n; i++) {
		str_addf(out, "  %3d ", steps[i].at->line);
		print_step(out, plan, &steps[i], indent);
	}
}

void plan_print(const struct plan *plan, struct str *out)
{
	char timeout[PARSE_TEXT_MAX], total[PARSE_TEXT_MAX];

	str_addf(out, "%s: %s\n", plan->name, plan->title);
	if (plan->claim)
		str_addf(out, "  claim   %s (%s; here %s)\n", plan->claim->says, plan->claim->truth,
			 judge_side_name(plan->claim->here));
	if (plan->skip)
		str_addf(out, "  skip    %s\n", plan->skip);
	for (size_t i = 0; i < plan->n_params; i++)
		str_addf(out, "  param   %s=%s\n", plan->params[i].name, plan->params[i].value);
	if (plan->panic)
		str_addf(out, "  panic   %s\n", plan->panic);
	print_host(out, &plan->host);
	for (size_t i = 0; i < plan->n_groups; i++)
		print_group(out, &plan->groups[i]);
	for (size_t i = 0; i < plan->n_tasks; i++)
		print_task(out, plan, &plan->tasks[i]);
	str_addf(out, "  steps   (%s)\n", plan->file);
	print_steps(out, plan, plan->steps, plan->n_steps, 2);
	str_addf(out, "  limits  %s of memory in all, %s of time%s%s",
		 format_size(plan->limits_total_bytes, total),
		 format_duration(plan->timeout_ns, timeout),
		 plan->exclusive ? ", alone on the machine" : "",
		 plan->dangerous ? ", only on a disposable machine" : "");
	if (plan->repeat > 1)
		str_addf(out, ", %" PRIu64 " times", plan->repeat);
	str_add(out, "\n");
}
