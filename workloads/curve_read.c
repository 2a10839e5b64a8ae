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

enum { FIELD_MAX = 64, DAY_SECONDS = 86400 };
/* Larger ones are points in time: seconds since 1970, milliseconds since 1970. */
#define UNIX_LEAST    100000000.0
#define UNIX_MS_LEAST 100000000000.0

struct reader {
	size_t cap;
	unsigned int column;
	bool has_base; /* points in time: count from the first one's midnight */
	double base_s;
	struct curve *curve;
};

/* ---- fields -------------------------------------------------------------------------------- */

/* Cuts the next line off; NULL: there is none. Blank ones and comments are left out. */
static char *next_line(const char **rest, unsigned int *number)
{
	while (**rest) {
		size_t len = strcspn(*rest, "\n");
		const char *from = *rest + strspn(*rest, " \t\r");
		bool empty = from >= *rest + len || *from == '#';
		char *line = empty ? NULL : mem_printf("%.*s", (int)(*rest + len - from), from);

		*rest += len + ((*rest)[len] == '\n');
		++*number;
		if (line)
			return line;
	}
	return NULL;
}

/* Field i of a row, without blanks and quotation marks; "" where there is none. */
static void get_field(const char *line, unsigned int i, char *buf, size_t size)
{
	for (; i > 0 && *line; i--) {
		line += strcspn(line, ",;\t");
		line += *line != '\0';
	}
	line += strspn(line, " \"");
	size_t len = strcspn(line, ",;\t\r\"");
	while (len > 0 && line[len - 1] == ' ')
		len--;
	snprintf(buf, size, "%.*s", (int)len, line);
}

static bool is_names(const char *line)
{
	char field[FIELD_MAX];

	get_field(line, 0, field, sizeof(field));
	return !isdigit((unsigned char)field[0]);
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* sscanf and strtod would make every hog a tenth larger than it is, and a hog has to fit into a
 * group of a MiB. These return what comes after the number; NULL: there is none. */

/* At most 'digits' of them. */
static const char *take_digits(const char *at, int digits, int *ret)
{
	const char *from = at;

	for (*ret = 0; isdigit((unsigned char)*at) && at - from < digits; at++)
		*ret = *ret * 10 + (*at - '0');
	return at > from ? at : NULL;
}

static const char *take_char(const char *at, const char *any)
{
	return at && *at && strchr(any, *at) ? at + 1 : NULL;
}

/* 123, 1.5, 1.5e+08 */
static const char *take_number(const char *at, double *ret)
{
	double value = 0, place = 1;
	int power = 0;

	if (!at || !isdigit((unsigned char)*at))
		return NULL;
	for (; isdigit((unsigned char)*at); at++)
		value = value * 10 + (*at - '0');
	if (at[0] == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at); at++)
			value += (*at - '0') * (place /= 10);
	if (*at == 'e' || *at == 'E') {
		bool small = at[1] == '-';
		const char *after = take_digits(at + 1 + (small || at[1] == '+'), 2, &power);
		at = after ? after : at;
		for (; after && power > 0; power--)
			value = small ? value / 10 : value * 10;
	}
	*ret = value;
	return at;
}

static bool is_number(const char *text, double *ret)
{
	const char *end = take_number(text, ret);

	return end && !*end;
}

/* ---- times --------------------------------------------------------------------------------- */

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return 365LL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* HH:MM[:SS[.FRACTION]]; returns what comes after it. */
static const char *take_clock(const char *at, double *ret_s)
{
	int hours, minutes;
	double seconds = 0;

	at = at ? take_digits(at, 4, &hours) : NULL;
	at = take_char(at, ":");
	at = at ? take_digits(at, 2, &minutes) : NULL;
	if (at && *at == ':')
		at = take_number(at + 1, &seconds);
	if (!at || minutes > 59 || seconds >= 61)
		return NULL;
	*ret_s = hours * 3600.0 + minutes * 60.0 + seconds;
	return at;
}

static bool parse_clock(const char *text, double *ret_s)
{
	const char *end = take_clock(text, ret_s);

	return end && !*end;
}

