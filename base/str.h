/*
 * Growing text, and the few string helpers that libc lacks. A failed allocation aborts with a
 * message: these are used only while planning and reporting, never between "go" and "done".
 */
#ifndef OOMLAB_BASE_STR_H
#define OOMLAB_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *s; /* NULL while empty; else NUL-terminated */
	size_t len;
	size_t cap;
};

#define STR_INIT ((struct str){0})
#define STR_AUTO __attribute__((cleanup(str_free))) struct str

void str_free(struct str *str);
void str_addn(struct str *str, const char *bytes, size_t n);
void str_add(struct str *str, const char *text);
void str_addf(struct str *str, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *str, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* The text so far, "" when empty; valid until the next call. */
const char *str_text(const struct str *str);
/* Gives the text to the caller (free with free()); never NULL. */
char *str_take(struct str *str);

/* malloc, calloc, realloc and strdup that abort with a message instead of returning NULL. */
void *mem_new(size_t size) __attribute__((malloc));
void *mem_zero(size_t count, size_t size) __attribute__((malloc));
void *mem_grow(void *old, size_t count, size_t size);
char *mem_dup(const char *text);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* free(*(void **)p), for the cleanup attribute on any pointer. */
void mem_free_var(void *p);
#define MEM_AUTO __attribute__((cleanup(mem_free_var)))

bool str_eq(const char *a, const char *b); /* both may be NULL */
bool str_starts(const char *text, const char *prefix);
/* The rest of the line that begins with this key, and what follows; NULL: there is none. */
const char *str_find_line(const char *text, const char *key);
bool str_ends(const char *text, const char *suffix);

/* The entry of a NULL-terminated list nearest to word by edit distance, or NULL when none is
 * near enough to be a likely slip (distance above a third of the word's length, at least 2). */
const char *str_nearest(const char *word, const char *const *list);

#endif
