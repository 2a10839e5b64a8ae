/*
 * The public side of the parser: bytes in, lines out. Outside of a report lines are not even split:
 * trigger.c goes over the bytes. What decides depends on whole lines alone, never on how the bytes
 * were cut into calls, so that any cut gives the same reports.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/oomlog/log.h"

enum {
	START_LINES = 64,     /* a log may begin within a report */
	IDLE_BUSY = 1000,     /* lines of others within a report */
	IDLE_COMPLETE = 8,    /* behind one: the rest has triggers of its own */
	LOOK_BACK_ALWAYS = 2, /* a wrapped header, a sysrq line */
	LOOK_BACK_UNKNOWN = 3,
	EXPIRE_LAG = 2 * LOOK_BACK_LINES,
	BUFFER_SIZE = BUFFER_BEHIND + OOMLOG_LINE_MAX + BUFFER_LINES,
};

struct oomlog *oomlog_new(const struct oomlog_options *options, oomlog_fn fn, void *data)
{
	struct oomlog *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	if (options)
		log->options = *options;
	log->fn = fn;
	log->data = data;
	log->buffer = malloc(BUFFER_SIZE);
	log->room = malloc(sizeof(*log->room));
	log->pending = malloc(sizeof(*log->pending));
	if (!log->buffer || !log->room || !log->pending) {
		oomlog_free(log);
		return NULL;
	}
	log->pending->any = log->pending->prefixed = false;
	log->pending->n = log->pending->text_from = log->pending->n_breaks = 0;
	log->pending->date[0] = log->pending->tag[0] = '\0';
	log->pending->head = (struct msg){.caller = OOMLOG_NO_CALLER};
	for (int i = 0; i < 3; i++)
		builder_reset(&log->builders[i]);
	log->cur = &log->builders[0];
	log->done = &log->builders[1];
	log->daemon = &log->builders[2];
	log->parsing = true;
	return log;
}

void oomlog_free(struct oomlog *log)
{
	if (!log)
		return;
	for (int i = 0; i < 3; i++)
		builder_free(&log->builders[i]);
	free(log->buffer);
	free(log->room);
	free(log->pending);
	free(log);
}

uint64_t oomlog_lines(const struct oomlog *log)
{
	return log->lines;
}

/* ---- line by line --------------------------------------------------------------------------- */

/* How many lines in a row may mean nothing before only triggers are looked for again. */
static uint64_t patience(const struct oomlog *log)
{
	if (assemble_busy(log))
		return IDLE_BUSY;
	return log->lines < START_LINES ? START_LINES : IDLE_COMPLETE;
}

static void take_line(struct oomlog *log, struct span raw)
{
	uint64_t line = ++log->lines;

	log->idle++;
	assemble_expire(log, line);
	lines_take(log, raw, line);
	if (log->idle <= patience(log))
		return;
	lines_end(log);
	if (log->idle <= patience(log))
		return;
	assemble_idle(log);
	log->parsing = log->loose = log->after_kmsg = false;
	log->looked_to = line;
}

/* Marks bytes as read. */
static void consume(struct oomlog *log, size_t n)
{
	log->kept += n;
	log->n -= n;
}

/* Walks back over lines that may belong to what has triggered: returns where it begins, and how
 * many lines before. */
static const char *look_back(struct oomlog *log, const char *line, uint64_t number,
			     uint64_t *ret_lines)
{
	size_t behind = (size_t)(line - log->buffer);
	const char *limit = line - (behind < BUFFER_BEHIND ? behind : BUFFER_BEHIND);
	const char *at = line, *first = line;
	uint64_t lines = 0, unknown = 0;

	*ret_lines = 0;
	while (lines < LOOK_BACK_LINES && number - lines > log->looked_to + 1 && at > limit) {
		const char *newline = memrchr(limit, '\n', (size_t)(at - 1 - limit));
		if (!newline && limit != log->buffer)
			break; /* its start is out of reach */
		if (!newline && number - lines - 1 != 1)
			break;
		const char *start = newline ? newline + 1 : limit;
		lines++;
		bool known = lines_known(log, span_between(start, at - 1));
		at = start;
		unknown = known ? 0 : unknown + 1;
		if (known || lines <= LOOK_BACK_ALWAYS) {
			first = start;
			*ret_lines = lines;
		}
		if (unknown > LOOK_BACK_UNKNOWN)
			break;
	}
	return first;
}

