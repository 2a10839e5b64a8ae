/*
 * Pieces of text that are borrowed and not NUL-terminated, and the few ways in which the readers of
 * this folder look at them. Numbers that do not fit are no numbers: nothing wraps.
 */
#ifndef OOMLAB_OOMLOG_TEXT_H
#define OOMLAB_OOMLOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

static inline struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

static inline struct span span_between(const char *from, const char *to)
{
	return (struct span){from, (size_t)(to - from)};
}

static inline struct span span_from(struct span s, size_t at)
{
	return at < s.n ? (struct span){s.p + at, s.n - at} : (struct span){s.p + s.n, 0};
}

/* The rest from a pointer into it. */
static inline struct span span_after(struct span s, const char *at)
{
	return span_between(at, s.p + s.n);
}

static inline bool span_starts(struct span s, const char *literal)
{
	size_t n = strlen(literal);

	return s.n >= n && memcmp(s.p, literal, n) == 0;
}

static inline bool span_ends(struct span s, const char *literal)
{
	size_t n = strlen(literal);

	return s.n >= n && memcmp(s.p + s.n - n, literal, n) == 0;
}

static inline bool span_is(struct span s, const char *literal)
{
	return s.n == strlen(literal) && memcmp(s.p, literal, s.n) == 0;
}

/* Cuts the literal off the front. */
static inline bool span_skip(struct span *s, const char *literal)
{
	if (!span_starts(*s, literal))
		return false;
	*s = span_from(*s, strlen(literal));
	return true;
}

static inline void span_skip_blanks(struct span *s)
{
	while (s->n && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->n--;
	}
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool is_alpha(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static inline bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The first and the last place of a literal; NULL: none. */
const char *span_find(struct span s, const char *literal);
const char *span_find_last(struct span s, const char *literal);
/* Decimal at the front, cut off. A number that does not fit into 64 bits is cut off, too: false. */
bool span_u64(struct span *s, uint64_t *ret);
bool span_i64(struct span *s, int64_t *ret);
/* The next word, cut off with the blanks before it; empty at the end. */
struct span span_word(struct span *s);
struct span span_trim(struct span s);
/* Copies what fits, always NUL-terminated. */
void span_copy(char *to, size_t size, struct span s);

#endif
