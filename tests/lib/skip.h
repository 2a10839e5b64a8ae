/*
 * Skips for libcheck, which has none: prerequisites are decided while a suite is built, each skip
 * is printed ("skip: SUITE: CASE: reason", counted by tests/run.sh), and OOMLAB_NO_SKIP=1 turns it
 * into a failure on machines that must have the feature.
 */
#ifndef OOMLAB_TESTS_SKIP_H
#define OOMLAB_TESTS_SKIP_H

#include <check.h>
#include <stdbool.h>

/* Adds tcase to suite when 'available'; else it is dropped with the reason, which says what is
 * missing. Takes over tcase. */
void suite_add_if(Suite *suite, TCase *tcase, const char *name, bool available, const char *reason);

#endif
