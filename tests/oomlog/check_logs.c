/*
 * Runs 'oomlab explain --json' on real logs and holds what it prints against what people read in
 * them: tests/fixtures/oomlog/NAME.expected.json, written by hand from NAME.log; the README there
 * describes it. A TAP program: one test a log, and one for a log without expectation or an
 * expectation without log.
 *
 * Own logs lie beside their expectations. Logs of other people are no part of this repository: they
 * are looked for in $OOMLAB_LOGS, else in ../shared/oomlogs, and are skipped where that is missing.
 * At the end it says how many task tables were audited, and with what result.
 */
#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/str.h"
#include "tests/lib/json_match.h"

#define FIXTURES "tests/fixtures/oomlog"
#define LOGS	 "../shared/oomlogs"
#define EXPECTED ".expected.json"

/* A log takes milliseconds: a parser that needs this much is stuck, and is ended. */
enum { CPU_SECONDS = 60 };

struct log {
	char *name;	/* without ".log" */
	char *path;	/* NULL: not there */
	bool expected;	/* has a fixture */
	bool ambiguous; /* lies in both folders */
};

struct state {
	const char *program; /* oomlab */
	const char *folder;  /* of other people's logs */
	const char *missing; /* why its logs are skipped; NULL: they are there */
	struct log *logs;
	size_t n;
	unsigned tests, failed;
	unsigned reports, audited, explained, undecidable, unexplained;
};

/* ---- finding the logs ----------------------------------------------------------------------- */

static struct log *log_of(struct state *state, const char *file, const char *ending)
{
	MEM_AUTO char *name = mem_printf("%.*s", (int)(strlen(file) - strlen(ending)), file);

	for (size_t i = 0; i < state->n; i++)
		if (str_eq(state->logs[i].name, name))
			return &state->logs[i];
	state->logs = mem_grow(state->logs, state->n + 1, sizeof(*state->logs));
	state->logs[state->n] = (struct log){.name = mem_dup(name)};
	return &state->logs[state->n++];
}

static void note_file(struct state *state, const char *folder, const char *file)
{
	if (str_ends(file, EXPECTED) && str_eq(folder, FIXTURES)) {
		log_of(state, file, EXPECTED)->expected = true;
	} else if (str_ends(file, ".log")) {
		struct log *log = log_of(state, file, ".log");
		log->ambiguous = log->path != NULL;
		if (!log->path)
			log->path = mem_printf("%s/%s", folder, file);
	}
}

/* Returns 0, or -errno when the folder cannot be read. */
static int note_folder(struct state *state, const char *folder)
{
	DIR *dir = opendir(folder);

	if (!dir)
		return -errno;
	for (struct dirent *entry; (entry = readdir(dir));)
		note_file(state, folder, entry->d_name);
	closedir(dir);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct log *)a)->name, ((const struct log *)b)->name);
}

/* ---- running oomlab ------------------------------------------------------------------------- */

static void add_file(struct str *text, FILE *file)
{
	char buf[65536];
	size_t n;

	rewind(file);
	while ((n = fread(buf, 1, sizeof(buf), file)) > 0)
		str_addn(text, buf, n);
	fclose(file);
}

/* Returns the exit status, 128 + the signal that ended it, or -1 when it cannot be started. */
static int run_explain(const char *program, const char *path, struct str *out, struct str *err)
{
	char *argv[] = {mem_dup(program), mem_dup("explain"), mem_dup("--json"), mem_dup(path),
			NULL};
	FILE *files[2] = {tmpfile(), tmpfile()};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int wait_status;

	if (!files[0] || !files[1]) {
		perror("tmpfile");
		exit(EXIT_FAILURE);
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(files[0]), 1);
	posix_spawn_file_actions_adddup2(&actions, fileno(files[1]), 2);
	int status = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	for (char **arg = argv; *arg; arg++)
		free(*arg);
	if (status == 0 && waitpid(pid, &wait_status, 0) == pid)
		status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
						: 128 + WTERMSIG(wait_status);
	else
		status = -1;
	add_file(out, files[0]);
	add_file(err, files[1]);
	return status;
}

