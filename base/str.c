/*
 * See str.h.
 */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size)
{
	fprintf(stderr, "oomlab: cannot allocate %zu bytes\n", size);
	abort();
}

void *mem_new(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *mem_zero(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory(count * size);
	return p;
}

void *mem_grow(void *old, size_t count, size_t size)
{
	void *p = reallocarray(old, count ? count : 1, size);

	if (!p)
		out_of_memory(count * size);
	return p;
}

char *mem_dup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mem_new(size), text, size);
}

char *mem_printf(const char *fmt, ...)
{
	struct str out = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&out, fmt, ap);
	va_end(ap);
	return str_take(&out);
}

void mem_free_var(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

void str_free(struct str *str)
{
	free(str->s);
	*str = STR_INIT;
}

static void reserve(struct str *str, size_t more)
{
	size_t need = str->len + more + 1;

	if (need <= str->cap)
		return;
	str->cap = need < 64 ? 64 : need * 2;
	str->s = mem_grow(str->s, str->cap, 1);
}

void str_addn(struct str *str, const char *bytes, size_t n)
{
	reserve(str, n);
	memcpy(str->s + str->len, bytes, n);
	str->len += n;
	str->s[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
	str_addn(str, text, strlen(text));
}

void str_vaddf(struct str *str, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return;
	reserve(str, (size_t)n);
	vsnprintf(str->s + str->len, (size_t)n + 1, fmt, ap);
	str->len += (size_t)n;
}

void str_addf(struct str *str, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(str, fmt, ap);
	va_end(ap);
}

const char *str_text(const struct str *str)
{
	return str->s ? str->s : "";
}

char *str_take(struct str *str)
{
	char *text = str->s ? str->s : mem_dup("");

	*str = STR_INIT;
	return text;
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

const char *str_find_line(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, n) == 0)
			return at + n;
	}
	return NULL;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t a = strlen(text), b = strlen(suffix);

	return a >= b && memcmp(text + a - b, suffix, b) == 0;
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein distance over one row; words longer than the row are infinitely far. */
static size_t distance(const char *a, const char *b)
{
	enum { ROW = 64 };
	size_t row[ROW], la = strlen(a), lb = strlen(b);

	if (la >= ROW || lb >= ROW)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

const char *str_nearest(const char *word, const char *const *list)
{
	size_t limit = strlen(word) / 3 < 2 ? 2 : strlen(word) / 3, best = limit + 1;
	const char *found = NULL;

	for (; *list; list++) {
		size_t d = distance(word, *list);
		if (d < best && d < strlen(word)) {
			best = d;
			found = *list;
		}
	}
	return found;
}
