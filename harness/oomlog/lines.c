/*
 * Raw lines -> messages. Takes prefixes off, splits what is glued (escaped newlines, a time stamp
 * or a syslog record within a line), and joins what a mailer or a terminal has wrapped: a line
 * without a prefix goes on with the message before it when that one's form says that it is not
 * complete, or that the line looks like its rest.
 */
#include "harness/oomlog/forms.h"
#include "harness/oomlog/log.h"

enum {
	NOISE_JOINS = 3, /* a wrapped stack line; prose below it must not vanish in it */
	TERMINAL = 80,
	RECORD_TAIL = 96, /* "Jan 25 14:59:30 a-long-host" */
	JOINED_MAX = 16 << 10,
	SPLITS_MAX = 4096,
	PART_KNOWN = 512,
	WRAPS_SURE = 3, /* wrapped lines of equal length, until that is taken for a column */
};

/* What the wraps of a log go by. */
struct raw_line {
	uint64_t line;
	size_t n;
	bool from_blank, to_blank;
};

static struct span pending_text(const struct pending *p)
{
	return (struct span){p->text + p->text_from, p->n - p->text_from};
}

void lines_end(struct oomlog *log)
{
	struct pending *p = log->pending;

	if (!p->any)
		return;
	p->any = false;
	struct msg msg = p->head;
	msg.text = span_trim(pending_text(p));
	msg.whole = span_trim((struct span){p->text + p->whole_from, p->n - p->whole_from});
	msg.tag = span_of(p->tag);
	msg.date = span_of(p->date);
	msg.breaks = p->breaks;
	msg.n_breaks = p->n_breaks;
	/* breaks count from the message's own text */
	size_t cut = (size_t)(msg.text.n ? msg.text.p - p->text : 0);
	for (size_t i = 0; i < p->n_breaks; i++)
		p->breaks[i].at = p->breaks[i].at > cut ? p->breaks[i].at - cut : 0;
	assemble(log, &msg);
}

/* ---- begin and go on ------------------------------------------------------------------------ */

static void begin(struct oomlog *log, const struct prefix *from, struct span text,
		  struct span whole, const struct raw_line *raw)
{
	struct pending *p = log->pending;

	lines_end(log);
	p->any = true;
	p->prefixed = from->any;
	p->part = from->part;
	p->n_breaks = 0;
	p->noise = 0;
	p->searched = 0;
	p->last_raw_n = raw->n;
	p->last_blank = raw->to_blank;
	/* the tag is directly before the text, if at all */
	bool tagged = whole.p < text.p && (size_t)(text.p - whole.p) < 256;
	if (!tagged)
		whole = text;
	p->whole_from = 0;
	p->text_from = (size_t)(text.p - whole.p);
	p->n = p->text_from + text.n;
	if (p->n > sizeof(p->text))
		p->n = sizeof(p->text);
	memmove(p->text, whole.p, p->n); /* split_records() passes its own text */
	if (p->text_from > p->n)
		p->text_from = p->n;
	if (!from->any) {
		/* Within a report it has the time of the line before. Else that one's prefix says
		 * nothing about it, above all not that a daemon wrote it. */
		if (!assemble_busy(log) || p->head.source == OOMLOG_USER) {
			p->head = (struct msg){.caller = OOMLOG_NO_CALLER};
			p->date[0] = p->tag[0] = '\0';
		}
		p->head.line = p->head.last_line = raw->line;
		return;
	}
	span_copy(p->date, sizeof(p->date), from->date);
	span_copy(p->tag, sizeof(p->tag), from->tag);
	p->head = (struct msg){.source = from->source,
			       .has_mono = from->has_mono,
			       .has_unix = from->has_unix,
			       .mono_us = from->mono_us,
			       .unix_us = from->unix_us,
			       .caller = from->caller,
			       .line = raw->line,
			       .last_line = raw->line};
}

/* Whether the last line was cut at the column where this log's lines are: by a terminal or fold,
 * which keep blanks. A mailer breaks at a blank that it drops, so its lines differ in length. */
static bool cut_at_column(const struct oomlog *log)
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

