/*
 * What a run leaves behind: facts, results, events. The one thing that is stored, compared and
 * reported; the format is described in results/README.md. Times are CLOCK_MONOTONIC nanoseconds.
 *
 * Ownership: a record owns its results, a result its texts and JSON values.
 */
#ifndef OOMLAB_RECORD_RECORD_H
#define OOMLAB_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/record/facts.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP, VERDICT_BROKEN };
enum { VERDICTS = 4 };
const char *verdict_name(enum verdict verdict); /* "pass", "fail", "skip", "broken" */
int verdict_parse(const char *name, enum verdict *ret, struct err *err);

struct result {
	char *name;  /* unique in the run: "limits/block-size[block=1M]", "#3" added by --repeat */
	char *suite; /* "limits" */
	char *file;
	char *title;
	char *reason;	  /* one line: first failure, why skipped (and what would provide it), why
			   * broken; NULL when passed */
	json_t *tags;	  /* array of strings */
	json_t *params;	  /* object name -> value */
	json_t *claim;	  /* what was put to the test: {"says": "...", "truth": "false since ...",
			   * "expected": bool (here), "observed": bool or null}; {}: nothing */
	json_t *events;	  /* array of {"t": ns, "event": "...", ...} in order of time */
	json_t *findings; /* array, one per line of an expectation:
			   * {"at": "file:line:column", "what": "killed", "expected": "...",
			   *  "got": "...", "seen": "...", "ok": bool} */
	json_t *kills;	  /* array, in the kernel's order: {"pid", "comm", "task", "group",
			   *  "t", "sources": {"wait": bool, "counter": bool, "log": bool}, ...} */
	json_t *samples;  /* array of {"t", "group", "usage", "limit", "pressure_some_us"} */
	json_t *log;	  /* array of kernel lines seen during the scenario */
	json_t *warnings; /* array of strings: cleanup that failed, sources missing */
	enum verdict verdict;
	uint64_t began_ns, ended_ns;
};

void result_clear(struct result *result); /* frees what it owns */
/* Moves all its times: the clock of the machine that ran it began elsewhere than the record's. */
void result_shift(struct result *result, int64_t by_ns);
json_t *result_to_json(const struct result *result); /* a new reference */
int result_from_json(const json_t *json, struct result *ret, struct err *err);

struct record {
	struct facts facts;
	char *id;	  /* "<time>-<host>", also the folder's name */
	char *command;	  /* the command line */
	uint64_t seed;	  /* of what hogs draw, and of the machine's clock and numbers; 0: none */
	json_t *vm;	  /* object: how its virtual machines were made; {}: it ran in none */
	json_t *machines; /* array, one a machine: {"console", "console_sha256", ...} */
	int64_t began_unix_ns, ended_unix_ns;
	uint64_t began_ns; /* monotonic, of the same moment as began_unix_ns */
	bool interrupted;  /* Ctrl-C: results are incomplete */
	size_t planned;	   /* results that were to come */
	size_t n;
	struct result **results; /* stable addresses */
};

struct record *record_new(void); /* also makes jansson abort when memory is gone */
void record_free(struct record *record);
/* Adds a result and takes over what it owns. */
struct result *record_add(struct record *record, struct result *result);
size_t record_count(const struct record *record, enum verdict verdict);
/* 0, 1 (a fail), 3 (a broken or missing one), 77 (all skipped). */
int record_exit_status(const struct record *record);

/* The whole record as JSON (a new reference) and as the text of record.json (appended). */
json_t *record_to_json(const struct record *record);
int record_from_json(const json_t *json, struct record **ret, struct err *err);
void record_dump(const struct record *record, struct str *out);

/* Writes record.json (through a temporary file and rename) into an open directory; a full disk
 * gives -ENOSPC and leaves no half file. */
int record_save(const struct record *record, int dirfd, struct err *err);
/* 'path' is a record.json or the folder that holds one. */
int record_load(const char *path, struct record **ret, struct err *err);

/* Creates 'base' when missing, and says whether records can be kept there: before the work of
 * hours.
 */
int record_base(const char *base, struct err *err);
/* Makes results/<id>/ below 'base' (created when missing) and points base/latest at it.
 * Returns a directory descriptor; *ret_path gets its path (free()). */
int record_dir(const char *base, struct record *record, char **ret_path, struct err *err);
/* Writes kernel.log (all log lines) and samples.csv beside record.json. */
int record_save_extras(const struct record *record, int dirfd, struct err *err);

#endif
