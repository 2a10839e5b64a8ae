/*
 * What was left when the kernel gave up (page cache, swap, free memory of the wrong kind), and what
 * to do about it: one function a piece of advice, each of which looks for its own signs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/explain_facts.h"

/* ---- cache and swap ------------------------------------------------------------------------- */

static uint64_t droppable(const struct explain_facts *facts)
{
	if (facts->file == EXPLAIN_NONE)
		return EXPLAIN_NONE;
	/* A group's 'file' counts tmpfs in, the machine's file lists do not. */
	if (facts->group && facts->shmem != EXPLAIN_NONE)
		return facts->file > facts->shmem ? facts->file - facts->shmem : 0;
	return facts->file;
}

static void cache_left(const struct explain_facts *facts, struct str *out)
{
	uint64_t cache = droppable(facts);

	if (cache == EXPLAIN_NONE || facts->size == EXPLAIN_NONE)
		return;
	unsigned percent = explain_percent(cache, facts->size);
	if (cache == 0)
		str_add(out, "No page cache was left.\n");
	else if (percent < 3)
		str_addf(out, "Next to no page cache was left (%s).\n", SIZE_TEXT(cache));
	else if (facts->report->cause != OOM_ALLOCATION || explain_much_free(facts))
		str_addf(out, "%s of page cache (%u%%) was left.\n", SIZE_TEXT(cache), percent);
	else
		str_addf(out,
			 "%s of page cache (%u%%) was left; the kernel could not free it soon "
			 "enough (in use, dirty, or protected).\n",
			 SIZE_TEXT(cache), percent);
}

static void swap_left(const struct explain_facts *facts, struct str *out)
{
	if (facts->group && facts->swap_limit == 0)
		str_add(out, "The group may not use swap (its limit is 0).\n");
	else if (facts->group && facts->swap_limit != EXPLAIN_NONE &&
		 facts->swap_usage != EXPLAIN_NONE && facts->swap_usage >= facts->swap_limit)
		str_addf(out, "The group's swap was full (%s).\n", SIZE_TEXT(facts->swap_limit));
	/* What ran out says so already. */
	if (facts->report->scope == OOM_GLOBAL && facts->report->cause != OOM_SYSRQ)
		return;
	if (facts->swap_total == 0)
		str_add(out, "The machine has no swap.\n");
	else if (facts->swap_total != EXPLAIN_NONE && facts->swap_free != EXPLAIN_NONE)
		str_addf(out, "%s of %s swap (%u%%) was free.\n", SIZE_TEXT(facts->swap_free),
			 SIZE_TEXT(facts->swap_total),
			 explain_percent(facts->swap_free, facts->swap_total));
}

void explain_left(const struct explain_facts *facts, struct str *out)
{
	if (facts->report->killer != OOM_KERNEL)
		return;
	cache_left(facts, out);
	swap_left(facts, out);
	if (!facts->group)
		explain_zones(facts, out);
}

/* ---- advice --------------------------------------------------------------------------------- */

static bool is_part(uint64_t part, uint64_t whole, unsigned percent)
{
	return part != EXPLAIN_NONE && whole != EXPLAIN_NONE &&
	       explain_percent(part, whole) >= percent;
}

/* Which limits must be raised: v1 refuses one of memory above that of memory+swap. */
static void advise_limit(const struct explain_facts *facts, struct str *out)
{
	bool both = explain_memsw_reached(facts);
	uint64_t limit = both ? facts->memsw_limit : facts->limit;
	const char *knobs = "memory.max, or memory.limit_in_bytes in v1";

	if (!facts->group || !*facts->where)
		return;
	if (both)
		knobs = facts->limit == facts->memsw_limit
				? "memory.memsw.limit_in_bytes and memory.limit_in_bytes"
				: "memory.memsw.limit_in_bytes";
	str_addf(out, "Give '%s' more", facts->where);
	if (limit != EXPLAIN_NONE)
		str_addf(out, " than %s%s", SIZE_TEXT(limit), both ? " of memory and swap" : "");
	str_addf(out, " (%s), or make what runs in it use less.\n", knobs);
}

static void advise_failcnt(const struct explain_facts *facts, struct str *out)
{
	enum { MANY = 1000 };

	if (facts->group && facts->failcnt != EXPLAIN_NONE && facts->failcnt >= MANY)
		str_addf(out,
			 "The limit was hit %" PRIu64 " times before: the group lives at its "
			 "limit, where every page of cache is fought for.\n",
			 facts->failcnt);
}

static void advise_shmem(const struct explain_facts *facts, struct str *out)
{
	if (is_part(facts->shmem, facts->size, 20))
		str_addf(out,
			 "%s is tmpfs or shared memory: files in /dev/shm, /tmp, /run or an "
			 "emptyDir volume of medium Memory stay when their writer dies.\n",
			 SIZE_TEXT(facts->shmem));
}

static void advise_slab(const struct explain_facts *facts, struct str *out)
{
	if (is_part(facts->slab_unreclaimable, facts->size, 20))
		str_addf(out,
			 "%s is unreclaimable slab, memory of the kernel itself that no kill "
			 "frees: look at slabtop for what grows.\n",
			 SIZE_TEXT(facts->slab_unreclaimable));
}

static void advise_other(const struct explain_facts *facts, struct str *out)
{
	bool stacks = explain_figure_sum(facts->report, "kernel_stack") != EXPLAIN_NONE;

	if (facts->group && is_part(facts->other, facts->usage, 25))
		str_addf(out,
			 "%s of the group's memory is in none of its counters: memory of the "
			 "kernel on its behalf.\n",
			 SIZE_TEXT(facts->other));
	if (!facts->group && is_part(facts->other, facts->ram, 25))
		str_addf(out,
			 "%s of RAM is in none of the figures that the kernel prints: such are "
			 "huge pages set aside, drivers' memory, a hypervisor's balloon%s.\n",
			 SIZE_TEXT(facts->other), stacks ? "" : ", in this kernel also stacks");
}

