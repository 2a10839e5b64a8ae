/*
 * See curve.h: rows of text become a curve.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "workloads/curve.h"
#include "workloads/curve_time.h"

enum { FIELD_MAX = 64, SPAN_DAYS_MAX = 3650 };

static const char *const kind_words[] = {
	[TIME_SPAN] = "a time of day or since the start",
	[TIME_LOCAL] = "a point in time without a zone",
	[TIME_ZONED] = "a point in time with a zone",
};

struct reader {
	size_t cap;
	unsigned int column;
	struct curve_time first; /* points in time count from this one's midnight, in its zone */
	struct curve *curve;
};

/* ---- fields -------------------------------------------------------------------------------- */

static const char *skip_mark(const char *text)
{
	return str_starts(text, "\xef\xbb\xbf") ? text + 3 : text;
}

/* Cuts the next line off; NULL: there is none. Blank ones and comments are left out. */
static char *next_line(const char **rest, unsigned int *number)
{
	while (**rest) {
		size_t len = strcspn(*rest, "\r\n"), end = len;
		const char *from = *rest + strspn(*rest, " \t");
		bool empty = from >= *rest + len || *from == '#';

		while (end > 0 && ((*rest)[end - 1] == ' ' || (*rest)[end - 1] == '\t'))
			end--;
		char *line = empty ? NULL : mem_printf("%.*s", (int)(*rest + end - from), from);
		*rest += len;
		*rest += (*rest)[0] == '\r' && (*rest)[1] == '\n' ? 2 : (*rest)[0] != '\0';
		++*number;
		if (line)
			return line;
	}
	return NULL;
}

/* The end of the field that begins here. */
static const char *field_end(const char *at, char separator)
{
	for (bool quoted = false; *at && (quoted || *at != separator); at++)
		quoted ^= *at == '"';
	return at;
}

/* Who writes 1,5 for one and a half has ';' between fields. */
static char separator_of(const char *line)
{
	for (const char *any = "\t;"; *any; any++)
		if (*field_end(line, *any))
			return *any;
	return ',';
}

