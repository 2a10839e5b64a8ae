/*
 * Nodes into values, with one line for each that is not what it should be. Knows no key of the
 * scenario format; see build.h.
 */
#include <ctype.h>
#include <string.h>

#include "base/parse.h"
#include "harness/plan/build.h"

void bad(struct build *b, const struct node *at, const char *what, const char *expected)
{
	char got[100];

	diag_add(b->diags, b->file, at, "%s, expected %s, got %s", what, expected,
		 node_describe(at, got, sizeof(got)));
}

/* The names that could have been meant, as far as they fit in a line. */
static void list_names(struct str *out, const char *const *names)
{
	enum { LIST_MAX = 200 };

	for (size_t i = 0; names[i]; i++) {
		if (out->len > LIST_MAX) {
			str_add(out, ", ...");
			return;
		}
		str_addf(out, "%s%s", i ? ", " : "", names[i]);
	}
}

static void unknown(struct build *b, const struct node *at, const char *what, const char *name,
		    const char *of, const char *const *names)
{
	STR_AUTO all = STR_INIT;
	const char *near = str_nearest(name, names);

	MEM_AUTO char *which =
		mem_printf("%s '%.80s'%s%s", what, name, of ? " of " : "", of ? of : "");
	list_names(&all, names);
	if (near)
		diag_add(b->diags, b->file, at, "unknown %s, did you mean '%s'?", which, near);
	else if (all.len)
		diag_add(b->diags, b->file, at, "unknown %s, expected one of: %s", which,
			 str_text(&all));
	else
		diag_add(b->diags, b->file, at, "unknown %s, this scenario has none", which);
}

void bad_name(struct build *b, const struct node *at, const char *what, const char *name,
	      const char *const *names)
{
	unknown(b, at, what, name, NULL, names);
}

bool read_scalar(struct build *b, const struct node *at, const char *what, const char *expected,
		 const char **ret)
{
	if (at->kind != NODE_SCALAR || !at->text[0]) {
		bad(b, at, what, expected);
		return false;
	}
	*ret = at->text;
	return true;
}

/* The parsers' messages say what was expected and what was got. */
static bool told(struct build *b, const struct node *at, const char *what, int r,
		 const struct err *err)
{
	if (r < 0)
		diag_add(b->diags, b->file, at, "%s: %s", what, err->text);
	return r >= 0;
}

bool read_size(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;

	if (!read_scalar(b, at, what, "a size such as 80M", &text))
		return false;
	return told(b, at, what, parse_size(text, ret, &err), &err);
}

bool read_part(struct build *b, const struct node *at, const char *what, uint64_t whole,
	       const char *whose, uint64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;
	double percent;

	if (!read_scalar(b, at, what, "a size such as 80M or 50%", &text))
		return false;
	if (!strchr(text, '%'))
		return told(b, at, what, parse_size(text, ret, &err), &err);
	if (parse_percent(text, &percent, &err) < 0)
		return told(b, at, what, -1, &err);
	if (whole == UINT64_MAX) {
		diag_add(b->diags, b->file, at,
			 "%s: '%s' is a part of %s, which has no memory.max; expected a size such "
			 "as 80M",
			 what, text, whose);
		return false;
	}
	uint64_t page = b->facts->page_size ? b->facts->page_size : 4096;
	*ret = (uint64_t)((double)whole * percent / 100) / page * page;
	return true;
}

bool read_duration(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;

	if (!read_scalar(b, at, what, "a duration such as 500ms", &text))
		return false;
	return told(b, at, what, parse_duration(text, ret, &err), &err);
}

bool read_u64(struct build *b, const struct node *at, const char *what, uint64_t min, uint64_t max,
	      uint64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;
	uint64_t value;

	if (!read_scalar(b, at, what, "a whole number", &text) ||
	    !told(b, at, what, parse_u64(text, max, &value, &err), &err))
		return false;
	if (value < min) {
		diag_add(b->diags, b->file, at, "%s, expected at least %llu, got '%s'", what,
			 (unsigned long long)min, text);
		return false;
	}
	*ret = value;
	return true;
}