static void advise_pgtables(const struct explain_facts *facts, struct str *out)
{
	if (is_part(facts->pgtables, facts->size, 10))
		str_addf(out,
			 "%s is page tables: many processes map the same large memory; huge pages "
			 "make these tables small.\n",
			 SIZE_TEXT(facts->pgtables));
}

static void advise_swap(const struct explain_facts *facts, struct str *out)
{
	if (facts->report->scope != OOM_GLOBAL || facts->swap_free == EXPLAIN_NONE)
		return;
	/* where hardly anything could be swapped out, swap would not have helped */
	if (facts->swap_total == 0 && facts->ram != EXPLAIN_NONE && facts->anon != EXPLAIN_NONE &&
	    !is_part(facts->anon, facts->ram, 10))
		return;
	if (facts->swap_total == 0)
		str_add(out, "There is no swap: some, or zram, would let idle anonymous memory "
			     "leave RAM.\n");
	else if (explain_percent(facts->swap_free, facts->swap_total) >= 50 &&
		 facts->report->cause == OOM_ALLOCATION)
		str_add(out, "Most of the swap was free: what filled the memory did not go "
			     "there, as memory of the kernel and locked memory cannot.\n");
	else if (is_part(facts->anon, facts->ram, 50) &&
		 explain_percent(facts->swap_free, facts->swap_total) < 5)
		str_add(out, "Swap is full too: the processes need more memory than RAM and swap "
			     "together.\n");
}

static void advise_protected(const struct explain_facts *facts, struct str *out)
{
	const struct oom_task *largest = NULL;

	for (size_t i = 0; i < facts->report->n_tasks; i++)
		if (!largest || facts->report->tasks[i].rss > largest->rss)
			largest = &facts->report->tasks[i];
	if (!largest || !explain_unkillable(largest) || largest->rss <= 0)
		return;
	explain_process(out, largest->name, largest->pid);
	str_addf(out,
		 " holds the most (%s) and is protected: killing others frees little. Limit it by "
		 "a group of its own, or do not protect it.\n",
		 SIZE_TEXT(explain_rss(facts->report, largest)));
}

static void advise_panic(const struct explain_facts *facts, struct str *out)
{
	if (strstr(facts->report->panic, "panic_on_oom"))
		str_add(out,
			"vm.panic_on_oom is set: with 0 the kernel kills a process instead.\n");
}

static void advise_allocating(const struct explain_facts *facts, struct str *out)
{
	if (facts->report->allocating_task)
		str_add(out, "vm.oom_kill_allocating_task=0 lets the kernel choose by size.\n");
}

static void advise_order(const struct explain_facts *facts, struct str *out)
{
	const struct oom_report *report = facts->report;

	if (report->order > 0 && report->scope == OOM_GLOBAL && facts->free != EXPLAIN_NONE &&
	    is_part(facts->free, facts->ram, 5))
		str_addf(out,
			 "%s were free, but the request was for %ld contiguous pages: see vm."
			 "min_free_kbytes and compaction, or who needs such blocks.\n",
			 SIZE_TEXT(facts->free), 1L << report->order);
}

/* Processes of one name that together dwarf the victim. */
struct herd {
	const char *name;
	uint64_t bytes;
	size_t n;
};

struct named {
	const struct oom_task *task;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return strcmp(x->task->name, y->task->name);
}

static struct herd largest_herd(const struct oom_report *report)
{
	MEM_AUTO struct named *rows = mem_zero(report->n_tasks, sizeof(*rows));
	struct herd best = {0}, now = {0};

	for (size_t i = 0; i < report->n_tasks; i++)
		rows[i].task = &report->tasks[i];
	qsort(rows, report->n_tasks, sizeof(*rows), by_name);
	for (size_t i = 0; i < report->n_tasks; i++) {
		uint64_t bytes = explain_rss(report, rows[i].task);
		if (!str_eq(now.name, rows[i].task->name))
			now = (struct herd){rows[i].task->name, 0, 0};
		now.bytes += bytes == EXPLAIN_NONE ? 0 : bytes;
		now.n++;
		if (now.bytes > best.bytes)
			best = now;
	}
	return best;
}

static void advise_herd(const struct explain_facts *facts, struct str *out)
{
	enum { HERD_MIN = 5 };
	struct herd herd = largest_herd(facts->report);
	uint64_t one = facts->chosen_row ? explain_rss(facts->report, facts->chosen_row)
					 : facts->victim_bytes;

	if (herd.n < HERD_MIN || one == EXPLAIN_NONE || herd.bytes < 4 * one ||
	    !is_part(herd.bytes, facts->size, 20))
		return;
	str_addf(out,
		 "%zu processes named '%s' hold far more together than the one that died: at most "
		 "%s (what they share counts for each). Limit their number.\n",
		 herd.n, herd.name, SIZE_TEXT(herd.bytes));
}

void explain_advice(const struct explain_facts *facts, struct str *out)
{
	static void (*const all[])(const struct explain_facts *, struct str *) = {
		advise_panic,	  advise_limit, advise_failcnt,	 advise_shmem,
		advise_slab,	  advise_other, advise_pgtables, advise_herd,
		advise_protected, advise_order, advise_swap,	 advise_allocating,
	};

	if (facts->report->killer != OOM_KERNEL || facts->report->cause == OOM_SYSRQ)
		return;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		all[i](facts, out);
}
