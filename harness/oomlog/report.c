/* Questions to a report, and the names of its enums. See report.h. */
#include "harness/oomlog/report.h"

#include <string.h>

#define NAME(list, value) \
	((unsigned int)(value) < sizeof(list) / sizeof(*(list)) ? (list)[value] : "unknown")

const char *oom_deed_name(enum oom_deed deed)
{
	static const char *const names[] = {"selected", "killed",  "reaped", "unreaped",
					    "sharing",	"exiting", "pinned"};

	return NAME(names, deed);
}

const char *oom_killer_name(enum oom_killer killer)
{
	static const char *const names[] = {"kernel", "lowmemorykiller", "systemd-oomd", "earlyoom",
					    "oomd",   "nohang"};

	return NAME(names, killer);
}

const char *oom_scope_name(enum oom_scope scope)
{
	static const char *const names[] = {"unknown", "global", "memcg", "cpuset", "mempolicy"};

	return NAME(names, scope);
}

const char *oom_cause_name(enum oom_cause cause)
{
	static const char *const names[] = {"unknown", "allocation", "sysrq", "page-fault"};

	return NAME(names, cause);
}

const char *oom_unit_name(enum oom_unit unit)
{
	static const char *const names[] = {"count", "pages", "kB", "bytes", "MiB"};

	return NAME(names, unit);
}

bool oom_bytes(const struct oom_report *report, const struct oom_value *value, uint64_t *ret)
{
	const uint64_t scale[] = {[OOM_COUNT] = 0,
				  [OOM_PAGES] = report->page_size ? report->page_size : 4096,
				  [OOM_KB] = 1024,
				  [OOM_BYTES] = 1,
				  [OOM_MIB] = 1 << 20};
	uint64_t bytes;

	if (value->have != OOM_SAID || value->unit >= sizeof(scale) / sizeof(*scale) ||
	    !scale[value->unit] || __builtin_mul_overflow(value->raw, scale[value->unit], &bytes))
		return false;
	*ret = bytes;
	return true;
}

const struct oom_figure *oom_figure(const struct oom_report *report, const char *where,
				    const char *name)
{
	for (size_t i = 0; i < report->n_figures; i++)
		if (strcmp(report->figures[i].name, name) == 0 &&
		    strcmp(report->figures[i].where, where) == 0)
			return &report->figures[i];
	return NULL;
}

const struct oom_task *oom_task(const struct oom_report *report, int64_t pid)
{
	for (size_t i = 0; i < report->n_tasks; i++)
		if (report->tasks[i].pid == pid)
			return &report->tasks[i];
	return NULL;
}

static const struct oom_kill *first(const struct oom_report *report, enum oom_deed deed)
{
	for (size_t i = 0; i < report->n_kills; i++)
		if (report->kills[i].deed == deed)
			return &report->kills[i];
	return NULL;
}

const struct oom_kill *oom_selected(const struct oom_report *report)
{
	const struct oom_kill *selected = first(report, OOM_SELECTED);

	if (!selected)
		selected = first(report, OOM_EXITING);
	if (!selected)
		selected = oom_victim(report);
	/* a killer in user space may say no more than a cgroup */
	return selected && selected->pid >= 0 ? selected : NULL;
}

/* Where the kill line went to another log, its reaper still names the victim. */
const struct oom_kill *oom_victim(const struct oom_report *report)
{
	const struct oom_kill *victim = first(report, OOM_KILLED);

	if (!victim)
		victim = first(report, OOM_REAPED);
	return victim ? victim : first(report, OOM_UNREAPED);
}
