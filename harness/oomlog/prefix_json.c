/*
 * Log lines that are JSON objects: journalctl -o json (MESSAGE as text or as an array of bytes) and
 * Docker's json-file. A reader of its own: it must skip what it does not need at the speed of a
 * log, and take lines that were cut. See prefix.h.
 */
#include "harness/oomlog/prefix.h"

struct json {
	struct span rest;
	char *room; /* decoded strings go here, one after the other */
	size_t used;
};

static unsigned int hex4(const char *p)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 |
			(unsigned int)(is_digit(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return value;
}

static void put(struct json *j, unsigned int c)
{
	if (j->used < OOMLOG_LINE_MAX)
		j->room[j->used++] = (char)c;
}

static void put_utf8(struct json *j, unsigned int c)
{
	if (c < 0x80) {
		put(j, c);
	} else if (c < 0x800) {
		put(j, 0xc0 | c >> 6);
		put(j, 0x80 | (c & 0x3f));
	} else {
		put(j, 0xe0 | c >> 12);
		put(j, 0x80 | (c >> 6 & 0x3f));
		put(j, 0x80 | (c & 0x3f));
	}
}

static void escape(struct json *j)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	char c = *j->rest.p;
	const char *at = c ? strchr(from, c) : NULL;

	j->rest = span_from(j->rest, 1);
	if (at) {
		put(j, (unsigned char)to[at - from]);
		return;
	}
	if (c != 'u') {
		put(j, (unsigned char)c);
		return;
	}
	for (size_t i = 0; i < 4; i++)
		if (i >= j->rest.n || !is_hex(j->rest.p[i]))
			return;
	put_utf8(j, hex4(j->rest.p));
	j->rest = span_from(j->rest, 4);
}

/* A string behind its quote. One that the line's end cuts counts as far as it goes. */
static struct span string(struct json *j)
{
	char *from = j->room + j->used;

	while (j->rest.n && *j->rest.p != '"') {
		char c = *j->rest.p;
		j->rest = span_from(j->rest, 1);
		if (c == '\\' && j->rest.n)
			escape(j);
		else
			put(j, (unsigned char)c);
	}
	j->rest = span_from(j->rest, 1);
	return span_between(from, j->room + j->used);
}

/* "[79,117]": text that is not UTF-8, as bytes */
static struct span bytes(struct json *j)
{
	char *from = j->room + j->used;
	uint64_t value;

	while (j->rest.n && *j->rest.p != ']') {
		if (is_digit(*j->rest.p) && span_u64(&j->rest, &value))
			put(j, value & 0xff);
		else
			j->rest = span_from(j->rest, 1);
	}
	j->rest = span_from(j->rest, 1);
	return span_between(from, j->room + j->used);
}

static void blanks(struct json *j)
{
	while (j->rest.n && (*j->rest.p == ' ' || *j->rest.p == ',' || *j->rest.p == ':'))
		j->rest = span_from(j->rest, 1);
}

static struct span json_value(struct json *j)
{
	blanks(j);
	if (span_skip(&j->rest, "\""))
		return string(j);
	if (span_skip(&j->rest, "["))
		return bytes(j);
	size_t n = 0;
	while (n < j->rest.n && j->rest.p[n] != ',' && j->rest.p[n] != '}')
		n++;
	struct span value = span_trim((struct span){j->rest.p, n});
	j->rest = span_from(j->rest, n);
	return value;
}

struct fields {
	struct span message, log, tag, transport, date, realtime, mono;
};

static bool keep(struct fields *f, struct span key, struct span value)
{
	const struct {
		const char *name;
		struct span *to;
	} rows[] = {
		{"MESSAGE", &f->message},
		{"log", &f->log},
		{"message", &f->message},
		{"msg", &f->message},
		{"SYSLOG_IDENTIFIER", &f->tag},
		{"_TRANSPORT", &f->transport},
		{"time", &f->date},
		{"__REALTIME_TIMESTAMP", &f->realtime},
		{"_SOURCE_MONOTONIC_TIMESTAMP", &f->mono},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (span_is(key, rows[i].name)) {
			*rows[i].to = value;
			return true;
		}
	return false;
}

bool prefix_json(struct prefix *p, char *room)
{
	struct json j = {.rest = span_from(p->text, 1), .room = room};
	struct fields f = {0};
	uint64_t us;

	for (blanks(&j); span_skip(&j.rest, "\""); blanks(&j)) {
		size_t used = j.used;
		struct span key = string(&j);
		if (!keep(&f, key, json_value(&j)))
			j.used = used; /* its room is free again */
	}
	if (!f.message.p &&
	    f.log.p) { /* Docker's: cut at 16 KiB, only the last part has a newline */
		f.message = f.log;
		p->part = !span_ends(f.log, "\n");
	}
	if (!f.message.p)
		return false;
	p->text = f.message;
	while (p->text.n && (p->text.p[p->text.n - 1] == '\n' || p->text.p[p->text.n - 1] == '\r'))
		p->text.n--;
	span_skip_blanks(&p->text);
	p->whole = p->text;
	p->encoded = true;
	if (f.tag.n)
		prefix_tag(p, f.tag);
	if (f.transport.n)
		p->source = span_is(f.transport, "kernel") ? OOMLOG_KERNEL : OOMLOG_USER;
	if (f.date.n)
		p->date = f.date;
	if (f.realtime.n && span_u64(&f.realtime, &us) && us <= INT64_MAX) {
		p->has_unix = true;
		p->unix_us = (int64_t)us;
	}
	if (f.mono.n && span_u64(&f.mono, &us)) {
		p->has_mono = true;
		p->mono_us = us;
	}
	return true;
}
