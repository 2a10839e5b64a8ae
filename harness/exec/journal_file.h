/*
 * The journal's file, shared by journal.c (writes it) and journal_undo.c (reads it and puts things
 * back). Private to harness/exec.
 *
 *   oomlab-journal 1 boot=<uuid> pid=<pid> start=<clock ticks since boot>
 *   + sysctl vm.swappiness 60 10
 *   - file /var/lib/oomlab/12-345.swap - -
 *
 * '+' is to be undone, '-' is struck out: one byte, changed in place. Fields are parted by one
 * space; in a field control characters, space, '%' and a lone '-' are %XX, an empty field is '-'.
 * A last line without its newline was being written when the run died: the change that it
 * announces was not begun.
 */
#ifndef OOMLAB_EXEC_JOURNAL_FILE_H
#define OOMLAB_EXEC_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/exec/journal.h"

struct journal {
	char *dir; /* state directory */
	char *id;
	char *path;
	int fd;	      /* holds the journal's lock */
	int host_fd;  /* host.lock while we have it, else -1 */
	long end;     /* bytes written */
	bool durable; /* the file's name has reached the disk */
};

struct journal_entry {
	enum journal_kind kind;
	bool live;
	long offset;
	char *a, *before, *set; /* never NULL */
};

struct journal_text {
	char boot[40];
	long pid; /* of the owner */
	uint64_t start;
	size_t n;
	struct journal_entry *entries;
};

struct undo; /* journal_undo.c */

/* THE table of kinds. */
struct journal_kind_info {
	const char *word;
	bool flush; /* waits for the disk */
	bool host;  /* a setting of the host: undone only under its lock */
	bool stays; /* outlives a reboot */
	bool first; /* before all others: swapoff is quick when nobody has pages there */
	/* Puts one entry back; nothing to do is success. */
	int (*undo)(struct undo *undo, const struct journal_entry *entry, struct err *err);
};
extern const struct journal_kind_info journal_kinds[JOURNAL_KINDS];

int journal_boot_id(char boot[40], struct err *err);
/* Start time of a process in clock ticks since boot, which with its pid names it, and whether it is
 * on its way out (a zombie is, too). -ESRCH when there is none. */
int journal_process(pid_t pid, uint64_t *ret_start, bool *ret_ending, struct err *err);

/* Reads and parses an open journal. */
int journal_load(int fd, struct journal_text *ret, struct err *err);
int journal_parse(const char *text, struct journal_text *ret, struct err *err);
void journal_text_free(struct journal_text *text);
/* Strikes one entry out. */
int journal_strike(int fd, const struct journal_entry *entry, struct err *err);

/* The host's lock is fcntl(2)'s, other than the journal's: it belongs to this process alone, so
 * that neither a guardian nor a worker, both forks, keeps it when the run dies. The price: closing
 * any descriptor of the file gives it up, so only these functions may open it.
 * 0, or -EAGAIN and (ret_owner may be NULL) who has it. */
#define JOURNAL_HOST_LOCK "host.lock"
int journal_try_host_lock(int fd, pid_t *ret_owner);
int journal_try_host_share(int fd, pid_t *ret_owner);

/* Undoes all dead journals in dir; 'locked' says that the caller has the host's lock. */
int journal_recover_dir(const char *dir, const struct cg_host *host, bool locked, bool dry_run,
			struct str *done, struct str *warnings);

#endif
