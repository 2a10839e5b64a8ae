/*
 * What is to run on one kernel and cgroup version, which of it a machine may take next, and the
 * results in the catalogue's order whatever order they come in. Pure.
 */
#ifndef OOMLAB_CMD_VM_QUEUE_H
#define OOMLAB_CMD_VM_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/record/record.h"

enum { VM_BATCH_MAX = 8 };

enum vm_item_state { VM_WAITING, VM_UNDER_WAY, VM_OVER };

struct vm_item {
	char *name;
	bool alone;	     /* wants a machine in which nothing else has run or will */
	uint64_t timeout_ns; /* of itself, in the guest */
	enum vm_item_state state;
	struct result result; /* when it is over, until it was told */
};

struct vm_queue {
	size_t n, told;
	struct vm_item *items;
};

/* From the guest's line "planned" (cmd/run_session.h). -EPROTO: it is none, or, when the queue is
 * filled, another than it was: the next machine of the same kernel plans the same. */
int vm_queue_fill(struct vm_queue *queue, const json_t *planned, struct err *err);
void vm_queue_clear(struct vm_queue *queue);

/* The items (their indexes) for a machine that is free, in which something has run ('used') or
 * nothing; 'lanes' machines share the work. Returns how many, at most VM_BATCH_MAX; 0: none for
 * this one. */
size_t vm_queue_take(struct vm_queue *queue, bool used, size_t lanes,
		     size_t ret[static VM_BATCH_MAX]);
/* How many machines what waits could use, each for what it may take. */
size_t vm_queue_machines(const struct vm_queue *queue);
/* The item under way of that name, of those that one machine was given; NULL: none. Another machine
 * may have one of the same name: files that were given by their paths have no suite in theirs. */
struct vm_item *vm_queue_find(const struct vm_queue *queue, const size_t *given, size_t n,
			      const char *name);
bool vm_queue_under_way(const struct vm_queue *queue, size_t index);
/* Under way no more, and without a result: it waits again. */
void vm_queue_give_back(struct vm_queue *queue, size_t index);
void vm_queue_settle(struct vm_item *item, struct result *result); /* takes what result owns */

/* The next result in order, which is the caller's then; NULL: it is not there yet. 'gaps': what has
 * none is passed over. */
struct result *vm_queue_tell(struct vm_queue *queue, bool gaps);
bool vm_queue_done(const struct vm_queue *queue);

#endif
