/*
 * JUnit XML as Jenkins' junit-10 schema describes it, once the run has ended: one testsuite a
 * suite, fail as <failure>, broken as <error>, skip as <skipped>.
 */
#include <inttypes.h>

#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/lines.h"
#include "harness/report/reporters.h"

/* Text that is cleaned holds no character that XML 1.0 forbids; markup is all that is left. */
static void add_xml(struct str *out, const char *clean)
{
	static const char *const entities[] = {
		['&'] = "&amp;",  ['<'] = "&lt;",    ['>'] = "&gt;",
		['"'] = "&quot;", ['\''] = "&apos;",
	};

	for (; *clean; clean++) {
		unsigned char c = (unsigned char)*clean;
		if (c < sizeof(entities) / sizeof(*entities) && entities[c])
			str_add(out, entities[c]);
		else
			str_addn(out, clean, 1);
	}
}

static void add_foreign(struct str *out, const char *bytes)
{
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes ? bytes : "");
	add_xml(out, str_text(&clean));
}

static void add_attribute(struct str *out, const char *name, const char *bytes)
{
	str_addf(out, " %s=\"", name);
	add_foreign(out, bytes);
	str_add(out, "\"");
}

static void add_seconds(struct str *out, uint64_t ns)
{
	str_addf(out, " time=\"%" PRIu64 ".%06" PRIu64 "\"", ns / 1000000000,
		 ns % 1000000000 / 1000);
}

static void add_property(struct str *out, const char *name, const char *value)
{
	str_add(out, "      <property");
	add_attribute(out, "name", name);
	add_attribute(out, "value", value);
	str_add(out, "/>\n");
}

static const char *suite_of(const struct result *result)
{
	return result->suite && *result->suite ? result->suite : "oomlab";
}

/* The schema gives a testcase no properties, so they stand in its suite's, by name. */
static void add_params(struct str *out, const struct result *result)
{
	const json_t *value;
	const char *key;

	json_object_foreach (result->params, key, value) {
		MEM_AUTO char *name = mem_printf("%s %s", result->name, key);
		MEM_AUTO char *number =
			json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
		const char *text = json_string_value(value);
		add_property(out, name, text ? text : number);
	}
}

static void add_claim(struct str *out, const struct result *result)
{
	static const char *const answers[] = {"not found out", "false", "true"};
	MEM_AUTO char *name = mem_printf("%s claim", result->name);
	MEM_AUTO char *here = mem_printf("%s here", result->name);

	if (!line_has_claim(result))
		return;
	add_property(out, name, line_text(result->claim, "says"));
	add_property(out, here, answers[line_claim_observed(result) + 1]);
}

static void add_properties(struct str *out, const struct record *record, const char *suite)
{
	STR_AUTO seed = STR_INIT;
	const struct facts *facts = &record->facts;

	str_addf(&seed, "%" PRIu64, record->seed);
	str_add(out, "    <properties>\n");
	add_property(out, "kernel", facts->kernel);
	add_property(out, "machine", facts->machine);
	add_property(out, "cgroups", facts->cgroups);
	add_property(out, "oomlab", facts->oomlab);
	add_property(out, "command", record->command);
	add_property(out, "seed", str_text(&seed));
	for (size_t i = 0; i < record->n; i++)
		if (str_eq(suite_of(record->results[i]), suite)) {
			add_params(out, record->results[i]);
			add_claim(out, record->results[i]);
		}
	str_add(out, "    </properties>\n");
}

static void add_failed_lines(struct str *out, const struct result *result)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (result->findings, i, finding) {
		STR_AUTO line = STR_INIT;
		if (line_holds(finding))
			continue;
		line_finding(&line, finding);
		add_xml(out, str_text(&line));
		str_add(out, "\n");
	}
}

static const struct {
	const char *element, *type;
} outcomes[VERDICTS] = {
	[VERDICT_FAIL] = {"failure", "expectation"},
	[VERDICT_SKIP] = {"skipped", "prerequisite"},
	[VERDICT_BROKEN] = {"error", "harness"},
};

static void add_outcome(struct str *out, const struct result *result)
{
	const char *element = outcomes[result->verdict].element;

	if (!element)
		return;
	str_addf(out, "      <%s type=\"%s\"", element, outcomes[result->verdict].type);
	add_attribute(out, "message", result->reason);
	str_add(out, ">");
	add_failed_lines(out, result);
	str_addf(out, "</%s>\n", element);
}

static void add_strings(struct str *out, const char *head, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		str_add(out, head);
		add_foreign(out, json_string_value(item));
		str_add(out, "\n");
	}
}

static void add_lines(struct str *out, const struct result *result)
{
	const json_t *finding;
	json_t *kill;
	size_t i;

	json_array_foreach (result->findings, i, finding) {
		STR_AUTO line = STR_INIT;
		line_finding(&line, finding);
		str_add(out, line_holds(finding) ? "holds: " : "fails: ");
		add_xml(out, str_text(&line));
		str_add(out, "\n");
	}
	json_array_foreach (result->kills, i, kill) {
		STR_AUTO line = STR_INIT;
		line_kill(&line, result, kill);
		str_add(out, "killed: ");
		add_xml(out, str_text(&line));
		str_add(out, "\n");
	}
	add_strings(out, "warning: ", result->warnings);
	add_strings(out, "kernel: ", result->log);
}

