/*
 * The first sentences of an explanation: what ran out and where, who asked for what, who died. They
 * say what the log says and no more; what it does not say is left out.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/report/explain_facts.h"

void explain_process(struct str *out, const char *comm, int64_t pid)
{
	if (*comm)
		str_addf(out, "'%s'", comm);
	else
		str_add(out, "a process whose name is not in the log");
	if (pid >= 0)
		str_addf(out, " (pid %" PRId64 ")", pid);
}

/* ---- what ran out --------------------------------------------------------------------------- */

static void add_limit(const char *what, uint64_t usage, uint64_t limit, struct str *out)
{
	if (usage == EXPLAIN_NONE || limit == EXPLAIN_NONE)
		return;
	str_addf(out, "%s: %s of %s used.\n", what, SIZE_TEXT(usage), SIZE_TEXT(limit));
}

bool explain_memsw_reached(const struct explain_facts *facts)
{
	return facts->memsw_limit != EXPLAIN_NONE && facts->memsw_usage != EXPLAIN_NONE &&
	       facts->memsw_usage >= facts->memsw_limit;
}

static void what_group(const struct explain_facts *facts, struct str *out)
{
	const char *name = *facts->where ? facts->where : NULL;
	bool both = explain_memsw_reached(facts);

	if (name)
		str_addf(out, "The group '%s' reached its %s limit", name,
			 both ? "memory+swap" : "memory");
	else
		str_add(out, "A control group reached its memory limit; the log does not name it");
	if (!both && facts->limit != EXPLAIN_NONE)
		str_addf(out, " of %s", SIZE_TEXT(facts->limit));
	if (both)
		str_addf(out, " of %s", SIZE_TEXT(facts->memsw_limit));
	if (!both && facts->usage != EXPLAIN_NONE &&
	    !str_eq(SIZE_TEXT(facts->usage), SIZE_TEXT(facts->limit)))
		str_addf(out, " (%s used)", SIZE_TEXT(facts->usage));
	str_add(out, ".\n");
	if (both)
		add_limit("Memory without swap", facts->usage, facts->limit, out);
	if (facts->swap_limit != EXPLAIN_NONE && facts->swap_limit > 0)
		add_limit("Its swap", facts->swap_usage, facts->swap_limit, out);
	if (*facts->report->task_memcg && name && !str_eq(facts->report->task_memcg, name) &&
	    str_starts(facts->report->task_memcg, name))
		str_addf(out, "The limit is that of an ancestor: the victim ran in '%s'.\n",
			 facts->report->task_memcg);
}

/* Free memory that a request for the whole machine would have got, were it of the right kind. */
bool explain_much_free(const struct explain_facts *facts)
{
	enum { MUCH_PERCENT = 10 };

	return facts->ram != EXPLAIN_NONE && facts->free != EXPLAIN_NONE &&
	       explain_percent(facts->free, facts->ram) >= MUCH_PERCENT;
}

static void what_machine(const struct explain_facts *facts, struct str *out)
{
	if (facts->report->cause == OOM_PAGEFAULT)
		str_add(out, "A page fault failed for want of memory, which called the OOM killer "
			     "for the whole machine");
	else if (explain_much_free(facts))
		str_add(out, "The kernel could not serve a request that is bound to no group or "
			     "node, although the machine had memory");
	else
		str_add(out, "The whole machine ran out of memory");
	if (facts->ram != EXPLAIN_NONE && facts->free != EXPLAIN_NONE)
		str_addf(out, ": %s of %s RAM free", SIZE_TEXT(facts->free), SIZE_TEXT(facts->ram));
	else if (facts->free != EXPLAIN_NONE)
		str_addf(out, ": %s of RAM free", SIZE_TEXT(facts->free));
	if (facts->swap_total == 0)
		str_add(out, ", no swap");
	else if (facts->swap_total != EXPLAIN_NONE && facts->swap_free != EXPLAIN_NONE)
		str_addf(out, ", %s of %s swap free", SIZE_TEXT(facts->swap_free),
			 SIZE_TEXT(facts->swap_total));
	str_add(out, ".\n");
}

