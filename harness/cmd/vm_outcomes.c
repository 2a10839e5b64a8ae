/*
 * See vm_outcomes.h.
 */
#include "harness/cmd/vm_outcomes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/record/field.h"

/* ---- what an outcome is --------------------------------------------------------------------- */

static void add_word(struct str *text, const char *word)
{
	str_addf(text, "%s%s", text->len ? ", " : "", word);
}

static char *take_text(struct str *text)
{
	return text->len ? str_take(text) : mem_dup("");
}

static char *who_died(const struct result *result)
{
	struct str text = STR_INIT;
	const json_t *kill;
	size_t i;

	json_array_foreach (result->kills, i, kill) {
		const char *task = json_string_value(json_object_get(kill, "task"));
		const char *comm = json_string_value(json_object_get(kill, "comm"));
		add_word(&text, task ? task : comm ? comm : "?");
	}
	return take_text(&text);
}

/* The key of an expectation that did not hold. What no line of the file asked for, as a kill that
 * nobody named, is another failure than a line with the same key. */
static char *word_of(const json_t *finding)
{
	const char *what = json_string_value(json_object_get(finding, "what"));
	const char *at = json_string_value(json_object_get(finding, "at"));

	if (!what || !json_is_false(json_object_get(finding, "ok")))
		return NULL;
	return at && strchr(at, ':') ? mem_dup(what) : mem_printf("%s by no line", what);
}

char *vm_outcome_failed(const struct result *result)
{
	struct str text = STR_INIT;
	const json_t *finding;
	size_t i;

	json_array_foreach (result->findings, i, finding) {
		MEM_AUTO char *word = word_of(finding);
		if (word)
			add_word(&text, word);
	}
	return take_text(&text);
}

static char *first_word(const char *text)
{
	if (isdigit((unsigned char)text[0]))
		return mem_dup("#");
	return mem_printf("%.*s", (int)strcspn(text, " ,;"), text);
}

char *vm_outcome_missed(const struct result *result)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (result->findings, i, finding) {
		const char *expected = json_string_value(json_object_get(finding, "expected"));
		const char *got = json_string_value(json_object_get(finding, "got"));
		if (!got || !json_is_false(json_object_get(finding, "ok")))
			continue;
		MEM_AUTO char *wanted = first_word(expected ? expected : "");
		MEM_AUTO char *came = first_word(got);
		return mem_printf("%s, got %s", wanted, came);
	}
	return mem_dup("");
}

/* ---- counting ------------------------------------------------------------------------------- */

static struct vm_outcome *find(struct vm_outcomes *outcomes, const struct result *result)
{
	MEM_AUTO char *died = who_died(result);
	MEM_AUTO char *failed = vm_outcome_failed(result);

	for (size_t i = 0; i < outcomes->n; i++) {
		struct vm_outcome *outcome = &outcomes->outcome[i];
		if (outcome->verdict == result->verdict &&
		    str_eq(outcome->scenario, result->name) && str_eq(outcome->died, died) &&
		    str_eq(outcome->failed, failed))
			return outcome;
	}
	outcomes->outcome =
		mem_grow(outcomes->outcome, outcomes->n + 1, sizeof(*outcomes->outcome));
	outcomes->outcome[outcomes->n] = (struct vm_outcome){.scenario = mem_dup(result->name),
							     .died = mem_dup(died),
							     .failed = mem_dup(failed),
							     .verdict = result->verdict,
							     .smallest = UINT64_MAX};
	return &outcomes->outcome[outcomes->n++];
}

static void add_result(struct vm_outcomes *outcomes, uint64_t seed, const struct result *result,
		       const char *evidence)
{
	struct vm_outcome *outcome = find(outcomes, result);

	outcome->seeds = mem_grow(outcome->seeds, outcome->n + 1, sizeof(*outcome->seeds));
	outcome->seeds[outcome->n++] = seed;
	if (seed >= outcome->smallest)
		return;
	outcome->smallest = seed;
	free(outcome->evidence);
	outcome->evidence = evidence ? mem_dup(evidence) : NULL;
	free(outcome->reason);
	outcome->reason = result->reason ? mem_dup(result->reason) : NULL;
}

void vm_outcomes_add(struct vm_outcomes *outcomes, uint64_t seed, const struct record *record,
		     const char *evidence)
{
	for (size_t i = 0; i < record->n; i++)
		add_result(outcomes, seed, record->results[i], evidence);
}

