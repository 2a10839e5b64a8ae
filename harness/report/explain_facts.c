/*
 * See explain_facts.h. Which figures make up "anonymous" or "page cache" differs between the
 * machine and a group and from kernel to kernel; here is the one place that knows.
 */
#include "harness/report/explain_facts.h"

#include <string.h>
#include <strings.h>

/* ---- figures -------------------------------------------------------------------------------- */

uint64_t explain_pages(const struct oom_report *report, int64_t pages)
{
	uint64_t bytes, size = report->page_size ? report->page_size : 4096;

	if (pages < 0 || __builtin_mul_overflow((uint64_t)pages, size, &bytes))
		return EXPLAIN_NONE;
	return bytes;
}

int64_t explain_pgtables(const struct oom_report *report, const struct oom_task *task)
{
	int64_t tables = -1;

	if (task->pgtables_bytes >= 0)
		return task->pgtables_bytes;
	for (const int64_t *part = (const int64_t[]){task->nr_ptes, task->nr_pmds, task->nr_puds},
			   *end = part + 3;
	     part < end; part++)
		if (*part >= 0)
			tables = (tables < 0 ? 0 : tables) + *part;
	return tables < 0 ? -1 : (int64_t)explain_pages(report, tables);
}

uint64_t explain_figure_bytes(const struct oom_report *report, const struct oom_figure *figure)
{
	uint64_t bytes;

	if (oom_bytes(report, &figure->value, &bytes))
		return bytes;
	return figure->value.have == OOM_SAID ? figure->value.raw : EXPLAIN_NONE;
}

uint64_t explain_figure(const struct oom_report *report, const char *where, const char *name)
{
	for (size_t i = 0; i < report->n_figures; i++)
		if (strcasecmp(report->figures[i].name, name) == 0 &&
		    str_eq(report->figures[i].where, where))
			return explain_figure_bytes(report, &report->figures[i]);
	return EXPLAIN_NONE;
}

static void add(uint64_t *sum, uint64_t more)
{
	if (more == EXPLAIN_NONE)
		return;
	*sum = *sum == EXPLAIN_NONE ? more : *sum + more;
}

uint64_t explain_figure_sum(const struct oom_report *report, const char *name)
{
	uint64_t sum = EXPLAIN_NONE;

	for (size_t i = 0; i < report->n_figures; i++)
		if (*report->figures[i].where && strcasecmp(report->figures[i].name, name) == 0)
			add(&sum, explain_figure_bytes(report, &report->figures[i]));
	return sum;
}

/* Names parted by '+' and summed; of each, alternatives parted by '|', the first that is there. */
static uint64_t sum_of(const struct oom_report *report, const char *where, const char *names)
{
	MEM_AUTO char *copy = mem_dup(names);
	uint64_t sum = EXPLAIN_NONE;
	char *rest = copy;

	for (char *part; (part = strsep(&rest, "+"));) {
		uint64_t value = EXPLAIN_NONE;
		for (char *name; value == EXPLAIN_NONE && (name = strsep(&part, "|"));)
			value = explain_figure(report, where, name);
		add(&sum, value);
	}
	return sum;
}

/* ---- rows and numbers ----------------------------------------------------------------------- */

uint64_t explain_rss(const struct oom_report *report, const struct oom_task *task)
{
	return task->rss < 0 ? EXPLAIN_NONE : explain_pages(report, task->rss);
}

bool explain_unkillable(const struct oom_task *task)
{
	enum { OOM_DISABLE = -17 };

	return task->oom_score_adj == -1000 ||
	       (task->oom_score_adj == INT16_MIN && task->oom_adj == OOM_DISABLE);
}

int64_t explain_adj_pages(const struct explain_facts *facts, const struct oom_task *task)
{
	const struct audit *audit = facts->audit;

	if (task->oom_score_adj == INT16_MIN || !audit->has_rules || audit->total_pages == 0)
		return 0;
	return task->oom_score_adj * (int64_t)(audit->total_pages / 1000);
}

unsigned explain_percent(uint64_t a, uint64_t b)
{
	if (a == EXPLAIN_NONE || b == EXPLAIN_NONE || b == 0)
		return 0;
	double percent = 100.0 * (double)a / (double)b;
	return percent < 1e6 ? (unsigned)(percent + 0.5) : 1000000;
}

struct explain_size explain_size(uint64_t bytes)
{
	struct explain_size size = {"?"};

	if (bytes == 0)
		return (struct explain_size){"0"};
	if (bytes != EXPLAIN_NONE)
		format_size_short(bytes, size.text);
	return size;
}

/* ---- kinds of memory ------------------------------------------------------------------------ */

