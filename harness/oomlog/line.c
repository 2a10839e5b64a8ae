/*
 * See line.h. Names of processes may hold any character, ')' and ',' included: fields are found
 * from both ends of the line and never by counting commas.
 */
#include "harness/oomlog/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FACILITY_SHIFT = 3 }; /* of the syslog priority, below it the level */

/* Copies the text between two pointers, cut to the buffer. */
static void copy_span(char *to, size_t size, const char *from, const char *end)
{
	size_t n = (size_t)(end - from);

	if (n >= size)
		n = size - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

static const char *last_of(const char *text, const char *what)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, what)); at++)
		found = at;
	return found;
}

/* "PID (COMM)" at 'at'; 'after' are the texts that may follow the closing parenthesis. */
static bool pid_and_comm(const char *at, struct oomlog_line *ret)
{
	static const char *const after[] = {") total-vm:", "), UID", "),", ") score", NULL};
	char *end;
	long pid = strtol(at, &end, 10);

	if (end == at || pid <= 0)
		return false;
	ret->pid = (pid_t)pid;
	const char *open = strchr(end, '(');
	if (!open)
		return false;
	const char *close = NULL;
	for (int i = 0; after[i] && !close; i++)
		close = strstr(open, after[i]);
	if (!close)
		close = strrchr(open, ')');
	if (!close)
		return false;
	copy_span(ret->comm, sizeof(ret->comm), open + 1, close);
	return true;
}

static uint64_t kilobytes(const char *text, const char *key)
{
	const char *at = last_of(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : UINT64_MAX;
}

static enum oomlog_kind killed(const char *text, const char *at, struct oomlog_line *ret)
{
	if (!pid_and_comm(at + strlen("Killed process "), ret))
		return OOMLOG_OTHER;
	ret->memcg = strncmp(text, "Memory cgroup", strlen("Memory cgroup")) == 0;
	ret->global = strncmp(text, "Out of memory", strlen("Out of memory")) == 0;
	ret->total_vm_bytes = kilobytes(text, "total-vm:");
	ret->anon_rss_bytes = kilobytes(text, "anon-rss:");
	ret->file_rss_bytes = kilobytes(text, "file-rss:");
	ret->shmem_rss_bytes = kilobytes(text, "shmem-rss:");
	const char *adj = last_of(text, "oom_score_adj:");
	ret->oom_score_adj = adj ? atoi(adj + strlen("oom_score_adj:")) : INT32_MIN;
	return OOMLOG_KILLED;
}

/* The value of "key=" up to the next known separator text; "" when the key is not there. */
static void field(const char *text, const char *key, const char *next, char *to, size_t size)
{
	const char *at = strstr(text, key);

	to[0] = '\0';
	if (!at)
		return;
	at += strlen(key);
	const char *end = next ? strstr(at, next) : NULL;
	copy_span(to, size, at, end ? end : at + strcspn(at, ","));
}

static enum oomlog_kind summary(const char *text, struct oomlog_line *ret)
{
	const char *pid = last_of(text, ",pid=");

	if (!pid)
		return OOMLOG_OTHER;
	ret->pid = (pid_t)strtol(pid + strlen(",pid="), NULL, 10);
	field(text, "constraint=", NULL, ret->constraint, sizeof(ret->constraint));
	field(text, ",oom_memcg=", ",task_memcg=", ret->oom_memcg, sizeof(ret->oom_memcg));
	field(text, ",task_memcg=", ",task=", ret->task_memcg, sizeof(ret->task_memcg));
	const char *task = strstr(text, ",task=");
	if (task && task < pid)
		copy_span(ret->comm, sizeof(ret->comm), task + strlen(",task="), pid);
	return OOMLOG_SUMMARY;
}

enum oomlog_kind oomlog_parse(const char *text, struct oomlog_line *ret)
{
	const char *at;

	*ret = (struct oomlog_line){.oom_score_adj = INT32_MIN,
				    .total_vm_bytes = UINT64_MAX,
				    .anon_rss_bytes = UINT64_MAX,
				    .file_rss_bytes = UINT64_MAX,
				    .shmem_rss_bytes = UINT64_MAX};
	if (strncmp(text, "oom-kill:", strlen("oom-kill:")) == 0)
		ret->kind = summary(text, ret);
	else if (strncmp(text, "oom_reaper: reaped process ", 27) == 0)
		ret->kind = pid_and_comm(text + 27, ret) ? OOMLOG_REAPED : OOMLOG_OTHER;
	else if (strncmp(text, "Tasks in ", 9) == 0 && strstr(text, "memory.oom.group"))
		ret->kind = OOMLOG_GROUP_KILL;
	else if (strncmp(text, "Out of memory and no killable", 29) == 0)
		ret->kind = OOMLOG_NO_VICTIM;
	else if (strstr(text, " invoked oom-killer: "))
		ret->kind = OOMLOG_INVOKED;
	else if ((at = strstr(text, "Killed process ")) != NULL)
		ret->kind = killed(text, at, ret);
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
