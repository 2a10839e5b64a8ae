/*
 * Audit: the memory between reports. A process that was killed a moment ago still stands in the
 * next table, but the kernel passes it over.
 */
#include "harness/oomlog/badness.h"

/* A dying process that waits for a lock or a disk may be listed for long; much later its pid may
 * be somebody else's. */
enum { NEAR_SECONDS = 300 };

static bool within(uint64_t then_us, uint64_t now_us)
{
	return then_us <= now_us && now_us - then_us <= NEAR_SECONDS * UINT64_C(1000000);
}

/* By the kernel's clock, else by dates, else only from the report right before. */
static bool is_near(const struct audit_victim *victim, const struct oom_report *report)
{
	const struct oom_time *then = &victim->time, *now = &report->last_time;

	if (then->has_mono && now->has_mono)
		return within(then->mono_us, now->mono_us);
	if (then->has_unix && now->has_unix)
		return then->unix_us >= 0 && now->unix_us >= 0 &&
		       within((uint64_t)then->unix_us, (uint64_t)now->unix_us);
	return victim->report + 1 == report->number;
}

/* How long before this report's kill by the kernel's clock, UINT64_MAX: that is not told. */
static uint64_t before_us(const struct audit_victim *victim, const struct oom_report *report)
{
	const struct oom_time *then = &victim->time, *now = &report->last_time;

	return then->has_mono && now->has_mono && then->mono_us <= now->mono_us
		       ? now->mono_us - then->mono_us
		       : UINT64_MAX;
}

static uint64_t held(const struct oom_report *report, const struct oom_kill *kill)
{
	const struct oom_value *const values[] = {&kill->anon_rss, &kill->shmem_rss,
						  &kill->pgtables};
	uint64_t pages = 0, bytes;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (report->page_size && oom_bytes(report, values[i], &bytes))
			pages += bytes / report->page_size;
	return pages;
}

void audit_victims_near(struct audit_victims *victims, const struct oom_report *report,
			struct audit_options *options)
{
	options->killed = victims->near;
	options->n_killed = 0;
	options->late_pages = 0;
	for (size_t i = 0; i < victims->n; i++) {
		const struct audit_victim *victim = &victims->ring[i];
		if (is_near(victim, report))
			victims->near[options->n_killed++] = victim->pid;
		if (before_us(victim, report) < AUDIT_LATE_US)
			options->late_pages += victim->pages;
	}
}

void audit_victims_add(struct audit_victims *victims, const struct oom_report *report)
{
	for (size_t i = 0; i < report->n_kills; i++) {
		const struct oom_kill *kill = &report->kills[i];

		if (kill->pid < 0 || kill->deed == OOM_SELECTED || kill->deed == OOM_PINNED)
			continue;
		victims->ring[victims->next] = (struct audit_victim){.pid = kill->pid,
								     .report = report->number,
								     .pages = held(report, kill),
								     .time = kill->time};
		victims->next = (victims->next + 1) % AUDIT_VICTIMS_MAX;
		if (victims->n < AUDIT_VICTIMS_MAX)
			victims->n++;
	}
}
