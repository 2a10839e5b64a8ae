/*
 * See lines.h. Reads the JSON values of a result and tolerates whatever is missing in them: a
 * report must come out of a damaged record too.
 */
#include "harness/report/lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "harness/record/text.h"

const char *line_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

uint64_t line_elapsed_ns(const struct result *result)
{
	return result->ended_ns > result->began_ns ? result->ended_ns - result->began_ns : 0;
}

bool line_holds(const json_t *finding)
{
	return json_is_true(json_object_get(finding, "ok"));
}

static void add_after(struct str *out, const char *before, const char *text)
{
	if (*text == '\0')
		return;
	str_add(out, before);
	text_clean(out, text);
}

void line_finding(struct str *out, const json_t *finding)
{
	const char *at = line_text(finding, "at");

	text_clean(out, at);
	add_after(out, *at ? ": " : "", line_text(finding, "what"));
	add_after(out, ": expected ", line_text(finding, "expected"));
	add_after(out, ", got ", line_text(finding, "got"));
	add_after(out, "; seen last: ", line_text(finding, "seen"));
}

/* "+12.3ms" since the scenario began; nothing when the time is not known. */
static void add_time(struct str *out, const char *before, const struct result *result,
		     const json_t *object)
{
	char buf[PARSE_TEXT_MAX];
	uint64_t t;

	if (!field_u64_get(json_object_get(object, "t"), &t) || t < result->began_ns)
		return;
	str_add(out, before);
	str_add(out, format_duration(t - result->began_ns, buf));
}

static void add_sources(struct str *out, json_t *sources, bool seen, const char *head)
{
	const char *name, *before = head;
	const json_t *value;

	json_object_foreach (sources, name, value) {
		if (json_is_true(value) != seen)
			continue;
		str_add(out, before);
		text_clean(out, name);
		before = ", ";
	}
}

static void add_number(struct str *out, const char *before, const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		str_addf(out, "%s%" JSON_INTEGER_FORMAT, before, json_integer_value(value));
}

/* "; predicted", "; predicted alloc_1 (points 4293, margin 123): wrong", "; undecidable: race" */
static void add_predicted(struct str *out, const json_t *predicted)
{
	const char *outcome = line_text(predicted, "outcome"), *task = line_text(predicted, "task");

	if (*outcome == '\0')
		return;
	if (str_eq(outcome, "member")) {
		str_add(out, "; died with its group");
		return;
	}
	if (str_eq(outcome, "right"))
		str_add(out, "; predicted");
	else if (str_eq(outcome, "wrong"))
		add_after(out, "; predicted ", *task ? task : "somebody else");
	else
		add_after(out, "; prediction ", outcome);
	if (str_eq(outcome, "right") || str_eq(outcome, "wrong")) {
		add_number(out, " (points ", predicted, "points");
		add_number(out, ", margin ", predicted, "margin");
		str_add(out, ")");
	}
	if (str_eq(outcome, "wrong"))
		str_add(out, ": wrong");
	add_after(out, ": ", line_text(predicted, "why"));
}

/* A choice that the formula explains is told as one word. */
static void add_audit(struct str *out, const json_t *audit)
{
	const char *verdict = line_text(audit, "verdict");

	add_after(out, "; audit: ", verdict);
	if (str_eq(verdict, "unexplained") || str_eq(verdict, "not-checked"))
		add_after(out, ", ", line_text(audit, "why"));
}

void line_kill(struct str *out, const struct result *result, json_t *kill)
{
	const char *task = line_text(kill, "task"), *comm = line_text(kill, "comm");
	uint64_t pid;

	text_clean(out, *task ? task : "a process of no task");
	str_add(out, " (pid ");
	if (field_u64_get(json_object_get(kill, "pid"), &pid))
		str_addf(out, "%" PRIu64, pid);
	else
		str_add(out, "unknown");
	add_after(out, ", ", comm);
	str_add(out, ")");
	if (*line_text(kill, "group")) {
		add_after(out, " in '", line_text(kill, "group"));
		str_add(out, "'");
	}
	add_time(out, " after ", result, kill);
	add_sources(out, json_object_get(kill, "sources"), true, "; seen by ");
	add_sources(out, json_object_get(kill, "sources"), false, "; not by ");
	add_predicted(out, json_object_get(kill, "predicted"));
	add_audit(out, json_object_get(kill, "audit"));
}

