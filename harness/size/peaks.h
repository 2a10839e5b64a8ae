/*
 * What each process of a run needed at its own peak, whenever that was. What those need together
 * that lived at the same time, a run may need that has their peaks at the same time; and no run
 * needs more than so many of the largest ones as there were at once.
 */
#ifndef OOMLAB_SIZE_PEAKS_H
#define OOMLAB_SIZE_PEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peak {
	pid_t pid;
	uint64_t bytes;
	uint64_t born, died; /* moments, in the order of things */
};

struct peaks {
	struct peak *list; /* one for each process */
	size_t n, cap;
	bool unknown; /* somebody was not seen at its end */
};

/* What a process maps and is not its own. */
struct peaks_others {
	uint64_t program_bytes; /* page cache of files of which a part can be executed: it is there
				 * all the time */
	uint64_t shared_bytes;	/* anonymous, which a fork left with another process as well */
};

/* By the text of a /proc/PID/smaps. Pure. */
struct peaks_others peaks_others(const char *smaps);
/* What a process has needed by its status: its high-water mark without these and without tmpfs, and
 * page tables. Pure. */
uint64_t peaks_need_bytes(const char *status, const struct peaks_others *others);
/* What a process had from its birth on until now, of which the most is kept. Pure. */
void peaks_put(struct peaks *peaks, const struct peak *peak);
/* What this one's program has needed so far: before it ends, or becomes another one. */
void peaks_take(struct peaks *peaks, pid_t tid, uint64_t born, uint64_t now);
/* Whether all of it is known, and two at least are not below 'least_bytes'. Pure. */
bool peaks_known(const struct peaks *peaks, uint64_t least_bytes);
/* The most that any had together that lived at the same time. Pure. */
uint64_t peaks_met(const struct peaks *peaks);
/* The 'at_once' largest ones. Pure. */
uint64_t peaks_largest(struct peaks *peaks, size_t at_once);
void peaks_clear(struct peaks *peaks);

#endif
