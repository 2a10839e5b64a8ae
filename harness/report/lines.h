/*
 * Findings, kills and events as lines for people: the same words in every format. All text is
 * cleaned (record/text.h); nothing ends in a newline. Used by the reporters. 'json_t *' is borrowed
 * and not changed (jansson's iterators take no const).
 */
#ifndef OOMLAB_REPORT_LINES_H
#define OOMLAB_REPORT_LINES_H

#include "base/str.h"
#include "harness/record/record.h"

/* A member's text, "" when it is missing or no text. */
const char *line_text(const json_t *object, const char *key);

uint64_t line_elapsed_ns(const struct result *result);
bool line_holds(const json_t *finding); /* its "ok" */

/* "limits/x.yaml:12:9: killed: expected [alloc_1], got nobody; seen last: alloc_1 runs" */
void line_finding(struct str *out, const json_t *finding);
/* "alloc_2 (pid 71, oomhog) in 'victims' after 12.3ms; seen by wait, counter; not by log" */
void line_kill(struct str *out, const struct result *result, json_t *kill);
/* "limit hit, signal +1.60ms, exit +1.63ms, memory back +8.16ms"; or why
 * there is none. Empty where the kill has no timeline at all. */
void line_timeline(struct str *out, json_t *kill);
/* "+12.3ms  spawn  task=alloc_1 pid=71" */
void line_event(struct str *out, const struct result *result, json_t *event);

/* Whether the scenario puts a claim to the test; what was observed: 1 true, 0 false, -1 nothing. */
bool line_has_claim(const struct result *result);
int line_claim_observed(const struct result *result);
/* "a nice process dies first: false here, as expected (false since 2.6.36)" */
void line_claim(struct str *out, const struct result *result);

/* How many planned results never came, and why in a few words. */
size_t line_missing(const struct record *record);
const char *line_missing_why(const struct record *record);

/* "6.12.118, cgroup v2": what tells a record of a series from the others. */
void line_machine(struct str *out, const struct record *record);

/* UTC, ISO 8601 without a zone: "2026-11-22T00:55:00"; buf holds 32 bytes. */
const char *line_time(int64_t unix_ns, char *buf);

#endif
