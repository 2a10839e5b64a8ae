/* See oomlog_rig.h. */
#include "tests/lib/oomlog_rig.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *copy(const void *from, size_t n, size_t size)
{
	void *to = calloc(n + 1, size);

	ck_assert_ptr_nonnull(to);
	if (n)
		memcpy(to, from, n * size);
	return to;
}

static int keep(void *data, const struct oom_report *report)
{
	struct oomlog_rig *rig = data;

	rig->reports = realloc(rig->reports, (rig->n + 1) * sizeof(*rig->reports));
	ck_assert_ptr_nonnull(rig->reports);
	struct oom_report *r = &rig->reports[rig->n++];
	*r = *report;
	r->kills = copy(report->kills, report->n_kills, sizeof(*r->kills));
	r->figures = copy(report->figures, report->n_figures, sizeof(*r->figures));
	r->tasks = copy(report->tasks, report->n_tasks, sizeof(*r->tasks));
	r->unknown = copy(report->unknown, report->n_unknown, sizeof(*r->unknown));
	for (size_t i = 0; i < r->n_unknown; i++)
		r->unknown[i].text = strdup(report->unknown[i].text);
	return 0;
}

struct oomlog_rig *oomlog_rig_read(const char *text, size_t n, size_t piece,
				   const struct oomlog_options *options)
{
	struct oomlog_rig *rig = calloc(1, sizeof(*rig));
	ck_assert_ptr_nonnull(rig);
	struct oomlog *log = oomlog_new(options, keep, rig);
	ck_assert_ptr_nonnull(log);

	for (size_t at = 0; at < n;) {
		size_t take = piece && piece < n - at ? piece : n - at;
		ck_assert_int_eq(oomlog_feed(log, text + at, take), 0);
		at += take;
	}
	ck_assert_int_eq(oomlog_end(log), 0);
	rig->lines = oomlog_lines(log);
	oomlog_free(log);
	return rig;
}

struct oomlog_rig *oomlog_rig_text(const char *text)
{
	return oomlog_rig_read(text, strlen(text), 0, NULL);
}

void oomlog_rig_free(struct oomlog_rig *rig)
{
	for (size_t i = 0; i < rig->n; i++) {
		struct oom_report *r = &rig->reports[i];
		for (size_t j = 0; j < r->n_unknown; j++)
			free(r->unknown[j].text);
		free(r->unknown);
		free(r->kills);
		free(r->figures);
		free(r->tasks);
	}
	free(rig->reports);
	free(rig);
}

static void print_report(FILE *out, const struct oom_report *r)
{
	fprintf(out, "%" PRIu64 " %d %d %d lines %" PRIu64 "-%" PRIu64 " cut %d%d%d\n", r->number,
		(int)r->killer, (int)r->scope, (int)r->cause, r->first_line, r->last_line,
		r->cut_head, r->cut_tail, r->cut_table);
	fprintf(out, "%s %" PRId64 " %s %s %d %s %s %s\n", r->comm, r->invoker_pid, r->gfp_mask,
		r->gfp_flags, r->order, r->cpuset, r->kernel, r->first_time.text);
	fprintf(out, "%s %s %s %s %" PRId64 " %s %s\n", r->constraint, r->oom_memcg, r->task_memcg,
		r->summary_comm, r->summary_pid, r->oom_group, r->panic);
	for (size_t i = 0; i < r->n_kills; i++)
		fprintf(out, "kill %d %" PRId64 " %s %" PRIu64 " @%" PRIu64 "\n",
			(int)r->kills[i].deed, r->kills[i].pid, r->kills[i].comm,
			r->kills[i].anon_rss.raw, r->kills[i].line);
	for (size_t i = 0; i < r->n_figures; i++)
		fprintf(out, "figure '%s' '%s' %" PRIu64 " %s @%" PRIu64 "\n", r->figures[i].where,
			r->figures[i].name, r->figures[i].value.raw,
			oom_unit_name(r->figures[i].value.unit), r->figures[i].value.line);
	for (size_t i = 0; i < r->n_tasks; i++)
		fprintf(out, "task %" PRId64 " %" PRId64 " %s @%" PRIu64 "\n", r->tasks[i].pid,
			r->tasks[i].rss, r->tasks[i].name, r->tasks[i].line);
	for (size_t i = 0; i < r->n_unknown; i++)
		fprintf(out, "unknown %" PRIu64 " %s\n", r->unknown[i].line, r->unknown[i].text);
}

char *oomlog_rig_print(const struct oomlog_rig *rig)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < rig->n; i++)
		print_report(out, &rig->reports[i]);
	fprintf(out, "%" PRIu64 " lines\n", rig->lines);
	fclose(out);
	return text;
}