enum part { PART_OWN = 0, PART_OF_ABOVE, PART_OF_KERNEL };

struct kind {
	const char *label, *names;
	enum part part;
};

/* Of the machine, from the first lines of Mem-Info. Shared memory and tmpfs are on the anonymous
 * lists but no part of the page cache that can be dropped. */
static const struct kind machine_kinds[] = {
	{"anonymous, tmpfs", "active_anon+inactive_anon+isolated_anon", PART_OWN},
	{"tmpfs, shared", "shmem", PART_OF_ABOVE},
	{"page cache", "active_file+inactive_file+isolated_file", PART_OWN},
	{"cache, anonymous", "active+inactive", PART_OWN}, /* up to 2.6.27 */
	{"unevictable", "unevictable", PART_OWN},
	{"slab", "slab", PART_OWN}, /* up to 2.6.30 */
	{"slab, reclaimable", "slab_reclaimable", PART_OWN},
	{"slab, unreclaimable", "slab_unreclaimable", PART_OWN},
	{"page tables", "pagetables+sec_pagetables", PART_OWN},
	{"kernel stacks", "*kernel_stack", PART_OWN},
	{"free", "free+free_pcp", PART_OWN},
};

/* Of a group: memory.stat of v2, or v1's in its two forms. Before 5.18 there is no sum of the
 * kernel's, nor in the short lines of old v1. */
static const struct kind group_kinds[] = {
	{"anonymous", "anon|total_rss|rss", PART_OWN},
	{"page cache, tmpfs", "file|total_cache|cache", PART_OWN},
	{"tmpfs, shared", "shmem|total_shmem", PART_OF_ABOVE},
	{"kernel", "kernel|kmem usage", PART_OWN},
	{"slab, reclaimable", "slab_reclaimable", PART_OF_KERNEL},
	{"slab, unreclaimable", "slab_unreclaimable", PART_OF_KERNEL},
	{"page tables", "pagetables+sec_pagetables", PART_OF_KERNEL},
	{"kernel stacks", "kernel_stack", PART_OF_KERNEL},
	{"per-CPU", "percpu", PART_OF_KERNEL},
	{"vmalloc", "vmalloc", PART_OF_KERNEL},
	{"sockets", "sock", PART_OWN},
	{"compressed (zswap)", "zswap", PART_OF_KERNEL}, /* charged as objects of it */
};

static uint64_t kind_bytes(const struct explain_facts *facts, const struct kind *kind)
{
	if (*kind->names == '*')
		return explain_figure_sum(facts->report, kind->names + 1);
	return sum_of(facts->report, facts->group ? facts->place : "", kind->names);
}

static void find_kinds(struct explain_facts *facts)
{
	const struct kind *kinds = facts->group ? group_kinds : machine_kinds;
	size_t n = facts->group ? sizeof(group_kinds) / sizeof(*group_kinds)
				: sizeof(machine_kinds) / sizeof(*machine_kinds);
	uint64_t known = 0, all = facts->group ? facts->usage : facts->ram;
	bool kernel = sum_of(facts->report, facts->place, "kernel|kmem usage") != EXPLAIN_NONE;

	for (size_t i = 0; i < n; i++) {
		uint64_t bytes = kind_bytes(facts, &kinds[i]);
		bool within = kinds[i].part == PART_OF_ABOVE ||
			      (kinds[i].part == PART_OF_KERNEL && kernel);
		if (bytes == EXPLAIN_NONE || bytes == 0)
			continue;
		facts->kinds[facts->n_kinds++] =
			(struct explain_kind){kinds[i].label, bytes, within};
		known += within ? 0 : bytes;
	}
	/* What is left tells something only where the large ones were printed. */
	bool whole = facts->group ? facts->anon != EXPLAIN_NONE
				  : facts->free != EXPLAIN_NONE && facts->file != EXPLAIN_NONE;
	if (!whole || all == EXPLAIN_NONE || all <= known)
		return;
	facts->other = all - known;
	facts->kinds[facts->n_kinds++] =
		(struct explain_kind){"in none of these", facts->other, false};
}

/* ---- the machine, the group ----------------------------------------------------------------- */