/* ---- what holds of every report ------------------------------------------------------------- */

/* docs/explain-json.md: never left out */
static const char *const keys[] = {
	"schema",	"number",    "killer",	  "scope",	     "cause",	    "kernel",
	"lines",	"time",	     "cut",	  "invoked_by",	     "constraint",  "chosen",
	"victim",	"kills",     "oom_group", "allocating_task", "no_killable", "disabled",
	"panic",	"page_size", "memory",	  "tasks",	     "audit",	    "unknown",
	"unknown_more", "summary",
};

static unsigned check_form(const json_t *report, size_t i, struct str *why)
{
	unsigned bad = 0;

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		if (!json_object_get(report, keys[k])) {
			str_addf(why, "reports[%zu].%s: the key is missing\n", i, keys[k]);
			bad++;
		}
	if (json_integer_value(json_object_get(report, "number")) != (json_int_t)i + 1) {
		str_addf(why, "reports[%zu].number: is not %zu\n", i, i + 1);
		bad++;
	}
	return bad;
}

static json_t *read_reports(const char *text, struct str *why)
{
	json_t *reports = json_array();
	size_t i = 0;

	for (const char *line = text, *end; *line; line = end + (*end == '\n'), i++) {
		json_error_t error;
		end = strchrnul(line, '\n');
		json_t *report =
			json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
		if (!report)
			str_addf(why, "line %zu of the output is no JSON object: %s\n", i + 1,
				 error.text);
		json_array_append_new(reports, report ? report : json_null());
	}
	return reports;
}

/* ---- audits --------------------------------------------------------------------------------- */

static const char *verdict_of(const json_t *report)
{
	const char *verdict =
		json_string_value(json_object_get(json_object_get(report, "audit"), "verdict"));
	return verdict ? verdict : "";
}

static bool has_complete_table(const json_t *report)
{
	return json_is_true(json_object_get(json_object_get(report, "tasks"), "complete"));
}

/* What the fixture says of report i: reports may be a list or {"$at": {...}}. */
static const json_t *expectation_of(const json_t *reports, size_t i)
{
	MEM_AUTO char *index = mem_printf("%zu", i);

	if (json_is_array(reports))
		return json_array_get(reports, i);
	return json_object_get(json_object_get(reports, "$at"), index);
}

static unsigned *tally_of(struct state *state, const char *verdict)
{
	if (str_eq(verdict, "unexplained"))
		return &state->unexplained;
	if (str_eq(verdict, "not-checked") || str_eq(verdict, "within-error"))
		return &state->undecidable;
	return &state->explained;
}

/* Counts the audits; nobody accuses the kernel without a fixture that says why. */
static void check_audits(struct state *state, const json_t *fixture, const json_t *reports,
			 struct str *why)
{
	const char *notes = json_string_value(json_object_get(fixture, "notes"));
	const json_t *report;
	size_t i;

	json_array_foreach (reports, i, report) {
		const char *verdict = verdict_of(report);
		state->reports++;
		if (has_complete_table(report)) {
			state->audited++;
			++*tally_of(state, verdict);
		}
		if (!str_eq(verdict, "unexplained"))
			continue;
		const json_t *expected = expectation_of(json_object_get(fixture, "reports"), i);
		if (!str_eq(verdict_of(expected), "unexplained") || !notes || !*notes)
			str_addf(why,
				 "reports[%zu].audit.verdict: 'unexplained', which the fixture does"
				 " not expect with a note\n",
				 i);
	}
}

/* ---- one log -------------------------------------------------------------------------------- */

