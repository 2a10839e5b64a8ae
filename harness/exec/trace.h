/*
 * The kernel's tracepoints around kills, in an instance of tracefs of the run's own: nobody's
 * tracing is touched, and only the run's processes and the OOM reaper are traced. Owned and read by
 * the supervisor, outside every test group; workers know nothing of it.
 *
 * tracefs need not be mounted: it is opened by fsmount(2), which leaves nothing behind.
 */
#ifndef OOMLAB_EXEC_TRACE_H
#define OOMLAB_EXEC_TRACE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/exec/journal.h"
#include "harness/record/record.h"

/* An open directory of tracefs: the mounted one, or a mount of its own. -ENODEV: this kernel has
 * none; -EPERM, -EACCES: it may not be used. */
int trace_dir(struct err *err);

struct trace;

/* Makes the instance (journaled first) and turns the events on for this process and all that it
 * will fork. Returns NULL where that is impossible, and in *ret_why one word: "absent", "denied",
 * "namespace", "failed". */
struct trace *trace_open(struct journal *journal, bool init_pid_ns, const char **ret_why);
/* Turns it off and removes the instance. NULL is fine. */
void trace_close(struct trace *trace);

/* Takes over what the kernel has buffered, at most every few milliseconds; call it when a kill is
 * reported, so that a long scenario's buffers do not overflow. */
void trace_collect(struct trace *trace);
/* Adds "timeline" to each kill of a result that has ended (trace may be NULL, 'why' is then said).
 */
void trace_attach(struct trace *trace, const char *why, struct result *result);
/* Forgets what happened before: no scenario that still runs began earlier. */
void trace_forget(struct trace *trace, uint64_t before_ns);

/* Removes an instance that a dead run left (JOURNAL_TRACE); *ret_there says whether it was there.
 */
int trace_remove(const char *name, bool dry_run, bool *ret_there, struct err *err);

#endif
