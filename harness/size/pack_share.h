/*
 * What the processes of a group have for themselves and what they share, by smaps_rollup: pages
 * that several map are in one's proportional size (Pss) once, however many there are.
 */
#ifndef OOMLAB_SIZE_PACK_SHARE_H
#define OOMLAB_SIZE_PACK_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "cgroups/cg.h"

struct pack_share {
	size_t procs;		/* 0: not known */
	uint64_t rss_bytes;	/* the sum: counts a shared page once a process */
	uint64_t pss_bytes;	/* the sum: counts it once */
	uint64_t private_bytes; /* mapped by nobody else */
};

/* Adds one process, from the text of its smaps_rollup. Pure. */
void pack_share_add(struct pack_share *share, const char *text);
/* Mapped by more than one of them, or by them and others; each page once. Pure. */
uint64_t pack_share_shared(const struct pack_share *share);
/* Of all processes in the group and below. Each read takes the process's memory lock: not where a
 * kill is near. */
void pack_share_take(const struct cg *cg, struct pack_share *share);

#endif
