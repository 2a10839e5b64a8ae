/* Names with numbers, as the kernel prints memory: "free:3588kB", "limit 980kB". See forms.h. */
#include "harness/oomlog/forms.h"

static bool is_key(char c)
{
	return is_alpha(c) || is_digit(c) || memchr("_()+-./", c, 7);
}

/* "kB", and a misprint of 4.5 ("0lB"); two letters, since a broken line may glue the next key. */
static struct span unit_of(struct span *s)
{
	struct span unit = {s->p, 0};

	if (s->n >= 2 && is_alpha(s->p[0]) && s->p[1] == 'B')
		unit.n = 2;
	*s = span_from(*s, unit.n);
	return unit;
}

bool pair_next(struct span *rest, struct pair *ret)
{
	while (rest->n) {
		size_t n = 0;
		while (n < rest->n && is_key(rest->p[n]))
			n++;
		struct span s = span_from(*rest, n + 1), key = {rest->p, n};
		if (!n) {
			*rest = span_from(*rest, 1);
			continue;
		}
		if (n < rest->n && (rest->p[n] == ':' || rest->p[n] == '=')) {
			span_skip_blanks(&s);
			if (s.n && is_digit(*s.p)) {
				ret->key = key;
				ret->at = key.p;
				bool fits = span_u64(&s, &ret->value);
				ret->unit = unit_of(&s);
				*rest = s;
				if (fits)
					return true;
				continue;
			}
		}
		*rest = span_from(*rest, n);
	}
	return false;
}

bool pair_starts(struct span text)
{
	size_t n = 0;

	while (n < text.n && is_key(text.p[n]))
		n++;
	if (!n || n >= text.n || (text.p[n] != ':' && text.p[n] != '='))
		return false;
	n++;
	while (n < text.n && text.p[n] == ' ')
		n++;
	return n < text.n && is_digit(text.p[n]);
}

enum oom_unit pair_unit(const struct pair *pair, enum oom_unit bare)
{
	return pair->unit.n ? OOM_KB : bare;
}
