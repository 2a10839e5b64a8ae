/*
 * The kills of a result as one line each: who, in the kernel's order, and what was thought of the
 * choice. Part of compare.h.
 */
#include "harness/record/text.h"
#include "harness/report/compare.h"
#include "harness/report/lines.h"

static bool is_child(const json_t *kill)
{
	const json_t *child = json_object_get(kill, "child");

	return json_is_integer(child) && json_integer_value(child) >= 0;
}

static const char *victim(const json_t *kill)
{
	const char *task = line_text(kill, "task"), *comm = line_text(kill, "comm");

	return *task ? task : *comm ? comm : "somebody";
}

void compare_victims(struct str *out, const struct result *result)
{
	size_t all = json_array_size(result->kills);

	if (all == 0)
		str_add(out, "nobody");
	for (size_t i = 0, n; i < all; i += n) {
		const json_t *kill = json_array_get(result->kills, i);
		/* Which of many children comes first is a race: they are counted. */
		for (n = 1; i + n < all && is_child(kill); n++) {
			const json_t *next = json_array_get(result->kills, i + n);
			if (!is_child(next) || !str_eq(victim(next), victim(kill)))
				break;
		}
		str_add(out, i ? ", " : "");
		if (n > 1)
			str_addf(out, "%zu children of ", n);
		else if (is_child(kill))
			str_addf(out, "child %" JSON_INTEGER_FORMAT " of ",
				 json_integer_value(json_object_get(kill, "child")));
		text_clean(out, victim(kill));
	}
}

void compare_choice(struct str *out, const struct result *result, const char *member,
		    const char *key)
{
	const json_t *kill;
	size_t i;

	json_array_foreach (result->kills, i, kill) {
		const char *text = line_text(json_object_get(kill, member), key);
		if (!*text)
			continue;
		str_add(out, out->len ? ", " : "");
		text_clean(out, text);
	}
}
