/*
 * What a prediction needs of the groups of one tree: limits, usage, and what else may become free
 * before the kernel gives up. See foresee.h.
 */
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/foresee.h"

/* Of a CPU: the batch of charges that it has taken and not used (MEMCG_CHARGE_BATCH), and pages on
 * their way to the lists or back from them (PAGEVEC_SIZE, 15 or 31). All of it comes back before
 * the kernel gives up (drain_all_stock, lru_add_drain). */
enum { PRECHARGED_PAGES = 64, IN_TRANSIT_PAGES = 32 };

int outlook_root(const struct runner *run, int group)
{
	while (group >= 0 && run->plan->groups[group].parent >= 0)
		group = run->plan->groups[group].parent;
	return group;
}

bool outlook_in_tree(const struct runner *run, int group, int root)
{
	return group >= 0 && outlook_root(run, group) == root;
}

uint64_t outlook_pages(const struct runner *run, uint64_t bytes)
{
	return bytes == UINT64_MAX ? UINT64_MAX : bytes / run->world.page_size;
}

static uint64_t counter(const struct cg *cg, const char *name, const char *other)
{
	uint64_t value = 0;
	struct err err;

	if (cg_counter(cg, name, &value, &err) < 0 && cg_counter(cg, other, &value, &err) < 0)
		return 0;
	return value;
}

/* Page cache is given up before anyone is killed; memory of tmpfs, which counts as such, is not. */
uint64_t outlook_cache(const struct runner *run, const struct cg *cg)
{
	uint64_t cache = counter(cg, "stat.total_cache", "stat.file");
	uint64_t shmem = counter(cg, "stat.total_shmem", "stat.shmem");

	return cache > shmem ? outlook_pages(run, cache - shmem) : 0;
}

static bool swaps(const struct cg *cg)
{
	char text[32];
	struct err err;
	MEM_AUTO char *path = mem_printf("%s/memory.swappiness", cg_dir(cg));

	if (fd_read_text(-1, path, text, sizeof(text), &err) < 0 &&
	    fd_read_text(-1, "/proc/sys/vm/swappiness", text, sizeof(text), &err) < 0)
		return true;
	return strtoul(text, NULL, 10) > 0;
}

/* What swap adds: to T, and to the room. Either way of limiting it (v1: memory and swap together)
 * leaves limit - usage + swap.max - swapped. */
static void add_swap(const struct runner *run, const struct cg *cg, struct predict_group *group)
{
	struct sysinfo info;
	uint64_t max = UINT64_MAX;
	char text[32];
	struct err err;

	group->total_pages = group->limit_pages;
	if (sysinfo(&info) < 0 || info.totalswap == 0)
		return;
	uint64_t total = outlook_pages(run, (uint64_t)info.totalswap * info.mem_unit);
	uint64_t free = outlook_pages(run, (uint64_t)info.freeswap * info.mem_unit);
	if (cg_get(cg, "memory.swap.max", text, sizeof(text), &err) >= 0 && !str_eq(text, "max") &&
	    parse_size(text, &max, &err) >= 0)
		max = outlook_pages(run, max);
	group->total_pages = badness_total_memcg(
		group->limit_pages, UINT64_MAX, max, total,
		outlook_pages(run, (uint64_t)info.totalram * info.mem_unit), swaps(cg));
	uint64_t swapped = outlook_pages(run, counter(cg, "swap_usage", "stat.swap"));
	if (swapped > max) {
		group->usage_least += swapped - max;
		group->usage_most += swapped - max;
		return;
	}
	group->slack_pages += max - swapped < free ? max - swapped : free;
}

/* The limit and the switch as the step leaves them: what it changes it may kill for. */
static void look_ahead(const struct runner *run, int index, const struct plan_step *step,
		       struct predict_group *group)
{
	struct err err;

	for (size_t t = 0; step && step->kind == PLAN_SET && t < step->n_targets; t++)
		for (size_t k = 0; k < step->targets[t].n_knobs; k++) {
			const struct plan_knob *knob = &step->targets[t].knobs[k];
			uint64_t bytes;
			if (step->targets[t].group != index)
				continue;
			if (str_eq(knob->knob, "memory.max") &&
			    parse_size(knob->value, &bytes, &err) >= 0)
				group->limit_pages = outlook_pages(run, bytes);
			if (str_eq(knob->knob, "memory.max") && str_eq(knob->value, "max"))
				group->limit_pages = UINT64_MAX;
			if (str_eq(knob->knob, "memory.oom_control"))
				group->killer_off = str_eq(knob->value, "disabled");
		}
}

/* Usage before and after the tasks' status pages were read. */
void outlook_usage(const struct runner *run, int index, struct predict_group *group, bool again)
{
	const struct cg *cg = run->groups[index];
	struct cg_vitals vitals;
	struct err err;

	uint64_t usage = cg && cg_vitals(cg, &vitals, &err) >= 0
				 ? outlook_pages(run, vitals.usage_bytes)
				 : 0;
	if (!again || usage < group->usage_least)
		group->usage_least = usage;
	if (!again || usage > group->usage_most)
		group->usage_most = usage;
}

static void read_group(const struct runner *run, int index, const struct plan_step *step,
		       struct predict_group *group)
{
	const struct cg *cg = run->groups[index];
	uint64_t off = 0, cpus = run->options->facts->cpus;
	struct err err;

	*group = (struct predict_group){.parent = run->plan->groups[index].parent,
					.limit_pages = UINT64_MAX};
	if (!cg)
		return;
	group->limit_pages = outlook_pages(run, run->world.groups[index].limit_bytes);
	if (group->limit_pages == UINT64_MAX)
		return;
	outlook_usage(run, index, group, false);
	group->killer_off = cg_counter(cg, "oom_kill_disable", &off, &err) >= 0 && off;
	look_ahead(run, index, step, group);
	group->slack_pages = cpus * (PRECHARGED_PAGES + IN_TRANSIT_PAGES);
	if (group->limit_pages == UINT64_MAX)
		return;
	add_swap(run, cg, group);
}

void outlook_groups(const struct runner *run, int root, const struct plan_step *step)
{
	struct predict_world *world = &run->foresight->outlooks[root].now.world;

	world->n_groups = run->plan->n_groups;
	if (!world->groups)
		world->groups = mem_zero(world->n_groups, sizeof(*world->groups));
	for (size_t g = 0; g < world->n_groups; g++)
		if (outlook_in_tree(run, (int)g, root))
			read_group(run, (int)g, step, &world->groups[g]);
		else
			world->groups[g].parent = run->plan->groups[g].parent;
}