/* One zone for all rows, so what it is does not matter. */
static bool parse_date(const char *text, double *ret_s)
{
	int year, month, day;
	double clock_s;
	const char *at = take_char(take_digits(text, 4, &year), "-");

	at = at ? take_char(take_digits(at, 2, &month), "-") : NULL;
	at = at ? take_char(take_digits(at, 2, &day), "T ") : NULL;
	if (!at || !take_clock(at, &clock_s) || month < 1 || month > 12 || day < 1 || day > 31 ||
	    clock_s > DAY_SECONDS)
		return false;
	*ret_s = (double)days_of(year, month, day) * DAY_SECONDS + clock_s;
	return true;
}

/* *ret_point: it is a point in time. */
static bool parse_time(const char *text, double *ret_s, bool *ret_point)
{
	uint64_t ns;
	struct err none;

	*ret_point = parse_date(text, ret_s);
	if (*ret_point || parse_clock(text, ret_s))
		return true;
	if (is_number(text, ret_s)) {
		*ret_point = *ret_s >= UNIX_LEAST;
		if (*ret_s >= UNIX_MS_LEAST)
			*ret_s /= 1000;
		return true;
	}
	if (parse_duration(text, &ns, &none) < 0)
		return false;
	*ret_s = (double)ns / 1e9;
	return true;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Numbers as programs print them (1.5e+08) as well. */
static int parse_bytes(const char *text, uint64_t *ret, struct err *err)
{
	double value;

	if (is_number(text, &value) && value < (double)CURVE_BYTES_MAX) {
		*ret = (uint64_t)(value + 0.5);
		return 0;
	}
	int r = parse_size(text, ret, err);
	if (r >= 0 && *ret > CURVE_BYTES_MAX)
		return err_set(err, EINVAL, "'%s' is no size that can be held", text);
	return r;
}

static int add_row(struct reader *reader, const char *line, struct err *err)
{
	struct curve *curve = reader->curve;
	char time[FIELD_MAX], bytes[FIELD_MAX];
	struct curve_row point = {0};
	double seconds;
	bool in_time;

	get_field(line, 0, time, sizeof(time));
	get_field(line, reader->column, bytes, sizeof(bytes));
	if (!*bytes)
		return 0;
	if (!parse_time(time, &seconds, &in_time))
		return err_set(err, EINVAL,
			       "'%s' is not a time, expected such as 06:30, 6h, 23400 (seconds) or "
			       "2026-11-28T06:30:00",
			       time);
	if (in_time && !reader->has_base) {
		reader->base_s = seconds - (double)((uint64_t)seconds % DAY_SECONDS) -
				 (seconds - (double)(uint64_t)seconds);
		reader->has_base = true;
	}
	if (parse_bytes(bytes, &point.bytes, err) < 0)
		return -err->code;
	seconds -= reader->base_s;
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

	if (str_starts(text, "\xef\xbb\xbf"))
		text += 3;
	while (r == 0 && (line = next_line(&text, &number)) != NULL) {
		if (!first || !is_names(line))
			r = add_row(&reader, line, err);
		first = false;
		free(line);
	}
	if (r < 0)
		(void)err_wrap(err, "line %u", number);
	else if (curve.n == 0)
		r = err_set(err, EINVAL, "no row has a time and bytes in column %u", column);
	else
		r = set_period(&curve, period_ns, err);
	if (r < 0) {
		curve_clear(&curve);
		return r;
	}
	*ret = curve;
	return 0;
}

int curve_load(const char *path, unsigned int column, uint64_t period_ns, struct curve *ret,
	       struct err *err)
{
	STR_AUTO text = STR_INIT;
	int r = fd_read_at_most(AT_FDCWD, path, CURVE_FILE_MAX, &text, err);

	if (r < 0)
		return r;
	r = curve_parse(str_text(&text), column, period_ns, ret, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

/* ---- columns ------------------------------------------------------------------------------- */

unsigned int curve_columns(const char *text)
{
	unsigned int number = 0, n = 0;
	MEM_AUTO char *line = next_line(&text, &number);

	for (const char *at = line; at && *at; at++)
		n += *at == ',' || *at == ';' || *at == '\t';
	return n;
}

void curve_column_name(const char *text, unsigned int column, char *buf, size_t size)
{
	unsigned int number = 0;
	MEM_AUTO char *line = next_line(&text, &number);

	buf[0] = '\0';
	if (line && is_names(line))
		get_field(line, column, buf, size);
}
