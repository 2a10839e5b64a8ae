/*
 * TAP by the rules of version 14 that is KTAP as well: plan first, one flat line a result as it
 * comes, details of what went wrong as a YAML block, which KTAP readers pass over. The version
 * line says 13: prove of Debian 12 (TAP::Harness 3.44) refuses 14, all others read both, and
 * nothing that is used here differs between them.
 *
 * A description may hold no '#' in KTAP, escaped or not, so the '#3' of a repeated scenario is
 * written '@3'; the YAML block of a failure has the true name.
 */
#include <inttypes.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/lines.h"
#include "harness/report/reporters.h"

static void flush(FILE *out, const struct str *text)
{
	fwrite(str_text(text), 1, text->len, out);
	fflush(out);
}

static void add_description(struct str *out, const struct record *record, const char *name,
			    const struct report_options *options)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, name);
	if (options->series) {
		str_add(&clean, " on ");
		line_machine(&clean, record);
	}
	for (const char *at = str_text(&clean); *at; at++) {
		if (*at == '\\')
			str_add(out, "\\\\");
		else
			str_addn(out, *at == '#' ? "@" : at, 1);
	}
}

/* A YAML double-quoted scalar of text that is cleaned already. */
static void add_quoted(struct str *out, const char *clean)
{
	str_add(out, "\"");
	for (; *clean; clean++) {
		if (*clean == '"' || *clean == '\\')
			str_add(out, "\\");
		str_addn(out, clean, 1);
	}
	str_add(out, "\"\n");
}

static void add_key(struct str *out, const char *key, const char *text)
{
	STR_AUTO clean = STR_INIT;

	if (!text || *text == '\0')
		return;
	text_clean(&clean, text);
	str_addf(out, "%s: ", key);
	add_quoted(out, str_text(&clean));
}

static void add_finding(struct str *out, const json_t *finding)
{
	static const char *const keys[] = {"what", "expected", "got", "seen"};
	const char *at = line_text(finding, "at");

	/* The first key carries the dash; it is never left out. */
	add_key(out, "    - at", *at ? at : "the whole scenario");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *text = line_text(finding, keys[i]);
		if (*text)
			str_add(out, "      ");
		add_key(out, keys[i], text);
	}
}

static void add_findings(struct str *out, const struct result *result)
{
	const json_t *finding;
	size_t i, n = 0;

	json_array_foreach (result->findings, i, finding) {
		if (line_holds(finding))
			continue;
		if (n++ == 0)
			str_add(out, "  findings:\n");
		add_finding(out, finding);
	}
}

static void add_kills(struct str *out, const struct result *result)
{
	json_t *kill;
	size_t i;

	json_array_foreach (result->kills, i, kill) {
		STR_AUTO line = STR_INIT;
		if (i == 0)
			str_add(out, "  kills:\n");
		line_kill(&line, result, kill);
		str_add(out, "    - ");
		add_quoted(out, str_text(&line));
	}
}

static void add_block(struct str *out, const struct result *result)
{
	str_add(out, "  ---\n");
	add_key(out, "  message", result->reason);
	str_addf(out, "  severity: %s\n", verdict_name(result->verdict));
	add_key(out, "  scenario", result->name);
	add_key(out, "  file", result->file);
	add_findings(out, result);
	add_kills(out, result);
	str_add(out, "  ...\n");
}

/* Before the result's line: there both TAP and KTAP readers look for them. */
static void add_warnings(struct str *out, const struct result *result)
{
	const json_t *warning;
	size_t i;

	json_array_foreach (result->warnings, i, warning) {
		const char *text = json_string_value(warning);
		str_add(out, "# warning: ");
		text_clean(out, text ? text : "");
		str_add(out, "\n");
	}
}

static void add_claim(struct str *out, const struct result *result)
{
	if (!line_has_claim(result))
		return;
	str_add(out, "# claim: ");
	line_claim(out, result);
	str_add(out, "\n");
}

/* Its place in the record; a result not added yet is the next. */
static size_t number_of(const struct record *record, const struct result *result)
{
	size_t i = 0;

	while (i < record->n && record->results[i] != result)
		i++;
	return i + 1;
}

static void tap_open(FILE *out)
{
	fputs("TAP version 13\n", out);
}

/* Of how many there would be nobody knows at the beginning. */
static void tap_close(FILE *out, const struct report_series *series)
{
	fprintf(out, "1..%zu%s\n", series->results,
		series->results == 0 ? " # SKIP nothing was run" : "");
}

static size_t before(const struct report_options *options)
{
	return options->series ? options->series->results : 0;
}

static void tap_begin(FILE *out, const struct record *record, const struct report_options *options)
{
	STR_AUTO text = STR_INIT;

	if (options->series)
		return;
	tap_open(out);
	str_addf(&text, "1..%zu%s\n", record->planned,
		 record->planned == 0 ? " # SKIP no scenario was chosen" : "");
	flush(out, &text);
}

static void tap_result(FILE *out, const struct record *record, const struct result *result,
		       const struct report_options *options)
{
	STR_AUTO text = STR_INIT;
	char buf[PARSE_TEXT_MAX];
	bool bad = result->verdict == VERDICT_FAIL || result->verdict == VERDICT_BROKEN;

	add_warnings(&text, result);
	add_claim(&text, result);
	str_addf(&text, "%s %zu - ", bad ? "not ok" : "ok",
		 before(options) + number_of(record, result));
	add_description(&text, record, result->name, options);
	if (result->verdict == VERDICT_SKIP) {
		str_add(&text, " # SKIP ");
		text_clean(&text, result->reason ? result->reason : "");
	} else {
		str_addf(&text, " # time=%s", format_duration(line_elapsed_ns(result), buf));
	}
	str_add(&text, "\n");
	if (bad)
		add_block(&text, result);
	flush(out, &text);
}

/* The plan promised them: a result that never came is a failure, not a shorter list. */
static void tap_end(FILE *out, const struct record *record, const struct report_options *options)
{
	STR_AUTO text = STR_INIT;

	for (size_t i = record->n; i < record->planned; i++) {
		str_addf(&text, "not ok %zu - not run\n  ---\n", before(options) + i + 1);
		add_key(&text, "  message", line_missing_why(record));
		str_add(&text, "  severity: broken\n  ...\n");
	}
	if (options->series) {
		options->series->records++;
		options->series->results +=
			record->n > record->planned ? record->n : record->planned;
	}
	flush(out, &text);
}

const struct reporter reporter_tap = {
	.name = "tap",
	.summary = "TAP (version 14's rules) that is KTAP too, as results come",
	.open = tap_open,
	.close = tap_close,
	.begin = tap_begin,
	.result = tap_result,
	.end = tap_end,
};
