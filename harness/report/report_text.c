/*
 * Lines for people: a verdict a scenario as it comes, what failed below it, a summary at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/claims.h"
#include "harness/report/lines.h"
#include "harness/report/reporters.h"

static const char *const colours[VERDICTS] = {
	[VERDICT_PASS] = "\033[32m",
	[VERDICT_FAIL] = "\033[1;31m",
	[VERDICT_SKIP] = "\033[33m",
	[VERDICT_BROKEN] = "\033[1;35m",
};

static const char indent[] = "        "; /* of the lines below a verdict */

static void flush(FILE *out, const struct str *text)
{
	fwrite(str_text(text), 1, text->len, out);
	/* Whoever reads a pipe sees each verdict when it is known, also if we die later. */
	fflush(out);
}

static void add_verdict(struct str *out, enum verdict verdict, const struct report_options *options)
{
	str_addf(out, "%s%-6s%s", options->colour ? colours[verdict] : "", verdict_name(verdict),
		 options->colour ? "\033[0m" : "");
}

/* Cleaned text from column 'used' on; on a terminal it is broken at spaces, not anywhere. */
static void add_wrapped(struct str *out, size_t used, const char *clean,
			const struct report_options *options)
{
	size_t limit = options->width > 0 ? (size_t)options->width : SIZE_MAX;
	bool first = true; /* on its line: a word longer than the line stays where it is */

	while (*clean) {
		size_t spaces = strspn(clean, " "), word = strcspn(clean + spaces, " ");
		MEM_AUTO char *text = strndup(clean, spaces + word);
		size_t columns = text_columns(text);
		if (!first && used + columns > limit) {
			str_addf(out, "\n%s  ", indent);
			used = strlen(indent) + 2;
			clean += spaces;
			first = true;
			continue;
		}
		str_add(out, text);
		used += columns;
		clean += spaces + word;
		first = false;
	}
	str_add(out, "\n");
}

/* "fail     1.02s  limits/block-size[block=1M]"; a skip has its reason on the same line. */
static void add_head(struct str *out, const struct result *result,
		     const struct report_options *options)
{
	enum { NAME_COLUMN = 17 };
	STR_AUTO name = STR_INIT;
	char buf[PARSE_TEXT_MAX];
	bool skipped = result->verdict == VERDICT_SKIP;

	add_verdict(out, result->verdict, options);
	str_addf(out, "  %7s  ", skipped ? "-" : format_duration(line_elapsed_ns(result), buf));
	text_clean(&name, result->name);
	if (skipped && result->reason) {
		str_add(&name, ": ");
		text_clean(&name, result->reason);
	}
	add_wrapped(out, NAME_COLUMN, str_text(&name), options);
}

static void add_detail(struct str *out, const char *head, const struct str *clean,
		       const struct report_options *options)
{
	str_addf(out, "%s%s", indent, head);
	add_wrapped(out, strlen(indent) + strlen(head), str_text(clean), options);
}

static void add_foreign(struct str *out, const char *head, const char *bytes,
			const struct report_options *options)
{
	STR_AUTO line = STR_INIT;

	text_clean(&line, bytes ? bytes : "");
	add_detail(out, head, &line, options);
}

/* Those that failed, or all when verbose; returns how many failed. */
static size_t add_findings(struct str *out, const struct result *result,
			   const struct report_options *options)
{
	const json_t *finding;
	size_t i, n = 0;

	json_array_foreach (result->findings, i, finding) {
		STR_AUTO line = STR_INIT;
		n += !line_holds(finding);
		if (line_holds(finding) && !options->verbose)
			continue;
		line_finding(&line, finding);
		add_detail(out, line_holds(finding) ? "holds: " : "", &line, options);
	}
	return n;
}

static void add_kills(struct str *out, const struct result *result,
		      const struct report_options *options)
{
	json_t *kill;
	size_t i;

	json_array_foreach (result->kills, i, kill) {
		STR_AUTO line = STR_INIT;
		line_kill(&line, result, kill);
		add_detail(out, "killed: ", &line, options);
		STR_AUTO course = STR_INIT;
		line_timeline(&course, kill);
		if (course.len && options->verbose)
			add_detail(out, "timeline: ", &course, options);
	}
}

static void add_events(struct str *out, const struct result *result,
		       const struct report_options *options)
{
	json_t *event;
	size_t i;

	json_array_foreach (result->events, i, event) {
		STR_AUTO line = STR_INIT;
		line_event(&line, result, event);
		add_detail(out, "", &line, options);
	}
}

static void add_warnings(struct str *out, const struct result *result,
			 const struct report_options *options)
{
	const json_t *warning;
	size_t i;

	json_array_foreach (result->warnings, i, warning) {
		add_foreign(out, "warning: ", json_string_value(warning), options);
	}
}

static void text_begin(FILE *out, const struct record *record, const struct report_options *options)
{
	(void)out;
	(void)record;
	(void)options;
}

