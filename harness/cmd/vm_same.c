/*
 * See vm_same.h.
 */
#include "harness/cmd/vm_same.h"

#include <string.h>

#include "harness/record/field.h"

enum { LINE_MAX_CHARS = 160, HASH_SHOWN = 12 };

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

/* ---- why ------------------------------------------------------------------------------------ */

static const struct {
	const char *key, *what;
	bool hash;
} made_of[] = {
	{"qemu", "QEMU", false},
	{"kernel_sha256", "kernel", true},
	{"kernel", "--kernel", false},
	{"cgroup", "--cgroup", false},
	{"memory_bytes", "--memory", false},
	{"cpus", "--cpus", false},
	{"nodes", "--numa", false},
	{"swap", "--swap", false},
	{"append", "--append", false},
	{"with", "--with", false},
	{"params", "--param", false},
	{"filters", "--filter", false},
	{"repeat", "--repeat", false},
	{"timeout_ns", "--timeout", false},
	{"scenarios", "scenarios", false},
};

/* A hash is cut, numbers and lists are JSON. */
static void say_value(struct str *out, const json_t *value, bool hash)
{
	MEM_AUTO char *dumped = json_is_string(value) || !value
					? NULL
					: json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *text = dumped ? dumped : json_string_value(value);

	str_addf(out, "%.*s%s", hash ? HASH_SHOWN : LINE_MAX_CHARS,
		 text && *text ? text : "nothing", hash && text ? "..." : "");
}

static void say_pair(struct str *out, const char *what, const json_t *there, const json_t *here,
		     bool hash)
{
	str_addf(out, "  %s: ", what);
	say_value(out, there, hash);
	str_add(out, " there, ");
	say_value(out, here, hash);
	str_add(out, " here\n");
}

static size_t say_causes(const struct record *there, const struct record *here, struct str *out)
{
	const json_t *first = json_array_get(there->machines, 0);
	const json_t *other = json_array_get(here->machines, 0);
	const json_t *image = json_object_get(first, "image_sha256");
	const json_t *own = json_object_get(other, "image_sha256");
	size_t n = 0;

	for (size_t i = 0; i < sizeof(made_of) / sizeof(made_of[0]); i++) {
		const json_t *a = json_object_get(there->vm, made_of[i].key);
		const json_t *b = json_object_get(here->vm, made_of[i].key);
		if ((!a && !b) || (a && b && json_equal(a, b)))
			continue;
		say_pair(out, made_of[i].what, a, b, made_of[i].hash);
		n++;
	}
	if (there->seed != here->seed) {
		str_addf(out, "  --seed: %llu there, %llu here\n", (unsigned long long)there->seed,
			 (unsigned long long)here->seed);
		n++;
	}
	if (image && own && !json_equal(image, own)) {
		say_pair(out, "image (oomlab, scenarios, programs, modules)", image, own, true);
		n++;
	}
	return n;
}

/* ---- what ----------------------------------------------------------------------------------- */

static void say_line(struct str *out, const char *where, const char *from)
{
	size_t len = strcspn(from, "\n");

	str_addf(out, "    %s: %.*s\n", where, (int)(len < LINE_MAX_CHARS ? len : LINE_MAX_CHARS),
		 *from ? from : "(its end)");
}

static void say_first_difference(struct str *out, const char *there, const char *here)
{
	size_t line = 1, start = 0, i = 0;

	for (; there[i] && there[i] == here[i]; i++)
		if (there[i] == '\n') {
			line++;
			start = i + 1;
		}
	str_addf(out, ", from line %zu on:\n", line);
	say_line(out, "there", there + start);
	say_line(out, "here ", here + start);
}

static const char *console_of(const struct vm_same_side *side, size_t i)
{
	return side->consoles && i < side->n_consoles ? side->consoles[i] : NULL;
}

static bool same_consoles(const struct vm_same_side *there, const struct vm_same_side *here,
			  struct str *out)
{
	size_t n = json_array_size(there->record->machines);

