/*
 * See line.h. The same readers as for whole reports (kill.c, after.c, head.c), for one line.
 */
#include "harness/oomlog/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/oomlog/forms.h"

enum { FACILITY_SHIFT = 3 }; /* of the syslog priority, below it the level */

static pid_t pid_of(int64_t pid)
{
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static uint64_t bytes(bool said, uint64_t kb)
{
	return said && kb <= UINT64_MAX / 1024 ? kb * 1024 : UINT64_MAX;
}

static enum oomlog_kind killed(struct span text, struct oomlog_line *ret)
{
	struct kill_text kill;

	if (!kill_text(text, &kill) || kill.deed != OOM_KILLED || !pid_of(kill.pid))
		return OOMLOG_OTHER;
	ret->pid = pid_of(kill.pid);
	span_copy(ret->comm, sizeof(ret->comm), kill.comm);
	ret->memcg = span_starts(text, "Memory cgroup");
	ret->global = span_starts(text, "Out of memory");
	ret->total_vm_bytes = bytes(kill.total_vm.said, kill.total_vm.value);
	ret->anon_rss_bytes = bytes(kill.anon_rss.said, kill.anon_rss.value);
	ret->file_rss_bytes = bytes(kill.file_rss.said, kill.file_rss.value);
	ret->shmem_rss_bytes = bytes(kill.shmem_rss.said, kill.shmem_rss.value);
	ret->oom_score_adj = kill.oom_score_adj;
	return OOMLOG_KILLED;
}

static enum oomlog_kind summary(struct span text, struct oomlog_line *ret)
{
	struct summary_text summary;

	if (!summary_text(text, &summary) || summary.pid < 0)
		return OOMLOG_OTHER;
	ret->pid = pid_of(summary.pid);
	span_copy(ret->constraint, sizeof(ret->constraint), summary.constraint);
	span_copy(ret->oom_memcg, sizeof(ret->oom_memcg), summary.oom_memcg);
	span_copy(ret->task_memcg, sizeof(ret->task_memcg), summary.task_memcg);
	span_copy(ret->comm, sizeof(ret->comm), summary.comm);
	return OOMLOG_SUMMARY;
}

static enum oomlog_kind reaped(struct span text, struct oomlog_line *ret)
{
	struct kill_text kill;

	if (!reaper_text(text, &kill) || kill.deed != OOM_REAPED || !pid_of(kill.pid))
		return OOMLOG_OTHER;
	ret->pid = pid_of(kill.pid);
	span_copy(ret->comm, sizeof(ret->comm), kill.comm);
	return OOMLOG_REAPED;
}

static enum oomlog_kind group(struct span text, struct oomlog_line *ret)
{
	(void)ret;
	return is_group(text) ? OOMLOG_GROUP_KILL : OOMLOG_OTHER;
}

static enum oomlog_kind no_victim(struct span text, struct oomlog_line *ret)
{
	(void)ret;
	return is_no_killable(text) ? OOMLOG_NO_VICTIM : OOMLOG_OTHER;
}

static enum oomlog_kind header(struct span text, struct oomlog_line *ret)
{
	(void)ret;
	return is_header(text) ? OOMLOG_INVOKED : OOMLOG_OTHER;
}

enum oomlog_kind oomlog_parse(const char *text, struct oomlog_line *ret)
{
	static enum oomlog_kind (*const readers[])(struct span, struct oomlog_line *) = {
		summary, reaped, group, no_victim, header, killed};

	*ret = (struct oomlog_line){.oom_score_adj = INT32_MIN,
				    .total_vm_bytes = UINT64_MAX,
				    .anon_rss_bytes = UINT64_MAX,
				    .file_rss_bytes = UINT64_MAX,
				    .shmem_rss_bytes = UINT64_MAX};
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers) && !ret->kind; i++)
		ret->kind = readers[i](span_of(text), ret);
	return ret->kind;
}

char *oomlog_kmsg(char *record, uint64_t *ret_sequence, uint64_t *ret_us)
{
	char *text = strchr(record, ';');
	uint64_t priority, sequence, us;

	if (!text ||
	    sscanf(record, "%" SCNu64 ",%" SCNu64 ",%" SCNu64, &priority, &sequence, &us) != 3)
		return NULL;
	/* What user space writes into /dev/kmsg never has the kernel's facility 0. */
	if (priority >> FACILITY_SHIFT)
		return NULL;
	text++;
	text[strcspn(text, "\n")] = '\0';
	*ret_sequence = sequence;
	*ret_us = us;
	return text;
}
