/*
 * One seed in a process of its own, so that many run at once, each by the code that runs one: what
 * it found comes back through a file without a name. Private to vm_seeds.c.
 */
#ifndef OOMLAB_CMD_VM_SEED_H
#define OOMLAB_CMD_VM_SEED_H

#include <sys/types.h>

#include "harness/cmd/vm_session.h"

struct vm_seed {
	uint64_t seed;
	pid_t pid; /* 0: none */
	int pidfd;
	int found; /* the file */
};

/* 'initrd': the image for all of them. */
int vm_seed_start(struct vm_session *session, const struct vm_wish *wish,
		  const struct kernel *kernel, int initrd, uint64_t seed, struct vm_seed *ret,
		  struct err *err);
/* Waits for its end. *ret_text: what vm_seed_read() understands; free() it. -ECHILD: there is no
 * record, and stderr has said why. */
int vm_seed_end(struct vm_seed *seed, char **ret_text, struct err *err);

/* What one found: a record, and the consoles of its machines. */
struct vm_seed_found {
	struct record *record;
	char **consoles;
	size_t n_consoles;
};
int vm_seed_read(const char *text, struct vm_seed_found *ret, struct err *err);
void vm_seed_clear(struct vm_seed_found *found);

#endif