static void text_result(FILE *out, const struct record *record, const struct result *result,
			const struct report_options *options)
{
	STR_AUTO text = STR_INIT;
	bool bad = result->verdict == VERDICT_FAIL || result->verdict == VERDICT_BROKEN;

	(void)record;
	add_head(&text, result, options);
	size_t failed = add_findings(&text, result, options);
	/* The reason repeats the first failed finding; alone, it is all there is to say. */
	if (bad && result->reason && (failed == 0 || result->verdict == VERDICT_BROKEN))
		add_foreign(&text, "", result->reason, options);
	if (bad || options->verbose)
		add_kills(&text, result, options);
	if (options->verbose)
		add_events(&text, result, options);
	add_warnings(&text, result, options);
	flush(out, &text);
}

/* The run's own end, or, when it was cut short, its last result's. */
static uint64_t run_ns(const struct record *record)
{
	uint64_t last = 0;

	if (record->ended_unix_ns > record->began_unix_ns)
		return (uint64_t)(record->ended_unix_ns - record->began_unix_ns);
	for (size_t i = 0; i < record->n; i++)
		if (record->results[i]->ended_ns > last)
			last = record->results[i]->ended_ns;
	return last > record->began_ns ? last - record->began_ns : 0;
}

/* What went wrong, once more, when it may have scrolled away. */
static void add_bad(struct str *out, const struct record *record,
		    const struct report_options *options)
{
	enum { SCREEN = 24 }; /* lines of the smallest usual terminal */

	if (record->n <= SCREEN)
		return;
	for (size_t i = 0; i < record->n; i++) {
		const struct result *result = record->results[i];
		if (result->verdict != VERDICT_FAIL && result->verdict != VERDICT_BROKEN)
			continue;
		add_head(out, result, options);
	}
}

/* Kills of all results by what became of their prediction. */
struct kill_counts {
	size_t all, right, wrong, undecided, tables, unexplained;
};

static void count_kill(struct kill_counts *counts, const json_t *kill)
{
	const char *outcome = line_text(json_object_get(kill, "predicted"), "outcome");
	const char *verdict = line_text(json_object_get(kill, "audit"), "verdict");

	/* Who died with its group was not chosen. */
	if (*outcome == '\0' || str_eq(outcome, "member"))
		return;
	counts->all++;
	counts->right += str_eq(outcome, "right");
	counts->wrong += str_eq(outcome, "wrong");
	counts->undecided += !str_eq(outcome, "right") && !str_eq(outcome, "wrong");
	counts->tables += *verdict && !str_eq(verdict, "no-table");
	counts->unexplained += str_eq(verdict, "unexplained");
}

/* "audit: 214 kills, 210 predicted, 4 undecidable; 40 tables, all explained" */
static void add_audited(struct str *out, const struct record *record)
{
	struct kill_counts counts = {0};
	const json_t *kill;
	size_t k;

	for (size_t i = 0; i < record->n; i++)
		json_array_foreach (record->results[i]->kills, k, kill)
			count_kill(&counts, kill);
	if (counts.all == 0)
		return;
	str_addf(out, "audit: %zu kill%s, %zu predicted, %zu undecidable", counts.all,
		 counts.all == 1 ? "" : "s", counts.right, counts.undecided);
	if (counts.wrong)
		str_addf(out, ", %zu WRONG", counts.wrong);
	if (counts.tables)
		str_addf(out, "; %zu table%s, ", counts.tables, counts.tables == 1 ? "" : "s");
	if (counts.unexplained)
		str_addf(out, "%zu NOT explained", counts.unexplained);
	else if (counts.tables)
		str_add(out, counts.tables == 1 ? "explained" : "all explained");
	str_add(out, "\n");
}

static void text_end(FILE *out, const struct record *record, const struct report_options *options)
{
	STR_AUTO text = STR_INIT;
	char buf[PARSE_TEXT_MAX];

	claims_add(&text, record, options);
	str_add(&text, "\n");
	add_bad(&text, record, options);
	str_addf(&text, "%zu passed, %zu failed, %zu skipped, %zu broken in %s\n",
		 record_count(record, VERDICT_PASS), record_count(record, VERDICT_FAIL),
		 record_count(record, VERDICT_SKIP), record_count(record, VERDICT_BROKEN),
		 format_duration(run_ns(record), buf));
	add_audited(&text, record);
	if (line_missing(record) > 0)
		str_addf(&text, "%zu of %zu did not run: %s\n", line_missing(record),
			 record->planned, line_missing_why(record));
	else if (record->interrupted)
		str_add(&text, "the run was interrupted\n");
	if (options->results) {
		str_add(&text, "results: ");
		text_clean(&text, options->results);
		str_add(&text, "\n");
	}
	flush(out, &text);
}

const struct reporter reporter_text = {
	.name = "text",
	.summary = "lines for people, as results come",
	.begin = text_begin,
	.result = text_result,
	.end = text_end,
};
