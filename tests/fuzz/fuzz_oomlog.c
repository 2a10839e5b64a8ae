/*
 * Fuzz target of the report parser: the first byte picks how the rest is cut into pieces. Any bytes
 * must be read without a fault, every report must hold what report.h promises, and a piecewise read
 * must give the same reports as one of the whole. 'make fuzz' builds and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/oomlog/line.h"
#include "harness/oomlog/report.h"

/* A digest of all that was told, to compare two ways of reading. */
struct told {
	uint64_t hash, reports;
};

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static void mix(struct told *told, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		told->hash = (told->hash ^ p[i]) * 0x100000001b3ULL;
}

static void mix_number(struct told *told, uint64_t number)
{
	mix(told, &number, sizeof(number));
}

static void mix_text(struct told *told, const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	MUST(n < size);
	mix(told, text, n);
	mix_number(told, n);
}

#define TEXT(told, field) mix_text(told, field, sizeof(field))

static void mix_value(struct told *told, const struct oom_value *value)
{
	MUST(value->have <= OOM_LOST && value->unit <= OOM_MIB);
	mix_number(told, value->raw);
	mix_number(told, value->line);
	mix_number(told, value->have);
}

static void mix_time(struct told *told, const struct oom_time *time)
{
	TEXT(told, time->text);
	mix_number(told, time->has_mono ? time->mono_us : 1);
	mix_number(told, time->has_unix ? (uint64_t)time->unix_us : 1);
}

static void mix_kill(struct told *told, const struct oom_kill *kill)
{
	MUST(kill->deed <= OOM_PINNED);
	MUST(kill->line);
	TEXT(told, kill->comm);
	TEXT(told, kill->other_comm);
	TEXT(told, kill->cgroup);
	mix_number(told, (uint64_t)kill->pid);
	mix_number(told, (uint64_t)kill->score);
	mix_value(told, &kill->total_vm);
	mix_value(told, &kill->anon_rss);
	mix_value(told, &kill->file_rss);
	mix_value(told, &kill->shmem_rss);
	mix_value(told, &kill->pgtables);
	mix_time(told, &kill->time);
	mix_number(told, kill->line);
}

static void mix_lists(struct told *told, const struct oom_report *r)
{
	uint64_t line = 0;

	for (size_t i = 0; i < r->n_kills; i++)
		mix_kill(told, &r->kills[i]);
	for (size_t i = 0; i < r->n_figures; i++) {
		TEXT(told, r->figures[i].where);
		TEXT(told, r->figures[i].name);
		mix_value(told, &r->figures[i].value);
	}
	for (size_t i = 0; i < r->n_tasks; i++) {
		const struct oom_task *task = &r->tasks[i];
		MUST(task->pid >= 0 && task->line >= line);
		line = task->line;
		TEXT(told, task->name);
		mix_number(told, (uint64_t)(task->pid ^ task->rss ^ task->swapents));
	}
	MUST(r->n_unknown <= OOM_UNKNOWN_MAX);
	line = 0;
	for (size_t i = 0; i < r->n_unknown; i++) {
		MUST(r->unknown[i].line >= line);
		line = r->unknown[i].line;
		mix_text(told, r->unknown[i].text, strlen(r->unknown[i].text) + 1);
	}
}

static int tell(void *data, const struct oom_report *r)
{
	struct told *told = data;

	MUST(r->number == ++told->reports);
	MUST(r->first_line && r->first_line <= r->last_line);
	MUST(!r->table_complete || (r->table_line && !r->cut_table));
	MUST(!r->page_size == !r->page_size_from);
	MUST(!r->page_size || !(r->page_size & (r->page_size - 1)));
	TEXT(told, r->comm);
	TEXT(told, r->gfp_mask);
	TEXT(told, r->gfp_flags);
	TEXT(told, r->nodemask);
	TEXT(told, r->cpuset);
	TEXT(told, r->mems_allowed);
	TEXT(told, r->kernel);
	TEXT(told, r->constraint);
	TEXT(told, r->oom_memcg);
	TEXT(told, r->task_memcg);
	TEXT(told, r->summary_comm);
	TEXT(told, r->oom_group);
	TEXT(told, r->oom_policy);
	TEXT(told, r->panic);
	TEXT(told, r->other_columns);
	mix_number(told, r->first_line);
	mix_number(told, r->last_line);
	mix_number(told, r->header_line ^ r->constraint_line ^ r->table_line);
	mix_number(told, (unsigned int)r->killer);
	mix_number(told, (unsigned int)r->scope);
	mix_number(told, (unsigned int)r->cause);
	mix_number(told, r->cut_head);
	mix_number(told, r->cut_tail);
	mix_number(told, r->cut_table);
	mix_number(told, r->unknown_more);
	mix_time(told, &r->first_time);
	mix_time(told, &r->last_time);
	mix_lists(told, r);
	const struct oom_kill *victim = oom_victim(r), *selected = oom_selected(r);
	MUST(r->n_kills || (!victim && !selected));
	return 0;
}

static struct told read_all(const char *bytes, size_t n, size_t piece)
{
	struct oomlog_options options = {.now_unix_us = 1700000000000000};
	struct told told = {.hash = 0xcbf29ce484222325ULL};
	struct oomlog *log = oomlog_new(&options, tell, &told);

	if (!log)
		return told;
	for (size_t at = 0; at < n; at += piece)
		oomlog_feed(log, bytes + at, n - at < piece ? n - at : piece);
	oomlog_end(log);
	mix_number(&told, oomlog_lines(log));
	oomlog_free(log);
	return told;
}

static void single_line(const char *bytes, size_t n)
{
	char *text = malloc(n + 1);
	struct oomlog_line line;
	uint64_t sequence, us;

	if (!text)
		return;
	memcpy(text, bytes, n);
	text[n] = '\0';
	oomlog_parse(text, &line);
	MUST(strnlen(line.comm, sizeof(line.comm)) < sizeof(line.comm));
	oomlog_kmsg(text, &sequence, &us);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	const char *bytes = (const char *)data + 1;
	size_t piece = data[0] < 128 ? (size_t)data[0] + 1 : ((size_t)data[0] - 127) * 311;
	struct told whole = read_all(bytes, size - 1, size);
	struct told pieces = read_all(bytes, size - 1, piece);
	MUST(whole.hash == pieces.hash && whole.reports == pieces.reports);
	single_line(bytes, size - 1);
	return 0;
}
