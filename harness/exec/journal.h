/*
 * The journal of one run: what it changes on the host, written down before it is changed, so that
 * the run itself, its guardian after kill -9, or any later oomlab command after a power loss can
 * put it back. One file a run in a state directory that survives a reboot (root:
 * /var/lib/oomlab; else $XDG_STATE_HOME/oomlab or ~/.local/state/oomlab; OOMLAB_STATE overrides).
 *
 * The owner holds an exclusive flock(2); a journal whose lock can be taken belongs to a dead run.
 * The lock belongs to the open file description: a forked child (the guardian) shares it and it is
 * free only when the last copy is closed; exec closes it (O_CLOEXEC), so hogs never hold it.
 * Its first line names the boot (/proc/sys/kernel/random/boot_id): after a reboot groups, sysctls
 * and swaps are gone by themselves and only files are removed. For that reason only an entry whose
 * effect outlives the boot, or that is rare, waits for the disk; JOURNAL_GROUP does not (a page
 * cache survives kill -9, a group does not survive a power loss).
 *
 * One state directory a machine: two runs with different ones know nothing of each other.
 */
#ifndef OOMLAB_EXEC_JOURNAL_H
#define OOMLAB_EXEC_JOURNAL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroups/cg.h"

enum journal_kind {
	JOURNAL_GROUP,	  /* a: name of a run's top group, below the host's parents; b: the run's
			   * --cgroup-parent, NULL without */
	JOURNAL_FILE,	  /* a: absolute path of a file made by the run: unlinked */
	JOURNAL_SWAP,	  /* a: path of a swap file or device the run turned on: swapoff */
	JOURNAL_SWAP_OFF, /* a: path, b: priority, of a swap of the machine's turned off: swapon */
	JOURNAL_SYSCTL,	  /* a: name ("vm.swappiness"), b: the value before */
	JOURNAL_WRITE,	  /* a: absolute path of a sysfs file, b: the value before (THP mode) */
	JOURNAL_ZRAM,	  /* a: "/dev/zram0"; b: "added" through zram-control: removed, else it was
			   * unused before: reset */
	JOURNAL_ZRAM_NEW, /* a: the zram devices that there are before one is added ("zram0"): an
			   * unused one beyond these is removed */
	JOURNAL_TRACE,	  /* a: name of an instance of tracefs: removed */
};
enum { JOURNAL_KINDS = JOURNAL_TRACE + 1 };

struct journal;

/* The state directory's path; the caller frees it. It may not exist yet. */
int journal_state_dir(char **ret, struct err *err);
/* Opens (creates) the run's journal and locks it. The id begins with the pid, "1234-...", and
 * names the run's top group as well, "oomlab-1234-...": that group is taken for an orphan only when
 * that process is gone, even by a recovery that looks into another state directory. In a pid
 * namespace of its own, where the pid means nothing to others, it begins with "ns-": its groups go
 * by the journal alone. */
int journal_open(const char *id, struct journal **ret, struct err *err);
/* Appends one entry and flushes it to the disk. Call it before the change. */
int journal_note(struct journal *journal, enum journal_kind kind, const char *a, const char *b,
		 struct err *err);
/* The same with the value that is going to be set: JOURNAL_SYSCTL and JOURNAL_WRITE are put back
 * only while the value is still that one (or when it was not stored); what somebody else set
 * meanwhile is left alone, with a warning. */
int journal_note_change(struct journal *journal, enum journal_kind kind, const char *a,
			const char *before, const char *set, struct err *err);
/* Undoes everything, groups first, the rest from the last entry to the first; what cannot be undone
 * is said in warnings (one line each) and stays in the journal. Entries undone are struck out.
 * Idempotent. Reads the file, so a forked guardian undoes also what was noted after the fork.
 * Returns 0, or -EBUSY when something stayed. */
int journal_undo(struct journal *journal, const struct cg_host *host, struct str *warnings);
/* As journal_undo but leaves entries before 'mark' (journal_mark()) alone: the end of a scenario
 * within a run. */
long journal_mark(const struct journal *journal);
int journal_undo_since(struct journal *journal, long mark, const struct cg_host *host,
		       struct str *warnings);
/* Closes; removes the file when nothing is left to undo. */
void journal_close(struct journal *journal);
/* For a forked guardian: the descriptor that holds the lock (shared with the parent by fork). */
int journal_fd(const struct journal *journal);
/* The directory the journal is in, where swap files are made as well, and the run's id. */
const char *journal_dir(const struct journal *journal);
const char *journal_id(const struct journal *journal);

/* Only one run at a time may change the host, else each would take the other's values for the
 * machine's own. Waits for the other at most 60 s (-EBUSY), then recovers dead runs' journals, so
 * that what is read afterwards as "before" is the machine's own. Forked children do not have it;
 * journal_recover() must not be called by the process that does. */
int journal_lock_host(struct journal *journal, const struct cg_host *host, struct str *warnings,
		      struct err *err);
/* For what changes nothing but counts on the host as it is (no swap, say): shared with others of
 * its kind, and no run changes the host meanwhile. Waits as journal_lock_host() does, and lets
 * those that wait for that go first. */
int journal_share_host(struct journal *journal, struct err *err);
/* Whether somebody waits for what we share to change the host: start nothing more. */
bool journal_host_wanted(const struct journal *journal);
/* Gives back either. */
void journal_unlock_host(struct journal *journal);

/* Undoes every dead run's journal (all but those whose lock is held) and removes groups named
 * "oomlab-PID-..." that no journal and no living run owns. With dry_run only says what it would do.
 * When somebody else (a guardian) is at it already, waits until that is through (15 s at most), so
 * that afterwards nothing is left or is said in 'warnings'.
 * Each thing done is one line in 'done'; failures in 'warnings'. Returns the number of things.
 * 'host' may be NULL (no cgroups to be seen): groups are then left, with a warning. */
int journal_recover(const struct cg_host *host, bool dry_run, struct str *done,
		    struct str *warnings);

#endif
