/*
 * What the files of the candidates share with each other alone; candidates.h is the interface.
 */
#ifndef OOMLAB_EXEC_CANDIDATES_INTERNAL_H
#define OOMLAB_EXEC_CANDIDATES_INTERNAL_H

#include "harness/exec/candidates.h"

enum {
	CANDIDATES_TEXT = 16384, /* longest file of a process; status is about 1.4 KiB in 6.18 */
	CANDIDATES_LIST = 65536, /* one read of a list of pids */
	CANDIDATES_READERS = 4,
};

/* Part of a reading: pids from..to become rows from first + from on. */
struct candidates_reader {
	struct candidates *c;
	size_t first, from, to;
	bool coarse, own_files;
	char text[CANDIDATES_TEXT];
};

struct candidates_priv {
	int proc_fd, own_fd;	      /* own_fd: to be closed */
	const struct cg_host *groups; /* borrowed; NULL: not given */
	bool sorted;		      /* tasks[] are by rising pid */
	size_t cap;
	pid_t *pids; /* what is to be read */
	size_t n_pids, cap_pids;
	uint32_t *index;	 /* cap of them: for sorting */
	uint64_t swap_error_now; /* of who has nothing in swap now */
	pid_t *scan;		 /* a group's order by its twin */
	size_t n_scan, cap_scan;
	char text[CANDIDATES_TEXT];
	char list[CANDIDATES_LIST];
	struct candidates_reader *readers; /* CANDIDATES_READERS */
	size_t n_readers;		   /* as many as CPUs of them are of use */
};

/* ---- candidates_one.c ---------------------------------------------------------------------- */

/* A file of a process: its length in text (NUL-terminated), or -errno. 'file' is "stat" or
 * "task/12/stat". */
ssize_t candidates_text(const struct candidates *c, int64_t pid, const char *file, char *text,
			size_t size);
/* Calls fn for each entry of a directory of /proc that is a number, until it returns false. */
int candidates_each_number(const struct candidates *c, const char *path,
			   bool (*fn)(void *data, int64_t number), void *data);
/* Fills row i; -errno, without a message, when the process is gone or hidden. */
int candidates_read_one(struct candidates_reader *reader, int64_t pid, size_t i);

/* ---- candidates.c -------------------------------------------------------------------------- */

/* Empties the reading and looks at what may change on the machine. */
void candidates_begin(struct candidates *c);
/* Reads priv->pids into new rows. Only a reading of the whole machine may use threads: they would
 * be in the way of victims. */
void candidates_load(struct candidates *c, bool threads, bool coarse);
/* Says who is in the middle of a vfork, and gives the rows their names. */
void candidates_finish(struct candidates *c);
/* Fills 'order' of the rows from 'first' on by the time of their start. */
void candidates_order_by_start(struct candidates *c, size_t first);
void candidates_add_pid(struct candidates *c, pid_t pid);

/* ---- candidates_host.c --------------------------------------------------------------------- */

/* T and the counters' kind, once; 'touch' of own memory tells how the counters are read. */
int candidates_probe(struct candidates *c, struct err *err);
/* T and the swap error now. */
void candidates_refresh(struct candidates *c);

/* ---- candidates_vfork.c -------------------------------------------------------------------- */

/* Whether process i shares its memory with a parent that waits for it in vfork. */
bool candidates_in_vfork(const struct candidates *c, size_t i);

#endif