static void find_machine(struct explain_facts *facts)
{
	const struct oom_report *report = facts->report;
	uint64_t reserved = sum_of(report, "", "pages reserved|reserved|reserved pages");

	facts->ram = sum_of(report, "", "pages RAM|RAM|pages of RAM");
	if (facts->ram != EXPLAIN_NONE && reserved != EXPLAIN_NONE && reserved < facts->ram)
		facts->ram -= reserved;
	facts->swap_total = sum_of(report, "", "Total swap");
	facts->swap_free = sum_of(report, "", "Free swap");
	if (facts->group)
		return;
	facts->free = sum_of(report, "", "free");
	facts->size = facts->ram;
	facts->anon = sum_of(report, "", "active_anon+inactive_anon");
	facts->file = sum_of(report, "", "active_file+inactive_file");
	facts->shmem = sum_of(report, "", "shmem");
	facts->slab_unreclaimable = sum_of(report, "", "slab_unreclaimable");
	facts->pgtables = sum_of(report, "", "pagetables");
}

/* A limit of (nearly) 2^63 is none. */
static uint64_t limit_of(const struct oom_report *report, const char *where, const char *name)
{
	uint64_t limit = explain_figure(report, where, name);

	return limit >= (uint64_t)1 << 62 ? EXPLAIN_NONE : limit;
}

/* Figures name a group as its counters' line does, a long path cut; so this line is asked, not the
 * path of the summary. */
static const char *place_of(const struct oom_report *report)
{
	for (size_t i = 0; i < report->n_figures; i++)
		if (str_eq(report->figures[i].name, "usage"))
			return report->figures[i].where;
	return report->oom_memcg;
}

static void find_group(struct explain_facts *facts)
{
	const struct oom_report *report = facts->report;

	if (!facts->group)
		return;
	facts->place = place_of(report);
	const char *where = facts->place;
	facts->usage = explain_figure(report, where, "usage");
	facts->limit = limit_of(report, where, "limit");
	facts->failcnt = explain_figure(report, where, "failcnt");
	facts->memsw_usage = explain_figure(report, where, "memory+swap usage");
	facts->memsw_limit = limit_of(report, where, "memory+swap limit");
	facts->swap_usage = explain_figure(report, where, "swap usage");
	facts->swap_limit = limit_of(report, where, "swap limit");
	facts->size = facts->limit;
	facts->anon = sum_of(report, where, "anon|total_rss|rss");
	facts->file = sum_of(report, where, "file|total_cache|cache");
	facts->shmem = sum_of(report, where, "shmem|total_shmem");
	facts->slab_unreclaimable = sum_of(report, where, "slab_unreclaimable");
	facts->pgtables = sum_of(report, where, "pagetables");
}

/* ---- who died ------------------------------------------------------------------------------- */

static uint64_t kill_bytes(const struct oom_report *report, const struct oom_kill *kill)
{
	const struct oom_value *const parts[] = {&kill->anon_rss, &kill->file_rss,
						 &kill->shmem_rss};
	uint64_t sum = EXPLAIN_NONE, bytes;

	for (size_t i = 0; i < 3; i++)
		if (oom_bytes(report, parts[i], &bytes))
			add(&sum, bytes);
	return sum;
}

static void find_dead(struct explain_facts *facts)
{
	const struct oom_report *report = facts->report;

	facts->chosen = oom_selected(report);
	facts->victim = oom_victim(report);
	if (facts->chosen && facts->chosen->pid >= 0)
		facts->chosen_row = oom_task(report, facts->chosen->pid);
	if (!facts->victim)
		return;
	if (facts->victim->pid >= 0)
		facts->victim_row = oom_task(report, facts->victim->pid);
	facts->victim_bytes = kill_bytes(report, facts->victim);
	if (facts->victim_bytes == EXPLAIN_NONE && facts->victim_row)
		facts->victim_bytes = explain_rss(report, facts->victim_row);
}

#define NONE EXPLAIN_NONE
static const struct explain_facts nothing = {
	.usage = NONE,
	.limit = NONE,
	.failcnt = NONE,
	.swap_usage = NONE,
	.swap_limit = NONE,
	.memsw_usage = NONE,
	.memsw_limit = NONE,
	.ram = NONE,
	.swap_total = NONE,
	.swap_free = NONE,
	.free = NONE,
	.anon = NONE,
	.file = NONE,
	.shmem = NONE,
	.pgtables = NONE,
	.other = NONE,
	.size = NONE,
	.victim_bytes = NONE,
	.slab_unreclaimable = NONE,
};

void explain_dead(const struct explain_item *item, struct explain_facts *ret)
{
	*ret = nothing;
	ret->report = item->report;
	ret->audit = item->audit;
	ret->group = item->report->scope == OOM_MEMCG;
	ret->where = ret->place = item->report->oom_memcg;
	find_dead(ret);
}

void explain_facts(const struct explain_item *item, struct explain_facts *ret)
{
	explain_dead(item, ret);
	find_machine(ret);
	find_group(ret);
	find_kinds(ret);
}
