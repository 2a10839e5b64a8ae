/*
 * One epoll loop: descriptors with callbacks, and deadlines. Nothing in the project sleeps; the
 * loop is where it waits. Not thread-safe; one loop belongs to one process.
 */
#ifndef OOMLAB_BASE_LOOP_H
#define OOMLAB_BASE_LOOP_H

#include <stdint.h>

#include "base/err.h"

struct loop;
struct loop_source;

/* Called with the epoll events that came. It may remove any source, its own included. */
typedef void (*loop_fn)(void *data, int fd, uint32_t events);

int loop_new(struct loop **ret, struct err *err);
void loop_free(struct loop *loop); /* frees the sources; closes no descriptor but its own */

/* Watches fd (borrowed) for EPOLL* events. */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data,
	     struct loop_source **ret, struct err *err);
void loop_remove(struct loop_source *source); /* NULL is fine */

/* Waits until an event came or the monotonic deadline (clock_ns(); UINT64_MAX: none) passed,
 * and calls the callbacks. Returns the number of events, 0 when the deadline passed, -EINTR when
 * a signal handler ran. */
int loop_wait(struct loop *loop, uint64_t deadline_ns, struct err *err);

#endif
