/*
 * Processes of a run that have left its group: what they have is charged elsewhere, no limit of the
 * run reaches them, and neither does the end of the group.
 */
#ifndef OOMLAB_SIZE_ESCAPE_H
#define OOMLAB_SIZE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroups/cg.h"

struct escaped {
	pid_t pid; /* 0: nobody */
	char name[20];
	char dir[512]; /* where it is */
};

/* Looks at our descendants: the first one that is charged neither in this group nor below. Who runs
 * this program is one of ours: the guardian, a child that has not joined its group yet. */
void escape_look(const struct cg_host *host, const struct cg *group, struct escaped *ret);
/* A line about it. */
const char *escape_text(const struct escaped *who, char *buf, size_t size);
/* Ends each of them. */
void escape_kill(const struct cg_host *host, const struct cg *group);

#endif