bool read_i64(struct build *b, const struct node *at, const char *what, int64_t min, int64_t max,
	      int64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;

	if (!read_scalar(b, at, what, "a whole number", &text))
		return false;
	return told(b, at, what, parse_i64(text, min, max, ret, &err), &err);
}

bool read_bool(struct build *b, const struct node *at, const char *what, bool *ret)
{
	struct err err = ERR_INIT;
	const char *text;
	int value;

	if (!read_scalar(b, at, what, "yes or no", &text) ||
	    !told(b, at, what, parse_bool(text, &value, &err), &err))
		return false;
	*ret = value != 0;
	return true;
}

bool read_choice(struct build *b, const struct node *at, const char *what, const char *const *names,
		 int *ret)
{
	STR_AUTO all = STR_INIT;

	for (int i = 0; at->kind == NODE_SCALAR && names[i]; i++)
		if (str_eq(at->text, names[i])) {
			*ret = i;
			return true;
		}
	str_add(&all, "one of: ");
	list_names(&all, names);
	bad(b, at, what, str_text(&all));
	return false;
}

bool is_map(struct build *b, const struct node *at, const char *what, const char *expected)
{
	if (at->kind == NODE_MAP || (at->kind == NODE_SCALAR && !at->text[0]))
		return true;
	bad(b, at, what, expected);
	return false;
}

bool is_name(struct build *b, const struct node *at, const char *what, const char *text)
{
	size_t len = strlen(text);
	bool fine = len > 0 && len <= PLAN_NAME_MAX && isalnum((unsigned char)text[0]);

	for (size_t i = 0; fine && i < len; i++)
		fine = isalnum((unsigned char)text[i]) || strchr("_-.", text[i]);
	if (!fine)
		diag_add(b->diags, b->file, at,
			 "%s '%.80s', expected a letter or digit, then letters, digits, '_', '-' "
			 "and '.', %d in all at most",
			 what, text, PLAN_NAME_MAX);
	return fine;
}

size_t read_texts(struct build *b, const struct node *at, const char *what, const char ***ret)
{
	size_t n = at->kind == NODE_LIST ? at->n : 1, found = 0;
	const struct node *items = at->kind == NODE_LIST ? at->items : at;
	const char **texts = arena_zero(b->arena, n + 1, sizeof(*texts));

	for (size_t i = 0; i < n; i++) {
		if (items[i].kind != NODE_SCALAR) {
			bad(b, &items[i], what, "plain texts");
			continue;
		}
		texts[found++] = items[i].text;
	}
	*ret = texts;
	return found;
}

/* ---- maps with known keys ------------------------------------------------------------------ */

static bool is_known(const char *name, const char *const *names)
{
	for (; names && *names; names++)
		if (str_eq(name, *names))
			return true;
	return false;
}

static size_t count_names(const char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	return n;
}

static void check_known(struct build *b, const struct node *map, const char *of,
			const struct key *keys, const char *const *others)
{
	size_t n_keys = 0, n_others = count_names(others);

	while (keys[n_keys].name)
		n_keys++;
	MEM_AUTO const char **names = mem_zero(n_keys + n_others + 1, sizeof(*names));
	for (size_t i = 0; i < n_keys; i++)
		names[i] = keys[i].name;
	for (size_t i = 0; i < n_others; i++)
		names[n_keys + i] = others[i];
	for (size_t i = 0; i < map->n; i++)
		if (!is_known(map->keys[i].text, names))
			unknown(b, &map->keys[i], "key", map->keys[i].text, of, names);
}

bool read_keys(struct build *b, const struct node *map, const char *of, const struct key *keys,
	       const char *const *others, void *data)
{
	size_t before = b->diags->n;

	check_known(b, map, of, keys, others);
	for (; keys->name; keys++) {
		const struct node *value = node_get(map, keys->name);
		if (value)
			keys->fn(b, value, data);
		else if (keys->required)
			diag_add(b->diags, b->file, map, "key '%s'%s%s is missing", keys->name,
				 of ? " of " : "", of ? of : "");
	}
	return b->diags->n == before;
}
