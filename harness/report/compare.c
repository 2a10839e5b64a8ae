/*
 * See compare.h. Reads the JSON values of results and tolerates whatever is missing in them, as
 * lines.c does: records come from other versions and other machines.
 */
#include "harness/report/compare.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "harness/record/text.h"
#include "harness/report/lines.h"

const char *difference_weight_name(enum difference_weight weight)
{
	static const char *const names[] = {[DIFFERENCE_DETAIL] = "detail",
					    [DIFFERENCE_TIME] = "time",
					    [DIFFERENCE_OUTCOME] = "outcome"};

	return names[weight];
}

size_t compare_name_length(const char *name)
{
	const char *mark = strrchr(name, '#');

	/* A scenario's own name may have one, too. */
	if (!mark || !mark[1] || mark[1 + strspn(mark + 1, "0123456789")])
		return strlen(name);
	return (size_t)(mark - name);
}

/* ---- the list ------------------------------------------------------------------------------ */

static void add(struct comparison *comparison, enum difference_weight weight, const char *what,
		const char *left, const char *right)
{
	comparison->list = mem_grow(comparison->list, comparison->n + 1, sizeof(*comparison->list));
	comparison->list[comparison->n++] =
		(struct difference){mem_dup(what), mem_dup(left), mem_dup(right), weight};
}

static void add_unequal(struct comparison *comparison, enum difference_weight weight,
			const char *what, const char *left, const char *right)
{
	if (!str_eq(left, right))
		add(comparison, weight, what, left, right);
}

void comparison_free(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->n; i++) {
		free(comparison->list[i].what);
		free(comparison->list[i].left);
		free(comparison->list[i].right);
	}
	free(comparison->list);
	*comparison = (struct comparison){0};
}

enum difference_weight comparison_weight(const struct comparison *comparison)
{
	enum difference_weight weight = DIFFERENCE_DETAIL;

	for (size_t i = 0; i < comparison->n; i++)
		if (comparison->list[i].weight > weight)
			weight = comparison->list[i].weight;
	return weight;
}

/* ---- texts without what is never the same twice -------------------------------------------- */

/* Appends 'bytes' without " (pid 302)". */
static void add_without_pids(struct str *out, const char *bytes)
{
	static const char mark[] = " (pid ";

	for (const char *at; (at = strstr(bytes, mark)) != NULL;) {
		const char *end = at + strlen(mark) + strspn(at + strlen(mark), "0123456789");
		bool pid = *end == ')';
		str_addn(out, bytes, (size_t)((pid ? at : end) - bytes));
		bytes = pid ? end + 1 : end;
	}
	str_add(out, bytes);
}

/* Appends 'bytes' without ", sources: wait yes, log yes" where all of them say yes. */
static void add_without_sources(struct str *out, const char *bytes)
{
	static const char mark[] = ", sources: ";

	for (const char *at; (at = strstr(bytes, mark)) != NULL;) {
		const char *sources = at + strlen(mark), *end = sources;
		bool agree = true;
		while (*end && *end != ';') {
			size_t len = strcspn(end, ",;"), left = len < 4 ? 0 : len - 4;
			agree = agree && left && memcmp(end + left, " yes", 4) == 0;
			end += len + (end[len] == ',');
		}
		str_addn(out, bytes, (size_t)((agree ? at : end) - bytes));
		bytes = end;
	}
	str_add(out, bytes);
}

static void add_text(struct str *out, const char *bytes)
{
	STR_AUTO short_text = STR_INIT;
	STR_AUTO kept = STR_INIT;

	add_without_pids(&short_text, bytes);
	add_without_sources(&kept, str_text(&short_text));
	text_clean(out, str_text(&kept));
}

/* "12:15 usage" of "/somewhere/x.yaml:12:15": the same file lies elsewhere in a machine. */
static void add_key(struct str *out, const json_t *finding)
{
	const char *at = line_text(finding, "at");
	const char *slash = strrchr(at, '/'), *colon = strchr(slash ? slash : at, ':');

	text_clean(out, colon ? colon + 1 : "");
	str_add(out, colon ? " " : "");
	text_clean(out, line_text(finding, "what"));
}

/* ---- findings ------------------------------------------------------------------------------ */

struct keys {
	size_t n;
	char **text;
};

static struct keys keys_of(json_t *findings)
{
	struct keys keys = {.text = mem_zero(json_array_size(findings) + 1, sizeof(char *))};
	const json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding) {
		struct str key = STR_INIT;
		add_key(&key, finding);
		keys.text[keys.n++] = str_take(&key);
	}
	return keys;
}

static void keys_free(struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		free(keys->text[i]);
	free(keys->text);
}

