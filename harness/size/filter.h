/*
 * The seccomp filters of a followed command: which system calls stop it for the tracer. All others
 * run at full speed, which is what makes following cheap.
 */
#ifndef OOMLAB_SIZE_FILTER_H
#define OOMLAB_SIZE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

enum filter_kind {
	FILTER_NONE,
	FILTER_OPENS,	/* those that open files by name: who reads its own limit is seen; exec */
	FILTER_CHARGES, /* those, and all that can fail because memory could not be charged */
};

/* Whether commands can be followed on this kind of processor: x86-64. */
bool filter_supported(void);
/* Static; NULL for FILTER_NONE and where nothing can be followed. */
const struct sock_fprog *filter_program(enum filter_kind kind);

#endif
