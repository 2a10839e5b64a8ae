/* See prefix.h. Dates are in prefix_date.c, JSON in prefix_json.c. */
#include "harness/oomlog/prefix.h"

enum { LAYERS_MAX = 8, FACILITY_SHIFT = 3, STAMP_MAX = 40 };

static void cut(struct prefix *p, size_t n)
{
	p->text = span_from(p->text, n);
	span_skip_blanks(&p->text);
	p->any = true;
}

void prefix_tag(struct prefix *p, struct span tag)
{
	static const char *const kernels[] = {"kernel", "klogd", "kern", "vmunix", NULL};

	p->tag = tag;
	p->source = OOMLOG_USER;
	for (int i = 0; kernels[i]; i++)
		if (span_is(tag, kernels[i]))
			p->source = OOMLOG_KERNEL;
}

/* Tags that need no "[PID]" to be believed. */
static bool known_tag(struct span tag)
{
	static const char *const tags[] = {
		"kernel", "systemd-oomd",    "earlyoom", "oomd",   "nohang",
		"lmkd",	  "lowmemorykiller", "klogd",	 "vmunix", NULL};

	for (int i = 0; tags[i]; i++)
		if (span_is(tag, tags[i]))
			return true;
	return false;
}

/* The tag of a word "TAG:" or "TAG[PID]:"; "kernel:[ 12.3]" may have no blank behind it. */
static bool tag_of(struct span word, struct span *ret, bool *ret_sure, size_t *ret_n)
{
	size_t n = word.n;

	if (span_starts(word, "kernel:"))
		n = strlen("kernel:");
	if (n < 2 || word.p[n - 1] != ':')
		return false;
	*ret_n = n;
	struct span tag = {word.p, n - 1};
	*ret_sure = false;
	if (tag.p[tag.n - 1] == ']') {
		const char *open = memchr(tag.p, '[', tag.n);
		if (!open || open == tag.p || !is_digit(open[1]))
			return false; /* "lowmem_reserve[]:" */
		tag.n = (size_t)(open - tag.p);
		*ret_sure = true;
	}
	*ret_sure = *ret_sure || known_tag(tag);
	*ret = tag;
	return tag.n > 0;
}

static bool is_facility(struct span word)
{
	const char *dot = memchr(word.p, '.', word.n);

	return dot && dot > word.p && is_lower(*word.p) && is_lower(word.p[word.n - 1]);
}

bool prefix_host_tag(struct prefix *p, bool any_tag)
{
	struct span rest = p->text, tag;
	bool sure;
	size_t n;

	for (int i = 0; i < 3; i++) {
		struct span before = rest;
		struct span word = span_word(&rest);
		if (!word.n)
			return false;
		if (tag_of(word, &tag, &sure, &n) && (sure || (any_tag && i > 0))) {
			prefix_tag(p, tag);
			p->whole = span_after(p->text, word.p);
			p->text = span_after(p->text, word.p + n);
			span_skip_blanks(&p->text);
			return true;
		}
		if (i == 1 && !is_facility(word) && !is_facility(span_trim(before)))
			return false;
	}
	return false;
}

size_t prefix_stamp(struct span text, uint64_t *ret_us)
{
	struct span s = span_from(text, 1);
	uint64_t seconds, micros;

	if (!text.n || *text.p != '[' || text.n < 4)
		return 0;
	span_skip_blanks(&s);
	if (!s.n || !is_digit(*s.p) || !span_u64(&s, &seconds) || !span_skip(&s, "."))
		return 0;
	const char *from = s.p;
	if (!span_u64(&s, &micros) || s.p - from != 6 || !span_skip(&s, "]"))
		return 0;
	if (seconds > UINT64_MAX / 1000000 - 1)
		return 0;
	*ret_us = seconds * 1000000 + micros;
	return (size_t)(s.p - text.p);
}

/* "[ T123]" and "[C1]" of CONFIG_PRINTK_CALLER. */
static size_t caller_id(struct span text, int64_t *ret)
{
	struct span s = span_from(text, 1);
	uint64_t id;

	span_skip_blanks(&s);
	if (!s.n || (*s.p != 'T' && *s.p != 'C'))
		return 0;
	bool task = *s.p == 'T';
	s = span_from(s, 1);
	if (!span_u64(&s, &id) || !span_skip(&s, "]") || id > INT32_MAX)
		return 0;
	*ret = task ? (int64_t)id : -1 - (int64_t)id;
	return (size_t)(s.p - text.p);
}

