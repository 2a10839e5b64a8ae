/*
 * The host's toggles for one scenario: swap, sysctls, THP; and facts about the host. Everything
 * goes through the journal first.
 */
#ifndef OOMLAB_EXEC_HOST_H
#define OOMLAB_EXEC_HOST_H

#include "base/err.h"
#include "harness/exec/journal.h"
#include "harness/plan/plan.h"
#include "harness/record/facts.h"

/* Gathers facts. Never fails for what is merely absent: that becomes a no_... text. */
int facts_gather(const struct cg_host *host, struct facts *ret, struct err *err);
/* Whether we see every process of the machine: a pid that is not there is then really free. */
bool facts_in_init_pid_ns(void);
/* Adds stress-ng's version, which costs running it (about 30 ms): only when somebody asks. */
void facts_add_stress_ng(struct facts *facts);

struct host; /* what this scenario changed */

/* Applies plan->host in the order sysctls, THP, swap; from here to host_restore() this run has the
 * host's lock. On failure everything done so far is put back. *ret is NULL when the plan asks for
 * nothing. -EOPNOTSUPP: this host cannot (a skip); -EBUSY: another run is changing the host.
 * A swap file has the size asked for, its first page is the header; it gets the highest priority,
 * so that it is used before the machine's own. */
int host_apply(const struct plan_host *plan, struct journal *journal, const struct cg_host *cg,
	       struct host **ret, struct err *err);
/* The scenario's own swap off and on again (steps 'swap: off' / 'swap: on'). swapoff can take
 * long and can fail with ENOMEM; it runs in a child so that the loop goes on: *ret_pidfd
 * (the caller's) is that child; waitid() on it gives exit status 0 or an errno. The child is killed
 * when the caller dies. -EINVAL: the scenario has no swap of its own. */
int host_swap_begin(struct host *host, bool on, int *ret_pidfd, struct err *err);
/* Puts everything back (journal_undo_since), gives the lock back and frees. NULL is fine. -EBUSY
 * when something could not be put back: it stays in the journal. 'warnings' may be NULL. */
int host_restore(struct host *host, struct str *warnings);
/* Bytes in use on all swaps (/proc/meminfo). */
uint64_t host_swap_used(void);

#endif
