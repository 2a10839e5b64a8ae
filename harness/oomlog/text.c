/* See text.h. */
#include "harness/oomlog/text.h"

const char *span_find(struct span s, const char *literal)
{
	return s.n ? memmem(s.p, s.n, literal, strlen(literal)) : NULL;
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