static void add_output(struct str *out, const struct result *result)
{
	STR_AUTO lines = STR_INIT;

	add_lines(&lines, result);
	if (lines.len > 0)
		str_addf(out, "      <system-out>%s</system-out>\n", str_text(&lines));
}

struct totals {
	size_t all, by_verdict[VERDICTS];
	uint64_t ns, began_ns;
};

/* Of one suite; NULL: of all. */
static struct totals count(const struct record *record, const char *suite)
{
	struct totals totals = {.began_ns = UINT64_MAX};

	for (size_t i = 0; i < record->n; i++) {
		const struct result *result = record->results[i];
		if (suite && !str_eq(suite_of(result), suite))
			continue;
		totals.all++;
		totals.by_verdict[result->verdict]++;
		totals.ns += line_elapsed_ns(result);
		if (result->began_ns < totals.began_ns)
			totals.began_ns = result->began_ns;
	}
	return totals;
}

static void add_totals(struct str *out, const struct totals *totals, size_t missing)
{
	str_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", totals->all + missing,
		 totals->by_verdict[VERDICT_FAIL], totals->by_verdict[VERDICT_BROKEN] + missing);
	add_seconds(out, totals->ns);
}

/* In a series one suite is there for each kernel and cgroup version. */
static void add_suite_name(struct str *out, const char *attribute, const struct record *record,
			   const char *suite, const struct report_options *options)
{
	STR_AUTO name = STR_INIT;

	str_add(&name, suite);
	if (options->series) {
		str_add(&name, " on ");
		line_machine(&name, record);
	}
	add_attribute(out, attribute, str_text(&name));
}

static void add_case(struct str *out, const struct record *record, const struct result *result,
		     const struct report_options *options)
{
	str_add(out, "    <testcase");
	add_attribute(out, "name", result->name);
	add_suite_name(out, "classname", record, suite_of(result), options);
	add_seconds(out, line_elapsed_ns(result));
	str_add(out, ">\n");
	add_outcome(out, result);
	add_output(out, result);
	str_add(out, "    </testcase>\n");
}

static void add_suite(struct str *out, const struct record *record, const char *suite,
		      const struct report_options *options)
{
	struct totals totals = count(record, suite);
	int64_t began = record->began_unix_ns;
	char buf[32];

	if (totals.began_ns >= record->began_ns)
		began += (int64_t)(totals.began_ns - record->began_ns);
	str_add(out, "  <testsuite");
	add_suite_name(out, "name", record, suite, options);
	add_totals(out, &totals, 0);
	str_addf(out, " skipped=\"%zu\"", totals.by_verdict[VERDICT_SKIP]);
	add_attribute(out, "timestamp", line_time(began, buf));
	add_attribute(out, "hostname", record->facts.host);
	str_add(out, ">\n");
	add_properties(out, record, suite);
	for (size_t i = 0; i < record->n; i++)
		if (str_eq(suite_of(record->results[i]), suite))
			add_case(out, record, record->results[i], options);
	str_add(out, "  </testsuite>\n");
}

static bool is_first_of_suite(const struct record *record, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(suite_of(record->results[i]), suite_of(record->results[at])))
			return false;
	return true;
}

/* Results that were planned and never came are errors of the harness. */
static void add_missing(struct str *out, const struct record *record)
{
	size_t missing = line_missing(record);

	if (missing == 0)
		return;
	str_addf(out,
		 "  <testsuite name=\"not run\" tests=\"%zu\" failures=\"0\" errors=\"%zu\">\n",
		 missing, missing);
	for (size_t i = record->n; i < record->planned; i++)
		str_addf(out,
			 "    <testcase name=\"result %zu of %zu\" classname=\"not run\">\n"
			 "      <error type=\"harness\" message=\"%s\"/>\n"
			 "    </testcase>\n",
			 i + 1, record->planned, line_missing_why(record));
	str_add(out, "  </testsuite>\n");
}

static void junit_begin(FILE *out, const struct record *record,
			const struct report_options *options)
{
	(void)out;
	(void)record;
	(void)options;
}

static void junit_result(FILE *out, const struct record *record, const struct result *result,
			 const struct report_options *options)
{
	(void)out;
	(void)record;
	(void)result;
	(void)options;
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"oomlab\""
#define FOOT "</testsuites>\n"

static void junit_open(FILE *out)
{
	fputs(HEAD ">\n", out);
}

static void junit_close(FILE *out, const struct report_series *series)
{
	(void)series;
	fputs(FOOT, out);
}

static void junit_end(FILE *out, const struct record *record, const struct report_options *options)
{
	STR_AUTO text = STR_INIT;
	struct totals totals = count(record, NULL);

	if (!options->series) {
		str_add(&text, HEAD);
		add_totals(&text, &totals, line_missing(record));
		str_add(&text, ">\n");
	}
	for (size_t i = 0; i < record->n; i++)
		if (is_first_of_suite(record, i))
			add_suite(&text, record, suite_of(record->results[i]), options);
	add_missing(&text, record);
	if (!options->series)
		str_add(&text, FOOT);
	fwrite(str_text(&text), 1, text.len, out);
	fflush(out);
}

const struct reporter reporter_junit = {
	.name = "junit",
	.summary = "JUnit XML (Jenkins' junit-10 schema), at the end",
	.open = junit_open,
	.close = junit_close,
	.begin = junit_begin,
	.result = junit_result,
	.end = junit_end,
};