static json_t *load_fixture(const struct log *log, struct str *why)
{
	static const char *const known[] = {"log", "exit", "reports", "notes"};
	MEM_AUTO char *path = mem_printf("%s/%s%s", FIXTURES, log->name, EXPECTED);
	json_error_t error;
	json_t *fixture = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	size_t n = 0;

	if (!fixture) {
		str_addf(why, "%s:%d: %s\n", path, error.line, error.text);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		n += json_object_get(fixture, known[i]) != NULL;
	const char *name = json_string_value(json_object_get(fixture, "log"));
	if (n != sizeof(known) / sizeof(known[0]) || n != json_object_size(fixture))
		str_addf(why, "%s: must have log, exit, reports and notes, no less and no more\n",
			 path);
	else if (!name || !str_eq(name, log->name))
		str_addf(why, "%s: is for the log '%s'\n", path, name ? name : "");
	return fixture;
}

static void check_log(struct state *state, const struct log *log, struct str *why)
{
	STR_AUTO out = STR_INIT;
	STR_AUTO err = STR_INIT;
	json_t *fixture = load_fixture(log, why);

	if (!fixture)
		return;
	int status = run_explain(state->program, log->path, &out, &err);
	json_int_t expected = json_integer_value(json_object_get(fixture, "exit"));
	if (status != expected)
		str_addf(why, "exit: expected %lld, got %d; it says: %.500s\n", (long long)expected,
			 status, str_text(&err));
	json_t *reports = read_reports(str_text(&out), why);
	const json_t *report;
	size_t i;
	json_array_foreach (reports, i, report)
		check_form(report, i, why);
	json_mismatches(json_object_get(fixture, "reports"), reports, "reports", why);
	check_audits(state, fixture, reports, why);
	json_decref(reports);
	json_decref(fixture);
}

/* ---- TAP --------------------------------------------------------------------------------------
 */

static void tell(struct state *state, const char *name, const char *why)
{
	printf("%s %u - %s\n", *why ? "not ok" : "ok", ++state->tests, name);
	state->failed += *why != '\0';
	for (const char *line = why, *end; *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		printf("#   %.*s\n", (int)(end - line), line);
	}
}

static void test_log(struct state *state, const struct log *log)
{
	STR_AUTO why = STR_INIT;

	if (log->ambiguous)
		str_addf(&why, "lies in both %s and %s\n", FIXTURES, state->folder);
	else if (!log->expected)
		str_addf(&why, "%s has no %s/%s%s\n", log->path, FIXTURES, log->name, EXPECTED);
	else if (log->path)
		check_log(state, log, &why);
	else if (state->missing && !str_eq(getenv("OOMLAB_NO_SKIP"), "1")) {
		printf("ok %u - %s # SKIP %s\n", ++state->tests, log->name, state->missing);
		return;
	} else
		str_addf(&why, "no such log in %s or %s\n", FIXTURES, state->folder);
	tell(state, log->name, str_text(&why));
}

static void find_logs(struct state *state)
{
	const char *told = getenv("OOMLAB_LOGS");

	state->folder = told ? told : LOGS;
	int r = note_folder(state, FIXTURES);
	if (r < 0)
		tell(state, FIXTURES, strerror(-r));
	r = note_folder(state, state->folder);
	if (r == -ENOENT && !told)
		state->missing = "no folder " LOGS ", and OOMLAB_LOGS names none";
	else if (r < 0)
		tell(state, state->folder, strerror(-r));
	if (state->n)
		qsort(state->logs, state->n, sizeof(*state->logs), by_name);
}

int main(void)
{
	const char *program = getenv("OOMLAB");
	struct state state = {.program = program ? program : "build/oomlab"};
	const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};

	setrlimit(RLIMIT_CPU, &cpu);
	find_logs(&state);
	for (size_t i = 0; i < state.n; i++)
		test_log(&state, &state.logs[i]);
	printf("# summary: %u reports, %u with a complete task table: %u explained, "
	       "%u undecidable, %u unexplained\n",
	       state.reports, state.audited, state.explained, state.undecidable, state.unexplained);
	printf("1..%u\n", state.tests);
	for (size_t i = 0; i < state.n; i++) {
		free(state.logs[i].name);
		free(state.logs[i].path);
	}
	free(state.logs);
	return state.failed || state.tests == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