/* "[Fri Sep 25 15:29:46 2020]" in any language, "[Sep25 15:29]", "[  +0.000012]". */
static size_t bracket_date(struct span text, struct span *ret)
{
	size_t max = text.n < STAMP_MAX ? text.n : STAMP_MAX;
	const char *close = memchr(text.p, ']', max);

	if (!close)
		return 0;
	struct span inner = span_trim(span_between(text.p + 1, close));
	size_t n = (size_t)(close + 1 - text.p);
	if (inner.n > 2 && *inner.p == '+' && is_digit(inner.p[1]) &&
	    memchr(inner.p, '.', inner.n)) {
		ret->n = 0;
		return n;
	}
	for (size_t i = 2; i + 2 < inner.n; i++)
		if (inner.p[i] == ':' && is_digit(inner.p[i - 1]) && is_digit(inner.p[i - 2]) &&
		    is_digit(inner.p[i + 1]) && is_digit(inner.p[i + 2])) {
			*ret = inner;
			return n;
		}
	return 0;
}

static bool bracket(struct prefix *p)
{
	size_t n = prefix_stamp(p->text, &p->mono_us);

	if (n) {
		p->has_mono = true;
		cut(p, n);
		/* journalctl -o short-monotonic: the host and the tag come after the stamp */
		const char *blank = memchr(p->text.p, ' ', p->text.n < 64 ? p->text.n : 64);
		if (blank && span_starts(span_after(p->text, blank + 1), "kernel: "))
			prefix_host_tag(p, false);
		return true;
	}
	n = caller_id(p->text, &p->caller);
	if (!n) {
		struct span date = {NULL, 0};
		n = bracket_date(p->text, &date);
		if (n && date.n)
			p->date = date;
	}
	if (n)
		cut(p, n);
	return n > 0;
}

/* "<4>", and behind it the rest of an RFC 5424 header. */
static bool level(struct prefix *p)
{
	struct span s = span_from(p->text, 1);
	uint64_t value;

	if (!span_u64(&s, &value) || value > 191 || !span_skip(&s, ">"))
		return false;
	cut(p, (size_t)(s.p - p->text.p));
	if (p->text.n < 8 || !is_digit(*p->text.p) || p->text.p[1] != ' ' ||
	    !is_digit(p->text.p[2]) || p->text.p[6] != '-')
		return true;
	s = span_from(p->text, 2);
	p->date = span_word(&s);
	span_word(&s); /* host */
	struct span app = span_word(&s);
	span_word(&s); /* process */
	span_word(&s); /* message id */
	span_skip_blanks(&s);
	while (s.n && *s.p == '[') { /* structured data: "]" in a value is escaped */
		const char *end = s.p;
		while ((end = memchr(end + 1, ']', s.n - (size_t)(end + 1 - s.p))) &&
		       end[-1] == '\\')
			;
		if (!end)
			break;
		s = span_after(s, end + 1);
	}
	if (s.n && *s.p == '-')
		s = span_from(s, 1);
	span_skip_blanks(&s);
	span_skip(&s, "\xef\xbb\xbf");
	if (app.n && !span_is(app, "-"))
		prefix_tag(p, app);
	p->text = s;
	return true;
}

/* "6,1234,5678,-,caller=T1;text" */
static bool kmsg(struct prefix *p)
{
	struct span s = p->text;
	uint64_t priority, sequence, us;

	if (!span_u64(&s, &priority) || !span_skip(&s, ",") || !span_u64(&s, &sequence) ||
	    !span_skip(&s, ",") || !span_u64(&s, &us) || !span_skip(&s, ","))
		return false;
	const char *end = memchr(s.p, ';', s.n);
	if (!end)
		return false;
	const char *caller = span_find(span_between(s.p, end), "caller=");
	if (caller) {
		struct span id = span_between(caller + strlen("caller="), end);
		bool task = id.n && *id.p == 'T';
		uint64_t value;
		id = span_from(id, 1);
		if (span_u64(&id, &value) && value <= INT32_MAX)
			p->caller = task ? (int64_t)value : -1 - (int64_t)value;
	}
	p->has_mono = true;
	p->mono_us = us;
	p->kmsg = true;
	p->source = priority >> FACILITY_SHIFT ? OOMLOG_USER : OOMLOG_KERNEL;
	cut(p, (size_t)(end + 1 - p->text.p));
	p->whole = p->text;
	return true;
}

/* dmesg -x: "kern  :warn  : " */
static bool facility(struct prefix *p)
{
	struct span s = p->text;
	size_t name = 0, level_name = 0;

	while (name < s.n && is_lower(s.p[name]))
		name++;
	struct span who = {s.p, name};
	s = span_from(s, name);
	span_skip_blanks(&s);
	if (name < 3 || !span_skip(&s, ":"))
		return false;
	while (level_name < s.n && is_lower(s.p[level_name]))
		level_name++;
	s = span_from(s, level_name);
	span_skip_blanks(&s);
	if (level_name < 3 || !span_skip(&s, ": "))
		return false;
	p->source = span_is(who, "kern") ? OOMLOG_KERNEL : OOMLOG_USER;
	cut(p, (size_t)(s.p - p->text.p));
	return true;
}

