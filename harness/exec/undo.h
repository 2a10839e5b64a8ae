/*
 * What one undoing of journal entries works with; between journal_undo.c (entries) and
 * journal_recover.c (dead runs). Private to harness/exec.
 */
#ifndef OOMLAB_EXEC_UNDO_H
#define OOMLAB_EXEC_UNDO_H

#include "harness/exec/journal_file.h"

struct undo {
	const struct cg_host *host; /* NULL: groups cannot be seen */
	bool dry_run;
	bool rebooted;	      /* only what outlives a reboot is there */
	long since;	      /* entries before this offset are left alone */
	struct str *done;     /* may be NULL */
	struct str *warnings; /* may be NULL */
	int count;	      /* things done */
	int failed;	      /* things that stayed */
};

/* Undoes the live entries of an open, locked journal from the last to the first, and strikes out
 * (not with dry_run) what is undone. -EBUSY when something stayed. */
int undo_journal(struct undo *undo, int fd, const struct journal_text *text);
/* Kills and removes one group's directory in one hierarchy. */
int undo_group_dir(struct undo *undo, const char *dir, struct err *err);
void undo_warn(struct undo *undo, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
