/*
 * See curve_time.h.
 */
#include "workloads/curve_time.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

/* Larger ones are points in time: seconds since 1970; from the next on in milliseconds, and so on
 * down to nanoseconds. */
#define UNIX_LEAST    100000000.0
#define UNIX_MS_LEAST 100000000000.0
#define UNIX_MOST     1e19

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

bool time_number(const char *text, double *ret)
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

static int days_in(int year, int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Z, UTC, +02, +02:00, +0200, or nothing: some zone's, the same in all rows. */
static bool parse_zone(const char *at, struct curve_time *ret)
{
	int hours, minutes = 0, sign;

	at += *at == ' ';
	ret->kind = *at ? TIME_ZONED : TIME_LOCAL;
	if (!*at || str_eq(at, "Z") || str_eq(at, "UTC"))
		return true;
	sign = *at == '-' ? -1 : 1;
	at = take_char(at, "+-");
	at = at ? take_digits(at, 2, &hours) : NULL;
	if (at && *at)
		at = take_digits(at + (*at == ':'), 2, &minutes);
	if (!at || *at || hours > 14 || minutes > 59)
		return false;
	ret->zone_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_date(const char *text, struct curve_time *ret)
{
	int year, month, day;
	double clock_s;
	const char *at = take_char(take_digits(text, 4, &year), "-");

	at = at ? take_char(take_digits(at, 2, &month), "-") : NULL;
	at = at ? take_char(take_digits(at, 2, &day), "T ") : NULL;
	at = at ? take_clock(at, &clock_s) : NULL;
	if (!at || year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month) || clock_s > TIME_DAY_SECONDS)
		return false;
	ret->seconds = (double)days_of(year, month, day) * TIME_DAY_SECONDS + clock_s;
	return parse_zone(at, ret);
}

bool time_parse(const char *text, struct curve_time *ret)
{
	uint64_t ns;
	struct err none;

	*ret = (struct curve_time){.kind = TIME_SPAN};
	if (parse_clock(text, &ret->seconds))
		return true;
	if (time_number(text, &ret->seconds)) {
		ret->kind = ret->seconds >= UNIX_LEAST ? TIME_ZONED : TIME_SPAN;
		if (ret->seconds > UNIX_MOST)
			return false;
		while (ret->seconds >= UNIX_MS_LEAST)
			ret->seconds /= 1000;
		return true;
	}
	if (parse_date(text, ret))
		return true;
	*ret = (struct curve_time){.kind = TIME_SPAN};
	if (parse_duration(text, &ns, &none) < 0)
		return false;
	ret->seconds = (double)ns / 1e9;
	return true;
}