/* Field i of a row, without blanks and quotation marks; "" where there is none. */
static void get_field(const char *line, unsigned int i, char *buf, size_t size)
{
	char separator = separator_of(line);

	for (; i > 0 && *line; i--) {
		line = field_end(line, separator);
		line += *line != '\0';
	}
	const char *end = field_end(line, separator);
	line += strspn(line, " \"");
	size_t len = line < end ? strcspn(line, "\"") : 0;
	len = line + len > end ? (size_t)(end - line) : len;
	while (len > 0 && line[len - 1] == ' ')
		len--;
	snprintf(buf, size, "%.*s", (int)len, line);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Numbers as programs print them (1.5e+08) as well. */
static int parse_bytes(const char *text, uint64_t *ret, struct err *err)
{
	double value;
	int r = 0;

	if (!time_number(text, &value))
		r = parse_size(text, ret, err);
	else
		*ret = value < (double)CURVE_BYTES_MAX ? (uint64_t)(value + 0.5) : UINT64_MAX;
	if (r == -ERANGE || (r >= 0 && *ret > CURVE_BYTES_MAX))
		return err_set(err, EINVAL,
			       "'%s' is no size that can be held, expected 64P or less", text);
	return r;
}

/* The first row has the columns' names: neither a time nor bytes. */
static bool is_names(const char *line)
{
	char field[FIELD_MAX];
	uint64_t bytes;
	struct err none;

	get_field(line, 0, field, sizeof(field));
	if (isdigit((unsigned char)field[0]))
		return false;
	get_field(line, 1, field, sizeof(field));
	return parse_bytes(field, &bytes, &none) < 0;
}

/* Seconds since the start of the period. */
static int since_start(struct reader *reader, const char *text, double *ret_s, struct err *err)
{
	struct curve_time *first = &reader->first, when;

	if (!time_parse(text, &when))
		return err_set(err, EINVAL,
			       "'%s' is not a time, expected such as 06:30, 6h, 23400 (seconds) or "
			       "2026-11-28T06:30:00",
			       text);
	if (first->kind == TIME_NONE) {
		*first = when;
		first->seconds -= (double)((uint64_t)when.seconds % TIME_DAY_SECONDS) +
				  (when.seconds - (double)(uint64_t)when.seconds);
	}
	if (when.kind != first->kind)
		return err_set(err, EINVAL, "'%s' is %s, expected %s as in the rows before", text,
			       kind_words[when.kind], kind_words[first->kind]);
	*ret_s = when.seconds;
	if (when.kind != TIME_SPAN)
		*ret_s -= first->seconds + when.zone_s - first->zone_s;
	if (*ret_s > SPAN_DAYS_MAX * (double)TIME_DAY_SECONDS)
		return err_set(err, EINVAL, "'%s' is too late, expected %d days or less", text,
			       SPAN_DAYS_MAX);
	return 0;
}

static int add_row(struct reader *reader, const char *line, struct err *err)
{
	struct curve *curve = reader->curve;
	char time[FIELD_MAX], bytes[FIELD_MAX];
	struct curve_row point = {0};
	double seconds = 0;

	get_field(line, 0, time, sizeof(time));
	get_field(line, reader->column, bytes, sizeof(bytes));
	if (!*field_end(line, separator_of(line)))
		return err_set(err, EINVAL, "expected time,bytes, got '%.60s'", line);
	if (!*bytes)
		return 0;
	if (since_start(reader, time, &seconds, err) < 0 ||
	    parse_bytes(bytes, &point.bytes, err) < 0)
		return -err->code;
	point.at_ns = seconds > 0 ? (uint64_t)(seconds * 1e9 + 0.5) : 0;
	if (curve->n > 0 && (seconds < 0 || point.at_ns <= curve->points[curve->n - 1].at_ns))
		return err_set(err, EINVAL, "'%s' is not after the row before it", time);
	if (curve->n == reader->cap) {
		reader->cap = reader->cap ? 2 * reader->cap : 64;
		curve->points = mem_grow(curve->points, reader->cap, sizeof(*curve->points));
	}
	curve->points[curve->n++] = point;
	return 0;
}

static int set_period(struct curve *curve, uint64_t period_ns, struct err *err)
{
	uint64_t last = curve->points[curve->n - 1].at_ns;
	uint64_t days = (last + CURVE_DAY_NS - 1) / CURVE_DAY_NS;

	if (period_ns && period_ns < last)
		return err_set(err, EINVAL, "its last row is after the end of the period");
	curve->period_ns = period_ns ? period_ns : (days ? days : 1) * CURVE_DAY_NS;
	return 0;
}

int curve_parse(const char *text, unsigned int column, uint64_t period_ns, struct curve *ret,
		struct err *err)
{
	struct curve curve = {0};
	struct reader reader = {.column = column, .curve = &curve};
	unsigned int number = 0;
	bool first = true;
	char *line;
	int r = 0;

	text = skip_mark(text);
	while (r == 0 && (line = next_line(&text, &number)) != NULL) {
		if (!first || !is_names(line))
			r = add_row(&reader, line, err);
		first = false;
		free(line);
	}
	if (r < 0)
		(void)err_wrap(err, "line %u", number);
	else if (curve.n == 0)
		r = err_set(err, EINVAL,
			    "no row has a time and bytes in column %u, expected "
			    "such as 06:30,80M",
			    column);
	else
		r = set_period(&curve, period_ns, err);
	if (r < 0) {
		curve_clear(&curve);
		return r;
	}
	*ret = curve;
	return 0;
}

int curve_read(const char *path, struct str *out, struct err *err)
{
	int r = fd_read_at_most(AT_FDCWD, path, CURVE_FILE_MAX, out, err);

	if (r >= 0 && strlen(str_text(out)) < out->len)
		return err_set(err, EINVAL, "'%s': expected text, got a byte of 0 at %zu", path,
			       strlen(str_text(out)));
	return r;
}

int curve_load(const char *path, unsigned int column, uint64_t period_ns, struct curve *ret,
	       struct err *err)
{
	STR_AUTO text = STR_INIT;
	int r = curve_read(path, &text, err);

	if (r < 0)
		return r;
	r = curve_parse(str_text(&text), column, period_ns, ret, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

/* ---- columns ------------------------------------------------------------------------------- */

static char *first_line(const char *text)
{
	unsigned int number = 0;

	text = skip_mark(text);
	return next_line(&text, &number);
}

unsigned int curve_columns(const char *text)
{
	MEM_AUTO char *line = first_line(text);
	unsigned int n = 0;

	if (!line)
		return 0;
	char separator = separator_of(line);
	for (const char *at = line; *(at = field_end(at, separator)); at++)
		n++;
	return n;
}

void curve_column_name(const char *text, unsigned int column, char *buf, size_t size)
{
	MEM_AUTO char *line = first_line(text);

	buf[0] = '\0';
	if (line && is_names(line))
		get_field(line, column, buf, size);
}