	if (n != json_array_size(here->record->machines)) {
		str_addf(out, "  machines: %zu there, %zu here\n", n,
			 json_array_size(here->record->machines));
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(there->record->machines, i);
		const json_t *b = json_array_get(here->record->machines, i);
		if (str_eq(text_of(a, "console_sha256"), text_of(b, "console_sha256")))
			continue;
		str_addf(out, "  %s: %.*s... there, %.*s... here", text_of(b, "console"),
			 HASH_SHOWN, text_of(a, "console_sha256"), HASH_SHOWN,
			 text_of(b, "console_sha256"));
		if (console_of(there, i) && console_of(here, i))
			say_first_difference(out, console_of(there, i), console_of(here, i));
		else
			str_add(out, "\n");
		return false;
	}
	return true;
}

static void say_kill(struct str *out, const char *where, const json_t *kill, uint64_t began_ns)
{
	uint64_t t = 0;

	(void)field_u64_get(json_object_get(kill, "t"), &t);
	if (!kill)
		str_addf(out, " none %s", where);
	else
		str_addf(out, " %s after %.6f s %s", text_of(kill, "comm"),
			 t > began_ns ? (double)(t - began_ns) / 1e9 : 0, where);
}

/* All of two results: kills, verdicts, each event with its time. */
static bool same_result(const struct result *there, const struct result *here, struct str *out)
{
	json_t *a = result_to_json(there), *b = result_to_json(here);
	bool same = json_equal(a, b);

	json_decref(a);
	json_decref(b);
	if (same)
		return true;
	str_addf(out, "  %s: %s there, %s here", here->name, verdict_name(there->verdict),
		 verdict_name(here->verdict));
	size_t n = json_array_size(there->kills), other = json_array_size(here->kills);
	for (size_t i = 0; i < n || i < other; i++) {
		const json_t *x = json_array_get(there->kills, i);
		const json_t *y = json_array_get(here->kills, i);
		if (x && y && json_equal(x, y))
			continue;
		str_addf(out, "; kill %zu:", i + 1);
		say_kill(out, "there,", x, there->began_ns);
		say_kill(out, "here", y, here->began_ns);
		break;
	}
	str_add(out, "\n");
	return false;
}

static bool same_results(const struct record *there, const struct record *here, struct str *out)
{
	bool same = true;

	if (there->n != here->n)
		str_addf(out, "  results: %zu there, %zu here\n", there->n, here->n);
	for (size_t i = 0; i < there->n && i < here->n; i++)
		same = same_result(there->results[i], here->results[i], out) && same;
	return same && there->n == here->n;
}

/* ---- all ------------------------------------------------------------------------------------ */

static void say_same(const struct record *record, struct str *out)
{
	size_t kills = 0, events = 0;

	for (size_t i = 0; i < record->n; i++) {
		kills += json_array_size(record->results[i]->kills);
		events += json_array_size(record->results[i]->events);
	}
	str_addf(out,
		 "seed %llu: same console, same kills, same microseconds (%zu kills, %zu events; "
		 "console %.*s...)\n",
		 (unsigned long long)record->seed, kills, events, HASH_SHOWN,
		 text_of(json_array_get(record->machines, 0), "console_sha256"));
}

bool vm_same(const struct vm_same_side *there, const struct vm_same_side *here, struct str *out)
{
	STR_AUTO causes = STR_INIT;
	STR_AUTO effects = STR_INIT;
	size_t n = say_causes(there->record, here->record, &causes);
	bool consoles = same_consoles(there, here, &effects);
	bool results = same_results(there->record, here->record, &effects);

	if (consoles && results) {
		say_same(here->record, out);
		if (n)
			str_addf(out, "although these differ:\n%s", str_text(&causes));
		return true;
	}
	str_addf(out, "seed %llu: not the same run\n%s", (unsigned long long)here->record->seed,
		 str_text(&effects));
	if (n)
		str_addf(out, "what it ran on differs:\n%s", str_text(&causes));
	else
		str_add(out, "QEMU, kernel, image and options are the same: see docs/replay.md\n");
	return false;
}
