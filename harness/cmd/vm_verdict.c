/*
 * See vm_verdict.h. A kernel that panics takes the guest's harness with it: only from outside it is
 * seen whether that was what the scenario wanted.
 */
#include "harness/cmd/vm_verdict.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/record/field.h"

enum { LOG_MAX = 2000 };

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	/* The guest's planner has compiled it before. */
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

/* "[    1.234567] text", and with a CPU or task behind the time: "[    1.234567][    T1] text". */
static const char *without_stamp(const char *line)
{
	while (*line == '[') {
		const char *end = strchr(line, ']');
		if (!end)
			break;
		line = end + 1;
	}
	return line + strspn(line, " ");
}

/* The kernel's last report, as far as it got to the console. */
static json_t *last_report(const char *console)
{
	json_t *log = json_array();
	const char *panic = strstr(console, "Kernel panic - not syncing");
	const char *from = panic ? panic : console;

	for (const char *at = console; (at = strstr(at, "invoked oom-killer")) != NULL; at++)
		from = at;
	while (from > console && from[-1] != '\n')
		from--;
	MEM_AUTO char *copy = mem_dup(from);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n")) != NULL && json_array_size(log) < LOG_MAX)
		if (*line)
			json_array_append_new(log, field_text_new(without_stamp(line)));
	return log;
}

static void judge_panic(const json_t *began, const char *panic, struct result *result)
{
	const char *want = json_string_value(json_object_get(began, "panic"));
	const char *at = json_string_value(json_object_get(began, "at"));
	bool fine = want && matches(want, panic);

	free(result->reason);
	result->reason = NULL;
	result->verdict = fine ? VERDICT_PASS : VERDICT_FAIL;
	if (!want)
		result->reason = mem_printf("the kernel panicked: %s", panic);
	else if (!fine)
		result->reason =
			mem_printf("%s: panic: expected '%s', got '%s'", at ? at : "", want, panic);
	json_array_append_new(result->findings,
			      json_pack("{s:s, s:s, s:o, s:o, s:s, s:b}", "at", at ? at : "",
					"what", "panic", "expected",
					field_text_new(want ? want : "none"), "got",
					field_text_new(panic), "seen", "", "ok", fine));
}

static void blank(const json_t *began, struct result *ret)
{
	const json_t *given = json_object_get(began, "blank");
	const char *name = json_string_value(json_object_get(began, "began"));
	struct err err;

	*ret = (struct result){0};
	if (!given || result_from_json(given, ret, &err) < 0)
		ret->name = mem_dup(name ? name : "");
	json_t **const parts[] = {&ret->tags,	 &ret->events, &ret->findings, &ret->kills,
				  &ret->samples, &ret->log,    &ret->warnings};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!*parts[i])
			*parts[i] = json_array();
	ret->params = ret->params ? ret->params : json_object();
	ret->claim = ret->claim ? ret->claim : json_object();
}

/* Scenarios' deadlines are several times what they take on a machine with a CPU of its own; with a
 * quarter of one they are still met. */
enum { STARVED_PERCENT = 75 };

void vm_verdict_of_starved(struct result *result, uint64_t took_ns, uint64_t waited_ns)
{
	char took[PARSE_TEXT_MAX], waited[PARSE_TEXT_MAX];

	if (result->verdict != VERDICT_FAIL || waited_ns / STARVED_PERCENT < took_ns / 100)
		return;
	char *first = result->reason;
	result->verdict = VERDICT_BROKEN;
	result->reason = mem_printf("the host kept the machine waiting for a CPU for %s of %s: run "
				    "it when the host is less busy (%s)",
				    format_duration(waited_ns, waited),
				    format_duration(took_ns, took), first ? first : "failed");
	free(first);
}

void vm_verdict(const json_t *began, json_t *events, enum machine_end end, const char *panic,
		const char *console, struct result *ret)
{
	const json_t *last = json_array_get(events, json_array_size(events) - 1);
	uint64_t ended = 0;

	blank(began, ret);
	json_decref(ret->events);
	ret->events = events ? json_incref(events) : json_array();
	if (field_u64_get(json_object_get(last, "t"), &ended) && ended > ret->began_ns)
		ret->ended_ns = ended;
	if (end == MACHINE_PANIC) {
		json_decref(ret->log);
		ret->log = last_report(console);
		judge_panic(began, panic, ret);
		return;
	}
	ret->verdict = VERDICT_BROKEN;
	free(ret->reason);
	ret->reason =
		mem_printf("the machine ended before its verdict (%s)", machine_end_name(end));
}
