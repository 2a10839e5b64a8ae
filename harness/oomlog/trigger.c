/*
 * The fast way over a log: the few byte triples that every line has with which a report can begin
 * or go on ("kil", "oom", "f m", "SIG", and "\":[" for messages that journald prints as bytes),
 * looked for in vectors, together with the count of newlines. Portable: GCC's vector types become
 * SSE2, NEON, or plain words.
 */
#include "harness/oomlog/log.h"

typedef uint8_t vec __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

enum {
	STEP = 64,	  /* bytes a round: four vectors */
	TAIL = 2,	  /* read behind them: a triple may begin in the last byte */
	COUNT_MAX = 60,	  /* rounds until a counter of 8 bits is emptied */
	TRIGGER_MAX = 32, /* longest text that is compared around a triple */
};

#define ALL(c) ((vec){} + (uint8_t)(c))

static inline vec load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool any(vec v)
{
	words w = (words)v;

	return (w[0] | w[1]) != 0;
}

/* 0xff where a triple begins */
static inline vec triples(const char *p, vec *newlines)
{
	vec a = load(p), b = load(p + 1), c = load(p + 2);
	vec m = (vec)((c | 0x20) == ALL('m'));

	*newlines -= (vec)(a == ALL('\n'));
	return ((vec)((a | 0x20) == ALL('k')) & (vec)(b == ALL('i')) & (vec)(c == ALL('l'))) |
	       ((vec)(a == ALL('o')) & (vec)(b == ALL('o')) & m) |
	       ((vec)(a == ALL('f')) & (vec)(b == ALL(' ')) & m) |
	       ((vec)(a == ALL('S')) & (vec)(b == ALL('I')) & (vec)(c == ALL('G'))) |
	       ((vec)(a == ALL('"')) & (vec)(b == ALL(':')) & (vec)(c == ALL('[')));
}

static uint64_t sum(vec v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(v); i++)
		n += v[i];
	return n;
}

static uint64_t newlines_in(const char *from, const char *to)
{
	uint64_t n = 0;

	for (; (from = memchr(from, '\n', (size_t)(to - from))); from++)
		n++;
	return n;
}

/* ---- what the triples stand for ------------------------------------------------------------- */

struct trigger {
	const char *text;
	size_t triple; /* where in it the triple is */
};

static const struct trigger triggers[] = {
	{"oom-killer", 4},    {"oom-kill:", 4},
	{"Kill process ", 0}, {"kill process ", 0},
	{"Killed ", 0},	      {"no killable", 3},
	{"oom killer ", 4},   {"oomd kill: ", 5},
	{"Kill '", 0},	      {"Killing '", 0},
	{"sigkill to ", 3},   {"killed due to memory.", 0},
	{"oom_reaper: ", 0},  {"oom_score_adj name", 0},
	{"oom_adj name", 0},  {"cpu oom_adj", 4},
	{"ut of memory", 4},  {"ut of Memory", 4},
	{"cgroup out of", 0}, {"SIGTERM to ", 0},
	{"SIGKILL to ", 0},   {"\"MESSAGE\":[", 8},
};

static bool is_trigger(const char *line, const char *at, const char *end)
{
	for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++) {
		const char *text = triggers[i].text;
		size_t n = strlen(text), before = triggers[i].triple;
		if (text[before] == *at && (size_t)(at - line) >= before &&
		    (size_t)(end - at) >= n - before && memcmp(at - before, text, n) == 0)
			return true;
	}
	return false;
}

static bool is_triple(const char *p)
{
	char m = (char)(p[2] | 0x20);

	return ((p[0] | 0x20) == 'k' && p[1] == 'i' && p[2] == 'l') ||
	       (p[0] == 'o' && p[1] == 'o' && m == 'm') ||
	       (p[0] == 'f' && p[1] == ' ' && m == 'm') ||
	       (p[0] == 'S' && p[1] == 'I' && p[2] == 'G') ||
	       (p[0] == '"' && p[1] == ':' && p[2] == '[');
}

static const char *line_start(const char *text, const char *at)
{
	const char *newline = memrchr(text, '\n', (size_t)(at - text));

	return newline ? newline + 1 : text;
}

/* Looks closely at the places [from, to) of the text; NULL: no trigger. */
static const char *check(const char *text, const char *end, const char *from, const char *to)
{
	for (const char *at = from; at < to && at + TAIL < end; at++) {
		if (!is_triple(at))
			continue;
		const char *line = line_start(text, at);
		const char *stop =
			(size_t)(end - line) > OOMLOG_LINE_MAX ? line + OOMLOG_LINE_MAX : end;
		if (at < stop && is_trigger(line, at, stop))
			return at;
	}
	return NULL;
}

size_t trigger_find(const char *text, size_t n, uint64_t *ret_newlines)
{
	const char *end = text + n, *p = text, *found = NULL;
	uint64_t newlines = 0;

	while (!found && (size_t)(end - p) >= STEP + TAIL) {
		vec count = {0};
		for (int i = 0; i < COUNT_MAX && (size_t)(end - p) >= STEP + TAIL; i++) {
			vec before = count;
			vec hits = triples(p, &count) | triples(p + 16, &count) |
				   triples(p + 32, &count) | triples(p + 48, &count);
			if (__builtin_expect(any(hits), 0)) {
				found = check(text, end, p, p + STEP);
				if (found) {
					count = before;
					break;
				}
			}
			p += STEP;
		}
		newlines += sum(count);
	}
	if (!found)
		found = check(text, end, p, end);
	if (!found) {
		*ret_newlines = newlines + newlines_in(p, end);
		return n;
	}
	const char *line = line_start(text, found);
	*ret_newlines = newlines + (line > p ? newlines_in(p, line) : 0);
	return (size_t)(line - text);
}
