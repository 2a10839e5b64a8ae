/*
 * For the tests of the reporters: one record with every kind of result and foreign bytes in its
 * texts, rendering into memory, golden files, and other people's parsers run over the output.
 */
#ifndef OOMLAB_TESTS_REPORT_RIG_H
#define OOMLAB_TESTS_REPORT_RIG_H

#include <stdbool.h>

#include "harness/report/report.h"

/* tests/fixtures/report/record.json; a passing subset of it when only_good. */
struct record *report_rig_record(bool only_good);

/* What a reporter prints for a whole run; free(). */
char *report_rig_render(const char *reporter, const struct record *record,
			const struct report_options *options);

/* Compares with tests/fixtures/report/NAME and fails at the first line that differs.
 * OOMLAB_GOLDEN=update writes the file instead. */
void report_rig_golden(const char *name, const char *text);

/* Fails when text holds a byte that could steer a terminal. */
void report_rig_no_controls(const char *text);

bool report_rig_has_tool(const char *name); /* in PATH */

/* Runs a shell command with 'text' in a file whose path stands for %s; its output (free()) and
 * exit status. */
char *report_rig_run(const char *command, const char *text, int *ret_status);

#endif