/* Marks in order of time; their names have '_' for ' '. */
struct mark {
	uint64_t t;
	const char *name;
};

static int mark_order(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->t > y->t) - (x->t < y->t);
}

void line_timeline(struct str *out, json_t *kill)
{
	enum { MARKS_MAX = 16 };
	struct mark marks[MARKS_MAX];
	json_t *timeline = json_object_get(kill, "timeline"), *value;
	char buf[PARSE_TEXT_MAX];
	const char *name;
	size_t n = 0;

	if (*line_text(timeline, "missing")) {
		str_add(out, "none: ");
		text_clean(out, line_text(timeline, "missing"));
		return;
	}
	json_object_foreach (json_object_get(timeline, "marks"), name, value) {
		if (n < MARKS_MAX && field_u64_get(value, &marks[n].t))
			marks[n++].name = name;
	}
	qsort(marks, n, sizeof(*marks), mark_order);
	for (size_t i = 0; i < n; i++) {
		STR_AUTO words = STR_INIT;
		text_clean(&words, marks[i].name);
		for (char *at = words.s; at && (at = strchr(at, '_')); *at = ' ')
			;
		str_addf(out, "%s%s", i ? ", " : "", str_text(&words));
		if (i)
			str_addf(out, " +%s", format_duration(marks[i].t - marks[0].t, buf));
	}
	if (json_is_true(json_object_get(timeline, "lost")))
		str_add(out, " (events were lost)");
}

/* Members of events that carry a unit (results/README.md). */
static const struct {
	const char *key;
	const char *(*format)(uint64_t value, char *buf);
} units[] = {
	{"bytes", format_size},
	{"took", format_duration},
};

static bool add_quantity(struct str *out, const char *key, const json_t *value)
{
	char buf[PARSE_TEXT_MAX];
	uint64_t number;

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (str_eq(key, units[i].key) && field_u64_get(value, &number)) {
			str_add(out, units[i].format(number, buf));
			return true;
		}
	return false;
}

static void add_value(struct str *out, const char *key, const json_t *value)
{
	if (add_quantity(out, key, value))
		return;
	if (json_is_string(value)) {
		text_clean(out, json_string_value(value));
		return;
	}
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	text_clean(out, text ? text : "");
	free(text);
}

static void add_members(struct str *out, json_t *object, const char *head)
{
	const char *key, *before = head;
	const json_t *value;

	json_object_foreach (object, key, value) {
		if (str_eq(key, "t") || str_eq(key, "event"))
			continue;
		str_add(out, before);
		text_clean(out, key);
		str_add(out, "=");
		add_value(out, key, value);
		before = " ";
	}
}

void line_event(struct str *out, const struct result *result, json_t *event)
{
	add_time(out, "+", result, event);
	add_after(out, "  ", line_text(event, "event"));
	add_members(out, event, "  ");
}

bool line_has_claim(const struct result *result)
{
	return *line_text(result->claim, "says") != '\0';
}

int line_claim_observed(const struct result *result)
{
	const json_t *observed = json_object_get(result->claim, "observed");

	return json_is_boolean(observed) ? json_is_true(observed) : -1;
}

void line_claim(struct str *out, const struct result *result)
{
	static const char *const answers[] = {"not found out", "false", "true"};
	int observed = line_claim_observed(result);
	bool expected = json_is_true(json_object_get(result->claim, "expected"));

	text_clean(out, line_text(result->claim, "says"));
	str_addf(out, ": %s here", answers[observed + 1]);
	if (observed >= 0)
		str_addf(out, ", %s expected", observed == (int)expected ? "as" : "not as");
	add_after(out, " (", line_text(result->claim, "truth"));
	str_add(out, *line_text(result->claim, "truth") ? ")" : "");
}

size_t line_missing(const struct record *record)
{
	return record->planned > record->n ? record->planned - record->n : 0;
}

const char *line_missing_why(const struct record *record)
{
	return record->interrupted ? "the run was interrupted" : "the run ended before it";
}

void line_machine(struct str *out, const struct record *record)
{
	const struct facts *facts = &record->facts;

	text_clean(out, facts->kernel);
	if (facts->memory_version)
		str_addf(out, ", cgroup v%" PRIu64, facts->memory_version);
	else
		str_add(out, ", no memory controller");
}

const char *line_time(int64_t unix_ns, char *buf)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	return buf;
}