static void add_found(struct str *out, const json_t *finding)
{
	if (!finding)
		return;
	str_add(out, line_holds(finding) ? "" : "fails: ");
	add_text(out, line_text(finding, "got"));
	if (line_holds(finding))
		return;
	str_add(out, " (expected ");
	add_text(out, line_text(finding, "expected"));
	str_add(out, ")");
}

/* 'left' or 'right' may be NULL, but not both. One that was never judged is no difference of its
 * own, since something before it was; what failed on the other side is shown all the same. */
static void compare_finding(struct comparison *comparison, const char *key, const json_t *left,
			    const json_t *right)
{
	STR_AUTO a = STR_INIT;
	STR_AUTO b = STR_INIT;
	bool outcome = left && right ? line_holds(left) != line_holds(right)
				     : !line_holds(left ? left : right);

	if (!outcome && !(left && right))
		return;
	add_found(&a, left);
	add_found(&b, right);
	add_unequal(comparison, outcome ? DIFFERENCE_OUTCOME : DIFFERENCE_DETAIL, key, str_text(&a),
		    str_text(&b));
}

static size_t key_find(const struct keys *keys, size_t from, const char *key)
{
	while (from < keys->n && !str_eq(keys->text[from], key))
		from++;
	return from;
}

/* Both lists are in the order in which the scenario was gone through; where the ways part
 * ('decide', or an end by failure), one of them has findings that the other lacks. */
static void compare_findings(struct comparison *comparison, const struct result *left,
			     const struct result *right)
{
	struct keys a = keys_of(left->findings), b = keys_of(right->findings);
	size_t j = 0;

	for (size_t i = 0; i < a.n; i++) {
		const json_t *finding = json_array_get(left->findings, i);
		size_t at = key_find(&b, j, a.text[i]);
		if (at == b.n) {
			compare_finding(comparison, a.text[i], finding, NULL);
			continue;
		}
		for (; j < at; j++)
			compare_finding(comparison, b.text[j], NULL,
					json_array_get(right->findings, j));
		compare_finding(comparison, a.text[i], finding,
				json_array_get(right->findings, j++));
	}
	for (; j < b.n; j++)
		compare_finding(comparison, b.text[j], NULL, json_array_get(right->findings, j));
	keys_free(&a);
	keys_free(&b);
}

/* ---- events -------------------------------------------------------------------------------- */

/* Not those that come when it suits the kernel, nor what was thought of it, nor deaths by SIGKILL:
 * the OOM killer's have an event of their own, the others are the harness's at the end. */
static bool event_counts(const json_t *event)
{
	static const char *const loose[] = {"notify",	  "kernel", "output",
					    "prediction", "audit",  NULL};
	const char *kind = line_text(event, "event");

	for (size_t i = 0; loose[i]; i++)
		if (str_eq(kind, loose[i]))
			return false;
	return !(str_eq(kind, "exit") && str_eq(line_text(event, "how"), "signal") &&
		 json_integer_value(json_object_get(event, "status")) == SIGKILL);
}

/* "" behind the last one. */
static void add_event(struct str *out, const struct result *result, json_t *event)
{
	static const char *const unlike[] = {"t", "pid", "took", "kmsg", "wchan", NULL};
	json_t *copy = event ? json_copy(event) : json_object();
	STR_AUTO line = STR_INIT;

	for (size_t i = 0; unlike[i]; i++)
		(void)json_object_del(copy, unlike[i]);
	line_event(&line, result, copy);
	str_add(out, str_text(&line) + strspn(str_text(&line), " "));
	json_decref(copy);
}

static json_t *next_event(const struct result *result, size_t *at)
{
	json_t *event;

	while ((event = json_array_get(result->events, (*at)++)) != NULL)
		if (event_counts(event))
			return event;
	return NULL;
}

static void compare_events(struct comparison *comparison, const struct result *left,
			   const struct result *right)
{
	size_t i = 0, j = 0;

	/* Records of a baseline are kept without them. */
	if (json_array_size(left->events) == 0 || json_array_size(right->events) == 0)
		return;
	for (size_t n = 1;; n++) {
		STR_AUTO a = STR_INIT;
		STR_AUTO b = STR_INIT;
		json_t *one = next_event(left, &i), *other = next_event(right, &j);
		if (!one && !other)
			return;
		add_event(&a, left, one);
		add_event(&b, right, other);
		if (str_eq(str_text(&a), str_text(&b)))
			continue;
		MEM_AUTO char *what = mem_printf("from event %zu", n);
		add(comparison, DIFFERENCE_DETAIL, what, str_text(&a), str_text(&b));
		return;
	}
}

/* ---- the rest ------------------------------------------------------------------------------ */

static const char *claim(const struct result *result)
{
	static const char *const answers[] = {"not found out", "false", "true"};

	return line_has_claim(result) ? answers[line_claim_observed(result) + 1] : "";
}

