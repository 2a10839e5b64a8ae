/*
 * Where the lines of a wrapped log were broken. A mailer breaks at a blank, which it drops, so its
 * lines differ in length; a terminal and fold break at a column, wherever that is, and keep blanks.
 * Called by lines.c, which decides what belongs together.
 */
#include "harness/oomlog/forms.h"
#include "harness/oomlog/log.h"

enum {
	TERMINAL = 80,
	WRAPS_SURE = 3, /* wrapped lines of equal length, until that is taken for a column */
};

struct raw_line wrap_measure(struct oomlog *log, struct span raw, uint64_t line)
{
	while (raw.n && raw.p[raw.n - 1] == '\r')
		raw.n--;
	if (raw.n > log->wrap.widest)
		log->wrap = (struct wrap){.widest = raw.n, .joins = log->wrap.joins};
	return (struct raw_line){line, raw.n, raw.n && *raw.p == ' ',
				 raw.n && raw.p[raw.n - 1] == ' '};
}

bool wrap_at_column(const struct oomlog *log)
{
	const struct wrap *w = &log->wrap;

	return w->full >= WRAPS_SURE && w->full * 8 >= w->joins * 7 &&
	       log->pending->last_raw_n == w->widest;
}

/* No kernel prints a blank there. */
static bool never_blank(struct span text, struct span next)
{
	char last = text.p[text.n - 1];

	if (last == '(')
		return true;
	if (strchr("-=*", last) && (text.n < 2 || text.p[text.n - 2] != ' '))
		return true;
	if (span_starts(text, "oom-kill:")) /* but in a name */
		return last == ',' || !span_find(text, ",task=") || span_find(text, ",pid=");
	size_t digits = 0;
	while (digits < text.n && is_digit(text.p[text.n - 1 - digits]))
		digits++;
	text.n -= digits;
	return digits && is_digit(*next.p) &&
	       (span_ends(text, "ill process ") || span_ends(text, "illed process "));
}

bool wrap_needs_blank(const struct oomlog *log, struct span text, struct span next,
		      bool after_blank)
{
	const struct pending *p = log->pending;

	if (!text.n || !next.n || never_blank(text, next))
		return false;
	if (wrap_at_column(log))
		return p->last_blank || after_blank;
	char last = text.p[text.n - 1];
	if (p->last_raw_n != TERMINAL || !(is_alpha(last) || is_digit(last) || last == '_'))
		return true;
	size_t from = text.n;
	while (from && text.p[from - 1] != ' ')
		from--;
	struct span word = span_from(text, from);
	if (span_ends(word, "kB") || !(is_zone(text) || is_buddy(text)))
		return true;
	if (memchr(word.p, ':', word.n))
		return !is_digit(*next.p) && *next.p != 'k';
	return false;
}