static void what_nodes(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	bool policy = report->scope == OOM_MEMPOLICY;
	bool mask = *report->nodemask && !str_eq(report->nodemask, "(null)");

	str_addf(out, "The memory nodes that a %s allows ran out",
		 policy ? "task's memory policy" : "cpuset");
	if (policy && mask)
		str_addf(out, " (nodes %s)", report->nodemask);
	else if (*report->mems_allowed)
		str_addf(out, " (cpuset '%s', nodes %s)", report->cpuset, report->mems_allowed);
	str_add(out, ".\n");
}

static void what_unknown(const struct explain_facts *facts, struct str *out)
{
	str_addf(out, "The log does not say what ran out%s.\n",
		 facts->report->cut_head ? ": the beginning of the report is missing" : "");
}

static void what_userspace(const struct explain_facts *facts, struct str *out)
{
	str_addf(out,
		 "No kill by the kernel's OOM killer: %s acted, before or instead of it, by rules "
		 "of its own.\n",
		 oom_killer_name(facts->report->killer));
}

void explain_what(const struct explain_facts *facts, struct str *out)
{
	static void (*const by_scope[])(const struct explain_facts *, struct str *) = {
		[OOM_SCOPE_UNKNOWN] = what_unknown, [OOM_GLOBAL] = what_machine,
		[OOM_MEMCG] = what_group,	    [OOM_CPUSET] = what_nodes,
		[OOM_MEMPOLICY] = what_nodes,
	};

	if (facts->report->killer != OOM_KERNEL) {
		what_userspace(facts, out);
		return;
	}
	if (facts->report->cause == OOM_SYSRQ) {
		str_add(out, "Somebody asked for this kill (SysRq f): memory need not have been "
			     "short.\n");
		if (facts->ram != EXPLAIN_NONE && facts->free != EXPLAIN_NONE)
			add_limit("RAM at that time", facts->ram - facts->free, facts->ram, out);
		return;
	}
	by_scope[facts->report->scope](facts, out);
}

/* ---- who asked for what --------------------------------------------------------------------- */

static const struct {
	const char *flag, *words;
} gfps[] = {
	{"GFP_TRANSHUGE", "a transparent huge page"},
	{"GFP_HIGHUSER", "a user's page (a process's memory or page cache)"},
	{"GFP_USER", "memory for a user"},
	{"GFP_KERNEL", "kernel memory"},
	{"GFP_NOFS", "kernel memory within a file system (GFP_NOFS)"},
	{"GFP_NOIO", "kernel memory within block I/O (GFP_NOIO)"},
	{"GFP_ATOMIC", "kernel memory that may not wait (GFP_ATOMIC)"},
	{"GFP_DMA", "memory in a DMA zone"},
};

static const char *gfp_words(const struct explain_facts *facts)
{
	/* What is charged to a group is asked for with GFP_KERNEL even if it is a user's page. */
	if (!*facts->report->gfp_flags || facts->group)
		return NULL;
	for (size_t i = 0; i < sizeof(gfps) / sizeof(*gfps); i++)
		if (str_starts(facts->report->gfp_flags, gfps[i].flag))
			return gfps[i].words;
	return NULL;
}

/* "16 contiguous pages (64.0K, order 4)" */
static void add_amount(const struct explain_facts *facts, struct str *out)
{
	int order = facts->report->order;

	if (order < 0 || order > 30) {
		str_add(out, " memory");
		return;
	}
	uint64_t bytes = explain_pages(facts->report, (int64_t)1 << order);
	if (order == 0)
		str_addf(out, " one page");
	else
		str_addf(out, " %ld contiguous pages", 1L << order);
	if (facts->report->page_size)
		str_addf(out, " (%s, order %d)", SIZE_TEXT(bytes), order);
	else
		str_addf(out, " (order %d)", order);
}

static void add_mask(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;

	if (!*report->gfp_mask)
		return;
	str_addf(out, "; gfp_mask=%s", report->gfp_mask);
	if (*report->gfp_flags)
		str_addf(out, "(%s)", report->gfp_flags);
}

void explain_who(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	const char *words = gfp_words(facts);

	if (report->header_line == 0 || report->killer != OOM_KERNEL || report->cause == OOM_SYSRQ)
		return;
	explain_process(out, report->comm, report->invoker_pid);
	if (report->cause == OOM_PAGEFAULT) {
		str_add(out, " had a page fault that failed for want of memory.\n");
		return;
	}
	str_addf(out, " %s", facts->group ? "was to be charged" : "asked for");
	add_amount(facts, out);
	if (words)
		str_addf(out, ": %s", words);
	add_mask(facts, out);
	str_add(out, ".\n");
	if (facts->victim && facts->victim->pid >= 0 && facts->victim->pid != report->invoker_pid &&
	    *report->comm && !str_eq(facts->victim->comm, report->comm))
		str_add(out, "That it was the one to ask is chance: it need not be the cause.\n");
}