/* Whether the kernel chose as its formula says, and as was predicted. */
static void compare_choices(struct comparison *comparison, const struct result *left,
			    const struct result *right)
{
	static const struct {
		const char *what, *member, *key;
	} choices[] = {{"audit", "audit", "verdict"}, {"predicted", "predicted", "outcome"}};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		STR_AUTO a = STR_INIT;
		STR_AUTO b = STR_INIT;
		compare_choice(&a, left, choices[i].member, choices[i].key);
		compare_choice(&b, right, choices[i].member, choices[i].key);
		if (a.len && b.len) /* where the kernel's report is missing, so are they */
			add_unequal(comparison, DIFFERENCE_DETAIL, choices[i].what, str_text(&a),
				    str_text(&b));
	}
}

/* A reason that repeats the first finding that failed is none of its own. */
static void add_reason(struct str *out, const struct result *result)
{
	const json_t *finding;
	size_t i;

	if (result->verdict == VERDICT_FAIL)
		json_array_foreach (result->findings, i, finding) {
			if (!line_holds(finding))
				return;
		}
	const char *reason = result->reason ? result->reason : "";
	if (result->file && str_starts(reason, result->file) && reason[strlen(result->file)] == ':')
		reason += strlen(result->file) + 1;
	add_text(out, reason);
}

bool compare_slower(uint64_t a_ns, uint64_t b_ns)
{
	uint64_t less = a_ns < b_ns ? a_ns : b_ns, more = a_ns < b_ns ? b_ns : a_ns;

	return more >= COMPARE_FLOOR_NS && less > 0 && more / less >= COMPARE_RATIO;
}

static void compare_times(struct comparison *comparison, const struct result *left,
			  const struct result *right)
{
	uint64_t a = line_elapsed_ns(left), b = line_elapsed_ns(right);
	uint64_t less = a < b ? a : b, more = a < b ? b : a;
	char buf_a[PARSE_TEXT_MAX], buf_b[PARSE_TEXT_MAX];

	if (!compare_slower(a, b))
		return;
	MEM_AUTO char *times = mem_printf(" (%.1f times)", (double)more / (double)less);
	MEM_AUTO char *x = mem_printf("%s%s", format_duration(a, buf_a), a > b ? times : "");
	MEM_AUTO char *y = mem_printf("%s%s", format_duration(b, buf_b), a > b ? "" : times);
	add(comparison, DIFFERENCE_TIME, "time", x, y);
}

void result_compare(const struct result *left, const struct result *right, struct comparison *ret)
{
	STR_AUTO victims_a = STR_INIT;
	STR_AUTO victims_b = STR_INIT;
	STR_AUTO reason_a = STR_INIT;
	STR_AUTO reason_b = STR_INIT;

	*ret = (struct comparison){0};
	add_unequal(ret, DIFFERENCE_OUTCOME, "verdict", verdict_name(left->verdict),
		    verdict_name(right->verdict));
	add_reason(&reason_a, left);
	add_reason(&reason_b, right);
	add_unequal(ret, DIFFERENCE_DETAIL, "reason", str_text(&reason_a), str_text(&reason_b));
	if (left->verdict == VERDICT_SKIP || right->verdict == VERDICT_SKIP)
		return; /* what did not run has nothing to compare */
	add_unequal(ret, DIFFERENCE_OUTCOME, "claim", claim(left), claim(right));
	compare_victims(&victims_a, left);
	compare_victims(&victims_b, right);
	add_unequal(ret, DIFFERENCE_OUTCOME, "killed", str_text(&victims_a), str_text(&victims_b));
	compare_choices(ret, left, right);
	compare_findings(ret, left, right);
	compare_events(ret, left, right);
	compare_times(ret, left, right);
}

/* Where it failed, not what was found: "34:5: step" of "34:5: step: expected ..., got ...". */
static void add_failed_at(struct str *out, const struct result *result)
{
	STR_AUTO reason = STR_INIT;

	add_reason(&reason, result);
	const char *text = str_text(&reason), *end = strstr(text, ": expected ");
	str_addn(out, text, end ? (size_t)(end - text) : strcspn(text, ":"));
}

void compare_outcome(struct str *out, const struct result *result)
{
	const json_t *finding;
	size_t i;

	str_add(out, verdict_name(result->verdict));
	if (result->verdict == VERDICT_SKIP)
		return;
	str_addf(out, "\n%s\n", claim(result));
	compare_victims(out, result);
	str_add(out, "\n");
	add_failed_at(out, result);
	json_array_foreach (result->findings, i, finding) {
		if (line_holds(finding))
			continue;
		str_add(out, "\n");
		add_key(out, finding);
	}
}
