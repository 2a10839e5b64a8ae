/* See text.h. */
#include "harness/oomlog/text.h"

typedef uint8_t vec __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

static inline vec load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* By the literal's first and last byte, 16 places at a time: lines are short, and memmem() first
 * makes a table of the literal, which takes longer than this. */
const char *span_find(struct span s, const char *literal)
{
	size_t m = strlen(literal), i = 0;

	if (s.n < m || !m)
		return NULL;
	const vec first = (vec){} + (uint8_t)literal[0], last = (vec){} + (uint8_t)literal[m - 1];
	size_t places = s.n - m + 1;
	for (; places - i >= sizeof(vec); i += sizeof(vec)) {
		words hits = (words)((vec)(load(s.p + i) == first) &
				     (vec)(load(s.p + i + m - 1) == last));
		if (__builtin_expect(!(hits[0] | hits[1]), 1))
			continue;
		for (size_t at = i; at < i + sizeof(vec); at++)
			if (s.p[at] == literal[0] && memcmp(s.p + at, literal, m) == 0)
				return s.p + at;
	}
	for (; i < places; i++)
		if (s.p[i] == literal[0] && memcmp(s.p + i, literal, m) == 0)
			return s.p + i;
	return NULL;
}

const char *span_find_last(struct span s, const char *literal)
{
	const char *found = NULL;

	for (const char *at; (at = span_find(s, literal)); s = span_after(s, at + 1))
		found = at;
	return found;
}

bool span_u64(struct span *s, uint64_t *ret)
{
	uint64_t value = 0;
	bool fits = true;
	size_t i = 0;

	for (; i < s->n && is_digit(s->p[i]); i++)
		fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
		       !__builtin_add_overflow(value, (uint64_t)(s->p[i] - '0'), &value);
	*s = span_from(*s, i);
	if (!i || !fits)
		return false;
	*ret = value;
	return true;
}

bool span_i64(struct span *s, int64_t *ret)
{
	bool minus = s->n && *s->p == '-';
	struct span digits = span_from(*s, minus);
	uint64_t value;

	if (!digits.n || !is_digit(*digits.p))
		return false;
	*s = digits;
	if (!span_u64(s, &value) || value > INT64_MAX)
		return false;
	*ret = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

struct span span_word(struct span *s)
{
	size_t n = 0;

	span_skip_blanks(s);
	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
		n++;
	struct span word = {s->p, n};
	*s = span_from(*s, n);
	return word;
}

struct span span_trim(struct span s)
{
	span_skip_blanks(&s);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

void span_copy(char *to, size_t size, struct span s)
{
	size_t n = s.n < size ? s.n : size - 1;

	if (n)
		memcpy(to, s.p, n);
	to[n] = '\0';
}
