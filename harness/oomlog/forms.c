/*
 * The table of line forms, in the order in which they are tried: what is frequent first. A form of
 * a new kernel is one row here and its reader beside its relatives. See forms.h.
 */
#include "harness/oomlog/forms.h"

static struct span read_nothing(struct builder *b, const struct msg *msg)
{
	(void)b;
	(void)msg;
	return (struct span){0};
}

static bool always(struct span text)
{
	(void)text;
	return true;
}

/* Rows that hold in one block of lines alone. */
struct block_form {
	enum section section;
	struct form form;
};

static const struct block_form in_blocks[] = {
	{SECTION_STATS, {FORM_BLOCK, NULL, is_stat, NULL, NULL, read_stat}},
	{SECTION_SLAB, {FORM_BLOCK, NULL, is_slab, NULL, NULL, read_slab}},
	{SECTION_SLAB, {FORM_NOISE, "Name ", NULL, NULL, NULL, read_nothing}},
	{SECTION_ALLOCATIONS, {FORM_DETAIL, NULL, is_allocation, NULL, NULL, read_nothing}},
};

static const struct form forms[] = {
	/* task table */
	{FORM_TABLE, "[", is_row, NULL, NULL, read_row},
	{FORM_TABLE, "[", is_table_head, table_head_open, NULL, read_table_head},
	{FORM_BLOCK, "Tasks state (memory values in", NULL, NULL, NULL, read_tasks_state},
	/* stack */
	{FORM_NOISE, NULL, is_stack, NULL, NULL, read_stack},
	{FORM_NOISE, "[", is_words_of_stack, NULL, NULL, read_stack},
	{FORM_NOISE, "Call Trace:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Call trace:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Backtrace:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "<", NULL, NULL, NULL, read_nothing}, /* <TASK>, <IRQ> */
	{FORM_NOISE, "Hardware name:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Workqueue:", NULL, NULL, NULL, read_workqueue},
	{FORM_NOISE, "Tainted:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "RIP:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "RIP ", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "EIP:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "RSP:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "EFLAGS:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Code:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "CS:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "DS:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "FS:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "PC is at", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "LR is at", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "pc :", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "lr :", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "sp :", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "pstate:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "--- interrupt:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "--- Exception:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "---[ end", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Instruction dump:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Exception stack(", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Stack:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Stack from", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Modules linked in:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Last Breaking-Event-Address:", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "Krnl ", NULL, NULL, NULL, read_nothing},
	{FORM_NOISE, "User PSW", NULL, NULL, NULL, read_nothing},
	/* head */
	{FORM_HEADER, NULL, is_header, header_open, NULL, read_header},
	{FORM_DETAIL, "CPU: ", is_cpu, cpu_open, NULL, read_cpu},
	{FORM_DETAIL, "Pid: ", is_cpu, cpu_open, NULL, read_cpu},
	{FORM_DETAIL, "Comm: ", is_cpu, cpu_open, NULL, read_cpu},
	{FORM_DETAIL, NULL, is_cpuset, NULL, NULL, read_cpuset},
	{FORM_NOISE, "COMPACTION is disabled", NULL, NULL, NULL, read_nothing},
	{FORM_FRAGMENT, NULL, is_invoked_part, always, NULL, NULL},
	/* memory */
	{FORM_BLOCK, "Mem-Info:", NULL, NULL, NULL, read_meminfo},
	{FORM_BLOCK, "Mem-info:", NULL, NULL, NULL, read_meminfo},
	{FORM_BLOCK, NULL, is_zone, zone_open, zone_joins, read_zone},
	{FORM_BLOCK, NULL, is_buddy, buddy_open, NULL, read_buddy},
	{FORM_BLOCK, NULL, is_totals, NULL, NULL, read_totals},
	{FORM_BLOCK, NULL, is_reserve, NULL, reserve_joins, read_reserve},
	{FORM_BLOCK, "Node ", is_hugepages, hugepages_open, NULL, read_hugepages},
	{FORM_FRAGMENT, "hugepages_", is_hugepages, hugepages_open, NULL, read_hugepages},
	{FORM_BLOCK, NULL, is_per_cpu, NULL, NULL, read_nothing},
	{FORM_BLOCK, NULL, is_pages, NULL, pages_join, read_pages},
	{FORM_BLOCK, "Swap cache", NULL, NULL, NULL, read_swap_cache},
	{FORM_BLOCK, NULL, is_swap, NULL, NULL, read_swap},
	{FORM_DETAIL, "Unreclaimable slab info:", NULL, NULL, NULL, read_slab_head},
	{FORM_DETAIL, "Memory allocations", NULL, NULL, NULL, read_allocations_head},
	/* memcg */
	{FORM_BLOCK, "Task in ", is_task_in, task_in_open, NULL, read_task_in},
	{FORM_BLOCK, "Memory limit reached of cgroup ", NULL, NULL, NULL, read_reached},
	{FORM_BLOCK, NULL, is_usage, usage_open, NULL, read_usage},
	{FORM_BLOCK, "Memory cgroup stats for ", NULL, stats_open, NULL, read_stats},
	{FORM_BLOCK, "Memory cgroup min protection ", NULL, NULL, NULL, read_protection},
	{FORM_BLOCK, NULL, is_known_stat, NULL, NULL, read_stat},
	/* choice and kill */
	{FORM_SUMMARY, "oom-kill:", is_summary, summary_open, NULL, read_summary},
	{FORM_DETAIL, "oom_policy=", NULL, NULL, NULL, read_policy},
	{FORM_AFTER, NULL, is_sharing, NULL, NULL, read_kill},
	{FORM_KILL, NULL, is_kill, kill_open, kill_joins, read_kill},
	{FORM_SELECT, NULL, is_select, kill_open, kill_joins, read_kill},
	{FORM_AFTER, NULL, is_reaper, NULL, kill_joins, read_reaper},
	{FORM_AFTER, "Tasks in ", is_group, NULL, NULL, read_group},
	{FORM_AFTER, "oom killer ", is_pinned, NULL, NULL, read_pinned},
	{FORM_AFTER, NULL, is_exiting, NULL, NULL, read_exiting},
	{FORM_END, NULL, is_no_killable, NULL, NULL, read_no_killable},
	{FORM_END, NULL, is_ignored, NULL, NULL, read_ignored},
	{FORM_END, NULL, is_panic, NULL, NULL, read_panic},
	{FORM_LOSS, NULL, is_loss, NULL, NULL, read_loss},
	{FORM_SYSRQ, NULL, is_manual, NULL, NULL, read_nothing},
	/* rests of broken lines */
	{FORM_FRAGMENT, NULL, is_kill_head, always, NULL, NULL},
	{FORM_FRAGMENT, NULL, is_figures_part, NULL, NULL, NULL},
	{FORM_FRAGMENT, NULL, is_kill_part, NULL, NULL, NULL},
	{FORM_FRAGMENT, NULL, is_pages_part, NULL, pages_join, NULL},
	/* stack, by shape: costly, and nothing above looks like it */
	{FORM_NOISE, NULL, is_registers, NULL, NULL, read_nothing},
	{FORM_NOISE, NULL, is_words_of_stack, NULL, NULL, read_nothing},
};

static bool matches(const struct form *form, struct span text)
{
	if (form->starts &&
	    !(text.n && *text.p == *form->starts && span_starts(text, form->starts)))
		return false;
	return !form->is || form->is(text);
}

const struct form *form_of(struct span text, enum section section)
{
	static const struct form unknown = {.role = FORM_UNKNOWN};

	for (size_t i = 0; i < sizeof(in_blocks) / sizeof(*in_blocks); i++)
		if (in_blocks[i].section == section && matches(&in_blocks[i].form, text))
			return &in_blocks[i].form;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (matches(&forms[i], text))
			return &forms[i];
	return &unknown;
}