/* Goes on to the next trigger within the whole lines [text, text + n). */
static void scan(struct oomlog *log, size_t n)
{
	const char *text = log->buffer + log->kept;
	uint64_t newlines, back;
	size_t at = trigger_find(text, n, &newlines);

	log->lines += newlines;
	consume(log, at);
	if (at == n) {
		assemble_expire(log, log->lines > EXPIRE_LAG ? log->lines - EXPIRE_LAG : 0);
		return;
	}
	const char *from = look_back(log, text + at, log->lines + 1, &back);
	size_t bytes = (size_t)(text + at - from);
	log->kept -= bytes;
	log->n += bytes;
	log->lines -= back;
	log->parsing = true;
	log->idle = 0;
}

/* The end of the last whole line in what is not yet read; 0: none. */
static size_t whole_lines(const struct oomlog *log)
{
	const char *text = log->buffer + log->kept;
	const char *newline = memrchr(text, '\n', log->n);

	return newline ? (size_t)(newline + 1 - text) : 0;
}

static void skip_rest_of_line(struct oomlog *log)
{
	const char *text = log->buffer + log->kept;
	const char *newline = memchr(text, '\n', log->n);

	consume(log, newline ? (size_t)(newline + 1 - text) : log->n);
	log->skip_line = !newline;
}

/* An overlong line counts up to its bound, in either way of reading. */
static void take_overlong(struct oomlog *log)
{
	struct span raw = {log->buffer + log->kept, OOMLOG_LINE_MAX};
	uint64_t newlines;

	if (!log->parsing && trigger_find(raw.p, raw.n, &newlines) < raw.n) {
		scan(log, raw.n);
		return; /* parsing now: comes back, with what was looked back at */
	}
	if (log->parsing)
		take_line(log, raw);
	else
		log->lines++;
	consume(log, OOMLOG_LINE_MAX);
	log->skip_line = true;
}

static void run(struct oomlog *log)
{
	while (log->n && !log->result) {
		if (log->skip_line) {
			skip_rest_of_line(log);
			continue;
		}
		size_t n = whole_lines(log);
		if (!n && log->n < OOMLOG_LINE_MAX)
			return;
		if (!n) {
			take_overlong(log);
			continue;
		}
		if (!log->parsing) {
			scan(log, n);
			continue;
		}
		struct span raw = {log->buffer + log->kept, 0};
		const char *newline = memchr(raw.p, '\n', n);
		raw.n = (size_t)(newline - raw.p);
		size_t all = raw.n + 1;
		take_line(log, raw);
		consume(log, all);
	}
}

/* Makes room, keeping what may be looked back at. */
static void compact(struct oomlog *log)
{
	if (log->kept + log->n + BUFFER_LINES <= BUFFER_SIZE)
		return;
	size_t behind = log->kept < BUFFER_BEHIND ? log->kept : BUFFER_BEHIND;
	memmove(log->buffer, log->buffer + log->kept - behind, behind + log->n);
	log->kept = behind;
}

int oomlog_feed(struct oomlog *log, const char *bytes, size_t n)
{
	while (n && !log->result) {
		compact(log);
		size_t room = BUFFER_SIZE - log->kept - log->n;
		size_t take = n < room ? n : room;
		memcpy(log->buffer + log->kept + log->n, bytes, take);
		log->n += take;
		if (log->n >= OOMLOG_LINE_MAX || log->skip_line || memrchr(bytes, '\n', take))
			run(log);
		bytes += take;
		n -= take;
	}
	return log->result;
}

int oomlog_flush(struct oomlog *log)
{
	lines_end(log);
	if (!log->result)
		assemble_flush(log, false);
	return log->result;
}

int oomlog_end(struct oomlog *log)
{
	compact(log);
	if (log->n && !log->result && !log->skip_line) { /* a last line without a newline */
		log->buffer[log->kept + log->n++] = '\n';
		run(log);
	}
	log->n = 0;
	lines_end(log);
	if (!log->result)
		assemble_flush(log, true);
	return log->result;
}
