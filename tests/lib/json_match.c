/*
 * See json_match.h. The forms with '$' are a table; every function returns its mismatches.
 */
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/json_match.h"

enum { SHOWN_MAX = 200 }; /* bytes of a value that a message shows */

static void add_value(struct str *out, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (!text)
		str_add(out, "nothing");
	else if (strlen(text) <= SHOWN_MAX)
		str_add(out, text);
	else
		str_addf(out, "%.*s...", SHOWN_MAX, text);
	free(text);
}

static unsigned mismatch(const char *path, json_t *expected, const json_t *got, const char *why,
			 struct str *out)
{
	if (!out)
		return 1;
	str_addf(out, "%s: expected ", path);
	add_value(out, expected);
	str_add(out, ", got ");
	add_value(out, got);
	if (why)
		str_addf(out, " (%s)", why);
	str_add(out, "\n");
	return 1;
}

/* ---- the forms with '$' --------------------------------------------------------------------- */

struct place {
	const char *path;
	json_t *whole; /* the object that holds the form, for messages */
	const json_t *got;
	struct str *out;
};

static unsigned bad_form(const struct place *at, const char *why)
{
	return mismatch(at->path, at->whole, at->got, why, at->out);
}

static unsigned match_any(json_t *operand, const struct place *at)
{
	if (!json_is_true(operand))
		return bad_form(at, "the expectation is wrong: $any takes true");
	if (!at->got || json_is_null(at->got))
		return bad_form(at, "anything but null");
	return 0;
}

static unsigned match_regex(json_t *operand, const struct place *at)
{
	regex_t regex;

	if (!json_is_string(operand) ||
	    regcomp(&regex, json_string_value(operand), REG_EXTENDED | REG_NOSUB) != 0)
		return bad_form(at, "the expectation is wrong: no regular expression");
	bool ok = json_is_string(at->got) &&
		  regexec(&regex, json_string_value(at->got), 0, NULL, 0) == 0;
	regfree(&regex);
	return ok ? 0 : bad_form(at, NULL);
}

static unsigned match_count(json_t *operand, const struct place *at)
{
	if (!json_is_integer(operand))
		return bad_form(at, "the expectation is wrong: $count takes an integer");
	if (!json_is_array(at->got))
		return bad_form(at, "no array");
	size_t n = json_array_size(at->got);
	if (json_integer_value(operand) == (json_int_t)n)
		return 0;
	if (at->out)
		str_addf(at->out, "%s: expected %lld elements, got %zu\n", at->path,
			 (long long)json_integer_value(operand), n);
	return 1;
}

static unsigned match_at(json_t *operand, const struct place *at)
{
	const char *index;
	json_t *expected;
	unsigned bad = 0;

	if (!json_is_object(operand) || json_object_size(operand) == 0)
		return bad_form(at, "the expectation is wrong: $at takes indices and values");
	if (!json_is_array(at->got))
		return bad_form(at, "no array");
	json_object_foreach (operand, index, expected) {
		char *end;
		unsigned long i = strtoul(index, &end, 10);
		MEM_AUTO char *path = mem_printf("%s[%s]", at->path, index);
		if (end == index || *end)
			bad += bad_form(at, "the expectation is wrong: no index");
		else
			bad += json_mismatches(expected, json_array_get(at->got, i), path, at->out);
	}
	return bad;
}

/* How much of an expected object holds: to name the element that was probably meant. */
static unsigned keys_met(json_t *expected, const json_t *got)
{
	const char *key;
	json_t *value;
	unsigned met = 0;

	json_object_foreach (expected, key, value)
		met += json_mismatches(value, json_object_get(got, key), "", NULL) == 0;
	return met;
}

