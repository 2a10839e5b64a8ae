/*
 * A report and its audit made by hand, for tests of the printers: a group 'shop/db' of 100 MiB in
 * which 'mysqld' died, three rows. Tests change what they are about.
 */
#ifndef OOMLAB_TESTS_EXPLAIN_RIG_H
#define OOMLAB_TESTS_EXPLAIN_RIG_H

#include "harness/report/explain.h"

enum { EXPLAIN_RIG_FIGURES = 32, EXPLAIN_RIG_ROWS = 8 };

struct explain_rig {
	struct oom_report report;
	struct oom_kill kills[4];
	struct oom_figure figures[EXPLAIN_RIG_FIGURES];
	struct oom_task tasks[EXPLAIN_RIG_ROWS];
	struct oom_line unknown[1];
	struct audit audit;
	int64_t points[EXPLAIN_RIG_ROWS];
	struct explain_item item;
};

struct explain_rig *explain_rig_group(void);
/* The same of a whole machine: 1 GiB, no swap. */
struct explain_rig *explain_rig_machine(void);
void explain_rig_figure(struct explain_rig *rig, const char *where, const char *name, uint64_t raw,
			enum oom_unit unit);
/* A row of these many resident pages and adj, with its points as badness would have them. */
void explain_rig_task(struct explain_rig *rig, int64_t pid, const char *name, int64_t rss, int adj);

/* All sentences of a topic; free() it. */
char *explain_rig_topic(const struct explain_rig *rig, enum explain_topic topic);

#endif
