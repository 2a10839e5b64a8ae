/*
 * See recipe.h.
 */
#include "workloads/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define KINDS "anon, file, shmem, mlock, tables or swapped"

enum { WORD_MAX = 32 };

const char *const recipe_kinds[] = {
	[RECIPE_ANON] = "anon",	  [RECIPE_FILE] = "file",     [RECIPE_SHMEM] = "shmem",
	[RECIPE_MLOCK] = "mlock", [RECIPE_TABLES] = "tables", [RECIPE_SWAPPED] = "swapped",
	[RECIPE_KINDS] = NULL,
};

/* The next word (ended by white space or '+') into word; returns where it ends. */
static const char *next_word(const char *at, char *word)
{
	size_t n = 0;

	while (isspace((unsigned char)*at))
		at++;
	while (*at && *at != '+' && !isspace((unsigned char)*at)) {
		if (n + 1 < WORD_MAX)
			word[n++] = *at;
		at++;
	}
	word[n] = '\0';
	return at;
}

static int parse_kind(const char *word, size_t number, enum recipe_kind *ret, struct err *err)
{
	for (int i = 0; recipe_kinds[i]; i++)
		if (str_eq(recipe_kinds[i], word)) {
			*ret = (enum recipe_kind)i;
			return 0;
		}
	if (!*word)
		return err_set(err, EINVAL,
			       "part %zu: expected a kind of memory after the size "
			       "(%s), got nothing",
			       number, KINDS);
	return err_set(err, EINVAL, "part %zu: expected %s, got '%s'", number, KINDS, word);
}

static int parse_part(const char **at, struct recipe *recipe, struct err *err)
{
	size_t number = recipe->n + 1;
	char word[WORD_MAX];
	uint64_t bytes;

	*at = next_word(*at, word);
	if (!*word)
		return err_set(err, EINVAL,
			       "part %zu: expected a size and a kind such as "
			       "'40M anon', got nothing",
			       number);
	int r = parse_size(word, &bytes, err);
	if (r < 0)
		return err_wrap(err, "part %zu", number);
	if (bytes == 0 || bytes == UINT64_MAX)
		return err_set(err, EINVAL, "part %zu: expected a size above 0, got '%s'", number,
			       word);
	*at = next_word(*at, word);
	r = parse_kind(word, number, &recipe->part[recipe->n].kind, err);
	if (r < 0)
		return r;
	recipe->part[recipe->n++].bytes = bytes;
	return 0;
}

int recipe_parse(const char *text, struct recipe *ret, struct err *err)
{
	struct recipe recipe = {0};
	char word[WORD_MAX];

	for (;;) {
		if (recipe.n == RECIPE_PARTS_MAX)
			return err_set(err, E2BIG, "more than %d parts", RECIPE_PARTS_MAX);
		int r = parse_part(&text, &recipe, err);
		if (r < 0)
			return r;
		const char *end = next_word(text, word);
		if (*word)
			return err_set(err, EINVAL, "part %zu: expected '+' or the end, got '%s'",
				       recipe.n, word);
		if (!*end)
			break;
		text = end + 1;
	}
	*ret = recipe;
	return 0;
}