/* ---- who died ------------------------------------------------------------------------------- */

static void add_part(const char *name, const struct oom_report *report,
		     const struct oom_value *value, const char **before, struct str *out)
{
	uint64_t bytes;

	if (!oom_bytes(report, value, &bytes) || bytes == 0)
		return;
	str_addf(out, "%s%s %s", *before, name, SIZE_TEXT(bytes));
	*before = ", ";
}

static void add_size(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	const struct oom_kill *victim = facts->victim;
	const char *before = " (";
	unsigned percent = explain_percent(facts->victim_bytes, facts->size);

	if (facts->victim_bytes == EXPLAIN_NONE)
		return;
	str_addf(out, ". It held %s",
		 facts->victim_bytes > 0 ? SIZE_TEXT(facts->victim_bytes) : "nothing in RAM");
	add_part("anonymous", report, &victim->anon_rss, &before, out);
	add_part("files", report, &victim->file_rss, &before, out);
	add_part("shared", report, &victim->shmem_rss, &before, out);
	str_add(out, before[0] == ',' ? ")" : "");
	if (facts->victim_row && facts->victim_row->swapents > 0)
		str_addf(out, " and %s in swap",
			 SIZE_TEXT(explain_pages(report, facts->victim_row->swapents)));
	if (percent > 0 && percent <= 100)
		str_addf(out, ": %u%% of %s", percent,
			 facts->group ? "the limit" : "the machine's RAM");
}

static size_t count_deeds(const struct oom_report *report, enum oom_deed deed)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n_kills; i++)
		n += report->kills[i].deed == deed;
	return n;
}

static void died_too(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	size_t killed = count_deeds(report, OOM_KILLED), sharing = count_deeds(report, OOM_SHARING);

	if (*report->oom_group)
		str_addf(out,
			 "All of the group '%s' was to die together (memory.oom.group): %zu "
			 "processes were killed.\n",
			 report->oom_group, killed);
	else if (killed > 1)
		str_addf(out, "%zu more %s killed.\n", killed - 1,
			 killed == 2 ? "process was" : "processes were");
	if (sharing)
		str_addf(out, "%zu that shared its memory died with it.\n", sharing);
	for (size_t i = 0; i < report->n_kills; i++) {
		const struct oom_kill *kill = &report->kills[i];
		if (kill->deed == OOM_UNREAPED)
			str_add(out, "The kernel could not take its memory at once (oom_reaper): "
				     "it was stuck in the kernel.\n");
		if (kill->deed == OOM_PINNED) {
			str_add(out, "Its memory stays: it is shared with ");
			explain_process(out, kill->other_comm, kill->other_pid);
			str_add(out, ", which cannot be killed.\n");
		}
	}
}

static void nobody_died(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;

	if (report->no_killable)
		str_add(out, "Nobody: no process was left that may be killed.\n");
	else if (report->disabled)
		str_add(out, "Nobody: the request was ignored.\n");
	else if (!*report->panic)
		str_addf(out, "The log does not say who%s.\n",
			 report->cut_tail ? ": the report is cut before the kill" : "");
}

static void exiting(const struct explain_facts *facts, struct str *out)
{
	explain_process(out, facts->chosen->comm, facts->chosen->pid);
	str_add(out, " was chosen, but was exiting already: nothing more was done.\n");
}

void explain_died(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;
	const struct oom_kill *victim = facts->victim;

	if (victim) {
		explain_process(out, victim->comm, victim->pid);
		if (*report->task_memcg)
			str_addf(out, " of the group '%s'", report->task_memcg);
		else if (*victim->cgroup)
			str_addf(out, " of the group '%s'", victim->cgroup);
		add_size(facts, out);
		str_add(out, ".\n");
		died_too(facts, out);
	} else if (facts->chosen && facts->chosen->deed == OOM_EXITING) {
		exiting(facts, out);
	} else {
		nobody_died(facts, out);
	}
	if (*report->panic)
		str_addf(out, "The kernel panicked: %s.\n", report->panic);
}
