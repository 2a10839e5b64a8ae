/*
 * Points in time: "2026-11-20", "2026-11-20 10:00[:30[.5]]", RFC 3339 (a T, a zone: Z or +02:00),
 * "10:00" (today), "@1795168800[.5]", "now", "today", "yesterday", "-2h", "2h ago", "3 days ago".
 */
#include "base/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

static const int64_t second_us = 1000000;

static const struct {
	const char *name; /* its plural may end in an s */
	int64_t seconds;
} units[] = {
	{"s", 1},    {"sec", 1},     {"second", 1}, {"m", 60},	    {"min", 60},   {"minute", 60},
	{"h", 3600}, {"hour", 3600}, {"d", 86400},  {"day", 86400}, {"w", 604800}, {"week", 604800},
};

static bool find_unit(const char *name, size_t n, int64_t *ret_seconds)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i].name);
		bool plural = n == len + 1 && len > 1 && name[len] == 's';
		if ((n != len && !plural) || strncmp(name, units[i].name, len) != 0)
			continue;
		*ret_seconds = units[i].seconds;
		return true;
	}
	return false;
}

/* "-2h", "2h ago", "1h 30min ago" */
static bool parse_ago(const char *text, int64_t now, int64_t *ret)
{
	bool minus = *text == '-', any = false;
	int64_t total = 0;

	for (text += minus; *text && !str_eq(text, "ago"); any = true) {
		char *end;
		double n = strtod(text, &end);
		int64_t seconds;
		if (!isdigit((unsigned char)*text))
			return false;
		text = end + strspn(end, " ");
		size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		if (!find_unit(text, len, &seconds) || n > 1e9)
			return false;
		total += (int64_t)(n * (double)(seconds * second_us));
		text += len;
		text += strspn(text, " ");
	}
	*ret = now - total;
	return any && (minus || *text);
}

static bool parse_unix(const char *text, int64_t *ret)
{
	char *end;
	double value = strtod(text, &end);

	if ((!isdigit((unsigned char)*text) && *text != '-') || *end || value > 1e12 ||
	    value < -1e12)
		return false;
	*ret = (int64_t)(value * (double)second_us);
	return true;
}

/* ".5" of a second; *at moves behind it. */
static int64_t fraction(const char **at)
{
	int64_t us = 0, place = second_us / 10;

	if (**at != '.' && **at != ',')
		return 0;
	for (++*at; isdigit((unsigned char)**at); ++*at, place /= 10)
		us += (**at - '0') * place;
	return us;
}

/* Z, +02:00, +0200, nothing (local time). */
static bool zoned(const char *zone, struct tm *tm, int64_t *ret_seconds)
{
	int hours, minutes, used = 0;

	while (*zone == ' ')
		zone++;
	if (*zone == '\0') {
		tm->tm_isdst = -1;
		*ret_seconds = mktime(tm);
		return true;
	}
	*ret_seconds = timegm(tm);
	if (str_eq(zone, "Z") || str_eq(zone, "UTC"))
		return true;
	if ((*zone != '+' && *zone != '-') ||
	    (sscanf(zone + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
	     sscanf(zone + 1, "%2d%2d%n", &hours, &minutes, &used) != 2) ||
	    zone[1 + used])
		return false;
	*ret_seconds -= (*zone == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_clock(const char *at, struct tm *tm, int64_t *ret)
{
	const char *rest = strptime(at, "%H:%M", tm);
	int64_t us = 0, seconds;

	if (!rest)
		return false;
	if (*rest == ':' && !(rest = strptime(rest, ":%S", tm)))
		return false;
	us = fraction(&rest);
	if (!zoned(rest, tm, &seconds))
		return false;
	*ret = seconds * second_us + us;
	return true;
}

static struct tm day_of(int64_t unix_us)
{
	time_t seconds = (time_t)(unix_us / second_us);
	struct tm tm;

	localtime_r(&seconds, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return tm;
}

static bool parse_date(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	int64_t seconds;

	if (!rest)
		return false;
	if ((*rest == ' ' || *rest == 'T') && rest[1])
		return parse_clock(rest + 1, &tm, ret);
	if (*rest || !zoned("", &tm, &seconds))
		return false;
	*ret = seconds * second_us;
	return true;
}

static bool parse_word(const char *text, int64_t now, int64_t *ret)
{
	struct tm tm = day_of(now);

	if (str_eq(text, "now")) {
		*ret = now;
		return true;
	}
	if (!str_eq(text, "today") && !str_eq(text, "yesterday"))
		return false;
	tm.tm_mday -= str_eq(text, "yesterday");
	tm.tm_isdst = -1;
	*ret = mktime(&tm) * second_us;
	return true;
}

int parse_when(const char *text, int64_t now_unix_us, int64_t *ret_unix_us, struct err *err)
{
	struct tm today = day_of(now_unix_us);

	if (*text == '@' ? parse_unix(text + 1, ret_unix_us)
			 : parse_word(text, now_unix_us, ret_unix_us) ||
				   parse_ago(text, now_unix_us, ret_unix_us) ||
				   parse_date(text, ret_unix_us) ||
				   parse_clock(text, &today, ret_unix_us))
		return 0;
	return err_set(err, EINVAL,
		       "'%s' is no time, expected such as '2026-11-20 10:00', '2h ago', "
		       "'@1795168800' or '2026-11-20T10:00:00Z'",
		       text);
}
