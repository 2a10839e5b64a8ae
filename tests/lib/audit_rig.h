/*
 * Reports built by hand for the tests of the audit.
 */
#ifndef OOMLAB_TESTS_AUDIT_RIG_H
#define OOMLAB_TESTS_AUDIT_RIG_H

#include <check.h>

#include "harness/oomlog/badness.h"

#define COL(name) (UINT32_C(1) << OOM_COL_##name)

enum {
	ROWS_MAX = 8,
	FIGURES_MAX = 8,
	COLS_PTES = COL(PID) | COL(RSS) | COL(NR_PTES) | COL(SWAPENTS) | COL(OOM_SCORE_ADJ),
	COLS_PMDS = COLS_PTES | COL(NR_PMDS),
	COLS_BYTES = COL(PID) | COL(RSS) | COL(PGTABLES_BYTES) | COL(SWAPENTS) | COL(OOM_SCORE_ADJ),
	COLS_EL6 = COL(PID) | COL(RSS) | COL(CPU) | COL(OOM_ADJ) | COL(OOM_SCORE_ADJ),
};

/* A report and its parts. */
struct audit_rig {
	struct oom_report report;
	struct oom_task rows[ROWS_MAX];
	struct oom_figure figures[FIGURES_MAX];
	struct oom_kill kills[2];
};

/* A report of the kernel with these columns, 4 KiB pages and a complete, empty table. */
struct audit_rig *audit_rig_new(const char *kernel, enum oom_scope scope, uint32_t columns);
/* 'tables' goes where the columns have page tables: PTEs or bytes. */
struct oom_task *audit_rig_row(struct audit_rig *rig, int64_t pid, int64_t uid, int64_t rss,
			       int64_t tables, int64_t swap, int adj, const char *name);
void audit_rig_figure(struct audit_rig *rig, const char *where, const char *name, uint64_t raw,
		      enum oom_unit unit);
void audit_rig_machine(struct audit_rig *rig, uint64_t ram, uint64_t reserved, uint64_t swap_kb);
struct oom_kill *audit_rig_deed(struct audit_rig *rig, enum oom_deed what, int64_t pid,
				int64_t score);
/* Chosen and killed: by two lines with a score up to 5.0; INT64_MIN: by a summary and one line. */
void audit_rig_killed(struct audit_rig *rig, int64_t pid, int64_t score);
/* NULL: nothing is known of the host. */
struct audit audit_rig_run(const struct audit_rig *rig, const struct audit_options *options);
/* Frees both. */
void audit_rig_done(struct audit_rig *rig, struct audit *audit);

#define ck_assert_verdict(audit, expected)                                               \
	ck_assert_msg((audit).verdict == (expected), "%s, not %s: %s",                   \
		      audit_verdict_name((audit).verdict), audit_verdict_name(expected), \
		      (audit).why)

#endif