/* Whether the break fell between words: a terminal breaks at its last column, wherever that is. */
static bool needs_blank(const struct oomlog *log, struct span text, struct span next,
			bool after_blank)
{
	const struct pending *p = log->pending;

	if (!text.n || !next.n || never_blank(text, next))
		return false;
	if (cut_at_column(log))
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

static void go_on(struct oomlog *log, struct span next, const struct raw_line *raw)
{
	struct pending *p = log->pending;
	struct span text = span_trim(pending_text(p));

	log->wrap.joins++;
	log->wrap.full += p->last_raw_n == log->wrap.widest;
	p->n = p->text_from + text.n + (size_t)(text.p - (p->text + p->text_from));
	if (!p->part && needs_blank(log, text, next, raw->from_blank) && p->n < sizeof(p->text))
		p->text[p->n++] = ' ';
	if (p->n_breaks < BREAKS_MAX)
		p->breaks[p->n_breaks++] = (struct line_break){p->n, raw->line};
	size_t fits = sizeof(p->text) - p->n;
	if (next.n > fits)
		next.n = fits;
	memcpy(p->text + p->n, next.p, next.n);
	p->n += next.n;
	p->head.last_line = raw->line;
	p->last_raw_n = raw->n;
	p->last_blank = raw->to_blank;
}

/* ---- reflowed paragraphs -------------------------------------------------------------------- */

/* What may still become "Jan 25 14:59:30 host kernel: " in the next line. */
static bool ends_in_record(struct span text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	size_t from = text.n > RECORD_TAIL ? text.n - RECORD_TAIL : 0;

	for (size_t i = from; i + 3 <= text.n; i++) {
		if ((i && text.p[i - 1] != ' ') || text.p[i] < 'A' || text.p[i] > 'S')
			continue;
		const char *month = memmem(months, sizeof(months) - 1, text.p + i, 3);
		if (!month || (month - months) % 3)
			continue;
		struct span rest = span_from(text, i + 3);
		struct span day = span_word(&rest), clock = span_word(&rest);
		span_word(&rest); /* host */
		bool good = !day.n || (day.n <= 2 && is_digit(*day.p));
		good = good && (!clock.n || is_digit(*clock.p)) && !span_trim(rest).n;
		if (good && (i + 3 == text.n || text.p[i + 3] == ' '))
			return true;
	}
	return false;
}

/* Where a whole record begins within what was not yet searched; NULL: nowhere. */
static const char *record_within(struct pending *p)
{
	size_t i = p->searched > p->text_from ? p->searched : p->text_from + 1;

	for (; i + 16 < p->n; i++)
		if (p->text[i] >= 'A' && p->text[i] <= 'S' && p->text[i - 1] == ' ' &&
		    prefix_syslog_length((struct span){p->text + i, p->n - i}))
			return p->text + i;
	p->searched = p->n > RECORD_TAIL ? p->n - RECORD_TAIL : 0;
	return NULL;
}

/* The line of a place, by breaks. */
static uint64_t line_at(const struct pending *p, size_t at)
{
	uint64_t line = p->head.line;

	for (size_t i = 0; i < p->n_breaks && p->breaks[i].at <= at; i++)
		line = p->breaks[i].line;
	return line;
}

/* The record at a place of the pending text becomes what is pending. */
static bool begin_record(struct oomlog *log, size_t cut)
{
	struct pending *p = log->pending;
	struct span record = {p->text + cut, p->n - cut};
	struct line_break breaks[BREAKS_MAX];
	size_t n_breaks = p->n_breaks;
	uint64_t last = p->head.last_line;
	struct prefix next;
	char date[48], tag[64];

	prefix_read(record, log->room, &next);
	if (next.text.p < record.p || next.text.p > record.p + record.n)
		return false; /* decoded elsewhere: no record */
	size_t from = (size_t)(next.text.p - p->text), n = p->n - from;
	uint64_t line = line_at(p, from);
	memcpy(breaks, p->breaks, n_breaks * sizeof(*breaks));
	span_copy(date, sizeof(date), next.date);
	span_copy(tag, sizeof(tag), next.tag);
	next.date = span_of(date);
	next.tag = span_of(tag);
	p->head.last_line = line_at(p, cut);
	p->n = cut;
	lines_end(log);
	memmove(p->text, p->text + from, n);
	struct span text = {p->text, n};
	begin(log, &next, text, text,
	      &(struct raw_line){line, p->last_raw_n, false, p->last_blank});
	for (size_t i = 0; i < n_breaks; i++)
		if (breaks[i].at > from)
			p->breaks[p->n_breaks++] =
				(struct line_break){breaks[i].at - from, breaks[i].line};
	p->head.last_line = last;
	return true;
}

/* Passes on all but the last record of a paragraph. */
static void split_records(struct oomlog *log)
{
	for (int splits = 0; splits < SPLITS_MAX; splits++) {
		const char *at = record_within(log->pending);
		if (!at || !begin_record(log, (size_t)(at - log->pending->text)))
			return;
	}
}

/* ---- joining -------------------------------------------------------------------------------- */

static bool stands_alone(const struct form *form)
{
	return form->role != FORM_UNKNOWN && form->role != FORM_NOISE &&
	       form->role != FORM_FRAGMENT;
}

static bool goes_on(struct oomlog *log, struct span next)
{
	struct pending *p = log->pending;
	struct span text = span_trim(pending_text(p));

	if (!p->any || p->n + next.n + 1 > JOINED_MAX || p->n_breaks >= BREAKS_MAX)
		return false;
	if (!text.n)
		return p->prefixed;
	enum section section = log->cur_used ? log->cur->section : SECTION_NONE;
	const struct form *mine = form_of(text, section), *own = form_of(next, section);

	if (p->prefixed && cut_at_column(log))
		return true;
	if (p->head.source == OOMLOG_USER && p->prefixed)
		return false;
	if (is_invoked_part(text))
		return true;
	if (text.p[text.n - 1] == '-' && p->prefixed && text.n < 64)
		return true;
	if (mine->joins && mine->joins(text, next))
		return true;
	if (stands_alone(own))
		return false;
	if (mine->open && mine->open(text))
		return true;
	if (mine->role == FORM_TABLE && log->cur_used && !row_complete(log->cur, text))
		return true;
	/* a wrapped stack or register line */
	return p->prefixed && mine->role == FORM_NOISE && p->noise++ < NOISE_JOINS;
}

static void take_text(struct oomlog *log, const struct prefix *from, struct span text,
		      struct span whole, const struct raw_line *raw)
{
	if (from->any) {
		begin(log, from, text, whole, raw);
	} else if (!text.n) {
		lines_end(log); /* paragraphs end messages, and what was known of their origin */
		log->pending->head = (struct msg){.caller = OOMLOG_NO_CALLER};
		log->pending->date[0] = log->pending->tag[0] = '\0';
		return;
	} else {
		log->loose = true;
		if (goes_on(log, text))
			go_on(log, text, raw);
		else
			begin(log, from, text, text, raw);
	}
	if (log->loose)
		split_records(log);
}

/* Up to the next escape; enough of it to know it by. */
static struct span first_part(struct span text)
{
	if (text.n > PART_KNOWN)
		text.n = PART_KNOWN;
	const char *end = span_find(text, "#012"), *other = span_find(text, "\\x0a");

	if (!end || (other && other < end))
		end = other;
	return end ? span_between(text.p, end) : text;
}

/* Newlines that a log has escaped: "\x0a" (/dev/kmsg), "#012" (rsyslog), real ones within JSON. A
 * process may be called "a#012b": an escape parts messages where a known one follows it. */
static size_t newline_at(const struct oomlog *log, struct span text, bool encoded, size_t *ret_n)
{
	enum section section = log->cur_used ? log->cur->section : SECTION_NONE;

	for (size_t i = 0; i < text.n; i++) {
		struct span rest = span_from(text, i);
		*ret_n = text.p[i] == '\n' ? 1 : 4;
		if (encoded && text.p[i] == '\n')
			return i;
		if ((text.p[i] != '\\' || !span_starts(rest, "\\x0a")) &&
		    (text.p[i] != '#' || !span_starts(rest, "#012")))
			continue;
		rest = span_from(rest, *ret_n);
		span_skip_blanks(&rest);
		rest = first_part(rest);
		if (!rest.n || stands_alone(form_of(rest, section)) ||
		    daemon_goes_on(&(struct msg){.text = rest}))
			return i;
	}
	return text.n;
}

static bool may_have_newlines(const struct prefix *p)
{
	return p->encoded || memchr(p->text.p, '#', p->text.n) ||
	       memchr(p->text.p, '\\', p->text.n);
}

static void take_parts(struct oomlog *log, const struct prefix *from, const struct raw_line *raw)
{
	struct span text = from->text, whole = from->whole;

	if (!text.n || !may_have_newlines(from)) {
		take_text(log, from, text, whole, raw);
		return;
	}
	while (text.n) {
		size_t n;
		size_t at = newline_at(log, text, from->encoded, &n);
		struct span part = {text.p, at};
		span_skip_blanks(&part);
		if (part.n)
			take_text(log, from, part, whole.p == from->whole.p ? whole : part, raw);
		whole = (struct span){0};
		text = span_from(text, at + (at < text.n ? n : 0));
	}
}

/* The next "[  123.456789] " behind the start of the text; its end for none. */
static size_t stamp_within(struct span text)
{
	uint64_t us;

	for (size_t i = 1; i < text.n; i++) {
		const char *at = memchr(text.p + i, '[', text.n - i);
		if (!at)
			return text.n;
		i = (size_t)(at - text.p);
		if (prefix_stamp(span_from(text, i), &us))
			return i;
	}
	return text.n;
}

static struct raw_line measure(struct oomlog *log, struct span raw, uint64_t line)
{
	while (raw.n && raw.p[raw.n - 1] == '\r')
		raw.n--;
	if (raw.n > log->wrap.widest)
		log->wrap = (struct wrap){.widest = raw.n, .joins = log->wrap.joins};
	return (struct raw_line){line, raw.n, raw.n && *raw.p == ' ',
				 raw.n && raw.p[raw.n - 1] == ' '};
}

void lines_take(struct oomlog *log, struct span raw, uint64_t line)
{
	struct prefix p;

	if (raw.n > OOMLOG_LINE_MAX)
		raw.n = OOMLOG_LINE_MAX;
	struct raw_line measured = measure(log, raw, line);
	/* " KEY=value" behind a /dev/kmsg record */
	if (log->after_kmsg && raw.n > 1 && *raw.p == ' ' && memchr(raw.p, '=', raw.n) &&
	    raw.p[1] >= 'A' && raw.p[1] <= 'Z')
		return;
	for (int splits = 0; splits < SPLITS_MAX; splits++) {
		prefix_read(raw, log->room, &p);
		log->after_kmsg = p.kmsg;
		if (log->pending->any && log->pending->part) {
			go_on(log, p.text, &measured);
			log->pending->part = p.part;
			return;
		}
		/* the rest of a record's own date, in a paragraph that was reflowed */
		bool own_date = p.date.n || p.has_mono || p.kmsg;
		if (log->loose && log->pending->any && !own_date && p.text.n &&
		    log->pending->n + raw.n < JOINED_MAX && log->pending->n_breaks < BREAKS_MAX &&
		    ends_in_record(span_trim(pending_text(log->pending)))) {
			go_on(log, span_trim(raw), &measured);
			split_records(log);
			return;
		}
		size_t next = p.encoded ? p.text.n : stamp_within(p.text);
		struct span rest = span_from(p.text, next);
		p.text.n = next;
		if (p.whole.p <= p.text.p)
			p.whole.n = (size_t)(p.text.p + p.text.n - p.whole.p);
		take_parts(log, &p, &measured);
		if (!rest.n)
			return;
		raw = rest;
	}
}

bool lines_known(struct oomlog *log, struct span raw)
{
	struct prefix p;

	prefix_read(raw, log->room, &p);
	if (p.source == OOMLOG_USER || !p.text.n)
		return false;
	const struct form *form = form_of(p.text, SECTION_NONE);
	return form->role == FORM_BLOCK || form->role == FORM_TABLE ||
	       form->role == FORM_FRAGMENT || form->role == FORM_DETAIL;
}
