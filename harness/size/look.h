/*
 * What a group's memory is made of at one moment, by kind and by process. The kinds are read from
 * memory.stat, which names them differently on v1 and v2.
 */
#ifndef OOMLAB_SIZE_LOOK_H
#define OOMLAB_SIZE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroups/cg.h"

enum { LOOK_PROCS_MAX = 16, LOOK_NAME_MAX = 16 };

struct look_proc {
	int pid;
	char name[LOOK_NAME_MAX];
	uint64_t anon_bytes, file_bytes, shmem_bytes, tables_bytes;
};

struct look {
	uint64_t usage_bytes;
	uint64_t anon_bytes, file_bytes, shmem_bytes;	   /* file: without shmem */
	uint64_t kernel_bytes, tables_bytes, socket_bytes; /* tables are part of kernel */
	uint64_t swap_bytes;
	size_t n_procs, all_procs; /* the largest ones; how many there were */
	struct look_proc procs[LOOK_PROCS_MAX];
};

/* The kinds from the text of memory.stat; 'kernel_bytes' and 'usage_bytes' are set where the text
 * has them (v2's 'kernel', 5.18). Pure. */
void look_parse_stat(const char *text, bool v1, struct look *look);
/* The part that no reclaim can free, as far as it is known without swap. Pure. */
uint64_t look_unreclaimable(const struct look *look);

/* Reads the kinds; leaves procs alone. Nothing fails: what cannot be read is 0. */
void look_take(const struct cg *cg, bool v1, struct look *look);
/* One counter, by its name in cgroups/; 'absent' where there is none. */
uint64_t look_count(const struct cg *cg, const char *name, uint64_t absent);
uint64_t look_refaults(const struct cg *cg);
/* Who the OOM killer killed in it and below; 0 where the kernel does not count. */
uint64_t look_oom_kills(const struct cg *cg);
/* What the second largest process has of its own; 0: there is none. Pure. */
uint64_t look_second(const struct look *look);
/* Reads the processes of the group and below. */
void look_take_procs(const struct cg *cg, struct look *look);

#endif