static int by_frequency(const void *a, const void *b)
{
	const struct vm_outcome *x = a, *y = b;
	int names = strcmp(x->scenario, y->scenario);

	if (names)
		return names;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return (x->smallest > y->smallest) - (x->smallest < y->smallest);
}

void vm_outcomes_sort(struct vm_outcomes *outcomes)
{
	if (outcomes->n)
		qsort(outcomes->outcome, outcomes->n, sizeof(*outcomes->outcome), by_frequency);
}

void vm_outcomes_clear(struct vm_outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->n; i++) {
		struct vm_outcome *outcome = &outcomes->outcome[i];
		free(outcome->scenario);
		free(outcome->died);
		free(outcome->failed);
		free(outcome->reason);
		free(outcome->seeds);
		free(outcome->evidence);
		free(outcome->record);
		free(outcome->shrunk);
		free(outcome->shrunk_record);
	}
	free(outcomes->outcome);
	*outcomes = (struct vm_outcomes){0};
}

size_t vm_outcomes_count(const struct vm_outcomes *outcomes, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < outcomes->n; i++)
		n += outcomes->outcome[i].verdict == verdict ? outcomes->outcome[i].n : 0;
	return n;
}

/* ---- reports -------------------------------------------------------------------------------- */

static size_t total_of(const struct vm_outcomes *outcomes, const char *scenario)
{
	size_t n = 0;

	for (size_t i = 0; i < outcomes->n; i++)
		n += str_eq(outcomes->outcome[i].scenario, scenario) ? outcomes->outcome[i].n : 0;
	return n;
}

static void add_row(const struct vm_outcome *outcome, size_t total, struct str *out)
{
	str_addf(out, "%7zu %5.1f%% %14llu  %-6s  %s%s%s%s\n", outcome->n,
		 100.0 * (double)outcome->n / (double)total, (unsigned long long)outcome->smallest,
		 verdict_name(outcome->verdict), *outcome->died ? outcome->died : "nobody",
		 *outcome->failed ? " (not as expected: " : "", outcome->failed,
		 *outcome->failed ? ")" : "");
}

static void add_commands(const struct vm_outcomes *outcomes, struct str *out)
{
	str_add(out, "\n");
	for (size_t i = 0; i < outcomes->n; i++) {
		const struct vm_outcome *outcome = &outcomes->outcome[i];
		if (outcome->record)
			str_addf(out, "seed %llu again: oomlab vm --replay %s\n",
				 (unsigned long long)outcome->smallest, outcome->record);
		if (outcome->shrunk)
			str_addf(out,
				 "smaller, fails alike with seed %llu (%zu machines): %s\n"
				 "  oomlab vm --replay %s\n",
				 (unsigned long long)outcome->shrunk_seed, outcome->shrunk_runs,
				 outcome->shrunk, outcome->shrunk_record);
	}
}

void vm_outcomes_text(const struct vm_outcomes *outcomes, struct str *out)
{
	const char *before = "";

	for (size_t i = 0; i < outcomes->n; i++) {
		const struct vm_outcome *outcome = &outcomes->outcome[i];
		if (!str_eq(before, outcome->scenario))
			str_addf(out,
				 "%s\n  times  share  smallest seed  verdict died, in this order\n",
				 outcome->scenario);
		before = outcome->scenario;
		add_row(outcome, total_of(outcomes, outcome->scenario), out);
		if (outcome->reason && outcome->verdict != VERDICT_PASS)
			str_addf(out, "          %s\n", outcome->reason);
	}
	add_commands(outcomes, out);
}

json_t *vm_outcomes_json(const struct vm_outcomes *outcomes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < outcomes->n; i++) {
		const struct vm_outcome *outcome = &outcomes->outcome[i];
		json_t *seeds = json_array();
		for (size_t k = 0; k < outcome->n; k++)
			json_array_append_new(seeds, field_u64_new(outcome->seeds[k]));
		json_array_append_new(
			list,
			json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
				  "scenario", field_text_new(outcome->scenario), "verdict",
				  verdict_name(outcome->verdict), "died",
				  field_text_new(outcome->died), "failed",
				  field_text_new(outcome->failed), "reason",
				  field_text_new(outcome->reason), "times", (json_int_t)outcome->n,
				  "smallest_seed", field_u64_new(outcome->smallest), "seeds", seeds,
				  "record", field_text_new(outcome->record), "shrunk",
				  field_text_new(outcome->shrunk), "shrunk_record",
				  field_text_new(outcome->shrunk_record), "shrunk_seed",
				  outcome->shrunk ? field_u64_new(outcome->shrunk_seed)
						  : json_null()));
	}
	return list;
}
