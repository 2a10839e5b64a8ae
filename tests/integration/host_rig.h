/*
 * A rig for tests of the host's toggles: a state directory of the test's own, and the machine
 * before and after it as text. Everything asserts.
 */
#ifndef OOMLAB_TESTS_INTEGRATION_HOST_RIG_H
#define OOMLAB_TESTS_INTEGRATION_HOST_RIG_H

#include "harness/exec/host.h"
#include "tests/lib/state.h"

/* For tcase_set_timeout(): a minute to wait for other runs on this machine, two for the test. */
enum { HOST_RIG_TIMEOUT_S = 180 };

/* Fixture: keeps other runs from changing the machine and notes it as it is; and compares: no
 * toggle, no file may be left. */
void host_rig_setup(void);
void host_rig_teardown(void);
/* Everything that a toggle may change, as text; free(). */
char *host_rig_snapshot(void);
void host_rig_compare(void);

struct journal *host_rig_journal(void);
struct host *host_rig_apply(struct journal *journal, const struct plan_host *plan);
/* Restores without any warning, and closes. */
void host_rig_restore(struct host *host, struct journal *journal);
/* The value now; valid until the next call. */
const char *host_rig_sysctl(const char *name);
/* That one of two valid values which is not set. */
const char *host_rig_other(const char *name, const char *one, const char *two);
struct cg_host *host_rig_groups(void);

#endif