static unsigned find_one(json_t *expected, size_t number, const struct place *at)
{
	const json_t *element, *nearest = NULL;
	size_t i;
	unsigned most = 0;

	json_array_foreach (at->got, i, element) {
		if (json_mismatches(expected, element, "", NULL) == 0)
			return 0;
		unsigned met = keys_met(expected, element);
		if (met > most) {
			most = met;
			nearest = element;
		}
	}
	MEM_AUTO char *path = mem_printf("%s[$find %zu]", at->path, number);
	return mismatch(path, expected, nearest, "no element matches; the nearest is shown",
			at->out);
}

static unsigned match_find(json_t *operand, const struct place *at)
{
	json_t *expected;
	size_t i;
	unsigned bad = 0;

	if (!json_is_array(operand) || json_array_size(operand) == 0)
		return bad_form(at, "the expectation is wrong: $find takes a list");
	if (!json_is_array(at->got))
		return bad_form(at, "no array");
	json_array_foreach (operand, i, expected)
		bad += find_one(expected, i, at);
	return bad;
}

static const struct form {
	const char *key;
	unsigned (*match)(json_t *operand, const struct place *at);
	bool alone; /* no other key may stand beside it */
} forms[] = {
	{"$any", match_any, true}, {"$match", match_regex, true}, {"$count", match_count, false},
	{"$at", match_at, false},  {"$find", match_find, false},
};

static const struct form *form_of(const char *key)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].key, key) == 0)
			return &forms[i];
	return NULL;
}

static bool has_forms(json_t *expected)
{
	const char *key;
	json_t *value;

	json_object_foreach (expected, key, value)
		if (key[0] == '$')
			return true;
	return false;
}

static unsigned match_forms(json_t *expected, const struct place *at)
{
	const char *key;
	json_t *operand;
	unsigned bad = 0;

	json_object_foreach (expected, key, operand) {
		const struct form *form = form_of(key);
		if (!form || (form->alone && json_object_size(expected) > 1))
			return bad_form(at, "the expectation is wrong: unknown or mixed '$' forms");
		bad += form->match(operand, at);
	}
	return bad;
}

/* ---- plain values --------------------------------------------------------------------------- */

static unsigned match_object(json_t *expected, const json_t *got, const char *path, struct str *out)
{
	const char *key;
	json_t *value;
	unsigned bad = 0;

	if (!json_is_object(got))
		return mismatch(path, expected, got, "no object", out);
	json_object_foreach (expected, key, value) {
		MEM_AUTO char *below = mem_printf("%s%s%s", path, *path ? "." : "", key);
		const json_t *there = json_object_get(got, key);
		if (there)
			bad += json_mismatches(value, there, below, out);
		else
			bad += mismatch(below, value, NULL, "the key is missing", out);
	}
	return bad;
}

static unsigned match_array(json_t *expected, const json_t *got, const char *path, struct str *out)
{
	json_t *value;
	size_t i;
	unsigned bad = 0;

	if (!json_is_array(got))
		return mismatch(path, expected, got, "no array", out);
	if (json_array_size(expected) != json_array_size(got)) {
		if (out)
			str_addf(out, "%s: expected %zu elements, got %zu\n", path,
				 json_array_size(expected), json_array_size(got));
		bad++;
	}
	json_array_foreach (expected, i, value) {
		MEM_AUTO char *element = mem_printf("%s[%zu]", path, i);
		if (json_array_get(got, i))
			bad += json_mismatches(value, json_array_get(got, i), element, out);
	}
	return bad;
}

unsigned json_mismatches(json_t *expected, const json_t *got, const char *path, struct str *out)
{
	if (json_is_object(expected) && has_forms(expected)) {
		struct place at = {path, expected, got, out};
		return match_forms(expected, &at);
	}
	if (json_is_object(expected))
		return match_object(expected, got, path, out);
	if (json_is_array(expected))
		return match_array(expected, got, path, out);
	bool same = json_equal(expected, got);
	if (json_is_real(expected) && json_is_number(got))
		same = fabs(json_number_value(expected) - json_number_value(got)) <=
		       JSON_MATCH_EPSILON;
	return same ? 0 : mismatch(path, expected, got, NULL, out);
}