/* "I/lowmemorykiller( 479): " of logcat */
static bool logcat_brief(struct prefix *p)
{
	if (p->text.n < 8 || p->text.p[1] != '/')
		return false;
	size_t max = p->text.n < 64 ? p->text.n : 64;
	const char *open = memchr(p->text.p, '(', max);
	const char *end = open ? memmem(open, max - (size_t)(open - p->text.p), "): ", 3) : NULL;
	if (!end)
		return false;
	prefix_tag(p, span_trim(span_between(p->text.p + 2, open)));
	p->whole = span_from(p->text, 2);
	cut(p, (size_t)(end + 3 - p->text.p));
	return true;
}

/* "service-1  | " of compose, "> " of a mail */
static bool margin(struct prefix *p)
{
	size_t max = p->text.n < 48 ? p->text.n : 48;
	const char *bar = memchr(p->text.p, '|', max);

	if (!bar || bar == p->text.p || bar[-1] != ' ' || bar + 1 >= p->text.p + p->text.n ||
	    bar[1] != ' ')
		return false;
	struct span name = span_trim(span_between(p->text.p, bar));
	if (!name.n || memchr(name.p, ' ', name.n))
		return false;
	cut(p, (size_t)(bar + 2 - p->text.p));
	return true;
}

static bool quote(struct prefix *p)
{
	size_t n = 1;

	if (p->text.n > 1 && p->text.p[1] != ' ' && p->text.p[1] != '>' && p->text.p[1] != '<' &&
	    p->text.p[1] != '[')
		return false;
	while (n < p->text.n && (p->text.p[n] == '>' || p->text.p[n] == ' '))
		n++;
	p->text = span_from(p->text, n);
	p->whole = p->text;
	return true;
}

/* A daemon's "name[123]: ", and a "kernel: " that lost what was before it. */
static bool bare_tag(struct prefix *p)
{
	struct span rest = p->text, tag;
	struct span word = span_word(&rest);
	bool sure;
	size_t n;

	if (p->tag.n || !tag_of(word, &tag, &sure, &n) || !sure)
		return false;
	if (word.p[word.n - 1] == ':' && word.p[word.n - 2] != ']' && !span_is(tag, "kernel"))
		return false; /* "oomd: ..." without a PID may be anything */
	if (memchr(tag.p, '(', tag.n) || *tag.p == '[' || *tag.p == '<')
		return false;
	prefix_tag(p, tag);
	p->whole = p->text;
	p->text = span_from(p->text, n);
	span_skip_blanks(&p->text);
	p->any = true;
	return true;
}

static bool layer(struct prefix *p, int number)
{
	char c = p->text.n ? *p->text.p : '\0';

	if (c == '[')
		return bracket(p);
	if (c == '<')
		return level(p);
	if (c == '>')
		return quote(p);
	if (is_digit(c))
		return kmsg(p) || prefix_date(p);
	if (!is_alpha(c) && !(c & 0x80) && c != '_')
		return false;
	if (p->tag.n)
		return false;
	return prefix_date(p) || (number == 0 && (facility(p) || logcat_brief(p) || margin(p))) ||
	       bare_tag(p);
}

/* Without colours; the blanks that mail programs make unbreakable as plain ones. */
static struct span plain(struct span line, char *room)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\xc2' && i + 1 < line.n && line.p[i + 1] == '\xa0') {
			room[n++] = ' ';
			i++;
			continue;
		}
		if (line.p[i] != '\x1b') {
			room[n++] = line.p[i];
			continue;
		}
		if (i + 1 < line.n && line.p[i + 1] == '[')
			for (i += 2; i < line.n && !(line.p[i] >= '@' && line.p[i] <= '~'); i++)
				;
	}
	return (struct span){room, n};
}

void prefix_read(struct span line, struct prefix_room *room, struct prefix *ret)
{
	struct prefix *p = ret;

	if (line.n > OOMLOG_LINE_MAX)
		line.n = OOMLOG_LINE_MAX;
	if (line.n && (memchr(line.p, '\x1b', line.n) || memchr(line.p, 0xc2, line.n)))
		line = plain(line, room->plain);
	while (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	*p = (struct prefix){.text = line, .caller = OOMLOG_NO_CALLER};
	span_skip_blanks(&p->text);
	p->whole = p->text;
	if (p->text.n && *p->text.p == '{' && prefix_json(p, room->json))
		p->any = true;
	for (int i = 0; i < LAYERS_MAX; i++) {
		struct span before = p->text;
		if (!layer(p, i))
			break;
		if (before.p != p->text.p && p->source != OOMLOG_USER)
			p->whole = p->text;
	}
}
