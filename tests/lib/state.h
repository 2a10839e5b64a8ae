/*
 * A state directory (OOMLAB_STATE) of a test's own, with small files in it, and runs that die.
 * Everything asserts; use it inside of tests and fixtures.
 */
#ifndef OOMLAB_TESTS_STATE_H
#define OOMLAB_TESTS_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "harness/exec/journal.h"

/* Makes a directory below base and sets OOMLAB_STATE. */
void state_make(const char *base);
/* Removes it; fails when more than 'kept' (NULL-terminated names) and the host's lock is in it. */
void state_remove(const char *const *kept);
const char *state_dir(void);

/* A path in it; one of a few buffers in turn. */
const char *state_path(const char *name);
void state_put(const char *name, const char *text);
const char *state_get(const char *name); /* valid until the next call */
bool state_has(const char *name);

struct journal *state_journal(const char *id);
/* Runs fn in a child that then dies as by kill -9, keeping what it holds until then. */
void state_die_after(void (*fn)(void));
/* Lets time pass, which nothing but the clock can announce: the random moments of kill -9. */
void state_spin(unsigned int microseconds);
/* The same, then kill -9 and reap a child that must not have ended by itself. */
void state_kill_after(pid_t pid, unsigned int microseconds);

#endif
